"""All that Redis has of one pool, to be looked at, checked, or taken elsewhere.

The history is read bit by bit while turns go on: what comes after the moment of ``snapshot`` is
left out, and what is dropped meanwhile is noticed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from orjson import loads

from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["Whole", "WholePools"]

CHUNK = 2_000
"""Rows that are read at once: a few hundred kilobytes."""


class Whole(NamedTuple):
    """A pool's state beside its history, at one moment; texts as they are stored."""

    pool: Mapping[str, str]
    cycle: Mapping[str, str]
    stats: Mapping[str, str]
    caps: Mapping[str, str]
    owed: Mapping[str, str]
    people: Mapping[str, str]
    held: Sequence[str]
    moves: Sequence[str]
    length: int
    parked: int

    @property
    def turn(self) -> int:
        """The number of the next turn."""
        return int(self.pool.get("turn", "1"))


class WholePools:
    """Reads pools of all organizations in one Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def snapshot(self, organization_id: str, pool_id: str) -> Whole:
        """Return the state of a pool; an empty ``pool`` was never published."""
        keys = Keys(organization_id)
        names = (keys.pool, keys.cycle, keys.stats, keys.history, keys.caps, keys.held, keys.owed)
        more = (keys.moves, keys.people, keys.parked)
        told = await self._store.call("read_whole_pool", [name(pool_id) for name in names + more])
        pool, cycle, stats, caps, owed, people = map(_fields, told[:6])
        held, moves, length, parked = told[6:]
        return Whole(
            pool=pool,
            cycle=cycle,
            stats=stats,
            caps=caps,
            owed=owed,
            people=people,
            held=_texts(held),
            moves=_texts(moves),
            length=length,
            parked=parked,
        )

    async def rows(
        self, organization_id: str, pool_id: str, whole: Whole
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield the history up to the moment of ``whole``, oldest first, in chunks."""
        history = Keys(organization_id).history(pool_id)
        start, left, last = 0, whole.length, b""
        while left > 0:
            first = max(0, start - 1)
            raw: list[Any] = await self._store.redis.lrange(history, first, start + CHUNK - 1)
            if last and not (raw and _same(raw[0], last)):  # old rows were dropped meanwhile
                start = await self._found(history, start, last)
                last = last if start else b""
                continue
            rows = raw[1:] if start else raw
            if not rows:
                return
            yield [loads(row) for row in rows[:left]]
            start, left, last = start + len(rows), left - len(rows), rows[-1]

    async def _found(self, history: str, start: int, last: bytes) -> int:
        """Return the index after the row that was read last, 0 if it was dropped too."""
        end = start
        while end > 0:
            begin = max(0, end - CHUNK)
            raw: list[Any] = await self._store.redis.lrange(history, begin, end - 1)
            for place in range(len(raw) - 1, -1, -1):
                if _same(raw[place], last):
                    return begin + place + 1
            end = begin
        return 0


def _same(row: bytes, other: bytes) -> bool:
    """Tell whether two texts are of one row; something may have been noted in it meanwhile."""
    return row.split(b'","m"', 1)[0] == other.split(b'","m"', 1)[0]


def _fields(flat: Sequence[bytes]) -> dict[str, str]:
    return dict(zip(_texts(flat[::2]), _texts(flat[1::2]), strict=True))


def _texts(raw: Sequence[bytes]) -> list[str]:
    return [text.decode() for text in raw]
