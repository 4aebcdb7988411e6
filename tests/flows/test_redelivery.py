"""Deliveries that ended in an error, tried again once the lead has arrived."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

from listening import bearer
from pointsman.dispatch import Retries
from pointsman.flows.redelivery import Redeliveries, due_again
from pointsman.flows.submission import StepResult
from pointsman.peers import Answerer, answering, dropping
from pointsman.settings import Settings
from pointsman.store.caps import CapStore
from pointsman.store.errands import ErrandStore
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from selling import BUYS, REFUSES, Market, buyer, selling

FEW = Retries(first=timedelta(seconds=10), attempts=3)
LETTERS = "/api/v1/dead-letters"
ALL = bearer("all")


def in_turn(*answers: Answerer) -> Answerer:
    left = list(answers)

    async def answer(got: Any) -> Any:
        return await (left.pop(0) if len(left) > 1 else left[0])(got)

    return answer


class Daemon:
    """Rings what is due, with a clock."""

    def __init__(self, market: Market, retries: Retries = FEW) -> None:
        self.market, self.now = market, 0
        store = market.site.services.store
        errands = ErrandStore(store, Settings())
        delivery = market.site.services.delivery
        self.again = Redeliveries(
            errands, CapStore(store), delivery, retries=retries, clock=lambda: self.now
        )

    async def due(self) -> Timer:
        """Return the latest timer of a delivery."""
        return [one for one in await self.market.timers() if one.purpose == "redelivery"][-1]

    async def ring(self, timer: Timer | None = None) -> None:
        """Let the time of the latest timer come."""
        timer = timer or await self.due()
        self.now = max(self.now, timer.due)
        await self.again.ring(self.market.organization, timer)


DOWN = answering(503)


async def test_an_error_is_tried_again_under_its_delivery_id_until_it_works(
    store: RedisStore,
) -> None:
    """D1: the sender was answered long before, and what it was told stays."""
    answers = {"one": in_turn(DOWN, dropping, BUYS)}
    async with selling(store, [buyer("one", retry_enabled=True)], answers) as market:
        told = await market.post(ssn="123-45-6789")
        daemon = Daemon(market)
        await daemon.ring()
        await daemon.ring()

        events = await market.events(told["lead"]["id"])
        assert [(e["type"], e["outcome"]) for e in events[:2]] == [
            ("recipient", "error"),
            ("source", "success"),
        ]
        assert [(e["retry_status"], e["attempt"], e.get("outcome")) for e in events[2:]] == [
            ("started", 2, None),
            ("completed", 2, "error"),
            ("started", 3, None),
            ("completed", 3, "success"),
        ]
        assert events[5]["appended"]["id"] == 9
        requests = market.buyers["one"].requests
        assert {one.headers["Idempotency-Key"] for one in requests} == {events[0]["id"]}
        assert len({one.body for one in requests}) == 1
        assert not [key async for key in store.redis.scan_iter("*:errands")]
        assert len({event["id"] for event in events}) == 6


async def test_what_was_refused_and_what_may_not_be_is_not_tried_again(store: RedisStore) -> None:
    steps = [buyer("one", retry_enabled=True), buyer("two")]
    async with selling(store, steps, {"one": REFUSES, "two": 503}) as market:
        await market.post()

        assert [one.purpose for one in await market.timers()] == ["submission"]


async def test_no_timer_that_comes_late_or_twice_sends_anything_again(store: RedisStore) -> None:
    steps = [buyer("one", retry_enabled=True)]
    async with selling(store, steps, {"one": in_turn(DOWN, BUYS)}) as market:
        await market.post()
        daemon = Daemon(market)
        timer = await daemon.due()
        daemon.now = timer.due - 1
        early = timer._replace(due=timer.due - 1)

        await daemon.ring(early)
        assert len(market.buyers["one"].requests) == 1
        for _ in range(3):
            await daemon.ring(timer)
        assert len(market.buyers["one"].requests) == 2


async def test_what_the_receiver_asks_for_is_waited_for(store: RedisStore) -> None:
    later = answering(503, headers={"Retry-After": "120"})
    async with selling(store, [buyer("one", retry_enabled=True)], {"one": later}) as market:
        told = await market.post()
        events = await market.events(told["lead"]["id"])

        due = (await Daemon(market).due()).due
        assert 120_000 <= due - events[-1]["at"] - events[-1]["ms"] <= 123_000


async def test_a_step_at_its_cap_is_not_tried_again(store: RedisStore) -> None:
    caps = [{"key": "one", "maximum": 1, "duration_units": "month"}]
    steps = [buyer("one", retry_enabled=True, caps=caps)]
    async with selling(store, steps, {"one": in_turn(DOWN, BUYS)}) as market:
        first = await market.post()
        daemon = Daemon(market)
        daemon.now = (await daemon.due()).due
        assert (await market.sell(email="b@example.com"))[0]["outcome"] == "success"

        await daemon.ring()

        events = await market.events(first["lead"]["id"])
        assert (events[-1]["outcome"], events[-1]["reason"]) == ("skip", "Cap reached")
        assert len(market.buyers["one"].requests) == 2


async def test_deliveries_that_fail_together_come_back_apart(store: RedisStore) -> None:
    """D6: a thousand, of which a hundred are really made; and they come to an end."""
    retries = Retries(first=timedelta(seconds=10))
    async with selling(store, [buyer("one", retry_enabled=True)], {"one": 503}) as market:
        (step,) = market.organization.named_flows["sell"].steps
        failed = StepResult(step, "error", "Server error")
        found = [due_again(retries, failed, 1, 0) for _ in range(1000)]

        dues = sorted(one for one in found if one is not None)
        assert dues[0] < 1_000
        assert 9_000 < dues[-1] <= 10_000
        assert max(later - sooner for sooner, later in pairwise(dues)) < 1_000
        assert due_again(retries, failed, retries.attempts, 0) is None

        leads = await asyncio.gather(*(market.post(email=f"{n}@example.com") for n in range(100)))
        ended = [(await market.events(one["lead"]["id"]))[-1] for one in leads]
        first, last = (pick(one["at"] + one["ms"] for one in ended) for pick in (min, max))
        timers = [one.due for one in await market.timers() if one.purpose == "redelivery"]
        assert len(timers) == 100
        assert first <= min(timers)
        assert max(timers) <= last + 2_000 + 10
        assert max(Counter(due // 100 for due in timers).values()) < 50


async def test_what_never_works_is_a_dead_letter_until_somebody_looks_after_it(
    store: RedisStore,
) -> None:
    answers = {"one": in_turn(DOWN, DOWN, DOWN, BUYS)}
    async with selling(store, [buyer("one", retry_enabled=True)], answers) as market:
        told = await market.post()
        daemon = Daemon(market)
        await daemon.ring()
        await daemon.ring()

        answer = await market.site.client.get(LETTERS, headers=ALL)
        (letter,) = (await answer.json())["data"]
        assert (letter["recipient"], letter["attempts"], letter["error"]) == (
            "one",
            3,
            "Server error",
        )
        one = await market.site.client.get(f"{LETTERS}/{letter['id']}", headers=ALL)
        assert (await one.json())["flowName"] == "Sell"
        again = await market.site.client.post(f"{LETTERS}/{letter['id']}/retry", headers=ALL)
        assert again.status == 200
        twice = await market.site.client.post(f"{LETTERS}/{letter['id']}/retry", headers=ALL)
        assert twice.status == 404
        await daemon.ring()
        events = await market.events(told["lead"]["id"])
        assert events[-1]["outcome"] == "success"
        gone = await market.site.client.get(LETTERS, headers=ALL)
        assert (await gone.json())["data"] == []


async def test_a_dead_letter_that_is_discarded_leaves_nothing_in_the_clear(
    store: RedisStore,
) -> None:
    async with selling(store, [buyer("one", retry_enabled=True)], {"one": 503}) as market:
        await market.post()
        daemon = Daemon(market, Retries(first=timedelta(seconds=1), attempts=2))
        await daemon.ring()
        answer = await market.site.client.get(LETTERS, headers=ALL)
        (letter,) = (await answer.json())["data"]

        await market.site.client.delete(f"{LETTERS}/{letter['id']}", headers=ALL)

        assert not [key async for key in store.redis.scan_iter("*:errands")]


async def test_a_lead_that_is_erased_is_not_delivered_any_more(store: RedisStore) -> None:
    async with selling(store, [buyer("one", retry_enabled=True)], {"one": 503}) as market:
        told = await market.post()
        lead = told["lead"]["id"]
        answer = await market.site.client.delete(f"/api/v1/leads/{lead}?erase=true", headers=ALL)
        assert answer.status == 200

        await Daemon(market).ring()

        assert len(market.buyers["one"].requests) == 1
        assert not [key async for key in store.redis.scan_iter(f"*:lead:{lead}:*")]
