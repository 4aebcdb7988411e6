"""What the API's changes of flows do to the files of flows.

Sources, steps, caps and ping limits are told from the others by their ids, which the file need not
write: one is written down where its part is changed or made, for vendors' addresses and counters
hang on them. What is not changed keeps its spelling and its comments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from pointsman.config.edit import Edit, Remove, Set
from pointsman.config.editing import Edited, Editor, Subject, conflict, free_path, rewritten
from pointsman.config.marks import parse
from pointsman.config.refit import Ids, Path, matched, refit
from pointsman.config.writing import Manner
from pointsman.errors import Refused
from pointsman.flows.parts import part_ids
from pointsman.model import Flow

__all__ = ["EDITORS"]

_FOLDER = "flows"
_DEFAULTS = {
    "enabled": True,
    "ping_enabled": False,
    "authentication_required": False,
    "mappings": [],
}
_ORDER = (
    *("name", "enabled", "ping_enabled", "async", "deadline", "sources", "fields"),
    *("list_checks", "hours_of_operation", "acceptance_criteria", "pricing", "caps"),
    *("ping_limits", "steps", "destinations"),
)
_ID_BYTES = {"sources": 3, "steps": 3, "caps": 12, "ping_limits": 12}
"""How long the ids of the parts in these lists are."""

_KEPT = {
    "sources": ("key", "intake", "provider", "source_key"),
    "steps": ("key", "timeout", "destination", "bid", "notes"),
    "caps": ("key",),
    "ping_limits": ("key",),
}
"""What the reference's parts have not: a client that does not know it does not take it away."""

Document = Mapping[str, Any]


def create(subject: Subject, content: Document) -> Edited:
    """Make a flow's file; ``content`` is its document, with an ``id`` if the caller chose one."""
    identifier = str(content.get("id") or token_hex(12)).lower()
    if identifier in subject.organization.saved_flows:
        raise conflict(f"a flow with the id {identifier} is there already")
    new = _part("", {}, content, {}, ())
    document = {"id": identifier} | {name: new.pop(name) for name in _ORDER if name in new}
    document |= {name: value for name, value in new.items() if name != "id"}
    text = "\n".join(Manner().block(document, 0)) + "\n"
    live = frozenset(one.file for one in (subject.deployed or {}).values())
    path = free_path(_FOLDER, str(content.get("name", "")), subject.taken | live)
    return Edited(identifier, {path: text.encode()})


def update(subject: Subject, content: Document) -> Edited:
    """Change what ``content`` names of the flow with its ``id``; ``None`` clears."""
    flow = _flow(subject, content["id"])
    return Edited(flow.id, _changed(subject, flow, content))


def update_all(subject: Subject, content: Document) -> Edited:
    """Change several ``flows``, all of them or none; the others stay as they are."""
    files: dict[str, bytes | None] = {}
    places: dict[str, str] = {}
    for place, document in enumerate(content["flows"]):
        flow = _flow(subject, document["id"])
        files |= _changed(subject, flow, document)
        places[flow.file] = f"[{place}]."
    return Edited("", files, places=places)


def delete(subject: Subject, content: Document) -> Edited:
    """Remove a flow and its file; what its leads came to stays on record.

    It takes no more leads from then on, also where flows are deployed.
    """
    organization, identifier = subject.organization, content["id"]
    files: dict[str, bytes | None] = {}
    if identifier in organization.saved_flows or identifier not in organization.named_flows:
        files[_flow(subject, identifier).file] = None
    before = subject.deployed or {}
    after = {each: one for each, one in before.items() if each != identifier}
    return Edited(identifier, files, deployed=None if after == before else after)


EDITORS: Mapping[str, Editor] = {
    "flow.create": create,
    "flow.update": update,
    "flow.update_all": update_all,
    "flow.delete": delete,
}
"""Editors by the kind of change."""


def _flow(subject: Subject, flow_id: str) -> Flow:
    flow = subject.organization.saved_flows.get(flow_id)
    if flow is None:
        message = f"no flow has the id {flow_id}"
        raise Refused(message, status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return flow


def _changed(subject: Subject, flow: Flow, content: Document) -> dict[str, bytes | None]:
    """Return the flow's file, if it becomes another."""
    raw, ids = subject.files[flow.file], part_ids(flow)
    data = parse(raw.decode(), flow.file)
    edits: list[Edit] = []
    for name, value in content.items():
        edits += [] if name == "id" else _setting(data, name, value, ids)
    after = rewritten(flow.file, raw, edits)
    return {} if after == raw else {flow.file: after}


def _setting(data: Document, name: str, value: Any, ids: Ids) -> list[Edit]:
    """Return the edits of one key of the flow."""
    if value is None:
        return [Remove((name,))] if name in data else []
    if name not in data:
        if value == _DEFAULTS.get(name):
            return []
        return [Set((name,), _value(name, None, value, ids, (name,)))]
    return refit((name,), data[name], _value(name, data[name], value, ids, (name,)), ids)


def _value(name: str, old: Any, new: Any, ids: Ids, place: Path) -> Any:
    """Return what a file shall say under ``name`` where it said ``old`` at ``place``."""
    if name in _ID_BYTES and isinstance(new, list):
        return _parts(name, old if isinstance(old, list) else [], new, ids, place)
    return new


def _parts(
    name: str, old: Sequence[Document], new: Sequence[Any], ids: Ids, place: Path
) -> list[Any]:
    """Return a list of parts, each with its id: that of an old one, or its own."""
    known = [ids.get((*place, i)) for i in range(len(old))]
    found: list[Any] = []
    for part, i in zip(new, matched(old, new, known), strict=True):
        if not isinstance(part, Mapping):
            found.append(part)
        elif i is None:
            made = {} if "key" in part else {"id": token_hex(_ID_BYTES[name])}
            found.append({**made, **_part(name, {}, part, {}, ())})
        else:
            here = (*place, i)
            found.append({**_part(name, old[i], part, ids, here), "id": ids[here]})
    return found


def _part(name: str, old: Document, new: Document, ids: Ids, place: Path) -> dict[str, Any]:
    """Return a part as a file says it: without what is so anyway, with what nobody else knows."""
    kept = {key: old[key] for key in _KEPT.get(name, ()) if key in old and key not in new}
    said = {
        key: _value(key, old.get(key), value, ids, (*place, key))
        for key, value in new.items()
        if value is not None and (key in old or value != _DEFAULTS.get(key))
    }
    return {**kept, **said}
