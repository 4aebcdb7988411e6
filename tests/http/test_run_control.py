"""What people do to runs over the API, and who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from listening import ACME, Site, bearer, filled, listening, publish_files
from pointsman import observe
from pointsman.store.generations import GenerationStore
from pointsman.store.redis import RedisStore
from pointsman.workflows.engine import Engine
from support import wait_until

RUNS, LETTERS = "/api/v1/workflows/runs", "/api/v1/dead-letters"
HEAD = "trigger_module: leads\ntrigger_type: lead_created\nactions:\n"
ASLEEP = f"name: Asleep\n{HEAD}  - {{action_type: wait, config: {{duration: 1h}}}}\n"
CONFIG = "{url: 'http://10.0.0.1/', response_mapping: {output: {the_id: id}}}"
FAILS = f"name: Fails\n{HEAD}  - {{action_type: webhook, config: {CONFIG}}}\n"
KEYS = """
  - {name: looks, sha256: %(looks)s, scopes: ["workflows:read", "deadletters:read"]}
  - {name: acts, sha256: %(acts)s, scopes: ["workflows:write", "deadletters:write"]}
"""
FILES = {
    **ACME,
    "organization.yaml": ACME["organization.yaml"].replace(
        "api_keys:", f"api_keys:{KEYS.rstrip()}"
    ),
    "workflows/asleep.yaml": ASLEEP,
    "workflows/fails.yaml": FAILS,
}


@pytest.fixture(name="site")
async def working_site(store: RedisStore, redis_url: str) -> AsyncIterator[Site]:
    """Acme with a workflow that waits and one that fails, and one lead that both ran for."""
    async with listening(store, {"acme": FILES}) as site:
        services = site.services
        engine = Engine(site.serving, store, services.settings, redis_url)
        working = asyncio.create_task(engine.run())
        await site.post_lead()
        await wait_until(lambda: _settled(site), "both have run")
        yield site
        working.cancel()
        await asyncio.wait([working])


async def _settled(site: Site) -> bool:
    _, told = await call(site, "GET", RUNS)
    return {run["status"] for run in told["data"]} == {"waiting", "failed"}


async def call(site: Site, method: str, path: str, key: str = "all") -> tuple[int, Any]:
    answer = await site.client.request(method, path, headers=bearer(key))
    return answer.status, await answer.json()


async def run_of(site: Site, status: str) -> Any:
    """Return the run of a status."""
    _, told = await call(site, "GET", f"{RUNS}?status={status}")
    return told["data"][0]


def counted(outcome: str) -> float:
    return (
        observe.REGISTRY.get_sample_value(
            "pointsman_workflow_runs_total", {"organization": "acme", "outcome": outcome}
        )
        or 0
    )


async def test_runs_are_found_across_workflows(site: Site) -> None:
    _, everything = await call(site, "GET", RUNS)
    waiting, failed = await run_of(site, "waiting"), await run_of(site, "failed")
    _, mine = await call(site, "GET", f"{RUNS}?workflowId={failed['workflowId'].upper()}")
    _, none = await call(site, "GET", f"{RUNS}?status=failed&workflowId={waiting['workflowId']}")

    assert {run["workflowName"] for run in everything["data"]} == {"Asleep", "Fails"}
    assert (waiting["workflowName"], failed["workflowName"]) == ("Asleep", "Fails")
    assert (waiting["version"], waiting["generation"]) == (1, 1)
    assert waiting["dueAt"] > waiting["startedAt"]
    assert mine["data"] == [failed]
    assert none["pagination"] == {"total": 0, "limit": 50, "offset": 0, "hasMore": False}
    assert (await call(site, "GET", f"{RUNS}?status=asleep"))[0] == 400


async def test_what_waited_when_its_run_was_cancelled_waits_no_more(site: Site) -> None:
    run, before = await run_of(site, "waiting"), counted("cancelled")

    status, told = await call(site, "POST", f"{RUNS}/{run['id']}/cancel", "acts")
    again = await call(site, "POST", f"{RUNS}/{run['id']}/cancel")

    assert (status, told["status"], told["error"]) == (
        200,
        "cancelled",
        "cancelled by API key 'acts'",
    )
    assert [step["status"] for step in told["steps"]] == ["cancelled"]
    assert again == (200, told)
    assert counted("cancelled") - before == 1
    assert (await call(site, "GET", f"{RUNS}?status=waiting"))[1]["data"] == []


async def test_what_cannot_be_done_is_refused_with_the_reason(site: Site) -> None:
    waiting, failed = await run_of(site, "waiting"), await run_of(site, "failed")

    answers = [
        await call(site, "POST", f"{RUNS}/{failed['id']}/cancel"),
        await call(site, "POST", f"{RUNS}/{waiting['id']}/retry"),
        await call(site, "POST", f"{RUNS}/{'0' * 36}/retry"),
        await call(site, "POST", f"{LETTERS}/{waiting['id']}:1/retry"),
        await call(site, "GET", f"{LETTERS}/nonsense"),
    ]

    assert [(status, told["error"]["message"]) for status, told in answers] == [
        (409, "the run is over already: failed"),
        (409, "the run is not over yet; cancel it, or wait for its end"),
        (404, "no such run"),
        (404, "no such dead letter"),
        (404, "no such dead letter"),
    ]


async def test_a_replay_wants_an_active_workflow(site: Site, store: RedisStore) -> None:
    failed = await run_of(site, "failed")
    generations = GenerationStore(store, site.services.settings)
    files = filled(FILES)
    assert "%(" not in files["organization.yaml"]

    await publish_files(
        site.serving,
        generations,
        "acme",
        {**FILES, "workflows/fails.yaml": f"{FAILS}is_active: false\n"},
    )
    off = await call(site, "POST", f"{RUNS}/{failed['id']}/replay")
    await publish_files(
        site.serving,
        generations,
        "acme",
        {name: text for name, text in FILES.items() if name != "workflows/fails.yaml"},
    )
    gone = await call(site, "POST", f"{RUNS}/{failed['id']}/replay")

    assert (off[0], off[1]["error"]["message"]) == (
        409,
        "the workflow 'Fails' is not active; switch it on first",
    )
    assert (gone[0], gone[1]["error"]["code"]) == (409, "CONFLICT")
    _, kept = await call(site, "GET", f"/api/v1/workflows/{failed['workflowId']}/runs")
    assert [run["id"] for run in kept["data"]] == [failed["id"]]


async def test_a_dead_letter_tells_what_was_to_be_done(site: Site) -> None:
    _, listed = await call(site, "GET", LETTERS, "looks")
    (letter,) = listed["data"]
    _, told = await call(site, "GET", f"{LETTERS}/{letter['id']}", "looks")
    _, run = await call(site, "GET", f"{RUNS}/{letter['runId']}")

    assert letter["id"] == f"{letter['runId']}:1"
    assert (letter["workflowName"], letter["actionType"], letter["attempts"]) == (
        "Fails",
        "webhook",
        1,
    )
    assert "10.0.0.1" in letter["error"]
    step = run["steps"][0]["input"]
    assert step["responseMapping"] == {"output": {"the_id": "id"}}, "as the workflow's page has it"
    assert told == {**letter, "step": run["steps"][0]}
    assert await call(site, "DELETE", f"{LETTERS}/{letter['id']}", "acts") == (
        200,
        {"deleted": True, "id": letter["id"]},
    )
    assert (await call(site, "GET", LETTERS))[1]["pagination"]["total"] == 0
    assert (await run_of(site, "failed"))["id"] == letter["runId"], "the run stays"


async def test_looking_and_acting_want_their_own_scopes(site: Site) -> None:
    run = (await run_of(site, "failed"))["id"]

    for method, path in [
        ("GET", RUNS),
        ("GET", LETTERS),
        ("GET", f"{LETTERS}/{run}:1"),
    ]:
        assert (await call(site, method, path, "looks"))[0] == 200
        assert (await call(site, method, path, "acts"))[0] == 403
    for method, path in [
        ("POST", f"{RUNS}/{run}/cancel"),
        ("POST", f"{RUNS}/{run}/retry"),
        ("POST", f"{RUNS}/{run}/replay"),
        ("POST", f"{LETTERS}/{run}:1/retry"),
        ("DELETE", f"{LETTERS}/{run}:1"),
    ]:
        assert (await call(site, method, path, "looks"))[0] == 403
