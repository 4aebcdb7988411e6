"""What the API answers, as JSON Schema: the components of the OpenAPI document.

A test holds real answers against these, so that neither side can change alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.http.query import SOURCES
from pointsman.http.shapes import COUNT as _COUNT
from pointsman.http.shapes import FLAG as _FLAG
from pointsman.http.shapes import ORDER as _ORDER
from pointsman.http.shapes import TEXT as _TEXT
from pointsman.http.shapes import TIME as _TIME
from pointsman.http.shapes import UUID as _UUID
from pointsman.http.shapes import Schema
from pointsman.http.shapes import list_of as _list
from pointsman.http.shapes import object_of as _object
from pointsman.http.shapes import or_null as _or_null

__all__ = ["components", "listed", "ref"]

_LEAD_ID = "^([0-9a-fA-F]{24}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"
_AFTERWARDS = ("accepted", "notAccepted", "reassigned", "unassigned", "credited")
_REASONS = ("no_matching_pool", "no_eligible_participant", "already_assigned", "parked")
_BY_PLACE: Schema = {
    "description": "Of a flow that cannot be saved: what is wrong, by place.",
    "type": "object",
    "additionalProperties": {"type": "string"},
}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(name: str) -> Schema:
    """Return the schema of a page of a list of components."""
    return _object({"data": _list(ref(name)), "pagination": ref("Pagination")})


def components() -> Mapping[str, Schema]:
    """Return every component by name."""
    return {**_shared(), **_pools(), **_leads()}


def _shared() -> dict[str, Schema]:
    codes = (
        "BAD_REQUEST",
        "VALIDATION_ERROR",
        "UNAUTHORIZED",
        "FORBIDDEN",
        "NOT_FOUND",
        "CONFLICT",
        "PAYLOAD_TOO_LARGE",
        "RATE_LIMITED",
        "UNAVAILABLE",
        "INTERNAL_ERROR",
    )
    error = _object({"message": _TEXT, "code": {"enum": list(codes)}})
    return {
        "Error": {**_object({"error": error, "errors": _BY_PLACE}), "required": ["error"]},
        "Pagination": _object(
            {"total": _COUNT, "limit": _ORDER, "offset": _COUNT, "hasMore": _FLAG}
        ),
        "Success": _object({"success": {"const": True}}),
        "Deleted": _object({"deleted": {"const": True}, "id": _UUID}),
        "Member": _object(
            {
                "id": _UUID,
                "handle": _TEXT,
                "name": _TEXT,
                "email": _or_null(_TEXT),
                "phone": _or_null(_TEXT),
                "isActive": _FLAG,
                "roles": _list(_TEXT),
            }
        ),
    }


def _pools() -> dict[str, Schema]:
    settings = {
        "isActive": _FLAG,
        "assignInboundLeads": _FLAG,
        "assignManualLeads": _FLAG,
        "emailNotificationsEnabled": _FLAG,
        "followerUserId": _or_null(_UUID),
        "goalTotalDeals": _or_null(_COUNT),
        "goalWonDeals": _or_null(_COUNT),
    }
    times = {"createdAt": _or_null(_TIME), "updatedAt": _or_null(_TIME)}
    head = {
        "id": _UUID,
        "organizationId": _UUID,
        "name": _TEXT,
        **settings,
        "nextParticipantOrder": _or_null(_ORDER),
        "createdBy": _or_null(_UUID),
        **times,
    }
    row = {
        "createdByName": _or_null(_TEXT),
        "followerName": _or_null(_TEXT),
        "participantCount": _COUNT,
        "assignmentCount": _COUNT,
        "lastAssignmentAt": _or_null(_TIME),
    }
    details = {
        "participants": _list(ref("Participant")),
        "connections": _list(ref("Connection")),
        "settings": _object({"id": _UUID, "name": _TEXT, **settings}),
        "stats": ref("PoolStats"),
    }
    return {
        "Pool": _object(head),
        "PoolRow": _object({**head, **row}),
        "PoolDetails": _object({**head, **details}),
        "PoolStats": _stats(),
        "Participant": _participant(times),
        "Connection": _connection(times),
        "Assignment": _assignment(),
    }


def _stats() -> Schema:
    person = {
        "assignedUserId": _UUID,
        "assignmentCount": _COUNT,
        "creditedCount": _COUNT,
        "lastAssignedAt": _TIME,
    }
    return _object(
        {
            "totalAssignments": _COUNT,
            "lastAssignmentAt": _or_null(_TIME),
            "participantAssignments": _list(_object(person)),
            "parkedCount": _COUNT,
            "oldestParkedAt": _or_null(_TIME),
            "goals": _object({"totalDeals": _COUNT, "wonDeals": _COUNT}),
            "afterwards": _object(dict.fromkeys(_AFTERWARDS, _COUNT)),
        }
    )


def _participant(times: Mapping[str, Schema]) -> Schema:
    user = {"id": _UUID, "name": _TEXT, "email": _or_null(_TEXT), "image": {"type": "null"}}
    return _object(
        {
            "id": _UUID,
            "roundRobinId": _UUID,
            "organizationId": _UUID,
            "userId": _UUID,
            "order": _ORDER,
            "isActive": _FLAG,
            **times,
            "user": _object(user),
        }
    )


def _connection(times: Mapping[str, Schema]) -> Schema:
    keys = ("metaPageId", "metaFormId", "metaAdId", "metaCampaignId", "provider", "sourceKey")
    return _object(
        {
            "id": _UUID,
            "roundRobinId": _UUID,
            "organizationId": _UUID,
            "source": {"enum": ["webhook", "meta", "automation", "workflow"]},
            **{name: _or_null(_TEXT) for name in (*keys, "utmCampaign", "workflowId")},
            "isActive": _FLAG,
            **times,
        }
    )


def _assignment() -> Schema:
    return _object(
        {
            "id": _UUID,
            "leadId": _UUID,
            "assignedUserId": _UUID,
            "source": {"enum": list(SOURCES)},
            "turnOrder": _ORDER,
            "metadata": _or_null({"type": "string", "contentMediaType": "application/json"}),
            "createdAt": _TIME,
            "userName": _or_null(_TEXT),
            "userEmail": _or_null(_TEXT),
        }
    )


def _leads() -> dict[str, Schema]:
    outcome = {
        "assigned": _FLAG,
        "roundRobinId": _UUID,
        "assignedToId": _UUID,
        "turnOrder": _ORDER,
        "reason": {"enum": list(_REASONS)},
    }
    asked = _object(
        {
            "leadId": {"type": "string", "pattern": _LEAD_ID},
            "source": {"enum": list(SOURCES), "default": "system"},
        }
    )
    entry = {
        "revision": _ORDER,
        "types": _list(_TEXT),
        "at": _TIME,
        "origin": _TEXT,
        "depth": _COUNT,
        "previous": _or_null({"type": "object"}),
        "by": _TEXT,
        "note": _TEXT,
        "conflict": {**_TEXT, "description": "The workflow whose change this one took back."},
    }
    posted = {
        "source": {"enum": list(SOURCES), "default": "manual"},
        "assign": _FLAG,
        "workflowId": {**_UUID, "description": "The workflow that made the lead."},
    }
    lead = {"id": _UUID, "organizationId": _UUID, "revision": _ORDER, **_ownership()}
    told = [name for name in entry if name not in {"by", "note", "conflict"}]
    timeline = {"timeline": _list({**_object(entry), "required": told})}
    return {
        "Assign": {**asked, "required": ["leadId"]},
        "Assigned": {**_object(outcome), "required": ["assigned"]},
        "LeadPosted": {"type": "object", "properties": posted},
        "LeadTaken": {**_object({"leadId": _UUID, **outcome}), "required": ["leadId", "assigned"]},
        "Lead": {"type": "object", "properties": {**lead, **timeline}, "required": [*lead]},
        "LeadErased": _object({"erased": {"const": True}, "id": _UUID}),
    }


def _ownership() -> dict[str, Schema]:
    """Return what a lead's own page tells of its owner."""
    assignment = {"id": _UUID, "roundRobinId": _UUID, "assignedUserId": _UUID, "turnOrder": _ORDER}
    possible = {
        "possible": _FLAG,
        "reason": {"enum": [None, *_REASONS]},
        "explanation": _list(_TEXT),
    }
    return {
        "assignment": _or_null(_object(assignment)),
        "acceptBy": _or_null(_TIME),
        "acceptedAt": _or_null(_TIME),
        "assignable": _object(possible),
    }
