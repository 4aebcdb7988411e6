"""The list of pools, and when they were made."""

from __future__ import annotations

from typing import Any

import pytest

from listening import ACME, Site, bearer, publish_files
from pointsman.settings import Settings
from pointsman.store.generations import GenerationStore
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from pointsman.store.seen import SeenStore

PATH = "/api/v1/round-robin"
OFF = "name: Autumn\nis_active: false\nparticipants: [ada, eve]\nfollower: bob\ngoal_won_deals: 3\n"


@pytest.fixture
async def grown(site: Site, store: RedisStore) -> Site:
    """Return the site after a fourth pool was published."""
    files = {**ACME, "pools/autumn.yaml": OFF}
    await publish_files(site.serving, GenerationStore(store, Settings()), "acme", files)
    return site


async def listed(site: Site, query: str = "", key: str = "reader") -> Any:
    answer = await site.client.get(f"{PATH}{query}", headers=bearer(key))
    assert answer.status == 200, await answer.text()
    return await answer.json()


def names(told: Any) -> list[str]:
    return [pool["name"] for pool in told["data"]]


async def test_the_newest_pool_comes_first(grown: Site) -> None:
    told = await listed(grown)

    assert names(told) == ["Autumn", "Away", "Inbound", "Spring"]
    assert told["pagination"] == {"total": 4, "limit": 50, "offset": 0, "hasMore": False}


async def test_a_row_has_what_the_reference_shows(grown: Site) -> None:
    await grown.post_lead()

    row = next(row for row in (await listed(grown))["data"] if row["name"] == "Inbound")

    times = {name: row.pop(name) for name in ("createdAt", "updatedAt", "lastAssignmentAt")}
    assert all(times.values())
    assert row == {
        "id": grown.pool_id("Inbound"),
        "organizationId": grown.serving.current.organizations["acme"].id,
        "name": "Inbound",
        "isActive": True,
        "assignInboundLeads": True,
        "assignManualLeads": True,
        "emailNotificationsEnabled": False,
        "followerUserId": None,
        "goalTotalDeals": None,
        "goalWonDeals": None,
        "nextParticipantOrder": 2,
        "createdBy": None,
        "createdByName": None,
        "followerName": None,
        "participantCount": 2,
        "assignmentCount": 1,
    }


async def test_a_row_tells_follower_goals_and_who_takes_leads(grown: Site) -> None:
    (row,) = (await listed(grown, "?status=inactive"))["data"]

    assert (row["followerName"], row["goalWonDeals"]) == ("Bob Bobson", 3)
    assert row["participantCount"] == 1, "people who are off are not counted"
    assert row["lastAssignmentAt"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=all", ["Autumn", "Away", "Inbound", "Spring"]),
        ("?status=active", ["Away", "Inbound", "Spring"]),
        ("?query=A", ["Autumn", "Away"]),
        ("?query=nBoUn", ["Inbound"]),
        ("?query=.*", []),
        ("?limit=2", ["Autumn", "Away"]),
        ("?limit=2&offset=3", ["Spring"]),
        ("?offset=4", []),
    ],
)
async def test_pools_are_searched_and_paged(grown: Site, query: str, expected: list[str]) -> None:
    assert names(await listed(grown, query)) == expected


@pytest.mark.parametrize("query", ["status=on", "limit=0", "limit=101", "offset=-1"])
async def test_a_query_out_of_range_is_refused(site: Site, query: str) -> None:
    answer = await site.client.get(f"{PATH}?{query}", headers=bearer("all"))

    assert answer.status == 400
    assert (await answer.json())["error"]["code"] == "VALIDATION_ERROR"


async def test_only_the_caller_s_pools_are_listed(site: Site) -> None:
    assert names(await listed(site, key="rival")) == ["Only"]


async def test_a_pool_that_comes_back_is_as_old_as_it_was(site: Site, store: RedisStore) -> None:
    """Its state is kept for a while, and when it was made belongs to that."""
    pool_id = site.pool_id("Spring")
    seen = SeenStore(store)
    organization = site.serving.current.organizations["acme"].id
    generations = GenerationStore(store, Settings())
    before = await seen.pool(organization, pool_id)
    rest = {name: text for name, text in ACME.items() if name != "pools/spring.yaml"}

    await publish_files(site.serving, generations, "acme", rest)
    assert await store.redis.ttl(Keys(organization).seen(pool_id)) > 0
    await publish_files(site.serving, generations, "acme", ACME)

    assert await seen.pool(organization, pool_id) == before
    assert await store.redis.ttl(Keys(organization).seen(pool_id)) == -1


async def test_a_change_moves_updated_of_what_was_changed_only(
    site: Site, store: RedisStore
) -> None:
    async def details() -> Any:
        path = f"{PATH}/{site.pool_id('Inbound')}"
        return await (await site.client.get(path, headers=bearer("all"))).json()

    before = await details()
    text = ACME["pools/inbound.yaml"].replace("[ada, bob]", "[ada, bob, eve]")
    generations = GenerationStore(store, Settings())
    await publish_files(site.serving, generations, "acme", {**ACME, "pools/inbound.yaml": text})

    after = await details()
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]
    assert [each["createdAt"] for each in after["participants"]] == [
        before["createdAt"],
        before["createdAt"],
        after["updatedAt"],
    ]
    assert after["connections"] == before["connections"]
