"""Leads in Redis: taken in, assigned, changed, read.

``take`` is the daemon's hot path: one script, one round trip, and as few arguments as will do. What
a script refuses without having written anything (``stale``, ``gone``, ``lost``) comes back as the
``status`` for the caller to decide again; it is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from orjson import dumps

from pointsman.errors import Refused
from pointsman.ids import milliseconds
from pointsman.model import Origin, Snapshot
from pointsman.settings import Settings
from pointsman.store.keys import Keys
from pointsman.store.redis import Argument, RedisStore
from pointsman.store.stored import (
    Assignment,
    Choice,
    Idempotency,
    LogEntry,
    NewLead,
    StoredLead,
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
    "StoredLead",
    "Taken",
]

_KEPT_ORGANIZATIONS = 10_000
_TRIES = 20
_EVENTS = {"stage": "lead_stage_changed", "score": "lead_score_changed"}


class LeadStore:
    """The leads of all organizations in one Redis."""

    def __init__(self, store: RedisStore, settings: Settings) -> None:
        self.store = store
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
        if idempotency is not None:
            keys.append(Keys(organization_id).idempotency(idempotency.key))
            args.append(idempotency.body)
        return taken(lead.id, await self.store.call("take_lead", keys, args))

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
    ) -> tuple[StoredLead | None, int]:
        """Return the lead (``None`` if unknown), and the current generation's number."""
        answer = await self._read(organization_id, [lead_id], [0 if log else -1])
        return stored(lead_id, answer[1]), answer[0]

    async def snapshots(
        self, organization_id: str, wanted: Iterable[tuple[str, int]]
    ) -> list[Snapshot | None]:
        """Return leads as the given revisions left them, in one round trip; ``None``: unknown."""
        pairs = list(wanted)
        if not pairs:
            return []
        answer = await self._read(organization_id, [i for i, _ in pairs], [r for _, r in pairs])
        leads = (stored(i, lead) for (i, _), lead in zip(pairs, answer[1:], strict=True))
        return [
            lead and lead.snapshot(revision)
            for lead, (_, revision) in zip(leads, pairs, strict=True)
        ]

    async def change(
        self,
        organization_id: str,
        lead_id: str,
        edit: Callable[[dict[str, Any]], Mapping[str, Any] | None],
        *,
        operation: str,
        created_by: str,
        depth: int = 0,
    ) -> int | None:
        """Change a lead's data and return its revision; ``None`` if the lead is unknown.

        ``edit`` gets the data, changes it in place, and returns the earlier values of what it
        changed (``records.difference`` finds them), or ``None`` if there is nothing to change. It
        is called again when someone else changed the lead meanwhile. One change is one entry of
        the stream, whatever events it is: a new stage is a ``lead_stage_changed`` too.
        """
        for _ in range(_TRIES):
            lead, _ = await self.read(organization_id, lead_id)
            if lead is None:
                return None
            data = dict(lead.data)
            previous = edit(data)
            if previous is None:
                return lead.revision
            types = ["lead_updated", *(_EVENTS[name] for name in _EVENTS if name in previous)]
            meta = f"{','.join(types)} {created_by} {depth} {self._ttl} {self._log_ttl}"
            args: list[Argument] = [
                milliseconds(),
                lead.revision,
                dumps(data),
                dumps(previous),
                meta,
            ]
            status, revision = await self._change(organization_id, lead_id, operation, args)
            if status == b"changed":
                return revision
            if status == b"unknown":
                return None
        raise Refused(
            f"lead {lead_id} is being changed by others all the time; try again",
            status=HTTPStatus.CONFLICT,
            code="CONFLICT",
        )

    async def erase(self, organization_id: str, lead_id: str) -> bool:
        """Remove all that is known of a lead but that it was; ``False`` if there is no such lead.

        Its place in the history of its pool stays, so that turns and counts stay true.
        """
        keys = Keys(organization_id)
        names = [keys.lead(lead_id), keys.log(lead_id), keys.lead_runs(lead_id)]
        erased: int = await self.store.call("erase_lead", names, [milliseconds(), self._ttl])
        return erased == 1

    async def _change(
        self, organization_id: str, lead_id: str, operation: str, args: Sequence[Argument]
    ) -> tuple[bytes, int]:
        keys = Keys(organization_id)
        names = [keys.lead(lead_id), keys.log(lead_id), keys.events, keys.once(operation)]
        status, revision = await self.store.call("change_lead", names, args)
        return status, revision

    async def _read(
        self, organization_id: str, leads: Sequence[str], back: Sequence[int]
    ) -> list[Any]:
        keys = Keys(organization_id)
        names = [keys.generation]
        for lead in leads:
            names += (keys.lead(lead), keys.log(lead))
        answer: list[Any] = await self.store.call("read_leads", names, back)
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


def _origin_json(origin: Origin) -> bytes:
    return dumps({name: v for name in Origin.__slots__ if (v := getattr(origin, name)) is not None})
