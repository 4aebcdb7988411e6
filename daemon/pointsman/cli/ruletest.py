"""``pointsman test``: run the rule tests of every organization, on a server of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from pointsman.cli.options import ConfigDir, Findings, chosen_dir, chosen_plugins
from pointsman.config.dropins import load_dropins
from pointsman.config.load import compile_organization
from pointsman.config.ruletest import Outcome, run_tests, written
from pointsman.config.tree import read_tree
from pointsman.errors import ConfigError, Problem
from pointsman.model import Organization
from pointsman.store.throwaway import throwaway_store

__all__ = ["rule_tests"]

_Loaded = list[tuple[Organization, dict[str, bytes]]]


def rule_tests(
    config_dir: ConfigDir = None,
    output: Annotated[Findings, typer.Option("--format", help="How to print.")] = Findings.TEXT,
) -> None:
    """Run the rule tests in tests/*.yaml of every organization.

    Each test takes one lead in, on a server of its own that holds nothing else: pool, person,
    reason, events and workflows must be as the test expects. Exits 1 if any is not.
    """
    root = chosen_dir(config_dir)
    outcomes = asyncio.run(_run(root, _load(root)))
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    typer.echo(_PRINT[output](outcomes), nl=False)
    typer.echo(f"{len(outcomes) - failed} passed, {failed} failed", err=True)
    raise typer.Exit(1 if failed else 0)


def _load(root: Path) -> _Loaded:
    """Compile every organization; raises ``ConfigError`` if any file has an error."""
    tree = read_tree(root)
    problems: list[Problem] = [*load_dropins(chosen_plugins()), *tree.problems]
    loaded: _Loaded = []
    for handle, files in tree.organizations.items():
        organization, found = compile_organization(handle, files, root=root)
        problems += found
        if organization is not None:
            loaded.append((organization, dict(files)))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ConfigError(errors)
    return loaded


async def _run(root: Path, loaded: _Loaded) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not any(True for _, files in loaded for _ in written(files)):
        return outcomes
    async with throwaway_store() as store:
        for organization, files in loaded:
            for outcome in await run_tests(organization, files, store):
                path = root / organization.handle / outcome.file
                outcomes.append(replace(outcome, file=str(path)))
    return outcomes


def _text(outcomes: Sequence[Outcome]) -> str:
    lines: list[str] = []
    for outcome in outcomes:
        verdict = "FAIL" if outcome.differences else "pass"
        lines.append(f"{verdict}  {outcome.file}:{outcome.line}: {outcome.name}\n")
        lines += [f"      {difference}\n" for difference in outcome.differences]
    return "".join(lines)


def _json(outcomes: Sequence[Outcome]) -> str:
    told = [{**asdict(outcome), "passed": not outcome.differences} for outcome in outcomes]
    return json.dumps(told, indent=2) + "\n"


def _github(outcomes: Sequence[Outcome]) -> str:
    return "".join(
        f"::error file={outcome.file},line={outcome.line},col={outcome.column}::"
        + _escaped(f"{outcome.name}: {'; '.join(map(str, outcome.differences))}")
        + "\n"
        for outcome in outcomes
        if outcome.differences
    )


def _escaped(message: str) -> str:
    """Return a message as a workflow command takes it: on one line."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


_PRINT = {Findings.TEXT: _text, Findings.JSON: _json, Findings.GITHUB: _github}
