"""A pool's state on its way from one Redis to another: lines of JSON, and back.

The first line is the state beside the history, each of the next ones a row of it; the last one has
a digest of all before, so that a file that was cut off or edited is refused whole. Leads are not in
it, nor those who wait in line, nor who has which person: that is keyed by a secret that stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import uuid4

from orjson import JSONDecodeError, dumps, loads

from pointsman.errors import PointsmanError
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.whole_pools import Whole, WholePools

__all__ = ["Transfers", "checked_lines"]

VERSION = 1

_STAGED = 3_600_000
_BATCH = 1_000
_NOT_MOVED = ("gone", "drain_at")


class Transfers:
    """Writes pools down, and reads them in again."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._whole = WholePools(store)

    async def export(self, organization_id: str, pool_id: str) -> AsyncIterator[bytes]:
        """Yield the lines of a pool's state, each with its end."""
        whole = await self._whole.snapshot(organization_id, pool_id)
        digest = sha256()
        line = dumps(_head(organization_id, pool_id, whole)) + b"\n"
        digest.update(line)
        yield line
        async for rows in self._whole.rows(organization_id, pool_id, whole):
            lines = b"".join(dumps(row) + b"\n" for row in rows)
            digest.update(lines)
            yield lines
        yield dumps({"end": whole.length, "sha256": digest.hexdigest()}) + b"\n"

    async def take_in(
        self,
        organization_id: str,
        published: Mapping[str, Any],
        lines: Iterable[bytes],
        by: str,
        *,
        force: bool = False,
    ) -> tuple[str, str]:
        """Give a published pool the state that checked ``lines`` tell; say what came of it.

        Returns a status and an effect as import_pool.lua names them.
        """
        keys, operation = Keys(organization_id), uuid4().hex
        rows = iter(lines)
        state: dict[str, Any] = loads(next(rows))["state"]
        first = int(state["stats"].get("total", "0")) - state["length"] + 1
        state["sources"] = await self._stage(keys, published["id"], operation, rows, first)
        pool = published["id"]
        names = [keys.pools, keys.pool(pool), keys.cycle(pool), keys.history(pool)]
        names += [keys.stats(pool), keys.caps(pool), keys.held(pool), keys.owed(pool)]
        names += [keys.moves(pool), keys.people(pool), keys.staged(pool, operation)]
        status, effect = await self._store.call(
            "import_pool",
            [*names, keys.once(operation)],
            [dumps(dict(published)), dumps(state), "force" if force else "", dumps(by)],
        )
        return status.decode(), effect.decode()

    async def _stage(
        self, keys: Keys, pool: str, operation: str, rows: Iterator[bytes], first: int
    ) -> list[str]:
        """Bring a history beside the one that is there; return the sources of its rows."""
        sources: set[str] = set()
        while batch := list(islice(rows, _BATCH)):
            numbers: defaultdict[str, list[int]] = defaultdict(list)
            for number, row in enumerate(batch, first):
                numbers[loads(row)["s"]].append(number)
            first += len(batch)
            sources |= numbers.keys()
            staged = {keys.staged(pool, operation, source): n for source, n in numbers.items()}
            async with self._store.redis.pipeline(transaction=True) as pipe:
                pipe.rpush(keys.staged(pool, operation), *(row.rstrip(b"\n") for row in batch))
                for name, values in staged.items():
                    pipe.rpush(name, *values)
                for name in (keys.staged(pool, operation), *staged):
                    pipe.pexpire(name, _STAGED)
                await pipe.execute()
        return sorted(sources)


def checked_lines(lines: Iterable[bytes], organization_id: str) -> tuple[str, list[bytes]]:
    """Return the id of the pool that a file is of, and its lines but for the last.

    Raises ``PointsmanError`` for what is no such file, not whole, or another organization's.
    """
    kept = [line if line.endswith(b"\n") else line + b"\n" for line in lines if line.strip()]
    head, end = (_read(kept[0]), _read(kept[-1])) if kept else ({}, {})
    if head.get("pointsman") != "pool":
        raise PointsmanError("this is no export of a pool; expected what pool export writes")
    if head.get("v") != VERSION:
        raise PointsmanError(f"the export has version {head.get('v')}, this one reads {VERSION}")
    whole = sha256(b"".join(kept[:-1])).hexdigest()
    length = head["state"]["length"]
    if end.get("sha256") != whole or end["end"] != length or len(kept) != length + 2:
        raise PointsmanError("the export is not whole, or was changed; export the pool again")
    if head["organization"] != organization_id:
        raise PointsmanError(
            f"the export is of organization {head['organization']}, this one is {organization_id}"
        )
    return head["pool"], kept[:-1]


def _head(organization_id: str, pool_id: str, whole: Whole) -> dict[str, Any]:
    pool = {name: value for name, value in whole.pool.items() if name not in _NOT_MOVED}
    return {
        "pointsman": "pool",
        "v": VERSION,
        "organization": organization_id,
        "pool": pool_id,
        "state": {
            "pool": pool,
            "cycle": whole.cycle,
            "stats": whole.stats,
            "caps": whole.caps,
            "owed": whole.owed,
            "people": whole.people,
            "held": whole.held,
            "moves": whole.moves,
            "length": whole.length,
        },
    }


def _read(line: bytes) -> dict[str, Any]:
    try:
        read = loads(line)
    except JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
