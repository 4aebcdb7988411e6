"""``pointsman pool``: whose turn it is, and saying whose it shall be, beside a running daemon."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pointsman.app.loading import author
from pointsman.cli.desk import Desk, Handle, Output, PoolName, at_desk, stem
from pointsman.cli.options import DataDir, Format, RedisUrl, Tabular
from pointsman.cli.pool_fairness import fairness
from pointsman.cli.pool_moving import export, import_
from pointsman.cli.pool_view import View, as_json, as_text, look
from pointsman.cli.tables import print_json, print_rows
from pointsman.errors import PointsmanError
from pointsman.model import Pool
from pointsman.pools.explain import explain_turn
from pointsman.store.pools import PoolState
from pointsman.store.stored import rfc3339

__all__ = ["pool"]

pool = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    help="See and set whose turn it is; move a pool's state; prove that turns were fair.",
)
pool.command("fairness")(fairness)
pool.command("export")(export)
pool.command("import")(import_)

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="Handle or id of the member, or participant id.")
]


@pool.command("list")
def show_all(
    organization: Handle,
    output: Output = Tabular.TEXT,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """List the pools, with who is next in each."""

    async def call(desk: Desk) -> list[dict[str, Any]]:
        states = await desk.pools.states(desk.organization_id, desk.all)
        return [_row(pool, state) for pool, state in zip(desk.all, states, strict=True)]

    print_rows(at_desk(organization, call, data_dir=data_dir, redis_url=redis_url), output)


@pool.command()
def show(
    organization: Handle,
    name: PoolName,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Show who is next and why others are not, weights, caps, turns left, and who waits."""

    async def call(desk: Desk) -> View:
        return await look(desk, desk.pool(name))

    view = at_desk(organization, call, data_dir=data_dir, redis_url=redis_url)
    if output is Format.JSON:
        print_json(as_json(view))
    else:
        typer.echo("\n".join(as_text(view)))


@pool.command("set-next")
def set_next(
    organization: Handle,
    name: PoolName,
    person: Person,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Make somebody the next; turns that others have left end.

    It stands in what `pool export` and `pool fairness` read, with who did it.
    """

    async def call(desk: Desk) -> list[str]:
        found = desk.pool(name)
        chosen = desk.participant(found, person)
        if not await desk.pools.point(desk.organization_id, found.id, chosen.id, author()):
            raise _changed(found)
        return explain_turn(await desk.pools.state(desk.organization_id, found))

    _tell(at_desk(organization, call, data_dir=data_dir, redis_url=redis_url))


@pool.command()
def reset(
    organization: Handle,
    name: PoolName,
    data_dir: DataDir = None,
    redis_url: RedisUrl = None,
) -> None:
    """Begin the order anew: the first is next, and nobody has a turn left or owes one.

    History, counters and the use of caps stay.
    """

    async def call(desk: Desk) -> list[str]:
        found = desk.pool(name)
        if not await desk.pools.point_to_first(desk.organization_id, found.id, author()):
            raise _changed(found)
        return explain_turn(await desk.pools.state(desk.organization_id, found))

    _tell(at_desk(organization, call, data_dir=data_dir, redis_url=redis_url))


def _tell(lines: list[str]) -> None:
    typer.echo("\n".join(lines))


def _changed(pool: Pool) -> PointsmanError:
    return PointsmanError(
        f"the pool {stem(pool)} was changed meanwhile; look at it with pool show, and try again"
    )


def _row(pool: Pool, state: PoolState) -> dict[str, Any]:
    return {
        "pool": stem(pool),
        "name": pool.name,
        "active": pool.active,
        "people": len(pool.participants),
        "next": state.next.member.handle if state.next else None,
        "turn": state.turn,
        "assigned": state.total,
        "last": rfc3339(state.last) if state.last else None,
        "parked": state.parked,
        "id": pool.id,
    }
