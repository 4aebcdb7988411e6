"""Notifications in Redis: what they say lies with the record they are about, inboxes hold ids only.

So an erasure of the record takes what was said of it out of every inbox at once, and what is listed
may be gone: it is left out. New ones are told in a stream that any daemon can follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore

__all__ = ["BEGINNING", "Note", "NotificationStore", "Told", "is_position"]

BEGINNING = "0-0"
"""The position before everything that a stream holds."""

_MOST = 1_000
_MOST_TOLD = 10_000
_PAGE = 100
_POSITION = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)


class Note(NamedTuple):
    """A notification: ``id`` is 24 hex digits, ``says`` what it tells; times are milliseconds."""

    id: str
    says: Mapping[str, Any]
    unread: bool = True


class Told(NamedTuple):
    """A new notification as the stream has it: where it stands there, and whose it is."""

    position: str
    note: Note
    members: Sequence[str]


class NotificationStore:
    """The notifications of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = _milliseconds(settings.event_retention)

    async def send(
        self, organization_id: str, placed: str, note: Note, members: Sequence[str], now: int
    ) -> bool:
        """Tell members something about the record at a place, once; ``False``: no such record."""
        keys = Keys(organization_id)
        key = keys.lead(placed)
        names = [key, keys.notes(placed), keys.notifications]
        for member in members:
            names += (keys.inbox(member), keys.unread(member))
        place = key.removeprefix(keys.prefix)
        args: list[Argument] = [note.id, place, dumps(note.says), now, self._ttl, _MOST, _MOST_TOLD]
        told: int = await self._store.call("notify", names, [*args, ",".join(members)])
        return told >= 0

    async def inbox(
        self, organization_id: str, member: str, *, unread: bool, limit: int, offset: int
    ) -> tuple[Sequence[Note], int]:
        """Return some of a member's notifications, newest first, and how many there are."""
        keys = Keys(organization_id)
        key = keys.unread(member) if unread else keys.inbox(member)
        redis = self._store.redis
        with unavailable_if_away():
            async with redis.pipeline(transaction=False) as pipe:
                pipe.zcard(key)
                pipe.zrange(key, offset, offset + limit - 1, desc=True)
                total, entries = await pipe.execute()
            if not entries:
                return (), total
            marks: Any = await redis.zmscore(keys.unread(member), entries)
        says = await self._say(organization_id, entries)
        if gone := [entry for entry, one in zip(entries, says, strict=True) if one is None]:
            with unavailable_if_away():
                await redis.zrem(keys.inbox(member), *gone)
                await redis.zrem(keys.unread(member), *gone)
        notes = [
            Note(_id(entry), one, mark is not None)
            for entry, one, mark in zip(entries, says, marks, strict=True)
            if one is not None
        ]
        return notes, total - len(gone)

    async def unread(self, organization_id: str, member: str) -> int:
        """Return how many notifications a member has not read."""
        with unavailable_if_away():
            count: int = await self._store.redis.zcard(Keys(organization_id).unread(member))
        return count

    async def read(self, organization_id: str, member: str, ids: Iterable[str] | None) -> int:
        """Note that a member has read some notifications, or all; return how many were unread."""
        redis, key = self._store.redis, Keys(organization_id).unread(member)
        with unavailable_if_away():
            entries: Any = await redis.zrange(key, 0, -1)
            if ids is not None:
                wanted = set(ids)
                entries = [one for one in entries if _id(one) in wanted]
            return int(await redis.zrem(key, *entries)) if entries else 0

    async def position(self, organization_id: str) -> str:
        """Return where the stream of new notifications stands."""
        with unavailable_if_away():
            last: Any = await self._store.redis.xrevrange(
                Keys(organization_id).notifications, count=1
            )
        return last[0][0].decode() if last else BEGINNING

    async def has_forgotten(self, organization_id: str, position: str) -> bool:
        """Tell whether the stream no longer holds everything that came after a position."""
        with unavailable_if_away():
            first: Any = await self._store.redis.xrange(
                Keys(organization_id).notifications, count=1
            )
        return bool(first) and _order(first[0][0].decode()) > _order(position) > (0, 0)

    async def since(self, organization_id: str, position: str) -> tuple[Sequence[Told], str]:
        """Return what came after a position, some at a time, and where that ends."""
        with unavailable_if_away():
            found: Any = await self._store.redis.xrange(
                Keys(organization_id).notifications, f"({position}", "+", count=_PAGE
            )
        if not found:
            return (), position
        told = [fields[b"n"].split(b" ") for _, fields in found]
        says = await self._say(organization_id, [entry for entry, _ in told])
        new = [
            Told(at.decode(), Note(_id(entry), one), members.decode().split(","))
            for (at, _), (entry, members), one in zip(found, told, says, strict=True)
            if one is not None
        ]
        return new, found[-1][0].decode()

    async def _say(
        self, organization_id: str, entries: Sequence[bytes]
    ) -> list[Mapping[str, Any] | None]:
        """Return what notifications say; ``None`` for those that are gone."""
        keys = Keys(organization_id)
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipe:
                for entry in entries:
                    identifier, _, placed = entry.decode().partition("/")
                    pipe.hget(keys.notes(placed), identifier)
                found = await pipe.execute()
        return [loads(one) if one else None for one in found]


def is_position(text: str) -> bool:
    """Tell whether a text is a position in a stream."""
    return _POSITION.fullmatch(text) is not None


def _order(position: str) -> tuple[int, int]:
    at, _, number = position.partition("-")
    return int(at), int(number)


def _id(entry: bytes) -> str:
    return entry.decode().partition("/")[0]


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
