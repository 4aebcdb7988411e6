"""``/api/v1/leads``: leads posted with an API key, one or many, and read back with their timeline.

What else is done to a lead there is done to any record: see ``http.records``.

In bulk every line is a lead of its own: a bad one gets an error in its place and stops nobody, and
lines are taken one after the other, so that turns follow the order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

from pointsman import observe
from pointsman.errors import Refused
from pointsman.flows.account import account_for
from pointsman.flows.intake import Intake
from pointsman.http.answers import answer, streamed
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json, text_header
from pointsman.http.errors import explained
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.owner_views import OwnerViews
from pointsman.http.posted_leads import take_posted
from pointsman.http.services import MemoryGuard, Services
from pointsman.http.taken import receipt, told
from pointsman.ids import parse_lead_id
from pointsman.model import ApiKey, Organization
from pointsman.records import record_json, timeline
from pointsman.store.leads import Idempotency, Taken

__all__ = ["LeadHandlers", "no_lead"]

MOST_LINES = 1_000

_WRITE = "leads:write"
_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class _Desk:
    """Who posts leads in one request, and with which idempotency key."""

    organization: Organization
    key: ApiKey
    idempotency: str | None

    def idempotency_of(self, raw: bytes, line: int | None = None) -> Idempotency | None:
        """Return what the key stands for; in bulk, every line has one of its own."""
        if self.idempotency is None:
            return None
        key = self.idempotency if line is None else f"{self.idempotency}\n{line}"
        return Idempotency.of(f"api\n{self.key.sha256}", key, raw)


class LeadHandlers:
    """Handlers of ``/api/v1/leads``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._intake: Intake = services.intake
        self._leads = services.leads
        self._owners = OwnerViews(services)
        self._memory: MemoryGuard = services.memory
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.post("/api/v1/leads", self.create),
            web.post("/api/v1/leads/bulk", self.create_many),
            web.get("/api/v1/leads/{id}", self.lead),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Store one lead and, unless told otherwise, assign it."""
        desk = self._desk(request)
        require_json(request)
        self._memory.check()
        raw = await request.read()
        taken, source = await self._take(desk, raw, desk.idempotency_of(raw))
        return receipt(desk.organization, taken, source)

    async def create_many(self, request: web.Request) -> web.StreamResponse:
        """Store many leads; answer one result a line, in the order of the lines."""
        desk = self._desk(request)
        lines = _lines(request, await request.read())
        response = streamed({hdrs.CONTENT_TYPE: _LINES})
        await response.prepare(request)
        for number, line in enumerate(lines, 1):
            result = await self._result(desk, number, line)
            await response.write(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE))
        await response.write_eof()
        return response

    async def lead(self, request: web.Request) -> web.Response:
        """Answer a lead and everything that happened to it."""
        organization, _ = self._gatekeeper.caller(request, "leads:read")
        identifier = parse_lead_id(request.match_info["id"])
        if identifier is None:
            raise no_lead()
        lead, _ = await self._leads.read(organization.id, identifier, log=True)
        if lead is None:
            raise no_lead()
        owner = await self._owners.of(organization, lead)
        told = {**record_json(organization.id, lead), **owner, "timeline": timeline(lead)}
        return answer(told, headers={hdrs.ETAG: f'"{lead.revision}"'})

    def _desk(self, request: web.Request) -> _Desk:
        organization, key = self._gatekeeper.caller(request, _WRITE)
        return _Desk(organization, key, text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY))

    async def _result(self, desk: _Desk, number: int, line: bytes) -> dict[str, Any]:
        """Take the lead of one line; whatever is wrong with it stays in its line."""
        try:
            self._memory.check()
            taken, source = await self._take(desk, line, desk.idempotency_of(line, number))
            content = told(taken)
        except Exception as error:  # noqa: BLE001 - the border of one lead
            status, body, _ = explained(error)
            if status == HTTPStatus.INTERNAL_SERVER_ERROR:
                observe.log().error(observe.REQUEST_FAILED, line=number, exc_info=error)
            return {"line": number, "status": int(status), **body}
        account_for(desk.organization, taken, source)
        result = {"line": number, "status": int(HTTPStatus.CREATED), **content}
        return {**result, "replayed": True} if taken.replayed else result

    async def _take(
        self, desk: _Desk, raw: bytes, idempotency: Idempotency | None
    ) -> tuple[Taken, str]:
        return await take_posted(
            self._intake,
            self._leads.records,
            desk.organization,
            parse_json(raw),
            idempotency=idempotency,
        )


def no_lead() -> Refused:
    """Return the one answer for a lead that is not there or not the caller's."""
    return Refused("no such lead", status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")


def _lines(request: web.Request, raw: bytes) -> list[bytes]:
    media = request.content_type
    if media not in {_LINES, "application/ndjson", "application/jsonl"}:
        message = f"Content-Type must be {_LINES}: one JSON object a line"
        raise Refused(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    lines = raw.rstrip(b"\r\n").split(b"\n") if raw.strip() else []
    if not lines:
        raise Refused("the body has no line; send one JSON object a line")
    if len(lines) > MOST_LINES:
        raise Refused(
            f"the body has {len(lines)} lines, at most {MOST_LINES} are possible",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            code="PAYLOAD_TOO_LARGE",
        )
    return lines
