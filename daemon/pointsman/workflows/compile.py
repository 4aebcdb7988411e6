"""From a workflow's file to a :class:`Workflow`, and from a stored definition to its steps.

The definition is the canonical JSON of everything a run needs, so equal files have equal digests
however they are written, and a run goes on with the text it began with whatever the file says now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from pointsman.ids import derived
from pointsman.model import Action, Workflow
from pointsman.plugin import actions, load_plugins
from pointsman.rules.conditions import compile_filters
from pointsman.rules.interpolate import Template, compile_template, template_problems

__all__ = ["TRIGGERS", "Definition", "Step", "compile_workflow", "read_definition"]

TRIGGERS: Mapping[str, frozenset[str]] = {
    "leads": frozenset({"lead_created", "lead_assigned", "lead_updated"}),
}
"""The events of each module that a workflow can wait for."""

Fields = Mapping[str, Any]
Path = tuple[str | int, ...]
Report = Callable[[Path, str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """An action of a definition, ready to be filled in."""

    id: str
    type: str
    config: Template = field(default_factory=lambda: compile_template({}))
    on_error: str = "fail"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a run needs of its workflow."""

    id: str
    name: str
    steps: Sequence[Step]


def compile_workflow(
    *, file: str, document: Fields, workflow_id: str, organization_id: str, report: Report
) -> Workflow:
    """Compile one workflow; report every problem and go on."""
    load_plugins()
    module, trigger = document.get("trigger_module", "leads"), document["trigger_type"]
    if trigger not in TRIGGERS.get(module, ()):
        known = ", ".join(sorted(TRIGGERS.get(module, ())))
        report(("trigger_type",), f"'{trigger}' is no event of '{module}'; it has {known}")
    filters = document.get("trigger_filters")
    name = str(document.get("name") or file.rpartition("/")[2].partition(".")[0])
    steps = _actions(workflow_id, document.get("actions") or (), report)
    definition = orjson.dumps(
        {
            "v": 1,
            "id": workflow_id,
            "organization": organization_id,
            "name": name,
            "trigger": {"module": module, "type": trigger, "filters": filters},
            "actions": steps,
        },
        default=str,
        option=orjson.OPT_SORT_KEYS,
    )
    return Workflow(
        id=workflow_id,
        name=name,
        file=file,
        module=module,
        trigger_type=trigger,
        matches=compile_filters(filters, report, ("trigger_filters",)),
        actions=steps,
        definition=definition,
        digest=sha256(definition).hexdigest(),
        active=bool(document.get("is_active", True)),
    )


def read_definition(text: bytes) -> Definition:
    """Return the steps of a stored definition."""
    return _read(text)


@lru_cache(maxsize=4096)
def _read(text: bytes) -> Definition:
    told = orjson.loads(text)
    return Definition(
        told["id"],
        told["name"],
        tuple(
            Step(step["id"], step["type"], compile_template(step["config"]), step["on_error"])
            for step in told["actions"]
        ),
    )


def _actions(workflow_id: str, documents: Sequence[Fields], report: Report) -> list[Action]:
    """Return the actions of a file, each checked against its type's options."""
    found: list[Action] = []
    equal: Counter[str] = Counter()
    for place, document in enumerate(documents):
        path: Path = ("actions", place)
        kind, config = str(document["action_type"]), dict(document.get("config") or {})
        for inner, problem in _problems(kind, config, place + 1):
            report((*path, *inner), problem)
        found.append(
            Action(
                _action_id(workflow_id, document, equal),
                kind,
                config,
                document.get("on_error", "fail"),
            )
        )
    _report_twins(found, report)
    return found


def _problems(kind: str, config: Fields, step: int) -> list[tuple[Path, str]]:
    if kind not in actions:
        return [(("action_type",), actions.explain_missing(kind))]
    wrong = [*actions[kind].problems(config), *template_problems(config, step)]
    return [(("config", *inner), problem) for inner, problem in wrong]


def _action_id(workflow_id: str, document: Fields, equal: Counter[str]) -> str:
    """Return the id as written; else one of the key; else of the content and its ordinal."""
    if "id" in document:
        return str(document["id"])
    if "key" in document:
        return derived(workflow_id, "action", str(document["key"]))
    content = orjson.dumps(document, default=str, option=orjson.OPT_SORT_KEYS).decode()
    equal[content] += 1
    return derived(workflow_id, "action", content, str(equal[content]))


def _report_twins(found: Sequence[Action], report: Report) -> None:
    counts = Counter(action.id for action in found)
    for place, action in enumerate(found):
        if counts[action.id] > 1:
            report(("actions", place), f"two actions have the id {action.id}; give each its own")
