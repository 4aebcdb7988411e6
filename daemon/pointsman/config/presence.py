"""One node among others: tells what it serves, hears what is published.

A message on the channel is the fast way; the number that every sign of life gets back is the sure
one, for messages are lost when a connection is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from pointsman import observe
from pointsman.config.serving import Serving
from pointsman.errors import Unavailable
from pointsman.ids import milliseconds
from pointsman.store.generations import CHANNEL, GenerationStore, Node
from pointsman.store.redis import blocking_client

__all__ = ["Presence"]

_BEAT = 2.0
_PAUSE = 0.5


class Presence:
    """Keeps ``serving`` up with what is published, from the first beat to the end of the block."""

    def __init__(self, name: str, generations: GenerationStore, serving: Serving, url: str) -> None:
        self.name = name
        self._generations = generations
        self._serving = serving
        self._url = url
        self._log = observe.log()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Be there; on leaving, do not let a publisher wait for this node."""
        await self.beat()
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            beating = tasks.create_task(self._beat_on())
            try:
                yield
            finally:
                listening.cancel()
                beating.cancel()
        await self._leave()

    async def beat(self) -> None:
        """Tell of every organization what is served, and catch up where it is not the current.

        Raises the first failure once all are tried.
        """
        known = await self._serving.rename()
        # No task group: its group of errors would hide that this task is to end as well.
        outcomes = await asyncio.gather(
            *(self._beat(handle, identifier) for handle, identifier in known.items()),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _beat(self, handle: str, identifier: str) -> None:
        current = await self._tell(handle, identifier)
        refusal = self._serving.refused.get(handle)
        if current > max(self._serving.reached(handle), refusal.number if refusal else 0):
            await self._serving.catch_up(handle, current)
            await self._tell(handle, identifier)

    async def _tell(self, handle: str, identifier: str) -> int:
        refusal = self._serving.refused.get(handle)
        refused = refusal.number if refusal else 0
        node = Node(self.name, milliseconds(), self._serving.reached(handle), refused)
        return await self._generations.beat(identifier, node)

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self.beat()
                await self._serving.refresh()
            except (RedisError, OSError, Unavailable) as away:
                self._log.debug("beat_missed", why=str(away))

    async def _listen(self) -> None:
        """Hear what is published, through every loss of the connection."""
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, Unavailable) as away:
                self._log.debug("channel_lost", why=str(away))
            await asyncio.sleep(_PAUSE)

    async def _hear(self) -> None:
        async with blocking_client(self._url) as client, client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            async for message in channel.listen():
                if message["type"] == "message":
                    await self._heard(message["data"].decode())

    async def _heard(self, told: str) -> None:
        identifier, _, number = told.partition(" ")
        ids = self._serving.ids
        if identifier not in ids.values():
            await self._serving.rename()
        for handle in [
            handle for handle, known in self._serving.ids.items() if known == identifier
        ]:
            await self._serving.catch_up(handle, int(number))
            await self._tell(handle, identifier)

    async def _leave(self) -> None:
        try:
            for identifier in self._serving.ids.values():
                await self._generations.leave(identifier, self.name)
        except (RedisError, OSError, Unavailable) as away:
            self._log.debug("beat_missed", why=str(away))
