"""Caps and ping limits of flows and sources: what is written of them, and which count a lead.

A cap counts the leads that its rules hold for and that succeed; one inside of another is asked only
where the outer one counts. Its counter hangs on its id, so an id that is written keeps the counter
when the cap is moved or renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from orjson import OPT_SORT_KEYS, dumps

from pointsman.flow import Quota, Scope
from pointsman.flows.clauses import Clauses, Path
from pointsman.ids import element_ids, short

__all__ = ["CAP_REACHED", "compile_quotas", "every", "wanted", "why_full"]

CAP_REACHED = "Cap reached"

_NO_RULES = "-"


def compile_quotas(
    holder: Mapping[str, Any],
    name: str,
    parent: str,
    clauses: Clauses,
    path: Path,
) -> tuple[Quota, ...]:
    """Return the ``caps`` or ``ping_limits`` (``name``) of a flow, a source or another cap."""
    documents: Sequence[Mapping[str, Any]] = holder.get(name) or ()
    ids = element_ids(parent, name, documents)
    return tuple(
        _quota(document, _hex(ids[place]), clauses, (*path, name, place))
        for place, document in enumerate(documents)
    )


def wanted(quotas: Sequence[Quota], scope: Scope) -> list[Quota]:
    """Return the caps that count a lead, outer before inner."""
    found: list[Quota] = []
    for quota in quotas:
        if quota.rules is None or quota.rules.passes(scope):
            found.append(quota)
            if quota.caps:
                found += wanted(quota.caps, scope)
    return found


def every(quotas: Sequence[Quota]) -> list[Quota]:
    """Return all caps, the inner ones too."""
    return [one for quota in quotas for one in (quota, *every(quota.caps))]


def why_full(quota: Quota, scope: Scope) -> str:
    """Return what the sender is told of a cap that is reached."""
    return (quota.reason.text(scope) if quota.reason else "") or CAP_REACHED


def _quota(document: Mapping[str, Any], quota_id: str, clauses: Clauses, path: Path) -> Quota:
    rules = document.get("rule_set")
    return Quota(
        id=quota_id,
        name=document.get("name", ""),
        maximum=document["maximum"],
        duration=document.get("duration", 1),
        unit=document["duration_units"],
        time_zone=document.get("time_zone", clauses.time_zone),
        digest=sha256(dumps(rules, option=OPT_SORT_KEYS)).hexdigest()[:16] if rules else _NO_RULES,
        rules=clauses.some_rules(document, path),
        reason=clauses.template(document.get("reason"), (*path, "reason")),
        caps=compile_quotas(document, "caps", quota_id, clauses, path),
        written=document,
    )


def _hex(identifier: str) -> str:
    """Return the 24 hex digits of a derived id; a written one has them already."""
    return short(identifier) if "-" in identifier else identifier
