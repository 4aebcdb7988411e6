"""Text without diacritics, for recipients that read nothing but ASCII letters."""

from __future__ import annotations

import unicodedata
from typing import Any

__all__ = ["without_diacritics"]

_OTHERS = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "ł": "l",
        "Ł": "L",
        "þ": "th",
        "Þ": "TH",
        "ħ": "h",
        "Ħ": "H",
        "\u0131": "i",
        "ŋ": "n",
        "Ŋ": "N",
        "ŧ": "t",
        "Ŧ": "T",
    }
)
"""Letters that no decomposition brings to ASCII."""


def without_diacritics(value: Any) -> Any:
    """Return a value with plain letters in all its texts; what is no letter stays."""
    if isinstance(value, str):
        if value.isascii():
            return value
        apart = unicodedata.normalize("NFD", value.translate(_OTHERS))
        kept = "".join(sign for sign in apart if not unicodedata.combining(sign))
        return unicodedata.normalize("NFC", kept)
    if isinstance(value, list | tuple):
        return [without_diacritics(item) for item in value]
    if isinstance(value, dict):
        return {key: without_diacritics(item) for key, item in value.items()}
    return value
