"""Sinks that ask how runs and submissions end: told of them in order, and nobody pays otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from listening import ACME, listening
from pointsman.app.lifecycle import background
from pointsman.delivery import Delivery
from pointsman.model import Rules
from pointsman.peers import answering, receiver
from pointsman.plugin import OUTCOMES, Event, SinkContext, sink, sinks
from pointsman.registry import Stage, collecting
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.records import RecordStore
from pointsman.store.redis import RedisStore
from pointsman.store.run_control import RunControl
from pointsman.workflows.sinks import Sinks
from pooling import ORGANIZATION
from support import wait_until
from working import House, add_tag, engine, make_workflow, organization_with, webhook

WAIT = {"action_type": "wait", "config": {"duration": "1h"}}
Told = dict[str, list[Event]]


def add(**wanted: tuple[str, ...]) -> Told:
    """Let there be these sinks; return what they are told."""
    told: Told = defaultdict(list)
    with collecting("/plugins/acme.py") as found:
        for name, events in wanted.items():

            @sink(name, events=events)
            async def take(event: Event, context: SinkContext, name: str = name) -> None:
                """Take what is told."""
                told[name].append(event)

    Stage(str(id(found)), found).adopt()
    return told


@pytest.fixture(autouse=True)
def no_sink_stays() -> Iterator[None]:
    yield
    Stage().adopt()


@asynccontextmanager
async def telling(
    store: RedisStore, rules: Rules, organization: str, redis_url: str
) -> AsyncIterator[None]:
    events = Keys(organization).events

    async def joined() -> bool:
        if not await store.redis.exists(events):
            return False
        groups = {group["name"] for group in await store.redis.xinfo_groups(events)}
        return {f"sink:{name}".encode() for name in sinks} <= groups

    running = Sinks(rules, store, RecordStore(store, Settings()), redis_url, "one")
    async with Delivery.open() as delivery, background(running.run(delivery)):
        await wait_until(joined, "every sink is there")
        yield


async def test_a_sink_is_told_how_runs_end_after_what_began_them(
    store: RedisStore, redis_url: str
) -> None:
    async with receiver(400) as peer:
        fine = make_workflow(add_tag("a"), file="workflows/fine.yaml")
        wrong = make_workflow(webhook(peer.url), file="workflows/wrong.yaml")
        long = make_workflow(WAIT, file="workflows/long.yaml")
        house = House(store, organization_with(fine, wrong, long))
        told = add(acme_all=("lead_created", *OUTCOMES), acme_changes=())
        async with (
            telling(store, house.rules, ORGANIZATION, redis_url),
            engine(house, redis_url),
        ):
            lead = await house.post()
            await house.finished(fine)
            (failed,) = await house.finished(wrong)
            (waiting,) = await wait_until(lambda: house.runs_of(long), "the long one runs")
            await RunControl(store, house.settings).cancel(waiting, "enough")
            await wait_until(lambda: len(told["acme_all"]) == 4, "all of it is told")
            await wait_until(lambda: len(told["acme_changes"]) == 2, "so are changes")

    first, *ended = told["acme_all"]
    assert first.types == ("lead_created",)
    assert {event.record_id for event in ended} == {lead}
    assert {event.module for event in ended} == {"runs"}
    by_type = {event.types[0]: event.current for event in ended}
    assert by_type["run_succeeded"]["workflow_id"] == fine.id
    assert by_type["run_failed"]["run_id"] == failed.id
    assert "400" in by_type["run_failed"]["reason"]
    assert by_type["run_cancelled"] == {
        "run_id": waiting.id,
        "workflow_id": long.id,
        "module": "leads",
        "record_id": lead,
        "outcome": "cancelled",
        "reason": "enough",
    }
    assert {event.module for event in told["acme_changes"]} == {"leads"}


FLOW = """
name: Two ways
fields: [email, state]
sources: [{key: a}]
pricing: {prices: [{amount: 3}]}
steps:
  - type: filter
    rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: TX}]}
    reason: "not for {{lead.email}}"
  - {type: pool, pool: inbound}
"""
ASKING = """
name: Asks
fields: [email]
sources: [{key: a}]
steps:
  - type: recipient
    integration: {module_id: form, mappings: [{property: url, value: "%s"}]}
"""


async def test_a_sink_is_told_how_submissions_end_with_ids_reason_and_price(
    store: RedisStore, redis_url: str
) -> None:
    told = add(acme_flows=("submission_success", "submission_failure"))
    async with receiver(answering(200)) as peer:
        tree = {**ACME, "flows/two.yaml": FLOW, "flows/asks.yaml": ASKING % peer.url}
        tree["organization.yaml"] += "outbound: {allow_networks: [127.0.0.0/8]}\n"
        async with listening(store, {"acme": tree}) as site:
            organization = site.serving.current.organizations["acme"]
            async with telling(store, site.serving, organization.id, redis_url):
                taken = await _submit(site, "two", state="CA")
                refused = await _submit(site, "two", state="TX")
                asked = await _submit(site, "asks")
                await wait_until(lambda: len(told["acme_flows"]) == 3, "all of it is told")

            flows = {name: flow.id for name, flow in organization.named_flows.items()}
            entries: Any = await store.redis.xrange(Keys(organization.id).events)

    events = {event.record_id: event for event in told["acme_flows"]}
    assert events[taken].types == ("submission_success",)
    assert events[taken].module == "submissions"
    assert events[taken].current == {
        "lead_id": taken,
        "flow_id": flows["two"],
        "outcome": "success",
        "reason": None,
        "price": 3,
    }
    assert events[refused].current["reason"] == "not for ada@example.com"
    assert events[asked].current["flow_id"] == flows["asks"]
    assert b"ada@example.com" not in b" ".join(fields[b"e"] for _, fields in entries)


async def test_nothing_is_written_where_no_sink_asks(store: RedisStore, redis_url: str) -> None:
    fine = make_workflow(add_tag("a"))
    house = House(store, organization_with(fine))
    told = add(acme_changes=())
    async with telling(store, house.rules, ORGANIZATION, redis_url), engine(house, redis_url):
        await house.post()
        await house.finished(fine)
        await wait_until(lambda: len(told["acme_changes"]) == 2, "changes are told")

        added = (await store.redis.xinfo_stream(house.keys.events))["entries-added"]
        assert added == 2
        assert not await store.redis.exists(house.keys.outcomes)


async def test_what_a_retry_comes_to_is_told_too(store: RedisStore, redis_url: str) -> None:
    async with receiver(400, 200) as peer:
        calls = make_workflow(webhook(peer.url))
        house = House(store, organization_with(calls))
        told = add(acme_runs=("run_failed", "run_succeeded"))
        async with (
            telling(store, house.rules, ORGANIZATION, redis_url),
            engine(house, redis_url),
        ):
            await house.post()
            (run,) = await house.finished(calls)
            await RunControl(store, house.settings).retry(run)
            await wait_until(lambda: len(told["acme_runs"]) == 2, "both ends are told")

    assert [event.types for event in told["acme_runs"]] == [("run_failed",), ("run_succeeded",)]
    # What it failed of is read when it is told: by then it may have been tried again.
    assert len({event.id for event in told["acme_runs"]}) == 2


async def _submit(site: Any, flow: str, **fields: str) -> str:
    lead = {"email": "ada@example.com", **fields}
    answer = await site.client.post(f"/flows/{flow}/sources/a/submit", json=lead)
    told = await answer.json()
    return str(told["lead"]["id"])
