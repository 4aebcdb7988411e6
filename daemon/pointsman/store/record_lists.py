"""Records listed newest first, and found by what they are known by.

What a list names may be gone: records end by themselves after their retention, and lists are
trimmed later, a little at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pointsman.ids import milliseconds
from pointsman.model import Organization
from pointsman.modules import MODULES, place
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.finding import LETTERS, found_by, score
from pointsman.store.keys import Keys
from pointsman.store.records import RecordStore
from pointsman.store.stored import StoredRecord

__all__ = ["RecordLists", "RecordPage"]

TRIMMED = 500
"""Old records of a module that are looked at in one go."""

_MOST_FOUND = 1_000
_ID = 24


class RecordPage(NamedTuple):
    """Some records, newest first, and how many there are in all."""

    records: Sequence[StoredRecord]
    total: int


class RecordLists:
    """The lists of the records of all organizations in one Redis."""

    def __init__(
        self,
        records: RecordStore,
        settings: Settings,
        *,
        clock: Callable[[], int] = milliseconds,
    ) -> None:
        self._records = records
        self._redis = records.store.redis
        self._clock = clock
        self._ttl = int(settings.lead_retention.total_seconds() * 1000)
        self._looked: dict[tuple[str, str], int] = {}

    async def page(
        self, organization_id: str, module: str, *, limit: int, offset: int
    ) -> RecordPage:
        """Return a page of all records of a module."""
        index = Keys(organization_id).index(module)
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zcount(index, 0, "+inf")
                pipe.zrange(index, "+inf", 0, desc=True, byscore=True, offset=offset, num=limit)
                total, ids = await pipe.execute()
        records = await self._read(organization_id, module, [one.decode() for one in ids])
        return RecordPage(records, total)

    async def find(
        self, organization: Organization, module: str, kind: str, value: str
    ) -> Sequence[StoredRecord]:
        """Return the newest thousand records that have a value of a kind, in its normal form."""
        place_of = score(organization, kind, value)
        fields = [name for name, other in found_by(organization, module) if other == kind]
        with unavailable_if_away():
            found: list[Any] = await self._redis.zrange(
                Keys(organization.id).index(module),
                place_of,
                place_of,
                byscore=True,
                offset=0,
                num=_MOST_FOUND,
            )
        ids = sorted({entry.decode()[-_ID:] for entry in found}, reverse=True)
        records = await self._read(organization.id, module, ids)
        return [one for one in records if value in map(one.data.get, fields)]

    async def trim(self, organization_id: str) -> None:
        """Take some records that ended out of the lists; the next call goes on from there."""
        keys = Keys(organization_id)
        for module in MODULES:
            looked = self._looked.get((organization_id, module), 0)
            last = await self._records.store.call(
                "trim_records",
                [keys.events],
                [
                    module,
                    keys.prefix + place(module, ""),
                    self._clock() - self._ttl,
                    looked,
                    TRIMMED,
                ],
            )
            self._looked[organization_id, module] = last

    async def _read(
        self, organization_id: str, module: str, ids: Sequence[str]
    ) -> list[StoredRecord]:
        found = await self._records.read_many(organization_id, [(module, one) for one in ids])
        gone = [one for one, record in zip(ids, found, strict=True) if record is None]
        if gone:
            entries = [f"{letter}{one}" for one in gone for letter in ("", *LETTERS)]
            with unavailable_if_away():
                await self._redis.zrem(Keys(organization_id).index(module), *entries)
        return [record for record in found if record]
