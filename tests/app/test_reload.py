from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from daemons import running
from pointsman import observe
from pointsman.app.lifecycle import App, background
from pointsman.store.keys import Keys
from support import wait_until
from trees import MINIMAL, write

ID = "6b0f9a52-31c4-5d8e-9a47-0c2d5e8f1a36"
POOL = "0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47"
FILES = {"organization.yaml": f"id: {ID}\n{MINIMAL['organization.yaml']}"}
INBOUND = MINIMAL["pools/inbound.yaml"]
BROKEN = INBOUND.replace("[ada, bruno]", "[ada, brnuo]")


class Caller:
    """Calls a daemon and reads JSON."""

    def __init__(self, url: str, http: ClientSession) -> None:
        self._url = url
        self._http = http

    async def __call__(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        async with self._http.request(method, self._url + path, **request) as answer:
            return answer.status, await answer.json()

    async def lead(self) -> tuple[int, Any]:
        return await self("POST", "/intake/acme/webhook", json={"firstName": "Grace"})

    async def ready(self) -> bool:
        return (await self("GET", "/-/ready"))[0] == 200

    async def generation(self, handle: str = "acme") -> int:
        _, told = await self("GET", "/-/config")
        return told[handle]["generation"] if handle in told else 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "config", FILES)


@pytest.fixture
async def app(root: Path, redis_url: str) -> AsyncIterator[App]:
    async with running(root, redis_url) as app:
        yield app


@pytest.fixture
async def call(app: App) -> AsyncIterator[Caller]:
    async with ClientSession() as http:
        yield Caller(app.url, http)


def inbound(root: Path, text: str) -> None:
    """Write the pool as an editor does: a new file over the old."""
    fresh = root / "acme/pools/.inbound.yaml.new"
    fresh.write_text(text)
    fresh.replace(root / "acme/pools/inbound.yaml")


def broken(root: Path) -> None:
    inbound(root, BROKEN)


async def test_good_bad_good_changed_are_all_picked_up(root: Path, call: Caller) -> None:
    """L6: after one invalid file the corrected one is loaded, and every later one."""
    for number in range(2):
        inbound(root, BROKEN)
        await wait_until(lambda: not_ready(call), "the bad one is told")
        assert (await call.lead())[0] == 201
        assert await call.generation() == number + 1
        inbound(root, INBOUND + "priority: 1\n" * number)
        await wait_until(call.ready, "the good one is loaded")
        inbound(root, f"{INBOUND}priority: {number + 1}\n")
        await wait_until(partial(reached, call, number + 2), "the changed one is loaded")


async def not_ready(call: Caller) -> bool:
    return not await call.ready()


async def reached(call: Caller, generation: int) -> bool:
    return await call.generation() == generation


async def test_a_reload_of_a_broken_file_answers_the_findings(root: Path, call: Caller) -> None:
    """L3: not 200, and where to look."""
    inbound(root, BROKEN)
    status, told = await call("POST", "/-/reload")
    assert status == 422
    (finding,) = told["findings"]
    assert finding["file"].endswith("config/acme/pools/inbound.yaml")
    assert (finding["line"], finding["pointer"]) == (3, "participants[1]")
    assert "did you mean 'bruno'?" in finding["message"]
    inbound(root, INBOUND)
    assert await call("POST", "/-/reload") == (200, {"acme": 1})
    inbound(root, f"{INBOUND}priority: 1\n")
    assert await call("POST", "/-/reload") == (200, {"acme": 2})


async def test_metrics_and_readiness_say_whether_the_last_reload_succeeded(
    root: Path, call: Caller
) -> None:
    """L2: what would not boot tomorrow is not called a success today."""
    gauge = "pointsman_config_last_reload_successful"
    assert observe.REGISTRY.get_sample_value(gauge) == 1
    inbound(root, BROKEN)
    await call("POST", "/-/reload")
    assert observe.REGISTRY.get_sample_value(gauge) == 0
    assert observe.REGISTRY.get_sample_value("pointsman_config_problems") == 1
    status, told = await call("GET", "/-/ready")
    assert status == 503
    failed = [check for check in told["checks"] if not check["passed"]]
    assert [check["name"] for check in failed] == ["reload"]
    assert "inbound.yaml:3:21: participants[1]" in failed[0]["detail"]
    inbound(root, INBOUND)
    await call("POST", "/-/reload")
    assert observe.REGISTRY.get_sample_value(gauge) == 1
    assert await call.ready()


async def test_bad_configuration_under_load_fails_no_lead(root: Path, call: Caller) -> None:
    """L1: what runs is touched only by what is valid."""
    answers: list[int] = []
    async with background(post(call, answers)):
        await wait_until(lambda: len(answers) > 20, "leads flow")
        for text in (BROKEN, "\t", "participants: {", INBOUND + "id: x\n"):
            inbound(root, text)
            assert (await call("POST", "/-/reload"))[0] == 422
        seen = len(answers)
        await wait_until(lambda: len(answers) > seen + 20, "leads still flow")
    assert set(answers) == {201}
    assert await call.generation() == 1


async def post(call: Caller, answers: list[int]) -> None:
    while True:
        answers.append((await call.lead())[0])


@contextmanager
def standstill() -> Iterator[list[float]]:
    """Measure how long the machine itself let no thread run, which is nobody's fault here."""
    worst, over = [0.0], Event()

    def measure() -> None:
        while not over.is_set():
            began = time.monotonic()
            time.sleep(0.01)
            worst[0] = max(worst[0], time.monotonic() - began)

    thread = Thread(target=measure)
    thread.start()
    try:
        yield worst
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(60)
async def test_a_hundred_reloads_under_load_lose_no_lead_and_no_turn(
    root: Path, call: Caller, redis: Redis
) -> None:
    """L9: every lead is answered, stored and counted; nobody waits a second."""
    loop = asyncio.get_running_loop()
    answers: list[Any] = []
    waits: list[float] = []
    stop = asyncio.Event()

    async def send() -> None:
        while not stop.is_set():
            began = loop.time()
            answers.append(await call.lead())
            waits.append(loop.time() - began)

    with standstill() as still:
        async with asyncio.TaskGroup() as senders:
            for _ in range(4):
                senders.create_task(send())
            for number in range(100):
                inbound(root, f"{INBOUND}priority: {number}\n")
                status, told = await call("POST", "/-/reload")
                assert (status, told) == (200, {"acme": number + 2})
            stop.set()

    assert {status for status, _ in answers} == {201}
    assert all(told["assigned"] for _, told in answers)
    assert max(waits) < 1 + still[0]
    keys = Keys(ID)
    assert await redis.llen(keys.history(POOL)) == len(answers)
    people = [told["assignedToId"] for _, told in answers]
    assert max(map(people.count, people)) - min(map(people.count, people)) <= 1
    stored = {key async for key in redis.scan_iter(keys.lead("*"), count=1000)}
    assert len({key for key in stored if not key.endswith(b":log")}) == len(answers)


async def test_replacing_every_pool_and_flow_at_once_keeps_the_daemon_going(
    root: Path, call: Caller
) -> None:
    """L8."""
    (root / "acme/pools/inbound.yaml").unlink()
    write(
        root,
        {
            **FILES,
            "pools/inbound.yaml": None,
            "pools/other.yaml": "name: Other\nparticipants: [bruno]\n",
            "flows/all.yaml": "name: All\nsources: [{name: Site, intake: webhook}]\n"
            "steps: [{type: pool, pool: other}]\n",
        },
    )
    await wait_until(lambda: reached(call, 2), "the new ones are loaded")
    status, told = await call.lead()
    assert (status, told["assigned"], told["turnOrder"]) == (201, True, 1)
    assert told["roundRobinId"] != POOL


async def test_added_and_removed_organizations_and_what_is_active(
    root: Path, call: Caller, app: App
) -> None:
    """L10: what ``/-/config`` tells is what serves."""
    write(root, {}, "beta")
    await wait_until(lambda: reached_beta(call, 1), "the new directory is served")
    _, told = await call("GET", "/-/config")
    for handle, organization in app.serving.current.organizations.items():
        assert told[handle]["hash"] == organization.hash
    assert set(told["beta"]["files"]) == {"organization.yaml", "pools/inbound.yaml"}
    assert (await call("POST", "/intake/beta/webhook", json={}))[0] == 201
    for path in sorted((root / "beta").rglob("*.yaml")):
        path.unlink()
    (root / "beta/pools").rmdir()
    (root / "beta").rmdir()
    await wait_until(lambda: reached_beta(call, 0), "the removed one is served no more")
    assert (await call("POST", "/intake/beta/webhook", json={}))[0] == 404


async def reached_beta(call: Caller, generation: int) -> bool:
    return await call.generation("beta") == generation


async def test_a_follower_serves_what_is_published_without_any_files(
    root: Path, call: Caller, redis_url: str, tmp_path: Path
) -> None:
    """A reload is answered once the follower serves it too."""
    async with (
        running(tmp_path / "nothing", redis_url, config_role="follower") as follower,
        ClientSession() as http,
    ):
        there = Caller(follower.url, http)
        assert (await there.lead())[1]["assigned"]
        for number in range(10):
            inbound(root, f"{INBOUND}priority: {number}\n")
            await call("POST", "/-/reload")
            assert await there.generation() == number + 2
        inbound(root, BROKEN)
        await call("POST", "/-/reload")
        assert await there.ready()
        assert await there("POST", "/-/reload") == (200, {"acme": 11})


async def test_a_follower_that_cannot_compile_says_so_and_goes_on(
    root: Path,
    call: Caller,
    redis_url: str,
    tmp_path: Path,
) -> None:
    secret = tmp_path / "config/acme" / ".token"
    async with (
        running(tmp_path / "nothing", redis_url, config_role="follower") as follower,
        ClientSession() as http,
    ):
        there = Caller(follower.url, http)
        secret.write_text("s3cret")
        text = f"{FILES['organization.yaml']}credentials: [{{name: crm, token_file: .token}}]\n"
        (root / "acme/organization.yaml").write_text(text)
        assert await call("POST", "/-/reload") == (200, {"acme": 2})
        assert await there.generation() == 1
        status, told = await there("GET", "/-/ready")
        assert status == 503
        (failed,) = (check for check in told["checks"] if not check["passed"])
        assert failed["name"] == "config"
        assert "generation 2 of 'acme' cannot be served here" in failed["detail"]
        assert "write an absolute path" in failed["detail"]
        assert (await there.lead())[0] == 201
        assert (await there("POST", "/-/reload"))[0] == 422


async def test_a_second_publisher_with_another_tree_reports_drift(
    call: Caller, redis_url: str, tmp_path: Path
) -> None:
    other = write(tmp_path / "other", {**FILES, "pools/inbound.yaml": f"{INBOUND}priority: 9\n"})
    async with running(other, redis_url) as second, ClientSession() as http:
        there = Caller(second.url, http)
        status, told = await there("POST", "/-/reload")
        assert (status, told["error"]["code"]) == (409, "CONFLICT")
        _, active = await there("GET", "/-/config")
        assert active["acme"]["generation"] == 1
        assert "pointsman publish --force" in active["acme"]["drift"]
        assert await there.ready(), "it serves what is published"
    assert await call.generation() == 1


async def test_a_broken_tree_at_start_serves_what_was_published_before(
    root: Path, redis_url: str
) -> None:
    """L2: a restart with a file that broke meanwhile is no outage, and is told."""
    async with running(root, redis_url):
        pass
    broken(root)
    async with running(root, redis_url) as app, ClientSession() as http:
        call = Caller(app.url, http)
        assert (await call.lead())[1]["assigned"]
        assert not await call.ready()


async def test_a_touched_file_is_no_generation(root: Path, call: Caller) -> None:
    os.utime(root / "acme/pools/inbound.yaml")
    inbound(root, INBOUND)
    assert await call("POST", "/-/reload") == (200, {"acme": 1})
