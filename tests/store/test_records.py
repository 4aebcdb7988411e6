"""Records of every module in Redis: the events of a change, links, lists, ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from pointsman.errors import Refused
from pointsman.ids import lead_uuid, milliseconds
from pointsman.model import Organization
from pointsman.modules import MODULES, TRIGGERS, Module
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.overdue import Overdue
from pointsman.store.record_changes import difference, event_types, is_same, settle
from pointsman.store.record_lists import RecordLists
from pointsman.store.records import Author, NewRecord, RecordStore, Written
from pointsman.store.redis import RedisStore
from pointsman.store.timers import Timer
from pooling import ORGANIZATION, choice, make_organization, make_pool, member, new_lead, publish

KEYS = Keys(ORGANIZATION)
ADA = member("ada").id
DAY = 86_400_000
NAMES = {"leads": "email", "contacts": "name", "tasks": "title"}


@pytest.fixture
def house(store: RedisStore) -> House:
    return House(store)


class House:
    """The records of one organization."""

    def __init__(self, store: RedisStore, **settings: Any) -> None:
        self.clock = milliseconds()
        self.organization: Organization = make_organization([])
        self.records = RecordStore(store, Settings(**settings), clock=lambda: self.clock)
        self.lists = RecordLists(self.records, Settings(**settings), clock=lambda: self.clock)
        self.leads = LeadStore(store, Settings(**settings))
        self._operations = 0

    async def make(self, module: str, /, **fields: Any) -> str:
        fields = {NAMES.get(module, "name"): "x", **fields}
        identifier = self.records.new_id()
        new = [NewRecord(module, fields, identifier)]
        assert (await self.records.create(self.organization, new, self.author())).status == "done"
        return identifier

    async def set(self, module: str, identifier: str, /, **fields: Any) -> Written:
        return await self.records.change(
            self.organization, module, identifier, lambda _: fields, self.author()
        )

    async def delete(self, module: str, identifier: str) -> Written:
        return await self.records.delete(self.organization, module, identifier, self.author())

    def author(self) -> Author:
        self._operations += 1
        return Author(str(self._operations))


async def events(redis: Redis) -> list[str]:
    entries: list[Any] = await redis.xrange(KEYS.events) or []
    return [fields[b"e"].decode() for _, fields in entries]


async def test_every_event_that_a_workflow_can_wait_for_happens(
    house: House, store: RedisStore, redis: Redis
) -> None:
    """The reference's 27 trigger events, and a deletion of each module."""
    pool = make_pool(["ada"])
    await publish(store, pool)
    lead = new_lead()
    await house.leads.take(ORGANIZATION, lead, choice(pool))
    about = {"lead_id": lead_uuid(lead.id)}
    deal, lost = await house.make("opportunities", **about), await house.make("opportunities")
    contact, account = await house.make("contacts"), await house.make("accounts")
    project = await house.make("projects")
    due = "2020-01-01T00:00:00.000Z"
    task = await house.make("tasks", due_date=due, module="projects", record_id=lead_uuid(project))
    ring = Overdue(house.records).ring
    await ring(house.organization, Timer(ORGANIZATION, "overdue", task, 1_577_836_800_000))
    await house.set("leads", lead.id, stage="warm", score=5)
    await house.set("opportunities", deal, stage="Closed Won", owner_id=ADA)
    await house.set("opportunities", lost, status="LOST")
    await house.set("contacts", contact, owner_id=ADA)
    await house.set("accounts", account, owner_id=ADA)
    await house.set("tasks", task, status="done")
    await house.set("projects", project, status="Completed")
    for module, identifier in (
        ("leads", lead.id),
        ("opportunities", deal),
        ("contacts", contact),
        ("accounts", account),
        ("tasks", task),
        ("projects", project),
    ):
        assert (await house.delete(module, identifier)).status == "done"

    told = {tuple(entry.split(" ")[:2]) for entry in await events(redis)}
    seen = {(module, kind) for kinds, module in told for kind in kinds.split(",")}
    assert seen == {(module, kind) for module, kinds in TRIGGERS.items() for kind in kinds}
    assert sum(not kind.endswith("_deleted") for _, kind in seen) == 27


PAST = {"stage": "a", "status": "open", "owner_id": "m1", "score": 1}


@pytest.mark.parametrize(
    ("module", "before", "after", "told"),
    [
        ("leads", None, {"stage": "a", "score": 1}, "created"),
        ("contacts", None, {"owner_id": "m1"}, "created assigned"),
        ("opportunities", None, {"status": "Closed-Won"}, "created won"),
        ("leads", PAST, {**PAST, "score": True}, "updated score_changed"),
        ("leads", PAST, {**PAST, "owner_id": "m2"}, "updated assigned"),
        ("leads", PAST, {**PAST, "owner_id": None}, "updated"),
        ("leads", PAST, {**PAST, "converted_at": "t"}, "updated converted"),
        ("contacts", PAST, {**PAST, "stage": "b"}, "updated"),
        ("opportunities", PAST, {**PAST, "stage": "b"}, "updated stage_changed"),
        ("opportunities", {"status": "won"}, {"status": "lost"}, "updated lost"),
        ("opportunities", {"status": "won"}, {"status": "WON", "amount": 1}, "updated"),
        ("tasks", PAST, {**PAST, "owner_id": "m2"}, "updated"),
        ("tasks", PAST, {**PAST, "status": "Complete!"}, "updated completed"),
        ("projects", PAST, {**PAST, "status": "on hold"}, "updated status_changed"),
        ("projects", PAST, {**PAST, "status": "done"}, "updated status_changed completed"),
    ],
)
def test_a_change_is_these_events(module: str, before: Any, after: Any, told: str) -> None:
    kinds = event_types(MODULES[module], before, after)

    assert kinds == [MODULES[module].event(name) for name in told.split(" ")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from([0.0, 1.0, "", "1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)


def _spelled(value: Any) -> Any:
    """Return a value whose equality tells types apart, and 1 from 1.0 not."""
    if isinstance(value, dict):
        return {name: _spelled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spelled(inner) for inner in value]
    return f"flag {value}" if isinstance(value, bool) else value


@given(JSON, JSON)
def test_values_are_the_same_only_with_the_same_types(one: Any, other: Any) -> None:
    """D8: 1 is not true, however deep."""
    assert is_same(one, other) == (_spelled(one) == _spelled(other))
    assert (difference({"x": one}, {"x": other}) is None) == is_same(one, other)


STAGES = st.sampled_from([None, "new", "won", "Closed Lost"])


@given(st.lists(st.tuples(STAGES, st.booleans()), max_size=6))
def test_an_opportunity_is_closed_exactly_while_it_is_won_or_lost(changes: list[Any]) -> None:
    module: Module = MODULES["opportunities"]
    record: dict[str, Any] = {}
    for stage, empties in changes:
        after = {**record, "stage": stage}
        if empties:
            after.pop("status", None)
        after = {name: value for name, value in after.items() if value is not None}
        settle(module, record, after, "now")
        record = after
        assert ("closed_at" in record) == (module.outcome(record) is not None)
        assert record["status"] in {"open", "won", "lost"}


async def test_deals_are_counted_once_whoever_changes_them_at_the_same_time(
    house: House, store: RedisStore, redis: Redis
) -> None:
    """The counters of a pool are moved by the script that writes the deal."""
    pool = make_pool(["ada"])
    await publish(store, pool)
    leads = [new_lead() for _ in range(2)]
    for lead in leads:
        await house.leads.take(ORGANIZATION, lead, choice(pool))
    one, two = (lead_uuid(lead.id) for lead in leads)
    deals = [await house.make("opportunities", lead_id=one) for _ in range(3)]

    async def counted() -> tuple[int, int]:
        told = await redis.hmget(KEYS.stats(pool.id), "deals:total", "deals:won")
        return int(told[0] or 0), int(told[1] or 0)

    await asyncio.gather(
        *(
            house.set("opportunities", deal, status=status)
            for deal in deals
            for status in ("won", "open", "won")
        )
    )
    statuses = [
        record.data["status"] == "won"
        for record in await house.records.read_many(
            ORGANIZATION, [("opportunities", deal) for deal in deals]
        )
        if record
    ]
    assert await counted() == (3, sum(statuses))
    await house.set("opportunities", deals[0], lead_id=two, status="won")
    await house.set("opportunities", deals[1], lead_id=None)
    assert (await counted())[0] == 2
    kept, _ = await house.leads.read(ORGANIZATION, leads[0].id)
    assert kept
    assert kept.data["opportunity_ids"] == [lead_uuid(deals[2])]


async def test_of_a_pool_that_was_removed_nothing_is_counted(
    house: House, store: RedisStore, redis: Redis
) -> None:
    pool = make_pool(["ada"])
    await publish(store, pool)
    lead = new_lead()
    await house.leads.take(ORGANIZATION, lead, choice(pool))
    deal = await house.make("opportunities", lead_id=lead_uuid(lead.id))
    await redis.delete(KEYS.stats(pool.id))

    await house.set("opportunities", deal, status="won")

    assert not await redis.exists(KEYS.stats(pool.id))


async def test_records_that_belong_together_are_made_together_or_not_at_all(
    house: House, redis: Redis
) -> None:
    project, task = house.records.new_id(), house.records.new_id()
    about = {"title": "T", "module": "projects", "record_id": lead_uuid(project)}
    new = [NewRecord("projects", {"name": "P"}, project), NewRecord("tasks", about, task)]
    wrong = NewRecord("contacts", {"account_id": lead_uuid(project)}, house.records.new_id())

    with pytest.raises(Refused, match="accountId: no such account"):
        await house.records.create(house.organization, [*new, wrong], house.author())
    assert not await redis.exists(KEYS.events)
    made = await house.records.create(house.organization, new, house.author())
    again = await house.records.create(house.organization, new, house.author())

    assert [record.module for record in made.records] == ["projects", "tasks"]
    assert (made.status, again.status) == ("done", "exists")
    assert len(await events(redis)) == 2


async def test_the_past_of_a_deleted_record_is_known_to_its_event_only(house: House) -> None:
    contact = await house.make("contacts", owner_id=ADA)
    await house.set("contacts", contact, owner_id=None, title="t")
    await house.delete("contacts", contact)

    wanted = [("contacts", contact, revision) for revision in (1, 2, 3)]
    first, second, last = await house.records.snapshots(ORGANIZATION, wanted)

    assert first
    assert second
    assert last
    assert (first.current["owner_id"], second.current["owner_id"]) == (ADA, None)
    assert second.previous
    assert second.previous["owner_id"] == ADA
    assert last.current["title"] == "t"
    assert await house.records.read(ORGANIZATION, "contacts", contact) is None
    assert (await house.set("contacts", contact, title="u")).status == "unknown"
    assert (await house.lists.page(ORGANIZATION, "contacts", limit=9, offset=0)).total == 0


async def test_lists_forget_records_that_ended_some_at_a_time(
    house: House, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index is bounded by retention: what ended goes, what lives on stays."""
    monkeypatch.setattr("pointsman.store.record_lists.TRIMMED", 2)
    made: list[str] = []
    for _ in range(6):
        house.clock += 1
        made.append(await house.make("contacts", email=f"{len(made)}@example.com"))
    for identifier in made[:4:2]:
        await redis.delete(KEYS.record("contacts", identifier))
    index = KEYS.index("contacts")
    assert await redis.zcard(index) == 12
    await house.lists.trim(ORGANIZATION)
    assert await redis.zcard(index) == 12, "nothing is old yet"

    house.clock += 366 * DAY
    for _ in range(4):
        await house.lists.trim(ORGANIZATION)

    assert await redis.zcard(index) == 8
    await redis.delete(KEYS.record("contacts", made[5]))
    page = await house.lists.page(ORGANIZATION, "contacts", limit=9, offset=0)
    assert [record.id for record in page.records] == [made[4], made[3], made[1]]
    assert await redis.zcard(index) == 6, "a list forgets what it finds gone"


async def test_no_record_is_kept_longer_than_set(store: RedisStore, redis: Redis) -> None:
    house = House(store, lead_retention=timedelta(days=2), event_retention=timedelta(days=1))
    task = await house.make("tasks")
    key = KEYS.record("tasks", task)

    assert DAY < await redis.pttl(key) <= 2 * DAY
    assert await redis.pttl(f"{key}:log") <= DAY
    await house.delete("tasks", task)
    assert await redis.pttl(key) <= DAY


async def test_a_name_stands_for_one_id_and_tells_nothing(house: House, redis: Redis) -> None:
    records, organization = house.records, house.organization
    name = "external crm-7"

    ids = await asyncio.gather(*(records.reserve(organization, "tasks", name) for _ in range(5)))
    first, other = await records.reserve(organization, "tasks", "key", body="a"), None
    other = await records.reserve(organization, "tasks", "key", body="b")
    elsewhere = await records.reserve(organization, "contacts", name)

    assert len(set(ids)) == 1
    assert await records.named(organization, "tasks", name) == ids[0][0]
    assert (first[0], first[1], other[1]) == (other[0], True, False)
    assert elsewhere[0] != ids[0][0]
    assert not [key async for key in redis.scan_iter() if b"crm" in key]
