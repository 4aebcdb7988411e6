"""The OpenAPI document: it tells of every call, and real answers are what it says."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from daemons import running
from deployed import POOLS, lay_out
from listening import ACME, Site, bearer
from pointsman.config.formats import FORMATS
from pointsman.http.openapi import document
from support import wait_until

DOCUMENT = json.loads(json.dumps(document()))
CALLS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]


class Told:
    """Calls a daemon and holds every answer against the document."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: set[tuple[str, str, int]] = set()

    async def __call__(
        self, method: str, template: str, body: Any = None, query: str = "", **names: str
    ) -> Any:
        path = template.format(**names)
        sent = {"data": body} if isinstance(body, str) else {"json": body}
        kind = {"Content-Type": "application/x-ndjson"} if isinstance(body, str) else {}
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                method, f"{self.url}{path}{query}", headers=bearer("all") | kind, **sent
            ) as answer,
        ):
            media = answer.content_type
            endless = media == "text/event-stream"
            raw = await (answer.content.readline() if endless else answer.read())
            status, text = answer.status, raw.decode()
        content = DOCUMENT["paths"][template][method]["responses"][str(status)]["content"]
        schema = {**content[media]["schema"], "components": DOCUMENT["components"]}
        told = json.loads(text) if media == "application/json" else text
        Draft202012Validator(schema, format_checker=FORMATS).validate(told)
        self.seen.add((method, template, status))
        return told


@pytest.fixture
async def call(tmp_path: Path, redis_url: str) -> AsyncIterator[Told]:
    tree = {**ACME, "workflows/tag.yaml": TAG, "flows/counted.yaml": COUNTED, "lists/l.yaml": LIST}
    root = lay_out(tmp_path / "config", tree)
    async with running(root, redis_url) as app:
        yield Told(app.url)


TAG = """\
name: Tag
trigger_module: leads
trigger_type: lead_created
actions: [{key: tag, action_type: add_tag, config: {tag: new}}]
"""
COUNTED = """\
name: Counted
fields: [email]
caps: [{maximum: 5, duration_units: day}]
ping_limits: [{maximum: 5, duration_units: day}]
sources: [{key: a}]
steps: []
"""
LIST = "name: Listed\n"
POOL, CONNECTIONS = f"{POOLS}/{{id}}", f"{POOLS}/{{id}}/connections"


async def test_real_answers_are_what_the_document_says(call: Told) -> None:
    """Every call is made once with success, and as it should not be made."""
    people = [each["id"] for each in (await call("get", "/api/v1/members"))["data"]]
    await call("post", POOLS, {})
    pool = await call(
        "post", POOLS, {"name": "North", "participantIds": people, "followerUserId": people[0]}
    )
    await call("post", POOLS, {"name": "N", "participantIds": people, "connections": [{}]})
    await call("patch", POOL, {"goalWonDeals": 3}, id=pool["id"])
    await call("patch", POOL, {"goalWonDeals": -3}, id=pool["id"])
    await call("patch", POOL, {"goalWonDeals": 3}, id=people[0])
    connection = await call("post", CONNECTIONS, {"sourceKey": "a"}, id=pool["id"])
    await call("post", CONNECTIONS, {"connection": {"source": "meta"}}, id=pool["id"])
    await call("post", CONNECTIONS, {"sourceKey": "a"}, id=pool["id"])
    await call("get", POOL, id=pool["id"])
    await call("get", POOL, id="x")
    await call(
        "delete", f"{CONNECTIONS}/{{connection}}", id=pool["id"], connection=connection["id"]
    )
    await call("get", POOLS, query="?status=on")
    inbound = next(each for each in (await call("get", POOLS))["data"] if each["name"] == "Inbound")
    await call("post", "/api/v1/leads", {"email": 5})
    lead = await call("post", "/api/v1/leads", {"email": "a@example.com", "assign": False})
    assign = f"{POOLS}/assign"
    assert (await call("post", assign, {"leadId": lead["leadId"]}))["assigned"] is True
    await call("post", assign, {"leadId": lead["leadId"]})
    await call("post", assign, {"leadId": people[0]})
    await call("get", f"{POOL}/assignments", id=inbound["id"])
    await call("get", POOL, id=inbound["id"])
    await call("post", "/api/v1/leads/bulk", '{"email": "b@example.com"}\n')
    await call("get", "/api/v1/leads/{id}", id=lead["leadId"])
    await call("get", "/api/v1/leads", query="?limit=1&page=1")
    await call("patch", "/api/v1/leads/{id}", {"stage": "new"}, id=lead["leadId"])
    await owners(call, lead["leadId"], inbound["id"])
    await call("delete", POOL, id=pool["id"])
    await records(call)
    await runs(call)
    await workflows(call)
    await flows(call)
    await notifications(call, people[0])
    await call("delete", "/api/v1/leads/{id}", query="?erase=true", id=lead["leadId"])
    await call("delete", "/api/v1/leads/{id}", id=lead["leadId"])

    done = {(method, path) for method, path, status in call.seen if status < 300}
    assert done == set(CALLS)


async def notifications(call: Told, member: str) -> None:
    inbox = "/api/v1/notifications"
    await call("get", inbox, query=f"?member={member}")
    await call("get", inbox)
    await call("get", f"{inbox}/stream")
    await call("post", f"{inbox}/read", {"member": member})
    await call("post", f"{inbox}/read", {"member": "nobody"})


WORKFLOWS, LETTERS = "/api/v1/workflows", "/api/v1/dead-letters"
WORKFLOW, RUN = f"{WORKFLOWS}/{{id}}", f"{WORKFLOWS}/runs/{{id}}"
FAILS = {
    "name": "Fails",
    "triggerModule": "leads",
    "triggerType": "lead_created",
    "triggerFilters": {"conditions": [{"field": "tags", "operator": "is_empty"}]},
    "actions": [{"actionType": "webhook", "config": {"url": "http://10.0.0.1/"}}],
}


async def flows(call: Told) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{call.url}/flows/counted/sources/a/submit", json={"email": "a@b.c"}) as answer,
    ):
        lead = (await answer.json())["lead"]["id"]
    await call("get", "/api/v1/caps")
    await call("get", "/api/v1/ping_limits")
    assert (await call("get", "/api/v1/events"))["data"]
    await call("get", "/api/v1/events", query="?sort=up")
    await call("get", "/api/v1/events/{id}", id=f"{lead}00")
    await call("get", "/api/v1/events/{id}", id="x")
    await call("get", "/api/v1/lists")
    items = "/api/v1/lists/{name}/items"
    await call("post", items, {"values": ["x"]}, name="l")
    await call("post", items, {"values": []}, name="l")
    await call("post", items, {"values": ["x"]}, name="m")
    assert (await call("get", items, query="?value=X", name="l"))["found"]
    await call("delete", items, {"values": ["x"]}, name="l")
    await flows_themselves(call)


async def flows_themselves(call: Told) -> None:
    """Make, read, change and delete flows."""
    path = "/api/v1/flows/{id}"
    (counted,) = await call("get", "/api/v1/flows")
    made = await call("post", "/api/v1/flows", {"name": "Made", "sources": [{}], "steps": []})
    await call("post", "/api/v1/flows", {"name": "Made", "sources": [{}]})
    await call("post", "/api/v1/flows", {**made})
    await call("get", path, id=made["id"])
    await call("get", path, id="x")
    await call("put", path, made, id=made["id"])
    await call("put", path, {"steps": 1}, id=made["id"])
    await call("put", "/api/v1/flows", [{"id": counted["id"], "enabled": True}])
    await call("put", "/api/v1/flows", [{"id": "x"}])
    await call("post", f"{path}/deploy", id=made["id"])
    await call("post", f"{path}/deploy", {"version": 1}, id=made["id"])
    await call("get", f"{path}/deploy", id=made["id"])
    await call("get", f"{path}/fields", id=counted["id"])
    await call("get", f"{path}/fields/usage", id=counted["id"])
    await call("get", f"{path}/fields/usage", query="?timeframe=x", id=counted["id"])
    await call("delete", path, id=made["id"])
    await call("get", "/api/v1/destinations", query="?include=flow_usages")


async def records(call: Told) -> None:
    """Make, find, change and delete records."""
    path = "/api/v1/records/{module}"
    await call("post", path, {"name": ""}, module="accounts")
    account = await call("post", path, {"name": "A", "employees": 5}, module="accounts")
    deal = {"name": "D", "amount": 2, "accountId": account["id"], "stage": "won"}
    named = {
        "module": "opportunities",
        "id": (await call("post", path, deal, module="opportunities"))["id"],
    }
    await call("post", path, {"email": "c@example.com"}, module="leads")
    await call("get", path, query="?limit=1", module="accounts")
    await call("get", path, query="?email=c@example.com", module="leads")
    await call("get", path, module="cars")
    await call("post", f"{path}/bulk", '{"title": "T"}\n', module="tasks")
    await call("get", f"{path}/{{id}}", **named)
    await call("patch", f"{path}/{{id}}", {"amount": None}, **named)
    await call("patch", f"{path}/{{id}}", {"amount": True}, **named)
    await call("delete", f"{path}/{{id}}", **named)
    await call("delete", f"{path}/{{id}}", query="?erase=true", module="accounts", id=account["id"])
    await call("delete", f"{path}/{{id}}", **named)


async def runs(call: Told) -> None:
    """Read the runs of the only workflow, and one of them."""
    (workflow,) = (await call("get", WORKFLOWS))["data"]
    path = f"{WORKFLOW}/runs"

    async def first() -> Any:
        return (await call("get", path, id=workflow["id"]))["data"]

    (run, *_) = await wait_until(first, "a run is there")
    await call("get", RUN, id=run["id"])
    await call("get", path, id="x")
    await call("get", WORKFLOWS, query="?module=cats")
    await call("get", WORKFLOW, id=workflow["id"])
    await call("get", WORKFLOW, id="x")


async def workflows(call: Told) -> None:
    """Make a workflow, let it fail, look after that, and remove it."""
    await call("post", WORKFLOWS, {**FAILS, "name": 5})
    made = await call("post", WORKFLOWS, FAILS)
    await call("put", WORKFLOW, {"description": "x"}, id=made["id"])
    await call("put", WORKFLOW, {}, id="x")
    await call("patch", f"{WORKFLOW}/toggle", {}, id=made["id"])
    await call("patch", f"{WORKFLOW}/toggle", {"isActive": True}, id=made["id"])
    await call("patch", f"{WORKFLOW}/toggle", {}, id="x")
    await call("post", "/api/v1/leads", {"email": "c@example.com", "assign": False})

    async def letters() -> Any:
        return (await call("get", LETTERS))["data"]

    (letter,) = await wait_until(letters, "a dead letter is there")
    name, run = {"id": letter["id"]}, {"id": letter["runId"]}
    await call("get", f"{LETTERS}/{{id}}", **name)
    await call("post", f"{LETTERS}/{{id}}/retry", {}, **name)
    await wait_until(letters, "it failed again")
    await call("delete", f"{LETTERS}/{{id}}", **name)
    for method, path in [("get", ""), ("delete", ""), ("post", "/retry")]:
        await call(method, f"{LETTERS}/{{id}}{path}", **name)
    await call("post", f"{RUN}/cancel", **run)
    await call("post", f"{RUN}/retry", **run)
    await call("get", f"{WORKFLOWS}/runs", query="?workflowId=" + made["id"])
    new = await call("post", f"{RUN}/replay", **run)
    await wait_until(letters, "it failed as well")
    for action in ("cancel", "retry", "replay"):
        await call("post", f"{RUN}/{action}", id="x")
    asleep = {"actions": [{"actionType": "wait", "config": {"duration": "1h"}}]}
    await call("put", WORKFLOW, asleep, id=made["id"])
    waiting = await call("post", f"{RUN}/replay", id=new["id"])
    assert (await call("post", f"{RUN}/cancel", id=waiting["id"]))["status"] == "cancelled"
    await call("post", f"{RUN}/retry", id=waiting["id"])
    await call("delete", WORKFLOW, id=made["id"])
    await call("post", f"{RUN}/replay", id=waiting["id"])
    await call("delete", WORKFLOW, id=made["id"])


async def owners(call: Told, lead: str, pool: str) -> None:
    """Let an assigned lead go through all hands, and give a turn back."""
    path = "/api/v1/leads/{id}"
    await call("post", f"{path}/reassign", {"next": True, "credit": True, "note": "ill"}, id=lead)
    await call("post", f"{path}/reassign", {}, id=lead)
    left = await call("post", f"{path}/unassign", {}, id=lead)
    await call("post", f"{path}/unassign", {}, id=lead)
    wanted = {"assignedToId": left["previousId"], "roundRobinId": pool}
    await call("post", f"{path}/assignee", wanted, id=lead)
    await call("post", f"{path}/assignee", wanted, id=lead)
    wanted.pop("roundRobinId")
    await call("post", f"{path}/accept", wanted, id=lead)
    await call("post", f"{path}/accept", wanted, id=pool)
    await call("get", path, id=lead)
    row, *_ = (await call("get", f"{POOL}/assignments", id=pool))["data"]
    credit = f"{POOL}/assignments/{{assignment}}/credit"
    for assignment in (row["id"], row["id"], pool):
        await call("post", credit, {}, id=pool, assignment=assignment)


async def test_the_document_tells_of_every_call_that_is_served(site: Site) -> None:
    """If this fails: add the call to http/api_operations.py."""
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in site.client.server.app.router.routes()  # type: ignore[attr-defined]
        if route.resource and route.method != "HEAD"
    }

    ours = {each for each in served if each[1].startswith("/api/v1/")}
    assert ours - {("get", "/api/v1/openapi.json"), ("get", "/api/v1/docs")} == set(CALLS)


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert named == set(schemas), "each is used"
    names = [
        call["operationId"] for methods in DOCUMENT["paths"].values() for call in methods.values()
    ]
    assert len(set(names)) == len(names)


async def test_anybody_may_read_the_document(site: Site) -> None:
    answer = await site.client.get("/api/v1/openapi.json")

    assert (answer.status, await answer.json()) == (200, DOCUMENT)


async def test_the_page_shows_every_call_and_loads_nothing(site: Site) -> None:
    answer = await site.client.get("/api/v1/docs")
    text = await answer.text()

    assert answer.content_type == "text/html"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for method, path in CALLS:
        assert f"<b>{method}</b>{path}</h3>" in text
    assert not re.search(r"https?://|<script|<link|<img|src=|url\(|@import", text)
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
