"""Leads by Meta's ids: which lead each is here, and which still have to be read from Meta.

Ids and nothing of a person. What is noted outlives every process, so a notification can be
answered before the lead was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from orjson import dumps, loads

from pointsman.ids import lead_id as new_lead_id
from pointsman.ids import milliseconds
from pointsman.model import Origin
from pointsman.settings import Settings
from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore

__all__ = ["FailedLeadgen", "Leadgen", "LeadgenStore", "Noted", "Waiting"]

LISTED = 10_000
"""Leads that were given up and are still known as such; the newest."""


class Leadgen(NamedTuple):
    """A lead by Meta's id; with ``reads`` it is only told of and has to be read."""

    id: str
    origin: Origin
    reads: bool


class Noted(NamedTuple):
    """The lead (24 hex) that one of Meta's is here, and whether it was taken before."""

    lead_id: str
    taken: bool


class Waiting(NamedTuple):
    """One that has to be read: the lead that it becomes, and which attempt is due when."""

    id: str
    lead_id: str
    origin: Origin
    attempt: int
    due: int


class FailedLeadgen(NamedTuple):
    """One that was given up: when (milliseconds), and why."""

    id: str
    origin: Origin
    at: int
    error: str


class LeadgenStore:
    """Meta's leads of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self._store = store
        self._ttl = int(settings.lead_retention.total_seconds() * 1000)

    async def accept(self, organization_id: str, leads: Sequence[Leadgen]) -> list[Noted]:
        """Note leads, and have those read that must be."""
        keys, now = Keys(organization_id), milliseconds()
        args: list[Argument] = [now, self._ttl]
        for lead in leads:
            args += (lead.id, new_lead_id(now), _told(lead.origin) if lead.reads else "")
        names = [keys.outbox, keys.failed_leadgens, *(keys.leadgen(lead.id) for lead in leads)]
        answer = await self._store.call("accept_leadgens", names, args)
        return [
            Noted(identifier.decode(), before == 1)
            for identifier, before in zip(answer[::2], answer[1::2], strict=True)
        ]

    async def failed(self, organization_id: str) -> list[FailedLeadgen]:
        """Return those that were given up and not told of since, newest first."""
        keys = Keys(organization_id)
        redis = self._store.redis
        with unavailable_if_away():
            found: Any = await redis.zrevrange(keys.failed_leadgens, 0, LISTED, withscores=True)
            async with redis.pipeline(transaction=False) as pipe:
                for name, _ in found:
                    pipe.hmget(keys.leadgen(name.decode()), "origin", "error")
                told = await pipe.execute()
        return [
            FailedLeadgen(
                name.decode(),
                Origin(**loads(origin)) if origin else Origin("meta"),
                int(at),
                (error or b"").decode(),
            )
            for (name, at), (origin, error) in zip(found, told, strict=True)
        ]

    async def waiting(self, organization_id: str, identifier: str) -> Waiting | None:
        """Return a lead that has to be read; ``None`` if it has not, or not any more."""
        with unavailable_if_away():
            kept: Any = await self._store.redis.hmget(
                Keys(organization_id).leadgen(identifier),
                ["state", "lead", "origin", "attempt", "due"],
            )
        state, lead, origin, attempt, due = kept
        if state != b"waiting":
            return None
        return Waiting(identifier, lead.decode(), Origin(**loads(origin)), int(attempt), int(due))

    async def settle(
        self, organization_id: str, identifier: str, attempt: int, state: str, error: str = ""
    ) -> bool:
        """Note that an attempt (0 if nothing was to be read) ended as ``taken`` or ``failed``."""
        args: list[Argument] = [attempt, state, error, milliseconds()]
        return await self._settle(organization_id, identifier, args)

    async def postpone(self, organization_id: str, one: Waiting, due: int, error: str) -> bool:
        """Have the next attempt made at ``due`` (milliseconds)."""
        return await self._settle(organization_id, one.id, [one.attempt, "waiting", error, due])

    async def _settle(
        self, organization_id: str, identifier: str, args: Sequence[Argument]
    ) -> bool:
        keys = Keys(organization_id)
        names = [keys.leadgen(identifier), keys.outbox, keys.failed_leadgens]
        every = [identifier, *args, self._ttl, LISTED]
        noted: int = await self._store.call("settle_leadgen", names, every)
        return noted == 1


def _told(origin: Origin) -> bytes:
    return dumps({name: v for name, v in origin._asdict().items() if v is not None})
