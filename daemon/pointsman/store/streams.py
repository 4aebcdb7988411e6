"""A connection that blocks until a stream has something new.

A command is sent once: redis-py would send it again after a lost reply, and what the first reply
said would be read by nobody. The caller decides what a lost reply means.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from pointsman.errors import Unavailable
from pointsman.store.redis import Argument, blocking_client

__all__ = ["StreamConnection"]

_GRACE = 5.0
"""Seconds past the blocking time after which a silent peer counts as gone."""


class StreamConnection:
    """One connection for one reader."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Keep the connection until the block ends."""
        client = blocking_client(url)
        connection: AbstractConnection = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            yield cls(connection)
        finally:
            await connection.disconnect(nowait=True)
            await client.aclose()

    async def read(
        self, command: Sequence[Argument], streams: Mapping[str, str], milliseconds: int
    ) -> list[tuple[str, list[Any]]]:
        """Send ``XREAD`` or ``XREADGROUP`` of ``streams`` (key to id); return entries by key.

        Raises ``Unavailable`` if there was no reply; entries may have been lost with it.
        """
        sent = [*command, "BLOCK", milliseconds, "STREAMS", *streams, *streams.values()]
        try:
            async with asyncio.timeout(milliseconds / 1000 + _GRACE):
                if not self._connection.is_connected:
                    await self._connection.connect()  # type: ignore[no-untyped-call]
                await self._connection.send_command(*sent, check_health=False)
                reply = await self._connection.read_response(disable_decoding=True)
        except (RedisError, OSError) as error:
            await self._connection.disconnect(nowait=True)
            raise Unavailable(f"streams cannot be read: {error}") from error
        except asyncio.CancelledError:
            await self._connection.disconnect(nowait=True)
            raise
        found: Any = reply.items() if isinstance(reply, Mapping) else reply or ()
        return [(stream.decode(), entries) for stream, entries in found]
