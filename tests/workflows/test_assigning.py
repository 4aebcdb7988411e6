"""``assign_owner`` on a real engine: turns, loads and overwriting, atomic on any number of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pointsman.model import Organization, Workflow
from pointsman.store.own import Owning, OwnStore
from pointsman.store.pools import PoolStore
from pointsman.store.records import Author, NewRecord
from pointsman.store.redis import RedisStore
from pointsman.workflows.assigning import Asked, Assigner
from pooling import ORGANIZATION, make_pool, member, publish
from working import House, engine, make_workflow, organization_with

PEOPLE = ("ada", "bruno", "chen")
STEP = "7e0cf3c2-7f0a-4c1c-9a51-6e1b9d3f2c47"


def assigning(**config: Any) -> dict[str, Any]:
    return {"action_type": "assign_owner", "id": STEP, "config": config}


def staffed(*workflows: Workflow, **values: Any) -> Organization:
    people = [member(name) for name in PEOPLE]
    return organization_with(
        *workflows,
        members={one.id: one for one in people},
        handles={one.handle: one.id for one in people},
        **values,
    )


async def owner(house: House, lead: str) -> str | None:
    record = await house.records.read(ORGANIZATION, "leads", lead)
    assert record
    handles = {member(name).id: name for name in PEOPLE}
    return handles[record.owner] if record.owner else None


async def posted(house: House, url: str, workflow: Workflow, number: int) -> list[str | None]:
    """Return who got so many leads, one after the other."""
    owners = []
    async with engine(house, url):
        for count in range(number):
            lead = await house.post()
            await house.finished(workflow, count + 1)
            owners.append(await owner(house, lead))
    return owners


async def test_people_of_an_action_take_turns_with_a_pointer_of_their_own(
    store: RedisStore, redis_url: str
) -> None:
    workflow = make_workflow(assigning(user_ids=list(PEOPLE)))
    house = House(store, staffed(workflow))

    assert await posted(house, redis_url, workflow, 4) == ["ada", "bruno", "chen", "ada"]

    (run, *_) = await house.runs_of(workflow)
    assert run.steps[0].output == {
        "owner_id": member("ada").id,
        "before": None,
        "reason": "assigned",
    }


async def test_the_pointer_follows_its_people_when_the_action_changes(
    store: RedisStore, redis_url: str
) -> None:
    before = make_workflow(assigning(user_ids=["ada", "bruno"]))
    house = House(store, staffed(before))
    assert await posted(house, redis_url, before, 1) == ["ada"]

    after = make_workflow(assigning(user_ids=["chen", "bruno", "ada"]), file="workflows/x.yaml")
    house = House(store, staffed(after))
    assert await posted(house, redis_url, after, 2) == ["bruno", "ada"]


async def test_a_turn_in_a_pool_is_the_one_that_leads_coming_in_take(
    store: RedisStore, redis_url: str
) -> None:
    """C1: one pointer, whoever asks."""
    pool = make_pool(PEOPLE)
    await publish(store, pool)
    workflow = make_workflow(assigning(pool="inbound"))
    house = House(store, staffed(workflow, pools={pool.id: pool}, generation=1))

    first = await posted(house, redis_url, workflow, 1)
    pointer = await store.redis.hget(house.keys.pool(pool.id), "position")
    row = await store.redis.lindex(house.keys.history(pool.id), 0)

    assert first == ["ada"]
    assert pointer == b"1"
    assert isinstance(row, bytes)
    assert b'"s":"system"' in row


async def test_nobody_there_leaves_the_record_alone_and_the_run_goes_on(
    store: RedisStore, redis_url: str
) -> None:
    pool = make_pool([{"member": "ada", "is_active": False}])
    await publish(store, pool)
    then = {"action_type": "add_tag", "config": {"tag": "{{steps.1.reason}}"}}
    workflow = make_workflow(assigning(pool=pool.id), then)
    house = House(store, staffed(workflow, pools={pool.id: pool}, generation=1))

    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(workflow)

    assert await owner(house, lead) is None
    assert await house.tags(lead) == ["no_eligible_participant"]


async def test_who_has_a_record_keeps_it_unless_it_says_overwrite(
    store: RedisStore, redis_url: str
) -> None:
    first = make_workflow(assigning(algorithm="fixed", user_id="chen"))
    kept = make_workflow(
        assigning(user_ids=["ada"]),
        {"action_type": "assign_owner", "config": {"algorithm": "fixed", "user_id": "bruno"}},
        file="workflows/kept.yaml",
        trigger_type="lead_assigned",
    )
    house = House(store, staffed(first, kept))
    async with engine(house, redis_url):
        lead = await house.post()
        (run,) = await house.finished(kept)
        await house.quiet()
    assert [step.output["reason"] for step in run.steps] == ["already_owned"] * 2
    assert await owner(house, lead) == "chen"

    changed = make_workflow(
        assigning(user_ids=["ada"], overwrite=True), file="workflows/changed.yaml"
    )
    house = House(store, staffed(changed))
    async with engine(house, redis_url):
        lead = await house.post()
        await house.finished(changed)
        await house.change(lead, owner_id=member("bruno").id)
    assert await owner(house, lead) == "bruno"


def asker(store: RedisStore, house: House) -> Assigner:
    return Assigner(OwnStore(store, house.settings), PoolStore(store), house.rules)


def owning(lead: str, *, overwrite: bool = False, **values: str) -> Owning:
    told = {"operation": f"own:{lead}", "origin": "workflow:w", **values}
    return Owning(ORGANIZATION, "leads", lead, depth=1, overwrite=overwrite, **told)


async def test_two_daemons_at_once_do_not_pile_on_whoever_has_least(store: RedisStore) -> None:
    """C1: sixty leads at once on two engines' stores: everybody gets twenty."""
    house = House(store, staffed())
    organization = house.rules.current.organizations["acme"]
    leads = [await house.post() for _ in range(60)]
    asked = Asked("least_loaded", PEOPLE, None, STEP)
    both = [asker(store, house), asker(store, house)]

    found = await asyncio.gather(
        *(both[n % 2].assign(organization, owning(lead), asked) for n, lead in enumerate(leads))
    )

    assert sorted(Counter(one.owner for one in found).values()) == [20, 20, 20]


async def test_the_load_counts_what_is_open_whoever_assigned_it(
    store: RedisStore, redis_url: str
) -> None:
    """Records of before are counted at the first question, and what changes from then on."""
    workflow = make_workflow(
        assigning(algorithm="least_loaded", user_ids=["ada", "bruno"]), trigger_type="lead_created"
    )
    house = House(store, staffed(workflow))
    ada, bruno = member("ada").id, member("bruno").id
    for who in (ada, ada, bruno):
        await house.change(await house.post(), owner_id=who)
    async with engine(house, redis_url):
        await house.finished(workflow, 3)
        lead = await house.post()
        await house.finished(workflow, 4)
        assert await owner(house, lead) == "bruno"
        for change in ({"owner_id": None}, {"owner_id": ada}):
            await house.change(lead, **change)
        await house.quiet()
        last = await house.post()
        await house.finished(workflow, 5)
        assert await owner(house, last) == "bruno"


async def test_a_step_that_is_done_again_takes_no_second_turn(store: RedisStore) -> None:
    """D4: a daemon that died between the turn and its record does the step again."""
    house = House(store, staffed())
    organization = house.rules.current.organizations["acme"]
    lead = await house.post()
    asked = Asked("round_robin", PEOPLE, None, STEP)

    first, again = [
        await asker(store, house).assign(organization, owning(lead, overwrite=True), asked)
        for _ in range(2)
    ]
    other = await asker(store, house).assign(
        organization, owning(lead, overwrite=True, operation="next"), asked
    )

    assert first == again
    assert (first.owner, other.owner) == (member("ada").id, member("bruno").id)


async def test_records_of_every_module_can_be_assigned(store: RedisStore) -> None:
    house = House(store, staffed())
    organization = house.rules.current.organizations["acme"]
    new: list[tuple[str, Mapping[str, Any]]] = [
        ("contacts", {"last_name": "Byron"}),
        ("tasks", {"title": "Call"}),
        ("opportunities", {"name": "Roof", "status": "open"}),
    ]
    for module, fields in new:
        record = NewRecord(module, fields, house.records.new_id())
        await house.records.create(organization, [record], Author(record.id))
        for algorithm in ("round_robin", "least_loaded"):
            wanted = owning(record.id, overwrite=True, operation=f"{algorithm}{record.id}")
            asked = Asked(algorithm, ["ada"], None, STEP)
            found = await asker(store, house).assign(
                organization, wanted._replace(module=module), asked
            )
            assert found.owner == member("ada").id
        stored = await house.records.read(ORGANIZATION, module, record.id, log=True)
        assert stored
        assert stored.owner == member("ada").id
        assert stored.log[-1].types[-1] in {
            f"{module[:-1]}_assigned",
            "task_updated",
            "opportunity_assigned",
        }
