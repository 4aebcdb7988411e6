"""Servers on loopback that remember what they got and answer as they are told.

A test talks to them over real HTTP, so what goes over the wire is what is tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

__all__ = ["Answerer", "Received", "Receiver", "answering", "dropping", "hanging", "receiver"]

Answerer = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: Any = field(default=None, repr=False, compare=False)

    def json(self) -> Any:
        """Return the body, which is JSON."""
        return orjson.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """A server on loopback; ``requests`` is what it got, oldest first; ``got`` is set at each."""

    url: str
    requests: list[Received] = field(default_factory=list)
    got: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def receiver(*answers: int | Answerer) -> AsyncIterator[Receiver]:
    """Serve ``answers`` in turn, the last one for ever: a status, or a coroutine that answers."""
    received = Receiver("")
    left = list(answers or (200,))

    async def answer(request: web.Request) -> web.StreamResponse:
        got = Received(
            request.method,
            request.path_qs,
            request.headers.copy(),
            await request.read(),
            request.transport,
        )
        received.requests.append(got)
        received.got.set()
        current = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=current) if isinstance(current, int) else await current(got)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        received.url = str(server.make_url("/"))
        yield received


def answering(
    status: int = 200, json: Any = None, *, headers: Mapping[str, str] | None = None
) -> Answerer:
    """Answer so: a status, perhaps JSON, perhaps headers such as ``Retry-After``."""

    async def answer(_: Received) -> web.StreamResponse:
        if json is None:
            return web.Response(status=status, headers=headers)
        return web.Response(
            status=status,
            body=orjson.dumps(json),
            content_type="application/json",
            headers=headers,
        )

    return answer


async def hanging(_: Received) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def dropping(got: Received) -> web.StreamResponse:
    """Drop the connection instead of answering."""
    got.connection.abort()
    return web.Response()
