"""A lead sent through a flow, made ready to be stored: its data, its events, its choice of a pool.

Leads of intakes and those of a flow's own addresses pass through here alike. What an intake's lead
says is read by the organization's fields first, in every spelling they know, and what a flow does
not call its own is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from orjson import dumps

from pointsman.flow import Flow, ListCheck, Source
from pointsman.flows.decide import keep_fields, step_choice
from pointsman.flows.lists import CHECKS, asked
from pointsman.flows.submission import Submission, begin
from pointsman.ids import delivery_id
from pointsman.model import Organization, Origin
from pointsman.store.caps import Counter, specs
from pointsman.store.finding import listing
from pointsman.store.lists import asked_text
from pointsman.store.stored import Choice, NewLead

__all__ = ["Way", "chooser", "claims_of", "enter", "lead_of", "told_of"]


class Way(NamedTuple):
    """How a lead came: its origin, what history records, whose change it is.

    ``data`` is what an intake read of it, ``None`` for leads of a flow's own address. Without
    ``assign`` no pool is asked.
    """

    origin: Origin
    source: str
    created_by: str
    depth: int = 0
    data: Mapping[str, Any] | None = None
    assign: bool = True


def enter(
    organization: Organization,
    flow: Flow,
    source: Source,
    parameters: Mapping[str, Any],
    *,
    lead_id: str,
    at: int,
    address: str | None = None,
    random: int | None = None,
) -> Submission:
    """Return a lead as it enters a flow."""
    account = {"id": organization.id, "name": organization.name}
    return begin(
        flow,
        source,
        parameters,
        lead_id=lead_id,
        at=at,
        address=address,
        account=account,
        random=random,
        seal=lambda event: delivery_id(event, organization.id, organization.secret),
    )


def lead_of(
    organization: Organization,
    submission: Submission,
    way: Way,
    counters: Mapping[str, Counter],
    *,
    told: str | bytes,
    capped: str,
    story: Sequence[str | bytes],
) -> NewLead:
    """Return the lead to store; ``told``, ``capped`` and ``story`` are as ``NewLead`` has them."""
    data = submission.data
    if way.data is not None:
        fields = submission.flow.fields
        data = {**(way.data if fields is None else keep_fields(way.data, fields)), **data}
    full = submission.full
    counted = [full] if full else submission.counted
    return NewLead(
        submission.lead_id,
        submission.at,
        data,
        way.origin,
        way.source,
        way.created_by,
        way.depth,
        found=listing(organization, "leads", data),
        story=story,
        told=told,
        caps=specs(counted, submission.at, counters),
        claims=claims_of(organization, submission),
        unlisted=_unlisted(submission),
        capped=capped,
    )


def _unlisted(submission: Submission) -> str:
    """Return what else no list may have: nothing, once the lists were asked."""
    return "" if submission.full else _asked(submission, submission.asked or (), claims=False)


def claims_of(organization: Organization, submission: Submission) -> str:
    """Return what a lead claims to be the first of: nothing, if it is not or turned away."""
    listed = submission.scope.get("suppressionlist", {})
    if submission.full or listed.get(CHECKS["duplicate"]):
        return ""
    found = submission.asked
    if found is None:
        found = asked(submission.flow.checks, submission.scope, organization.secret)
    return _asked(submission, found, claims=True)


def _asked(submission: Submission, checks: Sequence[tuple[ListCheck, str]], *, claims: bool) -> str:
    if not checks:
        return ""
    return asked_text(
        [
            (check.list, value, check.since(submission.at))
            for check, value in checks
            if (check.name == "duplicate") is claims
        ]
    )


def chooser(submission: Submission, source: str) -> Callable[[Organization], Choice | None]:
    """Return what finds the pool that shall assign a lead, among those of now."""

    def choose_in(organization: Organization) -> Choice | None:
        step, flow = submission.pool, submission.flow
        if step is None:
            return None
        return step_choice(organization, flow, step, source, submission.at, data=submission.data)

    return choose_in


def told_of(submission: Submission) -> bytes:
    """Return the JSON of what the sender of a lead is told; one that failed costs nothing."""
    sold = submission.outcome == "success"
    told = {
        "outcome": submission.outcome,
        "reason": submission.reason,
        "price": submission.price if sold else 0,
    }
    return dumps(told)
