"""One pool in Redis under laws: published again and again, served, and looked at.

Hypothesis drives no event loop, so the store's scripts are called on a blocking client here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from orjson import dumps, loads
from redis import Redis

from pointsman.flows.decide import choose_for_line
from pointsman.model import Pool
from pointsman.pools.compile import published
from pointsman.pools.evidence import Proof, state_of
from pointsman.pools.proof import Replay
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.history import assignment_of
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore, Taken
from pointsman.store.owners import Asked, Outcome, OwnerStore
from pointsman.store.parking import Drained, ParkingStore
from pointsman.store.pools import PoolStore
from pointsman.store.scripts import _text, script
from pointsman.store.whole_pools import WholePools
from pooling import (
    ORGANIZATION,
    choice,
    leads_of,
    make_organization,
    make_pool,
    member,
    new_lead,
)

__all__ = ["HANDLES", "HANDLE_OF", "KEYS", "Deployment", "published_pool", "run"]

HANDLES = [f"m{n}" for n in range(8)]
HANDLE_OF = {member(handle).id: handle for handle in HANDLES}
KEYS = Keys(ORGANIZATION)
T = TypeVar("T")


class BlockingStore:
    """The store's scripts on a blocking client: Hypothesis drives no event loop."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url)

    @property
    def redis(self) -> BlockingStore:
        return self

    async def set(self, *args: Any, **options: Any) -> Any:
        return self.client.set(*args, **options)

    async def call(self, name: str, keys: list[str] = (), args: list[Any] = ()) -> Any:  # type: ignore[assignment]
        return self.client.eval(script(name).source, len(keys), *keys, *args)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("the coroutine waits for something")


class Deployment:
    """One pool in Redis, published again and again, and served."""

    def __init__(self, url: str) -> None:
        self.store = cast("Any", BlockingStore(url))
        self.store.client.flushall()
        self.leads = LeadStore(self.store, Settings())
        self.pools = PoolStore(self.store)
        self.lines = ParkingStore(self.store, Settings())
        self._generations = GenerationStore(self.store, Settings())
        self._number = 0

    def publish(self, *pools: Pool) -> None:
        publication = Publication(self._number, "", {}, [published(p) for p in pools], "test")
        self._number = run(self._generations.publish(ORGANIZATION, publication)).number

    def publish_reset(self, pool: Pool) -> str:
        """Publish with the reset that a change of the people through the API demands."""
        source = _text("lib/rotation.lua") + (
            "local keys = rotation_keys(ARGV[1], ARGV[2])\n"
            "return rotation_publish(keys, cjson.decode(ARGV[3]), true)"
        )
        args = [KEYS.prefix, pool.id, dumps(published(pool))]
        effect: bytes = self.store.client.eval(source, 0, *args)
        return effect.decode()

    def serve(self, pool: Pool, number: int, at: int | None = None) -> list[str]:
        return run(leads_of(self.leads, pool, number, at))

    def post(self, pool: Pool, at: int, marks: str = "-") -> Taken:
        """Post one lead of a person who is known by ``marks``."""
        lead = new_lead(at=at)
        return run(self.leads.take(ORGANIZATION, lead, choice(pool, at, marks)))

    def drain(self, pool: Pool, at: int, *others: Pool, most: int = 50) -> Drained:
        """Serve the pool's line as far as one call goes; ``others`` are there too."""
        organization = make_organization([pool, *others])
        chosen = choose_for_line(organization, pool, at)
        return run(self.lines.drain(ORGANIZATION, chosen, at, most=most))

    def rows(self, pool: Pool) -> list[dict[str, Any]]:
        """Return the pool's history, oldest first."""
        return [loads(row) for row in self.store.client.lrange(KEYS.history(pool.id), 0, -1)]

    def limited(self, rows: int) -> LeadStore:
        """Return what keeps so many rows of a history, fewer than settings allow."""
        settings = Settings.model_construct(**{**Settings().model_dump(), "history_limit": rows})
        return LeadStore(self.store, settings)

    def credit(self, pool: Pool, place: int) -> Outcome:
        """Give the turn of a row of the history back."""
        row = self.store.client.lindex(KEYS.history(pool.id), place)
        turn = assignment_of(pool.id, row)
        asked = Asked("test", f"credit:{turn.turn}")
        owners = OwnerStore(self.store, Settings())
        return run(owners.credit(ORGANIZATION, pool.id, turn, asked, at=turn.at))

    def proof(self, pool: Pool) -> Proof:
        """Hold the pool's history against the rules."""
        whole = run(WholePools(self.store).snapshot(ORGANIZATION, pool.id))
        replay = Replay(state_of(whole))
        for row in self.rows(pool):
            replay.row(row)
        return replay.end()

    def close(self) -> None:
        self.store.client.close()


def published_pool(deployment: Deployment, people: list[Any], **document: Any) -> Pool:
    pool = make_pool(people, **document)
    deployment.publish(pool)
    return pool
