"""What became of a lead, as its sender is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from pointsman.errors import reused_key
from pointsman.flows.account import account_for
from pointsman.http.answers import REPLAYED, raw_answer
from pointsman.ids import lead_uuid
from pointsman.model import Organization
from pointsman.store.leads import Taken

__all__ = ["assignment_content", "receipt", "told"]

_CREATED = HTTPStatus.CREATED


def told(taken: Taken) -> dict[str, Any]:
    """Return the answer's content; an idempotency key used for another body is refused."""
    if taken.status == "conflict":
        raise reused_key("lead")
    content = {"leadId": lead_uuid(taken.lead_id), **assignment_content(taken)}
    if taken.told is not None and taken.told.get("outcome", "success") != "success":
        content |= {"outcome": taken.told["outcome"], "reason": taken.told["reason"] or ""}
    return content


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


def receipt(organization: Organization, taken: Taken, source: str) -> web.Response:
    """Answer the sender of one lead, and account for the lead."""
    content = told(taken)
    account_for(organization, taken, source)
    answer = raw_answer(orjson.dumps(content), _CREATED)
    if taken.replayed:
        answer.headers[REPLAYED] = "true"
    return answer
