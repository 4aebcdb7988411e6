"""Changes of records that are made now and stored later, all of them or none; who reads sees them.

What they are made from may be outdated by now: whoever stores them is told so, and then they are
made again. So what is asked here is answered as if it were done, and nobody else sees it yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from orjson import dumps, loads

from pointsman.model import Organization
from pointsman.store.drafts import Draft, Reference, arguments, finish, link, references
from pointsman.store.keys import Keys
from pointsman.store.records import Author, Edit, NewRecord, RecordStore, Written
from pointsman.store.redis import Argument
from pointsman.store.stored import StoredRecord

__all__ = ["Copies", "Pending"]

Copies = dict[Reference, StoredRecord]
"""Records as somebody read or left them a moment ago."""

_KEEP: Final[Sequence[Argument]] = ("", "", "", 0, "", "", "")
_ARGUMENTS = 1 + len(_KEEP)

_Before = tuple[Reference, StoredRecord | None, bytes | None]
"""A record before a write, and its JSON if that is one of ours."""


class Pending:
    """Writes of records that wait to be stored together; ``copies`` are what they are made from.

    ``names`` and ``args`` are keys and arguments of the writes, as ``records.lua`` has them, and
    ``size`` is that of what is to be stored, in bytes. ``told`` is whose they are.
    """

    __slots__ = (
        "_before",
        "_records",
        "_seen",
        "_texts",
        "args",
        "copies",
        "names",
        "size",
        "told",
    )

    def __init__(self, records: RecordStore, copies: Copies) -> None:
        self._records = records
        self._seen: dict[Reference, int] = {}
        self._texts: dict[Reference, bytes] = {}
        self._before: list[_Before] = []
        self.copies = copies
        self.names: list[str] = []
        self.args: list[Argument] = []
        self.size = 0
        self.told = ""

    @property
    def count(self) -> int:
        """How many writes there are."""
        return len(self.names) // 2

    async def read(self, organization_id: str, module: str, identifier: str) -> StoredRecord | None:
        """Return a record as it will be, ``None`` if it is unknown or deleted."""
        return (await self._read(organization_id, [(module, identifier)])).get((module, identifier))

    async def change(
        self,
        organization: Organization,
        module: str,
        identifier: str,
        edit: Edit,
        author: Author,
    ) -> Written:
        """Set what ``edit`` returns."""
        reference = (module, identifier)
        record = self.copies.get(reference) or await self.read(organization.id, *reference)
        if record is None:
            return Written("unknown")
        # What is edited is the editor's own: a copy must not change under those who read it next.
        data = loads(self._texts.get(reference) or dumps(record.data))
        draft = Draft.of(record._replace(data=data))
        draft.fields.update(edit(dict(draft.before)) or {})
        self._seen.setdefault(reference, record.revision)
        return await self._write(organization, [draft], author)

    async def create(
        self, organization: Organization, new: Sequence[NewRecord], author: Author
    ) -> Written:
        """Make records, all or none; they may be linked to each other.

        Raises ``Refused`` for a link that leads nowhere.
        """
        return await self._write(organization, [one.draft() for one in new], author)

    def watch(self, organization_id: str) -> None:
        """See to it that what was read for a change and needed none still is what it was."""
        for (module, identifier), revision in self._seen.items():
            key = Keys(organization_id).record(module, identifier)
            if key not in self.names:
                self.names += (key, f"{key}:log")
                self.args += (f"keep {module} {revision} - - 0", *_KEEP)

    @property
    def grew(self) -> bool:
        """Whether there were writes since the mark."""
        return bool(self._before)

    def mark(self) -> None:
        """Note where ``drop`` is to go back to."""
        self._before = []

    def drop(self) -> None:
        """Forget the writes since the mark."""
        for reference, copy, text in reversed(self._before):
            del self.names[-2:], self.args[-_ARGUMENTS:]
            self.size -= len(self._texts.pop(reference))
            self.copies.pop(reference)
            if copy is not None:
                self.copies[reference] = copy
            if text is not None:
                self._texts[reference] = text
        self._before = []

    def clear(self) -> None:
        """Forget the writes, which are stored."""
        self._seen, self._before = {}, []
        self.names, self.args, self.size = [], [], 0

    def forget(self) -> None:
        """Forget the writes, which came to nothing, and what they were made from."""
        self.clear()
        self._texts = {}
        self.copies.clear()

    async def _read(self, organization_id: str, wanted: Iterable[Reference]) -> Copies:
        copies = self.copies
        missing = [one for one in wanted if one not in copies]
        if missing:
            found = await self._records.read_many(organization_id, missing)
            copies.update((one, it) for one, it in zip(missing, found, strict=True) if it)
        return copies

    async def _write(
        self, organization: Organization, asked: Sequence[Draft], author: Author
    ) -> Written:
        named = [one for one in references(asked) if one[1]]
        drafts = link(asked, await self._read(organization.id, named) if named else self.copies)
        now = self._records.now()
        before: Mapping[str, Any] = asked[0].before
        changed = finish(drafts, now)
        for draft in changed:
            self._add(organization, draft, author, now)
        return Written("done" if changed else "same", (), before)

    def _add(self, organization: Organization, draft: Draft, author: Author, now: int) -> None:
        names, args = arguments(organization, [draft], author.origin)
        text = cast("bytes", args[1])
        self.names += names
        self.args += args
        self.size += len(text)
        self.told = self._records.told(author)
        reference, stored = draft.reference, draft.stored
        self._before.append((reference, self.copies.get(reference), self._texts.get(reference)))
        self._texts[reference] = text
        self.copies[reference] = draft.record(
            now, author.origin, stored.revision + 1 if stored else 1
        )
