"""Records made and changed for one caller of the API, one at a time or line by line.

A record can have two names of its caller's: an idempotency key, which gives the first answer again
for a day, and an ``externalId``, its id in the caller's own system, for as long as it is kept.
Either is turned into the record's id before anything is written, so no race makes two of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

from pointsman.errors import Refused, reused_key
from pointsman.fields.records import read_record
from pointsman.flows.account import account_for
from pointsman.flows.intake import Intake
from pointsman.http.posted_leads import take_posted
from pointsman.http.taken import told
from pointsman.ids import lead_uuid
from pointsman.model import Organization
from pointsman.modules import MODULES
from pointsman.store.leads import Idempotency, Taken
from pointsman.store.records import Author, Edit, NewRecord, RecordStore, Written
from pointsman.store.stored import StoredRecord

__all__ = ["EXTERNAL", "Put", "RecordDesk", "external_name", "unknown"]

EXTERNAL = ("externalId", "external_id")
"""Names of a record's id in its caller's own system."""

_DAY = timedelta(days=1)
_SWITCHES = ("source", "assign", "workflowId")
_LONGEST = 500


class Put(NamedTuple):
    """What came of one body: ``created``, ``changed``, ``unchanged`` or ``replayed``.

    ``record`` is not read where nobody asks; ``taken`` is what became of a new lead.
    """

    status: str
    id: str
    record: StoredRecord | None = None
    taken: Taken | None = None


class RecordDesk:
    """Makes and changes records of one organization."""

    def __init__(self, records: RecordStore, intake: Intake, organization: Organization) -> None:
        self._records = records
        self._intake = intake
        self._organization = organization

    async def make(
        self, module: str, body: Mapping[str, Any], idempotency: Idempotency | None = None
    ) -> Put:
        """Make a record; refuse it if its ``externalId`` is another one's."""
        name = _external(body)
        if module == "leads":
            return await self._make_lead(body, name, idempotency)
        fields = read_record(self._organization, module, body, new=True)
        identifier = await self._identified(module, name, idempotency)
        put = await self._create(module, identifier, fields)
        if put is not None:
            return put
        if idempotency is None:
            raise _twin(module, identifier)
        record = await self._records.read(self._organization.id, module, identifier)
        if record is None:
            raise Refused(
                "this Idempotency-Key made a record that was deleted since; use a new key",
                status=HTTPStatus.CONFLICT,
                code="CONFLICT",
            )
        return Put("replayed", identifier, record)

    async def _make_lead(
        self, body: Mapping[str, Any], name: str | None, idempotency: Idempotency | None
    ) -> Put:
        if name is None:
            return await self._take(body, idempotency, None)
        identifier = await self._identified("leads", name, idempotency)
        record = await self._records.read(self._organization.id, "leads", identifier)
        if record is None:
            return await self._take(body, None, identifier)
        if idempotency is None:
            raise _twin("leads", identifier)
        return Put("replayed", identifier, record)

    async def put(
        self, module: str, body: Mapping[str, Any], idempotency: Idempotency | None = None
    ) -> Put:
        """Make a record, or change the one that has its ``externalId``."""
        name = _external(body)
        if name is None:
            return await self.make(module, body, idempotency)
        identifier = await self._named(module, name, None)
        if await self._records.read(self._organization.id, module, identifier) is None:
            if module == "leads":
                return await self._take(body, None, identifier)
            fields = read_record(self._organization, module, body, new=True)
            put = await self._create(module, identifier, fields)
            if put is not None:
                return put
        if module == "leads":
            body = {name: value for name, value in body.items() if name not in _SWITCHES}
        written = await self.change(module, identifier, body)
        if written.status == "unknown":
            raise unknown(module)
        status = "changed" if written.status == "done" else "unchanged"
        return Put(status, identifier, written.records[0])

    async def change(
        self,
        module: str,
        identifier: str,
        body: Mapping[str, Any],
        *,
        revision: int | None = None,
    ) -> Written:
        """Change what a body names; null empties a field, custom fields are changed one by one."""
        fields = read_record(self._organization, module, body, new=False)
        return await self._records.change(
            self._organization,
            module,
            identifier,
            _edit(fields),
            Author(uuid4().hex),
            revision=revision,
        )

    async def _identified(
        self, module: str, name: str | None, idempotency: Idempotency | None
    ) -> str:
        """Return the id of a record that is to be made."""
        identifier: str | None = None
        if idempotency is not None:
            identifier, same = await self._records.reserve(
                self._organization,
                module,
                f"key {idempotency.key}",
                body=idempotency.body,
                kept=_DAY,
            )
            if not same:
                raise reused_key("record")
        if name is None:
            return identifier or self._records.new_id()
        found = await self._named(module, name, identifier)
        if identifier and found != identifier:
            raise _twin(module, found)
        return found

    async def _named(self, module: str, name: str, identifier: str | None) -> str:
        found, _ = await self._records.reserve(
            self._organization, module, external_name(name), identifier=identifier
        )
        return found

    async def _create(self, module: str, identifier: str, fields: Mapping[str, Any]) -> Put | None:
        """Make a record; ``None`` if there is one with this id."""
        written = await self._records.create(
            self._organization, [NewRecord(module, fields, identifier)], Author(uuid4().hex)
        )
        if written.status != "done":
            return None
        return Put("created", identifier, written.records[0])

    async def _take(
        self, body: Mapping[str, Any], idempotency: Idempotency | None, identifier: str | None
    ) -> Put:
        """Take a lead in."""
        taken, source = await take_posted(
            self._intake,
            self._records,
            self._organization,
            body,
            idempotency=idempotency,
            lead_id=identifier,
        )
        told(taken)
        account_for(self._organization, taken, source)
        return Put("replayed" if taken.replayed else "created", taken.lead_id, None, taken)


def external_name(name: str) -> str:
    """Return what an ``externalId`` is reserved as."""
    return f"external {name}"


def unknown(module: str) -> Refused:
    """Return the one answer for a record that is not there or not the caller's."""
    message = f"no such {MODULES[module].singular}"
    return Refused(message, status=HTTPStatus.NOT_FOUND, code="NOT_FOUND")


def _external(body: Mapping[str, Any]) -> str | None:
    name = next((body[key] for key in EXTERNAL if body.get(key) is not None), None)
    if name is None:
        return None
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
        raise Refused(
            f"externalId: must be text of 1 to {_LONGEST} characters",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            code="VALIDATION_ERROR",
        )
    return name


def _twin(module: str, identifier: str) -> Refused:
    return Refused(
        f"another {MODULES[module].singular} has this externalId: {lead_uuid(identifier)}",
        status=HTTPStatus.CONFLICT,
        code="CONFLICT",
    )


def _edit(fields: Mapping[str, Any]) -> Edit:
    def edit(current: dict[str, Any]) -> Mapping[str, Any]:
        custom = fields.get("custom_fields")
        if not custom:
            return fields
        merged = {**(current.get("custom_fields") or {}), **custom}
        kept = {name: value for name, value in merged.items() if value is not None}
        return {**fields, "custom_fields": kept or None}

    return edit
