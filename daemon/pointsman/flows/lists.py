"""Suppression lists, and what flows check against them.

A value is looked for by its normal form, trimmed and in small letters, so that one address is one
however it is spelled. Lists hold keyed hashes: nobody can read a list, only ask it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pointsman.fields.types import Value, field_types
from pointsman.flow import ListCheck, Scope, SuppressionList
from pointsman.flows.clauses import Clauses, Path
from pointsman.ids import keyed, short
from pointsman.pools.times import length_of
from pointsman.registry import nearest
from pointsman.rules.variables import lone_field, text_of

__all__ = ["CHECKS", "UNLISTED", "asked", "compile_checks", "compile_list", "item"]

CHECKS: Mapping[str, str] = {
    "duplicate": "is_duplicate",
    "existing_customer": "is_existing_customer",
    "dnc": "is_dnc",
}
"""What rules see of each check, under ``suppressionlist``."""

UNLISTED: Mapping[str, bool] = dict.fromkeys(CHECKS.values(), False)
"""What they see of a lead that no list knows."""

_LOOKBACKS = {
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
    "month": 2_592_000_000,
    "year": 31_536_000_000,
}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def compile_list(*, file: str, document: Mapping[str, Any], list_id: str) -> SuppressionList:
    """Return the list of a valid document."""
    written = document.get("retention")
    return SuppressionList(
        id=short(list_id) if "-" in list_id else list_id,
        name=document["name"],
        file=file,
        kind=document.get("kind", "custom"),
        type=document.get("type", "string"),
        hashed=document.get("hashed", False),
        retention=length_of(written) if written else 0,
    )


def compile_checks(
    document: Mapping[str, Any],
    lists: Mapping[str, SuppressionList],
    clauses: Clauses,
) -> tuple[ListCheck, ...]:
    """Return the ``list_checks`` of a flow; ``lists`` are by file stem and by id."""
    found = []
    for name, check in (document.get("list_checks") or {}).items():
        path: Path = ("list_checks", name)
        listed = lists.get(check["list_name"]) or _called(lists, check["list_name"])
        if listed is None:
            hint = nearest(check["list_name"], sorted(lists))
            expected = hint or "; expected the name of a file in lists/"
            clauses.report((*path, "list_name"), f"no list '{check['list_name']}'{expected}")
            continue
        value = clauses.text(check["value"], (*path, "value"))
        typed = clauses.types.get(lone_field(check["value"]) or "") == listed.type
        found.append(ListCheck(name, value, listed, _lookback(check.get("lookback")), typed))
    return tuple(found)


def asked(checks: Sequence[ListCheck], scope: Scope, secret: bytes) -> list[tuple[ListCheck, str]]:
    """Return what a lead is to be looked for by; a check of nothing finds nothing."""
    found = []
    for check in checks:
        value = check.value.render(scope) if check.typed else check.value.text(scope)
        if one := item(check.list, value, secret):
            found.append((check, one))
    return found


def item(listed: SuppressionList, value: Any, secret: bytes) -> str:
    """Return what stands for a value in a list, 20 hex digits; "" for a blank one.

    A ``Value`` is one that the list's type has read already.
    """
    text = text_of(value)
    normal = text.strip().lower()
    if not normal:
        return ""
    if not (listed.hashed and _SHA256.fullmatch(normal)):
        if not _is_read(value, text):
            normal = _normal(listed.type, text)
        normal = sha256(normal.encode()).hexdigest()
    return keyed(secret, f"list {listed.id}", normal)[:20]


def _is_read(value: Any, text: str) -> bool:
    """Whether a type made this of it; one that leaves blanks around it did not know it for them."""
    return isinstance(value, Value) and value.valid is not False and text == text.strip()


def _normal(kind: str, value: str) -> str:
    known, text = field_types.get(kind), value.strip()
    if known is None:
        return text.lower()
    read = known.read(text)  # a part of the work, and nearly always enough
    return text_of(known.value(text) if read is None else read).strip().lower()


def _called(lists: Mapping[str, SuppressionList], name: str) -> SuppressionList | None:
    """Return the list that says itself that it is called so, if only one does."""
    found = {listed.id: listed for listed in lists.values() if listed.name == name}
    return next(iter(found.values())) if len(found) == 1 else None


def _lookback(document: Mapping[str, Any] | None) -> int:
    return document["value"] * _LOOKBACKS[document["interval"]] if document else 0
