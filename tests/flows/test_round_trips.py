"""What a submit that needs nobody else costs in round trips, whatever its flow asks of Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from listening import ACME, Site, listening
from pointsman import observe
from pointsman.store.redis import RedisStore

FLOW = """
name: Solar leads
fields: [first_name, last_name, email, phone_1, state, postal_code, dob, ip_address]
list_checks:
  duplicate: {value: "{{lead.email}}", list_name: seen}
acceptance_criteria:
  rule_set:
    op: and
    rules:
      - {lhv: lead.email, op: is not blank}
      - {lhv: lead.state, op: is not equal to, rhv: FL}
      - {lhv: suppressionlist.is_duplicate, op: is false}
pricing: {prices: [{amount: 10}]}
caps: [{key: all, maximum: 1000, duration_units: month}]
sources: [{key: a}]
steps: [{type: pool, key: team, pool: inbound}]
"""
FILES = {**ACME, "flows/solar.yaml": FLOW, "lists/seen.yaml": "{name: Seen, kind: duplicate}\n"}
LEAD = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone_1": "(512) 556-1234",
    "state": "Texas",
    "postal_code": "78704",
    "dob": "06/15/1980",
    "ip_address": "203.0.113.7",
}


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    async with listening(store, {"acme": FILES}) as opened:
        yield opened


async def post(site: Site, number: int) -> str:
    body = {**LEAD, "email": f"ada{number}@example.com"}
    answer = await site.client.post("/flows/solar/sources/a/submit", json=body)
    return str((await answer.json())["outcome"])


async def test_a_submit_that_needs_nobody_else_takes_one_round_trip(site: Site) -> None:
    await post(site, 0)
    before = observe.REGISTRY.get_sample_value("pointsman_redis_round_trips_total") or 0.0
    commands = (await site.services.store.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]

    assert await post(site, 1) == "success"

    after = observe.REGISTRY.get_sample_value("pointsman_redis_round_trips_total") or 0.0
    asked = (await site.services.store.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert (after - before, asked - commands) == (1, 1)
