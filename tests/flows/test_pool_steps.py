"""What comes of a pool, as the steps behind it and the lead's events see it.

It is the same whether the flow asks somebody else or not: a flow of pools alone is decided by the
script that stores the lead, unless one of its steps asks what came of another.
"""

from __future__ import annotations

from typing import Any

import pytest

from listening import ACME, bearer
from pointsman.store.redis import RedisStore
from selling import BUYS, Market, buyer, selling

ALONE: list[dict[str, Any]] = []
BESIDE = [buyer("crm")]
OTHERS = pytest.mark.parametrize("others", [ALONE, BESIDE], ids=["alone", "beside a recipient"])


def holds(lhv: str, op: str, rhv: str) -> dict[str, Any]:
    return {"op": "and", "rules": [{"lhv": lhv, "op": op, "rhv": rhv}]}


def pool(key: str, named: str, **more: Any) -> dict[str, Any]:
    return {"type": "pool", "key": key, "pool": named, **more}


US = pool("us", "inbound")


async def owner(market: Market, lead: str) -> Any:
    answer = await market.site.client.get(f"/api/v1/leads/{lead}", headers=bearer("all"))
    return (await answer.json())["ownerId"]


async def outcomes(market: Market, lead: str) -> list[tuple[str, str, str | None]]:
    return [
        (event["key"], event["outcome"], event.get("reason"))
        for event in await market.events(lead)
        if event["type"] == "pool"
    ]


@OTHERS
async def test_a_filter_stops_what_a_pool_has_nobody_for(
    store: RedisStore, others: list[dict[str, Any]]
) -> None:
    stops = {
        "type": "filter",
        "rule_set": holds("us.outcome", "is equal to", "failure"),
        "reason": "{{us.reason}}",
    }
    async with selling(store, [pool("us", "away"), stops, *others], {"crm": BUYS}) as market:
        told = await market.post()

    assert (told["outcome"], told["reason"]) == ("failure", "no_eligible_participant")


@OTHERS
async def test_the_next_pool_gets_what_the_first_has_nobody_for(
    store: RedisStore, others: list[dict[str, Any]]
) -> None:
    texas = holds("lead.state", "is equal to", "TX")
    left = holds("first.outcome", "is not equal to", "success")
    steps = [
        pool("first", "away", rule_set=texas),
        pool("then", "inbound", rule_set=left),
    ]
    async with selling(store, [*steps, *others], {"crm": BUYS}) as market:
        lead = (await market.post())["lead"]["id"]

        assert await outcomes(market, lead) == [
            ("first", "failure", "no_eligible_participant"),
            ("then", "success", None),
        ]
        assert await owner(market, lead)


@OTHERS
async def test_of_two_pools_only_the_one_that_took_the_lead_is_told_to_have_it(
    store: RedisStore, others: list[dict[str, Any]]
) -> None:
    texas = holds("lead.state", "is equal to", "TX")
    steps = [pool("first", "inbound", rule_set=texas), pool("then", "spring")]
    async with selling(store, [*steps, *others], {"crm": BUYS}) as market:
        lead = (await market.post())["lead"]["id"]

        assert await outcomes(market, lead) == [
            ("first", "success", None),
            ("then", "failure", "already_assigned"),
        ]
        told = next(e for e in await market.events(lead) if e["key"] == "first")
        assert told["member"] == await owner(market, lead)
        assert told["pool"] == market.site.pool_id("Inbound")


@OTHERS
async def test_a_lead_that_waits_in_line_is_neither_taken_nor_refused(
    store: RedisStore, others: list[dict[str, Any]]
) -> None:
    parks = {"pools/away.yaml": ACME["pools/away.yaml"] + "when_nobody: park\n"}
    steps = [pool("us", "away"), *others]
    async with selling(store, steps, {"crm": BUYS}, beside=parks) as market:
        lead = (await market.post())["lead"]["id"]

        assert await outcomes(market, lead) == [("us", "skip", "parked")]


async def test_a_lead_on_its_way_to_several_pools_is_led_on_by_another_daemon(
    store: RedisStore,
) -> None:
    steps = [pool("first", "away"), pool("then", "inbound")]
    async with selling(store, steps, {}, **{"async": True}) as market:
        await market.post()
        lead = await market.flying()
        (timer,) = [one for one in await market.timers() if one.purpose == "submission"]

        await market.site.services.flights.resume(market.organization, timer)

        assert await outcomes(market, lead) == [
            ("first", "failure", "no_eligible_participant"),
            ("then", "success", None),
        ]


@OTHERS
async def test_no_pool_is_asked_for_a_lead_that_is_not_to_be_assigned_or_has_an_owner(
    store: RedisStore, others: list[dict[str, Any]]
) -> None:
    by_webhook = [{"key": "a", "intake": "webhook"}]
    steps = [US, *others]
    async with selling(store, steps, {"crm": BUYS}, sources=by_webhook) as market:
        ada = market.organization.handles["ada"]
        sayings: list[dict[str, Any]] = [{"assign": False}, {"ownerId": ada}]
        for number, said in enumerate(sayings):
            body = {"email": f"{number}@example.com", "source": "webhook", **said}
            answer = await market.site.client.post(
                "/api/v1/leads", json=body, headers=bearer("all")
            )
            told = await answer.json()

            assert (answer.status, told.get("assigned")) == (201, False), told


async def scripts(market: Market) -> int:
    return int((await market.redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


@pytest.mark.parametrize(
    "steps",
    [
        [{"type": "filter", "rule_set": holds("lead.us.x", "is equal to", "y")}, US],
        [
            pool("texas", "inbound", rule_set=holds("lead.state", "is equal to", "TX")),
            pool("others", "spring", rule_set=holds("lead.state", "is not equal to", "TX")),
        ],
    ],
    ids=["nobody looks back", "pools for different leads"],
)
async def test_a_lead_for_which_one_pool_is_asked_costs_one_script(
    store: RedisStore, steps: list[dict[str, Any]]
) -> None:
    async with selling(store, steps, {}) as market:
        for state in ("TX", "CA"):
            before = await scripts(market)

            lead = (await market.post(state=state, email=f"{state}@example.com"))["lead"]["id"]

            assert await scripts(market) - before == 1
            assert await owner(market, lead)
