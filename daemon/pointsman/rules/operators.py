"""The operators of conditions, by name.

An operator is a function from what the condition says to a test of a field's value, made once a
load. Those about a *change* test the value before and the value now; ``NEVER`` stands for the value
before a record was created. How values compare is told by :mod:`pointsman.rules.values`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, Literal

from pointsman.registry import Registry
from pointsman.rules.paths import MISSING
from pointsman.rules.values import (
    as_text,
    is_blank,
    is_number,
    is_plain,
    number,
    ordered,
    same,
    scalar,
)

__all__ = ["NEVER", "ChangeTest", "Operator", "Test", "operator", "operators"]

Test = Callable[[Any], bool]
ChangeTest = Callable[[Any, Any], bool]
Build = Callable[[Any, bool], Callable[..., bool]]
Takes = Literal["value", "list", "nothing"]

NEVER: Final = object()
"""What a field of a new record was before: not even missing."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator; ``takes`` says what its ``value`` must be, ``manual`` documents it.

    ``build`` gets (value, ignore_case) and returns a :data:`Test`, or a :data:`ChangeTest` of
    (before, now) if ``of_change``.
    """

    name: str
    build: Build
    takes: Takes
    of_change: bool
    manual: str


operators: Registry[Operator] = Registry("operator")


def operator(
    name: str, *, takes: Takes = "value", of_change: bool = False
) -> Callable[[Build], Build]:
    """Add the decorated function to the registry; its docstring is its manual."""

    def register(build: Build) -> Build:
        manual = " ".join((build.__doc__ or "").split())
        operators.add(name, Operator(name, build, takes, of_change, manual))
        return build

    return register


@operator("equals")
def equals(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value; a missing field equals ``null`` only."""
    if isinstance(wanted, str) or is_number(wanted):
        return scalar(wanted, ignore_case)
    return lambda value: same(value, wanted, ignore_case)


@operator("not_equals")
def not_equals(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is not the value; true of a missing field."""
    return _not(equals(wanted, ignore_case))


@operator("in", takes="list")
def is_in(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field equals one item of the list."""
    if not ignore_case and all(isinstance(item, str) and is_plain(item) for item in wanted):
        texts = frozenset(wanted)
        return lambda value: isinstance(value, str) and value in texts
    tests = [equals(item, ignore_case) for item in wanted]
    return lambda value: any(test(value) for test in tests)


@operator("not_in", takes="list")
def not_in(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field equals no item of the list; true of a missing field."""
    return _not(is_in(wanted, ignore_case))


@operator("contains")
def contains(wanted: Any, ignore_case: bool) -> Test:
    """Whether the value stands in the field's text, or equals one item of its list."""
    is_item = equals(wanted, ignore_case)
    is_part = _text_test(wanted, ignore_case, lambda text, part: part in text)
    return lambda value: (
        any(is_item(item) for item in value) if isinstance(value, list) else is_part(value)
    )


@operator("not_contains")
def not_contains(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field does not contain the value; true of a missing field."""
    return _not(contains(wanted, ignore_case))


@operator("starts_with")
def starts_with(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field's text begins with the value."""
    return _text_test(wanted, ignore_case, str.startswith)


@operator("is_empty", takes="nothing")
def is_empty(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the field is missing, null, a text of nothing but space, or has no items."""
    return is_blank


@operator("is_not_empty", takes="nothing")
def is_not_empty(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the field holds anything."""
    return lambda value: not is_blank(value)


@operator("greater_than")
def greater_than(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is more, later, or further down the alphabet; false of another kind."""
    return _order_test(wanted, ignore_case, gt)


@operator("less_than")
def less_than(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is less, earlier, or further up the alphabet; false of another kind."""
    return _order_test(wanted, ignore_case, lt)


@operator("greater_or_equal")
def greater_or_equal(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value or more; false of another kind."""
    return _order_test(wanted, ignore_case, ge)


@operator("less_or_equal")
def less_or_equal(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value or less; false of another kind."""
    return _order_test(wanted, ignore_case, le)


@operator("any_change", takes="nothing", of_change=True)
def any_change(_wanted: Any, ignore_case: bool) -> ChangeTest:
    """Whether this event changed the field; of a new record, whether the field holds anything."""
    return lambda before, now: (
        not is_blank(now) if before is NEVER else not same(before, now, ignore_case)
    )


@operator("changed_to", of_change=True)
def changed_to(wanted: Any, ignore_case: bool) -> ChangeTest:
    """Whether this event made the field the value; a new record's first value counts."""
    is_wanted = equals(wanted, ignore_case)

    def test(before: Any, now: Any) -> bool:
        if before is NEVER:
            return now is not None and now is not MISSING and is_wanted(now)
        return is_wanted(now) and not same(before, now, ignore_case)

    return test


@operator("changed_from", of_change=True)
def changed_from(wanted: Any, ignore_case: bool) -> ChangeTest:
    """Whether the field was the value until this event; never of a new record."""
    was_wanted = equals(wanted, ignore_case)
    return lambda before, now: (
        before is not NEVER and was_wanted(before) and not same(before, now, ignore_case)
    )


def _not(test: Callable[..., bool]) -> Test:
    return lambda value: value is MISSING or not test(value)


def _text_test(wanted: Any, ignore_case: bool, holds: Callable[[str, str], bool]) -> Test:
    part = as_text(wanted)
    if part is None:
        return lambda _value: False
    if ignore_case:
        folded = part.casefold()
        return lambda value: isinstance(value, str) and holds(value.casefold(), folded)
    return lambda value: isinstance(value, str) and holds(value, part)


def _order_test(wanted: Any, ignore_case: bool, holds: Callable[[Any, Any], bool]) -> Test:
    limit = ordered(wanted, ignore_case)
    if limit is None:
        return lambda _value: False
    against, comparable = limit
    if comparable is number:
        return lambda value: (
            holds(value, against)
            if is_number(value)
            else (found := number(value)) is not None and holds(found, against)
        )

    def test(value: Any) -> bool:
        found = comparable(value)
        return found is not None and holds(found, against)

    return test
