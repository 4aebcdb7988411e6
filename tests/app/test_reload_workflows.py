"""What a reload does to workflows, and what a workflow can do to a reload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from redis.asyncio import Redis

from daemons import running
from listening import bearer, filled
from pointsman.app.lifecycle import App
from pointsman.store.keys import Keys
from pointsman.testing import Received, receiver
from support import wait_until
from trees import MINIMAL, write

ORGANIZATION = MINIMAL["organization.yaml"] + (
    "api_keys: [{name: all, sha256: %(all)s, scopes: [superuser]}]\n"
    "outbound: {allow_networks: [127.0.0.0/8]}\n"
    "allow_mass_delete: true\n"
)
WORKFLOWS = "/api/v1/workflows"


def workflow(name: str, *actions: str, trigger: str = "lead_created") -> str:
    """Return a workflow's file."""
    head = f"name: {name}\ntrigger_module: leads\ntrigger_type: {trigger}\nactions:\n"
    return head + "".join(f"  - {action}\n" for action in actions)


def post(url: str, **config: Any) -> str:
    told = "".join(f", {name}: {value}" for name, value in config.items())
    return f"{{action_type: webhook, config: {{url: '{url}'{told}}}}}"


def tag(name: str) -> str:
    return f"{{action_type: add_tag, config: {{tag: {name}}}}}"


class House:
    """A daemon on a tree."""

    def __init__(self, app: App, root: Path, http: ClientSession) -> None:
        self.app = app
        self.root = root
        self._http = http

    async def call(self, method: str, path: str, **request: Any) -> Any:
        async with self._http.request(
            method, self.app.url + path, headers=bearer("all"), **request
        ) as answer:
            assert answer.status < 400, await answer.text()
            return await answer.json()

    async def lead(self) -> str:
        told = await self.call("POST", "/intake/acme/webhook", json={"firstName": "Grace"})
        return str(told["leadId"])

    async def tags(self, lead: str) -> list[str]:
        return list((await self.call("GET", f"/api/v1/leads/{lead}")).get("tags", ()))

    async def runs(self, query: str = "") -> list[Any]:
        return list((await self.call("GET", f"{WORKFLOWS}/runs?limit=100{query}"))["data"])

    async def finished(self, number: int) -> list[Any]:
        async def done() -> list[Any]:
            runs = await self.runs()
            return runs if len(runs) == number and all(run["finishedAt"] for run in runs) else []

        return await wait_until(done, f"{number} runs are over")

    async def reload(self) -> float:
        """Reload and return how long it took."""
        began = time.monotonic()
        await self.call("POST", "/-/reload")
        return time.monotonic() - began

    def names(self) -> set[str]:
        """Return the names of the active workflows."""
        organization = self.app.serving.current.organizations["acme"]
        return {each.name for listed in organization.triggers.values() for each in listed}


def lay_out(root: Path, files: dict[str, str | None]) -> Path:
    write(root, {"organization.yaml": ORGANIZATION, **files})
    path = root / "acme/organization.yaml"
    path.write_text(filled({"organization.yaml": path.read_text()})["organization.yaml"])
    return root


@pytest.fixture(name="open_house")
async def opener(tmp_path: Path, redis_url: str) -> AsyncIterator[Any]:
    """Give a daemon on a tree with these files."""
    async with ClientSession() as http:

        @asynccontextmanager
        async def opened(files: dict[str, str | None]) -> AsyncIterator[House]:
            root = lay_out(tmp_path / "config", files)
            async with running(root, redis_url) as app:
                yield House(app, root, http)

        yield opened


class Gate:
    """A receiver's answer that does not come before it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.ids: list[str] = []

    async def __call__(self, got: Received) -> web.StreamResponse:
        self.ids.append(got.headers["webhook-id"])
        await self.open.wait()
        return web.Response()


async def test_a_reload_with_open_runs_delivers_nothing_twice(open_house: Any) -> None:
    """L4: neither what is under way nor what waits is begun again."""
    gate = Gate()
    async with receiver(gate) as peer:
        files = {
            "workflows/tell.yaml": workflow("Tell", post(peer.url), tag("told")),
            "workflows/later.yaml": workflow(
                "Later", "{action_type: wait, config: {duration: 1h}}", post(peer.url)
            ),
        }
        async with open_house(files) as house:
            lead = await house.lead()
            await wait_until(lambda: gate.ids, "the delivery is under way")
            for number in range(5):
                (house.root / "acme/workflows/later.yaml").write_text(
                    files["workflows/later.yaml"] + f"description: v{number}\n"
                )
                await house.reload()
            gate.open.set()
            await wait_until(lambda: tagged(house, lead, "told"), "the run has ended")
            runs = await house.runs()

    assert len(gate.ids) == 1
    assert sorted(run["status"] for run in runs) == ["succeeded", "waiting"]


async def tagged(house: House, lead: str, name: str) -> bool:
    return name in await house.tags(lead)


async def test_a_destination_that_swallows_everything_holds_no_reload_up(open_house: Any) -> None:
    """L7: deliveries hang, more wait for them, and a reload takes less than two seconds."""
    gate = Gate()
    async with receiver(gate) as peer:
        text = workflow("Tell", post(peer.url, timeout=60))
        async with open_house({"workflows/tell.yaml": text}) as house:
            await asyncio.gather(*(house.lead() for _ in range(40)))
            await wait_until(lambda: len(gate.ids) >= 10, "deliveries hang")
            (house.root / "acme/workflows/tell.yaml").write_text(
                text.replace("name: Tell", "name: Told")
            )
            took = await house.reload()
            names = house.names()
            gate.open.set()
            await house.finished(40)

    assert took < 2
    assert names == {"Told"}
    assert len(set(gate.ids)) == 40


async def test_replacing_every_workflow_pool_and_flow_keeps_open_runs_going(
    open_house: Any,
) -> None:
    """L8, L15: old runs end as they began, new leads meet the new rules only."""
    gate = Gate()
    async with receiver(gate) as peer:
        old: dict[str, str | None] = {
            "workflows/one.yaml": workflow("One", post(peer.url), tag("one")),
            "workflows/two.yaml": workflow("Two", tag("two")),
            "flows/all.yaml": "name: All\nsources: [{name: Site, intake: webhook}]\n"
            "steps: [{type: pool, pool: inbound}]\n",
        }
        async with open_house(old) as house:
            first = await house.lead()
            await wait_until(lambda: gate.ids, "a run is open")
            for path in [*old, "pools/inbound.yaml"]:
                (house.root / "acme" / path).unlink()
            lay_out(
                house.root,
                {
                    "pools/inbound.yaml": None,
                    "pools/other.yaml": "name: Other\nparticipants: [bruno]\n",
                    "workflows/new.yaml": workflow("New", tag("new")),
                    "flows/other.yaml": "name: Other\nsources: [{name: Web, intake: webhook}]\n"
                    "steps: [{type: pool, pool: other}]\n",
                },
            )
            await house.reload()
            second = await house.lead()
            gate.open.set()
            runs = await house.finished(3)
            tags = [sorted(await house.tags(lead)) for lead in (first, second)]

    assert {run["workflowName"] for run in runs} == {"One", "Two", "New"}
    assert {run["status"] for run in runs} == {"succeeded"}
    assert tags == [["one", "two"], ["new"]]


async def test_a_workflow_that_reloads_its_own_replacement_leaves_nothing_half_applied(
    open_house: Any,
) -> None:
    """L12: the action's request is answered, its run ends, and every workflow is the new one."""
    count = 12
    async with open_house({}) as house:
        reload = post(f"{house.app.url}/-/reload")
        for number in range(count):
            lay_out(
                house.root, {f"workflows/w{number}.yaml": workflow(f"Old {number}", tag("old"))}
            )
        lay_out(house.root, {"workflows/w0.yaml": workflow("Old 0", reload, tag("reloaded"))})
        await house.reload()
        assert len(house.names()) == count
        for number in range(count):
            action = tag("new")
            lay_out(house.root, {f"workflows/w{number}.yaml": workflow(f"New {number}", action)})
        lead = await house.lead()
        await wait_until(lambda: tagged(house, lead, "reloaded"), "the run has ended")
        told = await house.call("GET", "/-/config")
        (run,) = [each for each in await house.runs() if each["workflowName"] == "Old 0"]
        details = await house.call("GET", f"{WORKFLOWS}/runs/{run['id']}")
        second = await house.lead()
        await wait_until(lambda: tagged(house, second, "new"), "the new rules hold")
        again = await house.runs()

    assert house.names() == {f"New {number}" for number in range(count)}
    assert run["status"] == "succeeded"
    assert details["steps"][0]["output"]["body"] == {"acme": told["acme"]["generation"]}
    later = [each for each in again if each["recordId"] == second]
    assert {each["workflowName"] for each in later} <= {f"New {n}" for n in range(count)}


async def test_history_survives_restarts_that_nobody_reads_it_between(
    open_house: Any,
) -> None:
    """L14: runs, their steps and what is left of them are there after two restarts."""
    async with receiver(404) as peer:
        files = {
            "workflows/mark.yaml": workflow("Mark", tag("a"), tag("b")),
            "workflows/tell.yaml": workflow("Tell", post(peer.url)),
        }
        async with open_house(files) as house:
            await house.lead()
            before = await house.finished(2)
            ids = [run["id"] for run in before]
            steps = [await house.call("GET", f"{WORKFLOWS}/runs/{each}") for each in ids]
        async with open_house(files):
            pass
        async with open_house(files) as house:
            after = [await house.call("GET", f"{WORKFLOWS}/runs/{each}") for each in ids]
            listed = await house.runs()
            letters = await house.call("GET", "/api/v1/dead-letters")
            (tell,) = (
                each
                for each in (await house.call("GET", WORKFLOWS))["data"]
                if each["name"] == "Tell"
            )

    assert after == steps
    assert listed == before
    assert letters["pagination"]["total"] == 1
    assert (tell["version"], tell["runCount"]) == (1, 1)


async def test_a_workflow_that_is_off_starts_nothing_and_its_open_runs_go_on(
    open_house: Any, redis: Redis
) -> None:
    """L15, L16: removed and switched off are the same for what is new and for what is open."""
    gate = Gate()
    async with receiver(gate) as peer:
        files = {
            "workflows/off.yaml": workflow("Off", post(peer.url), tag("off")),
            "workflows/gone.yaml": workflow("Gone", post(peer.url), tag("gone")),
        }
        async with open_house(files) as house:
            first = await house.lead()
            await wait_until(lambda: len(gate.ids) == 2, "both runs are open")
            ids = {
                each["name"]: each["id"] for each in (await house.call("GET", WORKFLOWS))["data"]
            }
            await house.call("PATCH", f"{WORKFLOWS}/{ids['Off']}/toggle")
            await house.call("DELETE", f"{WORKFLOWS}/{ids['Gone']}")
            second = await house.lead()
            gate.open.set()
            await house.finished(2)
            tags = [sorted(await house.tags(lead)) for lead in (first, second)]
            await house.reload()
            third = await house.lead()
            await wait_until(lambda: settled(redis, house), "every event is handled")
            runs = await house.runs()

    assert tags == [["gone", "off"], []]
    assert {run["recordId"] for run in runs} == {first}
    assert third != first


async def settled(redis: Redis, house: House) -> bool:
    events = Keys(house.app.serving.current.organizations["acme"].id).events
    groups = await redis.xinfo_groups(events)
    return not groups[0]["pending"] and not groups[0]["lag"]
