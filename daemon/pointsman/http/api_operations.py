"""Every call of the API as data: what it takes, what it needs, what it answers.

A test compares this list with the routes that the application serves.
"""

from __future__ import annotations

from pointsman.http.api_flow_calls import FLOW_CALLS
from pointsman.http.api_flows import FLOW_OPERATIONS
from pointsman.http.api_notifications import NOTIFICATION_OPERATIONS
from pointsman.http.api_owners import OWNER_OPERATIONS
from pointsman.http.api_records import DELETED, ERASE, MATCH, RECORD_OPERATIONS, SOUGHT
from pointsman.http.api_schemas import listed, ref
from pointsman.http.api_workflows import WORKFLOW_OPERATIONS
from pointsman.http.operation import PAGED as _PAGED
from pointsman.http.operation import Operation
from pointsman.http.query import SOURCES

__all__ = ["OPERATIONS", "Operation"]

_LINES = "application/x-ndjson"
_POOLS = "/api/v1/round-robin"

OPERATIONS = (
    Operation(
        "get",
        _POOLS,
        "listPools",
        "List pools, newest first.",
        "round-robin:read",
        listed("PoolRow"),
        query={
            **_PAGED,
            "query": {"type": "string", "description": "Part of the name, in any case."},
            "status": {"enum": ["all", "active", "inactive"], "default": "all"},
        },
    ),
    Operation(
        "post",
        _POOLS,
        "createPool",
        "Make a pool.",
        "round-robin:write",
        ref("Pool"),
        201,
        body=ref("PoolCreate"),
        errors=(409,),
        links={
            name: {"id": "$response.body#/id"}
            for name in ("getPool", "updatePool", "deletePool", "addConnection", "listAssignments")
        },
    ),
    Operation(
        "get",
        f"{_POOLS}/{{id}}",
        "getPool",
        "Read a pool with its people, connections, counters and who is next.",
        "round-robin:read",
        ref("PoolDetails"),
        errors=(404,),
    ),
    Operation(
        "patch",
        f"{_POOLS}/{{id}}",
        "updatePool",
        "Change a pool. New participants put the pointer back to the first.",
        "round-robin:write",
        ref("Success"),
        body=ref("PoolUpdate"),
        errors=(404, 409),
    ),
    Operation(
        "delete",
        f"{_POOLS}/{{id}}",
        "deletePool",
        "Remove a pool with its people, connections and history.",
        "round-robin:write",
        ref("Deleted"),
        errors=(404, 409),
    ),
    Operation(
        "post",
        f"{_POOLS}/{{id}}/connections",
        "addConnection",
        "Add a connection to a pool.",
        "round-robin:write",
        ref("Connection"),
        201,
        body={
            "anyOf": [
                ref("ConnectionCreate"),
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"connection": ref("ConnectionCreate")},
                    "required": ["connection"],
                },
            ]
        },
        errors=(404, 409),
        links={
            "removeConnection": {
                "id": "$response.body#/roundRobinId",
                "connection": "$response.body#/id",
            }
        },
    ),
    Operation(
        "delete",
        f"{_POOLS}/{{id}}/connections/{{connection}}",
        "removeConnection",
        "Take a connection from a pool.",
        "round-robin:write",
        ref("Deleted"),
        errors=(404, 409),
    ),
    Operation(
        "get",
        f"{_POOLS}/{{id}}/assignments",
        "listAssignments",
        "List whom a pool served, newest first.",
        "round-robin:read",
        listed("Assignment"),
        query={**_PAGED, "source": {"enum": list(SOURCES)}},
        errors=(404,),
    ),
    Operation(
        "post",
        f"{_POOLS}/assign",
        "assignLead",
        "Run a stored lead through the pool that its origin leads to.",
        "round-robin:write",
        ref("Assigned"),
        body=ref("Assign"),
        errors=(404,),
    ),
    Operation(
        "get",
        "/api/v1/leads",
        "listLeads",
        "List leads, newest first, or find those with an id, address or number.",
        "leads:read",
        listed("Record"),
        query={**_PAGED, **SOUGHT},
    ),
    Operation(
        "post",
        "/api/v1/leads",
        "createLead",
        "Store a lead and, unless told otherwise, assign it.",
        "leads:write",
        ref("LeadTaken"),
        201,
        body=ref("LeadPosted"),
        errors=(422,),
        links={name: {"id": "$response.body#/leadId"} for name in ("getLead", "deleteLead")},
    ),
    Operation(
        "post",
        "/api/v1/leads/bulk",
        "createLeads",
        "Store many leads, one a line; answers one result a line.",
        "leads:write",
        {"type": "string"},
        body={"type": "string"},
        media=_LINES,
    ),
    Operation(
        "get",
        "/api/v1/leads/{id}",
        "getLead",
        "Read a lead and everything that happened to it.",
        "leads:read",
        ref("Lead"),
        errors=(404,),
    ),
    Operation(
        "patch",
        "/api/v1/leads/{id}",
        "updateLead",
        "Change fields of a lead; null empties one. With If-Match, only at that revision.",
        "leads:write",
        ref("Record"),
        body=ref("RecordPosted"),
        errors=MATCH,
    ),
    Operation(
        "delete",
        "/api/v1/leads/{id}",
        "deleteLead",
        "Delete a lead; with erase=true, also everything that is known of it.",
        "leads:write",
        DELETED,
        query=ERASE,
        errors=(404, 409, 412),
    ),
    *OWNER_OPERATIONS,
    *FLOW_CALLS,
    *FLOW_OPERATIONS,
    *RECORD_OPERATIONS,
    *WORKFLOW_OPERATIONS,
    *NOTIFICATION_OPERATIONS,
    Operation(
        "get",
        "/api/v1/members",
        "listMembers",
        "List members in the order of organization.yaml.",
        "members:read",
        listed("Member"),
        query=_PAGED,
    ),
)
"""Every call that needs a key, in the order in which the page shows them."""
