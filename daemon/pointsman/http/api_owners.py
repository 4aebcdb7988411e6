"""The calls about a lead's owner as data, and the schemas they use.

Each tells what it does to turns and caps: nobody should have to try that out.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.http.api_schemas import ref
from pointsman.http.operation import Operation
from pointsman.http.owner_bodies import BODIES
from pointsman.http.shapes import (
    COUNT,
    FLAG,
    ORDER,
    TIME,
    UUID,
    Schema,
    object_of,
    or_null,
)

__all__ = ["OWNER_OPERATIONS", "owner_components"]

_LEAD = "/api/v1/leads/{id}"
_WRITE = "leads:write"

OWNER_OPERATIONS = (
    Operation(
        "post",
        f"{_LEAD}/assignee",
        "assignLeadTo",
        "Give a lead that nobody has to a member. Nobody's turn is taken; with a pool, the "
        "assignment stands in its history and counts in the member's caps there, which do not "
        "keep it from being made.",
        _WRITE,
        ref("OwnerChange"),
        body=ref("LeadAssignee"),
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        f"{_LEAD}/reassign",
        "reassignLead",
        "Give a lead to another member (no turn is taken), or to the next of its pool's rotation "
        "(who takes a turn, and has to accept it if the pool asks for that). Whoever had it has "
        "used their turn, or with credit gets it back.",
        _WRITE,
        ref("OwnerChange"),
        body=ref("LeadReassign"),
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        f"{_LEAD}/unassign",
        "unassignLead",
        "Take a lead from whoever has it; it can be assigned again. They have used their turn, or "
        "with credit get it back.",
        _WRITE,
        ref("OwnerChange"),
        body=ref("LeadUnassign"),
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        f"{_LEAD}/accept",
        "acceptLead",
        "Note that the owner accepts the lead: it is not passed on any more. Turns and caps stay.",
        _WRITE,
        ref("LeadAccepted"),
        body=ref("LeadAccept"),
        errors=(404, 409),
    ),
    Operation(
        "post",
        "/api/v1/round-robin/{id}/assignments/{assignment}/credit",
        "creditTurn",
        "Give a turn back, once for each assignment: whoever took it is first in line for the next "
        "lead, and their caps are as if it had not been, in windows that are not over. An "
        "assignment by hand took no turn: only its caps are given back. The lead's owner stays.",
        "round-robin:write",
        ref("TurnCredited"),
        body=ref("TurnCredit"),
        errors=(404, 409),
    ),
)


def owner_components() -> Mapping[str, Schema]:
    """Return the schemas that these calls use, by name."""
    change = {
        "leadId": UUID,
        "assignedToId": or_null(UUID),
        "previousId": or_null(UUID),
        "roundRobinId": or_null(UUID),
        "assignmentId": or_null(UUID),
        "turnOrder": or_null(ORDER),
        "turnTaken": FLAG,
        "credited": FLAG,
    }
    credited = {
        "id": UUID,
        "roundRobinId": UUID,
        "leadId": UUID,
        "assignedUserId": UUID,
        "turns": {"enum": [0, 1]},
        "caps": COUNT,
        "creditedAt": TIME,
    }
    accepted = {"leadId": UUID, "assignedToId": UUID, "acceptedAt": TIME}
    return {
        **BODIES,
        "OwnerChange": object_of(change),
        "LeadAccepted": object_of(accepted),
        "TurnCredited": object_of(credited),
    }
