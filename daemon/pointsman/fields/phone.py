"""``phone``: numbers of the United States and, with ``+`` or ``011``, of everywhere.

Hidden digits are allowed: a sender who asks what a lead is worth may show ``512*******``. They
count as zeros for the reading and come back as stars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pointsman.fields.text import WHITE, as_text
from pointsman.fields.types import Value, field_type

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

__all__ = ["phone"]

_HINTS = {"h": "home", "w": "work", "m": "mobile", "c": "mobile"}
_HINT = re.compile(rf"[{WHITE}]*\(?([hwmc])\)?")
_HINT_ENDS = "hwmc)"
_HINT_ROOM = 64
_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_NO_KEY = re.compile(r"[^0-9*]+")
_TOLL_FREE = frozenset(("800", "844", "855", "866", "877", "888"))
_NORTH_AMERICA = 1
_WITH_AREA = re.compile(r"[2-9][0-9]{9}")
_USUAL = re.compile(r"\(?([2-9][0-9]{2})\)?[ .-]{0,2}([0-9]{3})[ .-]?([0-9]{4})")
"""The spellings of most numbers, which the library reads the same in ten times the time."""

_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)
"""What a valid number may be to the library."""

_LONGEST = 250
_UNKNOWN = "***"


@field_type(
    "phone",
    operators=("equal", "valid", "search", "list"),
    attributes={
        "raw": "string",
        "area": "string",
        "exchange": "string",
        "line": "string",
        "number": "string",
        "extension": "string",
        "country_code": "string",
        "country_calling_code": "number",
        "type": "string",
        "is_tollfree": "boolean",
    },
)
def phone(posted: Any, _now: datetime | None) -> Value:
    """Read a number in any common spelling, letters too; the normal form is ``5127891111x12``.

    A last ``h``, ``w``, ``m`` or ``c`` tells the ``type``: home, work or mobile. Attributes:
    ``area``, ``exchange``, ``line``, ``number`` (after the area), ``extension``,
    ``country_code``, ``country_calling_code`` and ``is_tollfree``.
    """
    raw = as_text(posted)
    if usual := _USUAL.fullmatch(raw):
        return _usual(raw, None, *usual.groups())
    raw, kind = _split_hint(raw)
    if usual := _USUAL.fullmatch(raw):
        return _usual(raw, kind, *usual.groups())
    read = _parsed(raw.replace("*", "0"))
    if read is None:
        hint = {"type": kind} if kind else {}
        return Value(raw, raw, valid=False, attributes=hint)
    return _value(raw, kind, read)


def _split_hint(text: str) -> tuple[str, str | None]:
    """Return the text without the letter at its end and white space, and what it stands for."""
    if text[-1:] not in _HINT_ENDS:
        return text, None
    for start in range(max(0, len(text) - _HINT_ROOM), len(text)):
        if hint := _HINT.fullmatch(text, start):
            return text[:start].lstrip(WHITE), _HINTS[hint[1]]
    return text, None


def _usual(raw: str, kind: str | None, area: str, exchange: str, line: str) -> Value:
    """Return a number of ten digits as it would come back from the library."""
    number = exchange + line
    national = area + number
    named = {
        "area": area,
        "exchange": exchange,
        "line": line,
        "number": number,
        "extension": None,
        "country_code": "US",
        "country_calling_code": _NORTH_AMERICA,
        "type": kind,
        "is_tollfree": area in _TOLL_FREE,
    }
    valid = _american().fullmatch(national) is not None or _is_valid_elsewhere(national)
    return Value(raw, national, valid, named)


@cache
def _american() -> re.Pattern[str]:
    """Return what the library knows of numbers of ten digits of the United States, as one pattern.

    It asks one kind of number after the other, and goes on when it knows.
    """
    from phonenumbers import PhoneMetadata  # noqa: PLC0415 - loads a library of 6 MB

    known = PhoneMetadata.metadata_for_region("US")
    every, *kinds = (getattr(known, name) for name in ("general_desc", *_KINDS))
    forms = "|".join(kind.national_number_pattern for kind in kinds if kind is not None)
    return re.compile(rf"(?=(?:{every.national_number_pattern})\Z)(?:{forms})")


def _is_valid_elsewhere(national: str) -> bool:
    import phonenumbers  # noqa: PLC0415 - loads a library of 6 MB

    return phonenumbers.is_valid_number(phonenumbers.PhoneNumber(_NORTH_AMERICA, int(national)))


def _parsed(text: str) -> PhoneNumber | None:
    import phonenumbers  # noqa: PLC0415 - loads a library of 6 MB

    if len(text) > _LONGEST:
        return None
    try:
        return phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None


def _value(raw: str, kind: str | None, read: PhoneNumber) -> Value:
    import phonenumbers  # noqa: PLC0415 - loads a library of 6 MB

    hidden = "*" in raw
    national = phonenumbers.national_significant_number(read)
    if read.country_code == _NORTH_AMERICA and _WITH_AREA.fullmatch(national):
        length = len(_UNKNOWN)  # the library finds the same, in twice the time of all the rest
    else:
        length = phonenumbers.length_of_national_destination_code(read)
    extension = read.extension
    if hidden:
        national, extension = _hidden_again(raw, national, extension)
    calling_code = read.country_code or 0
    named: dict[str, Any] = {
        **_parts(national, length, calling_code),
        "extension": extension,
        "country_code": phonenumbers.region_code_for_country_code(calling_code),
        "country_calling_code": calling_code,
        "type": kind,
    }
    named["is_tollfree"] = named["area"] in _TOLL_FREE
    normal = f"{national}x{extension}" if extension else national
    valid = hidden or _is_valid(read)
    return Value(raw, normal, valid=valid, attributes=named, masked=True if hidden else None)


def _is_valid(read: PhoneNumber) -> bool:
    import phonenumbers  # noqa: PLC0415 - loads a library of 6 MB

    if read.country_code == _NORTH_AMERICA and phonenumbers.is_valid_number_for_region(read, "US"):
        return True  # nearly every one, without a search for its region
    return phonenumbers.is_valid_number(read)


def _parts(national: str, length: int, calling_code: int) -> Mapping[str, str]:
    """Return the parts of a national number whose area has ``length`` digits."""
    area, number = national[:length], national[length:]
    if calling_code != _NORTH_AMERICA:
        return {"area": area or _UNKNOWN, "number": number}
    exchange, line = number[:3], number[3:7]
    return {"area": area or _UNKNOWN, "exchange": exchange, "line": line, "number": number[:7]}


def _hidden_again(raw: str, national: str, extension: str | None) -> tuple[str, str | None]:
    """Put the stars back where their zeros came out; they are the last of what was written."""
    for written in (_NO_KEY.sub("", raw), _NO_KEY.sub("", raw.upper().translate(_KEYS))):
        shown = written[len(written) - len(national) - len(extension or "") :]
        if shown.replace("*", "0") == national + (extension or ""):
            return shown[: len(national)], shown[len(national) :] or None
    return national, extension
