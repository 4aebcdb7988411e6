"""The state of pools in Redis: the pointer, the counters, the history.

What a pool *is* comes from its file; only whose turn it is lives here. Reading never takes a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from orjson import dumps, loads

from pointsman.ids import milliseconds
from pointsman.model import Participant, Pool
from pointsman.store.history import StoredAssignment, assignment_of
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = [
    "AssignmentPage",
    "Owner",
    "PassedOver",
    "PoolState",
    "PoolStore",
    "StoredAssignment",
    "unpublished",
]

_CHUNK = 1_000
_AFTERWARDS = {
    "accepted": "accepted:all",
    "not_accepted": "ended:not_accepted",
    "reassigned": "ended:reassigned",
    "unassigned": "ended:unassigned",
    "credited": "credited:all",
}
_AWAY = {"1": "out_of_hours", "2": "out_of_office"}


class PassedOver(NamedTuple):
    """Someone who would not be served now, and why: a word such as ``inactive``."""

    participant: Participant
    reason: str


class Owner(NamedTuple):
    """Who had a person's last lead, known again by ``by``; ``reason``: why they cannot be served.

    ``member_id`` is only told beside a reason: else they are the next.
    """

    member_id: str | None
    by: str
    reason: str | None = None


class PoolState(NamedTuple):
    """Where a pool stands; people are participants of the pool as it is loaded here.

    ``next`` would be served now (``None``: nobody may be), after ``passed_over``. ``turn`` is the
    number of the next turn, 0 for a pool that was never published. ``members`` has the count and
    the last time of everyone who ever got a lead here, by member id. ``parked`` leads wait in line,
    the first of them since ``oldest``. ``owner`` is told if the state was asked for a lead.
    ``deals`` counts the opportunities of the leads that it assigned. ``afterwards`` counts what
    came after assignments, by what it was, and ``credited`` turns given back, by member id. Times
    are milliseconds.
    """

    next: Participant | None
    passed_over: Sequence[PassedOver]
    turn: int = 0
    total: int = 0
    last: int | None = None
    members: Mapping[str, tuple[int, int]] = {}
    history: int = 0
    parked: int = 0
    oldest: int | None = None
    owner: Owner | None = None
    deals: int = 0
    won_deals: int = 0
    afterwards: Mapping[str, int] = dict.fromkeys(_AFTERWARDS, 0)
    credited: Mapping[str, int] = {}


class AssignmentPage(NamedTuple):
    """Some of a pool's assignments, newest first, and how many there are in all."""

    assignments: Sequence[StoredAssignment]
    total: int


class PoolStore:
    """The pools of all organizations in one Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def is_gone(self, organization_id: str, pool_id: str) -> bool:
        """Tell whether a pool was there once and something of it is kept still."""
        kept = await self._store.redis.hexists(Keys(organization_id).pool(pool_id), "gone")
        return bool(kept)

    async def state(
        self, organization_id: str, pool: Pool, at: int | None = None, *, marks: str = ""
    ) -> PoolState:
        """Return whose turn it is in ``pool``, now or ``at``, and what its counters say.

        ``marks`` are those of a lead (``flows.terms``): its owner comes before anybody's turn.
        """
        now = milliseconds() if at is None else at
        keys, i = Keys(organization_id), pool.id
        names = [keys.pool(i), keys.cycle(i), keys.stats(i), keys.history(i)]
        names += [keys.caps(i), keys.held(i)]
        known = f"{','.join(pool.sticky.by)} {marks}" if pool.sticky and marks else ""
        args = [pool.revision, pool.limits.at(now) if pool.limits else "", known]
        told = await self._store.call("read_pool", names, args)
        pointer, stats, following, passed, length, parked, oldest, owner = told
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
            deals=counts.get("deals:total", 0),
            won_deals=counts.get("deals:won", 0),
            afterwards={name: counts.get(key, 0) for name, key in _AFTERWARDS.items()},
            credited=_under("credited:", counts),
            members={
                name: (count, counts.get(f"{name}:last", 0))
                for name, count in counts.items()
                if name not in {"total", "last"} and ":" not in name
            },
            history=length,
            parked=parked,
            oldest=int(float(oldest)) if oldest else None,
            owner=_owner(owner),
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
            names = [history, keys.stats(pool_id), keys.rows(pool_id, source)]
            total, *found = await self._store.call("read_rows", names, [source, limit, offset])
            rows = found[::-1]
            if found == [0]:  # a history from before its sources were listed
                rows = await self._rows_from(history, source, limit, offset)
        return AssignmentPage([assignment_of(pool_id, row) for row in reversed(rows)], total)

    async def point(
        self, organization_id: str, pool_id: str, participant_id: str, by: str = "pointsman"
    ) -> bool:
        """Make a participant the next; ``False`` if the published pool does not have it."""
        return await self._point(organization_id, pool_id, participant_id, by)

    async def point_to_first(
        self, organization_id: str, pool_id: str, by: str = "pointsman"
    ) -> bool:
        """Begin the order of turns anew; ``False`` if the pool is not published."""
        return await self._point(organization_id, pool_id, "", by)

    async def _point(self, organization_id: str, pool_id: str, to: str, by: str) -> bool:
        keys = Keys(organization_id)
        names = [keys.pool(pool_id), keys.cycle(pool_id), keys.held(pool_id)]
        names.append(keys.once(uuid4().hex))
        return bool(await self._store.call("point_pool", names, [to, dumps(by)]))

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


def _owner(told: bytes) -> Owner | None:
    """Return what the history would tell of a lead's owner."""
    row = loads(b"{%s}" % told.lstrip(b","))
    if "y" in row:
        return Owner(None, row["y"])
    return Owner(row["x"][1], row["x"][0], row["x"][2]) if row else None


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


def _under(prefix: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {n.removeprefix(prefix): count for n, count in counts.items() if n.startswith(prefix)}


def _counters(stats: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in zip(stats[::2], stats[1::2], strict=True)}
