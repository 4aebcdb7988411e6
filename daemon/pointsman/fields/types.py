"""The registry of field types.

A type is a function from a posted value to what it means: a :class:`Value` with a normal form and
attributes. It never raises, and what it cannot read keeps its text with ``valid`` false, because
losing what a sender wrote is worse than a text where a number should be.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pointsman.fields.text import as_text, stars
from pointsman.registry import Registry

__all__ = [
    "FieldType",
    "Mask",
    "Parse",
    "Read",
    "Value",
    "field_type",
    "field_types",
    "hide",
    "moment",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Value:
    """A posted value as its type reads it.

    ``normal`` is what rules, templates and JSON see; ``valid`` is ``None`` for types that do not
    judge. ``masked`` is ``None`` where masking has no meaning, true once characters are hidden.
    ``attributes`` are those that the value has, ``raw`` aside.
    """

    raw: Any
    normal: Any
    valid: bool | None = None
    attributes: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    masked: bool | None = None

    def __str__(self) -> str:
        return as_text(self.normal)


Parse = Callable[[Any, datetime | None], Value]
Read = Callable[[Any], Any]
Mask = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class FieldType:
    """A way to read values.

    ``parse`` tells everything about a value. ``read`` is for the way of every lead: the typed
    value alone, ``None`` for what cannot be read; ``plain`` types leave every value as it is.
    ``attributes`` names what a rule may ask a value for; ``mask`` hides a value, for types whose
    values must not be stored in the clear.
    """

    name: str
    parse: Parse
    read: Read
    manual: str
    plain: bool = False
    attributes: tuple[str, ...] = ()
    mask: Mask | None = None

    def value(self, posted: Any, now: datetime | None = None) -> Value | None:
        """Return what ``posted`` means at ``now``; nothing means nothing.

        A value that was parsed before is returned as it is.
        """
        if posted is None or isinstance(posted, Value):
            return posted
        return self.parse(posted, now)


field_types: Registry[FieldType] = Registry("field type")


def field_type(
    name: str,
    *,
    attributes: tuple[str, ...] = (),
    plain: bool = False,
    read: Read | None = None,
    mask: Mask | None = None,
) -> Callable[[Parse], Parse]:
    """Add the decorated function to the registry; its docstring is its manual page."""

    def register(parse: Parse) -> Parse:
        manual = inspect.getdoc(parse) or ""
        known = FieldType(name, parse, read or _reader(parse), manual, plain, attributes, mask)
        field_types.add(name, known)
        return parse

    return register


def hide(value: Value) -> Value:
    """Return ``value`` with a star for every character of its texts."""
    attributes = {
        key: attribute if attribute is None else stars(attribute)
        for key, attribute in value.attributes.items()
    }
    raw = value.raw if value.raw is None else stars(value.raw)
    return Value(raw, stars(value.normal), value.valid, attributes, masked=True)


def moment(now: datetime | None) -> datetime:
    """Return ``now`` in UTC, or the time that it is."""
    if now is None:
        return datetime.now(UTC)
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


def _reader(parse: Parse) -> Read:
    def read(posted: Any) -> Any:
        if isinstance(posted, bool | list | dict):  # their text would lose what they are
            return None
        value = parse(posted, None)
        return value.normal if value.valid else None

    return read
