"""Keys: who is let in, and who is told what."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from listening import Site, bearer, key_text, listening
from pointsman.store.redis import RedisStore

READS = [
    "/api/v1/members",
    "/api/v1/leads/0",
    "/api/v1/round-robin/0",
    "/api/v1/round-robin/0/assignments",
]
WRITES = ["/api/v1/leads", "/api/v1/leads/bulk", "/api/v1/round-robin/assign"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer pm_k_" + "0" * 64,
        "Bearer pm_k_\xff",
        "Bearer pm_k_" + "0" * 5_000,
        f"Basic {key_text('all')}",
        f"Bearer {key_text('all')} {key_text('all')}",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", READS[0]), ("POST", WRITES[0])])
async def test_no_or_no_known_key_is_401(
    site: Site, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = await site.client.request(method, path, headers=headers)

    assert answer.status == 401
    assert (await answer.json())["error"]["code"] == "UNAUTHORIZED"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("key", "why"), [("late", "has expired"), ("off", "is not active")])
async def test_a_key_out_of_use_is_403(site: Site, key: str, why: str) -> None:
    answer = await site.client.get(READS[0], headers=bearer(key))

    told = await answer.json()
    assert (answer.status, told["error"]["code"]) == (403, "FORBIDDEN")
    assert why in told["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "key", "missing"),
    [
        *(("GET", path, "writer", ":read") for path in READS),
        *(("POST", path, "reader", ":write") for path in WRITES),
    ],
)
async def test_a_missing_scope_is_named(
    site: Site, method: str, path: str, key: str, missing: str
) -> None:
    answer = await site.client.request(method, path, headers=bearer(key))

    told = await answer.json()
    assert (answer.status, told["error"]["code"]) == (403, "FORBIDDEN")
    assert f"'{key}' lacks the scope" in told["error"]["message"]
    assert missing in told["error"]["message"]


async def test_the_demo_key_works_on_this_machine(site: Site) -> None:
    answer = await site.client.get(READS[0], headers=bearer("demo"))

    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example.com"},
    ],
)
async def test_the_demo_key_is_for_nobody_else(site: Site, headers: dict[str, str]) -> None:
    """A proxy that nobody told us of cannot make its visitors local, nor can a web page."""
    answer = await site.client.get(READS[0], headers={**bearer("demo"), **headers})

    assert answer.status == 401


@pytest.mark.parametrize(
    ("claim", "status"),
    [("127.0.0.1", 200), ("203.0.113.9", 401), ("127.0.0.1, 203.0.113.9", 401), ("junk", 401)],
)
async def test_a_trusted_proxy_speaks_for_its_clients(
    store: RedisStore, claim: str, status: int
) -> None:
    async with listening(store, trusted_proxies=("127.0.0.0/8",)) as site:
        headers = {**bearer("demo"), "X-Forwarded-For": claim}

        assert (await site.client.get(READS[0], headers=headers)).status == status


async def test_the_demo_key_is_ignored_when_bound_elsewhere(store: RedisStore) -> None:
    async with listening(store, host="0.0.0.0") as site:
        with capture_logs() as lines:
            answers = [await site.client.get(READS[0], headers=bearer("demo")) for _ in range(2)]

        warned: list[Any] = [line for line in lines if line["event"] == "demo_key_ignored"]
        assert [answer.status for answer in answers] == [401, 401]
        assert [(line["log_level"], line["key"]) for line in warned] == [("warning", "demo")]
