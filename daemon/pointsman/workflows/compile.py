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
from pointsman.modules import TRIGGERS
from pointsman.plugin import actions, load_plugins
from pointsman.rules.conditions import compile_filters
from pointsman.rules.interpolate import Template, compile_template, template_problems

__all__ = ["Definition", "Step", "compile_workflow", "read_definition"]

MOST_STEPS = 500

_DIGEST = 32
"""Hexadecimal digits by which definitions are told apart; every run has them with it."""

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
    following: int = 0
    branches: Mapping[str, int] = field(default_factory=dict)


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
            "actions": [_written(step) for step in steps],
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
        digest=sha256(definition).hexdigest()[:_DIGEST],
        active=bool(document.get("is_active", True)),
        reenter=bool(document.get("reenter", False)),
        concurrency=document.get("concurrency", "allow"),
        content=_content(document),
        document=document,
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
            Step(
                step["id"],
                step["type"],
                compile_template(step["config"]),
                step["on_error"],
                step.get("following", place + 1),
                step.get("branches") or {},
            )
            for place, step in enumerate(told["actions"])
        ),
    )


def _content(document: Fields) -> str:
    """Return a digest of what a file says: not of how, nor whether the workflow is on."""
    told = {
        name: value
        for name, value in document.items()
        if name != "is_active" and not name.startswith("x-")
    }
    return sha256(orjson.dumps(told, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _written(action: Action) -> dict[str, Any]:
    """Return what a run needs of an action."""
    told = {name: getattr(action, name) for name in ("id", "type", "config", "on_error")}
    return {**told, "following": action.following, "branches": action.branches}


def _actions(workflow_id: str, documents: Sequence[Fields], report: Report) -> list[Action]:
    """Return the actions of a file in a row, each checked against its type's options."""
    steps = _Steps(workflow_id, report)
    steps.add(documents, ("actions",), _size(documents))
    if len(steps.found) > MOST_STEPS:
        report(("actions",), f"{len(steps.found)} steps are too many; {MOST_STEPS} at most")
    _report_twins(steps.found, report)
    return steps.found


class _Steps:
    """The steps of a workflow, laid out in the order of the file: an action, then those in it."""

    def __init__(self, workflow_id: str, report: Report) -> None:
        self.found: list[Action] = []
        self._workflow_id = workflow_id
        self._report = report
        self._equal: Counter[str] = Counter()

    def add(self, documents: Sequence[Fields], path: Path, after: int) -> None:
        """Lay out a list of actions, which goes on at step ``after``."""
        for place, document in enumerate(documents):
            end = len(self.found) + _size([document])
            self._add(document, (*path, place), after if place + 1 == len(documents) else end)

    def _add(self, document: Fields, path: Path, after: int) -> None:
        kind, config = str(document["action_type"]), dict(document.get("config") or {})
        inner = {name: config.pop(name, None) or () for name in _nested(kind)}
        for inside, problem in _problems(kind, config, len(self.found) + 1):
            self._report((*path, *inside), problem)
        if inner and not any(inner.values()):
            self._report((*path, "config"), f"'{kind}' needs actions in {' or '.join(inner)}")
        begin, branches = len(self.found) + 1, dict[str, int]()
        for name, actions_inside in inner.items():
            branches[name] = begin if actions_inside else after
            begin += _size(actions_inside)
        self.found.append(
            Action(
                id=_action_id(self._workflow_id, document, self._equal),
                type=kind,
                config=config,
                on_error=document.get("on_error", "fail"),
                following=after,
                branches=branches,
                place=path,
            )
        )
        for name, actions_inside in inner.items():
            self.add(actions_inside, (*path, "config", name), after)


def _nested(kind: str) -> Sequence[str]:
    return actions[kind].nested if kind in actions else ()


def _size(documents: Sequence[Fields]) -> int:
    """Return how many steps a list of actions is, with those inside of them."""
    return sum(
        1
        + sum(
            _size((document.get("config") or {}).get(name) or ())
            for name in _nested(str(document["action_type"]))
        )
        for document in documents
    )


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
    for action in found:
        if counts[action.id] > 1:
            report(action.place, f"two actions have the id {action.id}; give each its own")
