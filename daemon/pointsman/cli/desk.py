"""Pools as commands reach them: what is published, by the names that people use, and its Redis.

The files come from the published generation, not from a directory: what a command looks at is what
daemons serve, and neither a tree nor its secrets need be at hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from pointsman.app.server import Server
from pointsman.cli.connected import known_id, served
from pointsman.cli.options import Tabular, read_settings
from pointsman.config.load import compile_pools
from pointsman.errors import PointsmanError
from pointsman.model import Member, Participant, Pool
from pointsman.registry import nearest
from pointsman.store.generations import GenerationStore
from pointsman.store.pools import PoolStore
from pointsman.store.redis import RedisStore
from pointsman.store.whole_pools import WholePools

__all__ = ["Desk", "Handle", "Output", "PoolName", "at_desk", "stem"]

T = TypeVar("T")

Handle = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="Directory name of the organization.")
]
PoolName = Annotated[
    str, typer.Argument(metavar="POOL", help="Name of its file, its name, or its id.")
]
Output = Annotated[Tabular, typer.Option("--format", help="How to print.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """One organization's pools, as they are published, and where their state is."""

    store: RedisStore
    organization_id: str
    time_zone: str
    members: Mapping[str, Member]
    all: Sequence[Pool]

    @property
    def pools(self) -> PoolStore:
        """Whose turn it is."""
        return PoolStore(self.store)

    @property
    def whole(self) -> WholePools:
        """All that Redis has."""
        return WholePools(self.store)

    def pool(self, name: str) -> Pool:
        """Return the pool that is called so."""
        for named in (lambda one: one.id, stem, lambda one: one.file, lambda one: one.name):
            found = [pool for pool in self.all if named(pool).casefold() == name.casefold()]
            if len(found) == 1:
                return found[0]
            if found:
                files = ", ".join(pool.file for pool in found)
                raise PointsmanError(f"{len(found)} pools are called '{name}': {files}; say which")
        known = [stem(pool) for pool in self.all]
        raise PointsmanError(
            f"no pool '{name}' is published{nearest(name, known)} "
            f"(published: {', '.join(known) or 'none'})"
        )

    def participant(self, pool: Pool, name: str) -> Participant:
        """Return who of a pool is called so: a member's handle or id, or the participant's id."""
        for one in pool.participants:
            if name in (one.member.handle, one.member.id, one.id):
                return one
        known = [one.member.handle for one in pool.participants]
        raise PointsmanError(
            f"nobody called '{name}' is in the pool {stem(pool)}{nearest(name, known)} "
            f"(in it: {', '.join(known) or 'nobody'})"
        )

    def called(self, member_id: str) -> str:
        """Return a member's handle, or the id of one that there is no more."""
        member = self.members.get(member_id)
        return member.handle if member else member_id


def stem(pool: Pool) -> str:
    """Return what a pool's file is called, without folder and ending."""
    return pool.file.rpartition("/")[2].rpartition(".")[0]


def at_desk(handle: str, call: Callable[[Desk], Awaitable[T]], **given: Any) -> T:
    """Return what ``call`` makes of a published organization."""
    settings = read_settings(**given)

    async def opened(server: Server) -> T:
        generations = GenerationStore(server.store, settings)
        identifier = await known_id(generations, handle)
        current = await generations.current(identifier)
        files = await generations.files(identifier, current.number) if current else None
        if not (current and files):
            raise PointsmanError(f"organization '{handle}' has no published files any more")
        header, pools = compile_pools(handle, files, pool_ids=current.pool_ids)
        return await call(
            Desk(server.store, identifier, header.time_zone, header.members, _sorted(pools))
        )

    return served(settings, opened)


def _sorted(pools: Iterable[Pool]) -> list[Pool]:
    return sorted(pools, key=lambda pool: pool.file)
