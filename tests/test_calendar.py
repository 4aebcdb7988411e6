"""Days of 23 and 25 hours, hours that come twice or never, and what the year has besides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.calendar import (
    DAY_MINUTES,
    FOREVER,
    UNITS,
    Absence,
    Schedule,
    add_working_time,
    standing,
    window,
    zone,
)

NEW_YORK, LORD_HOWE, SYDNEY = "America/New_York", "Australia/Lord_Howe", "Australia/Sydney"
HOUR = 3_600_000
WEEK = ((540, 720), (780, 1020))
OFFICE = Schedule(NEW_YORK, hours=(*[WEEK] * 5, (), ()))
ALL_WEEK = Schedule(NEW_YORK, hours=(WEEK,) * 7)
ZONES = (
    *(NEW_YORK, LORD_HOWE, SYDNEY, "UTC", "Asia/Kathmandu", "Africa/Cairo", "America/Santiago"),
    *("Pacific/Apia", "America/St_Johns", "America/Havana", "Europe/Lisbon", "Africa/Casablanca"),
)


def at(text: str, name: str = NEW_YORK, fold: int = 0) -> int:
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name), fold=fold)
    return int(wall.timestamp() * 1000)


def told(instant: int, name: str = NEW_YORK) -> str:
    return datetime.fromtimestamp(instant / 1000, ZoneInfo(name)).isoformat(timespec="minutes")


def span(instant: int, unit: str, name: str = NEW_YORK, **more: int) -> tuple[str, str]:
    found = window(instant, unit, name, **more)
    return told(found.start, name), told(found.end, name)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-07-01", 24)]
)
def test_a_day_is_as_long_as_it_is_and_begins_once(day: str, hours: int) -> None:
    """C4: caps of a day on which the clock is turned start anew once."""
    first = at(f"{day}T00:00")
    windows = {window(first + n * HOUR // 4, "day", NEW_YORK) for n in range(hours * 4)}

    assert [(w.start, w.end - w.start) for w in windows] == [(first, hours * HOUR)]
    assert window(first + hours * HOUR, "day", NEW_YORK).start == first + hours * HOUR


def test_an_hour_that_comes_twice_is_two_and_one_that_is_skipped_none() -> None:
    """C4."""
    twice = [window(at("2026-11-01T01:30", fold=fold), "hour", NEW_YORK) for fold in (0, 1)]
    skipped = window(at("2026-03-08T01:59"), "hour", NEW_YORK)

    assert [told(w.start) for w in twice] == ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00"]
    assert twice[0].end == twice[1].start
    assert told(skipped.end) == "2026-03-08T03:00-04:00"


def test_a_clock_turned_by_half_an_hour_cuts_its_hours() -> None:
    """On Lord Howe, 02:00 becomes 01:30 in April and 02:30 in October."""
    back = at("2026-04-05T01:45", LORD_HOWE, fold=1)
    on = at("2026-10-04T02:45", LORD_HOWE)

    assert span(back, "hour", LORD_HOWE) == ("2026-04-05T01:30+10:30", "2026-04-05T02:00+10:30")
    assert span(on, "hour", LORD_HOWE) == ("2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00")
    day = window(back, "day", LORD_HOWE)
    assert day.end - day.start == 24.5 * HOUR


def test_where_midnight_is_skipped_the_day_begins_with_what_there_is() -> None:
    """In Cairo the clock goes from 24:00 to 01:00; Samoa left out a whole day in 2011."""
    assert span(at("2026-04-24T12:00", "Africa/Cairo"), "day", "Africa/Cairo") == (
        "2026-04-24T01:00+03:00",
        "2026-04-25T00:00+03:00",
    )
    assert span(at("2011-12-29T12:00", "Pacific/Apia"), "day", "Pacific/Apia") == (
        "2011-12-29T00:00-10:00",
        "2011-12-31T00:00+14:00",
    )


def test_a_day_that_has_begun_does_not_begin_again() -> None:
    """St. John's used to turn the clock back at a minute past midnight, into the day before."""
    place = "America/St_Johns"
    again = at("2010-11-06T23:30", place, fold=1)

    assert window(again, "day", place) == window(at("2010-11-07T12:00", place), "day", place)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    sunday = at("2026-03-08T12:00")

    assert span(sunday, "week") == ("2026-03-02T00:00-05:00", "2026-03-09T00:00-04:00")
    assert span(sunday, "month") == ("2026-03-01T00:00-05:00", "2026-04-01T00:00-04:00")
    assert span(at("2026-12-31T23:59"), "month")[1] == "2027-01-01T00:00-05:00"
    assert span(at("2026-12-31T23:59:59"), "minute")[1] == "2027-01-01T00:00-05:00"


def test_several_units_are_counted_from_the_first_use() -> None:
    since = at("2026-03-07T15:20")

    assert span(since, "day", count=3) == ("2026-03-07T00:00-05:00", "2026-03-10T00:00-04:00")
    assert span(at("2026-03-09T23:00"), "day", count=3, since=since)[0] == "2026-03-07T00:00-05:00"
    assert span(at("2026-03-10T00:00"), "day", count=3, since=since)[1] == "2026-03-13T00:00-04:00"
    assert span(at("2026-08-01T00:00"), "month", count=2, since=since)[0] == (
        "2026-07-01T00:00-04:00"
    )
    assert span(at("2026-03-24T00:00"), "week", count=2, since=since)[0] == (
        "2026-03-16T00:00-04:00"
    )
    assert span(at("2026-03-08T03:30"), "hour", count=6, since=since) == (
        "2026-03-07T21:00-05:00",
        "2026-03-08T04:00-04:00",
    )


@given(
    name=st.sampled_from(ZONES),
    unit=st.sampled_from(UNITS),
    count=st.integers(1, 5),
    since=st.integers(1_200_000_000, 2_000_000_000),
    seconds=st.integers(1_200_000_000, 2_000_000_000),
)
def test_windows_follow_each_other_without_gap_or_overlap(
    name: str, unit: str, count: int, since: int, seconds: int
) -> None:
    """C4: in every zone, whatever its clock does."""
    found = window(seconds * 1000, unit, name, count, since * 1000)

    assert found.start <= seconds * 1000 < found.end
    for instant in (found.start, found.end - 1):
        assert window(instant, unit, name, count, since * 1000) == found
    assert window(found.end, unit, name, count, since * 1000).start == found.end


@pytest.mark.parametrize("day", ["2026-01-15", "2026-07-15", "2026-03-08", "2026-11-01"])
def test_hours_are_those_of_the_wall_in_winter_and_in_summer(day: str) -> None:
    """C2, C3: before noon and after, also on the day on which the clock is turned."""
    edges = {"08:59": False, "09:00": True, "11:59": True, "12:00": False, "12:59": False}
    edges |= {"13:00": True, "16:59": True, "17:00": False}

    for clock, there in edges.items():
        found = standing([ALL_WEEK], at(f"{day}T{clock}"))
        assert (found.reason is None) == there, clock
    assert told(standing([ALL_WEEK], at(f"{day}T12:30")).until)[:16] == f"{day}T13:00"
    assert told(standing([ALL_WEEK], at(f"{day}T13:30")).until)[:16] == f"{day}T17:00"


def test_someone_is_away_to_the_next_opening() -> None:
    friday = at("2026-03-06T17:00")

    assert standing([OFFICE], friday).reason == "out_of_hours"
    assert told(standing([OFFICE], friday).until) == "2026-03-09T09:00-04:00"


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    night = Schedule(NEW_YORK, ((), (), (), (), (), ((1320, 1320 + 480),), ()))

    for clock, fold, there in (("00:30", 0, True), ("01:30", 1, True), ("05:59", 0, True)):
        assert (standing([night], at(f"2026-11-01T{clock}", fold=fold)).reason is None) == there
    assert standing([night], at("2026-11-01T06:00")).reason == "out_of_hours"
    opening = at("2026-10-31T22:00")
    assert standing([night], opening).until - opening == 9 * HOUR
    holiday = Schedule(night.zone, night.hours, frozenset([date(2026, 11, 1)]))
    assert standing([holiday], at("2026-11-01T02:00")).reason is None


def test_nothing_opens_on_a_holiday() -> None:
    held = Schedule(NEW_YORK, OFFICE.hours, frozenset([date(2026, 12, 24), date(2026, 12, 25)]))
    free = Schedule(NEW_YORK, holidays=frozenset([date(2026, 12, 25)]))

    eve = standing([held], at("2026-12-23T18:00"))
    assert (eve.reason, told(eve.until)) == ("out_of_hours", "2026-12-28T09:00-05:00")
    assert standing([free], at("2026-12-25T12:00")).reason == "out_of_hours"
    assert standing([free], at("2026-12-26T00:00")).reason is None


def test_absences_are_whole_days_and_both_their_ends() -> None:
    """R13: nothing of them is left afterwards."""
    away = Schedule(NEW_YORK, absences=(Absence(date(2026, 3, 8), date(2026, 3, 8)),))

    before, during = (
        standing([away], at("2026-03-07T23:59")),
        standing([away], at("2026-03-08T12:00")),
    )

    assert (before.reason, before.until) == (None, at("2026-03-08T00:00"))
    assert (during.reason, during.until) == ("out_of_office", at("2026-03-09T00:00"))
    assert standing([away], during.until).reason is None
    assert standing([away], during.until).until == FOREVER


def test_all_schedules_must_have_someone_there() -> None:
    away = Schedule(NEW_YORK, absences=(Absence(date(2026, 3, 9), date(2026, 3, 10)),))

    assert standing([OFFICE, away], at("2026-03-09T12:30")).reason == "out_of_office"
    assert standing([OFFICE, away], at("2026-03-06T18:00")).reason == "out_of_hours"
    assert standing([], 0).until == FOREVER


def test_who_never_works_is_away_for_good() -> None:
    never = Schedule("UTC", hours=((),) * 7)

    assert standing([never], at("2026-03-09T12:00")).until == FOREVER
    assert add_working_time([never], 0, 1) == FOREVER


@given(
    hours=st.lists(
        st.sampled_from([(), ((0, DAY_MINUTES),), WEEK, ((90, 150),), ((1380, 1620),)]),
        min_size=7,
        max_size=7,
    ),
    name=st.sampled_from(ZONES),
    second=st.integers(1_700_000_000, 1_900_000_000),
)
def test_a_standing_holds_until_it_says(
    hours: list[tuple[tuple[int, int], ...]], name: str, second: int
) -> None:
    """Nothing changes before ``until``; a bitmap made from it is right until then."""
    schedule = Schedule(name, tuple(hours))
    now = standing([schedule], second * 1000)

    assert now.until > second * 1000
    if now.until < FOREVER:
        middle = (second * 1000 + now.until) // 2
        for instant in (middle, now.until - 1):
            assert standing([schedule], instant).reason == now.reason


def test_an_hour_of_work_is_an_hour_also_where_the_clock_is_turned() -> None:
    """C4: both changes, within an opening and from one day to the next."""
    nights = Schedule(NEW_YORK, hours=(((0, 240),),) * 7)

    assert told(add_working_time([nights], at("2026-11-01T01:30"), HOUR)) == (
        "2026-11-01T01:30-05:00"
    )
    assert told(add_working_time([nights], at("2026-03-08T01:30"), HOUR)) == (
        "2026-03-08T03:30-04:00"
    )
    for friday, monday in (("2026-03-06", "2026-03-09"), ("2026-10-30", "2026-11-02")):
        end = add_working_time([OFFICE], at(f"{friday}T16:30"), HOUR)
        assert end == at(f"{monday}T09:30")
    assert add_working_time([OFFICE], at("2026-03-09T09:00"), 7 * HOUR) == at("2026-03-09T17:00")


def test_unknown_zones_are_refused() -> None:
    with pytest.raises((ValueError, KeyError)):
        zone("Europe/Atlantis")


def test_instants_are_utc() -> None:
    noon = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)

    assert zone("UTC").wall(noon + 999) == datetime(2026, 1, 1, 12)  # noqa: DTZ001
