"""``pointsman explain --event``: which workflows an event of a record would start, and why not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer

from pointsman.cli.options import Format
from pointsman.errors import Refused
from pointsman.fields.records import kept_names, read_record
from pointsman.model import Organization, Snapshot, Workflow
from pointsman.modules import MODULES, module_of_trigger
from pointsman.registry import nearest

__all__ = ["explain_event"]

Fields = Mapping[str, Any]


def explain_event(
    organization: Organization, event: str, current: Fields, previous: Fields | None, output: Format
) -> None:
    """Print every workflow that waits for the event, and whether it would start."""
    module = module_of_trigger(event)
    if module is None:
        known = sorted(name for one in MODULES.values() for name in one.events)
        raise typer.BadParameter(
            f"unknown event '{event}'{nearest(event, known)} (known: {', '.join(known)})",
            param_hint="--event",
        )
    try:
        before = None if previous is None else _read(organization, module, previous)
        snapshot = Snapshot(_read(organization, module, current), before)
    except Refused as error:
        typer.echo(f"refused: {error}")
        raise typer.Exit(1) from error
    verdicts = [
        (workflow, _verdict(workflow, snapshot))
        for workflow in organization.workflows.values()
        if workflow.trigger_type == event
    ]
    if output is Format.JSON:
        typer.echo(json.dumps(_told(organization, module, event, verdicts), indent=2))
        return
    typer.echo(f"{event} of {organization.handle}'s {module}")
    for workflow, reason in verdicts:
        mark = "  " if reason else "->"
        typer.echo(f"{mark} {workflow.name} ({workflow.file}){f': {reason}' if reason else ''}")
    if not verdicts:
        typer.echo("No workflow waits for it")


def _read(organization: Organization, module: str, body: Fields) -> dict[str, Any]:
    """Return a record as rules see it, what Pointsman keeps of it as it is written."""
    kept = kept_names(module)
    told = {kept[name]: value for name, value in body.items() if name in kept}
    rest = {name: value for name, value in body.items() if name not in kept}
    return {**read_record(organization, module, rest, new=False), **told}


def _verdict(workflow: Workflow, snapshot: Snapshot) -> str:
    """Return why a workflow would not start, "" if it would."""
    if not workflow.active:
        return "it is switched off"
    return "" if workflow.matches(snapshot) else "its filters do not hold"


def _told(
    organization: Organization, module: str, event: str, verdicts: list[tuple[Workflow, str]]
) -> Fields:
    return {
        "organization": organization.handle,
        "module": module,
        "event": event,
        "workflows": [
            {
                "name": workflow.name,
                "file": workflow.file,
                "starts": not reason,
                "reason": reason or None,
            }
            for workflow, reason in verdicts
        ],
    }
