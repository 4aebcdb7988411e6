"""Connections that a cancelled task lets go of.

redis-py writes through ``asyncio.wait_for``, which before Python 3.12 gives its result even to a
task that was cancelled meanwhile (https://github.com/python/cpython/issues/81839): of a loop that
is told to end at that moment the end is never seen, and the daemon does not stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection

__all__ = ["let_go_when_cancelled"]


def let_go_when_cancelled(pool: ConnectionPool) -> None:
    """Have the connections of a pool, which has none yet, pass on every cancellation."""
    kind: Any = pool.connection_class
    pool.connection_class = type(kind.__name__, (_Cancellable, kind), {})


class _Cancellable(AbstractConnection):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError
