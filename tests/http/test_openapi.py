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
from pointsman.ids import derived
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
            status, text = answer.status, await answer.text()
            media = answer.content_type
        content = DOCUMENT["paths"][template][method]["responses"][str(status)]["content"]
        schema = {**content[media]["schema"], "components": DOCUMENT["components"]}
        told = json.loads(text) if media == "application/json" else text
        Draft202012Validator(schema, format_checker=FORMATS).validate(told)
        self.seen.add((method, template, status))
        return told


@pytest.fixture
async def call(tmp_path: Path, redis_url: str) -> AsyncIterator[Told]:
    root = lay_out(tmp_path / "config", {**ACME, "workflows/tag.yaml": TAG})
    async with running(root, redis_url) as app:
        yield Told(app.url)


TAG = """\
name: Tag
trigger_module: leads
trigger_type: lead_created
actions: [{key: tag, action_type: add_tag, config: {tag: new}}]
"""
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
    await call("delete", POOL, id=pool["id"])
    await runs(call)
    await call("delete", "/api/v1/leads/{id}", query="?erase=true", id=lead["leadId"])
    await call("delete", "/api/v1/leads/{id}", id=lead["leadId"])

    done = {(method, path) for method, path, status in call.seen if status < 300}
    assert done == set(CALLS)


async def runs(call: Told) -> None:
    """Read the runs of the only workflow, and one of them."""
    async with aiohttp.ClientSession() as http, http.get(f"{call.url}/-/config") as answer:
        identifier = (await answer.json())["acme"]["id"]
    workflow = derived(identifier, "workflow", "workflows/tag.yaml")
    path = "/api/v1/workflows/{id}/runs"

    async def first() -> Any:
        return (await call("get", path, id=workflow))["data"]

    (run, *_) = await wait_until(first, "a run is there")
    await call("get", "/api/v1/workflows/runs/{id}", id=run["id"])
    await call("get", path, id="x")


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
