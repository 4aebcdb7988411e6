"""The events of leads' ways through flows, read back: of one lead, and of all by time.

An event's id is that of its lead and a number, so an index of ids by time is all there is to keep;
what an event tells stays under its lead and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orjson import loads

from pointsman.calendar import FOREVER
from pointsman.store.away import unavailable_if_away
from pointsman.store.keys import Keys
from pointsman.store.redis import RedisStore

__all__ = ["FlowEvents", "Span"]

_LEAD = 24
_UNSEEN = (None, "skip")
_LATER = ("source", "bid", "retry", "feedback-received", "feedback-sent")
"""Events that later steps see nothing of."""

Event = Mapping[str, Any]
_Place = tuple[int, str]
_LAST = "g"
"""Comes after every id, whose digits are those of hex."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time (milliseconds, both ends in it), read from ``newest`` or oldest on.

    ``before`` and ``after`` are ids of events that it lies between.
    """

    start: int
    end: int
    newest: bool = True
    before: str | None = None
    after: str | None = None

    def beyond(self, event_id: str | None) -> Span:
        """Return what is left of it to read after an event."""
        if event_id is None:
            return self
        return replace(self, before=event_id) if self.newest else replace(self, after=event_id)


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
        key, skipped, found = Keys(organization_id).flow_events, 0, list[str]()
        with unavailable_if_away():
            low = max((span.start, ""), await self._place(key, span.after) or (0, ""))
            high = min((span.end, _LAST), await self._place(key, span.before) or (FOREVER, _LAST))
            while len(found) < count:
                some = await self._some(key, low[0], high[0], skipped, count, newest=span.newest)
                found += [one for one, at in some if low < (at, one) < high]
                skipped += len(some)
                if len(some) < count:
                    break
        return found[:count]

    async def _place(self, key: str, event_id: str | None) -> _Place | None:
        """Return where an event stands in the index; one that is gone stood at its lead's time."""
        if event_id is None:
            return None
        score = await self._redis.zscore(key, event_id)
        return (int(event_id[:12], 16) if score is None else int(score)), event_id

    async def _some(
        self, key: str, low: int, high: int, skipped: int, count: int, *, newest: bool
    ) -> list[tuple[str, int]]:
        read: Any = self._redis.zrevrangebyscore if newest else self._redis.zrangebyscore
        ends = (high, low) if newest else (low, high)
        found = await read(key, *ends, start=skipped, num=count, withscores=True)
        return [(one.decode(), int(at)) for one, at in found]


def _told(story: Sequence[dict[str, Any]]) -> list[Event]:
    """Return events with the variables as they stood at each: what was added until then.

    The source's event is made at the end, so it has what every step added.
    """
    source = next((event for event in story if event["type"] == "source"), None)
    if source is None:
        return list(story)
    whole, steps = source.get("vars", {}), {event.get("key") for event in story}
    seen: dict[str, Any] = {name: value for name, value in whole.items() if name not in steps}
    told: list[Event] = []
    for event in story:
        seen |= whole if event is source else {}
        told.append({**event, "vars": dict(seen)})
        if "key" in event and event.get("outcome") not in _UNSEEN and event["type"] not in _LATER:
            facts = {name: event[name] for name in ("outcome", "reason", "price") if name in event}
            seen[event["key"]] = {**event.get("appended", {}), **facts}
    return told
