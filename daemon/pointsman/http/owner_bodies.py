"""What the calls that change a lead's owner take: the schemas that check it and that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from pointsman.config.faults import pointer
from pointsman.config.formats import FORMATS
from pointsman.config.messages import told
from pointsman.http.query import invalid

__all__ = ["BODIES", "checked"]

Schema = dict[str, Any]

_UUID: Schema = {"type": "string", "format": "uuid"}
_MEMBER: Schema = {"description": "The member's id.", **_UUID}
_POOL: Schema = {
    "description": "A pool that the member is in: the assignment counts there.",
    **_UUID,
}
_CREDIT: Schema = {
    "description": "Whether whoever had the lead gets the turn back.",
    "type": "boolean",
    "default": False,
}
_NOTE: Schema = {
    "description": "Why; kept in the lead's timeline.",
    "type": "string",
    "minLength": 1,
    "maxLength": 500,
}


def _body(properties: Mapping[str, Schema], *required: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**properties, "note": _NOTE},
        "required": list(required),
    }


BODIES: Mapping[str, Schema] = {
    "LeadAssignee": _body({"assignedToId": _MEMBER, "roundRobinId": _POOL}, "assignedToId"),
    "LeadReassign": {
        **_body(
            {
                "assignedToId": _MEMBER,
                "next": {
                    "description": "true: the next of the pool's rotation, who takes a turn.",
                    "const": True,
                },
                "roundRobinId": {
                    **_POOL,
                    "description": "With assignedToId, a pool that the member is in: the "
                    "assignment counts there. With next, the pool whose rotation it is, if not "
                    "the one that the lead comes from.",
                },
                "credit": _CREDIT,
            }
        ),
        "oneOf": [{"required": ["assignedToId"]}, {"required": ["next"]}],
    },
    "LeadUnassign": _body({"credit": _CREDIT}),
    "LeadAccept": _body(
        {"assignedToId": {**_MEMBER, "description": "Who accepts: the owner."}}, "assignedToId"
    ),
    "TurnCredit": _body({}),
}
"""The schemas by name."""


def checked(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body that fits its schema, ids in lower case; refuse any other with every fault."""
    problems: dict[str, None] = {}
    for error in _validator(name).iter_errors(body):
        path = tuple(error.absolute_path)
        if error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            problems |= dict.fromkeys(f"{pointer((*path, key))}: is required" for key in missing)
        elif error.validator == "oneOf":
            problems["assignedToId: give it or 'next': true, and only one of them"] = None
        else:
            for found in told(error):
                place = pointer((*found.path, *([found.key] if found.key else [])))
                problems[f"{place or 'body'}: {found.message.replace('; ', ', ')}"] = None
    if problems:
        raise invalid(list(problems))
    for key in ("assignedToId", "roundRobinId"):
        if key in body:
            body[key] = body[key].lower()
    return body


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(BODIES[name], format_checker=FORMATS)
