"""What the API's changes of workflows do to the files of workflows.

An action is told from the others by its id, which the file need not write: it is written down when
the action is changed, so that it stays that action. What is not changed keeps its spelling and its
comments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from pointsman.config.edit import Arrange, Edit, Kept, New, Remove, Set
from pointsman.config.editing import Edited, Editor, Subject, free_path, rewritten
from pointsman.config.marks import parse
from pointsman.config.refit import Ids, Path, refit
from pointsman.config.writing import Manner
from pointsman.errors import Refused
from pointsman.model import Workflow
from pointsman.plugin import actions

__all__ = ["EDITORS"]

_FOLDER = "workflows"
_DEFAULTS = {"is_active": True, "reenter": False, "concurrency": "allow"}
_PLAIN = ("name", "description", "trigger_module", "trigger_type", *_DEFAULTS)
_ORDER = (
    *("name", "description", "is_active", "trigger_module", "trigger_type", "trigger_filters"),
    *("reenter", "concurrency"),
)
_OF_ACTION = ("key", "action_type", "on_error")

Document = Mapping[str, Any]


def create(subject: Subject, content: Document) -> Edited:
    """Make a workflow's file; ``content`` is its document."""
    identifier = str(uuid4())
    document: dict[str, Any] = {"id": identifier}
    for name in _ORDER:
        value = content.get(name)
        if value is not None and value != _DEFAULTS.get(name):
            document[name] = value
    document["actions"] = [_new(action) for action in content["actions"]]
    text = "\n".join(Manner().block(document, 0)) + "\n"
    path = free_path(_FOLDER, content["name"], subject.taken)
    return Edited(identifier, {path: text.encode()})


def update(subject: Subject, content: Document) -> Edited:
    """Change what ``content`` names of the workflow with its ``id``."""
    workflow = _workflow(subject, content)
    data = parse(subject.files[workflow.file].decode(), workflow.file)
    edits: list[Edit] = []
    for name in _PLAIN:
        if name in content:
            edits += _setting(data, name, content[name])
    if "trigger_filters" in content:
        edits += _filters(data, content["trigger_filters"])
    if "actions" in content:
        ids = {action.place: action.id for action in workflow.actions}
        edits += _arranged(("actions",), ("actions",), data["actions"], content["actions"], ids)
    return _edited(subject, workflow, edits)


def toggle(subject: Subject, content: Document) -> Edited:
    """Switch a workflow on or off, to the other side if ``is_active`` does not tell which."""
    workflow = _workflow(subject, content)
    data = parse(subject.files[workflow.file].decode(), workflow.file)
    active = content.get("is_active", not workflow.active)
    return _edited(subject, workflow, _setting(data, "is_active", active))


def delete(subject: Subject, content: Document) -> Edited:
    """Remove a workflow's file; what it did stays on record."""
    workflow = _workflow(subject, content)
    return Edited(workflow.id, {workflow.file: None})


EDITORS: Mapping[str, Editor] = {
    "workflow.create": create,
    "workflow.update": update,
    "workflow.toggle": toggle,
    "workflow.delete": delete,
}
"""Editors by the kind of change."""


def _workflow(subject: Subject, content: Document) -> Workflow:
    workflow = subject.organization.workflows.get(content["id"])
    if workflow is None:
        raise Refused("no such workflow", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")
    return workflow


def _edited(subject: Subject, workflow: Workflow, edits: Sequence[Edit]) -> Edited:
    raw = subject.files[workflow.file]
    after = rewritten(workflow.file, raw, edits)
    return Edited(workflow.id, {} if after == raw else {workflow.file: after})


def _setting(data: Document, name: str, value: Any) -> list[Edit]:
    """Return the edit of one key, none if it says so already; ``None`` clears it."""
    if value is None:
        return [Remove((name,))] if name in data else []
    return [] if data.get(name, _DEFAULTS.get(name)) == value else [Set((name,), value)]


def _filters(data: Document, filters: Document | None) -> list[Edit]:
    name = "trigger_filters"
    if filters is None or data.get(name) is None:
        return _setting(data, name, filters)
    return refit((name,), data[name], filters)


def _arranged(
    path: Path, place: Path, old: Sequence[Document], new: Sequence[Document], ids: Ids
) -> list[Edit]:
    """Return the edits that make the actions at ``path`` these; they were at ``place``."""
    known = [ids[(*place, i)] for i in range(len(old))]
    kept = _matched(old, new, known)
    items = [
        New(_new(action)) if i is None else Kept(i) for action, i in zip(new, kept, strict=True)
    ]
    edits: list[Edit] = []
    if kept != list(range(len(old))):
        edits.append(Arrange(path, items))
    for position, i in enumerate(kept):
        if i is not None:
            edits += _changed((*path, position), (*place, i), old[i], new[position], ids)
    return edits


def _matched(
    old: Sequence[Document], new: Sequence[Document], known: Sequence[str]
) -> list[int | None]:
    """Return which of the old actions each new one is: that of its id, else one that is equal."""
    places: list[int | None] = [
        known.index(action["id"]) if action.get("id") in known else None for action in new
    ]
    left = [i for i in range(len(old)) if i not in places]
    for position, action in enumerate(new):
        if "id" not in action:
            place = next((i for i in left if _content(old[i]) == _content(action)), None)
            if place is not None:
                left.remove(place)
                places[position] = place
    return places


def _changed(path: Path, place: Path, old: Document, new: Document, ids: Ids) -> list[Edit]:
    """Return the edits of one action; what the new one leaves out stays."""
    edits: list[Edit] = [
        Set((*path, name), new[name])
        for name in _OF_ACTION
        if name in new and new[name] != old.get(name, "fail" if name == "on_error" else None)
    ]
    before, after = old.get("config"), new.get("config")
    if after is not None and before is None and after:
        edits.append(Set((*path, "config"), _configured(new["action_type"], after)))
    elif after is not None and before is not None:
        edits += _reconfigured((*path, "config"), (*place, "config"), before, new, ids)
    if edits and "id" not in old and "key" not in old:
        edits.append(Set((*path, "id"), ids[place]))
    return edits


def _reconfigured(path: Path, place: Path, old: Document, new: Document, ids: Ids) -> list[Edit]:
    """Return the edits of an action's options, of the actions inside them too."""
    config, inner = dict(new["config"]), _nested(new["action_type"])
    both = [name for name in inner if config.get(name) and old.get(name)]
    edits: list[Edit] = []
    for name in both:
        edits += _arranged((*path, name), (*place, name), old[name], config[name], ids)
    for name, value in config.items():
        if name not in old:
            written = _configured(new["action_type"], {name: value})[name]
            edits.append(Set((*path, name), written))
        elif name not in both:
            edits += refit((*path, name), old[name], value)
    return [*edits, *(Remove((*path, name)) for name in old if name not in config)]


def _new(action: Document) -> dict[str, Any]:
    """Return an action as a file has it, with an id of its own."""
    document = {"id": action.get("id") or str(uuid4())}
    document |= {name: action[name] for name in ("key", "action_type") if name in action}
    if action.get("config"):
        document["config"] = _configured(action["action_type"], action["config"])
    if action.get("on_error", "fail") != "fail":
        document["on_error"] = action["on_error"]
    return document


def _configured(kind: str, config: Document) -> dict[str, Any]:
    """Return options with ids for the actions inside them."""
    inner = _nested(kind)
    return {
        name: [_new(action) for action in value] if name in inner else value
        for name, value in config.items()
    }


def _nested(kind: str) -> Sequence[str]:
    return actions[kind].nested if kind in actions else ()


def _content(action: Document) -> dict[str, Any]:
    """Return what an action says, without its id and what would be so anyway."""
    said = {"config": {}, "on_error": "fail", **action}
    return {name: value for name, value in said.items() if name != "id"}
