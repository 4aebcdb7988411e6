"""Changes of leads, and what leads were before them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from redis.asyncio import Redis

from pointsman.ids import lead_uuid
from pointsman.model import Pool
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.leads import LeadStore
from pointsman.store.records import Author, Edit, Written
from pointsman.store.redis import RedisStore
from pooling import ORGANIZATION, choice, make_organization, make_pool, new_lead, publish

KEYS = Keys(ORGANIZATION)
SEVEN = [f"m{n}" for n in range(7)]


@pytest.fixture
def leads(store: RedisStore) -> LeadStore:
    return LeadStore(store, Settings())


@pytest.fixture
async def pool(store: RedisStore) -> Pool:
    pool = make_pool(["ada", "bob", "cy"])
    await publish(store, pool)
    return pool


async def events(redis: Redis) -> list[str]:
    entries: list[Any] = await redis.xrange(KEYS.events) or []
    return [fields[b"e"].decode() for _, fields in entries]


def tag(name: str) -> Edit:
    def edit(fields: dict[str, Any]) -> Mapping[str, Any]:
        tags = fields.get("tags") or []
        return {"tags": tags if name in tags else [*tags, name]}

    return edit


async def change(leads: LeadStore, lead: str, edit: Edit, operation: str) -> Written:
    organization = make_organization([])
    return await leads.records.change(organization, "leads", lead, edit, Author(operation, "w"))


async def test_changes_at_the_same_moment_are_all_kept(leads: LeadStore, redis: Redis) -> None:
    lead = new_lead()
    await leads.take(ORGANIZATION, lead)

    await asyncio.gather(*(change(leads, lead.id, tag(str(n)), f"o{n}") for n in range(8)))

    stored, _ = await leads.read(ORGANIZATION, lead.id, log=True)
    assert stored is not None
    assert sorted(stored.data["tags"]) == [str(n) for n in range(8)]
    assert [entry.revision for entry in stored.log] == list(range(1, 10))
    assert len(await events(redis)) == 9


async def test_a_change_of_nothing_or_of_nobody_is_told(leads: LeadStore) -> None:
    lead = new_lead({"tags": ["a"]})
    await leads.take(ORGANIZATION, lead)

    same = await change(leads, lead.id, tag("a"), "o")
    nobody = await change(leads, "0" * 24, tag("a"), "o")

    assert (same.status, same.records[0].revision, nobody.status) == ("same", 1, "unknown")


async def test_snapshots_are_the_lead_as_each_change_left_it(leads: LeadStore, pool: Pool) -> None:
    lead = new_lead({"email": "x@example.com"})
    await leads.take(ORGANIZATION, lead)
    await change(leads, lead.id, tag("a"), "1")
    await leads.assign(ORGANIZATION, lead.id, choice(pool), source="system", operation="2")
    await change(leads, lead.id, tag("b"), "3")
    before = leads.store.round_trips

    wanted = [("leads", lead.id, revision) for revision in (1, 2, 3, 4)]
    found = await leads.records.snapshots(ORGANIZATION, [*wanted, ("leads", "0" * 24, 1)])

    assert leads.store.round_trips == before + 1
    assert found[4] is None
    shots = [shot for shot in found if shot is not None]
    ada = pool.participants[0].member.id
    assert [(s.current.get("tags"), s.current["owner_id"]) for s in shots] == [
        (None, None),
        (["a"], None),
        (["a"], ada),
        (["a", "b"], ada),
    ]
    assert shots[0].previous is None
    for earlier, later in pairwise(shots):
        assert later.previous is not None
        assert {**later.previous, "updated_at": 0} == {**earlier.current, "updated_at": 0}
    assert shots[0].current["id"] == lead_uuid(lead.id)


@pytest.mark.parametrize(
    ("changed", "types"),
    [
        ({"first_name": "Ada"}, "lead_updated"),
        ({"stage": "won"}, "lead_updated,lead_stage_changed"),
        ({"score": 7}, "lead_updated,lead_score_changed"),
        ({"score": 7, "stage": "won"}, "lead_updated,lead_stage_changed,lead_score_changed"),
    ],
)
async def test_a_change_of_stage_or_score_is_an_event_of_its_own_in_the_same_entry(
    leads: LeadStore, redis: Redis, changed: dict[str, Any], types: str
) -> None:
    lead = new_lead({"first_name": "Bo"})
    await leads.take(ORGANIZATION, lead, reason="no_matching_pool")

    await change(leads, lead.id, lambda _: changed, "a")

    assert (await events(redis))[-1].split(" ")[0] == types
