"""The state of pools in Redis: the pointer, the counters, the history.

What a pool *is* comes from its file; only whose turn it is lives here. Reading never takes a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.ids import derived, milliseconds
from pointsman.model import Participant, Pool
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = [
    "AssignmentPage",
    "PassedOver",
    "PoolState",
    "PoolStore",
    "StoredAssignment",
    "unpublished",
]

_CHUNK = 1_000
_AWAY = {"1": "out_of_hours", "2": "out_of_office"}


class PassedOver(NamedTuple):
    """Someone who would not be served now, and why: a word such as ``inactive``."""

    participant: Participant
    reason: str


class PoolState(NamedTuple):
    """Where a pool stands; people are participants of the pool as it is loaded here.

    ``next`` would be served now (``None``: nobody may be), after ``passed_over``. ``turn`` is the
    number of the next turn, 0 for a pool that was never published. ``members`` has the count and
    the last time of everyone who ever got a lead here, by member id. Times are milliseconds.
    """

    next: Participant | None
    passed_over: Sequence[PassedOver]
    turn: int = 0
    total: int = 0
    last: int | None = None
    members: Mapping[str, tuple[int, int]] = {}
    history: int = 0


class StoredAssignment(NamedTuple):
    """One turn that was taken; ``metadata`` is JSON text as the API shows it."""

    id: str
    lead_id: str
    member_id: str
    order: int
    turn: int
    source: str
    at: int
    metadata: str


class AssignmentPage(NamedTuple):
    """Some of a pool's assignments, newest first, and how many there are in all."""

    assignments: Sequence[StoredAssignment]
    total: int


class PoolStore:
    """The pools of all organizations in one Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def state(self, organization_id: str, pool: Pool, at: int | None = None) -> PoolState:
        """Return whose turn it is in ``pool``, now or ``at``, and what its counters say."""
        now = milliseconds() if at is None else at
        keys, i = Keys(organization_id), pool.id
        names = [keys.pool(i), keys.cycle(i), keys.stats(i), keys.history(i)]
        names += [keys.caps(i), keys.held(i)]
        args = [pool.revision, pool.limits.at(now) if pool.limits else ""]
        pointer, stats, following, passed, length = await self._store.call("read_pool", names, args)
        if not pointer:
            return unpublished(pool, now)
        people = {participant.id: participant for participant in pool.participants}
        counts = _counters(stats)
        kept = dict(zip(pointer[::2], pointer[1::2], strict=True))
        return PoolState(
            next=people.get(following.decode()),
            passed_over=_passed_over(passed, people),
            turn=int(kept.get(b"turn", 0)),
            total=counts.get("total", 0),
            last=counts.get("last"),
            members={
                name: (count, counts.get(f"{name}:last", 0))
                for name, count in counts.items()
                if name not in {"total", "last"} and ":" not in name
            },
            history=length,
        )

    async def states(self, organization_id: str, pools: Iterable[Pool]) -> list[PoolState]:
        """Return the states of several pools, in one round trip."""
        return await asyncio.gather(*(self.state(organization_id, pool) for pool in pools))

    async def assignments(
        self,
        organization_id: str,
        pool_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        source: str | None = None,
    ) -> AssignmentPage:
        """Return a page of the pool's history, newest first."""
        keys = Keys(organization_id)
        history = keys.history(pool_id)
        if source is None:
            total = int(await self._store.redis.llen(history))
            newest = total - offset
            rows = await self._rows(history, max(0, newest - limit), newest)
        else:
            count = await self._store.redis.hget(keys.stats(pool_id), f"source:{source}")
            total = int(count or 0)
            rows = await self._rows_from(history, source, limit, offset)
        return AssignmentPage([_assignment(pool_id, row) for row in reversed(rows)], total)

    async def point(self, organization_id: str, pool_id: str, participant_id: str) -> bool:
        """Make a participant the next; ``False`` if the published pool does not have it."""
        keys = Keys(organization_id)
        names = [keys.pool(pool_id), keys.cycle(pool_id), keys.held(pool_id)]
        return bool(await self._store.call("point_pool", names, [participant_id]))

    async def restore(self, organization_id: str, published: Mapping[str, Any]) -> str:
        """Give a published pool a lost pointer back from its history; say what was done.

        ``published`` is what ``pools.compile.published`` returns. ``gone`` and ``stale``: the pool
        is not published like this, and nothing was done.
        """
        keys = Keys(organization_id)
        pool = published["id"]
        names = [
            keys.pools,
            keys.pool(pool),
            keys.cycle(pool),
            keys.history(pool),
            keys.stats(pool),
            keys.caps(pool),
            keys.held(pool),
        ]
        answer: bytes = await self._store.call("restore_pool", names, [dumps(published)])
        return answer.decode()

    async def _rows(self, history: str, start: int, end: int) -> list[bytes]:
        """Return the rows from ``start`` to before ``end``, oldest first."""
        if end <= start:
            return []
        rows: list[Any] = await self._store.redis.lrange(history, start, end - 1)
        return rows

    async def _rows_from(self, history: str, source: str, limit: int, offset: int) -> list[bytes]:
        """Return the rows of one source, oldest first, reading from the newest on."""
        mark = f'"s":"{source}"'.encode()
        found: list[bytes] = []
        end = int(await self._store.redis.llen(history))
        while end > 0 and len(found) < offset + limit:
            start = max(0, end - _CHUNK)
            rows = await self._rows(history, start, end)
            found.extend(row for row in reversed(rows) if mark in row)
            end = start
        return found[offset : offset + limit][::-1]


def unpublished(pool: Pool, at: int | None = None) -> PoolState:
    """Return the state that publishing the pool, now or ``at``, would give it."""
    limits = pool.limits.at(milliseconds() if at is None else at) if pool.limits else "- - -"
    *_, away = limits.split(" ")
    passed: list[PassedOver] = []
    for place in pool.turns:
        participant = pool.participants[place]
        reason = _never(participant) or _AWAY.get(away[place : place + 1])
        if reason is None:
            return PoolState(participant, _once(passed))
        passed.append(PassedOver(participant, reason))
    return PoolState(None, _once(passed))


def _never(participant: Participant) -> str | None:
    """Return why a participant is never served, as turn.lua names it."""
    if not (participant.active and participant.member.active):
        return "inactive"
    return None if participant.weight else "weight_zero"


def _passed_over(told: Sequence[bytes], people: Mapping[str, Participant]) -> list[PassedOver]:
    """Return those whom a script tells, each once; who is no longer in the file is left out."""
    pairs = zip(told[::2], told[1::2], strict=True)
    named = [(i.decode(), reason.decode()) for i, reason in pairs]
    return _once(PassedOver(people[i], reason) for i, reason in named if i in people)


def _once(passed: Iterable[PassedOver]) -> list[PassedOver]:
    return list({person.participant.id: person for person in passed}.values())


def _counters(stats: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in zip(stats[::2], stats[1::2], strict=True)}


def _assignment(pool_id: str, row: bytes) -> StoredAssignment:
    told = loads(row)
    lead, turn = told["l"], told["t"]
    return StoredAssignment(
        id=derived(pool_id, lead, str(turn)),
        lead_id=lead,
        member_id=told["m"],
        order=told["o"],
        turn=turn,
        source=told["s"],
        at=told["a"],
        metadata=dumps(_metadata(told)).decode(),
    )


def _metadata(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the lead came to this pool and whom it passed over, in the API's words."""
    metadata: dict[str, Any] = {}
    if "f" in told:
        metadata["match"] = {"fallbackType": told["f"], "connectionId": told.get("c")}
    if "w" in told:
        metadata["flow"] = {"flowId": told["w"], "stepId": told["p"]}
    if "b" in told:
        metadata["fallbackFrom"] = told["b"]
    if "h" in told:
        metadata["held"] = True
    if "k" in told:
        metadata["skipped"] = [{"participantId": i, "reason": reason} for i, reason in told["k"]]
    if "r" in told:
        metadata["skippedMore"] = told["r"]
    return metadata
