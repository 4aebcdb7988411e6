"""What the author of an action needs to test it: a context, and a server that remembers.

::

    async with receiver(500, 200) as peer, action_context({"first_name": "Ada"}) as context:
        with pytest.raises(TransientError):
            await perform("webhook", {"url": peer.url}, context)
        assert peer.requests[0].headers["webhook-id"] == context.delivery_id
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from pointsman.delivery import Delivery
from pointsman.fields.table import compile_fields
from pointsman.plugin import ActionContext, actions, load_plugins

__all__ = ["KeptRecord", "Received", "Receiver", "action_context", "perform", "receiver"]

LOOPBACK = ("127.0.0.0/8", "::1/128")

Fields = Mapping[str, Any]
Answerer = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, which is JSON."""
        return orjson.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """A server on loopback; ``requests`` is what it got, oldest first."""

    url: str
    requests: list[Received] = field(default_factory=list)


class KeptRecord:
    """A record in memory, for actions that change theirs; ``changes`` counts those that did."""

    def __init__(self, fields: Fields) -> None:
        self.fields = dict(fields)
        self.changes = 0

    def typed(self, fields: Fields) -> Fields:
        """Read fields as an organization without fields of its own does."""
        return compile_fields(None, _none_wrong).read(fields)

    async def change(self, edit: Callable[[Fields], Fields]) -> Fields:
        """Set what ``edit`` returns, and return the record as it was."""
        before = dict(self.fields)
        self.fields.update(edit(before))
        self.changes += self.fields != before
        return before


@asynccontextmanager
async def receiver(*answers: int | Answerer) -> AsyncIterator[Receiver]:
    """Serve ``answers`` in turn, the last one for ever: a status, or a coroutine that answers."""
    received = Receiver("")
    left = list(answers or (200,))

    async def answer(request: web.Request) -> web.StreamResponse:
        got = Received(
            request.method, request.path_qs, request.headers.copy(), await request.read()
        )
        received.requests.append(got)
        current = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=current) if isinstance(current, int) else await current(got)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        received.url = str(server.make_url("/"))
        yield received


@asynccontextmanager
async def action_context(
    trigger: Fields | None = None,
    *,
    credentials: Mapping[str, str] | None = None,
    allow_networks: tuple[str, ...] = LOOPBACK,
    **values: Any,
) -> AsyncIterator[ActionContext]:
    """Return a context whose record is a :class:`KeptRecord` of ``trigger``."""
    fields = dict(trigger or {})
    async with Delivery.open() as delivery:
        yield ActionContext(
            **{
                "event": "lead_created",
                "trigger": fields,
                "delivery_id": "run:1",
                "attempt": 1,
                "now": datetime.now(UTC),
                "record": KeptRecord(fields),
                "http": await delivery.outgoing(allow_networks),
                "credentials": credentials or {},
                **values,
            }
        )


async def perform(name: str, config: Fields, context: ActionContext) -> Any:
    """Do an action once, with its options built as the engine builds them."""
    load_plugins()
    found = actions[name]
    return await found.run(found.options.model_validate(config), context)


def _none_wrong(_path: tuple[str | int, ...], message: str) -> None:
    raise AssertionError(message)
