"""When a person can take leads: the ``availability`` of members and participants.

What a pool says about someone comes on top of what organization.yaml says: hours replace their
hours, holidays and absences add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from pointsman.calendar import DAY_MINUTES, Absence, Schedule

__all__ = ["compile_availability", "effective"]

Report = Callable[[tuple[str | int, ...], str], None]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK_MINUTES = len(_DAYS) * DAY_MINUTES
_YEARS = range(2000, 3000)


def compile_availability(
    document: Mapping[str, Any] | None, time_zone: str, report: Report
) -> Schedule | None:
    """Return the schedule of a valid ``availability``; ``time_zone`` where it names none."""
    if document is None:
        return None
    return Schedule(
        zone=document.get("time_zone", time_zone),
        hours=_hours(document["hours"], report) if "hours" in document else None,
        holidays=frozenset(_holidays(document.get("holidays", ()), report)),
        absences=tuple(_absences(document.get("out_of_office", ()), report)),
    )


def effective(member: Schedule | None, own: Schedule | None) -> tuple[Schedule, ...]:
    """Return the schedules by all of which a participant must be there."""
    if member is None or own is None or own.hours is None:
        return tuple(schedule for schedule in (member, own) if schedule is not None)
    rest = replace(member, hours=None)
    return (own, rest) if rest.holidays or rest.absences else (own,)


def _hours(
    documents: Sequence[Mapping[str, Any]], report: Report
) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return the openings of each day; one that ends when it begins or earlier ends the next."""
    openings: list[tuple[int, int, int]] = []
    for place, document in enumerate(documents):
        begin, end = _minutes(document["from"]), _minutes(document["to"])
        if begin == end:
            told = "ends when it begins; for a whole day write from 00:00 to 24:00"
            report(("hours", place), told)
            continue
        length = end - begin if end > begin else end - begin + DAY_MINUTES
        days = [_DAYS.index(day) for day in document.get("days", _DAYS)]
        openings += [(day * DAY_MINUTES + begin, length, place) for day in days]
    openings.sort()
    for place, other in _overlaps(openings):
        report(("hours", place), f"overlaps with hours[{other}]")
    return tuple(
        tuple(
            (start % DAY_MINUTES, start % DAY_MINUTES + length)
            for start, length, _ in openings
            if start // DAY_MINUTES == day
        )
        for day in range(len(_DAYS))
    )


def _overlaps(openings: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of places whose openings overlap anywhere in the week, each pair once."""
    told: set[tuple[int, int]] = set()
    again = [(start + _WEEK_MINUTES, length, place) for start, length, place in openings[:1]]
    following = [*openings[1:], *again]
    for (start, length, first), (then, _, second) in zip(openings, following, strict=False):
        pair = (max(first, second), min(first, second))
        if start + length > then and pair not in told:
            told.add(pair)
            yield pair


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _holidays(texts: Sequence[str], report: Report) -> Iterator[date]:
    for place, text in enumerate(texts):
        day = _day(text, ("holidays", place), report)
        if day is not None:
            yield day


def _absences(documents: Sequence[Mapping[str, str]], report: Report) -> Iterator[Absence]:
    for place, document in enumerate(documents):
        first = _day(document["from"], ("out_of_office", place, "from"), report)
        last = _day(document["to"], ("out_of_office", place, "to"), report)
        if first is None or last is None:
            continue
        if last < first:
            report(("out_of_office", place), "'to' is before 'from'; both days are away")
            continue
        yield Absence(first, last)


def _day(text: str, path: tuple[str | int, ...], report: Report) -> date | None:
    day = date.fromisoformat(text)
    if day.year in _YEARS:
        return day
    report(path, f"expected a year from {_YEARS[0]} to {_YEARS[-1]}, found {day.year}")
    return None
