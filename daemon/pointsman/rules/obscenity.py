"""Whether a text holds an obscene word of English.

The words stand in ``obscene.txt``, one a line; ``*`` at an end of one lets other letters follow or
go before. A word counts as a word of its own only, so that Scunthorpe is a town and Dick a name.
Digits and signs that are written for letters (``sh1t``) are read as these.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["is_obscene"]

_WORD = re.compile(r"[^\W\d_]+")
_DISGUISES = str.maketrans("013457@$!", "oieastasi")


class _Words(NamedTuple):
    whole: frozenset[str]
    first: tuple[str, ...]
    last: tuple[str, ...]
    inside: tuple[str, ...]


def is_obscene(text: str) -> bool:
    """Return whether there is an obscene word in a text."""
    text = text.lower()
    undisguised = text.translate(_DISGUISES)
    return _has_word(text) or (undisguised != text and _has_word(undisguised))


def _has_word(text: str) -> bool:
    known = _known()
    return any(part in text for part in known.inside) or any(
        word in known.whole or word.startswith(known.first) or word.endswith(known.last)
        for word in _WORD.findall(text)
    )


@cache
def _known() -> _Words:
    text = (files("pointsman.rules") / "obscene.txt").read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return _Words(
        frozenset(line for line in lines if "*" not in line),
        tuple(line[:-1] for line in lines if line.endswith("*") and line[0] != "*"),
        tuple(line[1:] for line in lines if line[0] == "*" and not line.endswith("*")),
        tuple(line[1:-1] for line in lines if line[0] == "*" and line.endswith("*")),
    )
