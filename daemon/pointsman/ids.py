"""Names of things: lead ids, and the ids that things in files get when none is written.

A lead has one id of 96 bits in two spellings: 24 hex digits inside and in flows, and a UUIDv8 that
carries the same bits everywhere else. Either turns into the other without a look-up.
"""

from __future__ import annotations

import re
import time
from os import urandom
from uuid import UUID, uuid5

__all__ = ["NAMESPACE", "derived", "lead_id", "lead_uuid", "milliseconds", "parse_lead_id", "short"]

NAMESPACE = UUID("5a6f1c1e-0b0e-5d43-9f6e-706f696e7473")

_HEX24 = re.compile(r"[0-9a-f]{24}", re.ASCII)
_UUID8 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8000-000([0-9a-f]{9})", re.ASCII)


def milliseconds() -> int:
    """Now, in milliseconds since 1970; the unit of every time in Redis."""
    return time.time_ns() // 1_000_000


def lead_id(now: int) -> str:
    """Return a new lead id: 6 bytes of ``now`` (milliseconds), 6 random, as 24 hex digits."""
    return f"{now:012x}{urandom(6).hex()}"


def lead_uuid(identifier: str) -> str:
    """Return the UUIDv8 spelling of a 24-hex id: the bits in order, round the fixed ones."""
    return f"{identifier[:8]}-{identifier[8:12]}-8{identifier[12:15]}-8000-000{identifier[15:]}"


def parse_lead_id(text: str) -> str | None:
    """Return the 24-hex spelling of either form in any case, or ``None`` if it is neither."""
    text = text.lower()
    if _HEX24.fullmatch(text):
        return text
    if found := _UUID8.fullmatch(text):
        return "".join(found.groups())
    return None


def derived(*parts: str) -> str:
    """Return the UUIDv5 of a path of names, e.g. organization id, kind and file path."""
    return str(uuid5(NAMESPACE, "/".join(parts)))


def short(identifier: str) -> str:
    """Return the 24-hex form (the first 12 bytes) of a UUID."""
    return UUID(identifier).hex[:24]
