"""The operator's pages, and who may see them."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from listening import Site, listening
from pointsman.errors import ConfigError, Problem
from pointsman.http.application import admin_application
from pointsman.http.services import Check
from pointsman.store.redis import RedisStore

ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}
OPERATOR = [("GET", "/-/config"), ("GET", "/metrics"), ("POST", "/-/reload")]


async def test_health_is_anyone_s_business(site: Site) -> None:
    answer = await site.client.get("/-/healthy", headers=ELSEWHERE)

    assert (answer.status, await answer.json()) == (200, {"healthy": True})


async def test_readiness_tells_the_operator_why(site: Site) -> None:
    site.operator.checks = (Check("redis", passed=True), Check("config", False, "pools/a.yaml:1"))

    answer = await site.client.get("/-/ready")

    assert answer.status == 503
    assert await answer.json() == {
        "ready": False,
        "checks": [
            {"name": "redis", "passed": True},
            {"name": "config", "passed": False, "detail": "pools/a.yaml:1"},
        ],
    }


async def test_readiness_tells_others_only_whether(site: Site) -> None:
    answer = await site.client.get("/-/ready", headers=ELSEWHERE)

    assert (answer.status, await answer.json()) == (200, {"ready": True})


async def test_reload_answers_the_generations(site: Site) -> None:
    site.operator.generations = {"acme": 7}

    answer = await site.client.post("/-/reload")

    assert (answer.status, await answer.json()) == (200, {"acme": 7})


async def test_a_refused_reload_lists_every_finding(site: Site) -> None:
    """L3: the caller of the reload gets the errors, not a 200."""
    found = [
        Problem("pools/b.yaml", 2, 3, "name", "wrong"),
        Problem("pools/a.yaml", 1, 1, "", "bad"),
    ]
    site.operator.refusal = ConfigError(found)

    answer = await site.client.post("/-/reload")

    told = await answer.json()
    assert answer.status == 422
    assert told["error"]["code"] == "VALIDATION_ERROR"
    assert [finding["file"] for finding in told["findings"]] == ["pools/a.yaml", "pools/b.yaml"]
    assert told["findings"][1]["line"] == 2


async def test_config_tells_what_is_active(site: Site) -> None:
    answer = await site.client.get("/-/config")

    assert await answer.json() == site.operator.active()


async def test_metrics_are_text_that_prometheus_reads(site: Site) -> None:
    await site.post_lead()

    answer = await site.client.get("/metrics")

    families = {each.name: each for each in text_string_to_metric_families(await answer.text())}
    requests = families["pointsman_http_requests"].samples
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert {"route": "/intake/{organization}/webhook", "status": "201"} in [
        sample.labels for sample in requests
    ]
    assert families["pointsman_leads"].type == "counter"


async def test_routes_are_counted_by_pattern(site: Site) -> None:
    """What a sender writes in a path never becomes a label."""
    for path in ("/intake/secret-name/webhook", "/secret-path", "/api/v1/leads/secret-id"):
        await site.client.post(path)

    text = await (await site.client.get("/metrics")).text()

    assert "secret" not in text


@pytest.mark.parametrize(("method", "path"), OPERATOR)
async def test_without_a_token_nobody_else_may(site: Site, method: str, path: str) -> None:
    answer = await site.client.request(method, path, headers=ELSEWHERE)

    assert answer.status == 403
    assert "admin_token" in (await answer.json())["error"]["message"]


@pytest.mark.parametrize(("method", "path"), OPERATOR)
async def test_the_admin_token_opens_from_elsewhere(
    store: RedisStore, method: str, path: str
) -> None:
    async with listening(store, admin_token="t0ken") as site:
        statuses = [
            (await site.client.request(method, path, headers={**ELSEWHERE, **given})).status
            for given in (
                {"Authorization": "Bearer t0ken"},
                {"Authorization": "Bearer wrong"},
                {"Authorization": "Bearer pm_k_demo"},
                {},
            )
        ]

        assert statuses == [200, 401, 401, 401]


async def test_with_admin_bind_the_pages_move(store: RedisStore) -> None:
    async with listening(store, admin_bind="127.0.0.1:0") as site:
        main = [(await site.client.request(*page)).status for page in OPERATOR]
        health = [(await site.client.get(path)).status for path in ("/-/healthy", "/-/ready")]
        server = TestServer(admin_application(site.services), access_log=None)
        async with TestClient[Any, Any](server) as admin:
            moved = [(await admin.request(*page)).status for page in OPERATOR]
            foreign = await admin.get("/metrics", headers=ELSEWHERE)
            intake = await admin.post("/intake/acme/webhook", json={})

        assert main == [404, 404, 404]
        assert health == [200, 200]
        assert moved == [200, 200, 200]
        assert (foreign.status, intake.status) == (403, 404)
