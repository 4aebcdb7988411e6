"""An organization's fields, ready to turn posted bodies into leads.

This is on the way of every lead: a body key is looked up once, in a dict that holds both spellings
of every known field. Nothing a sender writes is dropped: unknown keys, and known ones with values
that have no place in the record (``id``, ``owner_id``, tags that are no text), go to
``custom_fields`` unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pointsman.errors import Refused
from pointsman.fields.limits import check
from pointsman.fields.standard import standard_fields
from pointsman.fields.types import Read, field_types
from pointsman.modules import MODULES

__all__ = ["FieldTable", "compile_fields"]

Report = Callable[[tuple[str | int, ...], str], None]

_KEPT = ("id", "owner_id", "created_at", "updated_at", "source", "tags", "stage", "score")
"""Names in a record that are not for an organization's fields: the daemon's or every record's."""

_RESERVED = frozenset((*_KEPT, *MODULES["leads"].links, "converted_at", "custom_fields"))
_OWN = ("email", "phone_1", "phone_2", "phone_3", "work_email")
_BUMP = re.compile(r"_([a-z0-9])")
_LETTER_BUMP = re.compile(r"_([a-z])")


class FieldTable:
    """Implements :class:`pointsman.model.FieldTable`; ``types`` is type by field id.

    ``labels`` are what people call fields of their own.
    """

    __slots__ = ("_known", "_required", "found_by", "labels", "types")

    def __init__(
        self,
        types: Mapping[str, str],
        required: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.types = types
        self.labels = labels or {}
        self.found_by = _found_by(types)
        self._required = tuple(required)
        self._known: dict[str, tuple[str, Read | None]] = {}
        for name in (*types, *_PLACES):
            self._known[name] = (name, _PLACES.get(name) or _reader(types.get(name, "")))
        for name in (*types, *_PLACES):
            for spelling in _spellings(name):
                self._known.setdefault(spelling, self._known[name])

    def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lead's data: known fields typed, everything else under ``custom_fields``.

        Raises ``Refused``: 400 for a body beyond the limits, 422 naming every field that fails.
        """
        check(body)
        data = self._data(body)
        if self._required:
            self._refuse_missing(data)
        return data

    def read(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same of some of a lead's fields: none is required, null empties one."""
        check(body)
        empty = {
            self._known[key][0]: None for key, v in body.items() if v is None and key in self._known
        }
        return {**empty, **self._data(body)}

    def _data(self, body: Mapping[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        known = self._known
        for key, value in body.items():
            place = known.get(key)
            if place is None:
                custom[key] = value
                continue
            name, read = place
            if read is not None and value is not None:
                typed = read(value)
                value = value if typed is None else typed  # noqa: PLW2901 - the hot path
                if typed is None and name in _PLACES:
                    name = ""
            elif value is None and name in _PLACES:
                continue
            if not name or (name != key and name in body):  # both spellings: snake_case wins
                custom[key] = value
            else:
                data[name] = value
        if posted := data.pop("custom_fields", None):
            custom = {**posted, **custom}
        if custom:
            data["custom_fields"] = custom
        return data

    def _refuse_missing(self, data: Mapping[str, Any]) -> None:
        missing = [name for name in self._required if _is_blank(data.get(name))]
        if missing:
            raise Refused(
                "; ".join(f"{name}: is required and must not be blank" for name in missing),
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
                code="VALIDATION_ERROR",
            )


def compile_fields(document: Mapping[str, Any] | None, report: Report) -> FieldTable:
    """Return the table of a ``fields.yaml`` (or of none: the standard fields)."""
    types = dict(standard_fields())
    required: list[str] = []
    seen: dict[str, str] = {}
    for place, entry in enumerate(_declared(document)):
        name = entry["id"]
        if name in _RESERVED:
            report(("fields", place, "id"), f"'{name}' is a part of every record; rename the field")
        elif other := next((seen[s] for s in (name, *_spellings(name)) if s in seen), None):
            report(("fields", place, "id"), f"senders cannot tell '{name}' from '{other}' above")
        else:
            types[name] = entry["type"]
            seen |= dict.fromkeys((name, *_spellings(name)), name)
            required += [name] if entry.get("required") else []
        if entry["type"] not in field_types:
            message = field_types.explain_missing(entry["type"])
            report(("fields", place, "type"), message)
    labels = {each["id"]: each["label"] for each in _declared(document) if "label" in each}
    return FieldTable(types, required, labels)


def _declared(document: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    fields: Iterable[Mapping[str, Any]] = (document or {}).get("fields", ())
    return fields


def _found_by(types: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the person's own addresses and numbers, and those that the organization declared."""
    declared = (name for name in types if name not in standard_fields())
    named = ((name, types.get(name, "")) for name in (*_OWN, *declared))
    return tuple((name, kind) for name, kind in named if kind in {"email", "phone"})


def _reader(name: str) -> Read | None:
    """Return how a type reads, ``None`` where values stay as they are."""
    found = field_types.get(name)
    return None if found is None or found.plain else found.read


def _spellings(name: str) -> set[str]:
    """Return the camelCase spellings of a name; ``phone_1`` is ``phone1`` or stays."""
    return {bump.sub(lambda found: found[1].upper(), name) for bump in (_BUMP, _LETTER_BUMP)} - {
        name
    }


def _tags(value: Any) -> list[str] | None:
    """Return tags without blanks and doubles; one text is one tag."""
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return None
    return list(dict.fromkeys(tag for tag in tags if tag and not tag.isspace()))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


_PLACES: Mapping[str, Read] = {
    "tags": _tags,
    "stage": _text,
    "score": field_types["number"].read,
    "custom_fields": _object,
}
"""Parts of every record that a sender may fill, and what they take."""


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value in ([], {})
