"""From a lead's event to a finished run, on the real store."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from aiohttp import web
from redis.asyncio import Redis

from pointsman.dispatch import Retries
from pointsman.ids import lead_uuid
from pointsman.model import WORKFLOW_DEPTH, Ruleset, Workflow
from pointsman.store.batches import CARRY_ON, Batch
from pointsman.store.events import GROUP
from pointsman.store.outbox import Posted
from pointsman.store.redis import RedisStore
from pointsman.store.run_state import Job
from pointsman.testing import Received, receiver
from pointsman.workflows.docket import Jobs
from pooling import ORGANIZATION
from support import wait_until
from working import QUICK, House, add_tag, engine, make_workflow, organization_with, webhook


async def test_a_new_lead_starts_a_run_that_tags_it(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(add_tag("new", "web"))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(workflow)

    assert await house.tags(lead) == ["new", "web"]
    assert (run.status, run.record_id, run.type) == ("succeeded", lead, "lead_created")
    assert run.steps[0].output == {"added": ["new", "web"]}
    assert run.steps[0].status == "succeeded"
    assert run.trigger["id"] == lead_uuid(lead)


async def test_steps_run_in_order_and_see_what_earlier_ones_said(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver() as peer:
        workflow = make_workflow(
            add_tag("first"),
            webhook(peer.url, body={"added": "{{steps.1.added}}", "to": "{{trigger.firstName}}"}),
            add_tag("answered-{{steps.2.status}}"),
        )
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url):
            lead = await house.post(first_name="Ada")
            (run,) = await house.finished(workflow)

    assert run.status == "succeeded", run
    assert await house.tags(lead) == ["first", "answered-200"]
    assert [request.json() for request in peer.requests] == [{"added": ["first"], "to": "Ada"}]
    assert peer.requests[0].headers["webhook-id"] == f"{run.id}:2"


async def test_every_matching_workflow_runs_once_and_no_other(
    store: RedisStore, redis_url: str
) -> None:
    """D5, D8: one run per event and workflow; the filters decide."""
    vip = {"conditions": [{"field": "customFields.level", "operator": "in", "value": [1, 2]}]}
    one = make_workflow(add_tag("one"), file="workflows/one.yaml")
    two = make_workflow(add_tag("two"), file="workflows/two.yaml", trigger_filters=vip)
    off = make_workflow(add_tag("off"), file="workflows/off.yaml", is_active=False)
    other = make_workflow(add_tag("x"), file="workflows/x.yaml", trigger_type="lead_assigned")
    house = House(store, organization_with(one, two, off, other))

    async with engine(house, redis_url):
        plain = await house.post(custom_fields={"level": True})
        important = await house.post(custom_fields={"level": "2"})
        await house.finished(one, 2)
        await house.finished(two, 1)
        await house.quiet()

    assert await house.tags(plain) == ["one"]
    assert await house.tags(important) == ["one", "two"]
    assert [len(await house.runs_of(workflow)) for workflow in (one, two, off, other)] == [
        2,
        1,
        0,
        0,
    ]


async def test_two_engines_start_one_run_per_event(store: RedisStore, redis_url: str) -> None:
    """D4, D5: an accepted lead has a run, and no lead has two."""
    async with receiver() as peer:
        workflow = make_workflow(webhook(peer.url, body="{{trigger.id}}"))
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url), engine(house, redis_url):
            leads = await asyncio.gather(*[house.post() for _ in range(100)])
            runs = await house.finished(workflow, len(leads))

    assert Counter(run.record_id for run in runs) == Counter(leads)
    sent = Counter(request.body.decode() for request in peer.requests)
    assert sent == Counter(map(lead_uuid, leads))


async def test_events_from_before_the_engine_are_not_missed(
    store: RedisStore, redis_url: str
) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    leads = [await house.post() for _ in range(5)]

    async with engine(house, redis_url):
        runs = await house.finished(workflow, 5)

    assert {run.record_id for run in runs} == set(leads)


async def test_events_that_a_dead_reader_had_taken_are_not_missed(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """D4: read and not acknowledged is not lost."""
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    leads = [await house.post() for _ in range(5)]
    await redis.xgroup_create(house.keys.events, GROUP, "0")
    await redis.xreadgroup(GROUP, "dead", {house.keys.events: ">"}, count=3)

    async with engine(house, redis_url):
        runs = await house.finished(workflow, 5)

    assert {run.record_id for run in runs} == set(leads)


async def test_a_failed_step_ends_the_run_unless_it_may_go_on(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver(404) as peer:
        strict = make_workflow(webhook(peer.url), add_tag("strict"), file="workflows/strict.yaml")
        lax = make_workflow(
            webhook(peer.url, on_error="continue"), add_tag("lax"), file="workflows/lax.yaml"
        )
        house = House(store, organization_with(strict, lax))

        async with engine(house, redis_url):
            lead = await house.post()
            (failed,) = await house.finished(strict)
            (done,) = await house.finished(lax)

    assert await house.tags(lead) == ["lax"]
    assert (failed.status, len(failed.steps)) == ("failed", 1)
    assert failed.error == "step 1: POST to 127.0.0.1 answered 404"
    assert (done.status, [step.status for step in done.steps]) == (
        "succeeded",
        ["failed", "succeeded"],
    )


async def test_a_delivery_is_tried_again_under_the_same_id_until_it_arrives(
    store: RedisStore, redis_url: str
) -> None:
    """D1: the receiver can tell a repeat by its id."""

    async def drop(_: Received) -> web.StreamResponse:
        raise ConnectionAbortedError

    async with receiver(503, 429, drop, 200) as peer:
        workflow = make_workflow(webhook(peer.url), add_tag("sent"))
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url):
            lead = await house.post()
            (run,) = await house.finished(workflow)

    assert [run.status, run.steps[0].status, run.steps[0].attempts] == ["succeeded", "succeeded", 4]
    assert {request.headers["webhook-id"] for request in peer.requests} == {f"{run.id}:1"}
    assert len({request.body for request in peer.requests}) == 1
    assert await house.tags(lead) == ["sent"]


async def test_a_run_that_waits_says_so_and_does_not_come_before_it_may(
    store: RedisStore, redis_url: str
) -> None:
    async def busy(_: Received) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "1"})

    async with receiver(busy, 200) as peer:
        workflow = make_workflow(webhook(peer.url))
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url):
            await house.post()

            async def waiting() -> bool:
                return any(run.status == "waiting" for run in await house.runs_of(workflow))

            await wait_until(waiting, "the run waits")
            (run,) = await house.finished(workflow)

    assert run.finished
    assert run.finished - run.created >= 1000
    assert run.steps[0].attempts == 2


async def test_a_receiver_that_hangs_is_given_up_at_last(store: RedisStore, redis_url: str) -> None:
    async def hang(_: Received) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    retries = Retries(first=timedelta(milliseconds=10), attempts=2)
    async with receiver(hang) as peer:
        workflow = make_workflow(webhook(peer.url, timeout=0.1))
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url, retries=retries):
            await house.post()
            (run,) = await house.finished(workflow)

    assert run.status == "failed"
    assert run.error
    assert run.error.endswith("(gave up after 2 attempts)")
    assert len(peer.requests) == 2


async def test_secrets_are_not_kept_with_a_run(store: RedisStore, redis_url: str) -> None:
    async def echo(got: Received) -> web.StreamResponse:
        return web.json_response({"you_sent": got.headers["Authorization"]})

    async with receiver(echo) as peer:
        workflow = make_workflow(
            webhook(peer.url, auth={"credential": "crm"}, headers={"X-Api-Key": "k-123456"})
        )
        house = House(store, organization_with(workflow, credentials={"crm": "t0p-s3cret"}))

        async with engine(house, redis_url):
            await house.post()
            (run,) = await house.finished(workflow)

    assert peer.requests[0].headers["Authorization"] == "Bearer t0p-s3cret"
    kept = str(await store.redis.hgetall(house.keys.run(run.id)))
    assert "t0p-s3cret" not in kept
    assert "k-123456" not in kept
    assert run.steps[0].input["auth"] == {"credential": "crm"}
    assert run.steps[0].output["body"] == {"you_sent": "Bearer [redacted]"}


async def test_what_a_placeholder_missed_is_recorded_on_the_step(
    store: RedisStore, redis_url: str
) -> None:
    """D9: braces inside a lead's data stay text."""
    workflow = make_workflow(add_tag("x{{trigger.nobody}}", "{{trigger.first_name}}"))
    house = House(store, organization_with(workflow))

    async with engine(house, redis_url):
        lead = await house.post(first_name="{{organization.name}}")
        (run,) = await house.finished(workflow)

    assert await house.tags(lead) == ["x", "{{organization.name}}"]
    assert run.steps[0].missing == ["trigger.nobody"]
    assert run.steps[0].input == {"tags": ["x", "{{organization.name}}"]}


def updated(*tags: str, file: str) -> Workflow:
    """Return a workflow that adds tags whenever a lead changes."""
    return make_workflow(add_tag(*tags), file=f"workflows/{file}.yaml", trigger_type="lead_updated")


async def test_a_workflow_does_not_react_to_its_own_writes(
    store: RedisStore, redis_url: str
) -> None:
    """D7: an update trigger with an update action."""
    start = make_workflow(add_tag("start"), file="workflows/start.yaml")
    echo = updated("{{now}}", file="echo")
    house = House(store, organization_with(start, echo))

    async with engine(house, redis_url):
        await house.post()
        await house.finished(echo)
        await house.quiet()

    assert len(await house.runs_of(echo)) == 1


async def test_workflows_that_cause_each_other_come_to_an_end_that_shows(
    store: RedisStore, redis_url: str
) -> None:
    """D7: each change starts the next run, for longer than is allowed."""
    start = make_workflow(add_tag("t0"), file="workflows/start.yaml")
    chain = [
        make_workflow(
            add_tag(f"t{number + 1}"),
            file=f"workflows/w{number}.yaml",
            trigger_type="lead_updated",
            trigger_filters={
                "conditions": [
                    {"field": f"tags.{number}", "operator": "equals", "value": f"t{number}"}
                ]
            },
        )
        for number in range(WORKFLOW_DEPTH + 4)
    ]
    house = House(store, organization_with(start, *chain))

    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(chain[WORKFLOW_DEPTH])
        await house.quiet()
    (run,) = await house.runs_of(chain[WORKFLOW_DEPTH])

    assert len(await house.tags(lead)) == WORKFLOW_DEPTH + 1
    assert (run.status, run.depth) == ("cancelled", WORKFLOW_DEPTH + 1)
    assert run.error == "not begun: 9 runs in a row caused each other, 8 may"
    assert await house.runs_of(chain[WORKFLOW_DEPTH + 1]) == []


async def test_adding_a_tag_that_is_there_makes_no_event(store: RedisStore, redis_url: str) -> None:
    workflow = make_workflow(add_tag("a"))
    after = updated("b", file="after")
    house = House(store, organization_with(workflow, after))

    async with engine(house, redis_url):
        lead = await house.post(tags=["a"])
        await house.finished(workflow)
        await house.quiet()

    assert await house.tags(lead) == ["a"]
    assert await house.runs_of(after) == []


async def test_a_run_goes_on_with_the_definition_it_began_with(
    store: RedisStore, redis_url: str
) -> None:
    """L15: after a change, open runs go on as they began; new ones begin as it is now."""
    arrived = asyncio.Event()
    answer = asyncio.Event()

    async def held(_: Received) -> web.StreamResponse:
        arrived.set()
        await answer.wait()
        return web.Response()

    async with receiver(held) as peer:
        before = make_workflow(webhook(peer.url), add_tag("before"))
        after = make_workflow(add_tag("after"))
        house = House(store, organization_with(before))

        async with engine(house, redis_url):
            old = await house.post()
            await asyncio.wait_for(arrived.wait(), 10)
            house.rules.current = type(house.rules.current)({"acme": organization_with(after)})
            new = await house.post()
            await house.finished(after, 1)
            answer.set()
            await house.finished(before, 2)

    assert await house.tags(old) == ["before"]
    assert await house.tags(new) == ["after"]


async def test_a_workflow_switched_off_on_another_daemon_starts_no_run_here(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """What is live is live everywhere: an event is judged by the rules in force, or again."""
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow, generation=1))
    house.rules.latest = organization_with(generation=2)
    await redis.hset(house.keys.generation, "number", "2")

    async with engine(house, redis_url):
        lead = await house.post()
        await house.quiet()

    assert await house.tags(lead) == []
    assert await house.runs_of(workflow) == []
    assert house.rules.asked[0] == 2


async def test_a_workflow_switched_on_on_another_daemon_sees_the_next_event_here(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(generation=1))
    house.rules.latest = organization_with(workflow, generation=2)
    await redis.hset(house.keys.generation, "number", "2")

    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(workflow)

    assert await house.tags(lead) == ["a"]


async def test_events_of_one_record_are_handled_in_order(store: RedisStore, redis_url: str) -> None:
    workflow = updated("{{trigger.score}}", file="score")
    house = House(store, organization_with(workflow))
    lead = await house.post()

    for score in range(30):
        await house.change(lead, score=f"s{score}")
    async with engine(house, redis_url):
        await house.finished(workflow, 30)

    assert await house.tags(lead) == [f"s{score}" for score in range(30)]


async def test_an_entry_that_is_no_event_stops_nobody(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    await redis.xadd(house.keys.events, {"x": "garbage"})
    await redis.xadd(house.keys.events, {"e": "lead_created leads half"})

    async with engine(house, redis_url):
        await house.post()
        await house.finished(workflow)
        await house.quiet()


async def test_an_organization_that_came_later_is_read_too(
    store: RedisStore, redis_url: str
) -> None:
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))
    served = house.rules.current
    house.rules.current = Ruleset()

    async with engine(house, redis_url):
        await house.post()
        house.rules.current = served
        await house.finished(workflow)


async def test_what_cannot_be_prepared_is_given_up_after_some_tries(
    store: RedisStore, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours, or rules that should not have passed, ends a run and not the engine."""
    monkeypatch.setattr("pointsman.workflows.docket.PARKED", timedelta(milliseconds=20))
    workflow = make_workflow(webhook("http://127.0.0.1:9/"))
    house = House(store, organization_with(workflow, allow_networks=("no network",)))

    async with engine(house, redis_url):
        await house.post()
        (run,) = await house.finished(workflow)

    assert run.status == "failed"
    assert run.error
    assert "daemons ended while doing this step" in run.error


async def test_a_job_that_is_queued_twice_is_done_once(store: RedisStore, redis_url: str) -> None:
    """The queue tells a key apart only while its job waits or runs; the run itself does it."""
    async with receiver() as peer:
        workflow = make_workflow(webhook(peer.url))
        house = House(store, organization_with(workflow))

        async with engine(house, redis_url):
            await house.post()
            (run,) = await house.finished(workflow)
            job = Job(ORGANIZATION, run.record_id, run.id, "0:1")
            again = Posted("0-1", Batch([job]), 0)
            done: list[str] = []

            async def note(text: str) -> None:
                done.append(text)

            async with Jobs.open(redis_url, "other", {CARRY_ON: note}) as jobs:
                assert await jobs.add([again, again]) == ["0-1", "0-1"]
            await house.store.redis.xadd(house.keys.outbox, {"job": str(job), "due": 0})

            async def relayed() -> bool:
                return not await house.store.redis.xlen(house.keys.outbox)

            await wait_until(relayed, "the outbox is empty")
            await wait_until(lambda: _idle(house), "the queue is empty")

    assert len(peer.requests) == 1
    assert not done


async def _idle(house: House) -> bool:
    groups = await house.store.redis.xinfo_groups("pm:docket:stream")
    length = await house.store.redis.xlen("pm:docket:stream")
    return not length and not any(group["pending"] for group in groups)


async def test_a_run_is_done_by_many_engines_and_a_stop_leaves_nothing_behind(
    store: RedisStore, redis: Redis, redis_url: str
) -> None:
    """A daemon that stops gives its right up, so that the next one reads at once."""
    workflow = make_workflow(add_tag("a"))
    house = House(store, organization_with(workflow))

    for number in range(1, 4):
        async with engine(house, redis_url):
            await house.post()
            await house.finished(workflow, number)
        assert not await redis.exists(house.keys.lease("events"))


@pytest.mark.parametrize("status", [200, 503])
async def test_a_stop_in_the_middle_of_a_step_leaves_it_to_the_next_engine(
    store: RedisStore, redis_url: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drain is bounded; what is not finished is done again under the same id."""
    monkeypatch.setattr("pointsman.workflows.docket.REDELIVERY", timedelta(seconds=1))
    arrived = asyncio.Event()

    async def hang(_: Received) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    async with receiver(hang, status, 200) as peer:
        workflow = make_workflow(webhook(peer.url, timeout=30))
        house = House(store, organization_with(workflow))
        house.settings = house.settings.model_copy(update={"drain_timeout": timedelta(seconds=0.2)})

        async with engine(house, redis_url, retries=QUICK):
            await house.post()
            await asyncio.wait_for(arrived.wait(), 10)
        async with engine(house, redis_url, retries=QUICK):
            (run,) = await house.finished(workflow)

    assert run.status == "succeeded"
    assert {request.headers["webhook-id"] for request in peer.requests} == {f"{run.id}:1"}
