"""One pool in Redis under laws: published again and again, served, and looked at.

Hypothesis drives no event loop, so the store's scripts are called on a blocking client here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from orjson import dumps
from redis import Redis

from pointsman.model import Pool
from pointsman.pools.compile import published
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.pools import PoolStore
from pointsman.store.scripts import _text, script
from pooling import ORGANIZATION, leads_of, make_pool, member

__all__ = ["HANDLES", "HANDLE_OF", "KEYS", "Deployment", "published_pool", "run"]

HANDLES = [f"m{n}" for n in range(8)]
HANDLE_OF = {member(handle).id: handle for handle in HANDLES}
KEYS = Keys(ORGANIZATION)
T = TypeVar("T")


class BlockingStore:
    """The store's scripts on a blocking client: Hypothesis drives no event loop."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url)

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

    def close(self) -> None:
        self.store.client.close()


def published_pool(deployment: Deployment, people: list[Any], **document: Any) -> Pool:
    pool = make_pool(people, **document)
    deployment.publish(pool)
    return pool
