"""Working days and deadlines across real holidays: Spring Festival 2026 with its make-up days, New Year, 2027."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import calendar, clock
from core.calendar import Day, Table


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
        # The new year to the Sunday made up for it; a Sunday made up for National Day, before it.
        (at(2025, 12, 31, 17, 30), 60, "working_hours", at(2026, 1, 4, 9, 30)),
        (at(2025, 12, 31, 17, 30), 1440, "working_days", at(2026, 1, 4, 18)),
        (at(2026, 9, 18, 17), 120, "working_hours", at(2026, 9, 20, 10)),
        (at(2026, 9, 18, 17), 2880, "working_days", at(2026, 9, 21, 18)),
    ],
)
def test_deadlines(start: datetime, minutes: int, kind: str, end: datetime) -> None:
    assert calendar.deadline(start, minutes, kind) == end


def test_an_unknown_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="sundial"):
        calendar.deadline(at(2026, 1, 1), 1, "sundial")
    with pytest.raises(ValueError, match="sundial"):
        calendar.counted(at(2026, 1, 1), at(2026, 1, 2), "sundial")


# The State Council's notices for 2024, 2025 and 2026: days off, and weekends worked in their stead.
OFF = (
    ("2024-01-01", "2024-01-01"), ("2024-02-10", "2024-02-17"), ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"), ("2024-06-10", "2024-06-10"), ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"),
    ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"), ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"), ("2025-05-31", "2025-06-02"), ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"), ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"), ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)  # fmt: skip
WORKED = (
    "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12 2025-01-26 2025-02-08 "
    "2025-04-27 2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
).split()


def test_three_years_day_by_day() -> None:
    off = {day for first, last in OFF for day in days(date.fromisoformat(first), date.fromisoformat(last))}
    worked = {date.fromisoformat(text) for text in WORKED}
    for day in days(date(2024, 1, 1), date(2026, 12, 31)):
        assert calendar.is_working_day(day) is (day in worked or (day not in off and day.weekday() < 5)), day


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_years_that_are_missing_between_two_days() -> None:
    assert calendar.missing_years(date(2026, 12, 30), date(2027, 1, 4)) == [2027]
    assert calendar.missing_years(date(2025, 1, 1), date(2026, 12, 31)) == []


def test_a_table_of_ones_own_outweighs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Table({date(2027, 2, 8): Day(False, "春节"), date(2027, 2, 20): Day(True, "春节")}, frozenset({2027}))
    monkeypatch.setattr(calendar, "_tables", [lambda: own])
    assert not calendar.is_working_day(date(2027, 2, 8)) and calendar.is_working_day(date(2027, 2, 20))
    assert calendar.deadline(at(2027, 2, 5, 17), 120, "working_hours") == at(2027, 2, 9, 10)
    assert not calendar.is_known_year(2026) and calendar.is_working_day(date(2026, 2, 16))


SPRING = [
    ("2026-02-13", "2026-02-13", "16:30-18", 90, ""), ("2026-02-14", "2026-02-14", "9-12 14-18", 420, "春节"),
    ("2026-02-15", "2026-02-23", "", 0, "春节"), ("2026-02-24", "2026-02-24", "9-12 14-16:30", 330, ""),
]  # fmt: skip


def test_the_way_across_spring_festival_line_by_line() -> None:
    """Friday half past four, the Saturday made up, nine days off, and Tuesday until half past four."""
    start = at(2026, 2, 13, 16, 30)
    end = calendar.deadline(start, 840, "working_hours")
    found = calendar.stretches(start, end, "working_hours")
    assert [
        (str(s.first), str(s.last), " ".join(f"{hour(a)}-{hour(b)}" for a, b in s.hours), minutes_of(s), s.name)
        for s in found
    ] == SPRING
    assert [s.made_up for s in found] == [False, True, False, False]


def hour(moment: time) -> str:
    return f"{moment.hour}:{moment.minute}" if moment.minute else str(moment.hour)


def minutes_of(stretch: calendar.Stretch) -> int:
    return round(stretch.counted.total_seconds() / 60)


kinds = st.sampled_from(calendar.CLOCKS)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1)).map(clock.from_local)


@given(moments, st.integers(1, 6000), kinds)
def test_what_is_counted_is_what_was_given(start: datetime, minutes: int, kind: str) -> None:
    """The time counted up to the deadline is the time promised; the stretches, drawn together, sum up to it."""
    end = calendar.deadline(start, minutes, kind)
    whole = timedelta(days=-(-minutes // 1440)) if kind == "working_days" else timedelta(minutes=minutes)
    assert calendar.counted(start, end, kind) == whole
    assert sum((s.counted for s in calendar.stretches(start, end, kind)), timedelta(0)) == whole


@given(moments, st.integers(1, 4000), st.integers(0, 4000), kinds)
def test_more_minutes_never_end_sooner(start: datetime, minutes: int, more: int, kind: str) -> None:
    assert calendar.deadline(start, minutes + more, kind) >= calendar.deadline(start, minutes, kind)


@given(moments, st.integers(1, 3000), st.integers(1, 3000))
def test_working_minutes_run_in_two_parts_as_in_one(start: datetime, first: int, second: int) -> None:
    between = calendar.deadline(start, first, "working_hours")
    assert calendar.deadline(between, second, "working_hours") == calendar.deadline(
        start, first + second, "working_hours"
    )


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
