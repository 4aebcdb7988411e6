"""Pools made, changed and removed over the API: what the files and the answers say afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from daemons import running
from deployed import POOLS, Client, lay_out
from listening import ACME, RIVAL
from pointsman.app.lifecycle import App
from pointsman.config.load import load
from support import wait_until

INBOUND = """\
# Everybody.

name: Inbound   # as on the door
participants:
  # the founder
  - ada   # mornings
  - member: bob
    weight: 3   # closes most

assign_manual_leads: yes please
connections: [{source: webhook}]   # the site
""".replace("yes please", "true  # reception too")
FLOW = """\
name: Fair
sources: [{key: fair, name: Fair, intake: webhook, source_key: fair}]
steps: [{key: spread, type: pool, pool: away}]
"""
FILES = {**ACME, "pools/inbound.yaml": INBOUND, "flows/fair.yaml": FLOW}


@dataclass
class House:
    """A daemon, its tree, and a client with every scope."""

    app: App
    root: Path
    client: Client

    def text(self, name: str) -> str:
        return (self.root / "acme/pools" / f"{name}.yaml").read_text()

    def names(self) -> list[str]:
        return sorted(path.name for path in (self.root / "acme/pools").iterdir())

    def generation(self) -> int:
        return self.app.serving.current.organizations["acme"].generation

    async def lead(self, path: str = "") -> Any:
        status, told = await self.client.call(
            "POST", f"/intake/acme/webhook{path}", {"email": "lead@example.com"}
        )
        assert status == 201, told
        return told


@pytest.fixture
async def house(tmp_path: Path, redis_url: str) -> AsyncIterator[House]:
    root = lay_out(tmp_path / "config", FILES)
    lay_out(root, RIVAL, "rival")
    async with running(root, redis_url) as app:
        yield House(app, root, Client(app.url))


def refusal(answer: tuple[int, Any]) -> tuple[int, str, str]:
    status, told = answer
    return status, told["error"]["code"], told["error"]["message"]


# --- Making


async def test_a_pool_is_made_as_the_reference_shows(house: House) -> None:
    people = await house.client.people()
    body = {
        "name": "Inbound — Meta leads",
        "participantIds": [people["bob"], people["ada"].upper()],
        "followerUserId": people["eve"],
        "goalTotalDeals": 40,
        "goalWonDeals": 0,
        "assignManualLeads": True,
        "emailNotificationsEnabled": False,
        "connections": [{"source": "meta", "metaFormId": "1234567890"}],
    }

    status, made = await house.client.post(body)

    assert status == 201
    assert made.pop("createdAt") == made.pop("updatedAt")
    assert made == {
        "id": made["id"],
        "organizationId": house.app.serving.current.organizations["acme"].id,
        "name": "Inbound — Meta leads",
        "isActive": True,
        "assignInboundLeads": True,
        "assignManualLeads": True,
        "emailNotificationsEnabled": False,
        "followerUserId": people["eve"],
        "goalTotalDeals": 40,
        "goalWonDeals": 0,
        "nextParticipantOrder": 1,
        "createdBy": None,
    }
    assert house.text("inbound-meta-leads") == (
        f'id: "{made["id"]}"\n'.replace('"' if made["id"][0].isalpha() else "\0", "")
        + 'name: "Inbound — Meta leads"\n'
        "assign_manual_leads: true\n"
        "follower: eve\n"
        "goal_total_deals: 40\n"
        "goal_won_deals: 0\n"
        "participants:\n"
        "  - bob\n"
        "  - ada\n"
        "connections:\n"
        "  - source: meta\n"
        '    meta_form_id: "1234567890"\n'
    )


async def test_a_pool_takes_leads_as_soon_as_the_answer_is_sent(house: House) -> None:
    people = await house.client.people()
    connection = {"sourceKey": "autumn"}

    _, made = await house.client.post(
        {"name": "Autumn", "participantIds": [people["bob"]], "connections": [connection]}
    )

    told = await house.lead("/autumn")
    assert (told["roundRobinId"], told["assignedToId"]) == (made["id"], people["bob"])
    assert (await house.client.get())["data"][0]["name"] == "Autumn", "the newest is first"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Straße № 5", "strasse-no-5.yaml"),
        ("../../../etc/passwd", "etc-passwd.yaml"),
        ("..", "pool.yaml"),
        ("日本", "pool.yaml"),
        ("x" * 200, f"{'x' * 60}.yaml"),
        ("INBOUND", "inbound-2.yaml"),
        ("inbound 2", "inbound-2.yaml"),
        ("a/b\\c: #d\n\t\0", "a-b-c-d.yaml"),
        (".hidden~", "hidden.yaml"),
        ("'quoted' \"twice\" {}[]&*!|>%@`", "quoted-twice.yaml"),
        ("null", "null.yaml"),
    ],
)
async def test_any_name_becomes_a_safe_file_name(house: House, name: str, file: str) -> None:
    before = house.names()

    status, made = await house.client.post({"name": name, "participantIds": [await ada(house)]})

    assert status == 201, made
    assert house.names() == sorted([*before, file])
    assert (await house.client.get(f"/{made['id']}"))["name"] == name
    assert [str(p) for p in load(house.root)[1] if p.severity == "error"] == []


async def test_names_that_differ_in_case_only_get_files_of_their_own(house: House) -> None:
    """A file that is not loaded counts too: it may be somebody's work."""
    (house.root / "acme/pools/North-2.yaml~").write_text("a backup")
    body = {"name": "North", "participantIds": [await ada(house)]}

    made = [await house.client.post({**body, "name": name}) for name in ("North", "NORTH", "nörth")]

    assert [status for status, _ in made] == [201, 201, 201]
    assert [name for name in house.names() if name.startswith("north")] == [
        "north-3.yaml",
        "north-4.yaml",
        "north.yaml",
    ]


async def ada(house: House) -> str:
    return (await house.client.people())["ada"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name: expected text, found nothing"),
        ({"name": ""}, "name: expected at least 1 character, found 0"),
        ({"name": "x" * 201}, "name: expected at most 200 characters, found 201"),
        ({"name": 5}, "name: expected text, found 5"),
        ({"participantIds": []}, "participantIds: expected at least 1 item, found 0"),
        ({"participantIds": ["ada"]}, "participantIds[0]: expected a UUID"),
        ({"participantIds": [7]}, "participantIds[0]: expected text, found 7"),
        ({"goalTotalDeals": -1}, "goalTotalDeals: expected at least 0, found -1"),
        ({"goalWonDeals": 1.5}, "goalWonDeals: expected a whole number"),
        ({"goalWonDeals": True}, "goalWonDeals: expected a whole number"),
        ({"followerUserId": "bob"}, "followerUserId: expected a UUID"),
        ({"isActive": "yes"}, "isActive: expected true or false, found 'yes'"),
        ({"isActiv": True}, "isActiv: unknown key 'isActiv', did you mean 'isActive'?"),
        ({"priority": 1}, "priority: unknown key"),
        (
            {"emailNotificationsEnabled": True},
            "emailNotificationsEnabled: this version sends no mails, leave it out or send false",
        ),
        ({"connections": [{"source": "fax"}]}, "connections[0].source: 'fax' is not known here"),
        (
            {"connections": [{}, {"source": "automation"}]},
            "connections[1].provider: is required",
        ),
        ({"connections": [{"source": "workflow"}]}, "connections[0].workflowId: is required"),
        ({"connections": [{"metaAdId": 5}]}, "connections[0].metaAdId: expected text, found 5"),
        ({"connections": [{"sourceKey": ""}]}, "connections[0].sourceKey: expected at least 1"),
        ({"connections": [{"isActive": True}]}, "connections[0].isActive: unknown key"),
        ({"connections": {}}, "connections: expected a list, found an object"),
    ],
)
@pytest.mark.parametrize("method", ["create", "update"])
async def test_a_wrong_body_is_told_field_by_field(
    house: House, method: str, change: dict[str, Any], message: str
) -> None:
    body = {"name": "North", "participantIds": [await ada(house)], **change}

    if method == "create":
        answer = await house.client.post(body)
    else:
        answer = await house.client.patch(await house.client.pool_id("Spring"), change)

    status, code, told = refusal(answer)
    assert (status, code) == (400, "VALIDATION_ERROR")
    assert told.startswith(message), told
    assert "; " not in told, "one field failed"
    assert house.generation() == 1


async def test_every_failing_field_is_told_at_once(house: House) -> None:
    answer = await house.client.post({"connections": [{"source": "automation"}], "isActive": 1})

    assert refusal(answer) == (
        400,
        "VALIDATION_ERROR",
        (
            "isActive: expected true or false, found 1; "
            "connections[0].provider: is required: a connection with source automation names its "
            "provider; name: is required; participantIds: is required"
        ),
    )


async def test_what_contradicts_the_organization_is_a_bad_request(house: House) -> None:
    people = await house.client.people()
    stranger = str(uuid4())
    body = {"name": "North", "participantIds": [people["ada"]]}

    answers = [
        await house.client.post({**body, **change})
        for change in (
            {"participantIds": [stranger, people["ada"], people["ada"]]},
            {"followerUserId": stranger},
            {"connections": [{"sourceKey": "a"}, {"source": "webhook", "sourceKey": "a"}]},
            {"connections": [{"source": "workflow", "workflowId": "nine"}]},
        )
    ]

    assert [refusal(answer)[:2] for answer in answers] == [(400, "BAD_REQUEST")] * 4
    assert [refusal(answer)[2] for answer in answers] == [
        (
            "participantIds[0]: no member of this organization has this id; "
            "participantIds[2]: the same member as participantIds[1]"
        ),
        "followerUserId: no member of this organization has this id",
        "connections[1]: the same connection as connections[0]",
        "connections[0].workflow_id: no workflow has the id 'nine'",
    ]
    assert house.names() == ["away.yaml", "inbound.yaml", "spring.yaml"]
    assert house.generation() == 1


async def test_a_member_of_another_organization_is_a_stranger(house: House) -> None:
    rita = (await Client(house.client.url, "rival").people())["rita"]

    answer = await house.client.post({"name": "North", "participantIds": [rita]})

    assert refusal(answer)[:2] == (400, "BAD_REQUEST")


async def test_the_generic_webhook_goes_to_one_pool_only(house: House) -> None:
    body = {"name": "North", "participantIds": [await ada(house)], "connections": [{}]}

    made = await house.client.post(body)
    changed = await house.client.patch(
        await house.client.pool_id("Spring"), {"connections": [{"source": "webhook"}]}
    )
    kept = await house.client.patch(await house.client.pool_id("Inbound"), {"connections": [{}]})

    assert refusal(made)[:2] == refusal(changed)[:2] == (409, "CONFLICT")
    assert "goes to the pool 'Inbound' already" in refusal(made)[2]
    assert kept == (200, {"success": True})


async def test_the_generic_webhook_must_be_switched_on(tmp_path: Path, redis_url: str) -> None:
    off = ACME["organization.yaml"].replace("{enabled: true}", "{enabled: false}")
    pool = "name: Spring\nparticipants: [bob, ada]\n"
    root = lay_out(tmp_path / "config", {"organization.yaml": off, "pools/spring.yaml": pool})
    async with running(root, redis_url) as app:
        client = Client(app.url)
        pool_id = await client.pool_id("Spring")

        answers = [
            await client.post({"source": "webhook"}, f"/{pool_id}/connections"),
            await client.patch(pool_id, {"connections": [{}]}),
        ]
        other = await client.post({"sourceKey": "a"}, f"/{pool_id}/connections")

    assert [refusal(answer)[:2] for answer in answers] == [(400, "BAD_REQUEST")] * 2
    assert "integrations.lead_webhook.enabled: true" in refusal(answers[0])[2]
    assert other[0] == 201


# --- Changing


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


# --- Beside other hands


async def test_a_file_that_was_edited_and_not_loaded_is_left_alone(house: House) -> None:
    path = house.root / "acme/pools/spring.yaml"
    pool_id = await house.client.pool_id("Spring")
    path.write_text(path.read_text() + "# a not\nparticipants: [\n")
    edited = path.read_text()

    status, code, told = refusal(await house.client.patch(pool_id, {"name": "May"}))

    assert (status, code) == (409, "CONFLICT")
    assert "changed since it was read; nothing was written" in told
    assert path.read_text() == edited
    assert house.generation() == 1


async def test_an_edit_elsewhere_in_the_tree_survives_a_write(house: House) -> None:
    """The write goes out without the broken file, and the file is loaded once it is mended."""
    away = house.root / "acme/pools/away.yaml"
    away.write_text("name: Away\nparticipants: [eve, nobody]\n")

    answer = await house.client.patch(await house.client.pool_id("Spring"), {"name": "May"})
    away.write_text("name: Away\nparticipants: [eve, ada]\n")
    await house.app.reload()

    assert answer[0] == 200
    pools = house.app.serving.current.organizations["acme"].pools.values()
    assert {pool.name: len(pool.participants) for pool in pools} == {
        "Away": 2,
        "Inbound": 2,
        "May": 2,
    }


async def test_writes_at_the_same_time_are_all_kept(house: House) -> None:
    people = [await ada(house)]
    spring, inbound = await house.client.pool_id("Spring"), await house.client.pool_id("Inbound")

    answers = await asyncio.gather(
        *(house.client.post({"name": "North", "participantIds": people}) for _ in range(5)),
        *(house.client.post({"sourceKey": f"key-{i}"}, f"/{spring}/connections") for i in range(5)),
        house.client.patch(inbound, {"name": "Front door"}),
        house.client.patch(inbound, {"goalWonDeals": 5}),
    )

    assert [status for status, _ in answers] == [201] * 10 + [200] * 2
    assert len(house.names()) == 3 + 5
    assert len((await house.client.get(f"/{spring}"))["connections"]) == 2 + 5
    shown = await house.client.get(f"/{inbound}")
    assert (shown["name"], shown["goalWonDeals"]) == ("Front door", 5)
    assert await house.app.reload() == {"acme": 1 + 12, "rival": 1}


async def test_a_write_and_an_editor_never_lose_each_other_s_change(house: House) -> None:
    """Somebody saves the file again and again while the API changes it."""
    path = house.root / "acme/pools/spring.yaml"
    pool_id = await house.client.pool_id("Spring")
    saved = 0
    statuses: list[int] = []

    async def save() -> None:
        nonlocal saved
        while len(statuses) < 20:
            text = await asyncio.to_thread(path.read_text)
            fresh = path.with_name(".spring.yaml.swp")
            fresh.write_text(text.split("# saved")[0] + f"# saved {saved + 1}\n")
            if path.read_text() == text:  # an editor asks before it overwrites what it has not read
                fresh.replace(path)
                saved += 1
            await asyncio.sleep(random.uniform(0, 0.5))

    async def change() -> None:
        for number in range(20):
            status, _ = await house.client.patch(pool_id, {"goalWonDeals": number})
            if status == 200:
                assert f"goal_won_deals: {number}\n" in path.read_text()
            statuses.append(status)
            await asyncio.sleep(random.uniform(0, 0.1))

    await asyncio.gather(save(), change())

    async def settled() -> bool:
        shown = await house.client.get(f"/{pool_id}")
        return f"goal_won_deals: {shown['goalWonDeals']}\n" in path.read_text()

    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert f"# saved {saved}\n" in path.read_text()
    await wait_until(settled, "file and daemon agree")


async def test_a_read_only_tree_is_refused_with_the_reason(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    body = {"name": "North", "participantIds": [await ada(house)]}
    answers = [
        await house.client.post(body),
        await house.client.patch(await house.client.pool_id("Spring"), {"name": "May"}),
        await house.client.delete(await house.client.pool_id("Spring")),
    ]

    assert [refusal(answer)[:2] for answer in answers] == [(403, "FORBIDDEN")] * 3
    assert (
        "Read-only file system; the configuration directory is read-only"
        in (refusal(answers[0])[2])
    )
    assert house.generation() == 1


async def test_a_follower_names_the_publisher(house: House, tmp_path: Path, redis_url: str) -> None:
    async with running(tmp_path / "none", redis_url, config_role="follower") as app:
        client = Client(app.url)

        answer = await client.patch(await client.pool_id("Spring"), {"name": "May"})

    status, code, told = refusal(answer)
    assert (status, code) == (409, "CONFLICT")
    assert "send the change to the publisher" in told
    author = house.app.serving.served["acme"].generation.author
    assert author in told


async def test_a_change_is_live_on_every_daemon(
    house: House, tmp_path: Path, redis_url: str
) -> None:
    """No request begun after the answer sees the older generation."""
    async with running(tmp_path / "none", redis_url, config_role="follower") as app:
        follower = Client(app.url)
        pool_id = await follower.pool_id("Spring")
        for number in range(5):
            await house.client.patch(pool_id, {"name": f"Spring {number}"})
            assert (await follower.get(f"/{pool_id}"))["name"] == f"Spring {number}"
