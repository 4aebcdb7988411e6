"""The registry of field types.

A type is a function from a posted value to what it means: a :class:`Value` with a normal form and
attributes. It never raises, and what it cannot read keeps its text with ``valid`` false, because
losing what a sender wrote is worse than a text where a number should be.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from pointsman.fields.text import as_text, stars
from pointsman.registry import Registry, origin

__all__ = [
    "CLEAR",
    "VALID",
    "Comparison",
    "FieldType",
    "Mask",
    "Parse",
    "Read",
    "Value",
    "field_type",
    "field_types",
    "hide",
    "masked",
    "moment",
]

NOTHING: Mapping[str, Any] = MappingProxyType({})
TEXT = ("equal", "valid", "search", "list", "pattern")
"""Families of operators that fit a type whose values are read from text and compared as text."""


VALID: Final = True
CLEAR: Final = False
"""``valid`` and ``masked`` of most values, given by place: by name a value costs twice as much."""


@dataclass(slots=True, init=False)
class Value:
    """A posted value as its type reads it; nobody changes one.

    Not ``frozen``, which takes five times as long to make one, and a lead has many. For the same
    reason it is made by hand: a default that is a mapping would be one more call.

    ``normal`` is what rules, templates and JSON see; ``valid`` is ``None`` for types that do not
    judge. ``masked`` is ``None`` where masking has no meaning, true once characters are hidden.
    ``attributes`` are those that the value has, ``raw`` aside.
    """

    raw: Any
    normal: Any
    valid: bool | None
    attributes: Mapping[str, Any]
    masked: bool | None

    def __init__(
        self,
        raw: Any,
        normal: Any,
        valid: bool | None = None,
        attributes: Mapping[str, Any] = NOTHING,
        masked: bool | None = None,
    ) -> None:
        self.raw = raw
        self.normal = normal
        self.valid = valid
        self.attributes = attributes
        self.masked = masked

    def __str__(self) -> str:
        return as_text(self.normal)


Parse = Callable[[Any, datetime | None], Value]
Comparison = Literal["text", "number", "range", "day", "time", "truth"]
Read = Callable[[Any], Any]
Mask = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class FieldType:
    """A way to read values.

    ``parse`` tells everything about a value. ``read`` is for the way of every lead: the typed
    value alone, ``None`` for what cannot be read; ``plain`` types leave every value as it is.
    ``attributes`` is what a rule may ask a value for, each with its own type; ``operators`` are the
    families of operators that fit, and ``compares`` tells as what they see the value. ``mask``
    hides a value, for types whose values must not be stored in the clear.
    """

    name: str
    parse: Parse
    read: Read
    manual: str
    plain: bool = False
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    mask: Mask | None = None
    operators: tuple[str, ...] = ()
    compares: Comparison = "text"
    origin: str = ""

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
    operators: tuple[str, ...] = TEXT,
    attributes: Mapping[str, str] = NOTHING,
    compares: Comparison = "text",
    plain: bool = False,
    read: Read | None = None,
    mask: Mask | None = None,
) -> Callable[[Parse], Parse]:
    """Add the decorated function to the registry; its docstring is its manual page.

    Where the code of a plugin raises, the value is taken for one that cannot be read.
    """

    def register(parse: Parse) -> Parse:
        manual, place = inspect.getdoc(parse) or "", origin(parse)
        known = FieldType(
            name,
            parse,
            read or _reader(parse),
            manual,
            plain,
            attributes,
            mask,
            operators,
            compares,
            place,
        )
        if not place.startswith("pointsman."):
            known = _held(known, read)
        field_types.add(name, known)
        return parse

    return register


def _held(known: FieldType, read: Read | None) -> FieldType:
    """Return a type of a plugin so that it can do no harm."""
    from pointsman import guard  # noqa: PLC0415 - loads what a small command does without

    plugin = f"field_type:{known.name}"
    parse = guard.plain(plugin, _proven(known.parse), lambda posted, _now: _unread(posted))
    reading = guard.plain(plugin, read, lambda _posted: None) if read else _reader(parse)
    masking = guard.plain(plugin, known.mask, hide) if known.mask else None
    return replace(known, parse=parse, read=reading, mask=masking)


def _proven(parse: Parse) -> Parse:
    """Return a way to read values that is known to give one of plain data."""

    def proven(posted: Any, now: datetime | None) -> Value:
        value = parse(posted, now)
        if not isinstance(value, Value) or not isinstance(value.normal, str | int | float | bool):
            raise TypeError("expected a Value whose normal form is a text, a number or a truth")
        return value

    return proven


def _unread(posted: Any) -> Value:
    return Value(posted, as_text(posted), valid=False)


def hide(value: Value) -> Value:
    """Return ``value`` with a star for every character of its texts."""
    attributes = {
        key: attribute if attribute is None else stars(attribute)
        for key, attribute in value.attributes.items()
    }
    raw = value.raw if value.raw is None else stars(value.raw)
    return Value(raw, stars(value.normal), value.valid, attributes, masked=True)


def masked(value: Any, mask: Mask | None) -> Any:
    """Return a field's value as it may be shown; what its type does not read is hidden whole."""
    if mask is None:
        return value
    if isinstance(value, Value):
        return mask(value)
    if isinstance(value, list):
        return [masked(one, mask) for one in value]
    if isinstance(value, Mapping):
        return {name: masked(one, mask) for name, one in value.items()}
    return None if value is None else stars(value)


def moment(now: datetime | None) -> datetime:
    """Return ``now`` in UTC, or the time that it is."""
    if now is None:
        return datetime.now(UTC)
    if now.tzinfo is UTC:
        return now
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


def _reader(parse: Parse) -> Read:
    def read(posted: Any) -> Any:
        if isinstance(posted, bool | list | dict):  # their text would lose what they are
            return None
        value = parse(posted, None)
        return value.normal if value.valid else None

    return read
