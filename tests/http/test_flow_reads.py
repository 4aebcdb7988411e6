"""What flows counted and told, and the lists they ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from listening import ACME, Site, bearer, listening
from pointsman.settings import Settings
from pointsman.store.errands import ErrandStore
from pointsman.store.redis import RedisStore
from selling import BUYS, buyer, selling

FILES = {
    **ACME,
    "lists/seen.yaml": "{name: Seen before, kind: duplicate, type: email}\n",
    "flows/web.yaml": """
name: Web
fields: [email, state]
caps:
  - key: few
    name: Few
    maximum: 2
    duration_units: day
    reason: Full
    rule_set: {op: and, rules: [{lhv: lead.email, op: is not blank}]}
ping_limits: [{key: pings, maximum: 5, duration_units: hour}]
list_checks: {duplicate: {value: "{{lead.email}}", list_name: seen}}
acceptance_criteria:
  rule_set: {op: and, rules: [{lhv: suppressionlist.is_duplicate, op: is false}]}
sources: [{key: a, caps: [{key: mine, maximum: 9, duration_units: week}]}]
steps:
  - {type: filter, rule_set: {op: and, rules: [{lhv: lead.state, op: is equal to, rhv: FL}]}}
  - {type: pool, key: team, pool: inbound}
""",
}
MAIL = {"op": "and", "rules": [{"lhv": "lead.email", "op": "is not blank"}]}
READ = bearer("all")


@pytest.fixture
async def site(store: RedisStore) -> AsyncIterator[Site]:
    async with listening(store, {"acme": FILES}) as opened:
        yield opened


async def submit(site: Site, **lead: Any) -> dict[str, Any]:
    answer = await site.client.post("/flows/web/sources/a/submit", json=lead)
    told: dict[str, Any] = await answer.json()
    return told


async def get(site: Site, path: str, status: int = 200, **query: Any) -> Any:
    answer = await site.client.get(path, params=query, headers=READ)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_counters_tell_how_full_they_are_and_whose(site: Site) -> None:
    for number in range(3):
        await submit(site, email=f"{number}@example.com")

    caps = (await get(site, "/api/v1/caps"))["data"]

    flow = site.serving.current.organizations["acme"].named_flows["web"]
    assert [(cap["name"], cap["count"], cap["failed_count"]) for cap in caps] == [
        ("Few", 2, 1),
        ("", 2, 0),
    ]
    assert caps[0]["flow_id"] == flow.id
    assert (caps[0]["type"], caps[0]["rule_set"], caps[0]["reason"]) == ("volume", MAIL, "Full")
    assert not caps[1].keys() & {"rule_set", "reason"}
    assert caps[1]["source_id"] == flow.sources[0].id
    limits = (await get(site, "/api/v1/ping_limits"))["data"]
    assert [limit["maximum"] for limit in limits] == [5]


async def test_events_are_listed_newest_first_with_what_stood_at_each(site: Site) -> None:
    first = await submit(site, email="1@example.com", state="TX")
    second = await submit(site, email="2@example.com", state="FL")

    events = (await get(site, "/api/v1/events"))["data"]

    assert [(event["type"], event["outcome"]) for event in events] == [
        ("filter", "stop"),
        ("source", "failure"),
        ("pool", "success"),
        ("filter", "continue"),
        ("source", "success"),
    ]
    assert events[0]["id"].startswith(second["lead"]["id"])
    one = await get(site, f"/api/v1/events/{first['lead']['id']}00")
    assert one["vars"]["team"]["outcome"] == "success"
    assert one["vars"]["lead"]["state"] == "TX"
    (filtered,) = (e for e in events[2:] if e["type"] == "filter")
    assert "team" not in filtered["vars"]
    await get(site, "/api/v1/events/000000000000000000000000ff", 404)


async def test_only_what_is_asked_for_is_told_of_events(site: Site) -> None:
    await submit(site, email="1@example.com", state="TX")
    query: dict[str, Any] = {"limit": 1, "sort": "asc"}

    some = await get(site, "/api/v1/events", include="outcome, vars.lead.state,steps", **query)
    others = await get(site, "/api/v1/events", exclude="id,vars.lead,ms", **query)

    (event,), (rest,) = some["data"], others["data"]
    assert event == {
        "id": event["id"],
        "outcome": "success",
        "steps": 2,
        "vars": {"lead": {"state": "TX"}},
    }
    assert {"id", "type"} <= rest.keys()
    assert "ms" not in rest
    assert "flow" in rest["vars"]
    assert "lead" not in rest["vars"]
    await get(site, "/api/v1/events", 400, include="id", exclude="vars")
    await get(site, "/api/v1/events", 400, include=",")


async def test_every_event_is_on_one_page_whatever_its_size_and_the_order(site: Site) -> None:
    for number in range(4):
        await submit(site, email=f"{number}@example.com")
    whole = [event["id"] for event in (await get(site, "/api/v1/events"))["data"]]

    for sort, cursor in (("desc", "before_id"), ("asc", "after_id")):
        found: list[str] = []
        query: dict[str, Any] = {"limit": 3, "sort": sort}
        while True:
            told = await get(site, "/api/v1/events", **query)
            found += [event["id"] for event in told["data"]]
            if not told["pagination"]["has_more"]:
                break
            query[cursor] = told["pagination"]["last_id"]
        assert sorted(found) == sorted(whole)
        assert len(found) == len(set(found))


async def test_pages_go_on_after_any_event_and_may_end_before_one(store: RedisStore) -> None:
    """Those of deliveries, whose ids have a proof, and later ones of two leads at one moment."""
    async with selling(store, [buyer("one")], {"one": BUYS}) as market:
        leads = [(await market.post(email=f"{n}@example.com"))["lead"]["id"] for n in range(2)]
        later = ErrandStore(store, Settings())
        for lead in reversed(leads):
            await later.note(market.organization.id, lead, 1, [{"type": "retry", "at": 1}] * 2)
        whole = [one["id"] for one in (await get(market.site, "/api/v1/events"))["data"]]

        assert len(whole) == 8
        for sort, cursor, wanted in (
            ("desc", "before_id", whole),
            ("asc", "after_id", whole[::-1]),
        ):
            found: list[str] = []
            query: dict[str, Any] = {"limit": 1, "sort": sort}
            while len(found) < 9:
                told = await get(market.site, "/api/v1/events", **query)
                found += [one["id"] for one in told["data"]]
                if not told["pagination"]["has_more"]:
                    break
                query[cursor] = told["pagination"]["last_id"]
            assert found == wanted
        query = {"before_id": whole[1], "after_id": whole[5], "sort": "asc"}
        between = (await get(market.site, "/api/v1/events", **query))["data"]
        assert [one["id"] for one in between] == [whole[4], whole[3], whole[2]]


async def test_events_are_found_by_the_rules_of_flows(site: Site) -> None:
    await submit(site, email="1@example.com", state="TX")
    await submit(site, email="2@example.com", state="FL")
    rules = [
        {"lhv": "type", "op": "is equal to", "rhv": "source"},
        {"lhv": "lead.state", "op": "is equal to", "rhv": "fl"},
    ]

    told = await get(site, "/api/v1/events", rules=json.dumps(rules))

    assert [event["outcome"] for event in told["data"]] == ["failure"]
    for bad in ("nonsense", "[]", json.dumps([{"lhv": "type", "op": "resembles"}])):
        refused = await get(site, "/api/v1/events", 400, rules=bad)
        assert refused["error"]["message"].startswith("rules")


async def test_what_is_added_to_a_list_is_found_and_what_is_removed_is_not(site: Site) -> None:
    items = "/api/v1/lists/seen/items"
    added = await site.client.post(items, json={"values": ["Ada@Example.com", " "]}, headers=READ)
    again = await site.client.post(items, data="ada@example.com\nbob@example.com\n", headers={
        **READ, "Content-Type": "text/plain",
    })  # fmt: skip

    assert await added.json() == {"received": 1, "added": 1}
    assert await again.json() == {"received": 2, "added": 1}
    assert (await get(site, items, value="ADA@example.com"))["found"]
    assert (await submit(site, email="bob@example.com"))["outcome"] == "failure"
    gone = await site.client.delete(items, json={"values": ["bob@example.com"]}, headers=READ)
    assert await gone.json() == {"received": 1, "removed": 1}
    assert (await submit(site, email="bob@example.com"))["outcome"] == "success"
    await get(site, "/api/v1/lists/sean/items", 404, value="x")


async def test_lines_without_end_are_refused(site: Site) -> None:
    answer = await site.client.post(
        "/api/v1/lists/seen/items",
        data="ok@example.com\n" + "x" * 300_000,
        headers={**READ, "Content-Type": "text/plain"},
    )

    assert answer.status == 400
    assert "line 2" in (await answer.json())["error"]["message"]
