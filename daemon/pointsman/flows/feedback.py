"""What recipients say of a lead afterwards, and how its source is told of it.

Feedback is noted as events of its own and never changes what the lead came to. Where its source is
told, the source has the last word: what it answers is what the recipient is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from uuid import uuid4

from pointsman.delivery import Delivery
from pointsman.flow import Feedback, Flow, Recipient, Source, within
from pointsman.flows.errand import Errand, Told, ask
from pointsman.ids import delivery_id, event_id, milliseconds, parse_event_id
from pointsman.model import Organization, Ruleset
from pointsman.store.errands import ErrandStore
from pointsman.store.flow_events import FlowEvents
from pointsman.store.stored import rfc3339

__all__ = ["NOT_TAKEN", "TYPES", "Delivered", "FeedbackDesk"]

TYPES = ("return", "conversion")

NOT_TAKEN = "feedback is not taken from this recipient"
"""What a recipient is told whose step has no ``feedback``."""

_RETURN = TYPES[0]
_HOUR, _DAY = 3_600_000, 86_400_000

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery that there may be feedback on; ``event`` is that of its recipient.

    ``step`` is as it is now, ``None`` if it is there no more.
    """

    organization: Organization
    lead_id: str
    event: Event
    origin: Event
    flow: Flow | None
    source: Source | None
    step: Recipient | None

    @property
    def terms(self) -> Feedback | None:
        """Which feedback is taken."""
        return self.step.feedback if self.step is not None else None


class FeedbackDesk:
    """Takes feedback, for every organization."""

    def __init__(
        self,
        store: ErrandStore,
        events: FlowEvents,
        delivery: Delivery,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._store = store
        self._events = events
        self._delivery = delivery
        self._clock = clock

    async def find(self, rules: Ruleset, text: str) -> Delivered | None:
        """Return the delivery of an event by the id that its recipient was told."""
        found = parse_event_id(text)
        if found is None:
            return None
        lead_id, number, short, _ = found
        own = event_id(lead_id, number)
        named = [one for one in rules.organizations.values() if short and one.id.startswith(short)]
        for organization in named:
            wanted = delivery_id(own, organization.id, organization.secret)
            if compare_digest(wanted, text.lower()):
                return await self._delivered(organization, lead_id, wanted)
        return None

    async def take(
        self, delivered: Delivered, kind: str, reason: str | None
    ) -> tuple[str, str | None]:
        """Note feedback of a kind, tell the source of it, and return what its giver is told."""
        now = self._clock()
        scope = _scope(delivered, kind, reason, now)
        refused = _refusal(delivered, scope, kind, now)
        sent = None if refused is not None else await self._send(delivered, scope)
        answered = sent is not None and sent.outcome != "skip"
        outcome = sent.outcome if sent is not None and answered else "success"
        why = sent.reason if sent is not None and answered else None
        if refused is not None:
            outcome, why = "failure", refused
        told = {"outcome": outcome, "reason": why, "feedback": {"type": kind, "reason": reason}}
        events = [_event(delivered, "feedback-received", now, told)]
        if sent is not None:
            more = {"outcome": sent.outcome, "reason": sent.reason, **sent.event}
            events.append(_event(delivered, "feedback-sent", now, more))
        if not await self._store.note(delivered.organization.id, delivered.lead_id, now, events):
            return "failure", "there was too much feedback on this lead"
        return outcome, why

    async def _delivered(
        self, organization: Organization, lead_id: str, wanted: str
    ) -> Delivered | None:
        story = await self._events.of_lead(organization.id, lead_id)
        event = next((one for one in story if one["id"] == wanted), None)
        origin = next((one for one in story if one["type"] == "source"), None)
        if event is None or origin is None or event["type"] != "recipient":
            return None
        flow = organization.named_flows.get(origin["flow"])
        sources = flow.sources if flow is not None else ()
        source = next((one for one in sources if one.id == origin["source"]), None)
        step = _recipient(flow, event["step"]) if flow is not None else None
        return Delivered(organization, lead_id, event, origin, flow, source, step)

    async def _send(self, delivered: Delivered, scope: Mapping[str, Any]) -> Told | None:
        """Tell the source, if it wants to be told."""
        source = delivered.source
        if source is None or source.feedback is None:
            return None
        feedback = source.feedback
        if feedback.rules is not None and not feedback.rules.passes(scope):
            return Told("skip", feedback.rules.why(scope))
        organization = delivered.organization
        outgoing = await self._delivery.outgoing(organization.allow_networks, organization.id)
        errand = Errand(feedback.integration, scope, uuid4().hex)
        return await ask(outgoing, organization, errand, limit=feedback.timeout)


def _recipient(flow: Flow, step_id: str) -> Recipient | None:
    """Return who that is, also if disabled: who gets no leads any more may still return one."""
    steps = (one for step in flow.steps for one in within(step, disabled=True))
    return next((s for s in steps if s.id == step_id and isinstance(s, Recipient)), None)


def _scope(delivered: Delivered, kind: str, reason: str | None, now: int) -> dict[str, Any]:
    """Return what rules and mappings of feedback see: the lead as it arrived, and the feedback."""
    seen = dict(delivered.origin.get("vars", {}))
    if delivered.flow is not None:
        lead = seen.get("lead", {})
        typed = delivered.flow.form.read(lead, delivered.origin["at"])
        seen["lead"] = {**typed, "id": delivered.lead_id}
    step = delivered.step
    return {
        **seen,
        "recipient": {"id": step.id, "name": step.name} if step else {},
        "event_id": delivered.event["id"],
        "purchase_price": delivered.origin.get("purchase_price", 0),
        "feedback": {"timestamp": rfc3339(now), "type": kind, "reason": reason},
    }


def _refusal(delivered: Delivered, scope: Mapping[str, Any], kind: str, now: int) -> str | None:
    """Return why feedback is not taken, ``None`` if it is."""
    terms = delivered.terms
    if terms is None:
        return NOT_TAKEN
    if kind == _RETURN and terms.max_age and now - delivered.origin["at"] > terms.max_age:
        return f"Must provide return within {_span(terms.max_age)}"
    if terms.rules is not None and not terms.rules.passes(scope):
        return terms.rules.why(scope)
    return None


def _span(age: int) -> str:
    count, unit = (age // _DAY, "day") if age % _DAY == 0 else (age // _HOUR, "hour")
    return f"{count} {unit}{'s' if count != 1 else ''}"


def _event(delivered: Delivered, kind: str, now: int, told: Mapping[str, Any]) -> dict[str, Any]:
    event = delivered.event
    known = {name: value for name, value in told.items() if value is not None}
    return {
        "type": kind,
        "at": now,
        "step": event["step"],
        "key": event["key"],
        "delivery": event["id"],
        **known,
    }
