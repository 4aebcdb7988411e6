"""Numbers for people, by patterns such as ``0,0.00``, ``$0,0[.]00``, ``0.0a``, ``0%``, ``0o``.

A pattern is read once to what it asks for. Zeros before the point pad, zeros after it are
decimals, those in brackets only if they are needed; halves are rounded up. Everything is reckoned
in floating point and by steps of the text, as the reference's library does it, so that its slips
are ours too: ``0 a`` of 999999 is ``1 k``. Only where that has no number, far from zero or very
near, is the number written as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from pointsman.fields.text import number_text
from pointsman.rules.templates.calculus import as_float
from pointsman.rules.templates.locales import Locale

__all__ = ["Write", "compile_number_pattern"]

Write = Callable[[float, Locale], str]

_USUAL = "0,0"
_MOST_DECIMALS = 30
_ROOM = Context(prec=1_100)
_HALF = Decimal("0.5")
_THOUSANDS = re.compile(r"(\d)(?=(?:\d{3})+$)")
_BEFORE = re.compile(r"^[+\-(\s$|]*")
_AFTER = re.compile(r"[+\-)\s$|]*$")
_STEPS = (("t", 10**12), ("b", 10**9), ("m", 10**6), ("k", 10**3))
_NEXT = {"k": "m", "m": "b", "b": "t"}
_THOUSAND = 1_000
_BYTES = ("B", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def compile_number_pattern(pattern: str) -> Write:
    """Return what writes numbers in a pattern; every text is one."""
    for mark, build in _KINDS:
        if mark.search(pattern):
            return _safe(build(pattern))
    return _safe(_plain(pattern or _USUAL))


def _safe(write: Write) -> Write:
    def told(number: float, locale: Locale) -> str:
        number = as_float(number)
        return write(number, locale) if math.isfinite(number) else number_text(number)

    return told


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a pattern without its signs and units asks for."""

    parentheses: bool
    plus: int
    minus: int
    abbreviated: str | None
    unit: str
    optional: bool
    bare: bool
    grouped: bool
    padding: int
    least: int
    most: int


def _shape(pattern: str) -> _Shape:
    parentheses = "(" in pattern
    plus, minus = (-1, -1) if parentheses else (pattern.find("+"), pattern.find("-"))
    pattern = re.sub(r"[()|]" if parentheses else r"[+\-|]", "", pattern)
    abbreviated, unit = None, ""
    if "a" in pattern:
        forced = re.search(r"a([kmbt])?", pattern)
        abbreviated = (forced[1] if forced else None) or ""
        unit = " " if " a" in pattern else ""
        pattern = re.sub(f"{unit}a[kmbt]?", "", pattern, count=1)
    optional = "[.]" in pattern
    pattern = pattern.replace("[.]", ".", 1)
    whole, _, decimals = pattern.partition(".")
    decimals = decimals.partition(".")[0]
    fixed, bracket, extra = decimals.replace("]", "", 1).partition("[")
    least = min(len(fixed), _MOST_DECIMALS)
    return _Shape(
        parentheses=parentheses,
        plus=plus,
        minus=minus,
        abbreviated=abbreviated,
        unit=unit,
        optional=optional,
        bare=pattern.startswith("."),
        grouped="," in pattern,
        padding=whole.partition(",")[0].count("0"),
        least=least,
        most=min(least + len(extra.partition("[")[0]), _MOST_DECIMALS) if bracket else least,
    )


def _plain(pattern: str) -> Write:
    shape = _shape(pattern)

    def told(number: float, locale: Locale) -> str:
        name, scale = _abbreviation(shape, number)
        text = _fixed(number / scale, shape)
        whole, _, decimals = text.partition(".")
        if _rolls_over(shape, name, whole):
            name = name if shape.unit else _NEXT[name]
            whole = number_text(float(whole) / _THOUSAND)
        negative = whole.startswith("-")
        whole = whole.removeprefix("-").rjust(shape.padding, "0")
        if shape.grouped:
            whole = _THOUSANDS.sub(lambda digit: digit[1] + locale.thousands, whole)
        if shape.bare:
            whole = ""
        if shape.optional and not decimals.strip("0"):
            decimals = ""
        unit = locale.abbreviations.get(name, "") if name else ""
        ending = shape.unit + unit if shape.abbreviated is not None else ""
        written = whole + (locale.decimal + decimals if decimals else "") + ending
        return _signed(shape, written, number, negative=negative)

    return told


def _signed(shape: _Shape, text: str, number: float, *, negative: bool) -> str:
    """Return a text with its sign; ``negative`` tells what it looks like, not what it was."""
    if shape.parentheses:
        return f"({text})" if negative else text
    place = shape.plus if shape.plus >= 0 else shape.minus if number < 0 else -1
    if place >= 0:
        sign = "-" if negative else "+"
        return sign + text if place == 0 else text + sign
    return f"-{text}" if negative else text


def _rolls_over(shape: _Shape, name: str, whole: str) -> bool:
    """Return whether rounding made a thousand of what has a unit, or a space for one."""
    if shape.abbreviated is None or shape.abbreviated or float(whole) < _THOUSAND:
        return False
    return bool(shape.unit) or name in _NEXT


def _abbreviation(shape: _Shape, number: float) -> tuple[str, int]:
    if shape.abbreviated is None:
        return "", 1
    for name, size in _STEPS:
        if shape.abbreviated == name or (not shape.abbreviated and abs(number) >= size):
            return name, size
    return "", 1


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))


def _fixed(number: float, shape: _Shape) -> str:
    """Return a number with as many decimals as it needs, within what the pattern allows."""
    told = number_text(number)
    if "e+" in told or "I" in told:
        return told
    tiny = "e" in told
    needed = -int(_exact(number).as_tuple().exponent) if tiny else len(told.partition(".")[2])
    places = min(max(needed, shape.least), shape.most)
    if tiny:
        shifted = _ROOM.add(_ROOM.scaleb(_exact(number), places), _HALF)
        text = f"{shifted.to_integral_value(ROUND_FLOOR).scaleb(-places, _ROOM):.{places}f}"
        text = text.removeprefix("-") if not text.strip("-0.") else text
    else:
        shifted = Decimal(float(f"{told}e{places}")) + _HALF
        text = _to_fixed(float(shifted.to_integral_value(ROUND_FLOOR)) / 10.0**places, places)
    if places > shape.least:
        kept = len(text) - (places - shape.least)
        text = text[:kept] + text[kept:].rstrip("0")
    return text.rstrip(".")


def _to_fixed(number: float, places: int) -> str:
    """Return a number with so many decimals of its exact value; zero has no sign."""
    exact = Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _ROOM)
    return f"{abs(exact) if number == 0 else exact:f}"


def _currency(pattern: str) -> Write:
    before, after = (found[0] if found else "" for found in _ends(pattern))
    inner = _plain(re.sub(r"\s?\$\s?", "", pattern, count=1))

    def told(number: float, locale: Locale) -> str:
        text, first, last = inner(number, locale), before, after
        if number >= 0:
            first = re.sub(r"[-(]", "", first, count=1)
            last = re.sub(r"[-)]", "", last, count=1)
        elif "-" not in first and "(" not in first:
            first = "-" + first
        return _placed(_led(text, first, locale.currency), last, locale.currency)

    return told


def _ends(pattern: str) -> tuple[re.Match[str] | None, re.Match[str] | None]:
    return _BEFORE.search(pattern), _AFTER.search(pattern)


def _led(text: str, signs: str, symbol: str) -> str:
    for place, sign in enumerate(signs):
        if sign == "$":
            text = text[:place] + symbol + text[place:]
        elif sign == " ":
            at = place + len(symbol) - 1
            text = text[:at] + " " + text[at:]
    return text


def _placed(text: str, signs: str, symbol: str) -> str:
    for place in range(len(signs) - 1, -1, -1):
        if signs[place] not in ("$", " "):
            continue
        added = symbol if signs[place] == "$" else " "
        back = len(signs) - 1 - place + (len(symbol) - 1 if added == " " else 0)
        if place == len(signs) - 1:
            text += added
        else:
            text = text[:-back] + added + text[-back:]
    return text


def _scaled(mark: str, factor: int) -> Callable[[str], Write]:
    def build(pattern: str) -> Write:
        ending = (" " if f" {mark}" in pattern else "") + mark
        inner = _plain(re.sub(rf"\s?{mark}", "", pattern, count=1))

        def told(number: float, locale: Locale) -> str:
            text = inner(number * factor, locale)
            return text[:-1] + ending + ")" if text.endswith(")") else text + ending

        return told

    return build


def _ordinal(pattern: str) -> Write:
    space = " " if " o" in pattern else ""
    inner = _plain(re.sub(r"\s?o", "", pattern, count=1))
    return lambda number, locale: inner(number, locale) + space + locale.ordinal(number)


def _bytes(pattern: str) -> Write:
    base, names = (1024, _BINARY_BYTES) if "ib" in pattern else (1000, _BYTES)
    space = " " if re.search(r" i?b", pattern) else ""
    inner = _plain(re.sub(r"\s?i?b", "", pattern, count=1))

    def told(number: float, locale: Locale) -> str:
        for power, name in enumerate(names):
            if number == 0 or base**power <= number < base ** (power + 1):
                return inner(number / base**power, locale) + space + name
        return inner(number, locale) + space

    return told


def _exponential(pattern: str) -> Write:
    inner = _plain(re.sub(r"e[+\-]0", "", pattern, count=1))

    def told(number: float, locale: Locale) -> str:
        exponent = _exact(number).adjusted() if number else 0
        text = inner(float(_exact(number).scaleb(-exponent)), locale)
        return f"{text}e{'-' if exponent < 0 else '+'}{abs(exponent)}"

    return told


def _time(_pattern: str) -> Write:
    def told(number: float, _locale: Locale) -> str:
        hours = math.floor(number / 3600)
        minutes = math.floor((number - hours * 3600) / 60)
        seconds = math.floor(number - hours * 3600 - minutes * 60 + 0.5)
        return f"{hours}:{minutes:02}:{seconds:02}"

    return told


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], Write]], ...] = (
    (re.compile(r"BPS"), _scaled("BPS", 10_000)),
    (re.compile(r"[0\s]i?b"), _bytes),
    (re.compile(r"\$"), _currency),
    (re.compile(r"e[+\-]"), _exponential),
    (re.compile(r"o"), _ordinal),
    (re.compile(r"%"), _scaled("%", 100)),
    (re.compile(r":"), _time),
)
