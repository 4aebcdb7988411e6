"""Changes over the API beside other hands: editors, other calls, other daemons."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from daemons import running
from deployed import Client, House, ada, refusal
from support import wait_until


async def test_a_file_that_was_edited_and_not_loaded_is_left_alone(house: House) -> None:
    path = house.root / "acme/pools/spring.yaml"
    pool_id = await house.client.pool_id("Spring")
    path.write_text(path.read_text() + "# a not\nparticipants: [\n")
    edited = path.read_text()

    status, code, told = refusal(await house.client.patch(pool_id, {"name": "May"}))

    assert (status, code) == (409, "CONFLICT")
    assert "changed since it was read; nothing was written" in told
    assert path.read_text() == edited
    assert house.generation() == 1


async def test_an_edit_elsewhere_in_the_tree_survives_a_write(house: House) -> None:
    """The write goes out without the broken file, and the file is loaded once it is mended."""
    away = house.root / "acme/pools/away.yaml"
    away.write_text("name: Away\nparticipants: [eve, nobody]\n")

    answer = await house.client.patch(await house.client.pool_id("Spring"), {"name": "May"})
    away.write_text("name: Away\nparticipants: [eve, ada]\n")
    await house.app.reload()

    assert answer[0] == 200
    pools = house.app.serving.current.organizations["acme"].pools.values()
    assert {pool.name: len(pool.participants) for pool in pools} == {
        "Away": 2,
        "Inbound": 2,
        "May": 2,
    }


async def test_writes_at_the_same_time_are_all_kept(house: House) -> None:
    people = [await ada(house)]
    spring, inbound = await house.client.pool_id("Spring"), await house.client.pool_id("Inbound")

    answers = await asyncio.gather(
        *(house.client.post({"name": "North", "participantIds": people}) for _ in range(5)),
        *(house.client.post({"sourceKey": f"key-{i}"}, f"/{spring}/connections") for i in range(5)),
        house.client.patch(inbound, {"name": "Front door"}),
        house.client.patch(inbound, {"goalWonDeals": 5}),
    )

    assert [status for status, _ in answers] == [201] * 10 + [200] * 2
    assert len(house.names()) == 3 + 5
    assert len((await house.client.get(f"/{spring}"))["connections"]) == 2 + 5
    shown = await house.client.get(f"/{inbound}")
    assert (shown["name"], shown["goalWonDeals"]) == ("Front door", 5)
    assert await house.app.reload() == {"acme": 1 + 12, "rival": 1}


async def test_a_write_and_an_editor_never_lose_each_other_s_change(house: House) -> None:
    """Somebody saves the file again and again while the API changes it."""
    path = house.root / "acme/pools/spring.yaml"
    pool_id = await house.client.pool_id("Spring")
    saved = 0
    statuses: list[int] = []

    async def save() -> None:
        nonlocal saved
        while len(statuses) < 20:
            text = await asyncio.to_thread(path.read_text)
            fresh = path.with_name(".spring.yaml.swp")
            fresh.write_text(text.split("# saved")[0] + f"# saved {saved + 1}\n")
            if path.read_text() == text:  # an editor asks before it overwrites what it has not read
                fresh.replace(path)
                saved += 1
            await asyncio.sleep(random.uniform(0, 0.5))

    async def change() -> None:
        for number in range(20):
            status, _ = await house.client.patch(pool_id, {"goalWonDeals": number})
            if status == 200:
                assert f"goal_won_deals: {number}\n" in path.read_text()
            statuses.append(status)
            await asyncio.sleep(random.uniform(0, 0.1))

    await asyncio.gather(save(), change())

    async def settled() -> bool:
        shown = await house.client.get(f"/{pool_id}")
        return f"goal_won_deals: {shown['goalWonDeals']}\n" in path.read_text()

    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert f"# saved {saved}\n" in path.read_text()
    await wait_until(settled, "file and daemon agree")


async def test_a_read_only_tree_is_refused_with_the_reason(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    body = {"name": "North", "participantIds": [await ada(house)]}
    answers = [
        await house.client.post(body),
        await house.client.patch(await house.client.pool_id("Spring"), {"name": "May"}),
        await house.client.delete(await house.client.pool_id("Spring")),
    ]

    assert [refusal(answer)[:2] for answer in answers] == [(403, "FORBIDDEN")] * 3
    assert (
        "Read-only file system; the configuration directory is read-only"
        in (refusal(answers[0])[2])
    )
    assert house.generation() == 1


async def test_a_follower_names_the_publisher(house: House, tmp_path: Path, redis_url: str) -> None:
    async with running(tmp_path / "none", redis_url, config_role="follower") as app:
        client = Client(app.url)

        answer = await client.patch(await client.pool_id("Spring"), {"name": "May"})

    status, code, told = refusal(answer)
    assert (status, code) == (409, "CONFLICT")
    assert "send the change to the publisher" in told
    author = house.app.serving.served["acme"].generation.author
    assert author in told


async def test_a_change_is_live_on_every_daemon(
    house: House, tmp_path: Path, redis_url: str
) -> None:
    """No request begun after the answer sees the older generation."""
    async with running(tmp_path / "none", redis_url, config_role="follower") as app:
        follower = Client(app.url)
        pool_id = await follower.pool_id("Spring")
        for number in range(5):
            await house.client.patch(pool_id, {"name": f"Spring {number}"})
            assert (await follower.get(f"/{pool_id}"))["name"] == f"Spring {number}"
