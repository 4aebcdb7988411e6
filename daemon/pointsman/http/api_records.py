"""The calls about records as data, and the schemas they use, made from the table of modules."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.http.api_schemas import listed, ref
from pointsman.http.operation import PAGED, Operation
from pointsman.http.shapes import (
    COUNT,
    ORDER,
    TEXT,
    TIME,
    UUID,
    Schema,
    list_of,
    object_of,
    or_null,
)
from pointsman.modules import MODULES, Module, camel

__all__ = ["DELETED", "ERASE", "MATCH", "RECORD_OPERATIONS", "SOUGHT", "record_components"]

_PATH = "/api/v1/records/{module}"
_LINES = "application/x-ndjson"
MATCH = (404, 409, 412, 422)
SOUGHT = dict.fromkeys(("id", "email", "phone", "externalId"), TEXT)
DELETED: Schema = {"anyOf": [ref("Deleted"), ref("LeadErased")]}
ERASE: Mapping[str, Schema] = {"erase": {"enum": ["true", "false"], "default": "false"}}
_TYPES: Mapping[str, Schema] = {
    "number": {"type": ["number", "string"]},
    "email": {"type": "string", "description": "An email address."},
    "phone": {"type": "string", "description": "A phone number."},
    "url": {"type": "string", "description": "A web address."},
    "time": {"type": "string", "description": "A date and time, read leniently."},
    "date": {"type": "string", "description": "A date, read leniently."},
}

RECORD_OPERATIONS = (
    Operation(
        "get",
        _PATH,
        "listRecords",
        "List records of a module, newest first, or find those with an id, address or number.",
        "records:read",
        listed("Record"),
        query={**PAGED, **SOUGHT},
        errors=(404,),
    ),
    Operation(
        "post",
        _PATH,
        "createRecord",
        "Make a record. A lead is taken in like any other and assigned, unless it has an owner or "
        "assign is false.",
        "records:write",
        ref("Record"),
        201,
        body=ref("RecordPosted"),
        errors=(404, 409, 422),
    ),
    Operation(
        "post",
        f"{_PATH}/bulk",
        "importRecords",
        "Make or change records, one a line; answers one result a line, and its progress.",
        "records:write",
        {"type": "string"},
        query={"results": {"enum": ["all", "errors"], "default": "all"}},
        body={"type": "string"},
        media=_LINES,
        errors=(404,),
    ),
    Operation(
        "get",
        f"{_PATH}/{{id}}",
        "getRecord",
        "Read a record and everything that happened to it.",
        "records:read",
        ref("RecordDetails"),
        errors=(404,),
    ),
    Operation(
        "patch",
        f"{_PATH}/{{id}}",
        "updateRecord",
        "Change fields of a record; null empties one. With If-Match, only at that revision.",
        "records:write",
        ref("Record"),
        body=ref("RecordPosted"),
        errors=MATCH,
    ),
    Operation(
        "delete",
        f"{_PATH}/{{id}}",
        "deleteRecord",
        "Delete a record; with erase=true, also everything that is known of it.",
        "records:write",
        DELETED,
        query=ERASE,
        errors=(404, 409, 412),
    ),
)


def record_components() -> Mapping[str, Schema]:
    """Return the schemas that these calls use, by name."""
    entry = {
        "revision": ORDER,
        "types": list_of(TEXT),
        "at": TIME,
        "origin": TEXT,
        "depth": COUNT,
        "previous": or_null({"type": "object"}),
    }
    record = {
        "id": UUID,
        "organizationId": UUID,
        "revision": ORDER,
        "ownerId": or_null(UUID),
        "tags": list_of(TEXT),
        "stage": or_null(TEXT),
        "customFields": {"type": "object"},
        "createdBy": TEXT,
        "createdAt": TIME,
        "updatedAt": TIME,
    }
    shapes = {
        f"{module.singular.capitalize()}Fields": _fields(module)
        for module in MODULES.values()
        if module.fields
    }
    return {
        **shapes,
        "Record": {"type": "object", "properties": record, "required": [*record]},
        "RecordDetails": {
            "type": "object",
            "properties": {**record, "timeline": list_of(object_of(entry))},
            "required": [*record, "timeline"],
        },
        "RecordPosted": {
            "description": "Fields of the module; of a lead, those of fields.yaml.",
            "anyOf": [*map(ref, shapes), ref("LeadPosted")],
        },
    }


def _fields(module: Module) -> Schema:
    """Return what a body of a module may have."""
    own = {camel(name): _shape(module, name, kind) for name, kind in module.fields.items()}
    links = {camel(name): {"type": "string"} for name in module.links}
    shared = {
        "ownerId": {"type": "string", "description": "A member's id or handle."},
        "tags": list_of(TEXT),
        "stage": TEXT,
        "customFields": {"type": "object"},
    }
    nullable = {name: _or_null(shape) for name, shape in {**own, **links, **shared}.items()}
    return {"type": "object", "additionalProperties": False, "properties": nullable}


def _shape(module: Module, name: str, kind: str) -> Schema:
    if name in module.choices or name == "module":
        return {"enum": list(module.choices.get(name, tuple(MODULES)))}
    return dict(_TYPES.get(kind, TEXT))


def _or_null(shape: Schema) -> Schema:
    if "enum" in shape:
        return {"enum": [*shape["enum"], None]}
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    return {**shape, "type": [*kinds, "null"]}
