"""Records of every module over the API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from listening import Site, bearer
from pointsman.ids import milliseconds, parse_lead_id
from pointsman.modules import MODULES
from pointsman.store.keys import Keys
from support import wait_until

RECORDS = "/api/v1/records"
NEW: Mapping[str, Mapping[str, Any]] = {
    "leads": {"email": "ada@example.com"},
    "contacts": {"firstName": "Ada", "email": "Ada@Example.com", "phone": "(512) 555-0100"},
    "accounts": {"name": "Analytical Engines", "employees": "1,200"},
    "opportunities": {"name": "Engine No. 2", "amount": 12.5},
    "tasks": {"title": "Call Ada", "dueDate": "2099-07-01T09:00:00Z"},
    "projects": {"name": "Build it"},
}


async def call(
    site: Site, method: str, path: str, body: Any = None, key: str = "all", **headers: str
) -> tuple[int, Any]:
    sent = {**bearer(key), **headers}
    options = {} if body is None else {"json": body}
    async with site.client.request(method, f"{RECORDS}/{path}", headers=sent, **options) as answer:
        return answer.status, await answer.json()


async def make(site: Site, module: str, **fields: Any) -> dict[str, Any]:
    status, told = await call(site, "POST", module, {**NEW[module], **fields})
    assert status == 201, told
    return dict(told)


async def events(site: Site, redis: Redis) -> list[str]:
    acme = site.serving.current.organizations["acme"]
    entries: list[Any] = await redis.xrange(Keys(acme.id).events) or []
    return [fields[b"e"].decode().split(" ")[0] for _, fields in entries]


@pytest.mark.parametrize("module", MODULES)
async def test_a_record_is_made_read_changed_and_deleted(
    site: Site, redis: Redis, module: str
) -> None:
    made = await make(site, module, customFields={"snake_case": {"inner_key": 1}})
    path = f"{module}/{made['id']}"

    _, changed = await call(site, "PATCH", path, {"stage": "warm", "tags": ["a", "a", " "]})
    _, same = await call(site, "PATCH", path, {"stage": "warm", "tags": ["a"]})
    status, read = await call(site, "GET", path)
    deleted = await call(site, "DELETE", path)

    assert parse_lead_id(made["id"])
    assert made["customFields"] == {"snake_case": {"inner_key": 1}}
    assert (made["tags"], made["stage"], made["createdBy"]) == ([], None, "api")
    assert (changed["stage"], changed["tags"]) == ("warm", ["a"])
    assert (status, same["revision"], read["revision"]) == (200, 2, 2)
    one = MODULES[module].singular
    assert f"{one}_created" in read["timeline"][0]["types"]
    assert read["timeline"][1]["types"][0] == f"{one}_updated"
    assert read["timeline"][1]["previous"] == {"stage": None, "tags": None}
    assert deleted == (200, {"deleted": True, "id": made["id"]})
    for method, sent in (("GET", None), ("PATCH", {"stage": "cold"}), ("DELETE", None)):
        assert (await call(site, method, path, sent))[0] == 404
    assert (await call(site, "GET", module))[1]["pagination"]["total"] == 0
    assert (await events(site, redis))[-1] == f"{one}_deleted"
    assert len(await events(site, redis)) == 3, "a change of nothing is no event"


@pytest.mark.parametrize(
    ("module", "body", "told"),
    [
        ("accounts", {}, "name: is required and must not be blank"),
        ("tasks", {"title": " "}, "title: is required and must not be blank"),
        (
            "contacts",
            {"emial": "a@b.c"},
            "emial: is no field of contacts; did you mean 'email'?",
        ),
        (
            "contacts",
            {"x": 1},
            "x: is no field of contacts; fields of your own go into customFields",
        ),
        ("contacts", {"email": "nobody"}, "email: must be an email address"),
        ("contacts", {"firstName": 5}, "firstName: must be text"),
        ("contacts", {"id": "x"}, "id: is kept by Pointsman and cannot be set"),
        ("contacts", {"ownerId": "nobody"}, "ownerId: must be the id or handle of a member"),
        ("contacts", {"tags": [1]}, "tags: must be a list of texts"),
        (
            "tasks",
            {"title": "a", "dueDate": "soonish", "priority": "top"},
            "dueDate: must be a date and time such as 2026-07-01T09:00:00Z; priority: must be one",
        ),
        (
            "tasks",
            {"title": "a", "module": "leads"},
            "recordId: goes together with module, the kind of record that it names",
        ),
        ("opportunities", {"name": "a", "leadId": "x"}, "leadId: must be the id of a record"),
        ("opportunities", {"name": "a", "leadId": "0" * 24}, "leadId: no such lead"),
        ("opportunities", {"name": "a", "amount": True}, "amount: must be a number"),
        ("projects", {"name": "a", "completedAt": "x"}, "completedAt: is kept by Pointsman"),
        ("leads", {"first_name": "a"}, "email: is required and must not be blank"),
    ],
)
async def test_what_does_not_fit_is_refused_with_the_field(
    site: Site, module: str, body: Any, told: str
) -> None:
    status, answer = await call(site, "POST", module, body)

    assert status == 422
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert told in answer["error"]["message"]


async def test_null_empties_a_field_but_not_one_that_is_required(site: Site) -> None:
    made = await make(site, "opportunities", stage="won", customFields={"a": 1, "b": 2})
    path = f"opportunities/{made['id']}"

    _, changed = await call(
        site, "PATCH", path, {"amount": None, "customFields": {"a": None, "c": 3}}
    )
    refused, told = await call(site, "PATCH", path, {"name": None})

    assert made["status"] == "won"
    assert "amount" not in changed
    assert changed["customFields"] == {"b": 2, "c": 3}
    assert (refused, told["error"]["message"]) == (422, "name: is required and must not be blank")


async def test_the_owner_is_named_by_handle_or_id_and_a_lead_with_one_takes_no_turn(
    site: Site, redis: Redis
) -> None:
    acme = site.serving.current.organizations["acme"]

    lead = await make(site, "leads", owner="bob")
    contact = await make(site, "contacts", ownerId=acme.handles["ada"])
    _, nobody = await call(site, "PATCH", f"contacts/{contact['id']}", {"owner": None})

    assert lead["ownerId"] == acme.handles["bob"]
    assert (contact["ownerId"], nobody["ownerId"]) == (acme.handles["ada"], None)
    assert await events(site, redis) == [
        "lead_created,lead_assigned",
        "contact_created,contact_assigned",
        "contact_updated",
    ]
    stats = await site.services.pools.state(acme.id, acme.pools[site.pool_id("Inbound")])
    assert stats.total == 0


def _is_over(moment: int) -> bool:
    """Whether what is made now has another time: within one millisecond there is no order."""
    return milliseconds() > moment


async def test_records_are_listed_newest_first_and_by_page(site: Site) -> None:
    made = []
    for number in range(5):
        made.append((await make(site, "tasks", title=str(number)))["id"])
        await wait_until(partial(_is_over, milliseconds()), "the next millisecond")

    _, first = await call(site, "GET", "tasks?limit=2")
    _, rest = await call(site, "GET", "tasks?limit=3&offset=2")

    assert [row["id"] for row in (*first["data"], *rest["data"])] == made[::-1]
    assert first["pagination"] == {"total": 5, "limit": 2, "offset": 0, "hasMore": True}
    assert rest["pagination"]["hasMore"] is False


async def test_records_are_found_by_id_address_number_and_name_in_any_spelling(site: Site) -> None:
    await site.post_lead({"email": "Ada@Example.com", "phone_1": "+1 512-555-0100"})
    contact = await make(site, "contacts", externalId="crm 7")
    await make(site, "contacts", email="b@example.com", phone="5125550199")

    async def sought(module: str, query: str) -> list[str]:
        status, told = await call(site, "GET", f"{module}?{query}")
        assert status == 200, told
        assert told["pagination"]["total"] == len(told["data"])
        return [row["id"] for row in told["data"]]

    for query in (
        "email=ADA@example.com",
        "phone=512.555.0100",
        f"id={parse_lead_id(contact['id'])}",
        "externalId=crm%207",
    ):
        assert await sought("contacts", query) == [contact["id"]], query
    assert len(await sought("leads", "email=ada@example.com")) == 1
    assert len(await sought("leads", "phone=(512)5550100")) == 1
    await call(site, "PATCH", f"contacts/{contact['id']}", {"email": "new@example.com"})
    assert await sought("contacts", "email=ada@example.com") == []
    assert await sought("contacts", "email=new@example.com") == [contact["id"]]
    assert (await call(site, "GET", "contacts?email=a&phone=b"))[0] == 400


async def test_nothing_in_an_index_tells_of_a_person(site: Site, redis: Redis) -> None:
    await make(site, "contacts", externalId="secret-7")

    async for key in redis.scan_iter():
        held = key + (await redis.dump(key) or b"")
        if b":contact:" not in key:
            assert not [
                text for text in (b"example.com", b"5555", b"secret-7") if text in held.lower()
            ]


async def test_a_change_may_ask_for_the_revision_that_it_was_made_from(site: Site) -> None:
    made = await make(site, "contacts")
    path = f"contacts/{made['id']}"

    fine = await call(site, "PATCH", path, {"title": "a"}, **{"If-Match": '"1"'})
    late = await call(site, "PATCH", path, {"title": "b"}, **{"If-Match": '"1"'})
    gone = await call(site, "DELETE", path, **{"If-Match": '"1"'})
    wrong = await call(site, "PATCH", path, {"title": "b"}, **{"If-Match": "1"})

    assert [status for status, _ in (fine, late, gone, wrong)] == [200, 412, 412, 400]
    assert late[1]["error"]["code"] == "CONFLICT"
    async with site.client.get(f"{RECORDS}/{path}", headers=bearer("all")) as answer:
        assert answer.headers["ETag"] == '"2"'


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_the_same_key_and_body_are_the_same_record(site: Site, module: str) -> None:
    """D3: a sender that tries again gets the first answer."""
    key = {"Idempotency-Key": "1"}
    first = await call(site, "POST", module, NEW[module], **key)
    again = await call(site, "POST", module, NEW[module], **key)
    other = await call(site, "POST", module, {**NEW[module], "stage": "x"}, **key)

    assert first == again
    assert other[0] == 422
    assert (await call(site, "GET", module))[1]["pagination"]["total"] == 1


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_a_retry_may_have_both_names(site: Site, module: str) -> None:
    body, key = {**NEW[module], "externalId": "7"}, {"Idempotency-Key": "1"}
    first = await call(site, "POST", module, body, **key)

    assert await call(site, "POST", module, body, **key) == first
    assert (await call(site, "POST", module, body, **{"Idempotency-Key": "2"}))[0] == 409


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_an_external_id_is_free_again_once_its_record_is_deleted_but_not_erased(
    site: Site, module: str
) -> None:
    body = {**NEW[module], "externalId": "7"}
    first = await make(site, module, externalId="7")
    await call(site, "DELETE", f"{module}/{first['id']}")

    status, second = await call(site, "POST", module, body)
    assert (status, second["id"] == first["id"]) == (201, False)
    assert (await call(site, "GET", f"{module}?externalId=7"))[1]["data"][0]["id"] == second["id"]
    assert (await call(site, "POST", module, body))[0] == 409

    await call(site, "DELETE", f"{module}/{second['id']}?erase=true")
    status, told = await call(site, "POST", module, body)
    assert (status, told["error"]["message"].endswith("was erased")) == (409, True)


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_two_records_cannot_have_one_external_id(site: Site, module: str) -> None:
    first = await make(site, module, externalId="7")
    status, told = await call(site, "POST", module, {**NEW[module], "externalId": "7"})

    assert (status, told["error"]["code"]) == (409, "CONFLICT")
    assert first["id"] in told["error"]["message"]


async def test_keys_open_what_their_scopes_and_organization_allow(site: Site) -> None:
    made = await make(site, "contacts")

    assert (await call(site, "GET", "contacts", key="reader"))[0] == 403
    assert (await call(site, "POST", "contacts", {}, key="writer"))[0] == 403
    assert (await call(site, "GET", f"contacts/{made['id']}", key="rival"))[0] == 404
    assert (await call(site, "GET", "contacts", key="rival"))[1]["data"] == []
    assert (await call(site, "GET", "contacts?email=ada@example.com", key="rival"))[1]["data"] == []
    assert (await call(site, "GET", "cars"))[0] == 404


async def test_an_erased_record_leaves_nothing_but_that_it_was(site: Site, redis: Redis) -> None:
    made = await make(site, "contacts")
    path = f"contacts/{made['id']}"
    acme = site.serving.current.organizations["acme"]
    await call(site, "PATCH", path, {"email": "b@example.com"})

    assert (await call(site, "DELETE", f"{path}?erase=true"))[1]["erased"] is True

    assert (await call(site, "GET", path))[0] == 404
    key = Keys(acme.id).record("contacts", parse_lead_id(made["id"]) or "")
    assert set(await redis.hgetall(key)) == {b"v", b"erased"}
    assert await redis.keys(f"{key}:*") == []
    assert await redis.zcard(Keys(acme.id).index("contacts")) == 0
    assert (await call(site, "DELETE", f"contacts/{'0' * 24}?erase=true"))[0] == 404


async def test_an_opportunity_converts_its_lead_and_counts_for_the_pool_that_assigned_it(
    site: Site, redis: Redis
) -> None:
    lead = await make(site, "leads")
    before = len(await events(site, redis))
    acme = site.serving.current.organizations["acme"]
    pool = acme.pools[site.pool_id("Inbound")]

    deal = await make(site, "opportunities", leadId=lead["id"], stage="Proposal")
    contact = await make(site, "contacts", leadId=lead["id"])
    _, won = await call(site, "PATCH", f"opportunities/{deal['id']}", {"stage": "Closed Won"})
    state = await site.services.pools.state(acme.id, pool)
    _, converted = await call(site, "GET", f"leads/{lead['id']}")

    assert (await events(site, redis))[before:] == [
        "opportunity_created",
        "lead_updated,lead_converted",
        "contact_created",
        "lead_updated",
        "opportunity_updated,opportunity_stage_changed,opportunity_won",
    ]
    assert (won["status"], won["poolId"]) == ("won", pool.id)
    assert won["closedAt"]
    assert (converted["opportunityIds"], converted["contactId"]) == ([deal["id"]], contact["id"])
    assert converted["convertedAt"]
    assert (state.deals, state.won_deals) == (1, 1)
    await call(site, "PATCH", f"opportunities/{deal['id']}", {"stage": "Proposal"})
    state = await site.services.pools.state(acme.id, pool)
    assert (state.deals, state.won_deals) == (1, 0)
    await call(site, "DELETE", f"opportunities/{deal['id']}")
    state = await site.services.pools.state(acme.id, pool)
    assert (state.deals, state.won_deals) == (0, 0)
    assert "opportunityIds" not in (await call(site, "GET", f"leads/{lead['id']}"))[1]


async def test_a_lead_is_converted_by_hand_too(site: Site) -> None:
    lead, account = await make(site, "leads"), await make(site, "accounts")

    _, told = await call(site, "PATCH", f"leads/{lead['id']}", {"accountId": account["id"]})
    refused, _ = await call(site, "PATCH", f"leads/{lead['id']}", {"accountId": lead["id"]})

    assert told["convertedAt"]
    assert refused == 422
    read = (await call(site, "GET", f"leads/{lead['id']}"))[1]
    assert read["timeline"][-1]["types"] == ["lead_updated", "lead_converted"]
