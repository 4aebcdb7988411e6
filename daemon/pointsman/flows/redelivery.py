"""Deliveries that ended in an error, tried again in the background once the lead has arrived.

The receiver sees the same delivery id each time. Tries are spread: the time between two doubles and
a random part of it is waited, the receiver's ``Retry-After`` at least. What never works becomes a
dead letter. None of it changes what the lead's sender was told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from secrets import token_hex
from typing import Any, NamedTuple

from pointsman import observe
from pointsman.delivery import Delivery
from pointsman.dispatch import Retries, Retry
from pointsman.errors import TransientError
from pointsman.flow import Quota, Recipient
from pointsman.flows.departure import resumed, retraced
from pointsman.flows.errand import deliver
from pointsman.flows.itinerary import GRACE, SPARE
from pointsman.flows.quotas import wanted, why_full
from pointsman.flows.story import delivery_of
from pointsman.flows.submission import StepResult, Submission
from pointsman.ids import milliseconds, parse_event_id
from pointsman.model import Organization
from pointsman.store.caps import CapStore
from pointsman.store.errands import Claimed, ErrandStore, Name, again_text
from pointsman.store.flights import Places
from pointsman.store.timers import Timer

__all__ = ["PURPOSE", "Redeliveries", "again_of", "due_again"]

PURPOSE = "redelivery"

_RETRIES = Retries()


def again_of(submission: Submission, ended: int) -> str:
    """Return what of a lead that arrives is delivered again (errands.lua)."""
    return "\n".join(
        again_text(result.step.number, due, _told(submission, result, 1))
        for result in submission.results
        if isinstance(result.step, Recipient)
        and result.step.retry
        and result.outcome == "error"
        and (due := due_again(_RETRIES, result, 1, ended)) is not None
    )


class Attempt(NamedTuple):
    """An attempt at a delivery that its daemon has claimed, ``number`` counting from 1."""

    organization: Organization
    name: Name
    token: str
    submission: Submission
    step: Recipient
    number: int

    def event(self, now: int) -> dict[str, Any]:
        """Return what every event of it tells."""
        return {
            "type": "retry",
            "at": now,
            "step": self.step.id,
            "key": self.step.key,
            "delivery": delivery_of(self.submission, self.step),
            "attempt": self.number,
        }


class Redeliveries:
    """Tries deliveries again, for every organization."""

    def __init__(
        self,
        store: ErrandStore,
        caps: CapStore,
        delivery: Delivery,
        *,
        retries: Retries = _RETRIES,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._store = store
        self._caps = caps
        self._delivery = delivery
        self._retries = retries
        self._clock = clock

    async def ring(self, organization: Organization, timer: Timer) -> None:
        """Try a delivery again that is due."""
        found = parse_event_id(timer.id)
        if found is None:
            return
        name = Name(organization.id, found[0], found[1])
        token, now = token_hex(8), max(self._clock(), timer.due)
        claimed = await self._store.claim(name, token, now, now + SPARE)
        if claimed is not None:
            await self._attempt(organization, name, token, claimed)

    async def _attempt(
        self, organization: Organization, name: Name, token: str, claimed: Claimed
    ) -> None:
        submission, _ = resumed(organization, name.lead_id, claimed.flight)
        step = retraced(submission, claimed.flight, name.number)
        if step is None:
            event = {"type": "retry", "at": self._clock(), "outcome": "skip"}
            places = await self._places(organization, [])
            await self._store.settle(name, token, places, event, claimed.told, "")
            return
        number = claimed.told["attempts"] + 1
        attempt = Attempt(organization, name, token, submission, step, number)
        counted = wanted(step.caps, submission.scope)
        lease = self._clock() + int(step.timeout * 1000) + SPARE
        event = {**attempt.event(self._clock()), "retry_status": "started"}
        places = await self._places(organization, counted, lease)
        full = await self._store.begin(name, token, lease, places, event)
        quota = next((one for one in counted if one.id == full), None)
        result = await self._deliver(attempt, quota)
        await self._settle(attempt, result, await self._places(organization, counted))

    async def _deliver(self, attempt: Attempt, full: Quota | None) -> StepResult:
        organization, submission, step = attempt.organization, attempt.submission, attempt.step
        scope = submission.scope
        if full is not None:
            why = why_full(full, submission.shown(scope))
            return StepResult(step, "skip", why, told={"cap_reached": full.id})
        outgoing = await self._delivery.outgoing(organization.allow_networks, organization.id)
        return await deliver(outgoing, organization, submission, step, scope, limit=step.timeout)

    async def _settle(self, attempt: Attempt, result: StepResult, places: Places) -> None:
        event = {
            **attempt.event(places.now),
            "retry_status": "completed",
            "outcome": result.outcome,
            **({"reason": result.reason} if result.reason else {}),
            **({"appended": result.appended} if result.appended else {}),
            **result.told,
        }
        due = ""
        if result.outcome == "error":
            at = due_again(self._retries, result, attempt.number, places.now)
            due = "dead" if at is None else str(at)
        told = _told(attempt.submission, result, attempt.number)
        await self._store.settle(attempt.name, attempt.token, places, event, told, due)
        if due == "dead":
            observe.child(observe.DEAD_LETTERS_ADDED, attempt.organization.handle).inc()
            log = observe.log(lead_id=attempt.name.lead_id, step=attempt.step.id)
            log.warning(observe.DELIVERY_FAILED, attempts=attempt.number, **_loggable(result))

    async def _places(
        self, organization: Organization, counted: list[Quota], till: int = 0
    ) -> Places:
        now = self._clock()
        caps = await self._caps.specs(organization.id, counted, now)
        return Places(caps, now, till + GRACE)


def due_again(retries: Retries, result: StepResult, attempt: int, now: int) -> int | None:
    """Return when a delivery that failed is tried again; ``None``: never."""
    asked = result.told.get("retry_after")
    later = None if asked is None else timedelta(seconds=asked)
    following = retries.after(attempt, TransientError(result.reason or "", retry_after=later))
    if not isinstance(following, Retry):
        return None
    return now + int(following.delay / timedelta(milliseconds=1))


def _loggable(result: StepResult) -> dict[str, Any]:
    """Return why a delivery failed, without the words of a recipient, which may be the lead's."""
    answered = result.told.get("response")
    return {"status": answered["status"]} if answered else {"reason": result.reason}


def _told(submission: Submission, result: StepResult, attempts: int) -> Mapping[str, Any]:
    """Return what is told of a delivery that is tried again."""
    step = result.step
    return {
        "attempts": attempts,
        "flow": submission.flow.id,
        "flow_name": submission.flow.name,
        "step": step.id,
        "name": step.name if isinstance(step, Recipient) else step.key,
        "error": result.reason,
    }
