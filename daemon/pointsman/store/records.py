"""Records of every module in Redis: made, changed, deleted, erased, listed, found.

A write is all that follows from it too (events, timers, the leads it is linked to, the deals of
pools), in one script that refuses it if anything it was made from is another by now; then it is
made again. Leads are taken in by ``LeadStore``; from then on they are records like all others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from pointsman.errors import Refused
from pointsman.ids import keyed, milliseconds
from pointsman.ids import lead_id as new_id
from pointsman.model import Organization, Snapshot
from pointsman.modules import MODULES
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.drafts import Draft, Reference, arguments, finish, link, references
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import StoredRecord, stored

__all__ = ["Author", "Edit", "NewRecord", "RecordStore", "Written"]

Edit = Callable[[dict[str, Any]], Mapping[str, Any] | None]
"""Gets a record's fields, ``owner_id`` among them, and returns those to set; null empties one."""

_TRIES = 20
_DELETED = timedelta(days=7)
"""How long a deleted record is kept for the events that are still to be handled."""


class NewRecord(NamedTuple):
    """A record to make; ``fields`` are typed, ``owner_id`` among them. ``id``: 24 hex digits."""

    module: str
    fields: Mapping[str, Any]
    id: str

    def draft(self) -> Draft:
        """Return the draft that makes it."""
        return Draft(MODULES[self.module], self.id, None, dict(self.fields))


class Author(NamedTuple):
    """Whose write it is.

    ``operation`` makes a repeated call the same write; ``origin`` is ``api``, ``timer`` or
    ``workflow:<id>``, ``depth`` how many runs in a row led to it.
    """

    operation: str
    origin: str = "api"
    depth: int = 0


class Written(NamedTuple):
    """What came of a write.

    ``status`` is ``done``, ``same`` (there was nothing to change), ``exists`` or ``unknown``; then
    nothing was written. ``records`` are as they are now, those asked for first; ``before`` is what
    the first one was.
    """

    status: str
    records: Sequence[StoredRecord] = ()
    before: Mapping[str, Any] = {}


class RecordStore:
    """The records of all organizations in one Redis."""

    def __init__(
        self, store: RedisStore, settings: Settings, *, clock: Callable[[], int] = milliseconds
    ) -> None:
        self.store = store
        self._clock = clock
        self._ttl = _milliseconds(settings.lead_retention)
        self._log_ttl = _milliseconds(settings.event_retention)
        self._deleted_ttl = min(self._log_ttl, _milliseconds(_DELETED))

    def now(self) -> int:
        """Return the time of a write, in milliseconds."""
        return self._clock()

    def new_id(self) -> str:
        """Return an id for a record that is new."""
        return new_id(self._clock())

    async def read(
        self, organization_id: str, module: str, identifier: str, *, log: bool = False
    ) -> StoredRecord | None:
        """Return a record, ``None`` if it is unknown or deleted."""
        return (await self.read_many(organization_id, [(module, identifier)], log=log))[0]

    async def read_many(
        self, organization_id: str, wanted: Sequence[Reference], *, log: bool = False
    ) -> list[StoredRecord | None]:
        """Return records in one round trip, ``None`` for what is unknown or deleted."""
        found = await self._read(organization_id, wanted, [0 if log else -1] * len(wanted))
        return [record if record and not record.deleted else None for record in found]

    async def snapshots(
        self, organization_id: str, wanted: Iterable[tuple[str, str, int]]
    ) -> list[Snapshot | None]:
        """Return records (module, id) as revisions left them, in one round trip.

        Of a deleted record, what it was. ``None``: unknown.
        """
        asked = list(wanted)
        return [
            record and record.snapshot(revision)
            for record, (*_, revision) in zip(
                await self.read_since(organization_id, asked), asked, strict=True
            )
        ]

    async def read_since(
        self, organization_id: str, wanted: Sequence[tuple[str, str, int]]
    ) -> list[StoredRecord | None]:
        """Return records (module, id) as they are, with their changes since revisions.

        Deleted ones too. ``None``: unknown.
        """
        back = [revision for *_, revision in wanted]
        return await self._read(organization_id, [one[:2] for one in wanted], back)

    async def create(
        self, organization: Organization, new: Sequence[NewRecord], author: Author
    ) -> Written:
        """Make records, all or none; they may be linked to each other.

        ``exists`` if one of the ids is taken. Raises ``Refused`` for a link that leads nowhere.
        """

        async def drafts() -> list[Draft]:
            return [one.draft() for one in new]

        return await self._write(organization, drafts, author)

    async def change(
        self,
        organization: Organization,
        module: str,
        identifier: str,
        edit: Edit,
        author: Author,
        *,
        revision: int | None = None,
    ) -> Written:
        """Set what ``edit`` returns; it is asked again if somebody changed the record meanwhile.

        With ``revision`` a record that has another one is refused (412, ``CONFLICT``).
        """

        async def drafts() -> list[Draft] | None:
            record = await self.read(organization.id, module, identifier)
            if record is None:
                return None
            _check_revision(record, revision)
            draft = Draft.of(record)
            draft.fields.update(edit(dict(draft.before)) or {})
            return [draft]

        return await self._write(organization, drafts, author)

    async def amend(
        self,
        organization: Organization,
        drafts: Callable[[], Awaitable[Sequence[Draft] | None]],
        author: Author,
    ) -> Written:
        """Write drafts that tell their events themselves; made again if they are outdated."""
        return await self._write(organization, drafts, author)

    async def delete(
        self,
        organization: Organization,
        module: str,
        identifier: str,
        author: Author,
        *,
        revision: int | None = None,
    ) -> Written:
        """Delete a record; what it was is kept for some days, for its events only."""

        async def drafts() -> list[Draft] | None:
            record = await self.read(organization.id, module, identifier)
            if record is None:
                return None
            _check_revision(record, revision)
            draft = Draft.of(record)
            draft.deletes = True
            return [draft]

        return await self._write(organization, drafts, author)

    async def erase(self, organization_id: str, module: str, identifier: str) -> bool:
        """Remove all that is known of a record but that it was; ``False`` if there is none.

        Turns and deals stay counted.
        """
        keys = Keys(organization_id)
        key = keys.record(module, identifier)
        names = [key, f"{key}:log", f"{key}:runs", keys.index(module)]
        erased: int = await self.store.call("erase_record", names, [milliseconds(), self._ttl])
        return erased == 1

    def told(self, author: Author) -> str:
        """Return what the scripts that write records are told of whose writes they are."""
        return f"{author.origin} {author.depth} {self._ttl} {self._log_ttl} {self._deleted_ttl}"

    async def reserve(
        self,
        organization: Organization,
        module: str,
        name: str,
        *,
        identifier: str | None = None,
        body: str = "-",
        kept: timedelta | None = None,
    ) -> tuple[str, bool]:
        """Return the id that a caller's name for a record stands for, the same at every call.

        It is ``identifier`` or a new one if the name is new. The second is false if the name came
        with another ``body`` before. Without ``kept`` the name is the record's until that is
        deleted; raises ``Refused`` if it was erased: who was does not come back by an import.
        """
        key = _reserved(organization, module, name)
        ttl = self._ttl if kept is None else _milliseconds(kept)
        begins = Keys(organization.id).record(module, "") if kept is None else ""
        args: list[Argument] = [identifier or self.new_id(), body, ttl, begins]
        reserved, first, ended = await self.store.call("reserve_record", [key], args)
        if ended:
            raise Refused(
                f"the {MODULES[module].singular} that had this externalId was erased",
                status=HTTPStatus.CONFLICT,
                code="CONFLICT",
            )
        return reserved.decode(), first.decode() == body

    async def named(self, organization: Organization, module: str, name: str) -> str | None:
        """Return the id that a caller's name for a record stands for, if it does."""
        with unavailable_if_away():
            kept: Any = await self.store.redis.get(_reserved(organization, module, name))
        return kept.decode().partition(" ")[0] if kept else None

    async def _write(
        self,
        organization: Organization,
        make: Callable[[], Awaitable[Sequence[Draft] | None]],
        author: Author,
    ) -> Written:
        for _ in range(_TRIES):
            asked = await make()
            if not asked:
                return Written("unknown")
            drafts = await self._linked(organization, asked)
            now = self._clock()
            changed = finish(drafts, now)
            if not changed:
                return Written("same", [one.stored for one in asked if one.stored], asked[0].before)
            status, *told = await self._send(organization, changed, author, now)
            if status == b"done":
                return _written(drafts, dict(zip(map(id, changed), told, strict=True)), author, now)
            if status == b"exists" or (status == b"unknown" and changed[told[0]] is asked[0]):
                return Written(status.decode())
        raise Refused(
            "the record is being changed by others all the time; try again",
            status=HTTPStatus.CONFLICT,
            code="CONFLICT",
        )

    async def _linked(self, organization: Organization, drafts: Sequence[Draft]) -> list[Draft]:
        """Return the drafts with those of the leads that they change."""
        wanted = [one for one in references(drafts) if one[1]]
        found = await self.read_many(organization.id, wanted) if wanted else []
        known = {one: record for one, record in zip(wanted, found, strict=True) if record}
        return link(drafts, known)

    async def _send(
        self, organization: Organization, drafts: Sequence[Draft], author: Author, now: int
    ) -> Any:
        keys = Keys(organization.id)
        names, args = arguments(organization, drafts, author.origin)
        shared = [keys.events, keys.once(author.operation), keys.outbox]
        first: list[Argument] = [now, self.told(author)]
        return await self.store.call("write_records", [*shared, *names], [*first, *args])

    async def _read(
        self, organization_id: str, wanted: Sequence[Reference], back: Sequence[int]
    ) -> list[StoredRecord | None]:
        if not wanted:
            return []
        keys = Keys(organization_id)
        names = [keys.generation]
        for module, identifier in wanted:
            key = keys.record(module, identifier)
            names += (key, f"{key}:log")
        _, *found = await self.store.call("read_records", names, back)
        return [
            stored(identifier, record, module)
            for (module, identifier), record in zip(wanted, found, strict=True)
        ]


def _written(
    drafts: Sequence[Draft], revisions: Mapping[int, int], author: Author, now: int
) -> Written:
    """Return what was written; a draft that changed nothing is the record that it was."""
    records = [
        draft.record(now, author.origin, revisions[id(draft)])
        if id(draft) in revisions
        else draft.stored
        for draft in drafts
    ]
    return Written("done", [record for record in records if record], drafts[0].before)


def _reserved(organization: Organization, module: str, name: str) -> str:
    hashed = keyed(organization.secret, f"name of {module}", name)
    return Keys(organization.id).reserved(hashed)


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _check_revision(record: StoredRecord, revision: int | None) -> None:
    if revision is not None and record.revision != revision:
        raise Refused(
            f"the record is at revision {record.revision} by now; read it again",
            status=HTTPStatus.PRECONDITION_FAILED,
            code="CONFLICT",
        )
