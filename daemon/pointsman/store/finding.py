"""What records are found by: one sorted set for each module, newest first and by hashes.

A record is in it once by its time of creation, and once for each of its addresses and numbers, as
``<letter><id>``, by a keyed hash of the value turned into a number below zero. So one command lists
a record, a new address replaces the old, and whoever removes a record needs none of its values.
Hashes are cut to what a score can hold: what is found is looked at before it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from string import ascii_lowercase
from typing import Any

from pointsman.model import Organization
from pointsman.modules import MODULES

__all__ = ["LETTERS", "found_by", "listing", "score"]

LETTERS = ascii_lowercase[:16]
"""How many fields of a record can be found; each has its letter."""

_BYTES = 7
_SPARE = 4
"""Bits of a hash of seven bytes that are left out: a score holds 52 exactly."""

_GONE = "0"


def found_by(organization: Organization, module: str) -> Iterable[tuple[str, str]]:
    """Return the fields of a module that a search looks at, each with its kind."""
    return organization.fields.found_by if module == "leads" else MODULES[module].found_by


def score(organization: Organization, kind: str, value: str) -> int:
    """Return the place of a value in the sorted set.

    On the way of every lead, so it is BLAKE2, half the cost of the HMAC that other indexes use.
    """
    hashed = _begun(organization.secret, kind).copy()
    hashed.update(value.encode("utf-8", "surrogatepass"))
    return -1 - (int.from_bytes(hashed.digest()) >> _SPARE)


@lru_cache(maxsize=1024)
def _begun(secret: bytes, kind: str) -> blake2b:
    return blake2b(f"{kind}\n".encode(), key=secret, digest_size=_BYTES)


def listing(
    organization: Organization,
    module: str,
    data: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> str:
    """Return ``<letter><score>`` of all that a record can be found by, parted by spaces.

    With ``before``, only what has changed since; a score of 0 is one to remove.
    """
    entries: list[str] = []
    for letter, (name, kind) in zip(LETTERS, found_by(organization, module), strict=False):
        value = data.get(name)
        if before is not None and value == before.get(name):
            continue
        if value and isinstance(value, str):
            entries.append(f"{letter}{score(organization, kind, value)}")
        elif before is not None:
            entries.append(letter + _GONE)
    return " ".join(entries)
