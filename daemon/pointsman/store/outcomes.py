"""How runs and submissions ended, read for sinks: the stream has ids only, the rest is looked up.

A record that was erased meanwhile has nothing to tell of itself any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from redis.exceptions import ResponseError

from pointsman.model import Change
from pointsman.modules import MODULES
from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["RUNS", "SUBMISSIONS", "OutcomeStore", "record_of"]

RUNS, SUBMISSIONS = "runs", "submissions"

_MODULES = {known.singular: name for name, known in MODULES.items()}
_OF_RUNS = ("status", "error")


class OutcomeStore:
    """Reads what came of runs and submissions."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def read(
        self, organization_id: str, ended: Sequence[Change]
    ) -> list[Mapping[str, Any] | None]:
        """Return ids, reason and price of what ended, in one round trip; ``None``: it is gone."""
        if not ended:
            return []
        keys = Keys(organization_id)
        with unavailable_if_away():
            async with self._store.redis.pipeline(transaction=False) as pipeline:
                for one in ended:
                    if one.module == RUNS:
                        pipeline.hmget(keys.run(_ids(one)[1]), _OF_RUNS)
                    else:
                        pipeline.hmget(keys.lead(one.record_id), ("answer",))
                found = await pipeline.execute(raise_on_error=False)
            for number, told in enumerate(found):
                if isinstance(told, ResponseError):
                    found[number] = await self._earlier(keys, ended[number])
        return [
            _run(one, *told) if one.module == RUNS else _submission(one, *told)
            for one, told in zip(ended, found, strict=True)
        ]

    async def _earlier(self, keys: Keys, ended: Change) -> list[Any]:
        """Return what is known of a run that an earlier version began (runs.lua)."""
        old = f"{keys.lead(ended.record_id)}:run:{_ids(ended)[1]}"
        return await self._store.redis.hmget(old, _OF_RUNS)


def record_of(placed: str) -> tuple[str, str]:
    """Return module and id of the record at a place, as runs know it."""
    singular, _, identifier = placed.rpartition(":")
    return _MODULES[singular or "lead"], identifier


def _ids(ended: Change) -> tuple[str, str]:
    """Return the ids of the workflow or flow, and of the run, that an entry names."""
    whose, _, run = ended.origin.partition(":")[2].partition("/")
    return whose, run


def _run(ended: Change, status: bytes | None, error: bytes | None) -> Mapping[str, Any] | None:
    if status is None:
        return None
    workflow, run = _ids(ended)
    module, record = record_of(ended.record_id)
    return {
        "run_id": run,
        "workflow_id": workflow,
        "module": module,
        "record_id": record,
        "outcome": ended.types[0].partition("_")[2],
        "reason": error.decode() if error else None,
    }


def _submission(ended: Change, answer: bytes | None) -> Mapping[str, Any] | None:
    told = orjson.loads(answer).get("told") if answer else None
    if told is None:
        return None
    return {
        "lead_id": ended.record_id,
        "flow_id": _ids(ended)[0],
        "outcome": told["outcome"],
        "reason": told["reason"],
        "price": told["price"],
    }
