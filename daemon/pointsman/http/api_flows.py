"""The calls about what flows counted and told, and about lists, as data; and their schemas."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.http.api_schemas import listed, ref
from pointsman.http.operation import PAGED, Operation
from pointsman.http.shapes import COUNT, FLAG, TEXT, TIME, Schema, list_of, object_of, or_null

__all__ = ["FLOW_OPERATIONS", "flow_components"]

_ITEMS = "/api/v1/lists/{name}/items"
_PARTS = {
    "type": "string",
    "minLength": 1,
    "description": "Names of properties, parted by commas, such as type,outcome,vars.lead.state.",
}
_TIME = {"type": "string", "format": "date-time"}

FLOW_OPERATIONS = (
    Operation(
        "get",
        "/api/v1/caps",
        "listCaps",
        "List the caps of all flows, sources and steps, with what they have counted.",
        "caps:read",
        listed("Counter"),
        query=PAGED,
    ),
    Operation(
        "get",
        "/api/v1/ping_limits",
        "listPingLimits",
        "List the ping limits of all flows and sources, with what they have counted.",
        "caps:read",
        listed("Counter"),
        query=PAGED,
    ),
    Operation(
        "get",
        "/api/v1/events",
        "listEvents",
        "List the events of leads' ways through flows, newest first. Rules are those of flows; one "
        "request looks at 5,000 events at most and tells where to go on.",
        "events:read",
        ref("Events"),
        query={
            "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
            "sort": {"enum": ["asc", "desc"], "default": "desc"},
            "start": _TIME,
            "end": _TIME,
            "before_id": TEXT,
            "after_id": TEXT,
            "rules": {"type": "string", "description": "A JSON array of rules."},
            "include": _PARTS,
            "exclude": _PARTS,
        },
    ),
    Operation(
        "get",
        "/api/v1/events/{id}",
        "getEvent",
        "Read one event with the variables as they stood then.",
        "events:read",
        ref("Event"),
        errors=(404,),
    ),
    Operation(
        "get",
        "/api/v1/lists",
        "listLists",
        "List the suppression lists.",
        "lists:read",
        listed("SuppressionList"),
        query=PAGED,
    ),
    Operation(
        "get",
        _ITEMS,
        "askList",
        "Tell whether a value is in a list; its items cannot be read.",
        "lists:read",
        object_of({"value": TEXT, "found": FLAG}),
        query={"value": {"type": "string", "minLength": 1, "maxLength": 1000}},
        errors=(404,),
    ),
    Operation(
        "post",
        _ITEMS,
        "addToList",
        "Add values to a list, as JSON or as text with one value a line, of any length.",
        "lists:write",
        object_of({"received": COUNT, "added": COUNT}),
        body=ref("Values"),
        errors=(404,),
    ),
    Operation(
        "delete",
        _ITEMS,
        "removeFromList",
        "Take values out of a list.",
        "lists:write",
        object_of({"received": COUNT, "removed": COUNT}),
        body=ref("Values"),
        errors=(404,),
    ),
)


def flow_components() -> Mapping[str, Schema]:
    """Return the schemas of these calls by name."""
    values = list_of({"type": "string", "maxLength": 1000})
    return {
        "Counter": {
            **object_of(
                {
                    "id": TEXT,
                    "type": {"const": "volume"},
                    "name": TEXT,
                    "maximum": COUNT,
                    "duration": COUNT,
                    "duration_units": {"enum": ["minute", "hour", "day", "week", "month"]},
                    "time_zone": TEXT,
                    "count": COUNT,
                    "failed_count": COUNT,
                    "started_at": TIME,
                    "expires_at": TIME,
                    "flow_id": TEXT,
                }
            ),
            "additionalProperties": {"type": ["string", "object"]},
        },
        "Event": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": TEXT,
                "type": TEXT,
                "at": TIME,
                "outcome": TEXT,
                "reason": TEXT,
                "vars": {"type": "object"},
            },
        },
        "Events": object_of(
            {
                "data": list_of(ref("Event")),
                "pagination": object_of(
                    {"limit": COUNT, "has_more": FLAG, "last_id": or_null(TEXT)}
                ),
            }
        ),
        "SuppressionList": object_of(
            {
                "id": TEXT,
                "name": TEXT,
                "key": TEXT,
                "kind": {"enum": ["duplicate", "dnc", "existing_customer", "custom"]},
                "type": TEXT,
                "hashed": FLAG,
                "retention_seconds": or_null(COUNT),
            }
        ),
        "Values": object_of({"values": {**values, "minItems": 1, "maxItems": 10_000}}),
    }
