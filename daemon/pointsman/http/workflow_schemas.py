"""What the calls about workflows, their runs and dead letters take and answer.

The bodies come from the schema of the files, so their parts are components of the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.http.api_schemas import ref
from pointsman.http.shapes import (
    COUNT,
    FLAG,
    ORDER,
    TEXT,
    TIME,
    UUID,
    Schema,
    list_of,
    object_of,
    or_null,
)
from pointsman.http.workflow_bodies import body_schemas
from pointsman.modules import MODULES
from pointsman.store.run_search import STATUSES

__all__ = ["workflow_components"]

_DEFINITIONS = {
    "group": "WorkflowFilters",
    "condition": "WorkflowCondition",
    "operator": "WorkflowOperator",
    "action": "WorkflowActionPosted",
    "action_type": "WorkflowActionType",
    "action_options": "WorkflowActionOptions",
}


def workflow_components() -> Mapping[str, Schema]:
    """Return the components of these calls by name, as of the actions that are installed."""
    bodies = body_schemas()
    definitions = bodies["create"]["$defs"]
    inner = {_DEFINITIONS[name]: _component(each) for name, each in definitions.items()}
    return {
        **_answers(),
        **_run_answers(),
        "WorkflowCreate": _component(bodies["create"]),
        "WorkflowUpdate": _component(bodies["update"]),
        "WorkflowToggle": bodies["toggle"],
        **inner,
    }


def _component(schema: Any) -> Any:
    """Return a schema whose references lead to components."""
    if isinstance(schema, list):
        return [_component(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: _component(part) for key, part in schema.items() if key != "$defs"}
    if "$ref" in found:
        found |= ref(_DEFINITIONS[str(found["$ref"]).rpartition("/")[2]])
    return found


def _answers() -> dict[str, Schema]:
    action = {
        "id": UUID,
        "key": TEXT,
        "actionType": TEXT,
        "config": {"type": "object"},
        "onError": {"enum": ["fail", "continue"]},
        "sortOrder": ORDER,
    }
    workflow = {
        "id": UUID,
        "organizationId": UUID,
        "name": TEXT,
        "description": or_null(TEXT),
        "triggerModule": {"enum": list(MODULES)},
        "triggerType": TEXT,
        "triggerFilters": ref("WorkflowFilters"),
        "isActive": FLAG,
        "reenter": FLAG,
        "concurrency": {"enum": ["allow", "queue", "skip"]},
        "version": ORDER,
        "actions": list_of(ref("WorkflowAction")),
        "runCount": COUNT,
        "lastRunAt": or_null(TIME),
        "createdAt": or_null(TIME),
        "updatedAt": or_null(TIME),
    }
    needed = [name for name in action if name != "key"]
    return {
        "Workflow": object_of(workflow),
        "WorkflowAction": {**object_of(action), "required": needed},
    }


def _run_answers() -> dict[str, Schema]:
    ends = {"startedAt": or_null(TIME), "finishedAt": or_null(TIME)}
    of = {"workflowId": UUID, "workflowName": TEXT, "triggerModule": TEXT, "recordId": UUID}
    run = {
        "id": TEXT,
        **of,
        "version": ORDER,
        "triggerType": TEXT,
        "eventId": TEXT,
        "depth": COUNT,
        "generation": COUNT,
        "definition": TEXT,
        "status": {"enum": list(STATUSES)},
        "error": or_null(TEXT),
        "replayOf": or_null(TEXT),
        **ends,
        "updatedAt": TIME,
        "dueAt": or_null(TIME),
    }
    step = {
        "id": TEXT,
        "actionType": TEXT,
        "sortOrder": ORDER,
        "status": {"enum": [*STATUSES, "skipped"]},
        "attempts": COUNT,
        "input": {},
        "missing": list_of(TEXT),
        "output": {},
        "error": or_null(TEXT),
        **ends,
    }
    letter = {
        "id": TEXT,
        "runId": TEXT,
        **of,
        "actionType": TEXT,
        "sortOrder": ORDER,
        "attempts": COUNT,
        "error": or_null(TEXT),
        "runStatus": {"enum": list(STATUSES)},
        "failedAt": TIME,
    }
    lost = {
        "id": TEXT,
        "recordId": UUID,
        "triggerModule": TEXT,
        "flowId": TEXT,
        "flowName": TEXT,
        "stepId": TEXT,
        "recipient": TEXT,
        "attempts": COUNT,
        "error": or_null(TEXT),
        "failedAt": TIME,
    }
    trigger = {"trigger": {"type": "object"}}
    return {
        "Run": object_of(run),
        "RunDetails": object_of({**run, **trigger, "steps": list_of(ref("RunStep"))}),
        "RunStep": object_of(step),
        "DeadLetter": {"anyOf": [ref("LostStep"), ref("LostDelivery")]},
        "DeadLetterDetails": {"anyOf": [ref("LostStepDetails"), ref("LostDelivery")]},
        "LostStep": object_of(letter),
        "LostStepDetails": object_of({**letter, "step": ref("RunStep")}),
        "LostDelivery": object_of(lost),
        "Discarded": object_of({"deleted": {"const": True}, "id": TEXT}),
    }
