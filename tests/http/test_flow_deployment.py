"""``/api/v1/flows/{id}/deploy``: what vendors see of flows that are saved, deployed, taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemons import running
from deployed import POOLS, Client, House, lay_out, refusal
from listening import ACME
from pointsman.http.flow_deployment import DEPLOYED
from support import wait_until

FLOWS = "/api/v1/flows"
SOLAR = """\
id: 5fd4371e940df5a34a3888b2
name: Solar
sources: [{key: shop}]
fields: [email]
caps: [{key: daily, maximum: 50, duration_units: day}]
pricing: {prices: [{amount: 1}]}
steps: [{key: assign, type: pool, pool: spring}]
"""
FILES = {
    **ACME,
    "organization.yaml": f"{ACME['organization.yaml']}deploy: manual\n",
    "flows/solar.yaml": SOLAR,
}
ID = "5fd4371e940df5a34a3888b2"


@pytest.fixture(name="house")
async def manual_house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    root = lay_out(tmp_path / "config", FILES)
    async with running(root, redis_url) as app:
        yield House(app, root, Client(app.url))


async def submit(url: str, flow: str = "solar", source: str = "shop") -> Any:
    """Return the price that a lead of a flow comes to, or the status that refuses it."""
    address = f"{url}/flows/{flow}/sources/{source}/submit"
    async with ClientSession() as http, http.post(address, json={"email": "a@b.co"}) as answer:
        told = await answer.json()
        return told["price"] if answer.status == 201 else answer.status


async def call(house: House, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
    return await house.client.call(method, FLOWS + path, body)


async def deploy(house: House, flow: str = ID, body: Any = None) -> tuple[int, Any]:
    return await call(house, "POST", f"/{flow}/deploy", body)


async def state(house: House, flow: str = ID) -> Any:
    status, told = await call(house, "GET", f"/{flow}/deploy")
    assert status == 200, told
    return told


def priced(amount: int) -> dict[str, Any]:
    return {"pricing": {"prices": [{"amount": amount}]}}


async def test_a_saved_flow_takes_leads_when_it_is_deployed(house: House) -> None:
    """Until then it is no address at all; what it says then, it says until the next deploy."""
    url = house.app.url
    assert await submit(url) == 404
    assert (await state(house))["pending"] == "new"
    assert await deploy(house) == (200, {"message": DEPLOYED})
    assert [await submit(url), await submit(url, ID)] == [1, 1]

    _, saved = await call(house, "PUT", f"/{ID}", priced(2))

    assert saved["pricing"]["prices"][0]["amount"] == 2
    assert await submit(url) == 1
    told = await state(house)
    assert (told["deploy"], told["live"], told["version"]) == ("manual", True, 1)
    assert (told["pending"], told["deployed_at"]) == ("changed", told["versions"][0]["deployed_at"])
    lines = told["difference"].splitlines()
    assert lines[:2] == ["--- live/flows/solar.yaml", "+++ saved/flows/solar.yaml"]
    assert any(line.startswith("+") and "amount: 2" in line for line in lines)
    assert (await deploy(house))[0] == 200
    assert await submit(url) == 2
    told = await state(house)
    assert (told["version"], told["pending"], told["difference"]) == (2, None, "")
    assert "API key 'all'" in told["versions"][0]["deployed_by"]


async def test_an_earlier_version_is_brought_back_and_counters_go_on(house: House) -> None:
    await deploy(house)
    await submit(house.app.url)
    await call(house, "PUT", f"/{ID}", priced(2))
    await deploy(house)
    assert await deploy(house, body={"version": 1}) == (200, {"message": DEPLOYED})
    assert await submit(house.app.url) == 1
    told = await state(house)
    assert [each["version"] for each in told["versions"]] == [3, 2, 1]
    assert (told["version"], told["pending"]) == (3, "changed")
    _, caps = await house.client.call("GET", "/api/v1/caps")
    assert [cap["count"] for cap in caps["data"]] == [2], "the cap is one all the time"
    assert refusal(await deploy(house, body={"version": 9}))[:2] == (404, "NOT_FOUND")
    for body in ({"version": "1"}, {"versoin": 1}):
        assert (await deploy(house, body=body))[0] == 400


async def test_what_a_live_flow_needs_stays(house: House) -> None:
    """No file names the pool any more, but what is live does; then only an earlier version."""
    await deploy(house)
    step = {"type": "pool", "pool": "inbound"}
    status, told = await call(house, "PUT", f"/{ID}", {"steps": [step]})
    assert status == 200, told
    spring = await house.client.pool_id("Spring")
    status, code, message = refusal(await house.client.call("DELETE", f"{POOLS}/{spring}"))
    assert (status, code) == (409, "CONFLICT")
    assert "flow 'Solar', as it is deployed: no pool 'spring'" in message
    await deploy(house)
    assert (await house.client.call("DELETE", f"{POOLS}/{spring}"))[0] == 200
    status, _, message = refusal(await deploy(house, body={"version": 1}))
    assert (status, "no pool 'spring'" in message) == (409, True)
    assert await submit(house.app.url) == 1


async def test_a_deleted_flow_is_gone_at_once_and_a_removed_file_is_not(house: House) -> None:
    await deploy(house)
    (house.root / "acme/flows/solar.yaml").unlink()

    async def removed() -> Any:
        return (await state(house))["pending"] == "removed"

    await wait_until(removed, "the removal is loaded")
    assert (await call(house, "GET", f"/{ID}"))[0] == 404
    assert await submit(house.app.url) == 1
    assert (await deploy(house))[0] == 200
    assert await submit(house.app.url) == 404

    (house.root / "acme/flows/solar.yaml").write_text(SOLAR)
    body = {"name": "Made", "sources": [{}], "steps": []}
    _, made = await call(house, "POST", "", body)
    await deploy(house, made["id"])
    source = made["sources"][0]["id"]
    assert await submit(house.app.url, made["id"], source) == 0
    assert (await call(house, "DELETE", f"/{made['id']}"))[1]["id"] == made["id"]
    assert await submit(house.app.url, made["id"], source) == 404
    assert (await deploy(house, made["id"]))[0] == 404


async def test_every_daemon_has_deployed_when_it_is_answered(
    house: House, tmp_path: Path, redis_url: str
) -> None:
    """A follower serves the same texts, tells them, and leaves deploying to the publisher."""
    await deploy(house)
    async with running(
        tmp_path / "nothing", redis_url, config_role="follower", data_dir=tmp_path / "b"
    ) as app:
        follower = House(app, house.root, Client(app.url))
        assert await submit(app.url) == 1
        await call(house, "PUT", f"/{ID}", priced(2))
        assert await submit(app.url) == 1
        assert (await state(follower))["pending"] == "changed"
        assert refusal(await deploy(follower))[:2] == (409, "CONFLICT")
        await deploy(house)
        assert await submit(app.url) == 2
    async with ClientSession() as http, http.get(f"{house.app.url}/-/config") as answer:
        told = (await answer.json())["acme"]
    assert (told["deploy"], told["undeployed"]) == ("manual", {})


async def test_where_saved_is_live_deploying_changes_nothing(
    tmp_path: Path, redis_url: str
) -> None:
    root = lay_out(tmp_path / "config", {**ACME, "flows/solar.yaml": SOLAR})
    async with running(root, redis_url) as app:
        house = House(app, root, Client(app.url))
        before = house.generation()
        assert await deploy(house, "solar") == (200, {"message": DEPLOYED})
        told = await state(house, "solar")
        assert told["id"] == ID
        assert (told["deploy"], told["live"], told["pending"]) == ("auto", True, None)
        assert (told["version"], told["versions"]) == (None, [])
        assert house.generation() == before
        assert refusal(await deploy(house, "nope"))[:2] == (404, "NOT_FOUND")
        status, _, message = refusal(await deploy(house, body={"version": 1}))
        assert (status, "deploy: manual" in message) == (409, True)
        house.client.key = "reader"
        assert (await deploy(house))[0] == 403
