"""Leads over the API: one, many, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from listening import RIVAL, Site, bearer, listening
from pointsman.ids import parse_lead_id
from pointsman.store.redis import RedisStore

LEADS = "/api/v1/leads"
LEAD = {"email": "a@example.com"}


async def post(site: Site, body: Any, key: str = "all", **headers: str) -> Any:
    return await site.client.post(LEADS, json=body, headers={**bearer(key), **headers})


async def post_lines(
    site: Site, lines: Sequence[bytes], key: str = "all", **headers: str
) -> list[dict[str, Any]]:
    sent = {**bearer(key), "Content-Type": "application/x-ndjson", **headers}
    answer = await site.client.post(f"{LEADS}/bulk", data=b"\n".join(lines), headers=sent)
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "application/x-ndjson"
    return [orjson.loads(line) for line in (await answer.read()).splitlines()]


async def test_a_manual_lead_goes_to_a_pool_that_takes_manual_ones(site: Site) -> None:
    answer = await post(site, LEAD)

    told = await answer.json()
    assert answer.status == 201
    assert (told["assigned"], told["roundRobinId"]) == (True, site.pool_id("Inbound"))


async def test_the_source_is_what_history_records(site: Site) -> None:
    await post(site, {**LEAD, "source": "whatsapp"})

    path = f"/api/v1/round-robin/{site.pool_id('Inbound')}/assignments"
    listed = await (await site.client.get(path, headers=bearer("all"))).json()
    assert [row["source"] for row in listed["data"]] == ["whatsapp"]


async def test_a_lead_may_be_stored_without_being_assigned(site: Site) -> None:
    answer = await post(site, {**LEAD, "assign": False})

    told = await answer.json()
    lead = await (await site.client.get(f"{LEADS}/{told['leadId']}", headers=bearer("all"))).json()
    assert (answer.status, told["assigned"]) == (201, False)
    assert "reason" not in told
    assert (lead["ownerId"], lead["source"]) == (None, "manual")


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({**LEAD, "source": "carrier pigeon"}, 400, "source: must be one of manual"),
        ({**LEAD, "source": 5}, 400, "source: "),
        ({**LEAD, "assign": "no"}, 400, "assign: must be true or false"),
        ({"first_name": "Ada"}, 422, "email: "),
        ([LEAD], 400, "must be a JSON object"),
    ],
)
async def test_a_wrong_lead_is_refused_with_the_field(
    site: Site, body: Any, status: int, part: str
) -> None:
    answer = await post(site, body)

    assert answer.status == status
    assert part in (await answer.json())["error"]["message"]


async def test_a_form_is_no_api_call(site: Site) -> None:
    answer = await site.client.post(LEADS, data={"email": "a@example.com"}, headers=bearer("all"))

    assert answer.status == 415


async def test_the_same_key_and_body_get_the_first_answer(site: Site) -> None:
    first = await post(site, LEAD, **{"Idempotency-Key": "1"})
    again = await post(site, LEAD, **{"Idempotency-Key": "1"})
    other_key = await post(site, LEAD, "writer", **{"Idempotency-Key": "1"})
    other_body = await post(site, {**LEAD, "city": "Rome"}, **{"Idempotency-Key": "1"})

    assert await first.json() == await again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await other_key.json())["leadId"] != (await first.json())["leadId"]
    assert other_body.status == 422


async def test_a_lead_is_read_back_with_its_timeline(site: Site) -> None:
    body = {
        "email": "a@example.com",
        "firstName": "Ada",
        "budget": 12,
        "utmCampaign": "spring-sale",
        "favourite_tea": "green",
        "customFields": {"snake_case": {"inner_key": 1}},
        "source": "webhook",
    }
    told = await (await post(site, body)).json()

    answer = await site.client.get(f"{LEADS}/{told['leadId']}", headers=bearer("reader"))

    lead = await answer.json()
    acme = site.serving.current.organizations["acme"]
    assert answer.status == 200
    assert lead["id"] == told["leadId"]
    assert lead["organizationId"] == acme.id
    assert lead["ownerId"] == told["assignedToId"] == acme.handles["bob"]
    assert (lead["firstName"], lead["budget"], lead["source"]) == ("Ada", 12, "webhook")
    assert lead["customFields"] == {
        "utmCampaign": "spring-sale",
        "favourite_tea": "green",
        "snake_case": {"inner_key": 1},
    }
    assert lead["origin"] == {"source": "webhook", "utmCampaign": "spring-sale"}
    assert lead["createdAt"].endswith("Z")
    assert [entry["types"] for entry in lead["timeline"]] == [["lead_created", "lead_assigned"]]


async def test_both_spellings_of_an_id_are_the_same_lead(site: Site) -> None:
    told = await site.post_lead()
    short = parse_lead_id(told["leadId"])

    for spelling in (told["leadId"], told["leadId"].upper(), short):
        answer = await site.client.get(f"{LEADS}/{spelling}", headers=bearer("all"))
        assert (await answer.json())["id"] == told["leadId"]


@pytest.mark.parametrize("identifier", ["0" * 24, "nonsense", "%00", "%ff", "1" * 5000])
async def test_an_unknown_lead_is_404(site: Site, identifier: str) -> None:
    answer = await site.client.get(f"{LEADS}/{identifier}", headers=bearer("all"))

    assert answer.status == 404
    assert (await answer.json())["error"]["code"] == "NOT_FOUND"


async def test_another_organization_s_lead_is_404(site: Site) -> None:
    told = await site.post_lead()

    read = await site.client.get(f"{LEADS}/{told['leadId']}", headers=bearer("rival"))
    body = {"leadId": told["leadId"]}
    path = "/api/v1/round-robin/assign"
    assigned = await site.client.post(path, json=body, headers=bearer("rival"))

    assert (read.status, assigned.status) == (404, 404)


async def test_fifty_leads_in_one_call_rotate(site: Site) -> None:
    """R3: leads posted together go to everyone in turn, in the order of the lines."""
    lines = [orjson.dumps({"email": f"{i}@example.com"}) for i in range(50)]

    results = await post_lines(site, lines)

    assert [result["line"] for result in results] == list(range(1, 51))
    assert [result["turnOrder"] for result in results] == [1, 2] * 25
    assert len({result["leadId"] for result in results}) == 50


async def test_a_bad_line_stops_no_other(site: Site) -> None:
    lines = [
        b'{"email": "a@example.com"}',
        b'{"email": ',
        b"",
        b'{"first_name": "Ada"}',
        b'{"email": "a@example.com", "source": "pigeon"}',
        b"\xff",
        b'{"email": "a@example.com"}\r',
    ]

    results = await post_lines(site, lines)

    assert [result["status"] for result in results] == [201, 400, 400, 422, 400, 400, 201]
    assert results[3]["error"]["code"] == "VALIDATION_ERROR"
    assert [result["turnOrder"] for result in (results[0], results[6])] == [1, 2]


async def test_lines_sent_again_with_the_same_key_are_the_same_leads(site: Site) -> None:
    lines = [orjson.dumps(LEAD)] * 3
    first = await post_lines(site, lines, **{"Idempotency-Key": "1"})
    again = await post_lines(site, lines, **{"Idempotency-Key": "1"})

    assert len({result["leadId"] for result in first}) == 3
    assert [result["leadId"] for result in again] == [result["leadId"] for result in first]
    assert all(result["replayed"] for result in again)


async def test_lines_that_do_not_fit_are_told_so(site: Site, redis: Redis) -> None:
    site.services.memory.measured(95, 100)

    results = await post_lines(site, [orjson.dumps(LEAD)] * 2)

    assert [result["status"] for result in results] == [503, 503]
    assert not [key async for key in redis.scan_iter("*lead:*")]


@pytest.mark.parametrize(
    ("raw", "media", "status"),
    [
        (b"", "application/x-ndjson", 400),
        (b"{}\n" * 1_001, "application/x-ndjson", 413),
        (b"[{}]", "application/json", 415),
    ],
)
async def test_no_lines_or_too_many_are_refused(
    site: Site, raw: bytes, media: str, status: int
) -> None:
    headers = {**bearer("all"), "Content-Type": media}

    answer = await site.client.post(f"{LEADS}/bulk", data=BytesIO(raw), headers=headers)

    assert answer.status == status


async def test_a_lead_without_any_pool_is_stored(store: RedisStore) -> None:
    async with listening(store, {"rival": RIVAL}) as site:
        answer = await post(site, LEAD, "rival")

        told = await answer.json()
        assert (told["assigned"], told["reason"]) == (False, "no_matching_pool")


async def test_a_lead_is_erased_on_demand_and_its_turn_stays(site: Site) -> None:
    told = await (await post(site, LEAD)).json()
    path = f"{LEADS}/{told['leadId']}"

    reader = await site.client.delete(f"{path}?erase=true", headers=bearer("reader"))
    rival = await site.client.delete(f"{path}?erase=true", headers=bearer("rival"))
    erased = await site.client.delete(f"{path}?erase=true", headers=bearer("all"))

    assert [reader.status, rival.status, erased.status] == [403, 404, 200]
    assert await erased.json() == {"erased": True, "id": told["leadId"]}
    assert (await site.client.get(path, headers=bearer("all"))).status == 404
    history = f"/api/v1/round-robin/{told['roundRobinId']}/assignments"
    listed = await (await site.client.get(history, headers=bearer("all"))).json()
    assert [row["leadId"] for row in listed["data"]] == [told["leadId"]]


async def test_leads_are_listed_found_changed_and_deleted_at_their_own_path(site: Site) -> None:
    """With the scopes of leads, and as records of any other module are."""
    first, second = [await (await post(site, {**LEAD, "email": f"{n}@x.com"})).json() for n in "ab"]
    path = f"{LEADS}/{first['leadId']}"

    async def listed(query: str = "") -> list[str]:
        answer = await site.client.get(f"{LEADS}?{query}", headers=bearer("reader"))
        assert answer.status == 200, await answer.text()
        return [row["id"] for row in (await answer.json())["data"]]

    assert await listed() == [second["leadId"], first["leadId"]]
    assert await listed("limit=1&page=2") == [first["leadId"]]
    assert await listed("email=A@X.com") == [first["leadId"]]

    read = await site.client.get(path, headers=bearer("reader"))
    assert read.headers["ETag"] == '"1"'
    stage, match = {"stage": "won"}, {"If-Match": '"1"'}
    refused = await site.client.patch(path, json=stage, headers=bearer("reader"))
    changed = await site.client.patch(path, json=stage, headers={**bearer("all"), **match})
    stale = await site.client.patch(path, json=stage, headers={**bearer("all"), **match})
    assert [refused.status, changed.status, stale.status] == [403, 200, 412]
    assert (await changed.json())["stage"] == "won"

    deleted = await site.client.delete(path, headers=bearer("all"))
    assert await deleted.json() == {"deleted": True, "id": first["leadId"]}
    assert await listed() == [second["leadId"]]


async def test_a_lead_that_comes_with_its_owner_is_theirs_from_the_first_write_on(
    site: Site,
) -> None:
    """No workflow sees it without one, and nobody's turn is spent on it."""
    answer = await post(site, {**LEAD, "ownerId": "bob"})
    told = await answer.json()
    read = await site.client.get(f"{LEADS}/{told['leadId']}", headers=bearer("all"))
    lead = await read.json()

    assert (answer.status, told["assigned"]) == (201, False)
    assert lead["ownerId"] == site.serving.current.organizations["acme"].handles["bob"]
    assert [entry["types"] for entry in lead["timeline"]] == [["lead_created", "lead_assigned"]]
    assert (await post(site, {**LEAD, "owner": "nobody"})).status == 422
