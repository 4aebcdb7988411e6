"""The events of leads' ways through flows, read back: of one lead, and of all by time.

An event's id is that of its lead and a number, so an index of ids by time is all there is to keep;
what an event tells stays under its lead and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orjson import loads

from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["FlowEvents", "Span"]

_LEAD = 24
_UNSEEN = (None, "skip")
_LATER = ("source", "bid", "retry", "feedback-received", "feedback-sent")
"""Events that later steps see nothing of."""

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time (milliseconds, both ends in it), read from ``newest`` or oldest on.

    ``beyond`` is the id of an event after which to go on.
    """

    start: int
    end: int
    newest: bool = True
    beyond: str | None = None


class FlowEvents:
    """Reads the events of flows of all organizations in one Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._redis = store.redis

    async def of_lead(self, organization_id: str, lead_id: str) -> list[Event]:
        """Return a lead's events in the order in which they happened, with their variables."""
        key = Keys(organization_id).flow_story(lead_id)
        with unavailable_if_away():
            found = await self._redis.lrange(key, 0, -1)
        return _told([loads(text) for text in found])

    async def read(self, organization_id: str, event_id: str) -> Event | None:
        """Return one event; ``None`` if there is none, or none any more."""
        events = await self.of_lead(organization_id, event_id[:_LEAD])
        return next((event for event in events if event["id"] == event_id), None)

    async def page(
        self, organization_id: str, span: Span, count: int
    ) -> tuple[list[Event], str | None]:
        """Return the next events of a span, and the id to go on after (``None``: there are none).

        Events whose lead was erased meanwhile are left out, so there may be fewer than ``count``.
        """
        ids = await self._ids(organization_id, span, count)
        found = await self.known(organization_id, ids)
        return found, ids[-1] if len(ids) == count else None

    async def known(self, organization_id: str, ids: Sequence[str]) -> list[Event]:
        """Return the events with these ids, in their order, as far as there are any."""
        leads = list(dict.fromkeys(one[:_LEAD] for one in ids))
        keys = Keys(organization_id)
        with unavailable_if_away():
            async with self._redis.pipeline(transaction=False) as pipe:
                for lead in leads:
                    pipe.lrange(keys.flow_story(lead), 0, -1)
                stories = await pipe.execute()
        known = {
            event["id"]: event for story in stories for event in _told([loads(t) for t in story])
        }
        return [known[one] for one in ids if one in known]

    async def _ids(self, organization_id: str, span: Span, count: int) -> Sequence[str]:
        """Return ids in order; those of one millisecond by id."""
        start, end = str(span.start), str(span.end)
        key, skipped = Keys(organization_id).flow_events, 0
        with unavailable_if_away():
            if span.beyond is not None:
                score = await self._redis.zscore(key, span.beyond)
                at = int(score) if score is not None else int(span.beyond[:12], 16)
                start, end = (start, str(at)) if span.newest else (str(at), end)
            found: list[str] = []
            while len(found) < count:
                some = await self._some(key, start, end, skipped, count, newest=span.newest)
                found += [one for one in some if _is_beyond(one, span)]
                skipped += len(some)
                if len(some) < count:
                    break
        return found[:count]

    async def _some(
        self, key: str, start: str, end: str, skipped: int, count: int, *, newest: bool
    ) -> list[str]:
        read: Any = self._redis.zrevrangebyscore if newest else self._redis.zrangebyscore
        ends = (end, start) if newest else (start, end)
        found: list[bytes] = await read(key, *ends, start=skipped, num=count)
        return [one.decode() for one in found]


def _is_beyond(event_id: str, span: Span) -> bool:
    """Whether an event comes after the one to go on from; only those of its time are in doubt."""
    if span.beyond is None or event_id[:12] != span.beyond[:12]:
        return True
    return event_id < span.beyond if span.newest else event_id > span.beyond


def _told(story: Sequence[dict[str, Any]]) -> list[Event]:
    """Return events with the variables as they stood at each: the source's and what was added."""
    source = next((event for event in story if event["type"] == "source"), None)
    if source is None:
        return list(story)
    seen: dict[str, Any] = dict(source.get("vars", {}))
    told: list[Event] = []
    for event in story:
        told.append({**event, "vars": dict(seen)})
        if "key" in event and event.get("outcome") not in _UNSEEN and event["type"] not in _LATER:
            facts = {name: event[name] for name in ("outcome", "reason", "price") if name in event}
            seen[event["key"]] = {**event.get("appended", {}), **facts}
    return told
