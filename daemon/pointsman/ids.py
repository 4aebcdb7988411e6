"""Names of things: lead ids, and the ids that things in files get when none is written.

A lead has one id of 96 bits in two spellings: 24 hex digits inside and in flows, and a UUIDv8 that
carries the same bits everywhere else. Either turns into the other without a look-up.
"""

from __future__ import annotations

import hmac
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from os import urandom
from typing import Any
from uuid import UUID, uuid5

import orjson

__all__ = [
    "NAMESPACE",
    "derived",
    "element_ids",
    "keyed",
    "lead_id",
    "lead_uuid",
    "milliseconds",
    "parse_lead_id",
    "short",
]

NAMESPACE = UUID("5a6f1c1e-0b0e-5d43-9f6e-706f696e7473")

_CANONICAL = orjson.OPT_SORT_KEYS
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


def keyed(secret: bytes, kind: str, text: str) -> str:
    """Return 32 hex digits that stand for a personal value in keys and indexes.

    Without the organization's ``secret`` nobody can try values against them. ``kind`` keeps equal
    texts of different kinds (an email, a phone) apart.
    """
    return hmac.digest(secret, f"{kind}\n{text}".encode(), "sha256").hex()[:32]


def element_ids(
    parent: str, kind: str, documents: Iterable[Mapping[str, Any]], *, length: int | None = None
) -> list[str]:
    """Return the ids of a list's elements: as written; else of ``key``; else of the content.

    Equal contents are told apart by their ordinal, so that moving an element keeps its id.
    ``length`` is that of an id that is not written: 6 in flows, by default a whole UUID.
    """
    seen: Counter[str] = Counter()
    found: list[str] = []
    for document in documents:
        if "id" in document:
            found.append(str(document["id"]))
            continue
        content = document.get("key") or orjson.dumps(document, option=_CANONICAL).decode()
        seen[content] += 1
        found.append(derived(parent, kind, content, str(seen[content]))[:length])
    return found


def short(identifier: str) -> str:
    """Return the 24-hex form (the first 12 bytes) of a UUID."""
    return UUID(identifier).hex[:24]
