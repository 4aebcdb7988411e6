"""Pools changed and removed over the API: what file and answers say afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from daemons import running
from deployed import FILES, INBOUND, POOLS, Client, House, ada, lay_out, refusal
from listening import ACME


async def test_a_change_leaves_everything_else_byte_for_byte(house: House) -> None:
    pool_id = await house.client.pool_id("Inbound")

    answer = await house.client.patch(
        pool_id, {"name": "Front door", "assignManualLeads": False, "goalWonDeals": 3}
    )

    assert answer == (200, {"success": True})
    assert house.text("inbound") == INBOUND.replace("name: Inbound", "name: Front door").replace(
        "assign_manual_leads: true", "assign_manual_leads: false"
    ).replace("# the site\n", "# the site\ngoal_won_deals: 3\n")
    assert (await house.client.get(f"/{pool_id}"))["name"] == "Front door"


async def test_null_clears_follower_and_goals(house: House) -> None:
    pool_id = await house.client.pool_id("Inbound")
    followed = {"followerUserId": await ada(house), "goalTotalDeals": 5, "goalWonDeals": 1}
    await house.client.patch(pool_id, followed)
    assert "follower: ada\n" in house.text("inbound")

    await house.client.patch(pool_id, dict.fromkeys(followed))

    assert house.text("inbound") == INBOUND


async def test_new_order_keeps_what_is_written_about_each_person(house: House) -> None:
    people = await house.client.people()
    wanted = [people["eve"], people["bob"], people["ada"]]

    await house.client.patch(await house.client.pool_id("Inbound"), {"participantIds": wanted})

    assert house.text("inbound") == INBOUND.replace(
        """\
  # the founder
  - ada   # mornings
  - member: bob
    weight: 3   # closes most
""",
        """\
  - eve
  - member: bob
    weight: 3   # closes most
  # the founder
  - ada   # mornings
""",
    )
    shown = await house.client.get(f"/{await house.client.pool_id('Inbound')}")
    assert [each["userId"] for each in shown["participants"]] == wanted


async def test_members_are_written_by_id_where_the_file_does_so(house: House) -> None:
    people = await house.client.people()
    path = house.root / "acme/pools/away.yaml"
    path.write_text(f"name: Away\nparticipants:\n  - member: {people['eve']}\n")
    await house.app.reload()

    await house.client.patch(
        await house.client.pool_id("Away"), {"participantIds": [people["bob"], people["eve"]]}
    )

    bob, eve = (json.dumps(people[handle]) for handle in ("bob", "eve"))
    told = path.read_text().replace(people["eve"], eve.strip('"'))
    assert told.replace('"', "") == (
        f"name: Away\nparticipants:\n  - member: {bob}\n  - member: {eve}\n".replace('"', "")
    )


@pytest.mark.parametrize("identical", [True, False])
async def test_participants_reset_the_pointer_also_for_an_identical_list(
    house: House, identical: bool
) -> None:
    people = await house.client.people()
    pool_id = await house.client.pool_id("Spring")
    await house.lead("/spring")
    assert (await house.client.get(f"/{pool_id}"))["nextParticipantOrder"] == 2
    wanted = [people["bob"], people["ada"]]
    before = house.text("spring")

    answer = await house.client.patch(
        pool_id, {"participantIds": wanted if identical else [*wanted, people["eve"]]}
    )

    assert answer == (200, {"success": True})
    assert (await house.client.get(f"/{pool_id}"))["nextParticipantOrder"] == 1
    assert (house.text("spring") == before) is identical
    assert (await house.lead("/spring"))["assignedToId"] == people["bob"]


async def test_other_changes_leave_the_pointer_alone(house: House) -> None:
    pool_id = await house.client.pool_id("Spring")
    await house.lead("/spring")

    await house.client.patch(pool_id, {"name": "May", "isActive": False, "connections": []})

    assert (await house.client.get(f"/{pool_id}"))["nextParticipantOrder"] == 2


async def test_a_reset_happens_once_and_no_reload_repeats_it(house: House) -> None:
    people = await house.client.people()
    pool_id = await house.client.pool_id("Spring")
    await house.client.patch(pool_id, {"participantIds": [people["ada"], people["bob"]]})
    await house.lead("/spring")

    await house.app.reload()

    assert (await house.client.get(f"/{pool_id}"))["nextParticipantOrder"] == 2


async def test_connections_that_stay_keep_their_id_and_spelling(house: House) -> None:
    pool_id = await house.client.pool_id("Spring")
    before = (await house.client.get(f"/{pool_id}"))["connections"]

    await house.client.patch(
        pool_id,
        {
            "connections": [
                {"source": "meta"},
                {"source": "webhook", "utmCampaign": "spring-sale"},
            ]
        },
    )

    after = (await house.client.get(f"/{pool_id}"))["connections"]
    assert after[1] == before[1]
    assert house.text("spring") == ACME["pools/spring.yaml"].replace(
        "{source: webhook, source_key: spring}", "@"
    ).replace("  - @\n", "  - {source: meta}\n")


async def test_nothing_to_change_publishes_nothing(house: House) -> None:
    pool_id = await house.client.pool_id("Spring")
    before = house.text("spring")

    for body in ({}, {"name": "Spring"}, {"isActive": True, "goalWonDeals": None}):
        assert await house.client.patch(pool_id, body) == (200, {"success": True})

    assert (house.generation(), house.text("spring")) == (1, before)


async def test_updated_moves_with_every_change_of_the_file(house: House) -> None:
    """Also with one that no turn depends on."""
    pool_id = await house.client.pool_id("Spring")
    before = await house.client.get(f"/{pool_id}")

    await house.client.patch(pool_id, {"name": "May"})

    after = await house.client.get(f"/{pool_id}")
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]
    assert after["participants"] == before["participants"]


async def test_what_was_switched_off_stays_off_after_a_reload(house: House) -> None:
    """L16: the API edits the file, so a reload cannot bring back what it was told to end."""
    pool_id = await house.client.pool_id("Spring")
    await house.client.patch(pool_id, {"isActive": False})

    (house.root / "acme/pools/away.yaml").write_text("name: Away\nparticipants: [eve, ada]\n")
    await house.app.reload()

    assert (await house.client.get(f"/{pool_id}"))["isActive"] is False
    assert (await house.lead("/spring"))["roundRobinId"] == await house.client.pool_id("Inbound")


async def test_what_was_switched_off_stays_off_after_a_restart(
    tmp_path: Path, redis_url: str
) -> None:
    """L16: whoever starts next, with the same files or with none."""
    root = lay_out(tmp_path / "config", FILES)
    async with running(root, redis_url) as app:
        client = Client(app.url)
        pool_id = await client.pool_id("Spring")
        assert (await client.patch(pool_id, {"isActive": False}))[0] == 200

    for role, tree in (("publisher", root), ("follower", tmp_path / "none")):
        async with running(tree, redis_url, config_role=role) as app:
            assert (await Client(app.url).get(f"/{pool_id}"))["isActive"] is False


# --- Connections


async def test_a_connection_is_added_as_the_reference_shows(house: House) -> None:
    pool_id = await house.client.pool_id("Spring")
    connection = {"source": "automation", "provider": "zapier", "sourceKey": "q3-launch"}

    status, made = await house.client.post({"connection": connection}, f"/{pool_id}/connections")

    assert status == 201
    assert made.pop("createdAt") == made.pop("updatedAt")
    assert made == {
        "id": made["id"],
        "roundRobinId": pool_id,
        "organizationId": house.app.serving.current.organizations["acme"].id,
        "source": "automation",
        "metaPageId": None,
        "metaFormId": None,
        "metaAdId": None,
        "metaCampaignId": None,
        "provider": "zapier",
        "sourceKey": "q3-launch",
        "utmCampaign": None,
        "workflowId": None,
        "isActive": True,
    }
    assert house.text("spring") == (
        ACME["pools/spring.yaml"]
        + "  - {source: automation, provider: zapier, source_key: q3-launch}\n"
    )
    shown = await house.client.get(f"/{pool_id}")
    assert shown["connections"][-1]["id"] == made["id"]


async def test_a_connection_may_come_without_its_wrapper(house: House) -> None:
    pool_id = await house.client.pool_id("Away")

    status, made = await house.client.post({"utmCampaign": "x"}, f"/{pool_id}/connections")

    assert (status, made["source"], made["utmCampaign"]) == (201, "webhook", "x")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"sourceKey": "spring"}, (409, "CONFLICT", "the pool has an identical connection")),
        ({"connection": {}}, (409, "CONFLICT", "the universal lead webhook goes to the pool")),
        (
            {"connection": {"source": "automation"}},
            (400, "VALIDATION_ERROR", "connection.provider: is required"),
        ),
        ({"source": "workflow"}, (400, "VALIDATION_ERROR", "workflowId: is required")),
        ({"connection": {}, "x": 1}, (400, "VALIDATION_ERROR", "connection: unknown key")),
    ],
)
async def test_a_connection_that_cannot_be_is_refused(
    house: House, body: Any, expected: tuple[int, str, str]
) -> None:
    pool_id = await house.client.pool_id("Spring")

    status, code, told = refusal(await house.client.post(body, f"/{pool_id}/connections"))

    assert (status, code) == expected[:2]
    assert told.startswith(expected[2])
    assert house.text("spring") == ACME["pools/spring.yaml"]


async def test_a_connection_is_removed(house: House) -> None:
    pool_id = await house.client.pool_id("Spring")
    first, second = (await house.client.get(f"/{pool_id}"))["connections"]

    answer = await house.client.delete(f"{pool_id}/connections/{first['id'].upper()}")
    again = await house.client.delete(f"{pool_id}/connections/{first['id']}")
    last = await house.client.delete(f"{pool_id}/connections/{second['id']}")

    assert answer == (200, {"deleted": True, "id": first["id"]})
    assert refusal(again)[:2] == (404, "NOT_FOUND")
    assert last[0] == 200
    assert house.text("spring").endswith("connections: []\n")


async def test_a_connection_of_another_pool_is_not_found(house: House) -> None:
    (connection,) = (await house.client.get(f"/{await house.client.pool_id('Inbound')}"))[
        "connections"
    ]

    answer = await house.client.delete(
        f"{await house.client.pool_id('Spring')}/connections/{connection['id']}"
    )

    assert refusal(answer)[:2] == (404, "NOT_FOUND")


# --- Removing


async def test_a_pool_goes_with_its_history_at_once(house: House, redis: Redis) -> None:
    pool_id = await house.client.pool_id("Spring")
    await house.lead("/spring")

    answer = await house.client.delete(pool_id)

    assert answer == (200, {"deleted": True, "id": pool_id})
    assert house.names() == ["away.yaml", "inbound.yaml"]
    assert [key async for key in redis.scan_iter(f"*{pool_id}*")] == []
    assert refusal(await house.client.delete(pool_id))[:2] == (404, "NOT_FOUND")
    posted = await house.client.call("POST", "/intake/acme/webhook/spring", {"email": "a@b.co"})
    assert posted[0] == 404, "nobody has this source key any more"


async def test_a_pool_that_a_flow_needs_stays(house: House) -> None:
    pool_id = await house.client.pool_id("Away")

    status, code, told = refusal(await house.client.delete(pool_id))

    assert (status, code) == (409, "CONFLICT")
    assert "flows/fair.yaml" in told
    assert "away.yaml" in house.names()


# --- Who may


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"name": "x", "participantIds": [str(uuid4())]}),
        ("PATCH", "/{id}", {"name": "x"}),
        ("DELETE", "/{id}", None),
        ("POST", "/{id}/connections", {"source": "meta"}),
        ("DELETE", "/{id}/connections/{id}", None),
    ],
)
async def test_writing_needs_its_scope_and_the_right_organization(
    house: House, method: str, path: str, body: Any
) -> None:
    path = POOLS + path.replace("{id}", await house.client.pool_id("Spring"))

    reader = await Client(house.client.url, "reader").call(method, path, body)
    rival = await Client(house.client.url, "rival").call(method, path, body)

    assert refusal(reader) == (
        403,
        "FORBIDDEN",
        "the API key 'reader' lacks the scope round-robin:write",
    )
    assert rival[0] in (404, 400), "another organization's pools do not exist"
    assert house.generation() == 1


async def test_a_body_must_be_json(house: House) -> None:
    path = f"{POOLS}/{await house.client.pool_id('Spring')}"

    assert (await house.client.call("PATCH", path, [1]))[0] == 400
    assert (await house.client.call("PATCH", path))[0] == 415
