"""The record of a run, as its steps read, change and multiply it.

Every write is the same one however often the step is tried: a change by its operation, a new record
by its id, which follows from the run, the step and its number in the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from pointsman.errors import ActionError, Refused, TransientError
from pointsman.fields.records import read_record
from pointsman.ids import lead_uuid, parse_lead_id
from pointsman.model import Organization
from pointsman.modules import MODULES
from pointsman.store.legs import Leg
from pointsman.store.own import Owning
from pointsman.store.records import Author, NewRecord, Written
from pointsman.workflows.assigning import Asked, Assigner

__all__ = ["RunRecord"]

Fields = Mapping[str, Any]

_FIXED = "fixed"
_RANDOM = 12
"""Hexadecimal digits of an id that are not its time."""


class RunRecord:
    """Implements :class:`pointsman.plugin.Record` for the current step of a run."""

    def __init__(self, leg: Leg, assigner: Assigner, organization: Organization, step: str) -> None:
        self._leg = leg
        self._assigner = assigner
        self._step = step
        self._organization = organization
        self._run = leg.run
        self._changes = 0
        self._made = 0

    def typed(self, fields: Fields) -> Fields:
        """Return fields as those of a new record are read: by type, and in their places."""
        return read_record(self._organization, self._run.module, fields, new=False)

    async def change(self, edit: Callable[[Fields], Fields]) -> Fields:
        """Store what ``edit`` makes of the record, once for each attempt at the step."""
        run = self._run
        self._changes += 1
        written = await self._written(
            self._leg.records.change(
                self._organization,
                run.module,
                run.subject,
                edit,
                self._author(f"{run.step}:{run.attempt}:{self._changes}"),
            )
        )
        if written.status == "unknown":
            named = f"{MODULES[run.module].singular} {run.subject}"
            raise ActionError(f"{named} is no longer there")
        return written.before

    async def assign(
        self,
        algorithm: str,
        *,
        people: Sequence[str] = (),
        pool: str | None = None,
        overwrite: bool = False,
    ) -> Fields:
        """Give the record an owner, the same however often the step is tried."""
        if algorithm == _FIXED:
            return await self._own(people[0], overwrite=overwrite)
        self._leg.clear()
        run, author = self._run, self._author(f"own:{self._run.step}")
        owning = Owning(
            self._organization.id, run.module, run.subject, *author, overwrite=overwrite
        )
        asked = Asked(algorithm, people, pool, self._step)
        found = await self._assigner.assign(self._organization, owning, asked)
        return {"owner_id": found.owner, "before": found.before, "reason": found.reason}

    async def _own(self, name: str, *, overwrite: bool) -> Fields:
        member = self._organization.member(name)
        if member is None:
            raise ActionError(f"no member '{name}'; members are in organization.yaml")

        def edit(record: Fields) -> Fields:
            return {} if record.get("owner_id") and not overwrite else {"owner_id": member.id}

        before = (await self.change(edit)).get("owner_id")
        if before and not overwrite:
            return {"owner_id": before, "before": before, "reason": "already_owned"}
        return {"owner_id": member.id, "before": before, "reason": "assigned"}

    def fresh_id(self) -> str:
        """Return an id for a record that this step makes; the same at every attempt."""
        run = self._run
        self._made += 1
        digest = sha256(f"{run.id}:{run.step}:{self._made}".encode()).hexdigest()
        return lead_uuid(f"{run.began:012x}{digest[:_RANDOM]}")

    async def create(self, *new: tuple[str, Fields]) -> Sequence[str]:
        """Make records, each of a module with its fields, all or none, and return their ids.

        Fields are read as the API reads them, in either spelling; ``id`` may be one of
        ``fresh_id``, so that the others can name it.
        """
        made = [self._new(module, dict(fields)) for module, fields in new]
        await self._written(
            self._leg.records.create(self._organization, made, self._author(f"make:{made[0].id}"))
        )
        return [lead_uuid(one.id) for one in made]

    def _new(self, module: str, fields: dict[str, Any]) -> NewRecord:
        identifier = parse_lead_id(fields.pop("id", None) or self.fresh_id())
        try:
            read = read_record(self._organization, module, fields, new=True)
        except Refused as error:
            raise ActionError(f"{MODULES[module].singular}: {error}") from error
        return NewRecord(module, read, identifier or "")

    def _author(self, name: str) -> Author:
        run = self._run
        return Author(f"{run.id}:{name}", f"workflow:{run.workflow_id}", run.depth + 1)

    async def _written(self, writing: Any) -> Written:
        try:
            written: Written = await writing
        except Refused as error:
            if error.status == HTTPStatus.CONFLICT:
                raise TransientError(str(error)) from error
            raise ActionError(str(error)) from error
        return written
