"""Records imported line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening import Site, bearer, listening
from pointsman.http.record_bulk import lines
from pointsman.store.redis import RedisStore

MEDIA = {"Content-Type": "application/x-ndjson"}


async def rows(
    site: Site, module: str, body: Any, query: str = "", key: str = "all", **headers: str
) -> list[dict[str, Any]]:
    path = f"/api/v1/records/{module}/bulk{query}"
    sent = {**bearer(key), **MEDIA, **headers}
    async with site.client.post(path, data=body, headers=sent) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/x-ndjson"
        return [orjson.loads(line) async for line in answer.content]


def results(told: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in told if "line" in row]


def body(*records: Any) -> bytes:
    return b"\n".join(map(orjson.dumps, records))


async def listed(site: Site, module: str) -> list[dict[str, Any]]:
    path = f"/api/v1/records/{module}?limit=100"
    async with site.client.get(path, headers=bearer("all")) as answer:
        return list((await answer.json())["data"])


async def test_fifty_leads_of_one_import_rotate(site: Site) -> None:
    """R3: leads imported together go to everyone in turn, in the order of the lines."""
    told = await rows(site, "leads", body(*({"email": f"{n}@example.com"} for n in range(50))))

    found = results(told)
    assert [row["line"] for row in found] == list(range(1, 51))
    assert [row["turnOrder"] for row in found] == [1, 2] * 25
    assert len({row["id"] for row in found}) == 50
    assert told[-1] == {
        "done": {
            "lines": 50,
            "created": 50,
            "changed": 0,
            "unchanged": 0,
            "replayed": 0,
            "failed": 0,
        }
    }


async def test_a_bad_line_stays_in_its_line(site: Site) -> None:
    text = b'{"name": "A"}\n{"name": \n\n{"nam": "B"}\n[1]\n\xff\n{"name": "C", "ownerId": "x"}\r\n'

    told = await rows(site, "accounts", text + b'{"name": "D"}')

    found = [(row["line"], row["status"]) for row in results(told)]
    assert found == [(1, 201), (2, 400), (4, 422), (5, 400), (6, 400), (7, 422), (8, 201)]
    assert "no field of accounts; did you mean 'name'?" in results(told)[2]["error"]["message"]
    assert (told[-1]["done"]["created"], told[-1]["done"]["failed"]) == (2, 5)
    only_errors = results(await rows(site, "accounts", text, "?results=errors"))
    assert [row["line"] for row in only_errors] == [2, 4, 5, 6, 7]


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_a_line_with_an_external_id_is_one_record_however_often_it_comes(
    site: Site, module: str
) -> None:
    """D1: nothing is made twice, in one file or in two at the same moment."""
    first = {"email": "a@example.com", "externalId": "7", "stage": "new"}
    later = {**first, "stage": "warm"}

    both = await asyncio.gather(*(rows(site, module, body(first, first)) for _ in range(2)))
    changed = await rows(site, module, body(later, first, later))
    same = await rows(site, module, body(later))

    assert {row["result"] for told in both for row in results(told)} == {"created", "unchanged"}
    assert [row["result"] for row in results(changed)] == ["changed"] * 3
    assert [row["result"] for row in results(same)] == ["unchanged"]
    every = {row["id"] for told in (*both, changed, same) for row in results(told)}
    (record,) = await listed(site, module)
    assert every == {record["id"]}
    assert record["stage"] == "warm"


@pytest.mark.parametrize("module", ["contacts", "leads"])
async def test_lines_sent_again_with_the_same_key_are_the_same_records(
    site: Site, module: str
) -> None:
    """D3: an import that broke off is sent again with its key."""
    record = {"email": "a@example.com"}
    key = {"Idempotency-Key": "1"}

    first = await rows(site, module, body(record, record), **key)
    again = await rows(site, module, body(record, record, record), **key)

    assert [row["result"] for row in results(again)] == ["replayed", "replayed", "created"]
    assert [row["id"] for row in results(again)][:2] == [row["id"] for row in results(first)]
    assert len(await listed(site, module)) == 3


async def test_results_come_while_lines_are_still_sent(site: Site) -> None:
    """Streamed both ways: neither the file nor the results wait for the whole."""
    more = asyncio.Event()

    async def sent() -> AsyncIterator[bytes]:
        yield b'{"title": "a"}\n{"title": "b"}\n{"ti'
        await more.wait()
        yield b'tle": "c"}\n'

    path = "/api/v1/records/tasks/bulk"
    async with site.client.post(path, data=sent(), headers={**bearer("all"), **MEDIA}) as answer:
        early = [orjson.loads(await answer.content.readline()) for _ in range(3)]
        more.set()
        late = [orjson.loads(line) async for line in answer.content]

    assert [row.get("line") for row in early] == [1, 2, None]
    assert early[2]["progress"]["lines"] == 2
    assert late[0]["line"] == 3
    assert late[-1]["done"]["lines"] == 3


async def test_a_line_that_is_too_long_is_refused_and_the_rest_goes_on(store: RedisStore) -> None:
    long = orjson.dumps({"title": "x" * 5_000})
    async with listening(store, max_body=2_048) as site:
        told = await rows(site, "tasks", b"\n".join([long, b'{"title": "a"}', long]))

    assert [row["status"] for row in results(told)] == [413, 201, 413]


async def test_what_does_not_fit_into_redis_is_told_line_by_line(site: Site) -> None:
    site.services.memory.measured(95, 100)

    told = await rows(site, "tasks", body({"title": "a"}, {"title": "b"}))

    assert [row["status"] for row in results(told)] == [503, 503]


async def test_an_import_needs_lines_and_a_scope(site: Site) -> None:
    async def status(path: str, key: str, media: str) -> int:
        headers = {**bearer(key), "Content-Type": media}
        async with site.client.post(path, data=b"{}", headers=headers) as answer:
            return answer.status

    path = "/api/v1/records/tasks/bulk"
    assert await status(path, "all", "application/json") == 415
    assert await status(path, "writer", MEDIA["Content-Type"]) == 403
    assert await status(path.replace("tasks", "cars"), "all", MEDIA["Content-Type"]) == 404
    assert await status(f"{path}?results=none", "all", MEDIA["Content-Type"]) == 400


async def test_a_batch_of_new_records_shares_its_round_trips(site: Site) -> None:
    before = site.services.store.round_trips

    await rows(site, "tasks", body(*({"title": str(n)} for n in range(100))))

    assert site.services.store.round_trips - before <= 4


TEXTS = st.lists(st.text("ab \r", max_size=6), max_size=12)


@given(TEXTS, st.lists(st.integers(0, 80), max_size=6), st.booleans())
def test_lines_are_the_same_wherever_a_body_is_cut(
    texts: list[str], cuts: list[int], end: bool
) -> None:
    whole = "\n".join(texts).encode() + (b"\n" if end else b"")
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})

    async def chunks() -> AsyncIterator[bytes]:
        for start, stop in pairwise(places):
            yield whole[start:stop]

    async def read() -> list[tuple[int, bytes | None]]:
        return [(n, raw) async for some in lines(chunks(), 4) for n, raw in some]

    expected = [
        (number, line if len(line) <= 4 else None)
        for number, line in enumerate(whole.split(b"\n"), 1)
        if line.strip() or len(line) > 4
    ]
    assert asyncio.run(read()) == expected
