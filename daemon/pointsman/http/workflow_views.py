"""A workflow in the words of the API: what its file says, in the other spelling, and its version.

Ids and places of actions are told although the file need not write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pointsman.config.schema import composed
from pointsman.http.spelling import to_api
from pointsman.model import Organization, Workflow
from pointsman.plugin import actions
from pointsman.store.stored import rfc3339
from pointsman.store.versions import Ran, Version

__all__ = ["workflow_json"]

Path = tuple[str | int, ...]


def workflow_json(
    organization: Organization, workflow: Workflow, version: Version, ran: Ran
) -> dict[str, Any]:
    """Return a workflow with its actions."""
    document = workflow.document
    ids = {action.place: action.id for action in workflow.actions}
    filters = document.get("trigger_filters") or {}
    return {
        "id": workflow.id,
        "organizationId": organization.id,
        "name": workflow.name,
        "description": document.get("description"),
        "triggerModule": workflow.module,
        "triggerType": workflow.trigger_type,
        "triggerFilters": {
            "logic": "AND",
            "conditions": [],
            **to_api({"trigger_filters": filters}, composed("workflow"))["triggerFilters"],
        },
        "isActive": workflow.active,
        "reenter": workflow.reenter,
        "concurrency": workflow.concurrency,
        "version": version.number,
        "actions": _actions(document.get("actions") or (), ("actions",), ids),
        "runCount": ran.runs,
        "lastRunAt": _time(ran.last),
        "createdAt": _time(version.created),
        "updatedAt": _time(version.updated),
    }


def _actions(
    listed: Sequence[Mapping[str, Any]], path: Path, ids: Mapping[Path, str]
) -> list[dict[str, Any]]:
    return [_action(action, (*path, i), ids) for i, action in enumerate(listed)]


def _action(action: Mapping[str, Any], place: Path, ids: Mapping[Path, str]) -> dict[str, Any]:
    kind = action["action_type"]
    turned = to_api({"actions": [action]}, composed("workflow"))["actions"][0]
    config = dict(turned.get("config") or {})
    for name in actions[kind].nested if kind in actions else ():
        if name in config:
            inner = (action.get("config") or {})[name]
            config[name] = _actions(inner, (*place, "config", name), ids)
    return {
        "id": ids[place],
        **({"key": action["key"]} if "key" in action else {}),
        "actionType": kind,
        "config": config,
        "onError": action.get("on_error", "fail"),
        "sortOrder": int(place[-1]) + 1,
    }


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
