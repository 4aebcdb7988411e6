"""Pools made over the API: their file, the answer, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from daemons import running
from deployed import Client, House, ada, lay_out, refusal
from listening import ACME, RIVAL
from pointsman.config.load import load
from pointsman.ids import derived


def maker(house: House) -> str:
    """Return the id of the key that makes pools."""
    acme = house.app.serving.current.organizations["acme"]
    return derived(acme.id, "api_key", acme.keys[0].sha256)


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
        "createdBy": maker(house),
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
            {"emailNotificationsEnabled": "yes"},
            "emailNotificationsEnabled: expected true or false, found 'yes'",
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


async def test_who_made_a_pool_is_told_however_often_it_is_changed(house: House) -> None:
    """The key is named, for keys are no members; a file has nobody."""
    body = {"name": "North", "participantIds": [await ada(house)]}
    _, made = await house.client.post(body)
    await house.client.patch(made["id"], {"name": "South"})

    rows = {row["name"]: row for row in (await house.client.get())["data"]}

    south, inbound = rows["South"], rows["Inbound"]
    assert (south["createdBy"], south["createdByName"]) == (maker(house), "all")
    assert (inbound["createdBy"], inbound["createdByName"]) == (None, None)
    assert (await house.client.get(f"/{made['id']}"))["createdBy"] == maker(house)


@pytest.mark.parametrize("kept", [False, True])
async def test_history_outlives_its_pool_if_the_organization_says_so(
    tmp_path: Path, redis_url: str, redis: Redis, *, kept: bool
) -> None:
    """With keep_history only the history stays, until it expires; it is nobody else's."""
    head = ACME["organization.yaml"] + f"keep_history: {str(kept).lower()}\n"
    root = lay_out(tmp_path / "config", {**ACME, "organization.yaml": head})
    lay_out(root, RIVAL, "rival")
    async with running(root, redis_url) as app:
        client = Client(app.url)
        pool = await client.pool_id("Inbound")
        lead = {"email": "lead@example.com"}
        await client.call("POST", "/intake/acme/webhook", lead)
        history = (await client.get(f"/{pool}/assignments"))["data"]
        text = (root / "acme/pools/inbound.yaml").read_text()

        assert (await client.delete(pool))[0] == 200
        status, told = await client.call("GET", f"/api/v1/round-robin/{pool}/assignments")
        ids = (pool, f"{pool}:history", str(uuid4()))
        rival = Client(app.url, "rival")
        others = [await rival.call("GET", f"/api/v1/round-robin/{i}/assignments") for i in ids]
        gone = await client.call("GET", f"/api/v1/round-robin/{pool}")

        assert (status, told.get("data")) == ((200, history) if kept else (404, None))
        assert {status for status, _ in [*others, gone]} == {404}
        left = [key async for key in redis.scan_iter(f"pm:*:pool:{pool}*")]
        assert bool(left) == kept
        assert all([await redis.pttl(key) > 0 for key in left])
        if kept:
            back = f"id: {pool}\n{text.lstrip()}"
            (root / "acme/pools/inbound.yaml").write_text(back)
            await app.reload()
            status, told = await client.call("POST", "/intake/acme/webhook", lead)
            assert told["turnOrder"] == 2, "whoever was next is next"
            assert (await client.get(f"/{pool}/assignments"))["pagination"]["total"] == 2
            assert await redis.pttl(left[0]) == -1
