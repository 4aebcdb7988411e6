"""Owners of records that an action assigns: whose turn it is, or who has the least to do.

People whom the action names take turns like those of a pool, with a pointer of their own: it
belongs to the step, so an action that keeps its id keeps its pointer whatever else is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pointsman import observe
from pointsman.errors import ActionError, Unavailable
from pointsman.ids import derived, milliseconds
from pointsman.model import Organization, Pool, Rules
from pointsman.pools.compile import compile_pool, published
from pointsman.store.own import Owned, Owning, OwnStore
from pointsman.store.pools import PoolStore
from pointsman.store.stored import Choice

__all__ = ["ROUND_ROBIN", "Asked", "Assigner"]

ROUND_ROBIN = "round_robin"
LEAST_LOADED = "least_loaded"

_WHY = '"f":"workflow"'
_TRIES = 4
_NOBODY = "no_eligible_participant"


class Asked(NamedTuple):
    """How an owner is to be found: among ``people`` (members' names) or those of a ``pool``.

    ``step`` is the id of the action that asks.
    """

    algorithm: str
    people: Sequence[str]
    pool: str | None
    step: str


class Assigner:
    """Finds owners, for every organization."""

    def __init__(
        self,
        store: OwnStore,
        pools: PoolStore,
        rules: Rules,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._store = store
        self._pools = pools
        self._rules = rules
        self._clock = clock

    async def assign(self, organization: Organization, owning: Owning, asked: Asked) -> Owned:
        """Give a record its owner; raises ``ActionError`` if it or the pool is not there."""
        if asked.algorithm == LEAST_LOADED:
            found = await self._least(organization, owning, asked)
        elif asked.pool is None:
            own = _rotation(organization, asked)
            found = await self._store.turn(owning, self._choice(own), published(own))
        else:
            found = await self._in_pool(organization, owning, asked.pool)
        if found.status == "unknown":
            raise ActionError("the record is no longer there")
        if found.status not in {"done", "none"}:
            raise Unavailable(f"no owner can be found just now ({found.status})")
        return found if found.status == "done" else found._replace(reason=_NOBODY)

    async def _least(self, organization: Organization, owning: Owning, asked: Asked) -> Owned:
        pool = _pool(organization, asked.pool) if asked.pool else _rotation(organization, asked)
        people = list(_there(pool, self._clock()))
        if not people:
            return Owned("none", organization.generation)
        return await self._store.least(owning, people)

    async def _in_pool(self, organization: Organization, owning: Owning, named: str) -> Owned:
        """Take a turn in a published pool as it is now, or in the one that it falls back to."""
        current: Organization | None = organization
        for _ in range(_TRIES):
            if current is None:
                break
            pool = _pool(current, named)
            found = await self._turn(current, owning, pool)
            if found.status not in {"stale", "gone", "lost"}:
                return found
            current = await self._rules.catch_up(organization.handle, found.generation)
        raise Unavailable(f"pool '{named}' was changed, and this daemon has not loaded that yet")

    async def _turn(self, organization: Organization, owning: Owning, pool: Pool) -> Owned:
        found = Owned("none", organization.generation)
        for asked in (pool, organization.pools.get(pool.fallback or "")):
            if asked is None or not asked.active:
                continue
            found = await self._store.turn(owning, self._choice(asked))
            if found.status == "lost":
                effect = await self._pools.restore(organization.id, published(asked))
                told = observe.log(pool=asked.id, file=asked.file)
                told.warning(observe.POOL_POINTER_LOST, effect=effect)
                found = await self._store.turn(owning, self._choice(asked))
            if found.status != "none":
                break
        return found

    def _choice(self, pool: Pool) -> Choice:
        """Return the choice of a pool as of now; what comes after it is asked apart from it."""
        now = self._clock()
        limits = "" if pool.limits is None else pool.limits.at(now).replace("+ ", " ", 1)
        accept = "" if pool.accept is None else pool.accept.at(now)
        return Choice(pool.id, pool.revision, _WHY, limits, accept=accept)


def _rotation(organization: Organization, asked: Asked) -> Pool:
    """Return the people whom an action names, as a pool that no file has."""
    called = {name: member for name in asked.people if (member := organization.member(name))}
    unknown = [name for name in asked.people if name not in called]
    if unknown:
        raise ActionError(f"no member '{unknown[0]}'; members are in organization.yaml")
    people = dict.fromkeys(member.id for member in called.values())
    return compile_pool(
        file="",
        document={"name": "assign_owner", "participants": list(people)},
        pool_id=derived(asked.step, "rotation"),
        organization_id=organization.id,
        members={member.id: member for member in called.values()},
        report=_wrong,
        time_zone=organization.time_zone,
    )


def _pool(organization: Organization, named: str) -> Pool:
    """Return a pool by its id or by its file's name."""
    found = organization.pools.get(named)
    if found is None:
        file = f"pools/{named}."
        pools = organization.pools.values()
        found = next((one for one in pools if one.file.startswith(file)), None)
    if found is None:
        raise ActionError(f"no pool '{named}'; name one by its file in pools/, or by its id")
    return found


def _there(pool: Pool, now: int) -> Iterator[str]:
    """Yield the members of a pool who work now; caps are for turns and not looked at."""
    away = pool.limits.at(now).rpartition(" ")[2] if pool.limits else "-"
    for person in pool.participants:
        is_there = away == "-" or away[person.order - 1] == "0"
        if person.active and person.member.active and person.weight and is_there:
            yield person.member.id


def _wrong(_path: tuple[str | int, ...], message: str) -> None:
    raise ActionError(message)
