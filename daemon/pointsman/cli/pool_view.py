"""A pool at this moment: everybody's place, what keeps them from being served, and who waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pointsman.calendar import FOREVER, standing, window
from pointsman.cli.desk import Desk, stem
from pointsman.cli.tables import aligned
from pointsman.ids import lead_uuid, milliseconds
from pointsman.model import Participant, Pool
from pointsman.pools.explain import explain_turn
from pointsman.pools.replay import Line
from pointsman.store.keys import Keys
from pointsman.store.pools import PoolState
from pointsman.store.stored import rfc3339
from pointsman.store.whole_pools import Whole

__all__ = ["View", "as_json", "as_text", "look"]

_SHOWN_LEADS = 10


@dataclass(frozen=True, slots=True)
class Usage:
    """A cap, and how much of it is used in the window of now."""

    used: int
    limit: int
    per: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Place:
    """Someone in the pool; ``reason`` is why they would not be served, ``until`` at least when.

    ``held`` turns are left to them, ``credited`` were given back, ``owed`` they took ahead.
    """

    order: int
    handle: str
    member_id: str
    participant_id: str
    weight: int
    next: bool
    reason: str | None
    until: str | None
    caps: Sequence[Usage]
    held: int
    credited: int
    owed: int
    assigned: int
    last: str | None


@dataclass(frozen=True, slots=True)
class View:
    """All of it."""

    pool: Pool
    state: PoolState
    places: Sequence[Place]
    line: Sequence[str]
    waiting: Sequence[str]


async def look(desk: Desk, pool: Pool) -> View:
    """Return how a pool stands now."""
    now = milliseconds()
    state = await desk.pools.state(desk.organization_id, pool, now)
    whole = await desk.whole.snapshot(desk.organization_id, pool.id)
    line = [Line.told(text) for text in whole.held]
    parked = Keys(desk.organization_id).parked(pool.id)
    waiting: list[Any] = await desk.store.redis.zrange(parked, 0, _SHOWN_LEADS - 1)
    people = {person.id: person for person in pool.participants}
    return View(
        pool=pool,
        state=state,
        places=[_place(person, state, whole, line, now) for person in pool.participants],
        line=[
            people[each.participant].member.handle for each in line if each.participant in people
        ],
        waiting=[lead_uuid(lead.decode()) for lead in waiting],
    )


def as_json(view: View) -> dict[str, Any]:
    """Return a view as data."""
    pool, state = view.pool, view.state
    return {
        "pool": stem(pool),
        "id": pool.id,
        "name": pool.name,
        "active": pool.active,
        "revision": pool.revision,
        "turn": state.turn,
        "next": state.next.member.handle if state.next else None,
        "assigned": state.total,
        "last": _time(state.last),
        "participants": [asdict(place) for place in view.places],
        "line": list(view.line),
        "parked": {
            "count": state.parked,
            "oldest": _time(state.oldest),
            "leads": list(view.waiting),
        },
    }


def as_text(view: View) -> Iterator[str]:
    """Yield a view as lines."""
    pool, state = view.pool, view.state
    off = "" if pool.active else ", not active"
    yield f"{pool.name} ({pool.file}{off}): {state.total} assigned, turn {state.turn} is next"
    yield ""
    head = ("", "order", "person", "weight", "assigned", "caps", "turns left", "")
    yield from aligned([head, *(_cells(place) for place in view.places)])
    yield ""
    if view.line:
        yield f"first in line, when they can be served: {', '.join(view.line)}"
    yield from explain_turn(state)
    if state.parked:
        more = "" if state.parked <= len(view.waiting) else " .."
        yield f"waiting since {_time(state.oldest)}: {' '.join(view.waiting)}{more}"


def _place(
    person: Participant, state: PoolState, whole: Whole, line: Sequence[Line], now: int
) -> Place:
    reasons = {passed.participant.id: passed.reason for passed in state.passed_over}
    caps = [_usage(person, whole.caps, place, now) for place in range(len(person.caps))]
    reason, until = _kept(person, caps, now)
    own = Counter(each.credit for each in line if each.participant == person.id)
    count, last = state.members.get(person.member.id, (0, 0))
    return Place(
        order=person.order,
        handle=person.member.handle,
        member_id=person.member.id,
        participant_id=person.id,
        weight=person.weight,
        next=state.next is not None and state.next.id == person.id,
        reason=reason or reasons.get(person.id),
        until=until,
        caps=caps,
        held=own[False],
        credited=own[True],
        owed=int(whole.owed.get(person.id, "0")),
        assigned=count,
        last=_time(last),
    )


def _kept(person: Participant, caps: Sequence[Usage], now: int) -> tuple[str | None, str | None]:
    """Return why someone would not be served now, and when that ends at the earliest."""
    if not (person.active and person.member.active):
        return "inactive", None
    if not person.weight:
        return "weight_zero", None
    there = standing(tuple(person.schedules), now)
    if there.reason:
        return there.reason, rfc3339(there.until) if there.until < FOREVER else None
    full = [cap for cap in caps if cap.used >= cap.limit]
    if full:
        return "at_cap", rfc3339(max(window(now, cap.per, cap.time_zone).end for cap in full))
    return None, None


def _usage(person: Participant, used: Mapping[str, str], place: int, now: int) -> Usage:
    cap = person.caps[place]
    start, turns = used.get(f"{person.id} {cap.per}@{cap.time_zone}", "0 0").split(" ")
    current = int(start) >= window(now, cap.per, cap.time_zone).start
    return Usage(int(turns) if current else 0, cap.limit, cap.per, cap.time_zone)


def _cells(place: Place) -> tuple[str, ...]:
    caps = ", ".join(f"{cap.used} of {cap.limit} a {cap.per}" for cap in place.caps)
    left = [
        f"{number} {what}"
        for number, what in (
            (place.held, "held"),
            (place.credited, "given back"),
            (-place.owed, "taken ahead"),
        )
        if number
    ]
    why = "" if place.reason is None else place.reason
    return (
        "->" if place.next else "",
        f"{place.order}.",
        place.handle,
        str(place.weight),
        str(place.assigned),
        caps or "-",
        ", ".join(left) or "-",
        f"{why} until {place.until}" if place.until else why,
    )


def _time(at: int | None) -> str | None:
    return rfc3339(at) if at else None
