from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from redis.asyncio import Redis

from daemons import Process
from pointsman.store.locks import FileLock
from support import wait_until
from trees import MINIMAL, write

ORGANIZATION = "id: 6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36\n" + MINIMAL["organization.yaml"]
INBOUND = MINIMAL["pools/inbound.yaml"]
FILES = {"organization.yaml": ORGANIZATION}
LEAD = {"firstName": "Grace"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "config", FILES)


@pytest.fixture
async def embedded(root: Path, tmp_path: Path) -> AsyncIterator[Process]:
    """Return a daemon with its own server."""
    async with Process(root, tmp_path / "here") as process:
        yield process


def server(process: Process) -> Redis:
    """Return a client of a daemon's own server."""
    socket_path = (process.folder / "data/socket").read_text().strip()
    return Redis.from_url(f"unix://{socket_path}")


async def server_pid(process: Process) -> int:
    async with server(process) as client:
        return int((await client.info("server"))["process_id"])


async def take(process: Process, count: int = 1) -> list[int]:
    """Post leads; return their turns."""
    turns = []
    for _ in range(count):
        status, told = await process.answer("POST", "/intake/acme/webhook", json=LEAD)
        assert status == 201, told
        turns.append(told["turnOrder"])
    return turns


async def taken_again(process: Process) -> bool:
    try:
        return (await process.answer("POST", "/intake/acme/webhook", json=LEAD))[0] == 201
    except ClientError:
        return False


async def test_says_where_it_listens_what_it_loaded_and_how_to_call_it(embedded: Process) -> None:
    assert f"listens on {embedded.url}\n" in embedded.output
    assert "  acme (generation 1): 1 pool, 0 workflows, 0 flows, 2 members\n" in embedded.output
    curl = shlex.split(embedded.output[embedded.output.index("curl") :].replace("\\\n", ""))
    answer = await asyncio.to_thread(
        subprocess.run, curl, capture_output=True, text=True, check=True, timeout=10
    )
    assert re.search('"assigned":true.*"turnOrder":1', answer.stdout)


async def test_a_killed_daemon_finds_its_server_again_and_nothing_is_lost(
    embedded: Process,
) -> None:
    assert await take(embedded, 3) == [1, 2, 1]
    before = await server_pid(embedded)
    await embedded.kill()
    await embedded.start()
    assert "embedded_server_adopted" in embedded.log
    assert await server_pid(embedded) == before
    assert await take(embedded, 2) == [2, 1]
    async with server(embedded) as client:
        assert len(await client.keys("pm:*:lead:" + "[0-9a-f]" * 24)) == 5


async def test_a_killed_server_comes_back_with_everything_it_acknowledged(
    embedded: Process,
) -> None:
    assert await take(embedded, 3) == [1, 2, 1]
    os.kill(await server_pid(embedded), signal.SIGKILL)
    await wait_until(lambda: taken_again(embedded), "leads are taken again")
    async with server(embedded) as client:
        assert len(await client.keys("pm:*:lead:" + "[0-9a-f]" * 24)) == 4
    assert await take(embedded) == [1]


async def test_sigterm_finishes_what_is_in_flight_and_exits_with_0(embedded: Process) -> None:
    host, port = embedded.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"firstName": "Grace"}'
    writer.write(
        b"POST /intake/acme/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    writer.write(body[:5])
    await writer.drain()
    await take(embedded)  # so that the first is surely begun
    embedded.send(signal.SIGTERM)
    await wait_until(lambda: refuses(host, int(port)), "it accepts no more")
    writer.write(body[5:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    assert await embedded.ended() == 0
    assert "daemon_stopped" in embedded.log
    assert not (embedded.folder / "port").exists()


async def refuses(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_sighup_loads_anew_and_ctrl_c_stops_the_daemon_and_its_server(
    embedded: Process, root: Path
) -> None:
    (root / "acme/pools/inbound.yaml").write_text(f"{INBOUND}priority: 1\n")
    embedded.send(signal.SIGHUP)
    await wait_until(lambda: '"generation":2' in embedded.log, "it is published")
    (root / "acme/pools/inbound.yaml").write_text("nope")
    embedded.send(signal.SIGHUP)
    await wait_until(lambda: "config_refused" in embedded.log, "what is wrong is logged")
    assert await take(embedded) == [1]

    assert await embedded.stop(signal.SIGINT) == 0
    alive = FileLock(embedded.folder / "data/server.lock")
    assert alive.acquire(), "the server holds this lock while it runs"
    alive.close()


async def test_a_second_daemon_on_the_same_data_directory_shares_the_server(
    embedded: Process, root: Path, tmp_path: Path
) -> None:
    """It takes the server over when the first one goes, however it goes."""
    data = embedded.folder / "data"
    async with Process(root, tmp_path / "there", data_dir=data, config_role="follower") as second:
        assert await take(embedded) == [1]
        assert await take(second) == [2]
        before = await server_pid(embedded)
        await embedded.stop()
        assert await take(second) == [1]
        await wait_until(lambda: "embedded_server_adopted" in second.log, "it adopts the server")
        os.kill(before, signal.SIGKILL)
        await wait_until(lambda: taken_again(second), "it starts the server again")


PLUGIN = '''
from pointsman.plugin import ActionContext, Options, action

@action("acme_say")
async def acme_say(options: Options, context: ActionContext) -> None:
    """Say nothing."""
'''


async def test_workers_share_the_port_are_replaced_and_end_with_their_parent(
    root: Path, tmp_path: Path
) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    async with Process(
        root, tmp_path / "here", workers=2, drain_timeout=1, plugins_dir=plugins
    ) as process:
        assert sorted(await take(process, 4)) == [1, 1, 2, 2]
        (plugins / "acme_say.py").write_text(PLUGIN)
        assert await process.answer("POST", "/-/reload") == (200, {"acme": 1})
        assert loads(process) == 3, "the parent and its workers have the plugin"
        (root / "acme/pools/inbound.yaml").write_text(f"{INBOUND}priority: 1\n")
        assert await process.answer("POST", "/-/reload") == (200, {"acme": 2})
        (root / "acme/pools/inbound.yaml").write_text("nope")
        assert (await process.answer("POST", "/-/reload"))[0] == 422
        assert (await process.answer("GET", "/-/ready"))[0] == 503
        (root / "acme/pools/inbound.yaml").write_text(INBOUND)
        await wait_until(lambda: ready(process), "the watching parent loads the good one")

        (plugins / "acme_say.py").write_text("1 / 0")
        assert (await process.answer("POST", "/-/reload"))[0] == 422
        (victim, other) = workers(process)
        os.kill(victim, signal.SIGKILL)
        await wait_until(lambda: "worker_ended" in process.log, "the loss is seen")
        assert await taken_again(process), "the other one serves"
        await wait_until(lambda: len(workers(process)) == 2, "it is replaced")
        assert other in workers(process)
        await wait_until(lambda: loads(process) == 4, "it has the last good plugin", seconds=60)
        await process.kill()
        await wait_until(lambda: gone(process), "workers end with a parent that nobody heard of")


def loads(process: Process) -> int:
    return process.log.count('"plugins_loaded"')


async def ready(process: Process) -> bool:
    return (await process.answer("GET", "/-/ready"))[0] == 200


def workers(process: Process) -> list[int]:
    """Return the ids of a daemon's workers."""
    told = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = told.stdout.splitlines()
    return [int(line.split()[0]) for line in lines if "pointsman.app.worker" in line]


async def gone(process: Process) -> bool:
    try:
        async with ClientSession() as http, http.get(f"{process.url}/-/healthy"):
            return False
    except ClientError:
        return True
