"""What workflows did, over the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from listening import ACME, Site, bearer, listening
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.store.redis import RedisStore
from pointsman.workflows.engine import Engine
from support import wait_until

PATH = "/api/v1/workflows"
GREET = """
name: Greet
trigger_module: leads
trigger_type: lead_created
actions:
  - {action_type: add_tag, config: {tags: ["new", "{{trigger.nobody}}x"]}}
"""


async def get(site: Site, path: str, key: str = "all") -> Any:
    return await site.client.get(f"{PATH}{path}", headers=bearer(key))


def workflow_id(site: Site) -> str:
    (identifier,) = site.serving.current.organizations["acme"].workflows
    return identifier


async def test_runs_are_listed_newest_first_and_told_in_full(
    store: RedisStore, redis_url: str
) -> None:
    files = {**ACME, "workflows/greet.yaml": GREET}
    async with listening(store, {"acme": files}) as site:
        services = site.services
        engine = Engine(site.serving, store, services.settings, redis_url)
        working = asyncio.create_task(engine.run())
        leads = [(await site.post_lead({"email": f"{n}@example.com"}))["leadId"] for n in range(3)]

        async def listed() -> Any:
            page = await (await get(site, f"/{workflow_id(site)}/runs?limit=2&page=1")).json()
            done = [run["status"] == "succeeded" for run in page["data"]]
            return page["pagination"]["total"] == 3 and all(done) and page

        page = await wait_until(listed, "three runs are done")
        rest = await (await get(site, f"/{workflow_id(site)}/runs?limit=2&page=2")).json()
        run = await (await get(site, f"/runs/{rest['data'][0]['id']}")).json()
        working.cancel()
        await asyncio.wait([working])

    seen = [entry["recordId"] for entry in (*page["data"], *rest["data"])]
    assert sorted(seen) == sorted(leads)
    assert page["pagination"] == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}
    assert rest["pagination"] == {"total": 3, "limit": 2, "offset": 2, "hasMore": False}
    assert (run["workflowName"], run["triggerType"], run["error"]) == (
        "Greet",
        "lead_created",
        None,
    )
    assert run["trigger"]["id"] == run["recordId"] == lead_uuid(str(parse_lead_id(run["recordId"])))
    (step,) = run["steps"]
    assert (step["actionType"], step["sortOrder"], step["attempts"]) == ("add_tag", 1, 1)
    assert step["input"] == {"tags": ["new", "x"]}
    assert step["output"] == {"added": ["new", "x"]}
    assert step["missing"] == ["trigger.nobody"]


async def test_what_is_unknown_is_not_found(site: Site) -> None:
    for path in ("/nobody/runs", "/runs/nobody"):
        answer = await get(site, path)
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "NOT_FOUND"


async def test_runs_want_their_scope(site: Site) -> None:
    assert (await get(site, "/runs/x", "reader")).status == 403


@pytest.mark.parametrize("query", ["page=0", "page=x", "limit=0", "limit=101"])
async def test_a_page_out_of_range_is_refused(site: Site, query: str) -> None:
    assert (await get(site, f"/x/runs?{query}")).status == 400
