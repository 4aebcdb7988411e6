"""Whatever is sent to the API, the answer is never an error of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listening import Site, bearer

ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "email": st.just("a@example.com") | st.text(),
        "source": st.sampled_from(["manual", "meta", "", "x"]) | st.none() | st.integers(),
        "assign": st.booleans() | st.text(),
        "leadId": st.uuids().map(str) | st.just("0" * 24) | st.text(),
        "tags": st.lists(st.text()) | st.text() | st.integers(),
        "customFields": st.dictionaries(st.text(), st.floats()) | st.text(),
        "utmCampaign": st.text() | st.lists(st.text()),
        "id": st.text(),
        "owner_id": st.text(),
        "name": st.text() | st.integers(),
        "title": st.text(),
        "dueDate": st.datetimes().map(str) | st.text() | st.floats(allow_nan=False),
        "amount": st.floats() | st.integers() | st.text(),
        "status": st.sampled_from(["won", "done", "open"]) | st.text(),
        "externalId": st.sampled_from(["1", "2"]) | st.text() | st.integers(),
        "module": st.sampled_from(["leads", "tasks", "x"]),
        "recordId": st.uuids().map(str) | st.just("0" * 24),
    },
)
RAW = st.one_of((ALMOST | st.lists(ALMOST)).map(json.dumps).map(str.encode), st.binary())
RECORDS = [f"records/{module}" for module in ("leads", "contacts", "opportunities", "tasks")]
QUICK = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUICK
@given(raw=RAW, path=st.sampled_from(["leads", "round-robin/assign", *RECORDS]))
async def test_no_body(site: Site, raw: bytes, path: str) -> None:
    headers = {**bearer("all"), "Content-Type": "application/json"}

    answer = await site.client.post(f"/api/v1/{path}", data=raw, headers=headers)

    assert answer.status < 500
    await answer.json()


@QUICK
@given(lines=st.lists(RAW, max_size=4), path=st.sampled_from(["leads", *RECORDS]))
async def test_no_line_of_many(site: Site, lines: list[bytes], path: str) -> None:
    headers = {**bearer("all"), "Content-Type": "application/x-ndjson"}

    answer = await site.client.post(f"/api/v1/{path}/bulk", data=b"\n".join(lines), headers=headers)

    results: list[Any] = [orjson.loads(line) for line in (await answer.read()).splitlines()]
    assert answer.status < 500
    assert all(result.get("status", 0) < 500 for result in results)


@QUICK
@given(place=st.text(), query=st.text(), header=st.text(st.characters(categories=["L", "P"])))
async def test_no_path_query_or_header(site: Site, place: str, query: str, header: str) -> None:
    paths = (
        f"/api/v1/leads/{quote(place)}",
        f"/api/v1/round-robin/{quote(place)}/assignments?limit={quote(query)}",
        f"/api/v1/members?offset={quote(query)}&{quote(query)}",
        f"/intake/{quote(place)}/webhook/{quote(query)}",
        f"/api/v1/records/contacts/{quote(place)}?erase={quote(query)}",
        f"/api/v1/records/leads?email={quote(query)}&limit=5",
        f"/api/v1/records/contacts?phone={quote(query)}",
        f"/api/v1/records/tasks?externalId={quote(query)}",
    )
    headers = {**bearer("all"), "X-Forwarded-For": header, "Idempotency-Key": header}

    for path in paths:
        for method in ("GET", "POST"):
            answer = await site.client.request(method, path, headers=headers)
            assert answer.status < 500
