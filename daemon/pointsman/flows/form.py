"""What a flow keeps of what was sent: parameters made into a lead's typed fields.

A parameter is kept if a field of the flow has its name, or a mapping of the source moves it to one;
the rest is dropped. A value that its type cannot read stays the text that was sent: only rules
refuse it. What must not be stored in the clear is masked in the data, and clear in the scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pointsman.fields.types import FieldType, Mask, Parse, Value, field_types, masked
from pointsman.flow import FieldMapping
from pointsman.rules.variables import plain

__all__ = ["Form", "apply_mappings"]

Typing = tuple[str, tuple[str, ...], FieldType | None, Parse | None]


class Form:
    """The fields of one flow, with their types."""

    __slots__ = ("_fields", "_masks", "_types")

    def __init__(self, types: Mapping[str, str], fields: frozenset[str] | None) -> None:
        self._types = types
        self._masks = _Masks(types)
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
        for name, parts, kind, parse in known:
            posted = _find(parameters, name, parts) if parts else parameters.get(name)
            if type(posted) is str and parse is not None:  # nearly always
                lead[name] = parse(posted, at)
            elif posted is not None:
                lead[name] = posted if kind is None else _typed(kind, posted, at)
        return lead

    def stored(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return a lead's fields as they are stored: JSON, masked where they must be."""
        found = {}
        masks = self._masks
        for name, value in lead.items():
            mask = masks[name]
            if mask is None and type(value) is Value and value.valid is not False:  # nearly always
                found[name] = value.normal
            else:
                found[name] = plain(masked(value, mask))
        return found

    def masked(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        """Return a lead's fields as reasons may tell them: typed, masked where they must be."""
        return {name: masked(value, self._masks[name]) for name, value in lead.items()}

    def secrets(self, lead: Mapping[str, Any]) -> list[str]:
        """Return the texts of values that must not be stored in the clear."""
        hidden = (value for name, value in lead.items() if self._masks[name] is not None)
        return [str(text) for value in hidden for text in _texts(value) if text]


class _Masks(dict[str, Mask | None]):
    """How the values of a field are masked, by its name; looked up when first asked for."""

    __slots__ = ("_types",)

    def __init__(self, types: Mapping[str, str]) -> None:
        super().__init__()
        self._types = types

    def __missing__(self, name: str) -> Mask | None:
        kind = field_types.get(self._types.get(name, ""))
        mask = self[name] = kind.mask if kind is not None else None
        return mask


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
    kind = field_types.get(types[name])
    return name, parts, kind, kind.parse if kind is not None else None


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


def _texts(value: Any) -> Iterator[Any]:
    """Yield everything that may be known of a value, wherever it stands in what was sent."""
    if isinstance(value, Value):
        yield from (value.raw, value.normal)
    elif isinstance(value, list | Mapping):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)
    else:
        yield value
