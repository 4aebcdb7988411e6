"""How long someone has to accept a lead: the ``accept`` of a pool.

Where only working hours count, the time that nobody works is told to the script as a number of
milliseconds for everyone at once, made anew only when it is another one; who gets the lead is
known there alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.calendar import FOREVER, Schedule, add_working_time, standing
from pointsman.model import Participant
from pointsman.pools.times import read_time, write_time

__all__ = ["PoolAccept", "compile_accept"]

_LONGEST = 30
_HOPS = 3

Report = Callable[[tuple[str | int, ...], str], None]


@dataclass(slots=True)
class _Group:
    """The people (by order) who work by the same schedules; ``away`` until ``until``."""

    schedules: tuple[Schedule, ...]
    orders: list[int]
    away: int = 0
    until: int = 0


class PoolAccept:
    """Until when the leads of one pool are to be accepted, and what happens else.

    ``then`` is ``keep``, ``unassign`` or ``fallback``: what happens after so many ``hops``, or when
    nobody else may be served.
    """

    __slots__ = ("_groups", "_since", "_text", "_until", "hops", "then", "within", "working_hours")

    def __init__(
        self,
        people: Sequence[Participant],
        within: int,
        *,
        working_hours: bool = False,
        hops: int = _HOPS,
        then: str = "keep",
    ) -> None:
        groups: dict[tuple[Schedule, ...], _Group] = {}
        for person in people if working_hours else ():
            schedules = tuple(person.schedules)
            groups.setdefault(schedules, _Group(schedules, [])).orders.append(person.order)
        self._groups = list(groups.values())
        self.within = within
        self.working_hours = working_hours
        self.hops = hops
        self.then = then
        self._since = self._until = 0
        self._text = ""

    def decisive(self) -> list[Any]:
        """Return what of this a decision depends on."""
        return [self.within, self.working_hours, self.hops, self.then]

    def told(self) -> str:
        """Return all of it as a sentence."""
        time = write_time(self.within)
        within = f"to be accepted within {time}{' of working time' if self.working_hours else ''}"
        return f"{within}, else it goes on, {self.hops} times at most; then: {self.then}"

    def at(self, now: int) -> str:
        """Return what the script of a turn must know; accept.lua reads it."""
        if not self._since <= now < self._until:
            self._refresh(now)
        return self._text

    def _refresh(self, now: int) -> None:
        for group in self._groups:
            group.away, group.until = _away(group.schedules, now, self.within)
        self._since = now
        self._until = min((one.until for one in self._groups), default=FOREVER)
        people = Counter({one.away: 0 for one in self._groups})
        for one in self._groups:
            people[one.away] += len(one.orders)
        usual = people.most_common(1)[0][0] if people else 0
        others = ",".join(
            f"{order}={one.away}"
            for one in self._groups
            if one.away != usual
            for order in one.orders
        )
        self._text = f"{self.within} {usual} {f',{others},' if others else '-'}"


def compile_accept(
    document: Mapping[str, Any] | None,
    people: Sequence[Participant],
    report: Report,
    *,
    fallback: bool,
) -> PoolAccept | None:
    """Return what a valid ``accept`` means; ``fallback`` is whether the pool names one."""
    if document is None:
        return None
    within = read_time(document["within"], _LONGEST, ("accept", "within"), report)
    then = document.get("then", "keep")
    if then == "fallback" and not fallback:
        report(("accept", "then"), "'fallback' needs a 'fallback_pool' beside 'accept'")
    return PoolAccept(
        people,
        within,
        working_hours=document.get("working_hours", False),
        hops=document.get("hops", _HOPS),
        then=then,
    )


def _away(schedules: Sequence[Schedule], now: int, within: int) -> tuple[int, int]:
    """Return the milliseconds that do not count from ``now`` on, and to before when that is so.

    As time goes on the end moves along with it, for as long as both are within an opening.
    """
    due = add_working_time(schedules, now, within)
    if due >= FOREVER:
        return FOREVER, standing(schedules, now).until
    here, there = standing(schedules, now), standing(schedules, due)
    room = there.until - due if there.reason is None else 0
    return due - now - within, min(here.until, now + max(room, 1))
