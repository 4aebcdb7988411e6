"""What a pool's bodies may hold: schemas made from that of the files, in the API's spelling.

One vocabulary in two spellings: a limit that is changed in ``schemas/pool.json`` is changed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from pointsman.config.faults import Path
from pointsman.config.formats import FORMATS
from pointsman.config.schema import composed
from pointsman.http.body_checks import check_body
from pointsman.http.names import camel

__all__ = ["body_schemas", "connection_body", "create_body", "update_body"]

Body = Mapping[str, Any]
Schema = dict[str, Any]

_PEOPLE = "participantIds"
_FOLLOWER = "followerUserId"
_SWITCHES = (
    "is_active",
    "assign_inbound_leads",
    "assign_manual_leads",
    "email_notifications_enabled",
)
_GOALS = ("goal_total_deals", "goal_won_deals")
_NOT_OF_BODIES = ("id", "is_active")
_UUID = {"type": "string", "format": "uuid"}


def create_body(body: Body) -> dict[str, Any]:
    """Return the document of a pool to be made, with members by id."""
    _check("create", body)
    return _document(body)


def update_body(body: Body) -> dict[str, Any]:
    """Return what is to change of a pool's document; ``None`` clears."""
    _check("update", body)
    return _document(body)


def connection_body(body: Body) -> dict[str, Any]:
    """Return a connection's document; it may come alone or under ``connection``."""
    wrapped = body.keys() == {"connection"} and isinstance(body["connection"], dict)
    inner: Body = body["connection"] if wrapped else body
    _check("connection", inner, ("connection",) if wrapped else ())
    return _connection(inner)


@cache
def body_schemas() -> Mapping[str, Schema]:
    """Return the schemas of the bodies that make a pool, change one, and add a connection."""
    file = composed("pool")
    connection = _connection_schema(file)
    known = file["properties"]
    properties = {
        "name": known["name"],
        _PEOPLE: {
            "description": "Ids of the members who take turns, in this order.",
            "type": "array",
            "minItems": 1,
            "maxItems": known["participants"]["maxItems"],
            "items": _UUID,
        },
        _FOLLOWER: {"description": known["follower"]["description"], **_UUID},
        **{camel(name): known[name] for name in (*_GOALS, *_SWITCHES)},
        "connections": {**known["connections"], "items": connection},
    }
    clearable = {name: _or_null(properties[name]) for name in (_FOLLOWER, *map(camel, _GOALS))}
    return {
        "create": {**_object(properties), "required": ["name", _PEOPLE]},
        "update": _object({**properties, **clearable}),
        "connection": connection,
    }


def _connection_schema(file: Mapping[str, Any]) -> Schema:
    """Return the schema of a connection, with its references resolved."""
    definitions = file["$defs"]
    schema = definitions["connection"]
    properties = {
        camel(name): _resolved(about, definitions["key"])
        for name, about in schema["properties"].items()
        if name not in _NOT_OF_BODIES
    }
    needs = [
        {**rule, "then": {**rule["then"], "required": [*map(camel, rule["then"]["required"])]}}
        for rule in schema["allOf"]
    ]
    return {**_object(properties), "description": schema["description"], "allOf": needs}


def _resolved(schema: Mapping[str, Any], key: Schema) -> Schema:
    if "$ref" not in schema:
        return dict(schema)
    return {**key, "description": schema["description"]}


def _object(properties: Mapping[str, Any]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _or_null(schema: Mapping[str, Any]) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(body_schemas()[name], format_checker=FORMATS)


def _check(name: str, body: Body, under: Path = ()) -> None:
    """Refuse a body with every failing field."""
    check_body(_validator(name), body, under)


def _document(body: Body) -> dict[str, Any]:
    """Return a body in the spelling of files."""
    document = {name: body[camel(name)] for name in ("name", *_SWITCHES) if camel(name) in body}
    for name in _GOALS:
        if camel(name) in body:
            value = body[camel(name)]
            document[name] = None if value is None else int(value)
    if _FOLLOWER in body:
        document["follower"] = body[_FOLLOWER] and body[_FOLLOWER].lower()
    if _PEOPLE in body:
        document["participants"] = [identifier.lower() for identifier in body[_PEOPLE]]
    if "connections" in body:
        document["connections"] = [_connection(each) for each in body["connections"]]
    return document


def _connection(body: Body) -> dict[str, Any]:
    names = composed("pool")["$defs"]["connection"]["properties"]
    return {name: body[camel(name)] for name in names if camel(name) in body}
