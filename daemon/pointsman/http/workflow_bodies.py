"""What a workflow's bodies may hold: the schema of the files, in the API's spelling.

What an action takes is in it, of every action that is installed. What the daemon keeps itself (the
version, the times) may be sent back as it was read, and is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from pointsman.config.formats import FORMATS
from pointsman.config.schema import composed
from pointsman.http.body_checks import check_body
from pointsman.http.spelling import api_schema, to_file
from pointsman.plugin import actions
from pointsman.registry import Stage

__all__ = ["body_schemas", "create_body", "toggle_body", "update_body"]

Body = Mapping[str, Any]
Schema = dict[str, Any]

_KEPT = ("id", "organizationId", "version", "createdAt", "updatedAt", "lastRunAt", "runCount")
_PLACE = "Place among the actions; left out, that in the list."
_PARTS = ("name", "description", "is_active", "trigger_module", "trigger_type", "trigger_filters")
_SET = (*_PARTS, "reenter", "concurrency")


def create_body(body: Body) -> dict[str, Any]:
    """Return the document of a workflow to be made."""
    check_body(_validator("create", Stage.current().digest), body)
    return _document(body)


def update_body(body: Body) -> dict[str, Any]:
    """Return what is to change of a workflow's document; ``None`` clears."""
    check_body(_validator("update", Stage.current().digest), body)
    return _document(body)


def toggle_body(body: Body) -> dict[str, Any]:
    """Return whether a workflow is to be on; nothing if it is to change sides."""
    check_body(_validator("toggle", Stage.current().digest), body)
    return {"is_active": body["isActive"]} if "isActive" in body else {}


def body_schemas() -> Mapping[str, Schema]:
    """Return the schemas of the bodies that make a workflow, change and switch one."""
    return _schemas(Stage.current().digest)


@lru_cache(maxsize=8)
def _schemas(_additions: str) -> Mapping[str, Schema]:
    whole = api_schema(composed("workflow"))
    properties = {name: about for name, about in whole["properties"].items() if name != "id"}
    kept = {name: {"description": "Kept by the daemon; not looked at."} for name in _KEPT}
    definitions = whole["$defs"]
    definitions["action"]["properties"]["sortOrder"] = {"description": _PLACE, "type": "integer"}
    clearable = {
        "description": {**properties["description"], "type": ["string", "null"]},
        "triggerFilters": {
            "description": properties["triggerFilters"]["description"],
            "if": {"type": "null"},
            "else": {"$ref": "#/$defs/group"},
        },
    }
    return {
        "create": {
            **_object({**kept, **properties, **clearable}, definitions),
            "required": whole["required"],
        },
        "update": _object({**kept, **properties, **clearable}, definitions),
        "toggle": _object({"isActive": properties["isActive"]}, {}),
    }


def _object(properties: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    told = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    return {**told, "$defs": dict(definitions)} if definitions else told


@lru_cache(maxsize=24)
def _validator(name: str, additions: str) -> Draft202012Validator:
    return Draft202012Validator(_schemas(additions)[name], format_checker=FORMATS)


def _document(body: Body) -> dict[str, Any]:
    """Return a body in the spelling of files, its actions in order."""
    written = to_file(body, composed("workflow"))
    document = {name: written[name] for name in _SET if name in written}
    if "actions" in written:
        document["actions"] = _ordered(written["actions"])
    return document


def _ordered(listed: Sequence[Body]) -> list[dict[str, Any]]:
    """Return actions by their ``sortOrder``, those inside of others too."""
    ordered = sorted(enumerate(listed, start=1), key=lambda at: at[1].get("sortOrder", at[0]))
    return [_action(one) for _, one in ordered]


def _action(written: Body) -> dict[str, Any]:
    action = {name: value for name, value in written.items() if name != "sortOrder"}
    if "id" in action:
        action["id"] = action["id"].lower()
    kind, config = action["action_type"], action.get("config")
    if config and kind in actions:
        inner = {name: _ordered(config[name]) for name in actions[kind].nested if name in config}
        action["config"] = {**config, **inner}
    return action
