"""Inboxes over HTTP, and live; from real workflows on real daemons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientSession

from daemons import running
from deployed import lay_out
from listening import ACME, bearer
from support import wait_until

TELL = """
name: Tell
trigger_module: leads
trigger_type: lead_created
actions:
  - key: own
    action_type: assign_owner
    config: {algorithm: fixed, user_id: ada, overwrite: true}
  - action_type: send_notification
    config: {to: [owner, "role:manager", ada], title: "New: {{trigger.first_name}}", body: Call}
"""
PATH = "/api/v1/notifications"


def files() -> dict[str, str]:
    """Return Acme's files, with a manager and a workflow that tells people of new leads."""
    organization = ACME["organization.yaml"].replace(
        "handle: bob,", "handle: bob, roles: [manager],"
    )
    assert "manager" in organization
    return {**ACME, "organization.yaml": organization, "workflows/tell.yaml": TELL}


class Caller:
    """Somebody with a key of Acme's."""

    def __init__(self, http: ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def post(self, first_name: str) -> str:
        """Send a lead in and return its id."""
        path = f"{self.url}/intake/acme/webhook"
        async with self.http.post(
            path, json={"first_name": first_name, "email": "a@example.com"}
        ) as response:
            assert response.status == 201, await response.text()
            return str((await response.json())["leadId"])

    async def inbox(self, member: str, **query: str) -> list[dict[str, Any]]:
        """Return a member's notifications."""
        query = {"member": member, **query}
        async with self.http.get(self.url + PATH, params=query) as response:
            assert response.status == 200, await response.text()
            told: list[dict[str, Any]] = (await response.json())["data"]
            return told

    async def told(self, member: str, number: int) -> list[dict[str, Any]]:
        """Return a member's notifications once there are so many."""

        async def enough() -> list[dict[str, Any]]:
            found = await self.inbox(member)
            return found if len(found) >= number else []

        return await wait_until(enough, f"{member} has {number} notifications")

    async def read(self, **body: Any) -> tuple[int, Any]:
        """Say what was read."""
        async with self.http.post(f"{self.url}{PATH}/read", json=body) as response:
            return response.status, await response.json()

    @asynccontextmanager
    async def listening(
        self, last: str | None = None, **query: str
    ) -> AsyncIterator[ClientResponse]:
        """Listen to what is new."""
        headers = {"Last-Event-ID": last} if last else {}
        path = f"{self.url}{PATH}/stream"
        async with self.http.get(path, params=query, headers=headers) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            yield response


async def event(response: ClientResponse) -> dict[str, str]:
    """Return the next event that a listener gets."""
    told: dict[str, str] = {}
    async with asyncio.timeout(10):
        async for raw in response.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "" and "data" in told:
                return told
            if name:
                told[name] = value
    return told


@asynccontextmanager
async def deployed(folder: Path, url: str, **settings: Any) -> AsyncIterator[Caller]:
    root = folder / "config"
    if not root.exists():
        lay_out(root, files())
    async with (
        running(root, url, **settings) as app,
        ClientSession(headers=bearer("all")) as http,
    ):
        yield Caller(http, app.url)


async def test_the_owner_and_a_role_are_told_once_each_and_read_it(
    tmp_path: Path, redis_url: str
) -> None:
    async with deployed(tmp_path, redis_url) as caller:
        lead = await caller.post("Grace")
        (note,) = await caller.told("ada", 1)
        (same,) = await caller.told("bob", 1)
        second = await caller.post("Linus")
        newest, _ = await caller.told("ada", 2)

        assert (note["title"], note["body"], note["recordId"]) == ("New: Grace", "Call", lead)
        assert (note["module"], note["isRead"]) == ("leads", False)
        assert note["id"] == same["id"]
        assert newest["recordId"] == second

        assert await caller.read(member="ada", ids=[note["id"]]) == (200, {"read": 1, "unread": 1})
        assert [one["id"] for one in await caller.inbox("ada", unread="true")] == [newest["id"]]
        assert [one["isRead"] for one in await caller.inbox("ada")] == [False, True]
        assert await caller.read(member="ada") == (200, {"read": 1, "unread": 0})
        assert len(await caller.inbox("bob", unread="true")) == 2


async def test_an_erased_lead_takes_what_was_told_of_it_along(
    tmp_path: Path, redis_url: str
) -> None:
    """No inbox keeps personal data of somebody who was erased."""
    async with deployed(tmp_path, redis_url) as caller:
        lead = await caller.post("Grace")
        await caller.told("ada", 1)
        async with caller.http.delete(f"{caller.url}/api/v1/leads/{lead}?erase=true") as response:
            assert response.status == 200
        assert await caller.inbox("ada") == []
        assert await caller.inbox("bob", unread="true") == []


async def test_what_is_asked_wrongly_is_refused(tmp_path: Path, redis_url: str) -> None:
    async with deployed(tmp_path, redis_url) as caller:
        for query in ({}, {"member": "nobody"}, {"member": "ada", "unread": "maybe"}):
            async with caller.http.get(caller.url + PATH, params=query) as response:
                assert response.status == 400
        for body in ({}, {"member": "ada", "ids": ["x"]}, {"member": "ada", "all": True}):
            assert (await caller.read(**body))[0] == 400
        stream = f"{caller.url}{PATH}/stream"
        async with caller.http.get(stream, headers={"Last-Event-ID": "x"}) as response:
            assert response.status == 400


async def test_a_listener_hears_what_any_daemon_does_and_goes_on_where_it_was(
    tmp_path: Path, redis_url: str
) -> None:
    """Live over two daemons; a listener that was away misses nothing."""
    async with (
        deployed(tmp_path, redis_url) as one,
        deployed(tmp_path, redis_url, data_dir=tmp_path / "other") as other,
    ):
        async with other.listening(member="ada") as response:
            lead = await one.post("Grace")
            first = await event(response)
        told = orjson.loads(first["data"])
        assert (first["event"], told["recordId"]) == ("notification", lead)
        assert len(told["memberIds"]) == 2

        names = ["Linus", "Barbara", "Edsger"]
        for name in names:
            await one.post(name)
        await one.told("ada", 4)
        async with one.listening(first["id"]) as response:
            heard = [orjson.loads((await event(response))["data"])["title"] for _ in names]
        assert heard == [f"New: {name}" for name in names]


async def test_listening_ends_when_the_daemon_stops(tmp_path: Path, redis_url: str) -> None:
    """Nobody who listens holds a daemon up for its drain timeout."""
    async with ClientSession(headers=bearer("all")) as http:
        async with deployed(tmp_path, redis_url, drain_timeout=30) as caller:
            response = await http.get(f"{caller.url}{PATH}/stream")
            assert response.status == 200
            before = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - before < 10
        assert await response.content.read() == b": listening\n\n"
