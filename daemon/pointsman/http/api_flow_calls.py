"""The calls about flows themselves as data, and their schemas.

The bodies come from the schema of the files; where the API spells a part otherwise, it takes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pointsman.config.schema import composed
from pointsman.http.api_schemas import ref
from pointsman.http.flow_fields import TIMEFRAMES
from pointsman.http.operation import Operation
from pointsman.http.shapes import (
    COUNT,
    FLAG,
    ORDER,
    TEXT,
    TIME,
    Schema,
    list_of,
    object_of,
    or_null,
)
from pointsman.registry import Stage

__all__ = ["FLOW_CALLS", "flow_call_components"]

_FLOWS = "/api/v1/flows"
_FLOW = f"{_FLOWS}/{{id}}"
_READ, _WRITE = "flows:read", "flows:write"
_NULLABLE = ("fields", "hours_of_operation", "list_checks", "acceptance_criteria", "pricing")
_OF_FLOW = {
    name: {"id": "$response.body#/id"}
    for name in ("getFlow", "updateFlow", "deployFlow", "listFlowFields", "getFlowFieldUsage")
}

FLOW_CALLS = (
    Operation("get", _FLOWS, "listFlows", "List all flows.", _READ, list_of(ref("Flow"))),
    Operation(
        "post",
        _FLOWS,
        "createFlow",
        "Make a flow; the caller may choose its id.",
        _WRITE,
        ref("Flow"),
        201,
        body=ref("FlowCreate"),
        errors=(409, 422),
        links=_OF_FLOW,
    ),
    Operation(
        "put",
        _FLOWS,
        "updateFlows",
        "Change several flows, all of them or none; those that are not named stay.",
        "superuser",
        list_of(ref("Flow")),
        body=ref("FlowUpdates"),
        errors=(404, 409, 422),
    ),
    Operation("get", _FLOW, "getFlow", "Read a flow.", _READ, ref("Flow"), errors=(404,)),
    Operation(
        "put",
        _FLOW,
        "updateFlow",
        "Change a flow; what the body leaves out stays as it is, null clears.",
        _WRITE,
        ref("Flow"),
        body=ref("FlowUpdate"),
        errors=(404, 409, 422),
    ),
    Operation(
        "delete",
        _FLOW,
        "deleteFlow",
        "Remove a flow; answers it as it was.",
        _WRITE,
        ref("Flow"),
        errors=(404, 409),
    ),
    Operation(
        "get",
        f"{_FLOW}/deploy",
        "getFlowDeployment",
        "Tell what of a flow is live, what is saved and not live, and which versions there were.",
        _READ,
        ref("FlowDeployment"),
        errors=(404,),
    ),
    Operation(
        "post",
        f"{_FLOW}/deploy",
        "deployFlow",
        "Make the saved flow live, or an earlier version again; with deploy: auto it is live.",
        "flows:deploy",
        object_of({"message": TEXT}),
        body=ref("FlowDeploy"),
        needs_body=False,
        errors=(404, 409),
    ),
    Operation(
        "get",
        f"{_FLOW}/fields",
        "listFlowFields",
        "List the fields that a flow keeps of its leads.",
        _READ,
        list_of(ref("FlowField")),
        errors=(404,),
    ),
    Operation(
        "get",
        f"{_FLOW}/fields/usage",
        "getFlowFieldUsage",
        "Tell how many leads of some days had each field.",
        _READ,
        {"type": "object", "additionalProperties": COUNT},
        query={"timeframe": {"enum": list(TIMEFRAMES), "default": "today"}},
        errors=(404,),
    ),
    Operation(
        "get",
        "/api/v1/destinations",
        "listDestinations",
        "List the receivers of leads that flows can name.",
        "destinations:read",
        list_of(ref("Destination")),
        query={"include": {"enum": ["flow_usages"]}},
    ),
)


def flow_call_components() -> Mapping[str, Schema]:
    """Return the schemas of these calls by name, as of what is installed."""
    return _components(Stage.current().digest)


@lru_cache(maxsize=4)
def _components(_additions: str) -> Mapping[str, Schema]:
    schema = composed("flow")
    parts = {f"Flow{_camel(name)}": _referring(part) for name, part in schema["$defs"].items()}
    _loosen(parts["FlowSource"], ("entity", "integration", "credential_id"))
    _loosen(parts["FlowRecipientStep"], ("entity",))
    properties = {name: _referring(part) for name, part in schema["properties"].items()}
    properties |= {name: _or_null(properties[name]) for name in _NULLABLE}
    kept = {"description": "Kept by the daemon; not looked at."}
    body = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **properties,
            **dict.fromkeys(("errors", "created_at", "updated_at"), kept),
            "destinations": {"type": ["array", "null"]},
            "firehose": _with_credential(properties["firehose"]),
        },
    }
    return {
        **parts,
        "FlowCreate": {**body, "required": schema["required"]},
        "FlowUpdate": body,
        "FlowUpdates": {"type": "array", "maxItems": 1000, "items": ref("FlowUpdate")},
        "Flow": _answer(),
        "FlowDeploy": _deploy(),
        "FlowDeployment": _deployment(),
        "Destination": _destination(),
        "FlowField": object_of(
            {
                "id": TEXT,
                "name": TEXT,
                "type": TEXT,
                "standard": FLAG,
                "aggregate": FLAG,
                "deprecated": FLAG,
            }
        ),
    }


def _with_credential(firehose: Schema) -> Schema:
    """Return a flow's firehose as the flows API has it; its credential can only be none here."""
    none = {"description": "The organization's.", "type": "null"}
    return {**firehose, "properties": {**firehose["properties"], "credential_id": none}}


def _answer() -> Schema:
    needed = {
        "id": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
        "name": TEXT,
        "errors": {"type": "object", "additionalProperties": TEXT},
        "enabled": FLAG,
        "fields": or_null(list_of(TEXT)),
        "destinations": list_of(ref("Destination")),
        "sources": list_of({"type": "object"}),
        "steps": list_of({"type": "object"}),
        "ping_enabled": FLAG,
        "created_at": or_null(TIME),
        "updated_at": or_null(TIME),
    }
    return {"type": "object", "required": list(needed), "properties": needed}


def _deploy() -> Schema:
    version = {"description": "An earlier version to make live again.", **or_null(ORDER)}
    return {"type": "object", "additionalProperties": False, "properties": {"version": version}}


def _deployment() -> Schema:
    version = {"version": ORDER, "deployed_at": TIME, "deployed_by": TEXT, "file": TEXT}
    return object_of(
        {
            "id": TEXT,
            "deploy": {"enum": ["auto", "manual"]},
            "live": FLAG,
            "version": or_null(ORDER),
            "deployed_at": or_null(TIME),
            "pending": {"enum": ["new", "changed", "removed", None]},
            "difference": TEXT,
            "versions": list_of(object_of(version)),
        }
    )


def _destination() -> Schema:
    action = {"name": TEXT, "action_id": TEXT, "webhook_url": {"type": ["string", "null"]}}
    usages = {"count": COUNT, "flows": list_of(object_of({"id": TEXT, "name": TEXT}))}
    actions = list_of({**object_of(action), "required": ["name", "action_id"]})
    told = {"name": TEXT, "instance_id": TEXT, "actions": actions}
    return {
        **object_of({**told, "flow_usages": object_of(usages)}),
        "required": list(told),
    }


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _referring(schema: Any) -> Any:
    """Return a schema whose references lead to components."""
    if isinstance(schema, list):
        return [_referring(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: _referring(part) for key, part in schema.items() if key != "$defs"}
    if isinstance(found.get("$ref"), str):
        found |= ref(f"Flow{_camel(found['$ref'].rpartition('/')[2])}")
    return found


def _loosen(part: Schema, names: tuple[str, ...]) -> None:
    """Let a part have what the API says otherwise than the file."""
    part["properties"] |= {name: {"description": "See docs/flows.md."} for name in names}


def _or_null(schema: Schema) -> Schema:
    return {"if": {"type": "null"}, "else": schema, "description": schema.get("description", "")}
