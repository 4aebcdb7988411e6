"""``pointsman schema``: the JSON Schema of a kind of file, with everything that is installed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pointsman.cli.options import PluginsDir
from pointsman.cli.told_plugins import known_plugins
from pointsman.config.schema import KINDS, composed
from pointsman.registry import nearest

__all__ = ["schema"]


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(KINDS)}; none: all of them, by kind."),
    ] = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Print the JSON Schema of a kind of file.

    It knows the actions, operators and field types that are installed, also those of your own
    plugins; give it to your editor.
    """
    known_plugins(plugins_dir)
    if kind is not None and kind not in KINDS:
        known = f"{nearest(kind, list(KINDS))} (known: {', '.join(KINDS)})"
        raise typer.BadParameter(f"no kind '{kind}'{known}", param_hint="KIND")
    wanted = composed(kind) if kind else {name: composed(name) for name in KINDS}
    typer.echo(json.dumps(wanted, indent=2, ensure_ascii=False))
