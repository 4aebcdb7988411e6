"""Changes over the API on real processes: workers, followers, kills."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from daemons import Process, running
from deployed import Client, lay_out
from listening import ACME


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "config", ACME)


async def test_a_worker_has_its_parent_write(root: Path, tmp_path: Path, redis_url: str) -> None:
    """Whichever worker is asked: the answer of another one right after has the change."""
    async with Process(root, tmp_path / "daemon", redis_url, workers=2) as daemon:
        client = Client(daemon.url)
        people = await client.people()
        pool_id = await client.pool_id("Spring")
        for number in range(10):
            assert await client.patch(pool_id, {"name": f"Spring {number}"}) == (
                200,
                {"success": True},
            )
            shown = await asyncio.gather(*(client.get(f"/{pool_id}") for _ in range(4)))
            assert {each["name"] for each in shown} == {f"Spring {number}"}
        made = await client.post({"name": "North", "participantIds": [people["ada"]]})
        missing = await client.delete("0d1c5a0e-7d3b-5f0c-8a51-6e1b9d3f2c47")
        refused = await client.post({"name": "South", "participantIds": [made[1]["id"]]})

    assert made[0] == 201
    assert (missing[0], refused[0], refused[1]["error"]["code"]) == (404, 400, "BAD_REQUEST")
    assert "name: Spring 9\n" in (root / "acme/pools/spring.yaml").read_text()


async def test_a_daemon_killed_amid_changes_starts_with_what_it_answered(
    root: Path, tmp_path: Path, redis_url: str
) -> None:
    path = root / "acme/pools/spring.yaml"
    answered = -1
    async with Process(root, tmp_path / "daemon", redis_url) as daemon:
        pool_id = await Client(daemon.url).pool_id("Spring")
        for _ in range(3):
            busy = asyncio.create_task(change_on(Client(daemon.url), pool_id, answered + 1))
            await asyncio.sleep(0.4)
            await daemon.kill()
            answered = await busy
            await daemon.start()

            shown = (await Client(daemon.url).get(f"/{pool_id}"))["goalWonDeals"]
            assert shown in (answered, answered + 1)
            assert f"goal_won_deals: {shown}\n" in path.read_text()
            assert await daemon.answer("POST", "/-/reload") == (200, {"acme": shown + 2})
            answered = shown


async def change_on(client: Client, pool_id: str, number: int) -> int:
    """Count up in a pool until the daemon is gone; return the last number that was answered."""
    while True:
        try:
            status, told = await client.patch(pool_id, {"goalWonDeals": number})
        except aiohttp.ClientError:
            return number - 1
        assert status == 200, told
        number += 1


async def test_leads_go_on_while_a_pool_is_changed(
    root: Path, tmp_path: Path, redis_url: str
) -> None:
    """Every lead gets an owner, whichever list of people it meets, on both daemons."""
    leads: list[int] = []

    async def post(url: str) -> None:
        async with aiohttp.ClientSession() as http:
            for number in range(100):
                body = {"email": f"{number}@example.com"}
                async with http.post(f"{url}/intake/acme/webhook/spring", json=body) as answer:
                    told = await answer.json()
                    assert answer.status == 201, told
                    assert told["assigned"], told
                    leads.append(told["turnOrder"])

    async with (
        running(root, redis_url) as app,
        running(tmp_path / "none", redis_url, config_role="follower") as follower,
    ):
        client = Client(app.url)
        people = await client.people()
        pool_id = await client.pool_id("Spring")

        async def change() -> None:
            for turn in range(10):
                order = [people["ada"], people["bob"]][:: 1 if turn % 2 else -1]
                assert (await client.patch(pool_id, {"participantIds": order}))[0] == 200

        await asyncio.gather(post(app.url), post(follower.url), change())
        stats = (await client.get(f"/{pool_id}"))["stats"]

    assert len(leads) == stats["totalAssignments"] == 200
