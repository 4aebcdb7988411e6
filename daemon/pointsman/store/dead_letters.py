"""Dead letters: what failed for good, until somebody looks after it.

Steps of runs, ``<run>:<step>`` as in the ``webhook-id`` that the receiver saw, and deliveries of
flows, by the id of their event. Only ids are kept here: what was to be sent and why it failed
stands in the run or under the lead, and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pointsman.ids import event_id, parse_event_id
from pointsman.store.away import unavailable_if_away
from pointsman.store.errands import ErrandStore, Name
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Run, StepRecord
from pointsman.store.runs import RunStore

__all__ = ["DeadLetter", "DeadLetters", "LostDelivery"]


class DeadLetter(NamedTuple):
    """A step that failed, ``number`` counting from 1, and when (milliseconds)."""

    run: Run
    number: int
    at: int

    @property
    def id(self) -> str:
        """What it is called."""
        return f"{self.run.id}:{self.number}"

    @property
    def step(self) -> StepRecord:
        """What is known of the step."""
        return self.run.steps[self.number - 1]


class LostDelivery(NamedTuple):
    """A delivery of a flow that failed, what is told of it, and when (milliseconds)."""

    name: Name
    told: Mapping[str, Any]
    at: int

    @property
    def id(self) -> str:
        """What it is called."""
        return event_id(self.name.lead_id, self.name.number)


class DeadLetters:
    """The dead letters of all organizations in one Redis."""

    def __init__(self, store: RedisStore, runs: RunStore, errands: ErrandStore) -> None:
        self._redis = store.redis
        self._runs = runs
        self._errands = errands

    async def list(
        self, organization_id: str, limit: int, offset: int
    ) -> tuple[Sequence[DeadLetter | LostDelivery], int]:
        """Return a page of dead letters, newest first, and how many there are in all."""
        key = Keys(organization_id).dead_letters
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zrevrange(key, offset, offset + limit - 1, withscores=True)
                pipe.zcard(key)
                found, total = await pipe.execute()
        return await self._known(organization_id, [(n.decode(), int(at)) for n, at in found]), total

    async def read(self, organization_id: str, name: str) -> DeadLetter | LostDelivery | None:
        """Return one by its id; ``None`` if there is none, or none any more."""
        with unavailable_if_away():
            at = await self._redis.zscore(Keys(organization_id).dead_letters, name)
        found = [] if at is None else await self._known(organization_id, [(name, int(at))])
        return found[0] if found else None

    async def discard(self, organization_id: str, name: str) -> None:
        """Forget a step of a run; the run stays as it is."""
        with unavailable_if_away():
            await self._redis.zrem(Keys(organization_id).dead_letters, name)

    async def _known(
        self, organization_id: str, named: Sequence[tuple[str, int]]
    ) -> Sequence[DeadLetter | LostDelivery]:
        """Return those that are there still."""
        steps = {name: _parsed(name) for name, _ in named if ":" in name}
        found = await self._runs.several(organization_id, [run for run, _ in steps.values()])
        runs = {run.id: run for run in found}
        deliveries = {
            name: Name(organization_id, parsed[0], parsed[1])
            for name, _ in named
            if (parsed := parse_event_id(name)) is not None
        }
        told = dict(
            zip(deliveries, await self._errands.told(list(deliveries.values())), strict=True)
        )
        letters = (
            _letter(runs.get(steps[name][0]), steps[name][1], at)
            if name in steps
            else _lost(deliveries.get(name), told.get(name), at)
            for name, at in named
        )
        return [letter for letter in letters if letter is not None]


def _letter(run: Run | None, number: int, at: int) -> DeadLetter | None:
    return DeadLetter(run, number, at) if run is not None else None


def _lost(name: Name | None, told: Mapping[str, Any] | None, at: int) -> LostDelivery | None:
    return LostDelivery(name, told, at) if name is not None and told is not None else None


def _parsed(name: str) -> tuple[str, int]:
    run, _, number = name.rpartition(":")
    return run, int(number)
