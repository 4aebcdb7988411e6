"""The operators of workflows' conditions and of flows' rules, each registered once, by its names.

An operator is a function from what the condition says to a test of a field's value, made once a
load. Those about a *change* test the value before and the value now; ``NEVER`` stands for the value
before a record was created. How values compare is told by :mod:`pointsman.rules.values`; as what a
rule of a flow sees a value, by the operator's family (:mod:`pointsman.rules.readings`). What only
such rules have stands in :mod:`pointsman.rules.lead_operators`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, Literal

from pointsman.registry import Registry, origin
from pointsman.rules.paths import MISSING
from pointsman.rules.values import (
    as_text,
    is_blank,
    is_number,
    number,
    one_of,
    ordered,
    same,
    scalar,
)

__all__ = [
    "NEVER",
    "ChangeTest",
    "Operator",
    "Test",
    "negated",
    "operator",
    "operators",
    "rule_operators",
]

Test = Callable[[Any], bool]
ChangeTest = Callable[[Any, Any], bool]
Build = Callable[[Any, bool], Callable[..., bool]]
Takes = Literal["value", "list", "nothing", "range", "pattern", "span"]

NEVER: Final = object()
"""What a field of a new record was before: not even missing."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator; ``takes`` says what its ``value`` must be, ``manual`` documents it.

    ``build`` gets (value, ignore_case) and returns a :data:`Test`, or a :data:`ChangeTest` of
    (before, now) if ``of_change``. ``name`` is what conditions call it and ``spelled`` what rules
    call it, "" if they have it not. Field types list each ``family`` that fits them. A ``negative``
    operator of rules holds wherever its contrary does not. ``build`` raises ``ValueError`` for what
    it cannot take; ``origin`` is the module, or the file, that it comes from.
    """

    name: str
    build: Build
    takes: Takes
    of_change: bool
    manual: str
    spelled: str = ""
    family: str = ""
    negative: bool = False
    origin: str = ""


operators: Registry[Operator] = Registry("operator")
rule_operators: Registry[Operator] = Registry("operator")


def operator(
    name: str = "",
    spelled: str = "",
    *,
    family: str = "",
    takes: Takes = "value",
    of_change: bool = False,
    negative: bool = False,
) -> Callable[[Build], Build]:
    """Add the decorated function to the registries; its docstring is its manual.

    A test of a plugin that raises is told of and does not hold; nothing else is disturbed.
    """

    def register(build: Build) -> Build:
        manual = " ".join((build.__doc__ or "").split())
        place = origin(build)
        safe = build if place.startswith("pointsman.") else _held(name or spelled, build)
        made = Operator(name, safe, takes, of_change, manual, spelled, family, negative, place)
        if name:
            operators.add(name, made)
        if spelled:
            rule_operators.add(spelled, made)
        return build

    return register


def _held(name: str, build: Build) -> Build:
    """Return an operator of a plugin that can do no harm."""
    from pointsman import guard  # noqa: PLC0415 - loads what a small command does without

    plugin = f"operator:{name}"

    def held(wanted: Any, ignore_case: bool) -> Callable[..., bool]:
        try:
            test = guard.call(plugin, build, wanted, ignore_case)
        except Exception as error:
            raise ValueError(guard.said(error)) from error
        return guard.plain(plugin, lambda *values: bool(test(*values)), lambda *_values: False)

    return held


@operator("equals", "is equal to", family="equal")
def equals(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value; a missing field equals ``null`` only."""
    if isinstance(wanted, str) or is_number(wanted):
        return scalar(wanted, ignore_case)
    return lambda value: same(value, wanted, ignore_case)


@operator("not_equals", "is not equal to", family="equal", negative=True)
def not_equals(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is not the value; true of a missing field."""
    return negated(equals(wanted, ignore_case))


@operator("in", "is included in", family="list", takes="list")
def is_in(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field equals one item of the list."""
    return one_of(wanted, ignore_case)


@operator("not_in", "is not included in", family="list", takes="list", negative=True)
def not_in(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field equals no item of the list; true of a missing field."""
    return negated(is_in(wanted, ignore_case))


@operator("contains", "includes", family="search")
def contains(wanted: Any, ignore_case: bool) -> Test:
    """Whether the value stands in the field's text, or equals one item of its list."""
    is_item = equals(wanted, ignore_case)
    is_part = _text_test(wanted, ignore_case, lambda text, part: part in text)
    return lambda value: (
        any(is_item(item) for item in value) if isinstance(value, list) else is_part(value)
    )


@operator("not_contains", "does not include", family="search", negative=True)
def not_contains(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field does not contain the value; true of a missing field."""
    return negated(contains(wanted, ignore_case))


@operator("starts_with")
def starts_with(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field's text begins with the value."""
    return _text_test(wanted, ignore_case, str.startswith)


@operator("is_empty", "is blank", family="blank", takes="nothing")
def is_empty(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the field is missing, null, a text of nothing but space, or has no items."""
    return is_blank


@operator("is_not_empty", "is not blank", family="blank", takes="nothing", negative=True)
def is_not_empty(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the field holds anything."""
    return lambda value: not is_blank(value)


@operator("greater_than", "is greater than", family="order")
def greater_than(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is more, later, or further down the alphabet; false of another kind."""
    return _order_test(wanted, ignore_case, gt)


@operator("less_than", "is less than", family="order")
def less_than(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is less, earlier, or further up the alphabet; false of another kind."""
    return _order_test(wanted, ignore_case, lt)


@operator("greater_or_equal", "is greater than or equal to", family="order")
def greater_or_equal(wanted: Any, ignore_case: bool) -> Test:
    """Whether the field is the value or more; false of another kind."""
    return _order_test(wanted, ignore_case, ge)


@operator("less_or_equal", "is less than or equal to", family="order")
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


def negated(test: Callable[..., bool]) -> Test:
    """Return the test that holds of a missing value, and of any that ``test`` does not hold of."""
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
