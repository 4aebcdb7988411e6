"""One question to somebody else: its options filled, its answer read.

Nothing here raises: what cannot be sent is skipped with its reason, what goes wrong is an error. A
delivery that may have arrived although no answer came is marked ``ambiguous``. The receiver sees
one ``Idempotency-Key`` for one delivery, however often it is tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import urljoin

from pointsman import observe
from pointsman.delivery import Answer, Outgoing
from pointsman.dispatch import Redactor
from pointsman.errors import ActionError, TransientError
from pointsman.flow import Bid, Integration, Recipient
from pointsman.flows.gates import amount, number_of
from pointsman.flows.story import delivery_of
from pointsman.flows.submission import StepResult, Submission
from pointsman.model import Organization
from pointsman.recipients.kinds import kinds
from pointsman.recipients.requests import Request
from pointsman.rules.variables import plain

__all__ = ["Errand", "Told", "ask", "ask_bid", "deliver"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_SHOWN = 2_000
"""Characters of a body that an event keeps."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Whom to ask, and what the options may name; ``hidden`` must not be told of afterwards."""

    integration: Integration
    scope: Mapping[str, Any]
    delivery_id: str
    hidden: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an errand; ``event`` is what an event keeps of it.

    Where an answer repeats a secret, ``event`` has what is ``appended`` without it.
    """

    outcome: str
    reason: str | None = None
    price: Any = None
    appended: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)


async def deliver(
    outgoing: Outgoing,
    organization: Organization,
    submission: Submission,
    step: Recipient,
    scope: Mapping[str, Any],
    *,
    limit: float,
) -> StepResult:
    """Deliver a lead, in at most ``limit`` seconds; in an auction ``scope`` has the ``bid``."""
    bid = scope.get("bid", {}).get("price")
    wanted = bid if bid is not None else amount(step.pricing, scope, {}) if step.pricing else None
    errand = _errand(submission, step, step.integration, scope, wanted or 0)
    told = await ask(outgoing, organization, errand, limit=limit)
    event, price = dict(told.event), told.price
    if bid is not None:
        answers = step.pricing is not None and step.pricing.override
        price = (number_of(told.price) if answers else None) or bid
    elif step.pricing is not None and not step.pricing.override:
        price = wanted or 0
    if told.outcome == "success":
        event["sale_price"] = event["revenue"] = number_of(price) or 0
    price = None if told.outcome == "skip" else price
    return StepResult(step, told.outcome, told.reason, price, told.appended, event)


async def ask_bid(
    outgoing: Outgoing,
    organization: Organization,
    submission: Submission,
    step: Recipient,
    scope: Mapping[str, Any],
    *,
    limit: float,
) -> StepResult:
    """Ask a recipient what it would pay; one that is not asked bids its price."""
    bid = step.bid
    if bid is None:
        raise ValueError(f"step {step.id} is no bidder")
    if bid.integration is None:
        price = (amount(step.pricing, scope, {}) if step.pricing else None) or 0
        return StepResult(bid, "success" if price else "failure", None, price)
    errand = _errand(submission, bid, bid.integration, scope, 0)
    told = await ask(outgoing, organization, errand, limit=limit)
    price = number_of(told.price) or 0
    return StepResult(bid, told.outcome, told.reason, price, told.appended, told.event)


async def ask(
    outgoing: Outgoing, organization: Organization, errand: Errand, *, limit: float
) -> Told:
    """Do an errand, in at most ``limit`` seconds."""
    told = await _ask(outgoing, organization, errand, limit)
    observe.child(observe.DELIVERIES, organization.handle, told.outcome).inc()
    return told


async def _ask(
    outgoing: Outgoing, organization: Organization, errand: Errand, limit: float
) -> Told:
    scope = {**errand.scope, "credentials": organization.credentials}
    kind = kinds[errand.integration.kind]
    given = _given(errand.integration, scope)
    wrong = kind.problem(given, public=not organization.allow_networks)
    if wrong is not None:
        return Told("skip", wrong)
    request = kind.build(given)
    redactor = Redactor([*organization.secrets(), *errand.hidden])
    event: dict[str, Any] = {"request": _shown(request, redactor)}
    started, limit = monotonic(), min(limit, request.timeout or limit)
    try:
        answer = await _send(outgoing, request, errand.delivery_id, limit)
    except (TransientError, ActionError) as error:
        event["ms"] = _passed(started)
        if isinstance(error, TransientError):
            event |= {"ambiguous": error.sent, **_later(error.retry_after)}
        return Told("error", redactor.text(str(error)), event=event)
    reply = kind.read(given, answer.status, answer.headers, answer.body)
    event |= {"ms": _passed(started), "response": _answered(answer, redactor)}
    if reply.outcome == "error":
        event |= _later(answer.retry_after)
    reason = reply.reason and redactor.text(reply.reason)
    event |= redactor.retold(reply.appended)
    return Told(reply.outcome, reason, reply.price, reply.appended, event)


def _errand(
    submission: Submission,
    step: Recipient | Bid,
    integration: Integration,
    scope: Mapping[str, Any],
    price: float,
) -> Errand:
    delivery = delivery_of(submission, step)
    seen = {
        **scope,
        "recipient": {"id": step.id, "name": step.name},
        "price": price,
        "purchase_price": submission.price,
        "event_id": delivery,
    }
    return Errand(integration, seen, delivery, submission.hidden())


def _given(integration: Integration, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, later ones over earlier; what a template leaves blank is left out."""
    given: dict[str, Any] = {}
    for mapping in integration.mappings:
        if mapping.rules is not None and not mapping.rules.passes(scope):
            continue
        value = mapping.constant
        if mapping.value is not None:
            value = plain(mapping.value.render(scope))
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
        given[".".join(mapping.parts)] = value
    return given


async def _send(outgoing: Outgoing, request: Request, delivery: str, limit: float) -> Answer:
    headers = {"Idempotency-Key": delivery, **request.headers}
    until = monotonic() + limit
    method, url, body = request.method, request.url, request.body
    for _ in range(_MOST_REDIRECTS + 1):
        left = max(0.001, until - monotonic())
        answer = await outgoing.send(method, url, headers=headers, body=body, timeout=left)
        place = answer.headers.get("Location")
        if not request.follow_redirects or answer.status not in _REDIRECTS or not place:
            return answer
        url = urljoin(url, place)
    raise ActionError(f"{method} was redirected more than {_MOST_REDIRECTS} times")


def _shown(request: Request, redactor: Redactor) -> dict[str, Any]:
    """Return a request as an event keeps it: without secrets, and with what is masked hidden."""
    body = (request.body or b"").decode("utf-8", "replace")
    return {
        "method": request.method,
        "url": redactor.text(request.url),
        "headers": redactor.value(dict(request.headers)),
        "body": redactor.text(body)[:_SHOWN],
    }


def _answered(answer: Answer, redactor: Redactor) -> dict[str, Any]:
    """Return an answer as an event keeps it; it may repeat what was sent."""
    return {
        "status": answer.status,
        "body": redactor.text(answer.body.decode("utf-8", "replace"))[:_SHOWN],
    }


def _later(asked: timedelta | None) -> dict[str, float]:
    """Return what an event keeps of the time that a receiver asks for."""
    return {} if asked is None else {"retry_after": asked.total_seconds()}


def _passed(started: float) -> int:
    return int((monotonic() - started) * 1000)
