"""A lead led from step to step by the daemon that holds its token.

What comes of each step is stored before anything that follows from it begins. A step whose result
was stored before, by this daemon or one that died, is not taken again; one that was under way is,
with the same delivery id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman import observe
from pointsman.delivery import Delivery, Outgoing
from pointsman.errors import Unavailable
from pointsman.flow import Asking, Bid, Group, PluginStep, PoolStep, Quota, Recipient
from pointsman.flows.decide import step_choice
from pointsman.flows.errand import ask_bid, deliver
from pointsman.flows.groups import take_group
from pointsman.flows.passage import Way
from pointsman.flows.plugged import perform
from pointsman.flows.quotas import wanted, why_full
from pointsman.flows.submission import StepResult, Submission
from pointsman.flows.turns import NO_POOL, Turns
from pointsman.model import Organization
from pointsman.store.caps import CapStore
from pointsman.store.flights import FlightStore, Places, TakenOver
from pointsman.store.leads import Choice, LeadStore, Taken

__all__ = ["BEAT", "GRACE", "SPARE", "Desk", "Itinerary"]

SPARE = 10_000
"""Milliseconds that a lead is held by a daemon that does not say again that it leads it."""

BEAT = 2.5
"""Seconds after which it says so."""

GRACE = 30_000
"""Milliseconds beyond the deadline after which places that a lead holds are lost."""

_NO_STEP = 0
_LATE = "the deadline of the flow has passed"
_NOT_ASKED = "not_asked"
_ERRED = "a step before ended with an error"
_PARKED = "parked"
"""Why a lead that waits in line is nobody's yet: neither taken nor refused."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What leads are led with."""

    leads: LeadStore
    turns: Turns
    delivery: Delivery
    store: FlightStore
    caps: CapStore
    clock: Callable[[], int]

    async def outgoing(self, organization: Organization) -> Outgoing:
        """Return the way out of an organization."""
        return await self.delivery.outgoing(organization.allow_networks, organization.id)


class Itinerary:
    """Leads one lead; ``known`` is what came of steps before, by their numbers."""

    def __init__(  # noqa: PLR0917 - all of one fact
        self,
        desk: Desk,
        organization: Organization,
        submission: Submission,
        way: Way,
        token: str,
        known: Mapping[int, Mapping[str, Any]],
    ) -> None:
        self._desk = desk
        self._organization = organization
        self._submission = submission
        self._way = way
        self._token = token
        self._known = known

    @property
    def clock(self) -> Callable[[], int]:
        """Now, in milliseconds."""
        return self._desk.clock

    async def go(self) -> None:
        """Lead the lead to its end, and hold it all the way."""
        try:
            async with asyncio.TaskGroup() as tasks:
                holding = tasks.create_task(self._hold())
                await self._walk()
                holding.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _walk(self) -> None:
        submission = self._submission
        deadline = submission.at + submission.flow.deadline
        while (step := submission.walk()) is not None:
            if deadline <= self.clock():
                submission.end("error", _LATE)
                break
            for result in await self.take(step, submission.scope, deadline):
                submission.report(result)

    async def _hold(self) -> None:
        """Say again and again that the lead is led; a Redis that is away is no reason to stop."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._hold_for(_NO_STEP, ())
            except TakenOver:
                raise
            except Unavailable as error:
                observe.log().warning(observe.JOBS_INTERRUPTED, reason=str(error))

    async def take(self, step: Asking, scope: Mapping[str, Any], until: int) -> list[StepResult]:
        """Return what comes of the steps inside of a step, and of itself at last, all stored.

        ``scope`` is what its rules and templates see, ``until`` (milliseconds) when it has to end.
        """
        found = self._recall(step, scope)
        if found is not None:
            return found
        if isinstance(step, Recipient) and step.behind and self._erred():
            return [StepResult(step, "skip", _ERRED)]
        counted = wanted(step.caps, scope)
        full = await self._hold_for(step.number, counted)
        if full is not None:
            why = why_full(full, self._submission.shown(scope))
            return [StepResult(step, "skip", why, told={"cap_reached": full.id})]
        if isinstance(step, Group):
            results = await take_group(self, step, scope, until)
        elif isinstance(step, PoolStep):
            results = [await self._assign(step)]
        else:
            results = [await self._deliver(step, scope, until)]
        await self._end(results[-1], counted)
        return results

    def _erred(self) -> bool:
        """Whether a step of the flow ended with an error; those inside of one do not count."""
        submission = self._submission
        ended = {id(each.step) for each in submission.results if each.outcome == "error"}
        return any(
            id(step) in ended
            for step in submission.flow.steps
            if not (isinstance(step, Recipient) and step.behind)
        )

    async def bid(self, step: Recipient, scope: Mapping[str, Any], until: int) -> StepResult:
        """Return what a recipient of an auction bids, stored."""
        bid = step.bid
        if bid is None:
            raise ValueError(f"step {step.id} is no bidder")
        if bid.number in self._known:
            return _recalled(bid, self._known[bid.number])
        if bid.integration is not None:
            await self._hold_for(bid.number, ())
        result = await ask_bid(
            await self._desk.outgoing(self._organization),
            self._organization,
            self._submission,
            step,
            scope,
            limit=self._seconds(until),
        )
        if bid.integration is not None:
            await self._end(result, ())
        return result

    def _recall(self, step: Asking, scope: Mapping[str, Any]) -> list[StepResult] | None:
        """Return what came of a step before, with what came of those inside of it."""
        if step.number not in self._known:
            return None
        inner: list[StepResult] = []
        for one in step.steps if isinstance(step, Group) else ():
            if isinstance(one, Recipient) and one.bid and one.bid.number in self._known:
                inner.append(_recalled(one.bid, self._known[one.bid.number]))
            inner += self._recall(one, scope) or []
        return [*inner, _recalled(step, self._known[step.number])]

    async def _hold_for(self, number: int, counted: Sequence[Quota]) -> Quota | None:
        """Hold the lead, and places for it under the caps of a step; return one that is full."""
        full = await self._desk.store.begin(
            self._organization.id,
            self._submission.lead_id,
            self._token,
            number,
            self._lease(),
            await self._places(counted),
        )
        return next((quota for quota in counted if quota.id == full), None)

    async def _end(self, result: StepResult, counted: Sequence[Quota]) -> None:
        await self._desk.store.advance(
            self._organization.id,
            self._submission.lead_id,
            self._token,
            result.step.number,
            {
                "outcome": result.outcome,
                "reason": result.reason,
                "price": result.price,
                "appended": result.appended,
                "told": result.told,
            },
            self._lease(),
            await self._places(counted),
        )

    async def _deliver(
        self, step: Recipient | PluginStep, scope: Mapping[str, Any], until: int
    ) -> StepResult:
        organization, submission = self._organization, self._submission
        outgoing = await self._desk.outgoing(organization)
        limit = self._seconds(self._limit(step, until))
        if isinstance(step, PluginStep):
            return await perform(outgoing, organization, submission, step, scope, limit=limit)
        return await deliver(outgoing, organization, submission, step, scope, limit=limit)

    async def _assign(self, step: PoolStep) -> StepResult:
        organization, submission, way = self._organization, self._submission, self._way
        lead_id, now = submission.lead_id, self.clock()
        if not way.assign:
            return StepResult(step, "failure", _NOT_ASKED)

        async def attempt(choice: Choice | None) -> Taken:
            if choice is None:
                return Taken("taken", organization.generation, lead_id, None, NO_POOL)
            return await self._desk.leads.assign(
                organization.id,
                lead_id,
                choice,
                source=way.source,
                operation=f"{lead_id}:{step.id}",
                created_by=way.created_by,
                at=now,
            )

        taken = await self._desk.turns.give(
            organization,
            lambda current: step_choice(
                current, submission.flow, step, way.source, now, data=submission.data
            ),
            attempt,
        )
        if taken.assignment is None:
            outcome = "skip" if taken.reason == _PARKED else "failure"
            return StepResult(step, outcome, taken.reason)
        member = organization.members.get(taken.assignment.member_id)
        told = {"pool": taken.assignment.pool_id, "member": taken.assignment.member_id}
        appended = {**told, "handle": member.handle if member else None}
        return StepResult(step, "success", appended=appended, told=told)

    async def _places(self, counted: Sequence[Quota]) -> Places:
        now, submission = self.clock(), self._submission
        till = submission.at + submission.flow.deadline + GRACE
        caps = await self._desk.caps.specs(self._organization.id, counted, now)
        return Places(caps, now, till)

    def _limit(self, step: Recipient | PluginStep, until: int) -> int:
        """Return when a call has to end."""
        return min(until, self.clock() + int(step.timeout * 1000))

    def _seconds(self, until: int) -> float:
        return max(0.001, (until - self.clock()) / 1000)

    def _lease(self) -> int:
        return self.clock() + SPARE


def _recalled(step: Asking | Bid, result: Mapping[str, Any]) -> StepResult:
    return StepResult(step, **result)
