from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from pointsman.errors import PointsmanError
from pointsman.store.embedded import EmbeddedServer
from support import wait_until


async def pid(url: str) -> int:
    async with Redis.from_url(url) as client:
        return int((await client.info("server"))["process_id"])


async def answers(url: str) -> bool:
    async with Redis.from_url(url, retry=None) as client:
        try:
            return bool(await client.ping())
        except RedisConnectionError:
            return False


async def abandon(server: EmbeddedServer) -> None:
    """Do what ``kill -9`` of the daemon does: the locks fall, the server stays."""
    server._ownership.close()
    server._users.close()


@pytest.fixture
async def orphan(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """Leave a server whose daemon is gone, with ``key`` = ``kept`` in it."""
    server = EmbeddedServer(tmp_path / "data", "everysec")
    await server._settle()
    async with Redis.from_url(server.url) as client:
        await client.set("key", "kept")
    await abandon(server)
    yield server
    if await answers(server.url):
        os.kill(await pid(server.url), signal.SIGKILL)


async def test_data_outlives_a_stop(tmp_path: Path) -> None:
    async with EmbeddedServer.open(tmp_path) as server, Redis.from_url(server.url) as client:
        await client.set("key", "kept")
        url = server.url
    assert not await answers(url)
    async with EmbeddedServer.open(tmp_path) as server, Redis.from_url(server.url) as client:
        assert await client.get("key") == b"kept"


async def test_writes_an_append_only_file_and_never_evicts(tmp_path: Path) -> None:
    async with (
        EmbeddedServer.open(tmp_path, fsync="always") as server,
        Redis.from_url(server.url) as client,
    ):
        told = await client.config_get("append*", "maxmemory-policy")
    assert told["appendonly"] == "yes"
    assert told["appendfsync"] == "always"
    assert told["maxmemory-policy"] == "noeviction"


async def test_an_orphaned_server_is_adopted_as_it_runs(
    orphan: EmbeddedServer, tmp_path: Path
) -> None:
    before = await pid(orphan.url)
    async with EmbeddedServer.open(tmp_path / "data") as server:
        assert server.owner
        assert await pid(server.url) == before
        async with Redis.from_url(server.url) as client:
            assert await client.get("key") == b"kept"


async def test_an_orphan_that_died_is_replaced_and_its_data_kept(
    orphan: EmbeddedServer, tmp_path: Path
) -> None:
    os.kill(await pid(orphan.url), signal.SIGKILL)
    async with EmbeddedServer.open(tmp_path / "data") as server, Redis.from_url(server.url) as c:
        assert await c.get("key") == b"kept"


async def test_a_second_daemon_uses_the_server_of_the_first(tmp_path: Path) -> None:
    async with EmbeddedServer.open(tmp_path) as first, EmbeddedServer.open(tmp_path) as second:
        assert first.owner
        assert not second.owner
        assert first.url == second.url


async def test_the_second_daemon_adopts_the_server_when_the_first_stops(tmp_path: Path) -> None:
    joined, left = asyncio.Event(), asyncio.Event()

    async def second_daemon() -> None:
        async with EmbeddedServer.open(tmp_path) as second:
            before = await pid(second.url)
            joined.set()
            await left.wait()
            await wait_until(lambda: second.owner, "the ownership passes on")
            assert await pid(second.url) == before

    async with asyncio.TaskGroup() as tasks:
        async with EmbeddedServer.open(tmp_path) as first:
            tasks.create_task(second_daemon())
            await joined.wait()
        left.set()
    assert not await answers(first.url), "the last one out stops it"


async def test_a_killed_server_is_started_again_with_its_data(tmp_path: Path) -> None:
    async with EmbeddedServer.open(tmp_path) as server:
        async with Redis.from_url(server.url) as client:
            await client.set("key", "kept")
        os.kill(await pid(server.url), signal.SIGKILL)
        await wait_until(lambda: answers(server.url), "the server is back")
        async with Redis.from_url(server.url) as client:
            assert await client.get("key") == b"kept"


async def test_a_deep_data_directory_with_spaces_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a long name with spaces " * 6).strip()
    async with EmbeddedServer.open(deep) as server:
        assert await answers(server.url)
    async with EmbeddedServer.open(tmp_path / "two words") as server:
        assert await answers(server.url)


async def test_a_broken_append_only_file_is_told_with_the_servers_words(tmp_path: Path) -> None:
    async with EmbeddedServer.open(tmp_path) as server, Redis.from_url(server.url) as client:
        await client.set("key", "kept")
    (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(b"nonsense\r\n")
    with pytest.raises(PointsmanError, match=r"(?s)did not start.*append only file"):
        async with EmbeddedServer.open(tmp_path):
            pass


async def test_an_unusable_data_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PointsmanError, match="--data-dir"):
        async with EmbeddedServer.open(tmp_path / "file"):
            pass
