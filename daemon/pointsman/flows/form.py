"""What a flow keeps of what was sent: parameters made into a lead's typed fields.

A parameter is kept if a field of the flow has its name, or a mapping of the source moves it to one;
the rest is dropped. A value that its type cannot read stays the text that was sent: only rules
refuse it. What must not be stored in the clear is masked in the data, and clear in the scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pointsman.fields.types import FieldType, Mask, Value, field_types
from pointsman.flow import FieldMapping
from pointsman.rules.variables import plain

__all__ = ["Form", "apply_mappings"]

Typing = tuple[str, tuple[str, ...], FieldType | None]


class Form:
    """The fields of one flow, with their types."""

    __slots__ = ("_fields", "_masks", "_types")

    def __init__(self, types: Mapping[str, str], fields: frozenset[str] | None) -> None:
        self._types = types
        self._masks: dict[str, Mask | None] = {}
        self._fields: Sequence[Typing] | None = None
        if fields is not None:
            self._fields = [_typing(name, types) for name in sorted(fields) if name in types]

    def read(self, parameters: Mapping[str, Any], now: int) -> dict[str, Any]:
        """Return the lead's fields by id: values of types that read text, others as they came."""
        at = datetime.fromtimestamp(now / 1000, UTC)
        known = self._fields
        if known is None:
            known = [_typing(name, self._types) for name in parameters if name in self._types]
        lead: dict[str, Any] = {}
        for name, parts, kind in known:
            posted = _find(parameters, name, parts) if parts else parameters.get(name)
            if posted is None:
                continue
            if type(posted) is str and kind is not None:  # nearly always
                lead[name] = kind.parse(posted, at)
            else:
                lead[name] = posted if kind is None else _typed(kind, posted, at)
        return lead

    def stored(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return a lead's fields as they are stored: JSON, masked where they must be."""
        found = {}
        for name, value in lead.items():
            mask = self._mask(name)
            found[name] = plain(value) if mask is None else plain(_masked(value, mask))
        return found

    def secrets(self, lead: Mapping[str, Any]) -> list[str]:
        """Return the texts of values that must not be stored in the clear."""
        hidden = (value for name, value in lead.items() if self._mask(name) is not None)
        listed = (value if isinstance(value, list) else [value] for value in hidden)
        values = (one for several in listed for one in several if isinstance(one, Value))
        return [str(text) for one in values for text in (one.raw, one.normal) if text]

    def _mask(self, name: str) -> Mask | None:
        if name not in self._masks:
            kind = field_types.get(self._types.get(name, ""))
            self._masks[name] = kind.mask if kind is not None else None
        return self._masks[name]


def apply_mappings(
    parameters: Mapping[str, Any], mappings: Sequence[FieldMapping], scope: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the parameters after a source's mappings, top to bottom; later ones win.

    A template sees the parameters as they were sent, by their raw names, beside ``scope``. What it
    leaves blank is passed over.
    """
    if not mappings:
        return parameters
    seen = {**parameters, **scope}
    mapped = dict(parameters)
    for mapping in mappings:
        value = mapping.constant
        if mapping.value is not None:
            value = mapping.value.render(seen)
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
        mapped[".".join(mapping.parts)] = value
    return mapped


def _typing(name: str, types: Mapping[str, str]) -> Typing:
    parts = tuple(name.split(".")) if "." in name else ()
    return name, parts, field_types.get(types[name])


def _find(parameters: Mapping[str, Any], name: str, parts: tuple[str, ...]) -> Any:
    """Return what was sent for a field with dots in its name, whole or nested."""
    if name in parameters:
        return parameters.get(name)
    found: Any = parameters
    for part in parts:
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part[:9]) < len(found):
            found = found[int(part[:9])]
        else:
            return None
    return found


def _typed(kind: FieldType, posted: Any, at: datetime) -> Any:
    if isinstance(posted, str):
        return kind.parse(posted, at)
    if isinstance(posted, list):
        return [_typed(kind, one, at) for one in posted]
    return posted if isinstance(posted, Mapping) else kind.value(posted, at)


def _masked(value: Any, mask: Mask) -> Any:
    if isinstance(value, list):
        return [_masked(one, mask) for one in value]
    return mask(value) if isinstance(value, Value) else value
