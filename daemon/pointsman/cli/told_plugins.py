"""Everything that can be added by a plugin, told alike: actions, steps, sinks and more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from pointsman.cli.options import chosen_plugins
from pointsman.config.dropins import load_dropins
from pointsman.fields.types import field_types
from pointsman.plugin import ActionType, StepType, actions, load_plugins, sinks, steps
from pointsman.rules.operators import operators

__all__ = ["Told", "known_plugins", "told_plugins"]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing: its kind, name, manual page and origin, and what else there is to say."""

    kind: str
    name: str
    manual: str
    origin: str
    more: dict[str, Any] = field(default_factory=dict)
    schema: dict[str, Any] | None = None

    @property
    def summary(self) -> str:
        """First line of the manual page."""
        return self.manual.partition("\n")[0]

    @property
    def is_ours(self) -> bool:
        """Whether it came with Pointsman."""
        return self.origin.startswith("pointsman.")


def known_plugins(given: Path | None = None) -> None:
    """Load all plugins, the dropped in ones too; what is wrong with these is told on stderr."""
    load_plugins()
    for problem in load_dropins(chosen_plugins(given)):
        typer.echo(str(problem), err=True)


def told_plugins() -> Iterator[Told]:
    """Yield actions, step types and sinks by name, then operators and field types."""
    yield from (_action(actions[name]) for name in sorted(actions))
    yield from (_step(steps[name]) for name in sorted(steps))
    for name, sink in sorted(sinks.items()):
        more = {"events": sorted(sink.events), "timeout": sink.timeout.total_seconds()}
        yield Told("sink", name, sink.manual, sink.origin, more)
    for name, operator in sorted(operators.items()):
        more = {"takes": operator.takes, "of_change": operator.of_change}
        yield Told("operator", name, operator.manual, operator.origin, more)
    for name, known in sorted(field_types.items()):
        more = {"attributes": sorted(known.attributes)}
        yield Told("field type", name, known.manual, known.origin, more)


def _action(action: ActionType) -> Told:
    more = {"quick": action.quick, "timeout": action.timeout.total_seconds()}
    return Told("action", action.name, action.manual, action.origin, more, action.schema())


def _step(step: StepType) -> Told:
    more = {"timeout": step.timeout.total_seconds()}
    return Told("step type", step.name, step.manual, step.origin, more, step.schema())
