"""Limits of calls a minute: by key for the API, by client address for an intake."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from redis.asyncio import Redis

from listening import ACME, Site, bearer, listening
from pointsman.store import calls
from pointsman.store.calls import CallStore
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pooling import ORGANIZATION

MEMBERS = "/api/v1/members"
WEBHOOK = "/intake/acme/webhook"
LEAD = {"email": "a@example.com"}


async def test_without_a_limit_nothing_is_told_or_counted(site: Site, redis: Redis) -> None:
    answer = await site.client.get(MEMBERS, headers=bearer("all"))

    assert not [name for name in answer.headers if name.startswith("X-RateLimit")]
    assert not await redis.keys("*:calls:*")


async def test_a_key_that_made_its_calls_has_to_wait(store: RedisStore) -> None:
    """Refusals count as calls, calls without a known key do not, and other keys have their own."""
    async with listening(store, rate_limit=3) as site:
        now = time.time()
        first = await site.client.get(MEMBERS, headers=bearer("reader"))
        forbidden = await site.client.post("/api/v1/leads", json={}, headers=bearer("reader"))
        await site.client.get(f"{MEMBERS}/nowhere", headers=bearer("reader"))
        refused = await site.client.get(MEMBERS, headers=bearer("reader"))
        other = await site.client.get(MEMBERS, headers=bearer("all"))
        unknown = [await site.client.get(MEMBERS, headers=bearer("no")) for _ in range(5)]

        assert (first.status, first.headers["X-RateLimit-Remaining"]) == (200, "2")
        assert (forbidden.status, forbidden.headers["X-RateLimit-Remaining"]) == (403, "1")
        assert (refused.status, other.status) == (429, 200)
        assert (await refused.json())["error"]["code"] == "RATE_LIMITED"
        assert refused.headers["X-RateLimit-Limit"] == "3"
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert 58 <= int(refused.headers["Retry-After"]) <= 61
        assert 58 <= int(refused.headers["X-RateLimit-Reset"]) - now <= 62
        assert {answer.status for answer in unknown} == {401}
        assert "X-RateLimit-Limit" not in unknown[0].headers
        assert (await site.client.post(WEBHOOK, json=LEAD)).status == 201


async def test_streamed_answers_tell_of_the_limit_too(store: RedisStore) -> None:
    async with listening(store, rate_limit=3) as site:
        headers = {**bearer("all"), "Content-Type": "application/x-ndjson"}
        answer = await site.client.post("/api/v1/leads/bulk", data=b"{}\n", headers=headers)

        assert answer.headers["X-RateLimit-Remaining"] == "2"


async def test_a_limit_is_exact_over_several_daemons(store: RedisStore, redis_url: str) -> None:
    """Forty calls at once over two daemons against ten: ten are made."""
    async with (
        listening(store, rate_limit=10) as one,
        RedisStore.open(redis_url) as another_store,
        listening(another_store, rate_limit=10) as another,
    ):
        answers = await asyncio.gather(
            *(
                site.client.get(MEMBERS, headers=bearer("all"))
                for site in (one, another)
                for _ in range(20)
            )
        )

        assert Counter(answer.status for answer in answers) == {200: 10, 429: 30}


async def test_the_window_slides_and_a_call_that_is_sent_again_counts_once(
    store: RedisStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of three calls is forgotten after a minute, and not before."""
    clock = [1_000_000]
    monkeypatch.setattr(calls, "milliseconds", lambda: clock[0])
    counts = CallStore(store)

    async def called() -> tuple[bool, int, int]:
        allowed, left, until = await counts.count(ORGANIZATION, "me", 3)
        return allowed, left, until - clock[0]

    assert await called() == (True, 2, 60_000)
    clock[0] += 20_000
    assert await called() == (True, 1, 40_000)
    assert await called() == (True, 0, 40_000)
    assert await called() == (False, 0, 40_000)
    clock[0] += 39_999
    assert await called() == (False, 0, 1)
    clock[0] += 1
    assert await called() == (True, 0, 20_000)
    key = Keys(ORGANIZATION).calls("me")
    assert await redis.zcard(key) == 3
    args: list[Argument] = ["again", clock[0], 5, 60_000]
    assert [await store.call("count_call", [key], args) for _ in range(2)] == [[1, 1, 20_000]] * 2


def limited(number: int, auth: str = "none") -> dict[str, str]:
    head = ACME["organization.yaml"].replace(
        "integrations: {", "integrations: {automation: {enabled: true}, "
    )
    return {**ACME, "organization.yaml": f"{head}intake: {{auth: {auth}, limit: {number}}}\n"}


async def test_an_address_may_send_so_many_leads_a_minute(store: RedisStore, redis: Redis) -> None:
    """All its intakes count together; a stranger's address is not kept as such."""
    proxied = {"X-Forwarded-For": "198.51.100.7"}
    household = [{"X-Forwarded-For": f"2001:db8:1:2::{i}"} for i in (1, 2, 3)]
    async with listening(store, {"acme": limited(2)}, trusted_proxies=("127.0.0.0/8",)) as site:
        paths = (WEBHOOK, "/intake/acme/automation/zapier", f"{WEBHOOK}/spring")
        local = [(await site.client.post(path, json=LEAD)).status for path in paths]
        theirs = [
            (await site.client.post(WEBHOOK, json=LEAD, headers=proxied)).status for _ in range(3)
        ]
        home = [
            (await site.client.post(WEBHOOK, json=LEAD, headers=each)).status for each in household
        ]
        late = await site.client.post(WEBHOOK, json=LEAD)

        assert (local, theirs, home) == ([201, 201, 429], [201, 201, 429], [201, 201, 429])
        assert int(late.headers["Retry-After"]) <= 61
        assert late.headers["X-RateLimit-Limit"] == "2"
        assert not [key for key in await redis.keys("*:calls:*") if b"198.51" in key]


async def test_vendors_count_with_the_rest_of_their_address(store: RedisStore) -> None:
    """Posts and pings of a flow's source, and the webhook."""
    flow = "name: Sold\nping_enabled: true\nsources: [{key: a}]\nsteps: []\n"
    async with listening(store, {"acme": {**limited(3), "flows/sold.yaml": flow}}) as site:
        vendor = "/flows/sold/sources/a"
        submit, ping = f"{vendor}/submit", f"{vendor}/ping"
        paths = (submit, ping, WEBHOOK, submit, ping)
        answers = [await site.client.post(path, json=LEAD) for path in paths]

        assert [answer.status for answer in answers] == [201, 200, 201, 429, 429]
        assert int(answers[3].headers["Retry-After"]) <= 61


async def test_an_address_cannot_be_made_up_without_a_trusted_proxy(store: RedisStore) -> None:
    async with listening(store, {"acme": limited(1)}) as site:
        answers = [
            await site.client.post(
                WEBHOOK, json=LEAD, headers={"X-Forwarded-For": f"198.51.100.{i}"}
            )
            for i in range(2)
        ]

        assert [answer.status for answer in answers] == [201, 429]
