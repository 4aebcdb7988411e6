"""Copies of the events of flows: all of them, each under one name, wherever they are written."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientError, ClientSession

from daemons import running
from listening import ACME, Site, listening
from pointsman import observe
from pointsman.app.lifecycle import background
from pointsman.errors import TransientError
from pointsman.flow import Copies
from pointsman.flows import firehose as writing
from pointsman.flows.firehose import Firehoses, Writer
from pointsman.ids import milliseconds
from pointsman.model import Firehose
from pointsman.objects import Objects
from pointsman.settings import Settings
from pointsman.store.errands import ErrandStore
from pointsman.store.firehose import FirehoseStore
from pointsman.store.flow_events import FlowEvents
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.redis import RedisStore
from pooling import LoadedRules
from support import wait_until
from trees import write

FLOW = """
name: Solar leads
fields: [first_name, email, ssn, is_test]
sources: [{key: a}]
steps:
  - type: filter
    rule_set: {op: and, rules: [{lhv: lead.is_test, op: is true}]}
    reason: a test
  - {type: pool, key: team, pool: inbound}
"""
FILES = {**ACME, "flows/solar.yaml": FLOW}
SUBMIT = "/flows/solar/sources/a/submit"


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    async with listening(store, {"acme": FILES}) as opened:
        yield opened


def organization(site: Site) -> Any:
    return site.serving.current.organizations["acme"]


async def post(site: Site, count: int = 1, **lead: Any) -> list[str]:
    """Return the ids of leads that were taken."""
    sent = [site.client.post(SUBMIT, json={"first_name": "Ada", **lead}) for _ in range(count)]
    return [(await answer.json())["lead"]["id"] for answer in await asyncio.gather(*sent)]


class Holder:
    """One daemon's writer."""

    def __init__(
        self,
        site: Site,
        kept: Firehose,
        name: str = "one",
        opened: Callable[[Firehose], Objects] = Objects,
    ) -> None:
        self.places = FirehoseStore(site.services.store, Settings(), name)
        self.id = organization(site).id
        self.writer = Writer(organization(site), kept, self.places, opened=opened)

    async def begin(self) -> str:
        """Take the right; what comes from now on is written."""
        lease = await self.places.hold(self.id)
        assert lease
        assert await self.places.following(self.id, lease)
        return lease


def there(folder: Path) -> dict[str, Any]:
    """Return the objects of a folder by name."""
    return {
        str(path.relative_to(folder)): orjson.loads(path.read_bytes())
        for path in folder.rglob("*.json")
    }


async def expected(site: Site, leads: list[str]) -> dict[str, Any]:
    """Return what should be there, by name."""
    events = FlowEvents(site.services.store)
    found = [one for lead in leads for one in await events.of_lead(organization(site).id, lead)]
    return {f"{one['id'][:24]}/{one['id']}.json": one for one in found}


async def test_every_event_becomes_a_file_also_what_comes_later_of_a_lead(
    site: Site, tmp_path: Path
) -> None:
    one = Holder(site, Firehose(f"file://{tmp_path}/events", prefix="raw/leads"))
    lease = await one.begin()
    leads = await post(site, 3, ssn="123-45-6789") + await post(site, is_test="yes")

    async def complete() -> bool:
        await one.writer.write(lease)
        return there(tmp_path / "events/raw/leads") == await expected(site, leads)

    await wait_until(complete, "all events are files")
    errands = ErrandStore(site.services.store, Settings())
    told = {"type": "feedback-received", "outcome": "success"}
    assert await errands.note(one.id, leads[0], milliseconds() - 5_000, [told])
    await wait_until(complete, "what was told later is a file")

    found = list(there(tmp_path / "events/raw/leads").values())
    assert {event["type"] for event in found} == {"source", "filter", "pool", "feedback-received"}
    assert {event["vars"]["lead"].get("ssn") for event in found} == {"*********", None}
    assert "6789" not in orjson.dumps(found).decode()


async def test_a_crash_writes_the_same_objects_again_and_loses_none(
    site: Site, tmp_path: Path
) -> None:
    kept = Firehose(f"file://{tmp_path}")
    dies = Holder(site, kept, "dies")
    lease = await dies.begin()
    leads = await post(site, 2)

    async def half() -> bool:
        batch = await dies.places.following(dies.id, lease)
        assert batch is not None
        for event in await dies.places.events(dies.id, batch.ids[:3]):
            await dies.writer._put(event)
        return len(batch.ids) == 6

    await wait_until(half, "the first daemon writes, and dies before it noted that")
    await dies.places.release(dies.id, lease)
    lives = Holder(site, kept, "lives")
    lease = await lives.begin()
    await lives.writer.write(lease)

    assert there(tmp_path) == await expected(site, leads)
    assert not await dies.places.settle(dies.id, "1 dies", 1)
    assert await dies.places.hold(dies.id) is None


class Erasing(Objects):
    """A store that a lead is erased beside, just after its events were read."""

    def __init__(self, kept: Firehose, site: Site) -> None:
        super().__init__(kept)
        self._site = site

    async def put(self, path: str, content: bytes) -> None:
        await super().put(path, content)
        leads = LeadStore(self._site.services.store, Settings())
        await leads.records.erase(organization(self._site).id, "leads", path[:24])


async def test_an_erased_lead_is_not_written_afterwards(site: Site, tmp_path: Path) -> None:
    one = Holder(site, Firehose(f"file://{tmp_path}"), opened=lambda kept: Erasing(kept, site))
    lease = await one.begin()
    early, late = await post(site, 2)
    await LeadStore(site.services.store, Settings()).records.erase(one.id, "leads", early)

    async def settled() -> bool:
        await one.writer.write(lease)
        batch = await one.places.following(one.id, lease)
        return bool(batch and not batch.ids) and not await expected(site, [early, late])

    await wait_until(settled, "everything is written")
    assert there(tmp_path) == {}


async def test_a_millisecond_is_read_whole_and_a_clock_that_was_set_back_loses_nothing(
    site: Site, tmp_path: Path
) -> None:
    one = Holder(site, Firehose(f"file://{tmp_path}"))
    lease = await one.begin()
    keys, now = Keys(one.id), milliseconds()
    redis = site.services.store.redis
    at = {f"{n:026x}": now - 1000 + (n if n < 3 else 5) for n in range(9)}
    await redis.hset(keys.firehose, "at", now - 2000)
    await redis.zadd(keys.flow_events, at)

    read: list[list[str]] = []
    while (batch := await one.places.following(one.id, lease, 2)) and batch.ids:
        read.append(list(batch.ids))
        await one.places.settle(one.id, lease, batch.upto)

    assert [len(ids) for ids in read] == [2, 1, 6]
    assert sorted(chain.from_iterable(read)) == sorted(at)
    await redis.hset(keys.firehose, "at", now + 3_600_000)
    again = await one.places.following(one.id, lease)
    assert again is not None
    assert len(again.ids) == 9
    await redis.delete(keys.flow_events)


@asynccontextmanager
async def s3() -> AsyncIterator[str]:
    """Run a real S3 server; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    nowhere = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere)
    url = f"http://127.0.0.1:{port}"

    async def up() -> bool:
        try:
            async with ClientSession() as http, http.get(f"{url}/moto-api/") as answer:
                return answer.status == 200
        except ClientError:
            return False

    try:
        await wait_until(up, "the S3 server starts", seconds=60)
        yield url
    finally:
        server.terminate()
        await server.wait()


async def keys_of(http: ClientSession, bucket: str) -> set[str]:
    async with http.get(f"{bucket}?list-type=2") as answer:
        text = await answer.text()
    return {part.partition("</Key>")[0] for part in text.split("<Key>")[1:]}


async def test_two_daemons_and_a_bucket_that_comes_late_lose_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_FIRST", 0.01)
    monkeypatch.setattr(writing, "_LOOK", 0.02)
    before, written = counted("retried"), counted("written")
    async with s3() as url, ClientSession() as http:
        kept = Firehose("s3://acme-events", "leads", "us-east-1", url, "AKIA", "secret")
        served = LoadedRules(replace(organization(site), firehose=kept))
        daemons = [
            Firehoses(served, site.services.store, Settings(), name) for name in ("one", "two")
        ]
        async with background(daemons[0].run()):
            async with background(daemons[1].run()):
                place = Keys(organization(site).id).firehose
                await wait_until(lambda: site.services.store.redis.exists(place), "it begins")
                leads = await post(site, 6)
                await wait_until(lambda: counted("retried") > before, "writing fails")
                async with http.put(f"{url}/acme-events") as made:
                    assert made.status == 200
                leads += await post(site, 6)
            leads += await post(site, 6)
            names = {f"leads/{name}" for name in await expected(site, leads)}

            await wait_until(lambda: counted("written") >= written + len(names), "all is written")
            assert await keys_of(http, f"{url}/acme-events") == names
    assert len(names) == 18 * 3


def counted(outcome: str) -> float:
    labels = {"organization": "acme", "outcome": outcome}
    return observe.REGISTRY.get_sample_value("pointsman_firehose_events_total", labels) or 0.0


async def test_a_store_that_cannot_be_opened_may_pass(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        Objects(Firehose("gs://acme-events", secret="no key of a service account"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TransientError):
        await Objects(Firehose(f"file://{tmp_path}")).put("file/a.json", b"{}")


async def test_what_comes_while_a_store_cannot_be_opened_waits_for_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_FIRST", 0.01)
    monkeypatch.setattr(writing, "_LOOK", 0.02)
    kept = Firehose("gs://acme-events", secret="no key of a service account")
    one = Holder(site, kept)
    async with background(one.writer.run()):
        place = Keys(one.id).firehose
        await wait_until(lambda: site.services.store.redis.exists(place), "it begins")
        leads = await post(site, 2)
        lag = observe.child(observe.FIREHOSE_LAG, "acme")
        await wait_until(lambda: lag._value.get() == 6, "it is told how many wait")

    mended = Holder(site, Firehose(f"file://{tmp_path}"))
    lease = await mended.places.hold(mended.id)
    assert lease
    assert not await mended.writer.write(lease)
    assert there(tmp_path) == await expected(site, leads)


async def test_a_new_one_begins_when_it_was_looked_for_not_when_its_place_was_made(
    site: Site, tmp_path: Path
) -> None:
    looked = milliseconds()
    leads = await post(site, 2)
    one = Holder(site, kept := Firehose(f"file://{tmp_path}"))
    one.writer = Writer(organization(site), kept, one.places, since=looked)
    lease = await one.places.hold(one.id)
    assert lease

    async def written() -> bool:
        await one.writer.write(lease)
        return there(tmp_path) == await expected(site, leads)

    await wait_until(written, "what came before its place was made is written")


async def test_flows_have_places_of_their_own_in_it_or_none(
    store: RedisStore, tmp_path: Path
) -> None:
    ways = {"own": "{prefix: only/own}", "top": '{prefix: ""}', "off": "{enabled: false}"}
    files = {
        f"flows/{name}.yaml": f"{FLOW.replace('Solar', name)}firehose: {said}\n"
        for name, said in ways.items()
    }
    told = f"firehose: {{url: file://{tmp_path}, prefix: all}}\n"
    files["organization.yaml"] = ACME["organization.yaml"] + told
    async with listening(store, {"acme": {**FILES, **files}}) as site:
        kept = organization(site).firehose
        flows = organization(site).distinct_flows
        one = Holder(site, kept)
        one.writer = Writer(organization(site), kept, one.places, flows)
        lease = await one.begin()
        leads = {}
        for name in ("solar", *ways):
            answer = await site.client.post(SUBMIT.replace("solar", name), json={})
            leads[name] = (await answer.json())["lead"]["id"]

        async def written() -> bool:
            await one.writer.write(lease)
            return len(there(tmp_path)) >= 9

        await wait_until(written, "all is written")
        names = {str(Path(name).parent) for name in there(tmp_path)}
        assert names == {f"all/{leads['solar']}", f"only/own/{leads['own']}", leads["top"]}


async def test_a_flow_may_have_another_bucket(site: Site) -> None:
    async with s3() as url, ClientSession() as http:
        for bucket in ("acme-events", "solar-events"):
            async with http.put(f"{url}/{bucket}") as made:
                assert made.status == 200
        kept = Firehose("s3://acme-events", "leads", "us-east-1", url, "AKIA", "secret")
        one = Holder(site, kept)
        flow = replace(
            organization(site).named_flows["solar"], copies=Copies(bucket="solar-events")
        )
        one.writer = Writer(organization(site), kept, one.places, lambda: [flow])
        lease = await one.begin()
        (lead,) = await post(site)

        async def written() -> bool:
            await one.writer.write(lease)
            return len(await keys_of(http, f"{url}/solar-events")) >= 3

        await wait_until(written, "all is written")
        assert all(lead in name for name in await keys_of(http, f"{url}/solar-events"))
        assert not await keys_of(http, f"{url}/acme-events")


async def test_a_daemon_writes_what_its_file_says_and_tells_when_it_is_behind(
    redis_url: str, tmp_path: Path
) -> None:
    tree = write(
        tmp_path / "config",
        {
            "organization.yaml": "name: Acme\nmembers: [{handle: ada, name: Ada}]\n"
            f"firehose: {{url: file://{tmp_path}/events}}\n",
            "pools/inbound.yaml": "name: Inbound\nparticipants: [ada]\n",
            "flows/solar.yaml": FLOW,
        },
    )
    async with running(tree, redis_url) as app, ClientSession() as http:
        late = observe.child(observe.FIREHOSE_AGE, "late")
        waiting = observe.child(observe.FIREHOSE_LAG, "late")

        async with http.post(f"{app.url}{SUBMIT}", json={"first_name": "Ada"}) as answer:
            assert answer.status == 201
        await wait_until(lambda: bool(there(tmp_path / "events")), "its first lead is written")
        told = []
        for age, lag in ((1_000, 7), (1_000, 100_001)):
            late.set(age)
            waiting.set(lag)
            async with http.get(f"{app.url}/-/ready") as answer:
                checks = (await answer.json())["checks"]
                told.append((answer.status, next(c for c in checks if c["name"] == "firehose")))
        late.set(0)
        waiting.set(0)

    assert [status for status, _ in told] == [200, 503]
    assert "7 events of 'late' wait for its firehose, the oldest for 1000 s" in str(told[0][1])
    assert "100001 events" in str(told[1][1])
