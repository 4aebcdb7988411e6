"""The operators that only rules of flows have.

What each test gets is the value as its family sees it (:mod:`pointsman.rules.readings`): a number,
a text, true or false, a moment, or ``MISSING`` for what is nothing of that kind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pointsman.patterns import Pattern
from pointsman.rules.obscenity import is_obscene
from pointsman.rules.operators import Test, negated, operator
from pointsman.rules.values import is_number

__all__: list[str] = []

Bounds = tuple[float, float]


@operator(spelled="is between", family="between", takes="range")
def is_between(wanted: Bounds, _ignore_case: bool) -> Test:
    """Whether a number, a day, a time or a range's average is in the range, its ends included."""
    low, high = wanted
    return lambda value: is_number(value) and low <= value <= high


@operator(spelled="is not between", family="between", takes="range", negative=True)
def is_not_between(wanted: Bounds, ignore_case: bool) -> Test:
    """Whether it is outside of the range; true of what is nothing of that kind."""
    return negated(is_between(wanted, ignore_case))


@operator(spelled="matches pattern", family="pattern", takes="pattern")
def matches_pattern(wanted: Pattern, _ignore_case: bool) -> Test:
    """Whether the text fits a glob from end to end, or holds a match of a regular expression."""
    return lambda value: isinstance(value, str) and value != "" and wanted.found(value)


@operator(spelled="does not match pattern", family="pattern", takes="pattern", negative=True)
def does_not_match_pattern(wanted: Pattern, ignore_case: bool) -> Test:
    """Whether the text does not match; true of blank text."""
    return negated(matches_pattern(wanted, ignore_case))


@operator(spelled="is true", family="truth", takes="nothing")
def is_true(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value is true, or the text `true`."""
    return lambda value: value is True


@operator(spelled="is not true", family="truth", takes="nothing", negative=True)
def is_not_true(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value is anything but true: false, or blank."""
    return lambda value: value is not True


@operator(spelled="is false", family="truth", takes="nothing")
def is_false(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value is false, or the text `false`; blank is not."""
    return lambda value: value is False


@operator(spelled="is not false", family="truth", takes="nothing", negative=True)
def is_not_false(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value is anything but false: true, or blank."""
    return lambda value: value is not False


@operator(spelled="format is valid", family="valid", takes="nothing")
def format_is_valid(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value's type can read it; a type that reads any text reads what is not blank."""
    return lambda value: value is True


@operator(spelled="format is invalid", family="valid", takes="nothing", negative=True)
def format_is_invalid(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the value's type cannot read it; true of a missing value."""
    return lambda value: value is not True


@operator(spelled="is obscene", family="obscene", takes="nothing")
def obscene(_wanted: Any, _ignore_case: bool) -> Test:
    """Whether the text has a word of the list of obscene English words."""
    return lambda value: isinstance(value, str) and is_obscene(value)


@operator(spelled="is not obscene", family="obscene", takes="nothing", negative=True)
def not_obscene(wanted: Any, ignore_case: bool) -> Test:
    """Whether the text has none of these words; true of blank text."""
    return negated(obscene(wanted, ignore_case))


@operator(spelled="is within the last", family="recent", takes="span")
def is_within_the_last(wanted: tuple[datetime, datetime], _ignore_case: bool) -> Test:
    """Whether a day or time is less than that long ago; what is to come is not."""
    since, now = wanted
    return lambda value: isinstance(value, datetime) and since < value <= now


@operator(spelled="is not within the last", family="recent", takes="span", negative=True)
def is_not_within_the_last(wanted: tuple[datetime, datetime], ignore_case: bool) -> Test:
    """Whether it is that long ago or more, is to come, or is no day or time."""
    return negated(is_within_the_last(wanted, ignore_case))
