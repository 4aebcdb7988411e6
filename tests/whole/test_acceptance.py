"""The time to accept a lead, in whole daemons that come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from daemons import Process, running
from deployed import lay_out
from listening import ACME, bearer
from support import wait_until

POOL = """
name: Inbound
participants: [ada, bob]
connections: [{source: webhook}]
accept: {within: 2s, hops: 1}
"""


async def post(url: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/intake/acme/webhook", json={"email": "a@example.com"}) as answer,
    ):
        assert answer.status == 201
        return str((await answer.json())["leadId"])


async def lead_of(url: str, lead: str) -> Any:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}/api/v1/leads/{lead}", headers=bearer("all")) as answer,
    ):
        return await answer.json()


async def passed_on(url: str, lead: str, owner: str) -> list[str]:
    """Return the events of a lead once somebody else than ``owner`` has it."""

    async def another() -> bool:
        return bool((await lead_of(url, lead))["ownerId"] != owner)

    await wait_until(another, "the lead goes on", seconds=20)
    return [kind for entry in (await lead_of(url, lead))["timeline"] for kind in entry["types"]]


async def test_the_time_to_accept_outlives_reload_and_restart(
    tmp_path: Path, redis_url: str
) -> None:
    """R20, L13: a lead goes on to the next though the daemon that took it is gone."""
    files = ACME | {"pools/inbound.yaml": POOL}
    root = lay_out(tmp_path / "config", files)
    async with running(root, redis_url) as app:
        lead = await post(app.url)
        owner = (await lead_of(app.url, lead))["ownerId"]
        (root / "acme/pools/inbound.yaml").write_text(POOL.replace("Inbound", "Renamed"))
        await app.reload()

    async with running(root, redis_url) as app:
        types = await passed_on(app.url, lead, owner)

    assert types == ["lead_created", "lead_assigned", "lead_not_accepted", "lead_assigned"]


async def test_the_time_to_accept_outlives_kill_9_of_one_of_two_daemons(
    tmp_path: Path, redis_url: str
) -> None:
    """R20: killed right after its answer; whoever is left passes the lead on, once."""
    root = lay_out(tmp_path / "config", ACME | {"pools/inbound.yaml": POOL})
    async with (
        running(root, redis_url) as app,
        Process(root, tmp_path / "other", redis_url, config_role="follower") as other,
    ):
        lead = await post(other.url)
        await other.kill()
        owner = (await lead_of(app.url, lead))["ownerId"]
        types = await passed_on(app.url, lead, owner)

    assert types == ["lead_created", "lead_assigned", "lead_not_accepted", "lead_assigned"]
