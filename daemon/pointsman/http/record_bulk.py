"""``POST /api/v1/records/{module}/bulk``: records imported line by line, however many.

Lines are read, written and answered some at a time, so neither the file nor its results are ever
whole in memory, and the records of one batch share their round trips. A caller that does not read
the answer while it sends is held up once the buffers in between are full.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from aiohttp import hdrs, web

from pointsman import observe
from pointsman.errors import Refused
from pointsman.http.answers import streamed
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, text_header
from pointsman.http.errors import explained
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.query import choice
from pointsman.http.record_desk import EXTERNAL, Put, RecordDesk
from pointsman.http.records import WRITE, module_of
from pointsman.http.services import Services
from pointsman.http.taken import assignment_content
from pointsman.ids import lead_uuid
from pointsman.store.leads import Idempotency
from pointsman.store.records import RecordStore

__all__ = ["BulkHandlers", "lines"]

BATCH = 100

_LINES = "application/x-ndjson"
_MEDIA = frozenset({_LINES, "application/ndjson", "application/jsonl"})
_STATUS = {"created": HTTPStatus.CREATED}


class Line(NamedTuple):
    """A line and its number from 1; ``raw`` is ``None`` for one that is too long."""

    number: int
    raw: bytes | None


class _Import(NamedTuple):
    """One import: who writes, where to, and by which key of the sender's lines are the same."""

    desk: RecordDesk
    module: str
    scope: str
    key: str | None

    def idempotency(self, line: Line) -> Idempotency | None:
        """Return what the key stands for in a line."""
        if self.key is None or line.raw is None:
            return None
        return Idempotency.of(self.scope, f"{self.key}\n{line.number}", line.raw)


class BulkHandlers:
    """The handler of ``/api/v1/records/{module}/bulk``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._records = RecordStore(services.store, services.settings)
        self._intake = services.intake
        self._memory = services.memory
        self._longest = services.settings.max_body
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (web.post("/api/v1/records/{module}/bulk", self.bulk),)

    async def bulk(self, request: web.Request) -> web.StreamResponse:
        """Import records; answer a result a line, and now and then how far it is."""
        organization, key = self._gatekeeper.caller(request, WRITE)
        module = module_of(request)
        _require_lines(request)
        errors_only = choice(request, "results", ("all", "errors")) == "errors"
        named = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
        desk = RecordDesk(self._records, self._intake, organization)
        task = _Import(desk, module, f"bulk\n{key.sha256}\n{module}", named)
        response = streamed({hdrs.CONTENT_TYPE: _LINES})
        await response.prepare(request)
        counts: Counter[str] = Counter()
        async for found in lines(request.content.iter_any(), self._longest):
            for batch in _batches(found):
                results = await asyncio.gather(*(self._result(task, line) for line in batch))
                counts.update(status for status, _ in results)
                told = [told for status, told in results if not errors_only or status == "failed"]
                await response.write(_text([*told, {"progress": _progress(counts)}]))
        await response.write(_text([{"done": _progress(counts)}]))
        await response.write_eof()
        return response

    async def _result(self, task: _Import, line: Line) -> tuple[str, Mapping[str, Any]]:
        """Write the record of one line; whatever is wrong with it stays in its line."""
        try:
            self._memory.check()
            body = parse_json(_readable(line, self._longest))
            put = await task.desk.put(task.module, body, task.idempotency(line))
        except Exception as error:  # noqa: BLE001 - the border of one record
            status, body, _ = explained(error)
            if status == HTTPStatus.INTERNAL_SERVER_ERROR:
                observe.log().error(observe.REQUEST_FAILED, line=line.number, exc_info=error)
            return "failed", {"line": line.number, "status": int(status), **body}
        return put.status, {"line": line.number, **_told(put)}


async def lines(chunks: AsyncIterable[bytes], longest: int) -> AsyncIterator[Sequence[Line]]:
    """Yield the lines of a body that have something in them, as many at a time as came together."""
    number, left, skipping = 0, b"", False
    async for chunk in chunks:
        *whole, left = (left + chunk).split(b"\n")
        found: list[Line] = []
        for raw in whole:
            number += 1
            if skipping or len(raw) > longest:
                found.append(Line(number, None))
            elif raw.strip():
                found.append(Line(number, raw))
            skipping = False
        if len(left) > longest:
            left, skipping = b"", True
        yield found
    if skipping or left.strip():
        yield [Line(number + 1, None if skipping else left)]


def _batches(found: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield lines some at a time; lines of one ``externalId`` come one after the other."""
    batch: list[Line] = []
    names: set[str] = set()
    for line in found:
        name = _name(line)
        if len(batch) >= BATCH or name in names:
            yield batch
            batch, names = [], set()
        batch.append(line)
        if name is not None:
            names.add(name)
    if batch:
        yield batch


def _readable(line: Line, longest: int) -> bytes:
    if line.raw is None:
        raise Refused(
            f"the line is longer than {longest} bytes",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="PAYLOAD_TOO_LARGE",
        )
    return line.raw


def _name(line: Line) -> str | None:
    """Return the ``externalId`` of a line, if it can be read."""
    if line.raw is None or not any(name.encode() in line.raw for name in EXTERNAL):
        return None
    try:
        body = orjson.loads(line.raw)
    except orjson.JSONDecodeError:
        return None
    named = [body.get(name) for name in EXTERNAL] if isinstance(body, dict) else []
    return next((name for name in named if isinstance(name, str)), None)


def _told(put: Put) -> dict[str, Any]:
    status = int(_STATUS.get(put.status, HTTPStatus.OK))
    more = assignment_content(put.taken) if put.taken else {}
    return {"status": status, "result": put.status, "id": lead_uuid(put.id), **more}


def _progress(counts: Mapping[str, int]) -> dict[str, int]:
    named = ("created", "changed", "unchanged", "replayed", "failed")
    return {"lines": sum(counts.values()), **{name: counts.get(name, 0) for name in named}}


def _text(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _require_lines(request: web.Request) -> None:
    if request.content_type not in _MEDIA:
        message = f"Content-Type must be {_LINES}: one JSON object a line"
        raise Refused(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
