"""``pointsman plugins``: what there is, what each can be told, and how to begin one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pointsman.cli.options import Format, PluginsDir
from pointsman.cli.rows import rows
from pointsman.cli.scaffold import Kind, new_plugin
from pointsman.cli.told_plugins import Told, known_plugins, told_plugins
from pointsman.plugin import actions
from pointsman.registry import nearest

__all__ = ["plugins"]

plugins = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="List actions and whatever plugins add, describe them, begin a plugin.",
)

Output = Annotated[Format, typer.Option("--format", help="How to print.")]


def _completed(incomplete: str) -> list[str]:
    known_plugins()
    return [told.name for told in told_plugins() if told.name.startswith(incomplete)]


@plugins.command("list")
def show(plugins_dir: PluginsDir = None, output: Output = Format.TEXT) -> None:
    """List the actions, and the step types, sinks, operators and field types that plugins add.

    Tells name, what each does, and the module or file that it comes from.
    """
    known_plugins(plugins_dir)
    found = [told for told in told_plugins() if told.kind == "action" or not told.is_ours]
    if output is Format.JSON:
        typer.echo(json.dumps([_entry(told) for told in found], indent=2))
        return
    width = max((len(told.name) for told in found), default=0)
    for told in found:
        kind = "" if told.kind == "action" else f"{told.kind}: "
        typer.echo(f"{told.name:{width}}  {kind}{told.summary}  [{told.origin}]")


@plugins.command()
def describe(
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=_completed,
            help="Name of an action, a step type, a sink, an operator or a field type.",
        ),
    ],
    plugins_dir: PluginsDir = None,
    output: Output = Format.TEXT,
) -> None:
    """Print the manual page of an action with its options, or of what else has that name."""
    known_plugins(plugins_dir)
    found = [told for told in told_plugins() if told.name == name]
    if not found:
        known = [told.name for told in told_plugins()]
        told = (
            f"unknown name '{name}'{nearest(name, known)} (actions: {', '.join(sorted(actions))})"
        )
        raise typer.BadParameter(told, param_hint="NAME")
    if output is Format.JSON:
        typer.echo(json.dumps(_whole(found[0]), indent=2))
        return
    typer.echo("\n\n".join("\n".join(_page(told)) for told in found))


@plugins.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of what it adds, such as acme_sms.")],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--in",
            help="Where to make the folder. [default: here]",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    kind: Annotated[Kind, typer.Option("--kind", help="What it adds.")] = Kind.ACTION,
) -> None:
    """Begin a plugin: a folder with an action or a step that works, its test and a README."""
    made = new_plugin(name, folder or Path(), kind)
    for path in made:
        typer.echo(str(path))
    typer.echo(f"Try it: python -m pytest {made[0].parent}", err=True)


def _entry(told: Told) -> dict[str, Any]:
    named = {"name": told.name, "kind": told.kind}
    return {**named, "summary": told.summary, "origin": told.origin}


def _whole(told: Told) -> dict[str, Any]:
    options = {} if told.schema is None else {"options": told.schema}
    return {**_entry(told), "manual": told.manual, **told.more, **options}


def _page(told: Told) -> Iterator[str]:
    kind = "" if told.kind == "action" else f", {told.kind}"
    yield f"{told.name}  [{told.origin}]{kind}"
    yield ""
    yield told.manual
    if told.schema is None:
        return
    yield ""
    options = list(rows(told.schema))
    yield "Options:" if options else "No options."
    for option in options:
        yield f"  {option.path}: {option.kind} ({option.left_out})"
        if option.about:
            yield f"      {option.about}"
