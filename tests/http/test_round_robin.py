"""Pools over the API, in the shape of the reference."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from listening import Site, bearer
from pointsman.http.query import SOURCES
from pointsman.ids import parse_lead_id

PATH = "/api/v1/round-robin"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def get(site: Site, path: str, key: str = "all") -> Any:
    return await site.client.get(f"{PATH}{path}", headers=bearer(key))


async def assign(site: Site, body: Any, key: str = "all", **headers: str) -> Any:
    sent = {**bearer(key), **headers}
    return await site.client.post(f"{PATH}/assign", json=body, headers=sent)


async def stored(site: Site, **fields: Any) -> str:
    """Store a lead that nobody has; return its id."""
    body = {"email": "a@example.com", "assign": False, **fields}
    answer = await site.client.post("/api/v1/leads", json=body, headers=bearer("all"))
    return str((await answer.json())["leadId"])


async def test_a_pool_looks_as_the_reference_says(site: Site) -> None:
    pool_id = site.pool_id("Spring")
    await site.post_lead(path="/spring")

    pool = await (await get(site, f"/{pool_id}", "reader")).json()

    acme = site.serving.current.organizations["acme"]
    switches = {
        "isActive": True,
        "assignInboundLeads": True,
        "assignManualLeads": False,
        "emailNotificationsEnabled": False,
        "followerUserId": None,
        "goalTotalDeals": None,
        "goalWonDeals": None,
    }
    participants, connections = pool.pop("participants"), pool.pop("connections")
    stats, settings = pool.pop("stats"), pool.pop("settings")
    assert TIME.fullmatch(pool.pop("createdAt"))
    assert TIME.fullmatch(pool.pop("updatedAt"))
    assert pool == {
        "id": pool_id,
        "organizationId": acme.id,
        "name": "Spring",
        **switches,
        "nextParticipantOrder": 2,
        "createdBy": None,
    }
    assert settings == {"id": pool_id, "name": "Spring", **switches}
    assert [person["order"] for person in participants] == [1, 2]
    assert participants[0]["user"] == {
        "id": acme.handles["bob"],
        "name": "Bob Bobson",
        "email": "bob@example.com",
        "image": None,
    }
    assert set(participants[0]) == {
        "id", "roundRobinId", "organizationId", "userId", "order", "isActive", "createdAt",
        "updatedAt", "user",
    }  # fmt: skip
    assert [each["sourceKey"] for each in connections] == ["spring", None]
    assert set(connections[0]) == {
        "id", "roundRobinId", "organizationId", "source", "metaPageId", "metaFormId", "metaAdId",
        "metaCampaignId", "provider", "sourceKey", "utmCampaign", "workflowId", "isActive",
        "createdAt", "updatedAt",
    }  # fmt: skip
    assert stats["totalAssignments"] == 1
    assert TIME.fullmatch(stats["lastAssignmentAt"])
    (served,) = stats["participantAssignments"]
    assert (served["assignedUserId"], served["assignmentCount"]) == (acme.handles["bob"], 1)


async def test_a_pool_that_served_nobody_has_no_last_time(site: Site) -> None:
    pool = await (await get(site, f"/{site.pool_id('Away')}")).json()

    assert pool["nextParticipantOrder"] is None
    assert pool["participants"][0]["isActive"] is False
    assert pool["stats"] == {
        "totalAssignments": 0,
        "lastAssignmentAt": None,
        "participantAssignments": [],
        "parkedCount": 0,
        "oldestParkedAt": None,
        "goals": {"totalDeals": 0, "wonDeals": 0},
        "afterwards": {
            "accepted": 0,
            "notAccepted": 0,
            "reassigned": 0,
            "unassigned": 0,
            "credited": 0,
        },
    }


async def test_assignments_are_listed_newest_first(site: Site) -> None:
    ids = [(await site.post_lead(path="/spring"))["leadId"] for _ in range(3)]

    listed = await (await get(site, f"/{site.pool_id('Spring')}/assignments?limit=2")).json()

    row = listed["data"][0]
    assert [each["leadId"] for each in listed["data"]] == [ids[2], ids[1]]
    assert listed["pagination"] == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}
    assert set(row) == {
        "id", "leadId", "assignedUserId", "source", "turnOrder", "metadata", "createdAt",
        "userName", "userEmail",
    }  # fmt: skip
    assert (row["turnOrder"], row["source"]) == (1, "webhook")
    assert (row["userName"], row["userEmail"]) == ("Bob Bobson", "bob@example.com")
    assert json.loads(row["metadata"])["match"]["fallbackType"] == "webhook_key"
    assert TIME.fullmatch(row["createdAt"])


async def test_pages_of_assignments_follow_one_another(site: Site) -> None:
    ids = [(await site.post_lead())["leadId"] for _ in range(5)][::-1]
    path = f"/{site.pool_id('Inbound')}/assignments"

    pages = [await (await get(site, f"{path}?limit=2&offset={at}")).json() for at in (0, 2, 4, 6)]

    assert [[row["leadId"] for row in each["data"]] for each in pages] == [
        ids[:2],
        ids[2:4],
        ids[4:],
        [],
    ]
    assert [each["pagination"]["hasMore"] for each in pages] == [True, True, False, False]


async def test_assignments_of_one_source_only(site: Site) -> None:
    await site.post_lead()
    await assign(site, {"leadId": await stored(site), "source": "manual"})
    path = f"/{site.pool_id('Inbound')}/assignments"

    found = await (await get(site, f"{path}?source=manual")).json()
    none = await (await get(site, f"{path}?source=meta")).json()

    assert [row["source"] for row in found["data"]] == ["manual"]
    assert found["pagination"]["total"] == 1
    assert none["data"] == []


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("limit=0", "limit: must be a whole number from 1 to 100"),
        ("limit=101", "limit: "),
        ("limit=ten", "limit: "),
        ("limit=", "limit: "),
        ("limit=1.0", "limit: "),
        ("limit=²", "limit: "),
        ("offset=-1", "offset: must be a whole number from 0"),
        ("offset=99999999999999999999", "offset: "),
        ("source=email", "source: must be one of manual, meta, webhook, whatsapp, system"),
    ],
)
async def test_a_query_out_of_range_is_refused_not_clamped(
    site: Site, query: str, part: str
) -> None:
    answer = await get(site, f"/{site.pool_id('Inbound')}/assignments?{query}")

    told = await answer.json()
    assert (answer.status, told["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert part in told["error"]["message"]


@pytest.mark.parametrize("rest", ["", "/assignments"])
async def test_another_organization_s_pool_is_404(site: Site, rest: str) -> None:
    foreign = await get(site, f"/{site.pool_id('Inbound')}{rest}", "rival")
    unknown = await get(site, f"/{uuid4()}{rest}", "rival")

    assert (foreign.status, unknown.status) == (404, 404)
    assert await foreign.json() == await unknown.json()


async def test_a_stored_lead_is_assigned_on_request(site: Site) -> None:
    lead = await stored(site, source="system")

    answer = await assign(site, {"leadId": lead}, "writer")

    acme = site.serving.current.organizations["acme"]
    assert answer.status == 200
    assert await answer.json() == {
        "assigned": True,
        "roundRobinId": site.pool_id("Inbound"),
        "assignedToId": acme.handles["ada"],
        "turnOrder": 1,
    }
    read = await site.client.get(f"/api/v1/leads/{lead}", headers=bearer("all"))
    timeline = (await read.json())["timeline"]
    assert [entry["types"] for entry in timeline] == [["lead_created"], ["lead_assigned"]]


async def test_a_lead_with_an_owner_takes_no_turn(site: Site) -> None:
    """R5: a lead consumes one turn, however often it is assigned."""
    told = await site.post_lead()

    again = await assign(site, {"leadId": told["leadId"]})

    assert await again.json() == {"assigned": False, "reason": "already_assigned"}
    assert (await site.post_lead())["turnOrder"] == 2


async def test_an_assignment_sent_again_gets_the_first_answer(site: Site) -> None:
    body = {"leadId": await stored(site)}

    first = await assign(site, body, **{"Idempotency-Key": "1"})
    again = await assign(site, body, **{"Idempotency-Key": "1"})

    assert (await first.json())["assigned"] is True
    assert await again.json() == await first.json()
    assert (await site.post_lead())["turnOrder"] == 2


@pytest.mark.parametrize("spelling", [str.upper, parse_lead_id])
async def test_any_spelling_of_the_lead_s_id_will_do(site: Site, spelling: Any) -> None:
    answer = await assign(site, {"leadId": spelling(await stored(site))})

    assert (await answer.json())["assigned"] is True


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "leadId: is required"),
        ({"leadId": 5}, "leadId: must be a lead's id (a UUID)"),
        ({"leadId": "abc"}, "leadId: must be a lead's id (a UUID)"),
        (
            {"leadId": "x", "source": "fax"},
            f"leadId: must be a lead's id (a UUID); source: must be one of {', '.join(SOURCES)}",
        ),
        ({"leadId": "0" * 24, "why": 1}, "why: is not known here"),
    ],
)
async def test_a_wrong_request_lists_every_field(site: Site, body: Any, message: str) -> None:
    answer = await assign(site, body)

    told = await answer.json()
    assert answer.status == 400
    assert told["error"] == {"message": message, "code": "VALIDATION_ERROR"}


@pytest.mark.parametrize("lead", ["3f0c8a51-6e1b-4d3f-8c47-9e4b7f162c8d", "0" * 24])
async def test_assigning_an_unknown_lead_is_404(site: Site, lead: str) -> None:
    assert (await assign(site, {"leadId": lead})).status == 404
