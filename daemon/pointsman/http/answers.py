"""Bodies and envelopes of answers.

Answers are bytes made by orjson; nothing goes through aiohttp's own JSON helpers, which cost twice
as much per lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict

__all__ = ["REPLAYED", "SERVER", "answer", "error_body", "listing", "raw_answer", "streamed"]

REPLAYED = "Idempotency-Replayed"
"""Header of an answer that repeats the first one to an idempotency key."""

SERVER = "pointsman"
"""Our name: without it aiohttp would tell its own and Python's versions."""

_JSON = CIMultiDict({hdrs.CONTENT_TYPE: "application/json"})
"""Of the kind that aiohttp copies at once."""


def raw_answer(body: bytes, status: int = 200) -> web.Response:
    """Answer with JSON that is bytes already."""
    return web.Response(body=body, status=status, headers=_JSON)


def answer(
    payload: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with ``payload`` as JSON."""
    every = _JSON if headers is None else {**_JSON, **headers}
    return web.Response(body=orjson.dumps(payload), status=status, headers=every)


def streamed(headers: Mapping[str, str]) -> web.StreamResponse:
    """Answer bit by bit: a handler that does, begins before any middleware can add to it."""
    return web.StreamResponse(headers={**headers, hdrs.SERVER: SERVER})


def listing(data: Sequence[Any], *, total: int, limit: int, offset: int) -> web.Response:
    """Answer with one page of a list."""
    more = offset + len(data) < total
    page = {"total": total, "limit": limit, "offset": offset, "hasMore": more}
    return answer({"data": data, "pagination": page}, HTTPStatus.OK)


def error_body(message: str, code: str) -> dict[str, dict[str, str]]:
    """Return the envelope of every error."""
    return {"error": {"message": message, "code": code}}
