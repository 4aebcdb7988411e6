"""Leads that wait for recipients: what is delivered, what is stored, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from listening import ACME, Site, listening
from pointsman.peers import Receiver, answering, dropping, hanging, receiver
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from selling import buyer, selling

FLOW = """
name: Two buyers
fields: [email, state, ssn]
caps: [{key: few, maximum: 2, duration_units: day}]
sources: [{key: a}]
steps:
  - type: recipient
    name: First Buyer
    pricing: {override: true}
    integration:
      module_id: json
      mappings:
        - {property: url, value: "%(first)s"}
        - {property: json_property.email, value: "{{lead.email}}"}
        - {property: json_property.ssn, value: "{{lead.ssn}}"}
        - {property: header.X-Token, value: "{{credentials.buyer}}"}
        - {property: outcome_search_path, value: "status"}
        - {property: outcome_search_term, value: "ok"}
        - {property: price_path, value: "bid"}
        - {property: reason_path, value: "why"}
  - type: filter
    rule_set: {op: and, rules: [{lhv: first_buyer.outcome, op: is equal to, rhv: failure}]}
    reason: "{{first_buyer.reason}}"
  - {type: pool, key: team, pool: inbound}
  - type: recipient
    name: Second Buyer
    timeout: 2
    integration:
      module_id: form
      mappings:
        - {property: url, value: "%(second)s"}
        - {property: form_field.owner, value: "{{team.handle}}"}
"""
LEAD = {"email": "Ada@Example.com", "ssn": "123-45-6789"}
SUBMIT = "/flows/two/sources/a/submit"


class Market:
    """A site, its two buyers, and how to look at what is stored."""

    def __init__(self, site: Site, first: Receiver, second: Receiver) -> None:
        self.site, self.first, self.second = site, first, second
        self.organization = site.serving.current.organizations["acme"]

    async def post(self, **headers: str) -> dict[str, Any]:
        answer = await self.site.client.post(SUBMIT, json=LEAD, headers=headers)
        return {"status": answer.status, **await answer.json()}

    async def events(self, lead: str) -> list[dict[str, Any]]:
        key = f"{Keys(self.organization.id).lead(lead)}:events"
        found = await self.site.services.store.redis.lrange(key, 0, -1)
        return [orjson.loads(one) for one in found]

    async def counted(self) -> int:
        cap = self.organization.named_flows["two"].caps[0]
        redis = self.site.services.store.redis
        key = f"{Keys(self.organization.id).prefix}cap:{cap.id}"
        return int(await redis.hget(key, "used") or 0) + int(await redis.zcard(f"{key}:held"))


def files(first: Receiver, second: Receiver) -> dict[str, str]:
    organization = ACME["organization.yaml"] + (
        "credentials: [{name: buyer, token: s3cret-token}]\n"
        "outbound: {allow_networks: [127.0.0.0/8]}\n"
    )
    flow = FLOW % {"first": first.url, "second": second.url}
    return {**ACME, "organization.yaml": organization, "flows/two.yaml": flow}


async def opened(
    store: RedisStore, first: Any, second: Any, extra: str = ""
) -> AsyncIterator[Market]:
    async with receiver(first) as one, receiver(second) as other:
        tree = files(one, other)
        tree["flows/two.yaml"] += extra
        async with listening(store, {"acme": tree}) as site:
            yield Market(site, one, other)


TAKES = answering(200, {"status": "OK", "bid": "7.5", "id": 9})


@pytest.fixture
async def market(store: RedisStore) -> AsyncIterator[Market]:
    async for each in opened(store, TAKES, 200):
        yield each


async def test_each_recipient_gets_the_lead_and_later_steps_see_what_it_answered(
    market: Market,
) -> None:
    told = await market.post()

    assert told["outcome"] == "success"
    first, second = market.first.requests[0], market.second.requests[0]
    assert first.json() == {"email": "ada@example.com", "ssn": "123456789"}
    assert first.headers["X-Token"] == "s3cret-token"
    assert second.body == b"owner=ada"
    events = await market.events(told["lead"]["id"])
    assert [(e["type"], e["outcome"]) for e in events] == [
        ("recipient", "success"),
        ("filter", "continue"),
        ("pool", "success"),
        ("recipient", "success"),
        ("source", "success"),
    ]
    assert events[0]["appended"]["id"] == 9
    assert (events[0]["price"], events[0]["sale_price"], events[0]["revenue"]) == ("7.5", 7.5, 7.5)
    assert first.headers["Idempotency-Key"] == events[0]["id"]
    assert await market.counted() == 1


async def test_no_event_tells_a_secret_or_what_is_masked(market: Market) -> None:
    told = await market.post()

    text = orjson.dumps(await market.events(told["lead"]["id"])).decode()
    assert "s3cret-token" not in text
    assert "123456789" not in text


async def test_a_recipient_that_repeats_what_is_masked_tells_it_to_nobody(
    store: RedisStore,
) -> None:
    """Neither its answer nor its reason, which later reasons are made of; rules may read it."""
    asked = buyer("crm")
    asked["integration"]["mappings"] += [
        {"property": "json_property.pad", "value": "x" * 1_700},
        {"property": "json_property.ssn", "value": "{{lead.ssn}}"},
    ]
    stops = {
        "type": "filter",
        "rule_set": {
            "op": "and",
            "rules": [{"lhv": "crm.sent.0.ssn", "op": "is equal to", "rhv": 123456789}],
        },
        "reason": "{{crm.reason}}",
    }
    repeats = answering(
        200,
        {
            "pad": "x" * 1_970,
            "why": "we know 123-45-6789",
            "sent": [{"ssn": 123456789, "token": "s3cret-token"}, 7],
            "123-45-6789": {"123-45-6789": "known"},
            "outcome": "theirs",
        },
    )
    async with selling(store, [asked, stops], {"crm": repeats}) as market:
        told = await market.post(ssn="123-45-6789")

        first, *_, source = await market.events(told["lead"]["id"])
    assert told["reason"] == first["reason"] == "we know [redacted]"
    assert source["vars"]["crm"]["sent"] == first["appended"]["sent"]
    assert source["vars"]["crm"]["outcome"] == first["outcome"] == "failure"
    assert "123" not in str([first["appended"], source["vars"]["crm"]])
    assert "123" not in first["response"]["body"]
    assert first["appended"]["sent"] == [{"ssn": "[redacted]", "token": "[redacted]"}, 7]
    assert first["request"]["body"].endswith('"ssn":"[redacted]"}')


async def test_a_recipient_that_refuses_stops_nothing_but_what_a_filter_stops(
    store: RedisStore,
) -> None:
    refuses = answering(200, {"status": "no", "why": "Duplicate"})
    async for market in opened(store, refuses, 200):
        told = await market.post()

        assert (told["outcome"], told["reason"]) == ("failure", "Duplicate")
        assert market.second.requests == []
        assert await market.counted() == 0


async def test_a_recipient_that_is_down_is_an_error_and_the_lead_goes_on(
    store: RedisStore,
) -> None:
    async for market in opened(store, dropping, 200):
        told = await market.post()

        assert told["outcome"] == "success"
        events = await market.events(told["lead"]["id"])
        assert (events[0]["outcome"], events[0]["ambiguous"]) == ("error", True)


async def test_a_lead_on_its_way_holds_its_place_and_a_repetition_is_told_to_wait(
    store: RedisStore,
) -> None:
    """D3."""
    async for market in opened(store, hanging, 200):
        first = asyncio.create_task(market.post(**{"Idempotency-Key": "k"}))
        await market.first.got.wait()

        answer = await market.site.client.post(SUBMIT, json=LEAD, headers={"Idempotency-Key": "k"})
        assert (answer.status, answer.headers["Retry-After"]) == (409, "1")
        assert await market.counted() == 1
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first


async def test_another_daemon_goes_on_where_the_first_one_died(store: RedisStore) -> None:
    """D1: what was delivered is not delivered again; what may have been has the same id."""
    async for market in opened(store, TAKES, hanging):
        leading = asyncio.create_task(
            market.site.client.post(SUBMIT, json=LEAD, headers={"Idempotency-Key": "k"})
        )
        await market.second.got.wait()
        flights = market.site.services.flights
        redis = store.redis
        (key,) = [key async for key in redis.scan_iter("*:submission")]
        lead = key.decode().split(":lead:")[1].split(":")[0]
        lease = int(await redis.hget(key, "lease") or 0)
        market.second.got.clear()

        await flights.resume(
            market.organization, Timer(market.organization.id, "submission", lead, lease + 1)
        )

        assert len(market.first.requests) == 1
        deliveries = [one.headers["Idempotency-Key"] for one in market.second.requests]
        assert len(deliveries) == 2
        assert len(set(deliveries)) == 1
        assert await redis.exists(key) == 0
        assert await market.counted() == 1
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading
        again = await market.post(**{"Idempotency-Key": "k"})
        assert (again["status"], again["outcome"], again["lead"]["id"]) == (201, "success", lead)


async def test_a_timer_that_comes_too_early_leaves_the_lead_to_its_daemon(
    store: RedisStore,
) -> None:
    async for market in opened(store, hanging, 200):
        leading = asyncio.create_task(market.post())
        await market.first.got.wait()
        (key,) = [key async for key in store.redis.scan_iter("*:submission")]
        lead = key.decode().split(":lead:")[1].split(":")[0]
        before = await store.redis.hgetall(key)

        await market.site.services.flights.resume(
            market.organization, Timer(market.organization.id, "submission", lead, 0)
        )

        assert await store.redis.hgetall(key) == before
        assert len(market.first.requests) == 1
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading


async def test_in_the_background_the_sender_is_answered_first(store: RedisStore) -> None:
    async for market in opened(store, TAKES, 200, "async: true\n"):
        told = await market.post(**{"Idempotency-Key": "k"})

        assert told["status"] == 202
        lead = told["lead"]["id"]
        assert market.first.requests == []
        outbox: Any = await store.redis.xrange(Keys(market.organization.id).outbox)
        assert [entry[b"timer"] for _, entry in outbox] == [f"submission/{lead}".encode()]
        await market.site.services.flights.resume(
            market.organization, Timer(market.organization.id, "submission", lead, 0)
        )
        assert len(market.first.requests) == len(market.second.requests) == 1
        again = await market.post(**{"Idempotency-Key": "k"})
        assert (again["status"], again["outcome"]) == (201, "success")
