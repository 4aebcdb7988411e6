"""Steps that hold others: taken at once, one after another, or by the highest bid."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from listening import bearer
from pointsman.flow import Recipient
from pointsman.peers import answering, dropping, hanging
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from selling import BUYS, REFUSES, Market, bids, buyer, selling
from support import wait_until

TEXAS = {"op": "and", "rules": [{"lhv": "lead.state", "op": "is equal to", "rhv": "TX"}]}
ELSEWHERE = {"op": "and", "rules": [{"lhv": "lead.state", "op": "is equal to", "rhv": "NY"}]}
SOLD = {
    "type": "filter",
    "reason": "{{deal.outcome}} {{deal.recipient}} {{deal.price}}",
    "outcome": "success",
    "rule_set": {"op": "and", "rules": [{"lhv": "deal.outcome", "op": "is not blank"}]},
}


def group(kind: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": "deal", "steps": list(steps), **more}


def told(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(e["type"], e.get("key", ""), e["outcome"]) for e in events]


def asked(market: Market, name: str) -> list[str]:
    return [one.path for one in market.buyers[name].requests]


async def die(market: Market, leading: asyncio.Task[Any]) -> str:
    """Let the daemon that leads a lead vanish, and another take it over."""
    lead = await market.flying()
    leading.cancel()
    with suppress(asyncio.CancelledError):
        await leading
    lease = int(
        await market.redis.hget(f"pm:{{{market.organization.id}}}:lead:{lead}:submission", "lease")
    )
    timer = Timer(market.organization.id, "submission", lead, lease + 1)
    await market.site.services.flights.resume(market.organization, timer)
    return lead


async def test_steps_in_parallel_are_taken_at_once(store: RedisStore) -> None:
    met = asyncio.Barrier(2)

    async def meets(_: Any) -> Any:
        await met.wait()
        return await BUYS(_)

    step = group("parallel", buyer("one"), buyer("two"), {"type": "pool", "pool": "inbound"})
    async with selling(store, [step], {"one": meets, "two": meets}) as market:
        events = await market.sell()

        assert [e["outcome"] for e in events] == ["success"] * 5
        assert [e["type"] for e in events] == [
            "recipient",
            "recipient",
            "pool",
            "parallel",
            "source",
        ]
        sent = [market.buyers[n].requests[0].headers["Idempotency-Key"] for n in ("one", "two")]
        assert sent == [events[0]["id"], events[1]["id"]]


async def test_the_worst_of_parallel_steps_is_what_comes_of_them(store: RedisStore) -> None:
    step = group("parallel", buyer("one"), buyer("two", rule_set=ELSEWHERE), buyer("three"))
    async with selling(store, [step, SOLD], {"one": BUYS, "two": BUYS, "three": REFUSES}) as market:
        lead = await market.post()

        assert lead["reason"].strip() == "failure"
        events = await market.events(lead["lead"]["id"])
        assert told(events)[:4] == [
            ("recipient", "one", "success"),
            ("recipient", "two", "skip"),
            ("recipient", "three", "failure"),
            ("parallel", "deal", "failure"),
        ]


async def test_none_of_the_parallel_steps_sees_another(store: RedisStore) -> None:
    """Whichever of them is the first to end, it is the same."""
    seen = {"op": "and", "rules": [{"lhv": "one.outcome", "op": "is not blank"}]}
    step = group("parallel", buyer("one"), group("first_success", buyer("two", rule_set=seen)))
    async with selling(store, [step], {"one": BUYS, "two": BUYS}) as market:
        events = await market.sell()

        assert ("recipient", "two", "skip") in told(events)


async def test_parallel_steps_end_together_when_their_time_is_up(store: RedisStore) -> None:
    step = group("parallel", buyer("one"), buyer("two"), timeout=0.2)
    async with selling(store, [step], {"one": BUYS, "two": hanging}) as market:
        events = await market.sell()

        assert told(events)[:3] == [
            ("recipient", "one", "success"),
            ("recipient", "two", "error"),
            ("parallel", "deal", "error"),
        ]


async def test_what_a_dead_daemon_stored_of_parallel_steps_is_not_done_again(
    store: RedisStore,
) -> None:
    """D1: only what was under way is sent again, with the same id."""
    again = asyncio.Event()

    async def later(got: Any) -> Any:
        return await (BUYS if again.is_set() else hanging)(got)

    step = group("parallel", buyer("one"), buyer("two"))
    async with selling(store, [step], {"one": BUYS, "two": later}) as market:
        leading = asyncio.create_task(market.post())
        await market.buyers["two"].got.wait()
        await market.buyers["one"].got.wait()
        key = f"pm:{{{market.organization.id}}}:lead:{await market.flying()}:submission"
        await wait_until(lambda: market.redis.hexists(key, "r2"), "one's answer is stored")
        again.set()
        lead = await die(market, leading)

        events = await market.events(lead)
        assert told(events)[:3] == [
            ("recipient", "one", "success"),
            ("recipient", "two", "success"),
            ("parallel", "deal", "success"),
        ]
        assert len(market.buyers["one"].requests) == 1
        ids = {one.headers["Idempotency-Key"] for one in market.buyers["two"].requests}
        assert ids == {events[1]["id"]}


async def test_a_waterfall_ends_with_the_first_who_takes_the_lead(store: RedisStore) -> None:
    step = group(
        "first_success",
        buyer("one"),
        buyer("two", rule_set=ELSEWHERE),
        buyer("three"),
        buyer("four", pricing={"prices": [{"amount": 5}]}),
        buyer("five"),
    )
    answers = {"one": REFUSES, "two": BUYS, "three": dropping, "four": BUYS, "five": BUYS}
    async with selling(store, [step, SOLD], answers) as market:
        lead = await market.post()

        assert lead["reason"] == "success four 5"
        assert told(await market.events(lead["lead"]["id"]))[:5] == [
            ("recipient", "one", "failure"),
            ("recipient", "two", "skip"),
            ("recipient", "three", "error"),
            ("recipient", "four", "success"),
            ("first_success", "deal", "success"),
        ]
        assert asked(market, "five") == []


async def test_a_waterfall_that_nobody_ends_is_a_failure(store: RedisStore) -> None:
    step = group("first_success", buyer("one"), buyer("two"))
    async with selling(store, [step], {"one": REFUSES, "two": 503}) as market:
        events = await market.sell()

        assert told(events)[2:] == [("first_success", "deal", "failure"), ("source", "", "success")]
        assert events[2]["reason"] == "no recipient took the lead"


async def test_the_highest_bidder_gets_the_lead_alone(store: RedisStore) -> None:
    step = group("auction", buyer("low", bid=True), buyer("high", bid=True), buyer("mid", bid=True))
    answers = {"low": bids(1), "high": bids(7.5), "mid": bids(3)}
    async with selling(store, [step, SOLD], answers) as market:
        lead = await market.post()

        assert lead["reason"] == "success high 7.5"
        events = await market.events(lead["lead"]["id"])
        assert told(events)[:5] == [
            ("bid", "low", "success"),
            ("bid", "high", "success"),
            ("bid", "mid", "success"),
            ("recipient", "high", "success"),
            ("auction", "deal", "success"),
        ]
        assert [e["price"] for e in events[:4]] == [1, 7.5, 3, 7.5]
        assert events[3]["revenue"] == 7.5
        assert asked(market, "low") == ["/ping"]
        assert market.buyers["high"].requests[1].json()["ping"] == "p7.5"
        ids = [one.headers["Idempotency-Key"] for one in market.buyers["high"].requests]
        assert ids == [events[1]["id"], events[3]["id"]]


async def test_who_refuses_at_last_leaves_the_lead_to_the_next_bidder(store: RedisStore) -> None:
    step = group("auction", buyer("low", bid=True), buyer("high", bid=True))
    async with selling(store, [step, SOLD], {"low": bids(1), "high": bids(9, REFUSES)}) as market:
        lead = await market.post()

        assert lead["reason"] == "success low 1"


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
async def test_of_equal_bids_the_first_in_the_file_wins(
    store: RedisStore, order: tuple[str, str]
) -> None:
    step = group("auction", *(buyer(name, bid=True) for name in order))
    async with selling(store, [step, SOLD], {"one": bids(2), "two": bids(2)}) as market:
        reasons = {(await market.post(email=f"{n}@example.com"))["reason"] for n in range(3)}

        assert reasons == {f"success {order[0]} 2"}


async def test_bids_below_the_floor_and_too_late_are_none(store: RedisStore) -> None:
    step = group(
        "auction",
        *(buyer(name, bid=True) for name in ("low", "late", "none")),
        buyer("fixed", pricing={"prices": [{"amount": 4}]}),
        floor=2,
        timeout=1,
    )
    answers = {"low": bids(1.99), "late": hanging, "none": REFUSES, "fixed": BUYS}
    async with selling(store, [step, SOLD], answers) as market:
        lead = await market.post()

        assert lead["reason"] == "success fixed 4"
        events = await market.events(lead["lead"]["id"])
        assert [(e["key"], e["outcome"], e.get("reason")) for e in events[:2]] == [
            ("low", "failure", "the bid is below the floor"),
            ("late", "error", events[1]["reason"]),
        ]
        assert asked(market, "fixed") == ["/post"]


async def test_an_auction_sells_as_often_as_it_may(store: RedisStore) -> None:
    step = group("auction", *(buyer(n, bid=True) for n in ("a", "b", "c", "d")), sales=2)
    answers = {"a": bids(1), "b": bids(4, REFUSES), "c": bids(3), "d": bids(2)}
    async with selling(store, [step, SOLD], answers) as market:
        lead = await market.post()

        assert lead["reason"] == "success c 5"
        assert [len(asked(market, n)) for n in ("a", "b", "c", "d")] == [1, 2, 2, 2]


async def test_without_bids_nothing_is_sold(store: RedisStore) -> None:
    step = group("auction", buyer("a", bid=True, rule_set=ELSEWHERE), buyer("b", bid=True))
    async with selling(store, [step], {"a": bids(5), "b": bids(0)}) as market:
        events = await market.sell()

        assert events[2]["reason"] == "nobody bid for the lead"
        assert asked(market, "a") == []


async def test_another_daemon_goes_on_with_the_bids_that_were_made(store: RedisStore) -> None:
    """D1: the winner is sent the lead under the same id; nobody is asked to bid again."""
    again = asyncio.Event()

    async def later(got: Any) -> Any:
        return await (BUYS if again.is_set() else hanging)(got)

    step = group("auction", buyer("low", bid=True), buyer("high", bid=True))
    async with selling(store, [step], {"low": bids(1), "high": bids(9, later)}) as market:
        leading = asyncio.create_task(market.post())
        await wait_until(lambda: asked(market, "high") == ["/ping", "/post"], "it is offered")
        again.set()
        lead = await die(market, leading)

        assert asked(market, "high") == ["/ping", "/post", "/post"]
        assert asked(market, "low") == ["/ping"]
        ids = {one.headers["Idempotency-Key"] for one in market.buyers["high"].requests[1:]}
        events = await market.events(lead)
        assert ids == {events[2]["id"]}
        assert events[3]["price"] == 9


async def test_a_cap_of_a_recipient_skips_it_and_the_lead_goes_on(store: RedisStore) -> None:
    """Only what it took counts: a place is left where it refuses."""
    caps = [{"key": "two", "maximum": 2, "duration_units": "day"}]
    turns = iter([True, False, True, True])

    async def sometimes(got: Any) -> Any:
        return await (BUYS if next(turns) else REFUSES)(got)

    async with selling(store, [buyer("one", caps=caps), SOLD], {"one": sometimes}) as market:
        found = [await market.sell(email=f"{n}@example.com") for n in range(4)]

        assert [events[0]["outcome"] for events in found] == [
            "success",
            "failure",
            "success",
            "skip",
        ]
        assert (found[3][0]["reason"], found[3][-1]["outcome"]) == ("Cap reached", "success")
        (step,) = [s for s in market.organization.named_flows["sell"].steps if s.key == "one"]
        assert isinstance(step, Recipient)
        assert found[3][0]["cap_reached"] == step.caps[0].id
        answer = await market.site.client.get("/api/v1/caps", headers=bearer("all"))
        (shown,) = (await answer.json())["data"]
        assert (shown["step_id"], shown["count"], shown["failed_count"]) == (step.id, 2, 1)
        assert len(market.buyers["one"].requests) == 3


async def test_a_pool_that_has_had_its_leads_leaves_them_to_the_next(store: RedisStore) -> None:
    caps = [{"key": "one", "maximum": 1, "duration_units": "day"}]
    rule = {"lhv": "ours.outcome", "op": "is not equal to", "rhv": "success"}
    rules = {"op": "and", "rules": [rule]}
    steps: list[dict[str, Any]] = [
        {"type": "pool", "key": "ours", "pool": "inbound", "caps": caps},
        {"type": "pool", "key": "theirs", "pool": "spring", "rule_set": rules},
    ]
    async with selling(store, steps, {}) as market:
        first, second = [told(await market.sell(email=f"{n}@example.com"))[:2] for n in range(2)]

        assert first == [("pool", "ours", "success"), ("pool", "theirs", "skip")]
        assert second == [("pool", "ours", "skip"), ("pool", "theirs", "success")]
        answer = await market.site.client.get("/api/v1/caps", headers=bearer("all"))
        (shown,) = (await answer.json())["data"]
        assert (shown["count"], shown["failed_count"]) == (1, 1)


async def test_leads_at_once_take_no_more_places_of_a_step_than_there_are(
    store: RedisStore,
) -> None:
    """C1."""
    caps = [{"key": "ten", "maximum": 10, "duration_units": "day"}]
    async with selling(store, [buyer("one", caps=caps)], {"one": BUYS}) as market:
        await asyncio.gather(*(market.post(email=f"{n}@example.com") for n in range(40)))

        assert len(market.buyers["one"].requests) == 10


async def test_a_lead_that_goes_on_elsewhere_holds_one_place(store: RedisStore) -> None:
    caps = [{"key": "one", "maximum": 1, "duration_units": "day"}]
    again = asyncio.Event()

    async def later(got: Any) -> Any:
        return await (BUYS if again.is_set() else hanging)(got)

    async with selling(store, [buyer("one", caps=caps)], {"one": later}) as market:
        leading = asyncio.create_task(market.post())
        await market.buyers["one"].got.wait()
        again.set()
        lead = await die(market, leading)

        assert (await market.events(lead))[0]["outcome"] == "success"
        assert (await market.sell(email="b@example.com"))[0]["outcome"] == "skip"


async def test_a_cap_of_a_group_is_asked_before_anybody_in_it(store: RedisStore) -> None:
    caps = [{"key": "one", "maximum": 1, "duration_units": "day"}]
    step = group("first_success", buyer("one"), caps=caps)
    async with selling(store, [step], {"one": answering(200, {"status": "ok"})}) as market:
        await market.sell()
        events = await market.sell(email="b@example.com")

        assert told(events)[0] == ("first_success", "deal", "skip")
        assert len(market.buyers["one"].requests) == 1
