"""A lead's way in: what it says, which pool it goes to, whose turn it is.

A flow that names the lead's intake decides alone; without one the pools' connections do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from pointsman.errors import Refused, Unavailable
from pointsman.flows.decide import choose, flow_of, route_of
from pointsman.flows.flights import Flights
from pointsman.flows.lists import CHECKS, asked
from pointsman.flows.passage import Way, chooser, enter, lead_of, told_of
from pointsman.flows.story import events
from pointsman.flows.submission import Submission
from pointsman.flows.turns import NO_POOL, Turns
from pointsman.ids import lead_id as new_lead_id
from pointsman.ids import milliseconds, parse_lead_id
from pointsman.model import Organization, Origin, Rules
from pointsman.store.caps import CapStore, Counter
from pointsman.store.finding import listing
from pointsman.store.leads import Choice, Idempotency, LeadStore, NewLead, Taken
from pointsman.store.lists import ListStore

__all__ = ["Intake"]


class Intake:
    """Takes leads in and assigns them, for every organization."""

    def __init__(
        self,
        leads: LeadStore,
        rules: Rules,
        *,
        flights: Flights | None = None,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._leads = leads
        self._clock = clock
        self._caps = CapStore(leads.store)
        self._lists = ListStore(leads.store)
        self._turns = Turns(leads, rules)
        self._flights = flights

    async def take(
        self,
        organization: Organization,
        body: Mapping[str, Any],
        origin: Origin,
        *,
        source: str,
        created_by: str = "intake",
        assign: bool = True,
        idempotency: Idempotency | None = None,
        operation_lead_id: str | None = None,
        depth: int = 0,
        owner: str = "",
    ) -> Taken:
        """Store a lead and give it its turn; all of it, or nothing.

        One that has an ``owner`` takes no turn; a flow that it comes by does not know of owners.

        ``source`` is what history records. ``operation_lead_id`` (24 hex digits) makes a repeated
        call the same lead. Raises ``Refused`` for a body that does not fit the fields.
        """
        data = organization.fields.take(body)
        now = self._clock()
        identifier = operation_lead_id or new_lead_id(now)
        route = route_of(organization, origin)
        if route is not None:
            parameters = {**body, **data}
            submission = enter(organization, *route, parameters, lead_id=identifier, at=now)
            way = Way(origin, source, created_by, depth, data, assign)
            return await self.submit(organization, submission, way, idempotency=idempotency)
        found = listing(organization, "leads", data)
        lead = NewLead(identifier, now, data, origin, source, created_by, depth, found, owner=owner)
        return await self._turns.keep(
            organization,
            lead,
            lambda current: choose(current, None, origin, source, now, data=data),
            assign=assign and not owner,
            idempotency=idempotency,
        )

    async def submit(
        self,
        organization: Organization,
        submission: Submission,
        way: Way,
        *,
        idempotency: Idempotency | None = None,
    ) -> Taken:
        """Take a lead through its flow; what it came to is stored when this returns."""
        hanging = submission.hanging_caps()
        counters = await self._caps.read(organization.id, hanging, submission.at) if hanging else {}
        submission.suppose(asked(submission.flow.checks, submission.scope, organization.secret))
        step = submission.walk() if submission.admit() else None
        while True:
            if step is None:
                assign = way.assign and (submission.pool is not None or way.data is not None)
                taken = await self._turns.keep(
                    organization,
                    self._ready(organization, submission, way, counters),
                    chooser(submission, way.source),
                    assign=assign,
                    idempotency=idempotency,
                )
            else:
                taken = await self._lead(organization, submission, way, counters, idempotency)
            if taken.status == "capped" and taken.reason is not None:
                submission.turn_away(taken.reason)
                step = None
            elif taken.status == "listed" and taken.reason is not None:
                submission.listed(taken.reason)
                step = submission.walk() if submission.admit() else None
            else:
                return taken if submission.flow.background else _arrived(taken)

    async def look_up(self, organization: Organization, submission: Submission) -> None:
        """Ask the flow's lists about a lead that is not to be stored."""
        checks = asked(submission.flow.checks, submission.scope, organization.secret)
        wanted = [(check.list, found, check.since(submission.at)) for check, found in checks]
        known = await self._lists.find(organization.id, wanted, submission.at)
        submission.look_up(
            {CHECKS[check.name]: there for (check, _), there in zip(checks, known, strict=True)}
        )

    def _ready(
        self,
        organization: Organization,
        submission: Submission,
        way: Way,
        counters: Mapping[str, Counter],
    ) -> NewLead:
        """Return a lead that nobody else has to be asked about, to be stored."""
        return lead_of(
            organization,
            submission,
            way,
            counters,
            told=told_of(submission),
            capped=submission.counting,
            story=events(submission, self._clock()),
        )

    async def _lead(
        self,
        organization: Organization,
        submission: Submission,
        way: Way,
        counters: Mapping[str, Counter],
        idempotency: Idempotency | None,
    ) -> Taken:
        if self._flights is None:
            raise Unavailable("this daemon delivers to nobody")
        return await self._flights.lead(
            organization, submission, way, counters, idempotency=idempotency
        )

    async def assign(
        self,
        organization: Organization,
        lead_id: str,
        source: str,
        *,
        operation: str | None = None,
        created_by: str = "api",
        depth: int = 0,
    ) -> Taken:
        """Give a stored lead without an owner its turn, by where it came from.

        The status is ``unknown`` if there is no such lead. ``operation`` makes a repeated call the
        same turn.
        """
        identifier = parse_lead_id(lead_id)
        if identifier is None:
            return Taken("unknown", organization.generation, lead_id)
        lead, generation = await self._leads.read(organization.id, identifier)
        if lead is None:
            return Taken("unknown", generation, identifier)
        if generation > organization.generation:
            organization = await self._turns.catch_up(organization, generation)
        named = operation or uuid4().hex
        flow, now = flow_of(organization, lead.origin), self._clock()

        async def attempt(choice: Choice | None) -> Taken:
            if choice is None:
                reason = "already_assigned" if lead.owner else NO_POOL
                return Taken("taken", generation, identifier, None, reason)
            return await self._leads.assign(
                organization.id,
                identifier,
                choice,
                source=source,
                operation=named,
                created_by=created_by,
                depth=depth,
                at=now,
            )

        return await self._turns.give(
            organization,
            lambda current: choose(current, flow, lead.origin, source, now, data=lead.data),
            attempt,
        )


def _arrived(taken: Taken) -> Taken:
    """Return what became of a lead; refuse to repeat the answer of one that is still on its way."""
    if taken.told is not None and "running" in taken.told:
        raise Refused(
            "the lead that first came with this Idempotency-Key is still on its way; ask again",
            status=HTTPStatus.CONFLICT,
            code="CONFLICT",
            headers={"Retry-After": "1"},
        )
    return taken
