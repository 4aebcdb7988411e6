"""``pointsman check``: everything wrong with a configuration, without a daemon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from pointsman.cli.options import ConfigDir, Findings, PluginsDir, chosen_dir, chosen_plugins
from pointsman.config.load import load
from pointsman.errors import Problem

__all__ = ["check"]


def check(
    config_dir: ConfigDir = None,
    plugins_dir: PluginsDir = None,
    output: Annotated[Findings, typer.Option("--format", help="How to print.")] = Findings.TEXT,
) -> None:
    """Check a configuration without starting the daemon.

    Prints FILE:LINE:COLUMN: PLACE: MESSAGE for every problem of every file. Exits 1 if there is an
    error; warnings and hints do not count.
    """
    root = chosen_dir(config_dir)
    organizations, problems = load(root, chosen_plugins(plugins_dir))
    _WRITERS[output](problems)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        typer.echo(f"{errors} problem{'s' * (errors > 1)} in {root}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{root} is fine: {', '.join(sorted(organizations))}", err=True)


def _text(problems: Sequence[Problem]) -> None:
    hints = 0
    for problem in problems:
        if problem.severity == "hint":
            hints += 1
        else:
            mark = "" if problem.severity == "error" else f" ({problem.severity})"
            typer.echo(f"{problem}{mark}")
    if hints:
        typer.echo(f"{hints} hint{'s' * (hints > 1)}; --format json tells", err=True)


def _json(problems: Sequence[Problem]) -> None:
    typer.echo(json.dumps([asdict(problem) for problem in problems], indent=2))


def _github(problems: Sequence[Problem]) -> None:
    levels = {"error": "error", "warning": "warning", "hint": "notice"}
    for problem in problems:
        text = f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message
        place = f"line={problem.line},col={problem.column}"
        level, file = levels[problem.severity], _property(problem.file)
        typer.echo(f"::{level} file={file},{place}::{_data(text)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_WRITERS = {Findings.TEXT: _text, Findings.JSON: _json, Findings.GITHUB: _github}
