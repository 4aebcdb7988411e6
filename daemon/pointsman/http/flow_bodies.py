"""A flow as the flows API says it, and as its file does.

The words are nearly the same. Otherwise spelled are a source's integration, entity and credential;
what has no counterpart here (credentials of one flow's firehose, a source's time zone) is refused
by its place. Whether the rest is right, the file's own schema tells when it is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pointsman.config.building import MAX_DEPTH, TOO_DEEP
from pointsman.errors import Refused
from pointsman.flow import Flow
from pointsman.flows.parts import part_ids
from pointsman.http.clause_ids import identified, unidentified
from pointsman.http.destinations import destination_json
from pointsman.http.unsaid import meant
from pointsman.ids import derived, short
from pointsman.model import Organization
from pointsman.registry import nearest

__all__ = ["api_pointer", "check_depth", "credential_id", "document_of", "entity_of", "flow_body"]

MODULE = "default"
"""What sources are: an address of their own that takes forms, JSON and XML."""

_KEPT_HERE = ("errors", "created_at", "updated_at")
_OTHERWISE = {"name", "mappings", "credential"}
_FILE_PLACES = (
    (re.compile(r"^(\[\d+\]\.)?(sources\[\d+\])\.mappings"), r"\1\2.integration.mappings"),
    (re.compile(r"^(\[\d+\]\.)?(sources\[\d+\])\.name"), r"\1\2.entity.name"),
    (re.compile(r"^(\[\d+\]\.)?(sources\[\d+\])\.credential\b"), r"\1\2.credential_id"),
    (re.compile(r"^((?:\[\d+\]\.)?steps\[\d+\](?:\.steps\[\d+\])*)\.name"), r"\1.entity.name"),
)

Body = Mapping[str, Any]
Report = Callable[[str, str], None]


def check_depth(body: Any) -> None:
    """Refuse what no file could hold, before anything goes down into it."""
    level, depth = [body], 0
    while level:
        if depth > MAX_DEPTH:
            raise Refused(TOO_DEEP)
        inner = (one.values() if isinstance(one, Mapping) else one for one in level)
        level = [each for one in inner for each in one if isinstance(each, Mapping | list)]
        depth += 1


def document_of(
    organization: Organization, flow: Flow | None, body: Body, report: Report
) -> dict[str, Any]:
    """Return what a body says of a flow (``None``: a new one), in the words of files.

    ``None`` clears.
    """
    document: dict[str, Any] = {}
    for name, given in body.items():
        value = unidentified(flow.id if flow else "", name, meant(name, given))
        if name == "firehose":
            document[name] = _firehose(value, report)
        elif name == "destinations":
            document |= _destinations(organization, value, report)
        elif name in ("sources", "steps") and isinstance(value, list):
            document[name] = [
                _part(organization, name, part, f"{name}[{i}]", report)
                for i, part in enumerate(value)
            ]
        elif name not in _KEPT_HERE:
            document[name] = value
    if flow is not None and isinstance(document.get("sources"), list):
        document["sources"] = _unnamed(flow, document["sources"])
    return document


def flow_body(organization: Organization, flow: Flow) -> dict[str, Any]:
    """Return a flow as the API tells it, but for what is kept beside its file."""
    ids, document = part_ids(flow), flow.document
    told: dict[str, Any] = {"id": flow.id, "name": flow.name, "errors": {}}
    told |= {"enabled": flow.enabled, "fields": _told(document.get("fields"), ("fields",), ids)}
    for name, value in document.items():
        if not name.startswith("x-"):
            told.setdefault(name, _told(value, (name,), ids))
    told["sources"] = [
        _source_told(organization, source, each)
        for source, each in zip(told["sources"], flow.sources, strict=True)
    ]
    told["steps"] = [_step_told(organization, step) for step in told["steps"]]
    told.setdefault("ping_enabled", flow.ping_enabled)
    known = {
        called: one for one in organization.destinations.values() for called in (one.stem, one.id)
    }
    told = {name: identified(flow.id, name, value) for name, value in told.items()}
    told["destinations"] = [
        destination_json(known[name]) for name in document.get("destinations", ())
    ]
    return told


def api_pointer(place: str) -> str:
    """Return a place in a file as a place in a body."""
    for pattern, said in _FILE_PLACES:
        place = pattern.sub(said, place)
    return place


def entity_of(organization: Organization, name: str) -> dict[str, Any]:
    """Return whom a source or recipient is of, as the API tells it: here it is a name."""
    identifier = short(derived(organization.id, "entity", name))
    return {"id": identifier, "name": name, "time_zone": organization.time_zone}


def credential_id(organization: Organization, name: str) -> str:
    """Return the id that the API knows a credential by."""
    return short(derived(organization.id, "credential", name))


def _part(organization: Organization, kind: str, part: Any, place: str, report: Report) -> Any:
    """Return a source or step in the words of files."""
    if not isinstance(part, Mapping):
        return part
    said = dict(part)
    if "entity" in said:
        said |= _entity(organization, said.pop("entity"), f"{place}.entity", report)
    if isinstance(said.get("steps"), list):
        said["steps"] = [
            _part(organization, kind, inner, f"{place}.steps[{i}]", report)
            for i, inner in enumerate(said["steps"])
        ]
    if kind == "sources" and "integration" in said:
        said |= _integration(said.pop("integration"), f"{place}.integration", report)
    if "credential_id" in said:
        here = f"{place}.credential_id"
        said["credential"] = _credential(organization, said.pop("credential_id"), here, report)
    return said


def _unnamed(flow: Flow, sources: Sequence[Any]) -> list[Any]:
    """Return sources without the names that they have without being given one."""
    documents = zip(flow.sources, flow.document["sources"], strict=True)
    given = {source.id: source.name for source, written in documents if "name" not in written}
    return [
        {name: value for name, value in one.items() if name != "name"}
        if isinstance(one, Mapping) and one.get("name") == given.get(str(one.get("id")), ...)
        else one
        for one in sources
    ]


def _entity(organization: Organization, entity: Any, place: str, report: Report) -> dict[str, Any]:
    if entity is None:
        return {}
    if not isinstance(entity, Mapping):
        report(place, "expected an object with a name")
        return {}
    if entity.get("time_zone", organization.time_zone) != organization.time_zone:
        report(
            f"{place}.time_zone",
            f"everybody has the organization's time zone here ({organization.time_zone}); a cap "
            "or ping limit can have its own",
        )
    if "name" not in entity:
        report(f"{place}.name", "is required: an entity is its name here")
        return {}
    return {"name": entity["name"]}


def _integration(integration: Any, place: str, report: Report) -> dict[str, Any]:
    if integration is None:
        return {}
    if not isinstance(integration, Mapping):
        report(place, "expected an object")
        return {}
    if integration.get("module_id", MODULE) != MODULE:
        report(
            f"{place}.module_id",
            f"a source takes forms, JSON and XML at its own address, which is '{MODULE}' here; "
            "for leads of the lead webhook, Meta or automations set the source's 'intake'",
        )
    for name in integration.keys() - {"module_id", "mappings"}:
        report(f"{place}.{name}", "is not known here")
    return {"mappings": integration["mappings"]} if "mappings" in integration else {}


def _credential(organization: Organization, given: Any, place: str, report: Report) -> Any:
    """Return the name of a credential that is given by its id, or by its name."""
    names = {credential_id(organization, name): name for name in organization.credentials}
    if given is None or given in [*organization.credentials]:
        return given
    if not isinstance(given, str) or given.lower() not in names:
        hint = nearest(str(given), [*organization.credentials]) or "; add it to organization.yaml"
        report(place, f"no credential has this id or name{hint}")
        return None
    return names[given.lower()]


def _firehose(firehose: Any, report: Report) -> Any:
    """Return what is otherwise for a flow's events; the organization has the credentials."""
    if not isinstance(firehose, Mapping):
        return firehose
    if "credential_id" in firehose:
        said = "the firehose of organization.yaml has the credentials, for all flows; leave it out"
        report("firehose.credential_id", said)
    return {name: value for name, value in firehose.items() if name != "credential_id"}


def _destinations(organization: Organization, value: Any, report: Report) -> dict[str, Any]:
    """Return the destinations of a body by their files' names; none need not be written."""
    if not isinstance(value, list):
        return {"destinations": value}
    found: list[Any] = []
    known = {
        called: one.stem
        for one in organization.destinations.values()
        for called in (one.name, one.stem, one.id)
    }
    for place, each in enumerate(value):
        named = each if isinstance(each, str) else _identity(each)
        if not isinstance(named, str) or named not in known:
            hint = nearest(str(named), list(known)) or "; add a file to destinations/"
            report(f"destinations[{place}]", f"no destination '{named}'{hint}")
        else:
            found.append(known[named])
    return {"destinations": found or None}


def _identity(each: Any) -> Any:
    """Return what a destination is known by: its id, else its name."""
    if not isinstance(each, Mapping):
        return each
    return each.get("instance_id") or each.get("name")


def _told(value: Any, path: tuple[str | int, ...], ids: Mapping[Any, str]) -> Any:
    """Return a part of a document with the ids that it need not write."""
    if isinstance(value, Mapping):
        given = {"id": ids[path]} if path in ids else {}
        return {**given, **{name: _told(each, (*path, name), ids) for name, each in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_told(each, (*path, i), ids) for i, each in enumerate(value)]
    return value


def _source_told(organization: Organization, source: Body, compiled: Any) -> dict[str, Any]:
    said = {name: value for name, value in source.items() if name not in _OTHERWISE}
    told = {
        "id": compiled.id,
        "integration": {"module_id": MODULE, "mappings": source.get("mappings", [])},
        "entity": entity_of(organization, compiled.name),
        **said,
        "enabled": compiled.enabled,
        "authentication_required": compiled.authentication_required,
    }
    if "credential" in source:
        told["credential_id"] = credential_id(organization, source["credential"])
    return told


def _step_told(organization: Organization, step: Body) -> dict[str, Any]:
    told = {**step, "enabled": step.get("enabled", True)}
    if "steps" in step:
        told["steps"] = [_step_told(organization, inner) for inner in step["steps"]]
    if step["type"] == "recipient" and "name" in step:
        told["entity"] = entity_of(organization, told.pop("name"))
    return told
