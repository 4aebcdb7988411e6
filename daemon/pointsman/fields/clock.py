"""The time of day in a text, with its zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pointsman.fields.text import compiled

__all__ = ["clock_of"]

_HALF = r"(?P<half>[ap])(?:m\b|\.[ ]?m\b\.?)"
_ZONE = (
    r"(?:[ ]*\(?(?P<zone>z|utc|gmt|[ecmp][sd]t|ak[sd]t|hst|bst|cet|cest|eet|eest|msk|ist|jst"
    r"|ae[sd]t|nz[sd]t)\b)?(?:[ ]*(?P<offset>[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{1,2})(?![0-9:]))?"
)
_SECONDS = r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?"
_FORMS = tuple(
    rf"(?:(?<![0-9a-z:./-])|(?<=[0-9]t))(?:at )?{form}{_ZONE}"
    for form in (
        rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{1,2}}){_SECONDS}[ ]*{_HALF}",
        rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?![0-9]){_SECONDS}",
        rf"(?P<hour>[0-9]{{1,2}})(?:\.(?P<minute>[0-9]{{2}}))?[ ]*{_HALF}",
        r"(?P<hour>[0-9]{1,2}) ?o'clock",
    )
)
_AT = r"(?:\bat|@) ?(?P<hour>[0-9]{1,2})(?![0-9:./-])"
_WORD = r"(?:at |this )?\b(noon|midnight|morning|afternoon|evening|tonight|last night)\b"
_WORDS = {
    "noon": 12,
    "morning": 6,
    "afternoon": 15,
    "evening": 20,
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
_MINUTES = 60
_DIGITS = 4
"""Of a fraction of a second; digits count thousandths, as the reference has it, and more than
these are dropped."""


def clock_of(text: str, now: datetime) -> tuple[timedelta | None, str]:
    """Return the time since the midnight (of UTC) of its day, and the text around it.

    Raises ``ValueError`` if the half of the day contradicts the hour.
    """
    for form in compiled((*_FORMS, _AT)):
        if found := form.search(text):
            parts = found.groupdict()
            time = _time(parts)
            if time is None and text[found.start() - 1 : found.start()] == "t":
                raise ValueError(found[0])
            if time is None:
                continue
            return time - _offset(parts), f"{text[: found.start()]} {text[found.end() :]}"
    if word := re.search(_WORD, text):
        return _of_word(word[1], now), f"{text[: word.start()]} {text[word.end() :]}"
    return None, text


def _time(parts: dict[str, str | None]) -> timedelta | None:
    hour, minute = int(parts["hour"] or 0), int(parts.get("minute") or 0)
    second, fraction = int(parts.get("second") or 0), parts.get("fraction") or ""
    half = parts.get("half")
    if half and hour > _HOURS // 2:
        raise ValueError(hour)
    if half:
        hour = hour % (_HOURS // 2) + (_HOURS // 2 if half == "p" else 0)
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
    return -size if offset[0] == "-" else size


def _of_word(word: str, now: datetime) -> timedelta:
    if word == "midnight":
        return timedelta(days=1 if now.hour > _LATE else 0)
    if word == "last night":
        return timedelta(days=-1 if now.hour >= _EARLY else 0)
    return timedelta(hours=_WORDS[word])
