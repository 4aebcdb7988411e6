"""Destinations: receivers that a file of their own tells about, and flows only name.

A flow compiles as if it said itself what its destinations say: a recipient step that names one has
its integration, and those that the flow lists are recipients behind its last step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pointsman.flow import Destination
from pointsman.flows.clauses import Clauses, Path, Report
from pointsman.ids import short
from pointsman.registry import nearest

__all__ = ["compile_destination", "named_in", "whole"]

_TAKEN_BY_RIVALS = ("integration", "timeout")
_TAKEN = (*_TAKEN_BY_RIVALS, "retry_enabled")
_RIVALS = ("first_success", "auction")
"""Steps in which nobody is tried again: the next one gets the lead."""

_NO_KEY = re.compile(r"[^a-z0-9]+", re.ASCII)

Document = Mapping[str, Any]
Known = Mapping[str, Destination]


def compile_destination(
    *, file: str, document: Document, destination_id: str, types: Mapping[str, str], report: Report
) -> Destination:
    """Return the destination of a valid document, reporting templates and rules that are wrong."""
    Clauses(types, report).integration(document, ())
    identifier = document.get("id") or short(destination_id)
    return Destination(identifier, document["name"], file, document)


def whole(document: Document, known: Known, report: Report) -> Document:
    """Return a flow's document with everything that its destinations say in its place."""
    steps = _filled(document, known, ("steps",), report)
    for place, name in enumerate(document.get("destinations", ())):
        found = _named(name, known, ("destinations", place), report)
        if found is not None:
            steps.append(_recipient({"type": "recipient", "behind": True}, found))
    rest = {name: value for name, value in document.items() if name != "destinations"}
    return {**rest, "steps": steps}


def named_in(document: Document, known: Known) -> set[str]:
    """Return the ids of the destinations that a flow names."""
    names = [*document.get("destinations", ()), *_names(document.get("steps", ()))]
    return {known[name].id for name in names if name in known}


def _filled(holder: Document, known: Known, path: Path, report: Report) -> list[Document]:
    """Return the steps of a flow, or of a step, with what their destinations say."""
    found: list[Document] = []
    taken = _TAKEN_BY_RIVALS if holder.get("type") in _RIVALS else _TAKEN
    for place, step in enumerate(holder.get("steps", ())):
        here: Path = (*path, place)
        if "steps" in step:
            found.append({**step, "steps": _filled(step, known, (*here, "steps"), report)})
        elif step["type"] != "recipient" or not _asks_another(step, here, report):
            found.append(step)
        else:
            named = _named(step["destination"], known, (*here, "destination"), report)
            found.append(_recipient(step, named or _NOBODY, taken))
    return found


def _asks_another(step: Document, path: Path, report: Report) -> bool:
    """Whether a recipient names a destination; it has that or an integration of its own."""
    if "destination" in step and "integration" in step:
        report((*path, "integration"), "the destination says how it is asked; remove one of them")
    return "destination" in step


def _named(name: str, known: Known, path: Path, report: Report) -> Destination | None:
    found = known.get(name)
    if found is None:
        hint = nearest(name, sorted(known)) or "; expected the name of a file in destinations/"
        report(path, f"no destination '{name}'{hint}")
    return found


def _recipient(
    step: Document, destination: Destination, wanted: Sequence[str] = _TAKEN
) -> Document:
    """Return a recipient step that says itself what its destination says."""
    taken = {name: destination.document[name] for name in wanted if name in destination.document}
    name = step.get("name") or destination.name
    named = {"name": name}
    if "id" not in step and "key" not in step:  # its id shall not hang on what the other file says
        named["key"] = _NO_KEY.sub("_", name.lower()).strip("_") or destination.id
    return {**taken, **named, **{k: v for k, v in step.items() if k != "destination"}}


def _names(steps: Sequence[Document]) -> list[str]:
    found: list[str] = []
    for step in steps:
        found += [step["destination"]] if "destination" in step else []
        found += _names(step.get("steps", ()))
    return found


_NOBODY = Destination("", "nobody", "", {"integration": {"module_id": "json", "mappings": []}})
"""Stands for one that is not there, so that everything else of the flow is looked at too."""
