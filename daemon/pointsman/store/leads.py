"""Leads in Redis: taken in and assigned; in all else they are records (``store.records``).

``take`` is the daemon's hot path: one script, one round trip, and as few arguments as will do; of
its scripts the shortest that will do, for each costs Redis what it could do too. What a script
refuses without having written anything (``stale``, ``gone``, ``lost``) comes back as the ``status``
for the caller to decide again; it is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from orjson import dumps

from pointsman.ids import milliseconds
from pointsman.model import Origin
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.records import RecordStore
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import (
    Assignment,
    Choice,
    Idempotency,
    LogEntry,
    NewLead,
    StoredRecord,
    Taken,
    stored,
    taken,
)

__all__ = [
    "Assignment",
    "Choice",
    "Idempotency",
    "LeadStore",
    "LogEntry",
    "NewLead",
    "StoredRecord",
    "Taken",
]

_KEPT_ORGANIZATIONS = 10_000


class LeadStore:
    """The leads of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self.store = store
        self.records = RecordStore(store, settings)
        self._ttl = int(settings.lead_retention.total_seconds() * 1000)
        self._log_ttl = int(settings.event_retention.total_seconds() * 1000)
        self._limit = settings.history_limit
        self._metas: dict[tuple[str, str, int], str] = {}

    async def take(
        self,
        organization_id: str,
        lead: NewLead,
        choice: Choice | None = None,
        *,
        reason: str = "",
        idempotency: Idempotency | None = None,
    ) -> Taken:
        """Store ``lead`` and give it a turn in the chosen pool; ``reason`` why none was chosen.

        The lead's id is the operation id: taking it again gives the first answer.
        """
        prefix, shared = _shared(organization_id)
        key = prefix + lead.id
        keys = [key, f"{key}:log", *shared]
        args: list[Argument] = [
            lead.at,
            dumps(lead.data),
            _origin_json(lead.origin),
            self._meta(lead.source, lead.created_by, lead.depth),
        ]
        if choice is None:
            args.append(reason)
        else:
            keys += _pool_keys(organization_id, choice.pool_id)
            if choice.limits:
                keys += _limit_keys(organization_id, choice.pool_id)
            args.append(choice.text())
        if idempotency is None:
            args.append("")
        else:
            keys.append(Keys(organization_id).idempotency(idempotency.key))
            args.append(idempotency.body)
        args.append(lead.found)
        if lead.story:
            args += (lead.told, lead.caps, lead.capped, lead.claims, lead.unlisted, *lead.story)
        elif lead.owner:
            args.append(lead.owner)
        return taken(lead.id, await self.store.call(_script(lead, choice), keys, args))

    async def assign(
        self,
        organization_id: str,
        lead_id: str,
        choice: Choice,
        *,
        source: str,
        operation: str,
        created_by: str = "api",
        depth: int = 0,
        at: int | None = None,
    ) -> Taken:
        """Give a stored lead without an owner a turn in the chosen pool, now or ``at``."""
        prefix, shared = _shared(organization_id)
        key = prefix + lead_id
        keys = [
            key,
            f"{key}:log",
            *shared,
            Keys(organization_id).once(operation),
            *_pool_keys(organization_id, choice.pool_id),
            *(_limit_keys(organization_id, choice.pool_id) if choice.limits else ()),
        ]
        meta = self._meta(source, created_by, depth)
        args: list[Argument] = [milliseconds() if at is None else at, meta, choice.text()]
        return taken(lead_id, await self.store.call("assign", keys, args))

    async def read(
        self, organization_id: str, lead_id: str, *, log: bool = False
    ) -> tuple[StoredRecord | None, int]:
        """Return the lead (``None`` if unknown), and the current generation's number."""
        answer = await self._read(organization_id, [lead_id], [0 if log else -1])
        lead = stored(lead_id, answer[1])
        return lead if lead and not lead.deleted else None, answer[0]

    async def _read(
        self, organization_id: str, leads: Sequence[str], back: Sequence[int]
    ) -> list[Any]:
        keys = Keys(organization_id)
        names = [keys.generation]
        for lead in leads:
            names += (keys.lead(lead), keys.log(lead))
        answer: list[Any] = await self.store.call("read_records", names, back)
        return answer

    def _meta(self, source: str, created_by: str, depth: int) -> str:
        """Return the argument that hardly ever changes, made once."""
        key = (source, created_by, depth)
        meta = self._metas.get(key)
        if meta is None:
            if len(f"{source} {created_by}".split()) != len(key) - 1 or '"' in created_by:
                raise ValueError(f"no name of a source or origin: {source!r}, {created_by!r}")
            meta = f"{source} {created_by} {depth} {self._ttl} {self._log_ttl} {self._limit}"
            if len(self._metas) < _KEPT_ORGANIZATIONS:
                self._metas[key] = meta
        return meta


_keys = lru_cache(maxsize=_KEPT_ORGANIZATIONS)(Keys)


@lru_cache(maxsize=_KEPT_ORGANIZATIONS)
def _shared(organization_id: str) -> tuple[str, tuple[str, str]]:
    """Return the prefix of lead keys, and the event stream and generation."""
    keys = _keys(organization_id)
    return keys.lead(""), (keys.events, keys.generation)


def _pool_keys(organization_id: str, pool: str) -> tuple[str, ...]:
    # Not kept: making the texts costs no more than finding them among those of thousands of pools.
    keys = _keys(organization_id)
    return keys.pool(pool), keys.cycle(pool), keys.history(pool), keys.stats(pool)


def _limit_keys(organization_id: str, pool: str) -> tuple[str, ...]:
    keys = _keys(organization_id)
    return keys.caps(pool), keys.held(pool)


def _script(lead: NewLead, choice: Choice | None) -> str:
    """Return the name of the shortest script that can take the lead."""
    if lead.story:
        return "take_submission"
    if lead.owner:
        return "take_owned"
    return "take_plain" if choice is None or choice.is_plain else "take_lead"


def _origin_json(origin: Origin) -> bytes:
    told = zip(Origin._fields, origin, strict=True)
    return dumps({name: value for name, value in told if value is not None})
