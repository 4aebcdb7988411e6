"""Erasing a person: everything that holds their data goes, turns and counts stay."""

from __future__ import annotations

from redis.asyncio import Redis

from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.testing import receiver
from pooling import ORGANIZATION
from working import House, add_tag, engine, make_workflow, organization_with, webhook

KEYS = Keys(ORGANIZATION)
SECRET = "grace.hopper@example.com"


async def everything(redis: Redis) -> bytes:
    """Return all that Redis holds, as one text."""
    dumped = [key + (await redis.dump(key) or b"") async for key in redis.scan_iter(count=1000)]
    return b"\n".join(dumped)


async def test_after_an_erasure_nothing_in_redis_tells_of_the_person(
    store: RedisStore, redis_url: str, redis: Redis
) -> None:
    async with receiver() as peer:
        workflow = make_workflow(
            add_tag("web"), webhook(peer.url, body={"mail": "{{trigger.email}}"})
        )
        house = House(store, organization_with(workflow))
        async with engine(house, redis_url):
            lead = await house.post(email=SECRET)
            await house.finished(workflow)
    before = await redis.hgetall(KEYS.lead(lead))
    assert SECRET.encode() in before[b"data"]

    assert await house.leads.records.erase(ORGANIZATION, "leads", lead)

    assert SECRET.encode() not in await everything(redis)
    assert set(await redis.hgetall(KEYS.lead(lead))) == {b"v", b"erased"}
    assert await redis.keys(f"{KEYS.lead(lead)}:*") == []


async def test_an_erased_lead_is_as_unknown_as_one_that_never_was(
    store: RedisStore, redis_url: str
) -> None:
    house = House(store, organization_with(make_workflow(add_tag("web"))))
    lead = await house.post(email=SECRET)

    assert await house.leads.records.erase(ORGANIZATION, "leads", lead)
    assert await house.leads.records.erase(ORGANIZATION, "leads", lead)

    assert (await house.leads.read(ORGANIZATION, lead))[0] is None
    assert not await house.leads.records.erase(ORGANIZATION, "leads", "0" * 24)


async def test_an_event_of_an_erased_lead_starts_nothing(
    store: RedisStore, redis_url: str, redis: Redis
) -> None:
    workflow = make_workflow(add_tag("web"))
    house = House(store, organization_with(workflow))
    lead = await house.post(email=SECRET)
    await house.leads.records.erase(ORGANIZATION, "leads", lead)

    async with engine(house, redis_url):
        await house.quiet()

    assert await house.runs_of(workflow) == []
    assert await redis.keys(f"{KEYS.lead(lead)}:*") == []
