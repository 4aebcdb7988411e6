"""Runs across workflows, newest first, by status and by workflow.

The lists are bounded like those of a workflow. Nothing here asks Redis for more than a part of a
list at once: people who look for something must not make leads wait.
"""

from __future__ import annotations

import heapq
from typing import Any, cast

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Run
from pointsman.store.runs import RunStore

__all__ = ["STATUSES", "RunSearch"]

STATUSES = ("queued", "running", "waiting", "succeeded", "failed", "cancelled")
"""What a run can be."""

_CHUNK = 1_000


class RunSearch:
    """Finds runs of all workflows of an organization."""

    def __init__(self, store: RedisStore, runs: RunStore) -> None:
        self._redis = store.redis
        self._runs = runs

    async def search(
        self,
        organization_id: str,
        limit: int,
        offset: int,
        *,
        status: str | None = None,
        workflow_id: str | None = None,
    ) -> tuple[list[Run], int]:
        """Return a page of the runs that are asked for, and how many there are in all."""
        if workflow_id is not None and status is None:
            return await self._runs.runs(organization_id, workflow_id, limit, offset)
        keys = Keys(organization_id)
        if workflow_id is not None and status is not None:
            found = await self._both(keys.workflow_runs(workflow_id), keys.runs(status))
            ids, total = found[offset : offset + limit], len(found)
        else:
            lists = [keys.runs(one) for one in STATUSES if status in {None, one}]
            ids, total = await self._merged(lists, limit, offset)
        return await self._runs.several(organization_id, ids), total

    async def _merged(self, lists: list[str], limit: int, offset: int) -> tuple[list[str], int]:
        """Return a page of several lists as if they were one."""
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                for one in lists:
                    pipe.zcard(one)
                total = sum(await pipe.execute())
            if offset >= total:
                return [], total
            async with self._redis.pipeline(transaction=False) as pipe:
                for one in lists:
                    pipe.zrevrange(one, 0, offset + limit - 1, withscores=True)
                found: list[list[tuple[bytes, float]]] = await pipe.execute()
        newest = heapq.merge(*found, key=lambda entry: (entry[1], entry[0]), reverse=True)
        ids = [run.decode() for run, _ in newest][offset : offset + limit]
        return ids, total

    async def _both(self, listed: str, other: str) -> list[str]:
        """Return what stands in both lists, part by part."""
        found: list[str] = []
        start = 0
        with unavailable_if_away():
            while part := await self._redis.zrevrange(listed, start, start + _CHUNK - 1):
                ids = [cast("bytes", run).decode() for run in part]
                scores: list[Any] = await self._redis.zmscore(other, ids)
                found += [run for run, at in zip(ids, scores, strict=True) if at is not None]
                start += _CHUNK
        return found
