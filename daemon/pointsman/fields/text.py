"""The text of a posted value, as the public field types count text.

Their normal forms, trimming and numbers follow JavaScript, so that a value written by one system
reads the same in the other: ``1e21`` has an exponent, a byte order mark is white, an object has no
text of its own.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

__all__ = ["WHITE", "as_text", "compiled", "in_digits", "number_text", "stars", "trim"]

WHITE = (
    "\t\n\x0b\x0c\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What counts as white space: not the same as ``str.isspace``."""

_DEEPEST = 20
_EXACT = 2**53
_LONGEST, _SHORTEST = 21, -7
"""Numbers of these powers of ten, and beyond them, are written with an exponent."""


def trim(text: str) -> str:
    """Return ``text`` without white space around it."""
    return text.strip(WHITE)


def as_text(value: Any) -> str:
    """Return the text of any JSON value; lists are joined by commas, nothing is no text."""
    return value if isinstance(value, str) else _text_at(0, value)


def _text_at(depth: int, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or depth > _DEEPEST:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ",".join(_text_at(depth + 1, item) for item in value)
    return "[object Object]"


def number_text(number: float) -> str:
    """Return a number in its shortest exact spelling: 5.0 is ``5``, 1e21 is ``1e+21``."""
    if isinstance(number, int) and -_EXACT < number < _EXACT:
        return str(number)
    try:
        number = float(number)
    except OverflowError:
        number = math.inf if number > 0 else -math.inf
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return _spelled(number)


def in_digits(number: float) -> int | float:
    """Return a finite number as its text has it: a whole one without an exponent as an integer."""
    if number == int(number) and abs(number) < 10**_LONGEST:
        return int(number_text(number))
    return float(number)


def _spelled(number: float) -> str:
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if _SHORTEST < point - 1 < _LONGEST:
        return sign + _plain(digits, point)
    mark = "+" if point > 0 else "-"
    tail = f".{digits[1:]}" if digits[1:] else ""
    return f"{sign}{digits[0]}{tail}e{mark}{abs(point - 1)}"


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def stars(value: Any) -> str:
    """Return as many stars as the text of ``value`` has characters."""
    return "*" * len(as_text(value))


@cache
def compiled(forms: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Return patterns compiled; on first use, as starting a command must not wait for them."""
    return tuple(map(re.compile, forms))
