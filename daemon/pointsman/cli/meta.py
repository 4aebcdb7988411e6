"""``pointsman meta``: leads of Meta that were given up, and having them read again.

Both work beside a running daemon, which does the reading; nothing is asked of Meta here.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pointsman.app.server import Server
from pointsman.cli.connected import known_id, served
from pointsman.cli.options import DataDir, Format, RedisUrl, read_settings
from pointsman.errors import PointsmanError
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore
from pointsman.store.leadgens import FailedLeadgen, Leadgen, LeadgenStore
from pointsman.store.stored import rfc3339

__all__ = ["meta"]

Handle = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="Directory name of the organization.")
]

meta = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="List Meta's leads that were given up, and have them read again.",
)


@meta.command("failed")
def failed(
    organization: Handle,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """List the leads that were given up, newest first, each with the reason."""
    settings = read_settings(data_dir=data_dir, redis_url=redis_url)
    found, _ = _leadgens(settings, organization, ())
    if output is Format.JSON:
        rows = [{"leadgen_id": one.id, "at": rfc3339(one.at), "error": one.error} for one in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        typer.echo(f"{one.id}  {rfc3339(one.at)}  {one.error}")


@meta.command("retry")
def retry(
    organization: Handle,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[LEADGEN_ID]...", help="Which; none: all.")
    ] = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Have leads that were given up read from Meta again."""
    settings = read_settings(data_dir=data_dir, redis_url=redis_url)
    _, again = _leadgens(settings, organization, ids or None)
    typer.echo(f"{organization}: {len(again)} to be read again")


def _leadgens(
    settings: Settings, organization: str, wanted: list[str] | tuple[()] | None
) -> tuple[list[FailedLeadgen], list[Leadgen]]:
    """Return what was given up, and what of it is now read again: the ``wanted`` (None: all)."""

    async def call(server: Server) -> tuple[list[FailedLeadgen], list[Leadgen]]:
        identifier = await known_id(GenerationStore(server.store, settings), organization)
        leadgens = LeadgenStore(server.store, settings)
        found = await leadgens.failed(identifier)
        known = {one.id: Leadgen(one.id, one.origin, reads=True) for one in found}
        names = list(known) if wanted is None else list(wanted)
        if missing := [name for name in names if name not in known]:
            raise PointsmanError(f"not among those given up: {', '.join(missing)}")
        again = [known[name] for name in names]
        if again:
            await leadgens.accept(identifier, again)
        return found, again

    return served(settings, call)
