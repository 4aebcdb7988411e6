from __future__ import annotations

import asyncio

import pytest

from pointsman.config.presence import Presence
from pointsman.config.serving import Serving
from pointsman.errors import Unavailable
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore, Publication
from pointsman.store.redis import RedisStore

ID = "5a6f1c1e-0b0e-5d43-9f6e-000000000001"


@pytest.fixture
async def presence(store: RedisStore, redis_url: str) -> Presence:
    generations = GenerationStore(store, Settings())
    await generations.name("acme", ID)
    await generations.publish(ID, Publication(0, "h", {}, (), "ada"))
    return Presence("node", generations, Serving(generations), redis_url)


async def test_a_node_tells_what_it_serves_and_is_forgotten_when_it_leaves(
    presence: Presence,
) -> None:
    async with presence.kept():
        (node,) = await presence._generations.nodes(ID)
        assert (node.name, node.generation, node.refused) == ("node", 1, 0)
    assert await presence._generations.nodes(ID) == []


@pytest.mark.timeout(10)
async def test_a_stop_that_meets_a_lost_connection_is_a_stop(
    presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both at once happen when the server and the daemon are told to end together."""
    failing = asyncio.Event()

    async def fail(*_: object) -> int:
        failing.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise Unavailable("Redis is not available") from None
        return 0

    monkeypatch.setattr("pointsman.config.presence._BEAT", 0)
    async with presence.kept():
        monkeypatch.setattr(presence._generations, "beat", fail)
        await failing.wait()
