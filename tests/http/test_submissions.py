"""What vendors send to a flow's own addresses, and what they are answered."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from listening import ACME, Site, listening
from pointsman.ids import parse_lead_id
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore
from support import wait_until

FLOW = """
name: Solar leads
ping_enabled: true
fields: [first_name, last_name, email, phone_1, state, ssn, budget, trustedform_cert_url, is_test]
acceptance_criteria:
  rule_set:
    op: and
    rules:
      - {lhv: lead.email, op: is not blank}
      - {lhv: lead.state, op: is not equal to, rhv: FL}
pricing:
  prices:
    - {amount: 10}
    - amount: 12.5
      rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: TX}]}
sources:
  - key: vendor-a
    mappings:
      - {property: first_name, value: "{{fname}}"}
      - {property: state, value: "{{region}}"}
      - {property: external_id, value: "{{ref}}"}
  - key: vendor-b
    authentication_required: true
    credential: vendor-b
  - {key: asleep, enabled: false}
steps:
  - type: filter
    rule_set: {op: and, rules: [{lhv: lead.is_test, op: is true}]}
    reason: "{{lead.email}} is a test"
  - {type: pool, key: team, pool: inbound}
"""
FILES = {
    **ACME,
    "organization.yaml": ACME["organization.yaml"]
    + "credentials: [{name: vendor-b, token: s3cret-b}]\n",
    "flows/solar.yaml": FLOW,
}
A = "/flows/solar/sources/vendor-a"
B = "/flows/solar/sources/vendor-b"
LEAD = {"fname": "Ada", "email": "ADA@Example.com", "region": "tx", "phone_1": "(512) 555-1234"}


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    async with listening(store, {"acme": FILES}) as opened:
        yield opened


def organization(site: Site) -> Any:
    return site.serving.current.organizations["acme"]


async def stored(site: Site, lead: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a lead's data and the events of its way."""
    key = Keys(organization(site).id).lead(lead)
    redis = site.services.store.redis
    events = await redis.lrange(f"{key}:events", 0, -1)
    data = await redis.hget(key, "data")
    return orjson.loads(data or b"{}"), [orjson.loads(one) for one in events]


async def test_a_lead_is_mapped_typed_priced_and_assigned(site: Site) -> None:
    answer = await site.client.post(f"{A}/submit", json={**LEAD, "unknown": "dropped"})

    told = await answer.json()
    assert (answer.status, list(told)) == (201, ["outcome", "lead", "price"])
    assert (told["outcome"], told["price"]) == ("success", 12.5)
    lead = told["lead"]["id"]
    assert parse_lead_id(lead) == lead
    data, events = await stored(site, lead)
    assert data == {
        "first_name": "Ada",
        "email": "ada@example.com",
        "state": "TX",
        "phone_1": "5125551234",
    }
    assert [(e["type"], e["outcome"]) for e in events] == [
        ("filter", "continue"),
        ("pool", "success"),
        ("source", "success"),
    ]
    assert events[1]["member"] == organization(site).handles["ada"]
    assert events[2]["id"] == f"{lead}00"
    assert events[2]["vars"]["lead"]["state"] == "TX"
    assert events[2]["purchase_price"] == 12.5


async def test_a_lead_that_fails_a_criterion_is_told_which_and_costs_nothing(site: Site) -> None:
    answer = await site.client.post(f"{A}/submit", data={**LEAD, "region": "Florida"})

    told = await answer.json()
    assert answer.status == 201
    assert (told["outcome"], told["reason"]) == ("failure", "lead.state must not be equal to FL")
    assert told["price"] == 0
    _, events = await stored(site, told["lead"]["id"])
    assert [event["type"] for event in events] == ["source"]


async def test_a_filter_stops_the_leads_that_it_matches(site: Site) -> None:
    answer = await site.client.post(f"{A}/submit?is_test=true", json=LEAD)

    told = await answer.json()
    assert (told["reason"], told["price"]) == ("ada@example.com is a test", 0)
    _, events = await stored(site, told["lead"]["id"])
    assert [(e["type"], e["outcome"]) for e in events] == [
        ("filter", "stop"),
        ("source", "failure"),
    ]


async def test_what_must_not_be_stored_in_the_clear_is_masked(site: Site) -> None:
    answer = await site.client.post(f"{A}/submit", json={**LEAD, "ssn": "123-45-6789"})

    data, events = await stored(site, (await answer.json())["lead"]["id"])
    assert data["ssn"] == "*********"
    assert events[-1]["vars"]["lead"]["ssn"] == "*********"


async def test_no_reason_tells_what_must_not_be_stored_in_the_clear(store: RedisStore) -> None:
    why = 'reason: "{{lead.ssn}} {{lead.ssn.last_four}} {{lead.state}}"'
    rules = "rule_set: {op: and, rules: [{lhv: lead.state, op: is%s equal to, rhv: %s}]}"
    ways = {
        "filter": f"steps: [{{type: filter, {rules % ('', 'TX')}, {why}}}]",
        "criteria": f"acceptance_criteria: {{{rules % (' not', 'TX')}, {why}}}\nsteps: []",
        "cap": f"caps: [{{maximum: 0, duration_units: day, {why}}}]\nsteps: []",
    }
    flow = "name: {}\nfields: [state, ssn]\nsources: [{{key: a}}]\n{}\n"
    files = {f"flows/{name}.yaml": flow.format(name, said) for name, said in ways.items()}
    async with listening(store, {"acme": {**ACME, **files}}) as site:
        for name in ways:
            lead = {"ssn": "123-45-6789", "state": "tx"}
            answer = await site.client.post(f"/flows/{name}/sources/a/submit", json=lead)
            told = await answer.json()
            _, events = await stored(site, told["lead"]["id"])
            assert told["reason"] == events[-1]["reason"] == "********* **** TX", name
            assert "6789" not in str(events), name


async def test_a_ping_is_a_price_and_leaves_nothing(site: Site) -> None:
    before = await site.services.store.redis.dbsize()

    bid = await site.client.post(f"{A}/ping", json=LEAD)
    refused = await site.client.get(
        f"{A}/ping?region=FL&email=a@b.c", headers={"Accept": "text/xml"}
    )

    assert bid.status == refused.status == 200
    assert await bid.text() == '{"outcome":"success","price":12.5}'
    assert "<reason>lead.state must not be equal to FL</reason>" in await refused.text()
    assert "<lead>" not in await refused.text()
    assert await site.services.store.redis.dbsize() == before


async def test_a_lead_is_known_again_by_its_senders_own_id_as_the_source_maps_it(
    site: Site,
) -> None:
    first, again = [
        await site.client.post(f"{A}/submit", json={**LEAD, "ref": 17}) for _ in range(2)
    ]
    other = await site.client.post(f"{A}/submit", json={**LEAD, "ref": 18})

    assert again.headers["Idempotency-Replayed"] == "true"
    leads = [(await answer.json())["lead"]["id"] for answer in (first, again, other)]
    assert leads[0] == leads[1] != leads[2]


@pytest.mark.parametrize("made", ["shop", "shop-{{random}}", "{{source.name}}-{{ref}}"])
async def test_an_id_that_is_not_the_senders_makes_no_lead_a_repetition(
    store: RedisStore, made: str
) -> None:
    flow = FLOW.replace("{{ref}}", made)
    async with listening(store, {"acme": {**FILES, "flows/solar.yaml": flow}}) as site:
        answers = [
            await site.client.post(f"{A}/submit", json={**LEAD, "region": region})
            for region in ("tx", "ca")
        ]
        leads = [(await answer.json())["lead"]["id"] for answer in answers]

    assert [answer.status for answer in answers] == [201, 201]
    assert leads[0] != leads[1]


async def test_a_repetition_gets_the_first_answer_and_no_second_turn(site: Site) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await site.client.post(f"{A}/submit", json=LEAD, headers=headers)
    again = await site.client.post(f"{A}/submit", json=LEAD, headers=headers)
    other = await site.client.post(f"{A}/submit", json={**LEAD, "x": 1}, headers=headers)

    assert await first.text() == await again.text()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status == 422


async def test_a_source_may_want_a_secret(site: Site) -> None:
    basic = b64encode(b"API:s3cret-b").decode()
    allowed = ["Bearer s3cret-b", f"Basic {basic}"]
    refused = [
        "",
        "Bearer wrong",
        "Basic wrong",
        f"Basic {b64encode(b'API:x').decode()}",
        "s3cret-b",
    ]

    answers = [
        (await site.client.post(f"{B}/submit", json=LEAD, headers={"Authorization": told})).status
        for told in (*allowed, *refused)
    ]

    assert answers == [201] * len(allowed) + [401] * len(refused)
    asked = await site.client.post(f"{B}/submit", json=LEAD)
    assert asked.headers["WWW-Authenticate"].startswith("Basic ")


async def test_what_is_not_there_is_404_and_what_sleeps_403(site: Site) -> None:
    missing = await site.client.post("/flows/solar/sources/nobody/submit", json=LEAD)
    asleep = await site.client.post("/flows/solar/sources/asleep/submit", json=LEAD)
    method = await site.client.put(f"{A}/submit", json=LEAD)

    assert (missing.status, asleep.status, method.status) == (404, 403, 405)
    assert await method.text() == "The PUT method is not allowed"
    assert method.headers["Allow"] == "GET, POST"


async def test_ids_and_names_reach_the_same_source(site: Site) -> None:
    flow = organization(site).named_flows["solar"]
    source = flow.sources[0]

    answer = await site.client.get(f"/flows/{flow.id.upper()}/sources/{source.id}/meta")

    told = await answer.json()
    assert told["source"] == {"id": source.id, "name": "vendor-a", "authentication_required": False}
    params = {param["name"]: param for param in told["params"]}
    assert params["phone_1"] == {
        "name": "phone_1",
        "label": "Phone 1",
        "type": "phone",
        "required": False,
        "examples": ["512-555-1234"],
    }
    assert [name for name, param in params.items() if param["required"]] == ["email"]


async def test_people_get_a_page_with_a_form_for_test_leads(site: Site) -> None:
    answer = await site.client.get(A, headers={"Accept": "text/html"})

    text = await answer.text()
    assert answer.content_type == "text/html"
    assert f'action="{A}/submit"' in text
    assert 'name="is_test" value="true"' in text
    assert "<td><code>email</code></td><td>email</td><td>yes</td>" in text
    assert "https://" not in text.replace("https://example.com", "")


async def test_the_page_says_where_a_flow_takes_tests_for_leads(store: RedisStore) -> None:
    fields = FLOW.replace(", is_test]", "]")
    async with listening(store, {"acme": {**FILES, "flows/wind.yaml": fields}}) as site:
        knows, does_not = [
            await (await site.client.get(A.replace("solar", name))).text()
            for name in ("solar", "wind")
        ]

    assert "what is sent here counts" not in knows
    assert "what is sent here counts" in does_not


async def test_a_disabled_flow_answers_error_and_a_ping_of_it_failure(store: RedisStore) -> None:
    files = {**FILES, "flows/solar.yaml": FLOW + "enabled: false\n"}
    async with listening(store, {"acme": files}) as site:
        answer = await site.client.post(f"{A}/submit", json=LEAD)
        pinged = await site.client.post(f"{A}/ping", json=LEAD)

        assert answer.status == 201
        assert (await answer.json())["outcome"] == "error"
        assert await pinged.json() == {
            "outcome": "failure",
            "reason": "the flow is disabled",
            "price": 0,
        }


async def test_what_a_get_says_is_in_its_query(site: Site) -> None:
    answer = await site.client.get(f"{A}/submit?region=TX&email=a@b.c", data=b"{}nonsense")

    assert (answer.status, (await answer.json())["price"]) == (201, 12.5)


async def test_a_submission_is_one_round_trip(site: Site) -> None:
    await site.client.post(f"{A}/submit", json=LEAD)
    redis = site.services.store.redis
    before = (await redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]
    await site.client.post(f"{A}/submit", json=LEAD)

    after = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before == 1


async def test_a_sender_that_gave_up_on_a_slow_redis_gets_the_first_answer(site: Site) -> None:
    """D3: what it sends again while the first is still on its way is the same lead."""
    store, headers = site.services.store, {"Idempotency-Key": "order-1"}
    tries: list[asyncio.Task[Any]] = []

    async def post() -> Any:
        return await site.client.post(f"{A}/submit", json=LEAD, headers=headers)

    async def send() -> None:
        sent = store.round_trips
        tries.append(asyncio.create_task(post()))
        await wait_until(lambda: store.round_trips > sent, "it is with Redis")

    await store.redis.client_pause(30_000, all=False)
    await send()
    await send()
    tries[0].cancel()
    await store.redis.client_unpause()
    second, third = await tries[1], await post()

    assert (second.status, third.status) == (201, 201)
    assert await second.json() == await third.json()
    assert third.headers["Idempotency-Replayed"] == "true"
    assert await store.redis.xlen(Keys(organization(site).id).events) == 1
