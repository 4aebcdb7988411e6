"""Versions of workflows and flows, and how often workflows ran; kept in Redis, not in files.

The publishing script counts a version up when the file of one says something else than before,
whoever changed it; switching a workflow on or off is no such change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["UNPUBLISHED", "Ran", "Version", "VersionStore"]


class Version(NamedTuple):
    """Number of a version, when it was first published and last changed (ms)."""

    number: int = 1
    created: int | None = None
    updated: int | None = None


class Ran(NamedTuple):
    """How many runs of a workflow are on record, and when the last one began (ms)."""

    runs: int
    last: int | None


UNPUBLISHED = Version()


class VersionStore:
    """Reads what is kept of workflows beside their runs, and of flows."""

    def __init__(self, store: RedisStore) -> None:
        self._redis = store.redis

    async def versions(self, organization_id: str, workflow_ids: Sequence[str]) -> list[Version]:
        """Return the versions of workflows, in one round trip."""
        return await self._versions(Keys(organization_id).workflows, workflow_ids)

    async def of_flows(self, organization_id: str, flow_ids: Sequence[str]) -> list[Version]:
        """Return the versions of flows, in one round trip."""
        return await self._versions(Keys(organization_id).flows, flow_ids)

    async def _versions(self, key: str, ids: Sequence[str]) -> list[Version]:
        if not ids:
            return []
        with unavailable_if_away():
            found: list[Any] = await self._redis.hmget(key, list(ids))
        return [_version(told) if told else UNPUBLISHED for told in found]

    async def ran(self, organization_id: str, workflow_ids: Sequence[str]) -> list[Ran]:
        """Return how often workflows ran, in one round trip."""
        keys = Keys(organization_id)
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                for identifier in workflow_ids:
                    pipe.zcard(keys.workflow_runs(identifier))
                    pipe.zrevrange(keys.workflow_runs(identifier), 0, 0, withscores=True)
                found = await pipe.execute()
        return [
            Ran(number, int(newest[0][1]) if newest else None)
            for number, newest in zip(found[::2], found[1::2], strict=True)
        ]


def _version(told: bytes) -> Version:
    number, created, updated, *_ = told.decode().split(" ")
    return Version(int(number), int(created), int(updated))
