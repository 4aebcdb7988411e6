"""What ``{{math}}`` can calculate: its functions and operators, on numbers as JavaScript has them.

Whatever goes wrong is not a number: a root of -1, a text where a number should be, a division by
zero. Nothing here raises, and nothing takes longer the larger a number is.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from pointsman.rules.values import number as as_number

__all__ = ["BINARY", "CONSTANTS", "FUNCTIONS", "UNARY", "as_float", "is_true"]

Number = Callable[[float], float]

_MOST_PLACES = 300
_LARGEST_FACTORIAL = 170
_HALF = Decimal("0.5")

CONSTANTS: dict[str, Any] = {"PI": math.pi, "E": math.e, "true": True, "false": False}


def as_float(value: Any) -> float:
    """Return the number that a value is or spells; blank text and nothing are none."""
    if isinstance(value, bool):
        return float(value)
    found = as_number(value)
    try:
        return math.nan if found is None else float(found)
    except OverflowError:
        return math.inf


def is_true(value: Any) -> bool:
    """Return whether a condition holds: no zero, no blank text, not NaN."""
    return bool(value) and value == value  # noqa: PLR0124 - NaN equals nothing


def _held(function: Any) -> Callable[..., float]:
    """Return a function that gives NaN where it has no value, infinity where it is too large."""

    def held(*numbers: float) -> float:
        try:
            return float(function(*numbers))
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError, TypeError, ArithmeticError):
            return math.nan

    return held


def _factorial(number: float) -> float:
    if number > _LARGEST_FACTORIAL:
        return math.inf
    return round(math.gamma(number + 1)) if number.is_integer() else math.gamma(number + 1)


def _rounded(number: float, places: float = 0) -> float:
    """Round to so many places; halves go up."""
    if not math.isfinite(number) or not abs(places) <= _MOST_PLACES:
        return number
    shifted = Decimal(repr(number)).scaleb(int(places)) + _HALF
    return float(shifted.to_integral_value(ROUND_FLOOR).scaleb(-int(places)))


def _whole(function: Callable[[float], int]) -> Number:
    return lambda number: float(function(number)) if math.isfinite(number) else number


def _power(base: float, exponent: float) -> float:
    found = base**exponent
    return math.nan if isinstance(found, complex) else found


def _cube_root(number: float) -> float:
    return math.copysign(abs(number) ** (1 / 3), number)


def _sign(number: float) -> float:
    return math.copysign(1, number) if number else number


UNARY: dict[str, Number] = {
    name: _held(function)
    for name, function in {
        "abs": abs,
        "acos": math.acos,
        "acosh": math.acosh,
        "asin": math.asin,
        "asinh": math.asinh,
        "atan": math.atan,
        "atanh": math.atanh,
        "cbrt": _cube_root,
        "ceil": _whole(math.ceil),
        "cos": math.cos,
        "cosh": math.cosh,
        "exp": math.exp,
        "expm1": math.expm1,
        "floor": _whole(math.floor),
        "lg": math.log10,
        "ln": math.log,
        "log": math.log,
        "log10": math.log10,
        "log1p": math.log1p,
        "log2": math.log2,
        "round": _rounded,
        "sign": _sign,
        "sin": math.sin,
        "sinh": math.sinh,
        "sqrt": math.sqrt,
        "tan": math.tan,
        "tanh": math.tanh,
        "trunc": _whole(math.trunc),
    }.items()
}
"""Functions that stand before a number, with parentheses or without."""


def _least(*numbers: float) -> float:
    return math.nan if any(map(math.isnan, numbers)) else min(numbers)


def _greatest(*numbers: float) -> float:
    return math.nan if any(map(math.isnan, numbers)) else max(numbers)


def _random(limit: float = 1) -> float:
    return random.random() * (limit or 1)  # noqa: S311 - a die, not a secret


FUNCTIONS: dict[str, tuple[int, int, Callable[..., float]]] = {
    name: (least, most, _held(function))
    for name, (least, most, function) in {
        "atan2": (2, 2, math.atan2),
        "fac": (1, 1, _factorial),
        "gamma": (1, 1, lambda number: _factorial(number - 1)),
        "hypot": (1, 20, math.hypot),
        "max": (1, 100, _greatest),
        "min": (1, 100, _least),
        "pow": (2, 2, _power),
        "pyt": (2, 2, math.hypot),
        "random": (0, 1, _random),
        "roundTo": (1, 2, _rounded),
    }.items()
}
"""Other functions: how many numbers they take at least and at most, and what they do."""


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """Return a comparison: of numbers where both are some, else of texts."""

    def compare(left: Any, right: Any) -> bool:
        first, second = as_float(left), as_float(right)
        if math.isnan(first) or math.isnan(second):
            return isinstance(left, str) and isinstance(right, str) and test(left, right)
        return test(first, second)

    return compare


def _equal(left: Any, right: Any) -> bool:
    first, second = as_float(left), as_float(right)
    return first == second if first == first and second == second else left == right  # noqa: PLR0124


def _numeric(function: Callable[[float, float], float]) -> Callable[[Any, Any], Any]:
    held = _held(function)
    return lambda left, right: held(as_float(left), as_float(right))


def _together(left: Any, right: Any) -> str:
    from pointsman.fields.text import as_text  # noqa: PLC0415 - for a rare operator

    return (as_text(left) + as_text(right))[:_MOST_PLACES]


BINARY: Sequence[dict[str, Callable[[Any, Any], Any]]] = (
    {
        "==": _equal,
        "!=": lambda left, right: not _equal(left, right),
        ">=": _compared(lambda left, right: left >= right),
        "<=": _compared(lambda left, right: left <= right),
        ">": _compared(lambda left, right: left > right),
        "<": _compared(lambda left, right: left < right),
    },
    {
        "+": _numeric(lambda left, right: left + right),
        "-": _numeric(lambda left, right: left - right),
        "||": _together,
    },
    {
        "*": _numeric(lambda left, right: left * right),
        "/": _numeric(lambda left, right: left / right),
        "%": _numeric(math.fmod),
    },
    {"^": _numeric(_power)},
)
"""Operators between two values, from the loosest to the tightest."""
