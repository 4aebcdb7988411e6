"""Names of things: lead ids, and the ids that things in files get when none is written.

A lead has one id of 96 bits in two spellings: 24 hex digits inside and in flows, and a UUIDv8 that
carries the same bits everywhere else. Either turns into the other without a look-up.
"""

from __future__ import annotations

import hmac
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from os import urandom
from typing import Any
from uuid import UUID, uuid5

import orjson

__all__ = [
    "NAMESPACE",
    "assignment_id",
    "assignment_turn",
    "compact",
    "delivery_id",
    "derived",
    "element_ids",
    "event_id",
    "expanded",
    "keyed",
    "lead_id",
    "lead_uuid",
    "milliseconds",
    "parse_event_id",
    "parse_lead_id",
    "short",
]

NAMESPACE = UUID("5a6f1c1e-0b0e-5d43-9f6e-706f696e7473")

_CANONICAL = orjson.OPT_SORT_KEYS
_COMPACT = 22
_EVENT = re.compile(r"([0-9a-f]{24})([0-9a-f]{2,8})(?:([0-9a-f]{8})([0-9a-f]{32}))?", re.ASCII)
_HEX24 = re.compile(r"[0-9a-f]{24}", re.ASCII)
_TURN = re.compile(
    r"([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f])[0-9a-f]{2}-[0-9a-f]{12}", re.ASCII
)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
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


def event_id(lead: str, number: int) -> str:
    """Return the id of the ``number``th event of a lead on its way through a flow."""
    return f"{lead}{number:02x}"


def delivery_id(event: str, organization: str, secret: bytes) -> str:
    """Return what a recipient knows an event by: whose it is, and a proof that nobody can guess."""
    return f"{event}{organization[:8]}{keyed(secret, 'event', event)}"


def parse_event_id(text: str) -> tuple[str, int, str, str] | None:
    """Return lead, number, beginning of the organization's id and proof; the last two may be ""."""
    found = _EVENT.fullmatch(text.lower())
    return None if found is None else (found[1], int(found[2], 16), found[3] or "", found[4] or "")


def assignment_id(pool: str, lead: str, turn: int) -> str:
    """Return the UUIDv8 of a turn: its number, by which it is found, and a proof of whose it is."""
    number, proof = f"{turn:016x}", derived(pool, lead, str(turn)).replace("-", "")
    return f"{number[:8]}-{number[8:12]}-8{number[12:15]}-8{number[15]}{proof[:2]}-{proof[2:14]}"


def assignment_turn(identifier: str) -> int | None:
    """Return the number of the turn with this id, or ``None`` if it is none of a turn."""
    found = _TURN.fullmatch(identifier.lower())
    return int("".join(found.groups()), 16) if found else None


def derived(*parts: str) -> str:
    """Return the UUIDv5 of a path of names, e.g. organization id, kind and file path."""
    return str(uuid5(NAMESPACE, "/".join(parts)))


def keyed(secret: bytes, kind: str, text: str) -> str:
    """Return 32 hex digits that stand for a personal value in keys and indexes.

    Without the organization's ``secret`` nobody can try values against them. ``kind`` keeps equal
    texts of different kinds (an email, a phone) apart.
    """
    digest = _begun(secret).copy()
    digest.update(f"{kind}\n{text}".encode())
    return digest.hexdigest()[:32]


@lru_cache(maxsize=1024)
def _begun(secret: bytes) -> hmac.HMAC:
    """Return an HMAC to copy, which takes less time than to begin with the secret again."""
    return hmac.new(secret, digestmod="sha256")


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


def compact(identifier: str) -> str | None:
    """Return the 22 characters that stand for a UUID as it is usually written, else ``None``."""
    if not _UUID.fullmatch(identifier):
        return None
    return urlsafe_b64encode(bytes.fromhex(identifier.replace("-", "")))[:_COMPACT].decode()


def expanded(text: str) -> str:
    """Return the UUID that ``compact`` wrote."""
    told = urlsafe_b64decode(f"{text}==").hex()
    return f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"


def short(identifier: str) -> str:
    """Return the 24-hex form (the first 12 bytes) of a UUID."""
    return UUID(identifier).hex[:24]
