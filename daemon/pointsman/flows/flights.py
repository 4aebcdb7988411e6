"""Leads that must wait for recipients: led from step to step so that no daemon's death loses one.

Before the first call one script stores the lead, its places under caps and how it began; what comes
of each step is stored before the next begins. Whoever leads a lead says so every few seconds. If
that daemon dies, a timer brings the lead to another, which goes on after the last result with the
same delivery ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

from pointsman import observe
from pointsman.delivery import Delivery
from pointsman.flows.departure import resumed, state_of
from pointsman.flows.itinerary import GRACE, SPARE, Desk, Itinerary
from pointsman.flows.passage import Way, claims_of, lead_of, told_of
from pointsman.flows.redelivery import again_of
from pointsman.flows.story import events
from pointsman.flows.submission import Submission
from pointsman.flows.turns import Turns
from pointsman.ids import milliseconds
from pointsman.model import Organization, Rules
from pointsman.settings import Settings
from pointsman.store.caps import CapStore, Counter
from pointsman.store.flights import FlightStore
from pointsman.store.leads import Idempotency, LeadStore, Taken
from pointsman.store.timers import Timer

__all__ = ["PURPOSE", "RUNNING", "Flights"]

PURPOSE = "submission"

RUNNING = '{"running":true}'
"""What is told of a lead that has not arrived."""


class Flights:
    """Leads leads to recipients, for every organization."""

    def __init__(
        self,
        leads: LeadStore,
        rules: Rules,
        delivery: Delivery,
        settings: Settings,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._turns = Turns(leads, rules)
        store = FlightStore(leads.store, settings)
        caps = CapStore(leads.store)
        self._desk = Desk(leads, self._turns, delivery, store, caps, clock)
        self._clock = clock

    async def lead(
        self,
        organization: Organization,
        submission: Submission,
        way: Way,
        counters: Mapping[str, Counter],
        *,
        idempotency: Idempotency | None = None,
    ) -> Taken:
        """Store a lead that has come to its first recipient, and lead it to its end.

        Where the flow works in the background a timer leads it on, and what is told is ``running``.
        Nothing was written if the status is ``capped``.
        """
        token, till = token_hex(8), submission.at + submission.flow.deadline + GRACE
        background = submission.flow.background
        lease = self._clock() + (0 if background else SPARE)
        departing = lead_of(
            organization,
            submission,
            way,
            counters,
            told=RUNNING,
            capped=f"{token} {lease} {till}",
            story=(state_of(submission, way),),
        )
        taken = await self._turns.keep(
            organization, departing, lambda _: None, assign=False, idempotency=idempotency
        )
        if background or taken.status != "taken" or taken.told != {"running": True}:
            return taken
        return await self._go_on(organization, submission, way, token)

    async def resume(self, organization: Organization, timer: Timer) -> None:
        """Take over a lead whose daemon does not lead it any more."""
        token, now = token_hex(8), max(self._clock(), timer.due)
        till = now + SPARE
        flight = await self._desk.store.claim(organization.id, timer.id, token, now, till)
        if flight is None:
            return
        submission, way = resumed(organization, timer.id, flight)
        observe.log().warning(
            observe.SUBMISSION_RESUMED, lead_id=timer.id, steps=len(flight.results)
        )
        await self._go_on(organization, submission, way, token, flight.results)

    async def _go_on(
        self,
        organization: Organization,
        submission: Submission,
        way: Way,
        token: str,
        known: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> Taken:
        await Itinerary(self._desk, organization, submission, way, token, known or {}).go()
        ended = self._clock()
        counted = await self._desk.caps.specs(organization.id, submission.counted, ended)
        taken = await self._desk.store.finish(
            organization.id,
            submission.lead_id,
            token,
            ended,
            told_of(submission),
            (counted, submission.outcome == "success"),
            claims_of(organization, submission),
            again_of(submission, ended),
            events(submission, ended),
        )
        return taken._replace(generation=organization.generation)
