"""The calendar: windows of time, working hours, holidays and absences, in IANA time zones.

Pure: the clock is an argument, in milliseconds since 1970 as everywhere. What people say in local
time ("09:00", "a day") becomes an instant day by day, so days of 23 and 25 hours come out right:
what the clock skips is not there, and where it shows a time twice the first counts, as the begin of
one thing and as the end of another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = [
    "DAY_MINUTES",
    "FOREVER",
    "UNITS",
    "Absence",
    "Schedule",
    "Standing",
    "Window",
    "Zone",
    "add_working_time",
    "standing",
    "window",
    "zone",
]

UNITS = ("minute", "hour", "day", "week", "month")
"""Units of the calendar's windows; weeks begin on Monday."""

DAY_MINUTES = 24 * 60
FOREVER = 2**53
"""An instant that never comes: 285,000 years on, still exact in every number."""

_SECONDS = {"minute": 60, "hour": 3600}
_DAYS = {"day": 1, "week": 7}
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, from ``start`` to before ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Whole days away, ``first`` and ``last`` among them."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Schedule:
    """When someone works, in one zone.

    ``hours`` has seven days from Monday on, each with its openings as (begin, end) in minutes of
    the day; an opening past midnight ends after ``DAY_MINUTES`` and belongs to the day on which it
    begins. ``None``: always. Nothing opens on ``holidays``.
    """

    zone: str
    hours: tuple[tuple[tuple[int, int], ...], ...] | None = None
    holidays: frozenset[date] = frozenset()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Why someone is away, ``out_of_hours`` or ``out_of_office``; ``None`` if they are there.

    So it stays to before ``until``, at least.
    """

    reason: str | None
    until: int


class Zone:
    """The clock on the wall of one IANA zone."""

    __slots__ = ("_info",)

    def __init__(self, name: str) -> None:
        self._info = ZoneInfo(name)

    def wall(self, at: int) -> datetime:
        """Return what the clock shows."""
        return datetime.fromtimestamp(at // 1000, self._info).replace(tzinfo=None, fold=0)

    def first(self, wall: datetime) -> int:
        """Return when the clock first shows ``wall`` or, where that is skipped, more."""
        at = self._instant(wall, 0)
        return at if self.wall(at) == wall else self._turned(self._instant(wall, 1), at)

    def midnight(self, day: date) -> int:
        """Return when ``day`` begins."""
        return self.first(datetime.combine(day, time()))

    def day(self, at: int) -> date:
        """Return the day of ``at``; once begun, it is not left for the one before again."""
        day = self.wall(at).date()
        following = day + timedelta(1)
        return following if at >= self.midnight(following) else day

    def span(self, at: int, seconds: int) -> Window:
        """Return the full minute or hour around ``at``, cut where the clock is turned.

        So an hour that comes twice is two.
        """
        second = at // 1000
        offset = self._offset(second)
        start = second - (second + offset) % seconds
        end = start + seconds
        if self._offset(start) != offset:
            start = self._turned(start * 1000, at) // 1000
        if self._offset(end - 1) != offset:
            end = self._turned(at, (end - 1) * 1000) // 1000
        return Window(start * 1000, end * 1000)

    def _instant(self, wall: datetime, fold: int) -> int:
        return int(wall.replace(tzinfo=self._info, fold=fold).timestamp()) * 1000

    def _offset(self, second: int) -> int:
        offset = datetime.fromtimestamp(second, self._info).utcoffset() or timedelta()
        return offset.days * 86_400 + offset.seconds

    def _turned(self, before: int, after: int) -> int:
        """Return when, between two instants, the clock was turned."""
        seconds = range(before // 1000, after // 1000 + 1)
        old = self._offset(seconds[0])
        return seconds[bisect_right(seconds, False, key=lambda s: self._offset(s) != old)] * 1000


@cache
def zone(name: str) -> Zone:
    """Return the zone called so; raises ``ValueError`` or ``KeyError`` if there is none."""
    return Zone(name)


_windows: dict[tuple[str, str], Window] = {}


def window(at: int, unit: str, time_zone: str, count: int = 1, since: int | None = None) -> Window:
    """Return the minute, hour, day, week or month around ``at``.

    With a ``count``, so many of them in a row are one window, from the one around ``since`` on.
    """
    if count == 1:
        # Nearly always the one that was asked for last: that of every lead's caps.
        last = _windows.get((unit, time_zone))
        if last is None or not last.start <= at < last.end:
            last = _windows[unit, time_zone] = _window(at, unit, time_zone, 1, at)
        return last
    return _window(at, unit, time_zone, count, at if since is None else since)


def _window(at: int, unit: str, time_zone: str, count: int, origin: int) -> Window:
    place = zone(time_zone)
    if unit in _SECONDS:
        return _counted_span(place, at, _SECONDS[unit], count, origin)
    first = _begin(place.day(origin), unit)
    passed = _passed(first, _begin(place.day(at), unit), unit) // count * count
    start, end = (_later(first, passed + more, unit) for more in (0, count))
    return Window(place.midnight(start), place.midnight(end))


def standing(schedules: Sequence[Schedule], at: int) -> Standing:
    """Return whether someone is there: as every one of their schedules has it."""
    found = [_standing(schedule, at) for schedule in schedules]
    reasons = sorted(one.reason for one in found if one.reason)
    until = min((one.until for one in found), default=FOREVER)
    return Standing(reasons[-1] if reasons else None, until)


def add_working_time(schedules: Sequence[Schedule], at: int, span: int) -> int:
    """Return when ``span`` milliseconds will have been worked off since ``at``."""
    while at < FOREVER:
        now = standing(schedules, at)
        if now.reason is None:
            if now.until - at >= span:
                return at + span
            span -= now.until - at
        at = now.until
    return FOREVER


def _counted_span(place: Zone, at: int, seconds: int, count: int, origin: int) -> Window:
    if count == 1:
        return place.span(at, seconds)
    start, length = place.span(origin, seconds).start, seconds * count * 1000
    start += (at - start) // length * length
    return Window(start, start + length)


def _begin(day: date, unit: str) -> date:
    """Return the first day of the day, week or month around ``day``."""
    if unit == "week":
        return day - timedelta(day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _passed(first: date, last: date, unit: str) -> int:
    """Return how many units after one first day another is."""
    if unit == "month":
        return (last.year - first.year) * _MONTHS + last.month - first.month
    return (last - first).days // _DAYS[unit]


def _later(first: date, count: int, unit: str) -> date:
    if unit == "month":
        years, month = divmod(first.month - 1 + count, _MONTHS)
        return date(first.year + years, month + 1, 1)
    return first + timedelta(count * _DAYS[unit])


def _standing(schedule: Schedule, at: int) -> Standing:
    place = zone(schedule.zone)
    until = FOREVER
    for absence in schedule.absences:
        start = place.midnight(absence.first)
        end = place.midnight(absence.last + timedelta(1))
        if start <= at < end:
            return Standing("out_of_office", end)
        until = min(until, start if start > at else FOREVER)
    opening = _opening(schedule, place, at)
    if opening is None or opening.start > at:
        return Standing("out_of_hours", min(until, opening.start if opening else FOREVER))
    return Standing(None, min(until, opening.end))


def _opening(schedule: Schedule, place: Zone, at: int) -> Window | None:
    """Return the opening around ``at``, else the next; ``None`` if there is none ever."""
    if schedule.hours is None and not schedule.holidays:
        return Window(at, FOREVER)
    today = place.day(at)
    ahead = (
        today + timedelta(days) for days in range(-1, _DAYS["week"] * (len(schedule.holidays) + 2))
    )
    for day in ahead:
        for opening in _openings(schedule, place, day):
            if at < opening.end:
                return opening
    return None


def _openings(schedule: Schedule, place: Zone, day: date) -> Iterator[Window]:
    """Yield what opens on a day, in order."""
    if day in schedule.holidays:
        return
    hours = ((0, DAY_MINUTES),) if schedule.hours is None else schedule.hours[day.weekday()]
    midnight = datetime.combine(day, time())
    for begin, end in hours:
        start = place.first(midnight + timedelta(minutes=begin))
        yield Window(start, place.first(midnight + timedelta(minutes=end)))
