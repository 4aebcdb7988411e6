"""The time of day in a text, with its zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pointsman.fields.day_format import MONTHS
from pointsman.fields.text import compiled

__all__ = ["clock_of"]

_HALF = r"(?P<half>[ap])(?:m\b|\.[ ]?m\b\.?)"
_ZONE = (
    r"(?:[ ]*\(?(?P<zone>z|utc|gmt|[ecmp][sd]t|ak[sd]t|hst|bst|cet|cest|eet|eest|msk|ist|jst"
    r"|ae[sd]t|nz[sd]t)\b)?"
    r"(?:[ ]*(?P<offset>[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{1,2})(?![0-9:]| ?[ap]\.?m))?"
)
_SECONDS = r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
_FORMS = tuple(
    rf"(?:(?<![0-9a-z:./-])|(?<=[0-9]t))(?:at )?{form}{_ZONE}"
    for form in (
        rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{1,2}}){_SECONDS}[ ]*{_HALF}",
        rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?![0-9]){_SECONDS}",
        rf"(?P<hour>[0-9]{{1,2}})(?:\.(?P<minute>[0-9]{{2}}))?[ ]*{_HALF}",
        r"(?P<hour>[0-9]{1,2}) ?o[^0-9a-z]{0,3}clock",
    )
)
_TO = r"(?:to|until|till|through)"
_FROM = r"(?<![0-9a-z:./-])(?P<hour>[0-9]{1,2})"
_UNTIL = "[0-9]{1,2}(?::[0-9]{2})?"
_FROM_TO = (
    rf"{_FROM}(?::(?P<minute>[0-9]{{2}}))? ?(?:{_TO}|-|\u2013) ?{_UNTIL} ?{_HALF}",
    rf"{_FROM} {_TO} [0-9]{{1,2}}(?![0-9:./-])(?! ?[a-z])",
)
_MONTH = re.compile(rf"\b(?:{'|'.join(MONTHS)})")
_PART_OF_DAY = (
    r"\b(?P<hour>[0-9]{1,2}) (?:in the morning|(?P<late>in the (?:afternoon|evening)|at night))\b"
)
_AT = r"(?:\bat|@) ?(?P<hour>[0-9]{1,2})(?![0-9:./-])"
_WORD = r"(?:at |this )?\b(noon|midnight|morning|afternoon|evening|tonight|last night|night)\b"
_LATE_WORD = re.compile(r"(?:this )?\b(?:afternoon|evening|tonight|(?<!last )night)\b")
_LAST_NIGHT = "last night"
_WORDS = {
    "noon": 12,
    "morning": 6,
    "afternoon": 15,
    "evening": 20,
    "night": 20,
    "tonight": 22,
}
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
    "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10, "bst": 1, "cet": 1, "cest": 2,
    "eet": 2, "eest": 3, "msk": 3, "ist": 5.5, "jst": 9, "aest": 10, "aedt": 11, "nzst": 12,
    "nzdt": 13,
}  # fmt: skip
_LATE = 2
_EARLY = 6
_HOURS = 24
_HALF_DAY = 12
_FARTHEST = 14
"""Hours that a zone may be from UTC."""
_MINUTES = 60
_DIGITS = 4
"""Of a fraction of a second; digits count thousandths, as the reference has it, and more than
these are dropped."""


def clock_of(text: str, now: datetime) -> tuple[timedelta | None, str]:
    """Return the time since the midnight (of UTC) of its day, and the text around it.

    Raises ``ValueError`` if the half of the day contradicts the hour.
    """
    for form in _fitting(text):
        if found := form.search(text):
            parts = found.groupdict()
            time = _time(parts)
            if time is None and text[found.start() - 1 : found.start()] == "t":
                raise ValueError(found[0])
            if time is None:
                continue
            before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
            return _after(before, time, now) - _offset(parts), f"{before} {after}"
    if word := re.search(_WORD, text):
        return _of_word(word[1], now), f"{text[: word.start()]} {text[word.end() :]}"
    return None, text


def _fitting(text: str) -> tuple[re.Pattern[str], ...]:
    """Return the forms to look for; next to a month ``14 to 16`` are days."""
    spans = compiled(_FROM_TO)
    return (*(spans[:1] if _MONTH.search(text) else spans), *compiled((*_FORMS, _PART_OF_DAY, _AT)))


def _after(before: str, time: timedelta, now: datetime) -> timedelta:
    """Return the time that ``9`` is after ``tonight at`` or ``last night at``."""
    if _LAST_NIGHT in before:
        return time + _of_word(_LAST_NIGHT, now)
    late = time < timedelta(hours=_HALF_DAY) and _LATE_WORD.search(before)
    return time + timedelta(hours=_HALF_DAY) if late else time


def _time(parts: dict[str, str | None]) -> timedelta | None:
    hour, minute = int(parts["hour"] or 0), int(parts.get("minute") or 0)
    second, fraction = int(parts.get("second") or 0), parts.get("fraction") or ""
    half = parts.get("half")
    if half and hour > _HALF_DAY:
        raise ValueError(hour)
    if half:
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    if parts.get("late") and _EARLY <= hour < _HALF_DAY:
        hour += _HALF_DAY
    if hour >= _HOURS or minute >= _MINUTES or second >= _MINUTES:
        return None
    milliseconds = int(fraction) if fraction and len(fraction) <= _DIGITS else 0
    return timedelta(hours=hour, minutes=minute, seconds=second, milliseconds=milliseconds)


def _offset(parts: dict[str, str | None]) -> timedelta:
    offset = parts.get("offset")
    if not offset:
        return timedelta(hours=_ZONES[parts.get("zone") or "z"])
    digits = offset[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > len("00") else (digits, "0")
    size = timedelta(hours=int(hours), minutes=int(minutes))
    if size > timedelta(hours=_FARTHEST):
        return timedelta()
    return -size if offset[0] == "-" else size


def _of_word(word: str, now: datetime) -> timedelta:
    if word == "midnight":
        return timedelta(days=1 if now.hour > _LATE else 0)
    if word == _LAST_NIGHT:
        return timedelta(days=-1 if now.hour >= _EARLY else 0)
    return timedelta(hours=_WORDS[word])
