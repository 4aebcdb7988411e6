"""Sinks are told of what happens to records: at least once, in order, and at their own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from pointsman import observe
from pointsman.app.lifecycle import background
from pointsman.delivery import Delivery
from pointsman.dispatch import Retries
from pointsman.errors import ActionError, TransientError
from pointsman.plugin import Event, SinkContext, sink, sinks
from pointsman.registry import Stage, collecting
from pointsman.store import events as event_store
from pointsman.store.events import EventStore
from pointsman.store.records import RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.sinks import Backlog, SinkStore
from pointsman.workflows.sinks import Sinks
from pooling import ORGANIZATION
from support import wait_until
from working import House, organization_with

QUICK = Retries(first=timedelta(milliseconds=1), longest=timedelta(milliseconds=5), attempts=3)


@dataclass
class Sink:
    """What a sink was told, and how it answers: one by one, the last one for ever."""

    answers: list[BaseException | None] = field(default_factory=lambda: [None])
    told: list[tuple[Event, SinkContext]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [str(event.current.get("first_name")) for event, _ in self.told]

    async def take(self, event: Event, context: SinkContext) -> None:
        self.told.append((event, context))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


def add(**takers: Sink) -> None:
    """Let there be these sinks, and no others, as a reload would."""
    with collecting("/plugins/acme.py") as found:
        for name, taker in takers.items():

            def register(taker: Sink = taker, name: str = name) -> None:
                @sink(name, events=("lead_created",))
                async def told(event: Event, context: SinkContext) -> None:
                    """Take what is told."""
                    await taker.take(event, context)

            register()
    Stage(str(found), found).adopt()


@pytest.fixture(autouse=True)
def no_sink_stays() -> Iterator[None]:
    yield
    Stage().adopt()


@pytest.fixture
async def house(store: RedisStore) -> House:
    return House(store, organization_with())


@asynccontextmanager
async def telling(house: House, redis_url: str, holder: str = "one") -> AsyncIterator[None]:
    records = RecordStore(house.store, house.settings)
    async with Delivery.open() as delivery:
        told = Sinks(house.rules, house.store, records, redis_url, holder)
        async with background(told.run(delivery, QUICK)):
            await wait_until(lambda: _joined(house), "every sink is there")
            yield


async def _joined(house: House) -> bool:
    if not await house.store.redis.exists(house.keys.events):
        return not sinks
    groups = await house.store.redis.xinfo_groups(house.keys.events)
    return {f"sink:{name}".encode() for name in sinks} <= {group["name"] for group in groups}


async def waiting(house: House, name: str) -> int:
    return (await SinkStore(house.store, name, "probe").keep(ORGANIZATION)).waiting


def counted(name: str, outcome: str) -> float:
    labels = {"sink": name, "outcome": outcome}
    return observe.REGISTRY.get_sample_value("pointsman_sink_events_total", labels) or 0.0


async def test_a_sink_is_told_of_the_events_it_wants_with_the_record(
    house: House, redis_url: str
) -> None:
    taker = Sink()
    add(acme_one=taker)
    await house.post(first_name="Early")

    async with telling(house, redis_url):
        lead = await house.post(first_name="Ada")
        await wait_until(lambda: taker.told, "the sink is told")
        await wait_until(lambda: _nothing_waits(house, "acme_one"), "it is acknowledged")

    ((event, context),) = taker.told
    assert (event.types, event.module, event.organization) == (("lead_created",), "leads", "acme")
    assert (event.record_id, event.previous, event.current["first_name"]) == (lead, None, "Ada")
    assert (context.delivery_id, context.attempt) == (f"{event.id}:acme_one", 1)
    assert counted("acme_one", "done") == 1


async def _nothing_waits(house: House, name: str) -> bool:
    return await waiting(house, name) == 0


@pytest.mark.parametrize(
    "error",
    [TransientError("later"), KeyError("bug"), SystemExit(1), asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)
async def test_a_sink_that_fails_is_told_again_and_holds_up_no_other(
    house: House, redis_url: str, error: BaseException
) -> None:
    name = f"acme_{type(error).__name__}".lower()
    failing, other = Sink([error, error, None]), Sink()
    add(**{name: failing, "acme_other": other})

    async with telling(house, redis_url):
        await house.post(first_name="Ada")
        await wait_until(lambda: len(failing.told) == 3 and other.told, "it is told again")
        await wait_until(lambda: _nothing_waits(house, name), "it is acknowledged")

    assert [context.attempt for _, context in failing.told] == [1, 2, 3]
    assert len({context.delivery_id for _, context in failing.told}) == 1
    assert len(other.told) == 1
    assert (counted(name, "retried"), counted(name, "done")) == (2, 1)


@pytest.mark.parametrize(
    ("error", "times"), [(TransientError("later"), 3), (ActionError("never"), 1)]
)
async def test_an_event_that_a_sink_cannot_take_is_dropped_and_the_next_one_comes(
    house: House, redis_url: str, error: Exception, times: int
) -> None:
    name = f"acme_{type(error).__name__}_dropped".lower()
    taker = Sink([*[error] * times, None])
    add(**{name: taker})

    async with telling(house, redis_url):
        await house.post(first_name="Ada")
        await wait_until(lambda: len(taker.told) == times, "the first one is given up")
        await house.post(first_name="Bob")
        await wait_until(lambda: "Bob" in taker.names, "the next one comes")

    assert taker.names == ["Ada"] * times + ["Bob"]
    assert counted(name, "dropped") == 1


async def test_what_was_told_and_not_acknowledged_is_told_again_by_whoever_comes_next(
    house: House, redis_url: str
) -> None:
    """At least once: a daemon that dies in the middle leaves the event to another one."""

    class Deaf(Sink):
        async def take(self, event: Event, context: SinkContext) -> None:
            await super().take(event, context)
            if len(self.told) == 1:
                await asyncio.Event().wait()

    taker = Deaf()
    add(acme_deaf=taker)
    async with telling(house, redis_url, "first"):
        await house.post(first_name="Ada")
        await wait_until(lambda: taker.told, "the first daemon tells")

    async with telling(house, redis_url, "second"):
        await wait_until(lambda: len(taker.told) == 2, "the second daemon tells again")
        await house.post(first_name="Bob")
        await wait_until(lambda: "Bob" in taker.names, "and goes on")

    assert taker.told[0][1].delivery_id == taker.told[1][1].delivery_id


async def test_one_daemon_at_a_time_tells_a_sink(house: House, redis_url: str) -> None:
    taker = Sink()
    add(acme_single=taker)

    async with telling(house, redis_url, "first"), telling(house, redis_url, "second"):
        for number in range(20):
            await house.post(first_name=str(number))
        await wait_until(lambda: len(taker.told) >= 20, "all are told")
        await wait_until(lambda: _nothing_waits(house, "acme_single"), "all are acknowledged")

    assert sorted(taker.names, key=int) == [str(number) for number in range(20)]


async def test_a_reload_brings_a_sink_changes_it_and_takes_it_away(
    house: House, redis_url: str
) -> None:
    first, second = Sink(), Sink()
    async with telling(house, redis_url):
        add(acme_hot=first)
        await wait_until(lambda: _joined(house), "it is there")
        await house.post(first_name="Ada")
        await wait_until(lambda: first.told, "it is told")

        add(acme_hot=second)
        await wait_until(partial(_told_of_another, house, second), "the new one is told")

        add()
        await wait_until(lambda: _nobody_tells(house, "acme_hot"), "it is taken away")
        await house.post(first_name="Zoe")
        assert await waiting(house, "acme_hot") == 1
    assert "Zoe" not in [*first.names, *second.names]


async def _told_of_another(house: House, taker: Sink) -> bool:
    await house.post(first_name="Bob")
    return bool(taker.told)


async def _nobody_tells(house: House, name: str) -> bool:
    return not await house.store.redis.exists(house.keys.lease(f"sink:{name}"))


async def test_a_sink_that_is_far_behind_goes_on_with_what_comes_next(house: House) -> None:
    store = SinkStore(house.store, "acme_slow", "one")
    assert await store.keep(ORGANIZATION) == Backlog(0, 0)
    for number in range(5):
        await house.post(first_name=str(number))

    assert await store.keep(ORGANIZATION, 5) == Backlog(5, 0)
    assert await store.keep(ORGANIZATION, 4) == Backlog(0, 5)
    await house.post(first_name="next")
    assert await store.keep(ORGANIZATION, 4) == Backlog(1, 0)


async def test_events_wait_for_a_sink_a_week_and_no_longer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is gone for good must not keep every event for ever."""
    await SinkStore(house.store, "acme_gone", "one").keep(ORGANIZATION)
    await house.post(first_name="Ada")
    events = EventStore(house.store)

    async def groups() -> list[Any]:
        found = await house.store.redis.xinfo_groups(house.keys.events)
        return [group["name"] for group in found]

    await events.trim(ORGANIZATION)
    assert await groups() == [b"sink:acme_gone"]
    monkeypatch.setattr(event_store, "SINK_KEPT", -60_000)
    await events.trim(ORGANIZATION)
    assert await groups() == []
    assert not await house.store.redis.exists(house.keys.sinks)
