"""What keeps people of a pool from being served now: hours, absences, caps.

The calendar is read here and not in Redis: :meth:`PoolLimits.at` gives the script one text, made
anew only when something in it has changed. The script, which knows how much of each cap is used,
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointsman.calendar import FOREVER, Schedule, Window, standing, window
from pointsman.model import Cap, Participant

__all__ = ["PoolLimits", "compile_caps", "slots"]

Report = Callable[[tuple[str | int, ...], str], None]
Slot = tuple[str, str]

_DIGITS = {None: ord("0"), "out_of_hours": ord("1"), "out_of_office": ord("2")}


@dataclass(slots=True)
class _Group:
    """The people (by order) who work by the same schedules, and whether they are there."""

    schedules: tuple[Schedule, ...]
    orders: list[int]
    until: int = 0


class PoolLimits:
    """The limits of one pool; keeps the text of now until it is no longer right.

    ``otherwise`` is whether another pool is asked after this one, ``ahead`` whether turns can be
    taken ahead; with ``told`` there is a text though nothing limits the people.
    """

    __slots__ = (
        "_away",
        "_groups",
        "_since",
        "_slots",
        "_text",
        "_until",
        "_windows",
        "ahead",
        "hold",
        "otherwise",
        "told",
    )

    def __init__(
        self,
        people: Sequence[Participant],
        *,
        hold: bool = False,
        otherwise: bool = False,
        ahead: bool = False,
        told: bool = False,
    ) -> None:
        groups: dict[tuple[Schedule, ...], _Group] = {}
        for person in people:
            if schedules := tuple(person.schedules):
                group = groups.setdefault(schedules, _Group(schedules, []))
                group.orders.append(person.order)
        self._groups = list(groups.values())
        self.hold = hold
        self.otherwise = otherwise
        self.ahead = ahead
        self.told = told
        self._slots = slots(people)
        self._windows: list[Window] = [Window(0, 0)] * len(self._slots)
        self._away = bytearray(b"0" * len(people) if groups else b"-")
        self._since = self._until = 0
        self._text = ""

    def __bool__(self) -> bool:
        """Tell whether there is anything that the script must know."""
        return bool(self.hold or self.otherwise or self.told or self._groups or self._slots)

    def decisive(self) -> list[Any]:
        """Return what a decision depends on beside the cycle, the same in every process."""
        hours = [[one.orders, [_plain(s) for s in one.schedules]] for one in self._groups]
        return [self.hold, hours, self._slots]

    def at(self, now: int) -> str:
        """Return what the script of a turn must know; limits.lua reads it."""
        if not self._since <= now < self._until:
            self._refresh(now)
        return self._text

    def until(self, now: int) -> int:
        """Return to before when that text holds: until then nobody comes back by the clock."""
        self.at(now)
        return self._until

    def _refresh(self, now: int) -> None:
        """Look again at whatever may have changed; the clock of tests also goes back."""
        back = now < self._since
        for group in self._groups:
            if back or group.until <= now:
                found = standing(group.schedules, now)
                group.until = found.until
                for order in group.orders:
                    self._away[order - 1] = _DIGITS[found.reason]
        for place, (unit, time_zone) in enumerate(self._slots):
            if not self._windows[place].start <= now < self._windows[place].end:
                self._windows[place] = window(now, unit, time_zone)
        ends = [one.until for one in self._groups] + [one.end for one in self._windows]
        self._since, self._until = now, min(ends, default=FOREVER)
        self._text = self._written()

    def _written(self) -> str:
        windows = ",".join(
            f"{unit}@{time_zone}={found.start}"
            for (unit, time_zone), found in zip(self._slots, self._windows, strict=True)
        )
        policy = "hold" if self.hold else "lose"
        policy += ("!" if self.ahead else "") + ("+" if self.otherwise else "")
        return f"{policy} {windows or '-'} {self._away.decode()}"


def _plain(schedule: Schedule) -> list[Any]:
    away = [(absence.first, absence.last) for absence in schedule.absences]
    return [schedule.zone, schedule.hours, sorted(schedule.holidays), away]


def slots(people: Sequence[Participant]) -> tuple[Slot, ...]:
    """Return the different (unit, zone) of all caps, in the order by which scripts know them."""
    return tuple(dict.fromkeys((cap.per, cap.time_zone) for one in people for cap in one.caps))


def compile_caps(
    documents: Sequence[Mapping[str, Any]], time_zone: str, report: Report
) -> tuple[Cap, ...]:
    """Return the caps of a valid ``caps``; ``time_zone`` where one names none."""
    caps: dict[Slot, Cap] = {}
    for place, document in enumerate(documents):
        cap = Cap(document["limit"], document["per"], document.get("time_zone", time_zone))
        if caps.setdefault((cap.per, cap.time_zone), cap) is not cap:
            report(("caps", place), f"there is a cap per {cap.per} already; keep the lower one")
    return tuple(caps.values())
