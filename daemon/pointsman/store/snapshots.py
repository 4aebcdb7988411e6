"""A record as an event left it, packed: what a run keeps for as long as it waits.

The text is squeezed with a dictionary of what most records say, which halves a usual lead. The
dictionary is for ever, for what is packed with it can be read only with it: a better one gets a
number of its own, and the old one stays beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from orjson import dumps, loads

__all__ = ["pack", "unpack"]

_FIRST = (
    b'"utm_content":"","utm_term":"","utm_medium":"","utm_campaign":"","utm_source":"google",'
    b'"gclid":"","ip_address":"","user_agent":"Mozilla/5.0 (","consent":true,"comments":"",'
    b'"description":"","message":"","score":,"stage":"new","status":"open","website":"https://www.",'
    b'"company":" LLC","title":"","country":"US","address_1":" Street","city":"","state":"CA",'
    b'"postal_code":"","phone":"+1","mobile":"+1","name":"","first_name":"","last_name":"",'
    b'"email":"@gmail.com","tags":["","custom_fields":{"false,true,null,"id":"-8000-000",'
    b'"owner_id":null,"source":"webhook","created_by":"intake",'
    b'"created_at":"2026-T00:00:00.000Z","updated_at":"2026-T00:00:00.000Z"}'
)
_MARK = b"\x01"
_WINDOW, _MEMORY, _LEVEL = -12, 5, 3
"""A window of 4 KiB: a larger one costs many times as much to set up as it saves."""


def pack(snapshot: Mapping[str, Any]) -> bytes:
    """Return a record's fields as Redis keeps them."""
    deflate = zlib.compressobj(
        _LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _FIRST
    )
    return _MARK + deflate.compress(dumps(snapshot)) + deflate.flush()


def unpack(packed: bytes) -> Mapping[str, Any]:
    """Return a record's fields; earlier versions kept them as JSON."""
    text = packed
    if packed.startswith(_MARK):
        text = zlib.decompressobj(_WINDOW, _FIRST).decompress(packed[len(_MARK) :])
    told: Mapping[str, Any] = loads(text)
    return told
