"""New notifications as they come: one connection follows the streams for all who listen here.

It only rings; what is new everybody reads for themselves, from where they are. So a listener that
is slow holds up nobody, and one that comes back goes on where it was, on any daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pointsman.errors import Unavailable
from pointsman.store.keys import Keys
from pointsman.store.notifications import NotificationStore
from pointsman.store.streams import StreamConnection

__all__ = ["Bell", "Feed"]

MOST = 256
"""Listeners of one process."""

_BLOCK = 500
_AWAY = 1.0


class Bell:
    """Rings when there may be something new; ``closed`` when nothing will come any more."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.closed = False

    def ring(self) -> None:
        """Wake the listener."""
        self._rung.set()

    async def heard(self, seconds: float) -> bool:
        """Wait until it rings; return whether it did in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Feed:
    """Tells listeners of this process that their organization has new notifications."""

    def __init__(self, notifications: NotificationStore, url: str) -> None:
        self._notifications = notifications
        self._url = url
        self._bells: dict[str, set[Bell]] = {}
        self._positions: dict[str, str] = {}
        self._wanted = asyncio.Event()
        self._closed = False

    @contextmanager
    def listening(self, organization_id: str) -> Iterator[Bell]:
        """Return a bell that rings till the block ends; ``Unavailable`` if there are too many."""
        if self._closed or sum(map(len, self._bells.values())) >= MOST:
            raise Unavailable(f"{MOST} listeners are the most that this process serves; try again")
        bell = Bell()
        bells = self._bells.setdefault(organization_id, set())
        bells.add(bell)
        self._wanted.set()
        try:
            yield bell
        finally:
            bells.discard(bell)
            if not bells:
                self._bells.pop(organization_id, None)
                self._positions.pop(organization_id, None)

    def close(self) -> None:
        """End all listening: the daemon stops."""
        self._closed = True
        for bell in self._every():
            bell.closed = True
            bell.ring()

    async def run(self) -> None:
        """Follow the streams of those who are listened to, until cancelled."""
        async with StreamConnection.open(self._url) as connection:
            while True:
                await self._wanted.wait()
                try:
                    await self._follow(connection)
                except Unavailable:
                    await asyncio.sleep(_AWAY)
                    self._positions.clear()

    async def _follow(self, connection: StreamConnection) -> None:
        """Wait for one batch of what is new, and ring."""
        for organization_id in [one for one in self._bells if one not in self._positions]:
            position = await self._notifications.position(organization_id)
            self._positions[organization_id] = position
            self._ring(organization_id)
        streams = {Keys(one).notifications: one for one in self._bells if one in self._positions}
        if not streams:
            self._wanted.clear()
            return
        wanted = {key: self._positions[one] for key, one in streams.items()}
        for key, entries in await connection.read(("XREAD",), wanted, _BLOCK):
            if streams[key] in self._positions:
                self._positions[streams[key]] = entries[-1][0].decode()
            self._ring(streams[key])

    def _ring(self, organization_id: str) -> None:
        for bell in self._bells.get(organization_id, ()):
            bell.ring()

    def _every(self) -> list[Bell]:
        return [bell for bells in self._bells.values() for bell in bells]
