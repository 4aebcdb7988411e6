"""Fields that workflows name and that their records never have.

Modules but leads refuse names that they do not know, so a placeholder that names one there is an
error. A lead keeps what its sender wrote, and one from before ``fields.yaml`` changed may have more
than that names, so of leads there is a warning; and of filters, which hold or do not hold all the
same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pointsman.config.documents import Page
from pointsman.fields.table import FieldTable
from pointsman.model import Workflow
from pointsman.modules import MODULES
from pointsman.plugin import actions
from pointsman.registry import nearest
from pointsman.rules.interpolate import trigger_paths
from pointsman.rules.paths import MISSING, compile_path, snake

__all__ = ["check_record_fields"]

_EVERY = (
    *("id", "owner_id", "tags", "stage", "custom_fields"),
    *("created_by", "created_at", "updated_at"),
)
_OF_LEADS = ("score", "source")
_STEPS = "steps"

Path = tuple[str | int, ...]


def check_record_fields(workflows: Sequence[tuple[Page, Workflow]], fields: FieldTable) -> None:
    """Report the names in placeholders and filters that lead to no field of the module."""
    for page, workflow in workflows:
        module, known = workflow.module, _known(workflow.module, fields)
        told = "warning" if module == "leads" else "error"
        for path, name, severity in _named(page, workflow, told):
            root = name.partition(".")[0]
            if all(compile_path(one)(known) is MISSING for one in (name, root)):
                hint = nearest(snake(root), list(known))
                own = f"one of your own is custom_fields.{name}"
                page.report(path, f"{module} have no field '{root}'{hint}; {own}", severity)


def _known(module: str, fields: FieldTable) -> Mapping[str, bool]:
    """Return the fields that records of a module can have, as a record that has them all."""
    kind = MODULES[module]
    own = (*fields.types, *_OF_LEADS) if module == "leads" else kind.fields
    return dict.fromkeys((*own, *kind.links, *kind.kept, *_EVERY), True)


def _named(page: Page, workflow: Workflow, told: str) -> Iterator[tuple[Path, str, str]]:
    """Yield the fields that a workflow names, where, and how severe it is if they are not there."""
    for path, name in _conditions(page.data.get("trigger_filters") or {}, ("trigger_filters",)):
        yield path, name, "warning"
    for action in workflow.actions:
        place = (*action.place, "config")
        for path, name in trigger_paths(action.config):
            yield (*place, *path), name, told
        for path, name in _asked(action.type, action.config):
            if name.partition(".")[0] != _STEPS:
                yield (*place, *path), name, "warning"


def _conditions(group: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the fields that conditions name, those inside of groups too."""
    for place, one in enumerate(group.get("conditions") or ()):
        at = (*path, "conditions", place)
        if "field" in one:
            yield (*at, "field"), str(one["field"])
        else:
            yield from _conditions(one, at)


def _asked(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the fields that an action's own conditions name."""
    for name in actions[kind].filtered if kind in actions else ():
        yield from _conditions(config.get(name) or {}, (name,))
