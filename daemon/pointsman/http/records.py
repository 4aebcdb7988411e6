"""``/api/v1/records/{module}``: records of every module, made, read, found, changed, deleted.

Leads are listed, found, changed and deleted at ``/api/v1/leads`` too, with the scopes of leads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from pointsman import observe
from pointsman.errors import Refused
from pointsman.fields.types import field_types
from pointsman.http.answers import REPLAYED, answer, listing
from pointsman.http.auth import Gatekeeper
from pointsman.http.body import parse_json, require_json, text_header
from pointsman.http.intake import IDEMPOTENCY_KEY, LONGEST_KEY
from pointsman.http.query import invalid, page
from pointsman.http.record_desk import RecordDesk, external_name, unknown
from pointsman.http.services import Services
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import ApiKey, Organization
from pointsman.modules import MODULES
from pointsman.records import record_json, timeline
from pointsman.store.leads import Idempotency
from pointsman.store.record_lists import RecordLists
from pointsman.store.records import Author, RecordStore
from pointsman.store.stored import StoredRecord

__all__ = ["READ", "WRITE", "RecordHandlers", "module_of"]

READ = "records:read"
WRITE = "records:write"

_PATH = "/api/v1/records/{module}"
_LEADS = "/api/v1/leads"
_REVISION = re.compile(r'(?:W/)?"(\d{1,15})"', re.ASCII)
_SOUGHT = ("id", "email", "phone", "externalId")


class RecordHandlers:
    """Handlers of ``/api/v1/records``."""

    def __init__(self, services: Services, gatekeeper: Gatekeeper) -> None:
        self._records = RecordStore(services.store, services.settings)
        self._lists = RecordLists(self._records, services.settings)
        self._intake = services.intake
        self._memory = services.memory
        self._gatekeeper = gatekeeper

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the application serves of this."""
        return (
            web.get(_PATH, self.records),
            web.post(_PATH, self.create),
            web.get(_PATH + "/{id}", self.record),
            web.patch(_PATH + "/{id}", self.change),
            web.delete(_PATH + "/{id}", self.delete),
            web.get(_LEADS, self.records),
            web.patch(_LEADS + "/{id}", self.change),
            web.delete(_LEADS + "/{id}", self.delete),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Make a record; a lead is taken in and, unless told otherwise, assigned."""
        organization, key = self._gatekeeper.caller(request, WRITE)
        module = module_of(request)
        require_json(request)
        self._memory.check()
        raw = await request.read()
        idempotency = _idempotency(request, key, module, raw)
        desk = RecordDesk(self._records, self._intake, organization)
        put = await desk.make(module, parse_json(raw), idempotency)
        record = put.record or await self._read(organization, module, put.id)
        made = _answer(organization, record, HTTPStatus.CREATED)
        if put.status == "replayed":
            made.headers[REPLAYED] = "true"
        return made

    async def records(self, request: web.Request) -> web.Response:
        """List records, newest first; or find those with an id, address or number."""
        organization, _ = self._gatekeeper.caller(request, _scope(request, "read"))
        module = module_of(request)
        limit, offset = page(request)
        sought = [(name, request.query[name]) for name in _SOUGHT if name in request.query]
        if len(sought) > 1:
            raise invalid([f"{sought[1][0]}: only one of {', '.join(_SOUGHT)} can be sought"])
        if sought:
            found = await self._found(organization, module, *sought[0])
            shown, total = found[offset : offset + limit], len(found)
        else:
            shown, total = await self._lists.page(
                organization.id, module, limit=limit, offset=offset
            )
        rows = [record_json(organization.id, record) for record in shown]
        return listing(rows, total=total, limit=limit, offset=offset)

    async def record(self, request: web.Request) -> web.Response:
        """Answer a record and everything that happened to it."""
        organization, _ = self._gatekeeper.caller(request, READ)
        module, identifier = _named(request)
        record = await self._read(organization, module, identifier, log=True)
        return _answer(organization, record, timeline=timeline(record))

    async def change(self, request: web.Request) -> web.Response:
        """Change what the body names, if the record is at the revision of ``If-Match``."""
        organization, _ = self._gatekeeper.caller(request, _scope(request, "write"))
        module, identifier = _named(request)
        require_json(request)
        self._memory.check()
        desk = RecordDesk(self._records, self._intake, organization)
        body = parse_json(await request.read())
        written = await desk.change(module, identifier, body, revision=_revision(request))
        if written.status == "unknown":
            raise unknown(module)
        return _answer(organization, written.records[0])

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a record; with ``erase=true``, also all that is known of it."""
        organization, _ = self._gatekeeper.caller(request, _scope(request, "write"))
        module, identifier = _named(request)
        erase = request.query.get("erase", "false")
        if erase not in {"true", "false"}:
            raise invalid(["erase: must be true or false"])
        if erase == "true":
            return await self._erase(organization, module, identifier)
        written = await self._records.delete(
            organization,
            module,
            identifier,
            Author(f"delete {module} {identifier}"),
            revision=_revision(request),
        )
        if written.status == "unknown":
            raise unknown(module)
        return answer({"deleted": True, "id": lead_uuid(identifier)})

    async def _erase(
        self, organization: Organization, module: str, identifier: str
    ) -> web.Response:
        if not await self._records.erase(organization.id, module, identifier):
            raise unknown(module)
        observe.log().info(
            observe.LEAD_ERASED, lead_id=identifier, organization=organization.handle, module=module
        )
        return answer({"erased": True, "id": lead_uuid(identifier)})

    async def _read(
        self, organization: Organization, module: str, identifier: str, *, log: bool = False
    ) -> StoredRecord:
        record = await self._records.read(organization.id, module, identifier, log=log)
        if record is None:
            raise unknown(module)
        return record

    async def _found(
        self, organization: Organization, module: str, name: str, text: str
    ) -> Sequence[StoredRecord]:
        """Return the records that are sought, newest first."""
        if name in {"email", "phone"}:
            value = field_types[name].read(text) or text
            return await self._lists.find(organization, module, name, str(value))
        identifier = parse_lead_id(text) if name == "id" else None
        if name == "externalId":
            identifier = await self._records.named(organization, module, external_name(text))
        if identifier is None:
            return ()
        record = await self._records.read(organization.id, module, identifier)
        return (record,) if record else ()


def module_of(request: web.Request) -> str:
    """Return the module that the path names, or is about."""
    name = request.match_info.get("module", "leads")
    if name not in MODULES:
        raise Refused(
            f"no module '{name[:50]}'; there are {', '.join(MODULES)}",
            status=HTTPStatus.NOT_FOUND,
            code="NOT_FOUND",
        )
    return name


def _scope(request: web.Request, what: str) -> str:
    """Return the scope that a call needs: leads have their own where they have their own path."""
    return f"records:{what}" if "module" in request.match_info else f"leads:{what}"


def _named(request: web.Request) -> tuple[str, str]:
    """Return the module and the id that the path names."""
    module = module_of(request)
    identifier = parse_lead_id(request.match_info["id"])
    if identifier is None:
        raise unknown(module)
    return module, identifier


def _idempotency(request: web.Request, key: ApiKey, scope: str, raw: bytes) -> Idempotency | None:
    named = text_header(request, IDEMPOTENCY_KEY, LONGEST_KEY)
    return None if named is None else Idempotency.of(f"records\n{key.sha256}\n{scope}", named, raw)


def _revision(request: web.Request) -> int | None:
    """Return the revision that the record must be at, ``None`` for any."""
    told = request.headers.get(hdrs.IF_MATCH, "*").strip()
    if told == "*":
        return None
    found = _REVISION.fullmatch(told)
    if found is None:
        raise Refused('If-Match must be a revision such as "3", as ETag told it, or *')
    return int(found[1])


def _answer(
    organization: Organization, record: StoredRecord, status: int = HTTPStatus.OK, **more: Any
) -> web.Response:
    told = {**record_json(organization.id, record), **more}
    return answer(told, status, {hdrs.ETAG: f'"{record.revision}"'})
