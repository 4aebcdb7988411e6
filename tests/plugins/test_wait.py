from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from pointsman.errors import ActionError
from pointsman.model import Ruleset
from pointsman.plugin import Sleep
from pointsman.store.redis import RedisStore
from pointsman.testing import action_context, perform
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with

FRIDAY = datetime(2099, 7, 3, 14, 30, tzinfo=UTC)
DAY = timedelta(days=1)


async def waited(now: datetime = FRIDAY, **config: Any) -> Any:
    zone = config.pop("time_zone", "UTC")
    async with action_context(now=now, time_zone=zone) as context:
        return await perform("wait", config, context)


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        ("2h", timedelta(hours=2)),
        ("1d 12h", timedelta(hours=36)),
        ("1w2d3h4m5s", timedelta(days=9, hours=3, minutes=4, seconds=5)),
        (" 1.5 h ", timedelta(minutes=90)),
        ("0s", timedelta()),
        ("366d", 366 * DAY),
    ],
)
async def test_a_duration_counts_from_when_the_step_began(duration: str, length: timedelta) -> None:
    assert await waited(duration=duration) == Sleep(FRIDAY + length)


@pytest.mark.parametrize(
    ("until", "zone", "expected"),
    [
        ("2099-07-04T09:00:00Z", "UTC", datetime(2099, 7, 4, 9, tzinfo=UTC)),
        ("2099-07-04T09:00:00-05:00", "UTC", datetime(2099, 7, 4, 14, tzinfo=UTC)),
        ("2099-07-04", "UTC", datetime(2099, 7, 4, tzinfo=UTC)),
        ("2099-07-04", "America/Chicago", datetime(2099, 7, 4, 5, tzinfo=UTC)),
        ("2099-07-04T09:00", "Europe/Berlin", datetime(2099, 7, 4, 7, tzinfo=UTC)),
    ],
)
async def test_a_wait_ends_at_a_time(until: str, zone: str, expected: datetime) -> None:
    assert await waited(until=until, time_zone=zone) == Sleep(expected)


@pytest.mark.parametrize(
    ("now", "zone", "more", "expected"),
    [
        (FRIDAY, "UTC", {}, FRIDAY),
        (FRIDAY, "UTC", {"closes": "14:00"}, datetime(2099, 7, 6, 9, tzinfo=UTC)),
        (FRIDAY, "UTC", {"opens": "15:30"}, datetime(2099, 7, 3, 15, 30, tzinfo=UTC)),
        (FRIDAY, "Asia/Tokyo", {}, datetime(2099, 7, 6, 0, tzinfo=UTC)),
        (FRIDAY, "UTC", {"days": ["thu"]}, datetime(2099, 7, 9, 9, tzinfo=UTC)),
        (FRIDAY + DAY, "UTC", {"days": ["sat"], "closes": "24:00"}, FRIDAY + DAY),
    ],
)
async def test_a_wait_ends_in_business_hours(
    now: datetime, zone: str, more: dict[str, Any], expected: datetime
) -> None:
    told = await waited(now, until="next_business_hours", time_zone=zone, **more)

    assert told == Sleep(expected)


@pytest.mark.parametrize("config", [{"duration": "1h"}, {"until": "2001-01-01T01:00:00Z"}])
async def test_what_is_past_is_not_waited_for(config: dict[str, Any]) -> None:
    told = await waited(datetime(2001, 1, 1, tzinfo=UTC), **config)

    assert told == {"until": "2001-01-01T01:00:00+00:00"}


@pytest.mark.parametrize("until", ["", "tomorrow", "12:00", "2199-01-01"])
async def test_what_is_no_time_or_too_far_away_is_final(until: str) -> None:
    with pytest.raises(ActionError, match=r"expected a time|more than 366 days"):
        await waited(until=until)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"duration": "1h", "until": "2026-01-01"},
        {"duration": "soon"},
        {"duration": "1x"},
        {"duration": ""},
        {"duration": "367d"},
        {"duration": "-1h"},
        {"until": "next_business_hours", "days": []},
        {"until": "next_business_hours", "days": ["someday"]},
        {"until": "next_business_hours", "opens": "9"},
        {"until": "next_business_hours", "opens": "17:00"},
    ],
)
async def test_a_wait_that_cannot_be_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await waited(**config)


def wait(duration: str) -> dict[str, Any]:
    return {"action_type": "wait", "config": {"duration": duration}}


async def test_a_run_waits_without_a_daemon_and_another_one_ends_it(
    store: RedisStore, redis_url: str
) -> None:
    """L13: a wait survives the daemon that began it."""
    workflow = make_workflow(add_tag("before"), wait("2s"), add_tag("after"))
    house = House(store, organization_with(workflow))

    async def waiting() -> bool:
        return [run.status for run in await house.runs_of(workflow)] == ["waiting"]

    async with engine(house, redis_url):
        lead = await house.post()
        await wait_until(waiting, "the run waits")
    assert await house.tags(lead) == ["before"]
    (run,) = await house.runs_of(workflow)
    assert [step.status for step in run.steps] == ["succeeded", "waiting"]
    assert run.due

    async with engine(house, redis_url):
        (ended,) = await house.finished(workflow)

    assert await house.tags(lead) == ["before", "after"]
    assert [step.status for step in ended.steps] == ["succeeded"] * 3
    assert ended.finished
    assert ended.finished >= run.due
    assert ended.steps[1].error is None


async def test_a_reload_of_another_version_leaves_a_waiting_run_alone(
    store: RedisStore, redis_url: str
) -> None:
    """L13, L15: a run goes on with the version it began with."""
    old = make_workflow(wait("1s"), add_tag("old"))
    new = organization_with(make_workflow(add_tag("new")))
    house = House(store, organization_with(old))

    async def begun() -> bool:
        return bool(await house.runs_of(old))

    async with engine(house, redis_url):
        lead = await house.post()
        await wait_until(begun, "the run has begun")
        house.rules.current = Ruleset({new.handle: new})
        other = await house.post()
        await house.finished(old, 2)

    assert await house.tags(lead) == ["old"]
    assert await house.tags(other) == ["new"]


async def test_what_a_run_needs_outlives_a_long_wait(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """L14: a run that waits longer than events are kept is there when its time comes."""
    workflow = make_workflow(wait("300d"), add_tag("after"))
    house = House(store, organization_with(workflow))

    async def waiting() -> bool:
        return [run.status for run in await house.runs_of(workflow)].count("waiting") > 0

    async with engine(house, redis_url):
        lead = await house.post()
        await wait_until(waiting, "the run waits")
        (run,) = await house.runs_of(workflow)
        await house.post()
        await house.quiet()

    needed = [
        house.keys.run(run.id),
        house.keys.definition(run.digest),
        house.keys.lead(lead),
        house.keys.workflow_runs(workflow.id),
    ]
    left = [await redis.pttl(key) for key in needed]
    assert min(left) > 300 * DAY / timedelta(milliseconds=1), left
