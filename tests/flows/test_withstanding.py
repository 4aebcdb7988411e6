"""What flows withstand: daemons that die holding places, buyers that hang, leads all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

import pytest

from pointsman.flows import itinerary
from pointsman.flows.flights import Flights
from pointsman.flows.intake import Intake
from pointsman.flows.submissions import Outcome, Submissions
from pointsman.ids import milliseconds
from pointsman.peers import hanging
from pointsman.settings import Settings
from pointsman.store.caps import CapStore
from pointsman.store.leads import LeadStore
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from selling import BUYS, Market, buyer, selling
from support import THOROUGH, wait_until

TEN = [{"key": "ten", "maximum": 10, "duration_units": "month"}]
DEADLINE = 20
MINUTE = 60_000
LOST_AFTER = (DEADLINE + 30) * 1000
RATE = 200
LEADS = 2_000 if THOROUGH else 150
SLACK = 0.02 if THOROUGH else 0.25


class Daemon:
    """A daemon of several over one Redis, with a clock that all of them share."""

    def __init__(self, market: Market, clock: list[int]) -> None:
        services, self.market, self._clock = market.site.services, market, clock
        leads = LeadStore(services.store, Settings())
        delivery, rules = services.delivery, services.rules
        self.flights = Flights(leads, rules, delivery, Settings(), clock=self.now)
        intake = Intake(leads, rules, flights=self.flights, clock=self.now)
        self.submissions = Submissions(intake, CapStore(services.store), clock=self.now)
        self.flow = market.organization.named_flows["sell"]
        self.leading: list[asyncio.Task[Outcome]] = []

    def now(self) -> int:
        return self._clock[0]

    async def post(self, number: int) -> Outcome:
        lead = {"email": f"{number}@example.com"}
        outcome, _ = await self.submissions.post(
            self.market.organization, self.flow, self.flow.sources[0], lead, address=None
        )
        return outcome

    def begin(self, numbers: Sequence[int]) -> None:
        """Take leads, and do not wait for what comes of them."""
        self.leading += [asyncio.create_task(self.post(number)) for number in numbers]

    async def die(self) -> None:
        """Vanish, as a process does that is killed: nothing is given back."""
        for task in self.leading:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def held(self) -> tuple[int, int]:
        """Return how many leads the cap counts, and how many of them are only held."""
        (cap,) = self.flow.caps
        key = f"pm:{{{self.market.organization.id}}}:cap:{cap.id}:held"
        counter = (await CapStore(self.market.site.services.store).read(
            self.market.organization.id, [cap], self.now()
        ))[cap.id]  # fmt: skip
        return counter.count, await self.market.redis.zcount(key, f"({self.now()}", "+inf")


async def test_a_dead_daemon_does_not_keep_the_places_it_held(store: RedisStore) -> None:
    """C1: a hundred leads on a cap of ten over two daemons, one of them killed with five places.

    Nobody leads its leads on here; their places are lost with the time that they were held for.
    """
    alive = asyncio.Event()

    async def answer(got: Any) -> Any:
        return await (BUYS if alive.is_set() else hanging)(got)

    async with selling(
        store, [buyer("one")], {"one": answer}, caps=TEN, deadline=DEADLINE
    ) as market:
        clock = [milliseconds() - 2 * LOST_AFTER]
        first, second = Daemon(market, clock), Daemon(market, clock)
        first.begin(range(5))
        await wait_until(lambda: len(market.buyers["one"].requests) == 5, "five are on their way")
        await first.die()
        alive.set()

        found = await asyncio.gather(*(second.post(number) for number in range(5, 100)))

        assert [one.outcome for one in found].count("success") == 5
        assert await second.held() == (10, 5)
        clock[0] += LOST_AFTER + 1
        later = await asyncio.gather(*(second.post(number) for number in range(100, 150)))
        assert [one.outcome for one in later].count("success") == 5
        assert await second.held() == (10, 0)


@pytest.mark.parametrize("place", ["flow", "step"])
async def test_windows_of_several_units_are_counted_from_the_first_lead_that_was_delivered(
    store: RedisStore, place: str
) -> None:
    caps = [{"key": "c", "maximum": 1, "duration": 2, "duration_units": "minute"}]
    flow: dict[str, Any] = {"caps": caps} if place == "flow" else {}
    step: dict[str, Any] = {"caps": caps} if place == "step" else {}
    flow["deadline"] = 600  # the clock is behind Redis' all the way
    async with selling(store, [buyer("one", **step)], {"one": BUYS}, **flow) as market:
        begun = milliseconds() // MINUTE * MINUTE - 7 * MINUTE
        clock = [begun]
        daemon = Daemon(market, clock)
        for minute in (0, 3, 4):
            clock[0] = begun + minute * MINUTE
            await daemon.post(minute)

        assert len(market.buyers["one"].requests) == 3


async def test_leads_of_a_dead_daemon_are_led_on_in_the_places_they_hold(store: RedisStore) -> None:
    """C1, D5: every one of them once, whoever rings and how often."""
    alive = asyncio.Event()

    async def answer(got: Any) -> Any:
        return await (BUYS if alive.is_set() else hanging)(got)

    async with selling(
        store, [buyer("one")], {"one": answer}, caps=TEN, deadline=DEADLINE
    ) as market:
        clock = [milliseconds() - 2 * LOST_AFTER]
        first, second = Daemon(market, clock), Daemon(market, clock)
        first.begin(range(100))
        await wait_until(lambda: len(market.buyers["one"].requests) == 10, "ten are on their way")
        await first.die()
        alive.set()
        clock[0] += 16_000

        timers = [timer for timer in await market.timers() if timer.purpose == "submission"]
        await asyncio.gather(
            *(second.flights.resume(market.organization, one) for one in timers * 3)
        )

        assert len(market.buyers["one"].requests) == 20
        assert len({one.headers["Idempotency-Key"] for one in market.buyers["one"].requests}) == 10
        assert await second.held() == (10, 0)


async def test_a_daemon_that_waits_for_long_keeps_its_lead(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D1: nobody else sends the lead while it is waited for, however long that takes."""
    monkeypatch.setattr(itinerary, "BEAT", 0.02)
    async with selling(store, [buyer("one", timeout=60)], {"one": hanging}, deadline=90) as market:
        clock = [milliseconds() - 2 * LOST_AFTER]
        first, second = Daemon(market, clock), Daemon(market, clock)
        first.begin([1])
        await wait_until(lambda: len(market.buyers["one"].requests) == 1, "it is on its way")
        key = f"pm:{{{market.organization.id}}}:lead:{await market.flying()}:submission"
        begun = int(await market.redis.hget(key, "lease"))
        clock[0] += 40_000

        async def held() -> bool:
            return int(await market.redis.hget(key, "lease")) > clock[0]

        await wait_until(held, "it says so again")
        timer = Timer(market.organization.id, "submission", await market.flying(), begun + 1)
        await second.flights.resume(market.organization, timer)

        assert len(market.buyers["one"].requests) == 1
        assert (await market.timers())[-1].due > clock[0]
        await first.die()


async def test_a_lead_in_the_background_is_led_once(store: RedisStore) -> None:
    """D5: however many daemons are told of it at one moment."""
    async with selling(store, [buyer("one")], {"one": BUYS}, **{"async": True}) as market:
        told = await market.post()
        lead = told["lead"]["id"]
        flights = market.site.services.flights
        timer = Timer(market.organization.id, "submission", lead, 0)

        await asyncio.gather(*(flights.resume(market.organization, timer) for _ in range(8)))

        assert len(market.buyers["one"].requests) == 1
        assert len(await market.events(lead)) == 2


async def test_rules_see_the_lead_in_its_normal_form_and_the_last_price_that_fits_wins(
    store: RedisStore,
) -> None:
    """D10: not what was sent, and all rules are asked, not the first."""

    def equal(lhv: str, rhv: str) -> dict[str, Any]:
        return {"op": "and", "rules": [{"lhv": lhv, "op": "is equal to", "rhv": rhv}]}

    texas = equal("lead.state", "TX")
    prices = [
        {"amount": 1},
        {"amount": 2, "rule_set": texas},
        {"amount": 3, "rule_set": equal("lead.email.domain", "x.org")},
        {"amount": 9, "rule_set": equal("lead.state", "texas")},
    ]
    step = buyer("one", rule_set=texas, pricing={"prices": prices})
    async with selling(store, [step], {"one": BUYS}) as market:
        events = await market.sell(state="texas", email="Ada@X.ORG")

        assert (events[0]["outcome"], events[0]["price"]) == ("success", 3)


async def test_a_buyer_that_hangs_does_not_slow_other_flows(store: RedisStore) -> None:
    """Leads of one flow are taken as fast as before while those of another wait."""
    async with selling(store, [buyer("one", timeout=30)], {"one": hanging}) as market:
        await served(market, LEADS // 3)
        before = await served(market, LEADS)
        waiting = [asyncio.create_task(market.post(email=f"{n}@example.com")) for n in range(40)]
        await wait_until(lambda: len(market.buyers["one"].requests) >= 20, "leads wait")

        meanwhile = await served(market, LEADS)

        assert not any(task.done() for task in waiting[:20])
        assert meanwhile <= max(2 * before, before + SLACK)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def served(market: Market, leads: int) -> float:
    """Send leads to another flow, so many a second; return the p99 of their times."""
    loop = asyncio.get_running_loop()
    begun, times = loop.time(), list[float]()

    async def one(number: int) -> None:
        started = perf_counter()
        lead = {"email": f"{number}@example.com"}
        answer = await market.site.client.post("/flows/quick/sources/a/submit", json=lead)
        assert answer.status == 201
        times.append(perf_counter() - started)

    async with asyncio.TaskGroup() as tasks:
        for number in range(leads):
            await asyncio.sleep(max(0, begun + number / RATE - loop.time()))
            tasks.create_task(one(number))
    return sorted(times)[int(leads * 0.99) - 1]
