from __future__ import annotations

import math
import pickle
from datetime import UTC, date, datetime, time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.fields.types import field_types
from readings import NOW


@pytest.mark.parametrize(
    ("posted", "normal", "valid", "attributes"),
    [
        ("06/02/2014", "2014-06-02", True, {"age": 12.4, "year": 2014}),
        ("11/21/1980", "1980-11-21", True, {"age": 46, "year": 1980}),
        ("11/22/1980", "1980-11-22", True, {"age": 45.9, "year": 1980}),
        ("11/20/1980", "1980-11-20", True, {"age": 46, "year": 1980}),
        ("2/29/2000", "2000-02-29", True, {"age": 26.7, "year": 2000}),
        ("01/01/2030", "2030-01-01", True, {"age": -2.2, "year": 2030}),
        ("11/21/2026", "2026-11-21", True, {"age": 0, "year": 2026}),
        ("Mon Jun 02 1980", "1980-06-02", True, {"age": 46.4, "year": 1980}),
        ("6/2/80", "1980-06-02", True, {"age": 46.4, "year": 1980}),
        ("garbage", "garbage", False, {}),
        ("", "", False, {}),
        (" 11/20/1980 ", "1980-11-20", True, {"age": 46, "year": 1980}),
        ("2/2/2014", "2014-02-02", True, {"age": 12.7, "year": 2014}),
        ("4/16/2026", "2026-04-16", True, {"age": 0.5, "year": 2026}),
        ("6/2/2014 13:00", "2014-06-02", True, {"age": 12.4, "year": 2014}),
    ],
)
def test_a_day_of_birth_has_a_year_and_an_age(
    posted: Any, normal: Any, valid: bool | None, attributes: dict[str, Any]
) -> None:
    value = field_types["dob"].value(posted, NOW)

    assert value is not None
    assert (value.normal, value.valid, value.attributes) == (normal, valid, attributes)


@given(st.dates(), st.dates())
@example(date(2000, 2, 29), date(2025, 2, 28))
@example(date(2000, 2, 29), date(2025, 3, 1))
@example(date(2000, 2, 29), date(1, 2, 28))
@example(date(1, 12, 31), date(1, 1, 1))
@example(date(9999, 12, 31), date(9999, 12, 31))
def test_an_age_is_whole_on_birthdays_and_counts_tenths_between_them(
    born: date, today: date
) -> None:
    """It is told in figures, which must come to the same as counting in the calendar."""
    value = field_types["dob"].value(born.isoformat(), datetime.combine(today, time(), UTC))

    assert value is not None
    age = value.attributes["age"]
    assert (age, type(age)) == (counted := _age(born, today), type(counted))
    assert value.attributes["year"] == born.year


def _age(born: date, today: date) -> float:
    years = today.year - born.year - (_birthday(born, today.year) > today)
    days = (today - _birthday(born, born.year + years)).days
    tenths = min(math.floor((days + Fraction("0.1")) / Fraction("36.52425")), 9)
    age = round((years if years >= 0 else years + 1) + tenths / 10, 1)
    return int(age) if age.is_integer() else age


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=max(year, 1))
    except ValueError:
        return date(max(year, 1), 3, 1)


def test_what_follows_from_a_day_is_plain_data_to_who_asks() -> None:
    value = field_types["dob"].value("06/02/1980", NOW)

    assert value is not None
    assert list(value.attributes) == ["age", "year"]
    assert len(value.attributes) == 2
    assert "age" in value.attributes
    assert value.attributes.get("raw") is None
    assert {**value.attributes} == {"age": 46.4, "year": 1980}
    assert pickle.loads(pickle.dumps(value)) == value
    assert value == field_types["dob"].value("06/02/1980", NOW)
    assert value != field_types["dob"].value("06/02/1980", NOW.replace(year=2025))


@pytest.mark.parametrize(
    ("posted", "shown"), [("6/2/1980", "**/**/1980"), ("01/01/0033", "**/**/0033")]
)
def test_masked_only_the_year_is_left(posted: str, shown: str) -> None:
    kind = field_types["dob"]
    value = kind.value(posted, NOW)

    assert value is not None
    assert kind.mask is not None
    masked = kind.mask(value)
    assert (masked.raw, masked.normal, masked.masked) == (shown, shown, True)
    assert masked.attributes == value.attributes
