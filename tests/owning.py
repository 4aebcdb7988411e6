"""Leads that have owners, and a clock that tests turn: what comes after an assignment.

The clock begins a week ago, because no organization's time runs ahead of Redis' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from orjson import loads

from pointsman.flows.acceptance import PURPOSE, Acceptances
from pointsman.flows.intake import Intake
from pointsman.flows.ownership import Owners
from pointsman.ids import assignment_turn, milliseconds
from pointsman.model import Origin, Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.owners import Asked, Outcome, Ownership, OwnerStore
from pointsman.store.pools import PoolState, PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from pooling import ORGANIZATION, LoadedRules, make_organization, publish

__all__ = ["MINUTE", "Office", "asked", "opened"]

MINUTE = 60_000
WEEK = 7 * 24 * 60 * MINUTE


def asked(**values: Any) -> Asked:
    """Return who asks for a change, each time another one."""
    return Asked(**{"by": "ops", "operation": uuid4().hex, **values})


class Office:
    """One organization's daemon without its HTTP, at a time that the test says."""

    def __init__(self, store: RedisStore, *pools: Pool) -> None:
        self.now = milliseconds() - WEEK
        self.store = store
        self.keys = Keys(ORGANIZATION)
        self.pool = pools[0]
        self.rules = LoadedRules(make_organization(pools))
        self.leads = LeadStore(store, Settings())
        self.pools = PoolStore(store)
        owners = OwnerStore(store, Settings())
        self.intake = Intake(self.leads, self.rules, clock=self.clock)
        self.owners = Owners(owners, self.pools, self.rules, clock=self.clock)
        self.accepting = Acceptances(owners, self.pools, self.rules, clock=self.clock)
        people = (person.member for pool in pools for person in pool.participants)
        self.handles: Mapping[str, str] = {member.id: member.handle for member in people}

    @property
    def organization(self) -> Any:
        """The organization as it is served."""
        return self.rules.current.organizations["acme"]

    def clock(self) -> int:
        """Return the time."""
        return self.now

    def member(self, handle: str) -> str:
        """Return a member's id."""
        return next(i for i, name in self.handles.items() if name == handle)

    async def lead(self, **data: Any) -> str:
        """Take a lead in and return its id."""
        taken = await self.intake.take(
            self.organization,
            {"email": f"{uuid4().hex}@example.com", **data},
            Origin("webhook"),
            source="webhook",
        )
        assert taken.status == "taken"
        return taken.lead_id

    async def assign(self, lead: str) -> str | None:
        """Run a stored lead through its pool; return who got it."""
        taken = await self.intake.assign(self.organization, lead, "system")
        return self.handles[taken.assignment.member_id] if taken.assignment else None

    async def hand(self, lead: str, handle: str, how: str = "assign", **values: Any) -> Outcome:
        """Give a lead to somebody by hand."""
        return await self.owners.hand(
            self.organization,
            lead,
            self.member(handle),
            values.pop("asked", None) or asked(),
            how=how,
            **values,
        )

    async def pass_on(self, lead: str, **values: Any) -> Outcome:
        """Give a lead to the next of the first pool."""
        who = values.pop("asked", None) or asked()
        values = {"pool_id": self.pool.id, **values}
        return await self.owners.pass_on(self.organization, lead, who, **values)

    async def credit(self, lead: str, place: int = 0) -> Outcome:
        """Give the turn of a lead back; ``place`` counts its assignments from the newest on."""
        page = await self.pools.assignments(ORGANIZATION, self.pool.id)
        turn = [one for one in page.assignments if one.lead_id == lead][place]
        assert assignment_turn(turn.id) == turn.turn
        return await self.owners.credit(self.organization, self.pool.id, turn, asked())

    async def owned(self, lead: str) -> Ownership:
        """Return who has a lead."""
        owner, _ = await self.owners.store.read(ORGANIZATION, lead)
        assert owner
        return owner

    async def owner(self, lead: str) -> str | None:
        """Return the handle of who has a lead."""
        owner = (await self.owned(lead)).owner
        return owner and self.handles[owner]

    async def serve(self, number: int) -> list[str]:
        """Take so many leads in and return who got them, "-" for nobody."""
        return [await self.owner(await self.lead()) or "-" for _ in range(number)]

    async def timers(self) -> list[Timer]:
        """Return the timers that scripts have set for leads to be accepted, oldest first."""
        entries: Any = await self.store.redis.xrange(self.keys.outbox)
        told = [Timer(ORGANIZATION, *_parts(fields)) for _, fields in entries]
        return [timer for timer in told if timer.purpose == PURPOSE]

    async def ring(self, timer: Timer, at: int | None = None) -> None:
        """Let a timer come, at its time or another."""
        self.now = timer.due if at is None else at
        await self.accepting.ring(self.organization, timer)

    async def metadata(self, lead: str) -> list[dict[str, Any]]:
        """Return what the first pool's history tells of a lead's assignments, newest first."""
        page = await self.pools.assignments(ORGANIZATION, self.pool.id)
        return [loads(one.metadata) for one in page.assignments if one.lead_id == lead]

    async def types(self, lead: str) -> list[str]:
        """Return the events of a lead."""
        found, _ = await self.leads.read(ORGANIZATION, lead, log=True)
        assert found
        return [name for entry in found.log for name in entry.types]

    async def state(self) -> PoolState:
        """Return how the first pool stands."""
        return await self.pools.state(ORGANIZATION, self.pool, self.now)


def _parts(fields: Mapping[bytes, bytes]) -> tuple[str, str, int]:
    purpose, _, about = fields[b"timer"].decode().partition("/")
    return purpose, about, int(fields[b"due"])


async def opened(store: RedisStore, *pools: Pool) -> Office:
    """Publish pools and return the office that serves them."""
    await publish(store, *pools)
    return Office(store, *pools)
