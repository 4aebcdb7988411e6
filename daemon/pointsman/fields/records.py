"""Bodies of records, read as their module says.

A lead keeps what it does not know under ``custom_fields``, because its sender is anybody. Records
of the other modules come from programs that can be corrected, so an unknown name or a value that
cannot be read is refused, every one of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from pointsman.errors import Refused
from pointsman.fields.limits import check
from pointsman.fields.types import field_types
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Organization
from pointsman.modules import MODULES, Module, camel
from pointsman.registry import nearest

__all__ = ["OWNER", "is_empty", "kept_names", "read_record"]

OWNER = ("owner_id", "ownerId", "owner")
"""Names of the owner, who is told by a member's id or handle."""

_KEPT = ("id", "created_at", "updated_at", "created_by", "revision", "organization_id", "timeline")
_EXPECTED = {
    "string": "text",
    "number": "a number",
    "time": "a date and time such as 2026-07-01T09:00:00Z",
    "date": "a date such as 2026-07-01",
    "email": "an email address",
    "phone": "a phone number",
    "url": "a web address",
}
_MOST_TAGS = 200
_MOST_LINKS = 1_000

Read = Callable[[Any], Any]


class _Problem(Exception):
    """Why a value cannot be read; the message is that of its field."""


class _Reading(NamedTuple):
    """What a body is read by, what was wrong so far, and with which fields."""

    organization: Organization
    module: Module
    problems: list[str]
    wrong: set[str]


def read_record(
    organization: Organization, module: str, body: Mapping[str, Any], *, new: bool
) -> dict[str, Any]:
    """Return the fields of a body by their names in snake_case; null empties one.

    Of a ``new`` record what is required must be there (a new lead's own fields are read by intake).
    Raises ``Refused``: 400 for a body beyond the limits, 422 naming every field that fails.
    """
    check(body)
    reading = _Reading(organization, MODULES[module], [], set())
    known = _names(reading.module)
    fields: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in body.items():
        if (name := known.get(key)) is None:
            others[key] = value
        elif name in fields:
            reading.problems.append(f"{key}: is given twice, in two spellings")
        else:
            fields[name] = _value(reading, key, name, value)
    if module == "leads":
        fields = {**_lead_fields(reading, others), **fields}
    else:
        reading.problems.extend(_unknown(reading.module, key) for key in others)
    reading.problems.extend(_missing(reading, fields, new=new))
    if reading.problems:
        raise Refused(
            "; ".join(reading.problems),
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            code="VALIDATION_ERROR",
        )
    return fields


def kept_names(module: str) -> dict[str, str]:
    """Return the fields that Pointsman itself sets, by both spellings."""
    named = {*_KEPT, *MODULES[module].kept}
    return {spelling: name for name in named for spelling in (name, camel(name))}


def is_empty(value: Any) -> bool:
    """Tell whether a value is as good as none."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _names(module: Module) -> dict[str, str]:
    """Return the names of fields by both spellings; of a lead, those that are no fields of it."""
    named = [*module.fields, *module.links]
    if module.name != "leads":
        named += ["tags", "stage", "custom_fields"]
    spelled = {spelling: name for name in named for spelling in (camel(name), name)}
    return {**spelled, **dict.fromkeys(OWNER, "owner_id")}


def _lead_fields(reading: _Reading, others: dict[str, Any]) -> dict[str, Any]:
    """Return a lead's own fields, as intake reads them."""
    kept = kept_names(reading.module.name)
    reading.problems.extend(_unknown(reading.module, key) for key in others if key in kept)
    return reading.organization.fields.read(
        {key: value for key, value in others.items() if key not in kept}
    )


def _unknown(module: Module, key: str) -> str:
    if key in kept_names(module.name):
        return f"{key}: is kept by Pointsman and cannot be set"
    hint = nearest(key, [camel(name) for name in (*module.fields, *module.links, *OWNER[:1])])
    own = "; fields of your own go into customFields"
    return f"{key}: is no field of {module.name}{hint or own}"


def _missing(reading: _Reading, fields: Mapping[str, Any], *, new: bool) -> Iterator[str]:
    module = reading.module
    for name in module.required:
        if (new or name in fields) and is_empty(fields.get(name)) and name not in reading.wrong:
            yield f"{camel(name)}: is required and must not be blank"
    if module.links.get("record_id") == "" and (
        is_empty(fields.get("module")) != is_empty(fields.get("record_id"))
        and (new or {"module", "record_id"} & fields.keys())
        and not {"module", "record_id"} & reading.wrong
    ):
        yield "recordId: goes together with module, the kind of record that it names"


def _value(reading: _Reading, key: str, name: str, value: Any) -> Any:
    """Return a value as it is stored; note what is wrong with it."""
    if value is None:
        return None
    try:
        return _reader(reading, name)(value)
    except _Problem as problem:
        reading.problems.append(f"{key}: {problem}")
        reading.wrong.add(name)
        return None


def _reader(reading: _Reading, name: str) -> Read:
    module = reading.module
    if name == "owner_id":
        return lambda value: _member(reading.organization, value)
    if name in module.links:
        return _links if name in module.lists else _link
    choices = tuple(MODULES) if name == "module" else module.choices.get(name)
    if choices:
        return lambda value: _choice(choices, value)
    kind = module.fields.get(name, "string")
    return _PLACES.get(name) or (lambda value: _typed(kind, value))


def _typed(kind: str, value: Any) -> Any:
    if kind == "string":
        read = value if isinstance(value, str) else None
    elif kind == "number" or isinstance(value, str):
        read = field_types[kind].read(value)
    else:
        read = None
    if read is None and not (isinstance(value, str) and not value.strip()):
        raise _Problem(f"must be {_EXPECTED[kind]}")
    return read


def _member(organization: Organization, value: Any) -> str:
    if isinstance(value, str):
        identifier = organization.handles.get(value, value.lower())
        if identifier in organization.members:
            return identifier
    raise _Problem("must be the id or handle of a member")


def _link(value: Any) -> str:
    identifier = parse_lead_id(value) if isinstance(value, str) else None
    if identifier is None:
        raise _Problem("must be the id of a record")
    return lead_uuid(identifier)


def _links(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_LINKS:
        raise _Problem(f"must be a list of at most {_MOST_LINKS} ids")
    return list(dict.fromkeys(map(_link, value)))


def _choice(known: tuple[str, ...], value: Any) -> str:
    if value not in known:
        raise _Problem(f"must be one of {', '.join(known)}")
    return str(value)


def _tags(value: Any) -> list[str]:
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _Problem("must be a list of texts")
    if len(tags) > _MOST_TAGS:
        raise _Problem(f"must be at most {_MOST_TAGS} texts")
    return list(dict.fromkeys(tag for tag in tags if tag.strip()))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Problem("must be an object")
    return value


_PLACES: Mapping[str, Read] = {"tags": _tags, "custom_fields": _object}
