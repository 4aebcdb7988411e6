"""``pointsman plugins``: which actions there are, and what each can be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from pointsman.cli.options import Format
from pointsman.cli.rows import rows
from pointsman.plugin import ActionType, actions, load_plugins

__all__ = ["plugins"]

plugins = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="List the actions and describe their options.",
)

Output = Annotated[Format, typer.Option("--format", help="How to print.")]


def _completed(incomplete: str) -> list[str]:
    load_plugins()
    return [name for name in sorted(actions) if name.startswith(incomplete)]


@plugins.command("list")
def show(output: Output = Format.TEXT) -> None:
    """List the actions: name, what each does, and the module it comes from."""
    load_plugins()
    found = [actions[name] for name in sorted(actions)]
    if output is Format.JSON:
        told = [{"name": a.name, "summary": a.summary, "origin": a.origin} for a in found]
        typer.echo(json.dumps(told, indent=2))
        return
    width = max((len(action.name) for action in found), default=0)
    for action in found:
        typer.echo(f"{action.name:{width}}  {action.summary}  [{action.origin}]")


@plugins.command()
def describe(
    name: Annotated[str, typer.Argument(autocompletion=_completed, help="Name of the action.")],
    output: Output = Format.TEXT,
) -> None:
    """Print an action's manual page and its options."""
    load_plugins()
    if name not in actions:
        raise typer.BadParameter(actions.explain_missing(name), param_hint="NAME")
    if output is Format.JSON:
        typer.echo(json.dumps(_told(actions[name]), indent=2))
        return
    typer.echo("\n".join(_page(actions[name])))


def _told(action: ActionType) -> dict[str, Any]:
    return {
        "name": action.name,
        "summary": action.summary,
        "manual": action.manual,
        "origin": action.origin,
        "quick": action.quick,
        "timeout": action.timeout.total_seconds(),
        "options": action.schema(),
    }


def _page(action: ActionType) -> Iterator[str]:
    yield f"{action.name}  [{action.origin}]"
    yield ""
    yield action.manual
    yield ""
    options = list(rows(action.schema()))
    yield "Options:" if options else "No options."
    for option in options:
        yield f"  {option.path}: {option.kind} ({option.left_out})"
        if option.about:
            yield f"      {option.about}"
