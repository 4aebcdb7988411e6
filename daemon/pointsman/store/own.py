"""Owners that an algorithm finds: whose turn it is, or who has the least to do; all in one script.

How many open records everybody has is counted only while somebody wants to know: from the first
question on, all records are noted once, and then those that change. An hour after the last question
the count is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.ids import milliseconds
from pointsman.modules import MODULES
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.record_changes import event_types
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import Choice

__all__ = ["OwnStore", "Owned", "Owning"]

_KEPT = int(timedelta(hours=1).total_seconds() * 1000)
_PAGE = 500
_TRIES = 3


class Owning(NamedTuple):
    """The record that shall get an owner, and whose change it is.

    ``operation`` makes a repeated call the same change. With ``overwrite`` an owner is replaced.
    """

    organization_id: str
    module: str
    record_id: str
    operation: str
    origin: str
    depth: int
    overwrite: bool = False


class Owned(NamedTuple):
    """What came of it: ``done``, or why not; ``reason`` is ``assigned`` or ``already_owned``."""

    status: str
    generation: int
    owner: str | None = None
    before: str | None = None
    reason: str = ""


class OwnStore:
    """Gives records of every module their owners."""

    def __init__(
        self, store: RedisStore, settings: Settings, *, clock: Callable[[], int] = milliseconds
    ) -> None:
        self._store = store
        self._clock = clock
        self._ttl = int(settings.lead_retention.total_seconds() * 1000)
        self._log_ttl = int(settings.event_retention.total_seconds() * 1000)
        self._limit = settings.history_limit

    async def turn(self, owning: Owning, choice: Choice, people: Any = None) -> Owned:
        """Give a record to whose turn it is in the chosen pool.

        ``people`` is what ``pools.compile.published`` tells of a pool that is not published: it has
        a pointer of its own, made with its first turn.
        """
        keys = Keys(owning.organization_id)
        named = (keys.pool, keys.cycle, keys.history, keys.stats, keys.caps, keys.held)
        names = [name(choice.pool_id) for name in named]
        told = "" if people is None else dumps(people)
        return await self._call("own_turn", owning, names, [choice.text(), told, self._ttl])

    async def least(self, owning: Owning, people: Sequence[str]) -> Owned:
        """Give a record to whoever of ``people`` (member ids) has the fewest open ones."""
        owned = Keys(owning.organization_id).owned(owning.module)
        args: list[Argument] = [" ".join(people), _closed(owning.module), _KEPT]
        for _ in range(_TRIES):
            found = await self._call("own_least", owning, [owned], args)
            if found.status != "unread":
                break
            await self._read(owning.organization_id, owning.module)
        return found

    async def note(self, organization_id: str, module: str, records: Sequence[str]) -> None:
        """Note whose records are that were changed, if anybody wants to know."""
        if records:
            await self._note("keep", organization_id, module, records)

    async def _read(self, organization_id: str, module: str) -> None:
        """Note all records of a module."""
        index, least, same = Keys(organization_id).index(module), 0.0, 0
        while True:
            with unavailable_if_away():
                found: list[Any] = await self._store.redis.zrange(
                    index, least, "+inf", byscore=True, offset=same, num=_PAGE, withscores=True
                )
            if not found:
                break
            ids = [one.decode() for one, _ in found]
            await self._note("read", organization_id, module, ids)
            last = found[-1][1]
            equal = sum(at == last for _, at in found)
            same, least = equal + (same if last == least else 0), last
        await self._note("whole", organization_id, module, ())

    async def _note(
        self, how: str, organization_id: str, module: str, records: Sequence[str]
    ) -> None:
        keys = Keys(organization_id)
        names = [keys.owned(module), *(keys.record(module, one) for one in records)]
        await self._store.call("note_owned", names, [how, _closed(module), _KEPT])

    async def _call(
        self, script: str, owning: Owning, names: Sequence[str], args: Sequence[Argument]
    ) -> Owned:
        keys, module = Keys(owning.organization_id), MODULES[owning.module]
        key = keys.record(owning.module, owning.record_id)
        types = ",".join(event_types(module, {}, {"owner_id": "somebody"}))
        told = (
            f"{module.name} {types} {owning.origin} {owning.depth} {self._ttl} {self._log_ttl} "
            f"{self._limit} {int(owning.overwrite)}"
        )
        own = [key, f"{key}:log", keys.events, keys.generation, keys.once(owning.operation)]
        status, generation, *answer = await self._store.call(
            script, [*own, *names], [self._clock(), told, *args]
        )
        return Owned(status.decode(), generation, **(loads(answer[0]) if answer else {}))


def _closed(module: str) -> str:
    """Return the field that a closed record has."""
    return "converted_at" if module == "leads" else MODULES[module].closed or "-"
