"""Working days and deadlines across real holidays: Spring Festival 2026 with its make-up days, New Year, 2027."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import calendar, clock


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 13), True), (date(2026, 2, 14), True), (date(2026, 2, 15), False), (date(2026, 2, 16), False),
        (date(2026, 2, 23), False), (date(2026, 2, 24), True), (date(2026, 2, 28), True), (date(2026, 1, 1), False),
        (date(2026, 1, 2), False), (date(2026, 1, 4), True), (date(2026, 10, 1), False), (date(2026, 11, 18), True),
        (date(2026, 11, 22), False), (date(2027, 1, 1), True), (date(2027, 1, 2), False),
    ],
)  # fmt: skip
def test_working_days(day: date, works: bool) -> None:
    """Saturdays 14 and 28 February and Sunday 4 January 2026 are worked; 2027 is guessed from weekdays."""
    assert calendar.is_working_day(day) is works


def test_years_are_known_up_to_2026() -> None:
    assert calendar.is_known_year(2026)
    assert not calendar.is_known_year(2099)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 24), 5, date(2026, 3, 2)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        (date(2026, 11, 18), 10, date(2026, 12, 2)),
        (date(2026, 11, 18), 0, date(2026, 11, 18)),
    ],
)
def test_adding_working_days(start: date, count: int, end: date) -> None:
    assert calendar.add_working_days(start, count) == end
    assert calendar.working_days_between(start, end) == count


def at(*parts: int) -> datetime:
    return clock.from_local(datetime(*parts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "minutes", "kind", "end"),
    [
        (at(2026, 2, 13, 17), 1440, "around_the_clock", at(2026, 2, 14, 17)),
        (at(2026, 2, 13, 17), 1440, "working_days", at(2026, 2, 14, 18)),
        (at(2026, 2, 13, 17), 2880, "working_days", at(2026, 2, 24, 18)),
        (at(2026, 2, 13, 17), 1441, "working_days", at(2026, 2, 24, 18)),
        (at(2026, 2, 14, 17), 120, "working_hours", at(2026, 2, 24, 10)),
        (at(2026, 11, 18, 11), 60, "working_hours", at(2026, 11, 18, 12)),
        (at(2026, 11, 18, 11), 61, "working_hours", at(2026, 11, 18, 14, 1)),
        (at(2026, 11, 18, 12, 30), 60, "working_hours", at(2026, 11, 18, 15)),
        (at(2026, 11, 20, 18), 420, "working_hours", at(2026, 11, 23, 18)),
        (at(2026, 11, 21, 3), 30, "working_hours", at(2026, 11, 23, 9, 30)),
        (at(2025, 12, 31, 17, 30), 60, "working_hours", at(2026, 1, 4, 9, 30)),
    ],
)
def test_deadlines(start: datetime, minutes: int, kind: str, end: datetime) -> None:
    assert calendar.deadline(start, minutes, kind) == end


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="sundial"):
        calendar.deadline(at(2026, 1, 1), 1, "sundial")


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1)), st.integers(1, 5000))
def test_working_minutes_counted_one_by_one(naive: datetime, minutes: int) -> None:
    """A later start never ends earlier, more minutes end later, and the end lies in working hours."""
    start = clock.from_local(naive)
    end = calendar.deadline(start, minutes, "working_hours")
    assert end > start
    local = clock.local(end)
    assert calendar.is_working_day(local.date())
    assert any(opens <= local.time().replace(tzinfo=None) <= closes for opens, closes in calendar.SESSIONS)
    assert calendar.deadline(start, minutes + 1, "working_hours") > end
