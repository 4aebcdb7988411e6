"""``pointsman publish``, ``generations`` and ``rollback``: what machines serve, and who made it so.

All work beside a running daemon, which notices and swaps; an answer means that it has.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pointsman.app.loading import author, publisher, serving
from pointsman.cli.connected import connected, known_id
from pointsman.cli.options import (
    ConfigDir,
    ConfigDirOption,
    DataDir,
    Format,
    RedisUrl,
    read_settings,
)
from pointsman.cli.told_plugins import known_plugins
from pointsman.config.arrival import arrived
from pointsman.config.rollback import roll_back
from pointsman.errors import PointsmanError
from pointsman.plugin import load_plugins
from pointsman.store.generations import Generation, GenerationStore

__all__ = ["generations", "publish", "rollback"]

Handle = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="Directory name of the organization.")
]
Number = Annotated[int, typer.Argument(min=1, metavar="GENERATION", help="Its number.")]
Output = Annotated[Format, typer.Option("--format", help="How to print.")]

generations = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="List, show and compare what was published.",
)


def publish(
    config_dir: ConfigDir = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish over what somebody else published.")
    ] = False,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Publish the configuration directory; prints each organization's generation."""
    load_plugins()
    settings = read_settings(config_dir=config_dir, data_dir=data_dir, redis_url=redis_url)

    async def call(store: GenerationStore) -> Mapping[str, int]:
        return await publisher(settings, store, serving(settings, store)).load(force=force)

    for handle, number in sorted(connected(settings, call).items()):
        typer.echo(f"{handle}: generation {number}")


def rollback(
    organization: Handle,
    number: Number,
    config_dir: ConfigDirOption = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Publish the files of an earlier generation again, as a new one."""
    settings = read_settings(config_dir=config_dir, data_dir=data_dir, redis_url=redis_url)
    known_plugins(settings.plugins_dir)
    root = settings.config_dir if settings.config_dir.is_dir() else None

    async def call(store: GenerationStore) -> Generation:
        identifier = await known_id(store, organization)
        by = author()
        made = await roll_back(store, organization, identifier, number, root=root, author=by)
        await arrived(store, {identifier: made.number})
        return made

    made = connected(settings, call)
    typer.echo(f"{organization}: generation {made.number} has the files of {number}")


@generations.command("list")
def show_all(
    organization: Handle,
    output: Output = Format.TEXT,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """List the kept generations, newest first."""

    async def call(store: GenerationStore) -> list[Generation]:
        return await store.list(await known_id(store, organization))

    found = connected(read_settings(data_dir=data_dir, redis_url=redis_url), call)
    if output is Format.JSON:
        typer.echo(json.dumps(list(map(_told, found)), indent=2))
        return
    for each in found:
        told = _told(each)
        typer.echo(f"{each.number:>6}  {told['at']}  {each.hash[:12]}  {each.author}")


@generations.command()
def show(
    organization: Handle,
    number: Number,
    file: Annotated[str | None, typer.Argument(help="Print this file of it.")] = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """List the files of a generation, or print one of them."""
    files = _files(organization, number, data_dir=data_dir, redis_url=redis_url)[number]
    if file is None:
        for path in sorted(files):
            typer.echo(f"{len(files[path]):>8}  {path}")
    elif file in files:
        typer.echo(files[file], nl=False)
    else:
        raise PointsmanError(f"generation {number} of '{organization}' has no file '{file}'")


@generations.command()
def diff(
    organization: Handle,
    old: Number,
    new: Number,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Compare the files of two generations."""
    found = _files(organization, old, new, data_dir=data_dir, redis_url=redis_url)
    for path in sorted(found[old].keys() | found[new].keys()):
        for line in _difference(path, found[old], found[new]):
            typer.echo(line)


def _files(organization: str, *numbers: int, **given: Any) -> dict[int, dict[str, str]]:
    """Return the files of generations, by number; below ``live/`` the flows that were deployed."""

    async def call(store: GenerationStore) -> dict[int, dict[str, str]]:
        identifier = await known_id(store, organization)
        found = {}
        for number in numbers:
            content = await store.content(identifier, number)
            if content is None:
                raise PointsmanError(
                    f"generation {number} of '{organization}' is not kept; see "
                    f"pointsman generations list {organization}"
                )
            live = (content.deployed or {}).values()
            files = {**content.files, **{f"live/{one.file}": one.text for one in live}}
            found[number] = {path: raw.decode() for path, raw in files.items()}
        return found

    return connected(read_settings(**given), call)


def _difference(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    return difflib.unified_diff(
        old.get(path, "").splitlines(),
        new.get(path, "").splitlines(),
        f"old/{path}" if path in old else "/dev/null",
        f"new/{path}" if path in new else "/dev/null",
        lineterm="",
    )


def _told(generation: Generation) -> dict[str, Any]:
    at = datetime.fromtimestamp(generation.at / 1000, UTC)
    return {
        "number": generation.number,
        "at": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "hash": generation.hash,
        "parent": generation.parent,
        "author": generation.author,
    }
