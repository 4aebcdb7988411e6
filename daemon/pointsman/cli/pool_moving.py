"""``pointsman pool export`` and ``import``: a pool's turns, taken to another Redis."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from pointsman.app.loading import author
from pointsman.cli.desk import Desk, Handle, PoolName, at_desk, stem
from pointsman.cli.options import DataDir, RedisUrl
from pointsman.errors import PointsmanError
from pointsman.pools.compile import published
from pointsman.store.transfers import Transfers, checked_lines

__all__ = ["export", "import_"]

_WHY_NOT = {
    "gone": "the pool is not published any more",
    "stale": "the pool was changed meanwhile; try again",
    "lost": "the history did not arrive whole; try again",
    "exists": "the pool has turns of its own here; --force replaces them",
}
_EFFECTS = {
    "unchanged": "whose turn it was there is next here",
    "kept": "whose turn it was there is next here",
    "moved": "the people are others here: next is who was next there, or the first after who is in "
    "both lists",
    "reset": "the people are others here, and on_change is reset: the first is next",
}


def export(
    organization: Handle,
    name: PoolName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. [default: stdout]")
    ] = None,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Write a pool's state as lines of JSON: pointer, turns left, caps, counters, history.

    Leads are not in it, nor those who wait in line. Turns that are taken afterwards are not either:
    stop intake before, if the state is to move.
    """

    async def call(desk: Desk) -> int:
        pool = desk.pool(name)
        waiting = (await desk.whole.snapshot(desk.organization_id, pool.id)).parked
        with _written(output) as file:
            async for lines in Transfers(desk.store).export(desk.organization_id, pool.id):
                file.write(lines)
        return waiting

    waiting = at_desk(organization, call, data_dir=data_dir, redis_url=redis_url)
    if waiting:
        typer.echo(f"{waiting} leads wait in line; they stay where they are", err=True)


@contextmanager
def _written(output: Path | None) -> Iterator[BinaryIO]:
    """Let a file be written, whole or not at all."""
    if output is None:
        yield sys.stdout.buffer
        return
    partial = output.with_name(f"{output.name}.partial")
    with partial.open("wb") as file:
        yield file
    partial.rename(output)


def import_(
    organization: Handle,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="What export wrote; - is stdin.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace the turns that the pool has here.")
    ] = False,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Give a pool the state that it had in another Redis; all of it, or nothing.

    The pool must be published here, with the same id, in an organization with the same id.
    """

    async def call(desk: Desk) -> str:
        pool_id, lines = checked_lines(file, desk.organization_id)
        pool = next((pool for pool in desk.all if pool.id == pool_id), None)
        if pool is None:
            raise PointsmanError(
                f"no pool with the id {pool_id} is published here; publish its file first, "
                f"with 'id: {pool_id}'"
            )
        status, effect = await Transfers(desk.store).take_in(
            desk.organization_id, published(pool), lines, author(), force=force
        )
        if status != "imported":
            raise PointsmanError(f"{stem(pool)}: {_WHY_NOT[status]}")
        return f"{stem(pool)}: {len(lines) - 1} assignments; {_EFFECTS[effect]}"

    typer.echo(at_desk(organization, call, data_dir=data_dir, redis_url=redis_url))
