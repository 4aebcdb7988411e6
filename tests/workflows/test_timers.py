"""Timers that scripts set, and who gets them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pointsman.errors import Unavailable
from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.store.redis import RedisStore
from pointsman.store.scripts import _text
from pointsman.store.timers import Timer
from pooling import ORGANIZATION
from support import wait_until
from working import House, engine, organization_with


async def set_timer(house: House, purpose: str, about: str, due: int = 0) -> None:
    """Set a timer as a script does."""
    source = _text("lib/timers.lua") + "timer_set(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]))"
    await house.store.redis.eval(source, 1, house.keys.outbox, purpose, about, str(due))


class Rung:
    """Keeps the timers that came; raises ``errors`` first, one each time."""

    def __init__(self, *errors: Exception) -> None:
        self.timers: list[Timer] = []
        self.errors = list(errors)

    async def __call__(self, organization: Organization, timer: Timer) -> None:
        self.timers.append(timer)
        assert organization.id == ORGANIZATION
        if self.errors:
            raise self.errors.pop()


async def came(rung: Rung, number: int = 1) -> list[Timer]:
    await wait_until(lambda: len(rung.timers) >= number, "the timer comes")
    return rung.timers


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be done now comes again at once."""
    monkeypatch.setattr("pointsman.workflows.docket.PARKED", timedelta(milliseconds=20))
    monkeypatch.setattr("pointsman.workflows.timers._AWAY", 0.01)


async def test_a_timer_comes_to_the_handler_of_its_purpose_when_it_is_due(
    store: RedisStore, redis_url: str
) -> None:
    """R20: what was set in a script comes at its time, with what it is about."""
    house, rung, other = House(store, organization_with()), Rung(), Rung()
    due = milliseconds() + 300
    await set_timer(house, "accept-by", "6ba7b8109dad11d180b400c0", due)

    async with engine(house, redis_url, timers={"accept-by": rung, "drain": other}):
        (timer,) = await came(rung)

    assert milliseconds() >= due
    assert timer == Timer(ORGANIZATION, "accept-by", "6ba7b8109dad11d180b400c0", due)
    assert not other.timers
    assert not await store.redis.xlen(house.keys.outbox)


async def test_a_timer_that_waits_outlives_the_daemons(store: RedisStore, redis_url: str) -> None:
    """R20: a timer set before a restart comes after it."""
    house, rung = House(store, organization_with()), Rung()
    await set_timer(house, "drain", "a/b", milliseconds() + 1500)
    async with engine(house, redis_url, timers={"drain": rung}):

        async def told() -> bool:
            return not await store.redis.xlen(house.keys.outbox)

        await wait_until(told, "the queue knows of it")
    assert not rung.timers

    async with engine(house, redis_url, timers={"drain": rung}):
        (timer,) = await came(rung)

    assert timer.id == "a/b"


async def test_a_timer_set_twice_for_one_time_waits_once(store: RedisStore, redis_url: str) -> None:
    """Two entries of one purpose, thing and time are one job; another time is another."""
    house, rung = House(store, organization_with()), Rung()
    due = milliseconds() + 200
    for when in (due, due, due + 1):
        await set_timer(house, "drain", "pool", when)

    async with engine(house, redis_url, timers={"drain": rung}):
        await came(rung, 2)

    assert sorted(timer.due for timer in rung.timers) == [due, due + 1]


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a bug")])
async def test_a_handler_that_raises_gets_its_timer_again(
    store: RedisStore, redis_url: str, error: Exception
) -> None:
    house, rung = House(store, organization_with()), Rung(error)
    async with engine(house, redis_url, timers={"drain": rung}):
        await set_timer(house, "drain", "pool")
        first, again = await came(rung, 2)

    assert (first.id, first.due) == (again.id, again.due)
    assert again.failures == (1 if isinstance(error, ValueError) else 0)


async def test_a_handler_that_always_raises_is_left_alone_in_the_end(
    store: RedisStore, redis_url: str
) -> None:
    house, rung, after = House(store, organization_with()), Rung(*[ValueError()] * 9), Rung()
    async with engine(house, redis_url, timers={"drain": rung, "after": after}):
        await set_timer(house, "drain", "pool")
        await came(rung, 5)
        await set_timer(house, "after", "pool", milliseconds() + 100)
        await came(after)

    assert [timer.failures for timer in rung.timers] == [0, 1, 2, 3, 4]


async def test_a_timer_that_nobody_here_knows_waits_for_a_daemon_that_does(
    store: RedisStore, redis_url: str
) -> None:
    """While daemons are replaced, an older one may meet a purpose that it has no handler for."""
    house, rung = House(store, organization_with()), Rung()
    handlers: dict[str, Any] = {}
    async with engine(house, redis_url, timers=handlers):
        await set_timer(house, "drain", "pool")
        parked = await wait_until(lambda: parked_jobs(store), "the timer is parked")
        handlers["drain"] = rung
        await came(rung)

    assert parked


async def parked_jobs(store: RedisStore) -> bool:
    """Tell whether a timer came and was put back under another key."""
    keys = [key async for key in store.redis.scan_iter(match="*drain:pool:0:*")]
    return bool(keys)
