"""What became of a lead, as its sender is told, as metrics count it and as the log has it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from pointsman import observe
from pointsman.errors import Refused
from pointsman.http.answers import raw_answer
from pointsman.ids import lead_uuid
from pointsman.model import Organization
from pointsman.store.leads import Taken

__all__ = ["account_for", "account_for_turn", "assignment_content", "receipt", "told"]

_REPLAYED = "Idempotency-Replayed"


def told(taken: Taken) -> dict[str, Any]:
    """Return the answer's content; an idempotency key used for another body is refused."""
    if taken.status == "conflict":
        raise Refused(
            "this Idempotency-Key came with another body before; use a new key for a new lead",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            code="VALIDATION_ERROR",
        )
    return {"leadId": lead_uuid(taken.lead_id), **assignment_content(taken)}


def assignment_content(taken: Taken) -> dict[str, Any]:
    """Return who got the lead, or why nobody did; no reason is given where nobody was asked."""
    assignment = taken.assignment
    if assignment is not None:
        return {
            "assigned": True,
            "roundRobinId": assignment.pool_id,
            "assignedToId": assignment.member_id,
            "turnOrder": assignment.order,
        }
    if taken.reason is None:
        return {"assigned": False}
    return {"assigned": False, "reason": taken.reason}


def account_for(organization: Organization, taken: Taken, source: str) -> None:
    """Count a lead that was taken, and log it."""
    outcome = _outcome(taken)
    observe.child(observe.LEADS, organization.handle, outcome).inc()
    if outcome == "assigned":
        observe.child(observe.ASSIGNMENTS, organization.handle, source).inc()
    observe.lead_line(taken.lead_id, organization.handle, taken.generation, outcome)


def account_for_turn(organization: Organization, taken: Taken, source: str) -> None:
    """Count and log that a lead which was here before got an owner."""
    observe.child(observe.ASSIGNMENTS, organization.handle, source).inc()
    observe.log().info(
        observe.LEAD_ASSIGNED,
        lead_id=taken.lead_id,
        organization=organization.handle,
        generation=taken.generation,
        source=source,
    )


def receipt(organization: Organization, taken: Taken, source: str) -> web.Response:
    """Answer the sender of one lead, and account for the lead."""
    content = told(taken)
    account_for(organization, taken, source)
    answer = raw_answer(orjson.dumps(content), HTTPStatus.CREATED)
    if taken.replayed:
        answer.headers[_REPLAYED] = "true"
    return answer


def _outcome(taken: Taken) -> str:
    if taken.replayed:
        return "replayed"
    if taken.assignment is not None:
        return "assigned"
    return taken.reason or "not_asked"
