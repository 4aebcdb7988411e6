"""The connection to Redis, and scripts called in batches.

Calls of one loop tick travel as one write on one connection: above one request at a time this is
the cheapest thing the daemon does for its speed (``benchmarks/README.md``). Every script that goes
this way takes an operation id (or is a read), because a batch whose reply was lost is sent again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from hiredis import pack_command
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pointsman import observe
from pointsman.errors import Unavailable
from pointsman.store.connection import let_go_when_cancelled
from pointsman.store.scripts import Script, script

__all__ = ["Argument", "RedisStore", "blocking_client"]

Argument = str | bytes | int

_LANES = 2
_BATCH = 512
_TRIES = 4
_PATIENCE = 5.0
_BACKOFF = ExponentialBackoff(cap=0.5, base=0.05)
_REPLICA_WAIT = 2_000
_AWAY = (RedisConnectionError, RedisTimeoutError, OSError, OutOfMemoryError, ReadOnlyError)


class _Call:
    """One script call waiting for its lane."""

    __slots__ = ("answer", "packed", "script")

    def __init__(self, called: Script, packed: bytes) -> None:
        self.script = called
        self.packed = packed
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def reads(self) -> bool:
        """Whether the script only reads, as its name says."""
        return self.script.name.startswith("read_")

    def settle(self, answer: Any) -> None:
        if self.answer.done():
            return
        if isinstance(answer, _AWAY):
            self.answer.set_exception(Unavailable(f"Redis is not available: {answer}"))
        elif isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class RedisStore:
    """One Redis, as the rooms above see it: ``redis`` for plain reads, ``call`` for scripts.

    ``round_trips`` counts the batches sent; a test holds it against the promise of the hot path.
    """

    def __init__(self, redis: Redis, *, replicas: int = 0) -> None:
        self.redis = redis
        self.round_trips = 0
        self._replicas = replicas
        self._waiting: list[_Call] = []
        self._wake = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, connections: int = 16, replicas: int = 0
    ) -> AsyncIterator[RedisStore]:
        """Connect to ``url`` and serve calls until the block ends.

        With ``replicas`` every batch is answered only when so many replicas have it.
        """
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=2,
            retry=Retry(_BACKOFF, _TRIES - 1),
        )
        let_go_when_cancelled(pool)
        client = Redis.from_pool(pool)
        store = cls(client, replicas=replicas)
        try:
            async with asyncio.TaskGroup() as lanes:
                serving = [lanes.create_task(store._serve()) for _ in range(_LANES)]
                try:
                    yield store
                finally:
                    for lane in serving:
                        lane.cancel()
        finally:
            store._abandon()
            await client.aclose()

    async def call(self, name: str, keys: Sequence[str] = (), args: Sequence[Argument] = ()) -> Any:
        """Run ``scripts/<name>.lua`` and return its reply undecoded: bytes, int, list or ``None``.

        The script must take an operation id or only read: its batch may be sent twice.
        Raises ``Unavailable`` while Redis is away, full or read-only, or while too few replicas
        have what was written (it may be done then: the operation id makes trying again safe).
        """
        called = script(name)
        call = _Call(called, _pack(("EVALSHA", called.sha, len(keys), *keys, *args)))
        self._waiting.append(call)
        self._wake.set()
        return await call.answer

    async def _serve(self) -> None:
        """Send what is waiting, again and again, on a connection of this lane's own."""
        connection: AbstractConnection = self.redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        # A batch has one timeout of its own; the client's would cost a task for each write.
        connection.socket_timeout = None
        try:
            while True:
                await self._wake.wait()
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                if not self._waiting:
                    self._wake.clear()
                if batch:
                    await self._execute(connection, batch)
        finally:
            await connection.disconnect(nowait=True)

    async def _execute(self, connection: AbstractConnection, batch: list[_Call]) -> None:
        try:
            answers = await self._send(connection, [call.packed for call in batch])
            missing = {
                call.script
                for call, answer in zip(batch, answers, strict=True)
                if isinstance(answer, NoScriptError)
            }
            if missing:
                answers = await self._reload(connection, batch, answers, missing)
            if self._replicas:
                answers = await self._replicated(connection, batch, answers)
        except _AWAY as error:
            answers = [error] * len(batch)
        except BaseException:
            for call in batch:
                call.settle(RedisConnectionError("the daemon is stopping"))
            raise
        for call, answer in zip(batch, answers, strict=True):
            call.settle(answer)

    async def _reload(
        self,
        connection: AbstractConnection,
        batch: list[_Call],
        answers: list[Any],
        missing: set[Script],
    ) -> list[Any]:
        """Teach a (re)started server the scripts it does not know, and call those again."""
        await self._send(connection, [_pack(("SCRIPT", "LOAD", s.source)) for s in missing])
        again = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        retried = await self._send(connection, [batch[i].packed for i in again])
        for i, answer in zip(again, retried, strict=True):
            answers[i] = answer
        return answers

    async def _replicated(
        self, connection: AbstractConnection, batch: list[_Call], answers: list[Any]
    ) -> list[Any]:
        """Wait until the replicas have the batch; what they do not have is not answered as done.

        ``WAIT`` speaks of this connection's own writes only, and a batch that was sent again after
        a lost connection may have written nothing: hence a write of its own before it.
        """
        if all(call.reads for call in batch):
            return answers
        mark = _pack(("SET", f"pm:replicated:{id(connection)}", 1, "PX", 60_000))
        wait = _pack(("WAIT", self._replicas, _REPLICA_WAIT))
        _, reached = await self._send(connection, [mark, wait])
        if isinstance(reached, int) and reached >= self._replicas:
            return answers
        error = RedisConnectionError(
            f"durability 'replicated': {reached} of {self._replicas} replicas have the write"
        )
        return [
            answer if call.reads else error for call, answer in zip(batch, answers, strict=True)
        ]

    async def _send(self, connection: AbstractConnection, commands: list[bytes]) -> list[Any]:
        """Write all commands at once and read their replies; try again while the peer is away."""
        for attempt in range(1, _TRIES + 1):
            try:
                async with asyncio.timeout(_PATIENCE):
                    if not connection.is_connected:
                        await connection.connect()  # type: ignore[no-untyped-call]
                    self.round_trips += 1
                    observe.REDIS_ROUND_TRIPS.inc()
                    await connection.send_packed_command(b"".join(commands), check_health=False)
                    return [await _reply(connection) for _ in commands]
            except _AWAY:
                await connection.disconnect(nowait=True)
                if attempt == _TRIES:
                    raise
                await asyncio.sleep(_BACKOFF.compute(attempt))
            except asyncio.CancelledError:
                await connection.disconnect(nowait=True)
                raise
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _abandon(self) -> None:
        for call in self._waiting:
            call.settle(RedisConnectionError("the daemon is stopping"))


def blocking_client(url: str) -> Redis:
    """Return a client for one blocking reader: redis-py's default timeout would break ``BLOCK``."""
    return Redis.from_url(url, max_connections=2, socket_timeout=None, socket_connect_timeout=2)


def _pack(parts: tuple[Argument, ...]) -> bytes:
    """Return a command in the Redis protocol."""
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # its stub means one-tuples
    return packed


async def _reply(connection: AbstractConnection) -> Any:
    try:
        # Without a timeout of its own, which would double the cost; the batch has one.
        return await connection.read_response(disable_decoding=True, timeout=math.inf)
    except ResponseError as error:
        return error
