"""Recurrences against days counted one by one, and the terms of a series on real calendars."""

from __future__ import annotations

import calendar as months
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import calendar, clock
from core.holidays import holiday, next_working_day
from services.standing.plan import Terms, next_visit, occurrences, part_of_day, upcoming
from services.standing.recurrence import LAST, Pattern, days, last_of

DAY = timedelta(days=1)
WEEKS = st.builds(
    lambda interval, days: Pattern("week", interval, tuple(sorted(days))),
    st.integers(1, 8), st.sets(st.integers(0, 6), min_size=1),
)  # fmt: skip
MONTH_DAYS = st.builds(
    lambda interval, day: Pattern("month_day", interval, day=day),
    st.integers(1, 12), st.one_of(st.just(LAST), st.integers(1, 31)),
)  # fmt: skip
NTH_DAYS = st.builds(
    lambda interval, nth, weekday: Pattern("month_weekday", interval, nth=nth, weekday=weekday),
    st.integers(1, 12), st.sampled_from([LAST, 1, 2, 3, 4, 5]), st.integers(0, 6),
)  # fmt: skip
PATTERNS = st.one_of(WEEKS, MONTH_DAYS, NTH_DAYS)
STARTS = st.dates(date(2025, 1, 1), date(2028, 12, 31))


def falls(pattern: Pattern, start: date, day: date) -> bool:
    """Whether the recurrence falls on a day, counted without any rule library."""
    if day < start:
        return False
    if pattern.every == "week":
        weeks = (day - timedelta(days=day.weekday()) - (start - timedelta(days=start.weekday()))).days // 7
        return day.weekday() in pattern.weekdays and weeks % pattern.interval == 0
    if ((day.year - start.year) * 12 + day.month - start.month) % pattern.interval:
        return False
    length = months.monthrange(day.year, day.month)[1]
    if pattern.every == "month_day":
        return day.day == (length if pattern.day == LAST else pattern.day)
    if day.weekday() != pattern.weekday:
        return False
    return day.day + 7 > length if pattern.nth == LAST else (day.day + 6) // 7 == pattern.nth


@given(PATTERNS, STARTS, st.integers(0, 1200), st.integers(0, 120))
def test_days_are_those_counted_one_by_one(pattern: Pattern, start: date, after: int, length: int) -> None:
    first = start + timedelta(days=after)
    wanted = [day for day in (first + n * DAY for n in range(length + 1)) if falls(pattern, start, day)]
    assert list(days(pattern, start, first, first + length * DAY)) == wanted


@given(PATTERNS, STARTS, st.integers(1, 60))
def test_the_last_of_so_many_times(pattern: Pattern, start: date, times: int) -> None:
    last = last_of(pattern, start, times)
    found = days(pattern, start, start, start + timedelta(days=366 * 12))
    assert last == (found[times - 1] if len(found) >= times else None)


@given(PATTERNS)
def test_what_is_stored_is_read_again(pattern: Pattern) -> None:
    assert Pattern.of(pattern.data()) == pattern
    assert pattern.told().startswith("每") and "None" not in pattern.told()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (Pattern("week", 1, (1,)), "每周二"),
        (Pattern("week", 1, (1, 4)), "每周二、周五"),
        (Pattern("week", 2, (6,)), "每2周的周日"),
        (Pattern("week", 1, tuple(range(7))), "每天"),
        (Pattern("week", 1, tuple(range(5))), "每周一到周五"),
        (Pattern("month_day", 1, day=15), "每月15日"),
        (Pattern("month_day", 3, day=LAST), "每3个月的最后一天"),
        (Pattern("month_weekday", 1, nth=2, weekday=2), "每月第2个周三"),
        (Pattern("month_weekday", 2, nth=LAST, weekday=4), "每2个月的最后一个周五"),
    ],
)
def test_in_words(pattern: Pattern, words: str) -> None:
    assert pattern.told() == words


@pytest.mark.parametrize(
    "data",
    [
        {"every": "week", "weekdays": []}, {"every": "week", "weekdays": [7]}, {"every": "week", "weekdays": [1, 1]},
        {"every": "week", "interval": 9, "weekdays": [1]}, {"every": "week", "interval": 0, "weekdays": [1]},
        {"every": "month_day", "day": 32}, {"every": "month_day", "day": 0}, {"every": "month_day", "day": -2},
        {"every": "month_weekday", "nth": 6}, {"every": "month_weekday", "nth": 1, "weekday": 7}, {"every": "year"},
    ],
)  # fmt: skip
def test_what_is_no_recurrence_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no such"):
        Pattern.of(data)


def test_what_never_falls_has_no_days() -> None:
    thirty_first_of_february = Pattern("month_day", 12, day=31)
    assert days(thirty_first_of_february, date(2027, 2, 1), date(2027, 2, 1), date(2036, 1, 1)) == ()
    assert last_of(thirty_first_of_february, date(2027, 2, 1), 1) is None
    fifth_monday = Pattern("month_weekday", 1, nth=5, weekday=0)
    assert days(fifth_monday, date(2027, 2, 1), date(2027, 2, 1), date(2027, 2, 28)) == ()


@given(PATTERNS, STARTS, st.sampled_from(["skip", "next", "keep"]), st.integers(0, 400))
def test_a_series_is_held_at_most_once_a_day_and_never_in_a_holiday(
    pattern: Pattern, start: date, holidays: str, after: int
) -> None:
    clock.set_now(clock.from_local(datetime(2025, 1, 1, 6)))
    try:
        terms = Terms(pattern, start, None, 540, 600, holidays)
        first = start + timedelta(days=after)
        found = occurrences(terms, first, first + timedelta(days=120))
    finally:
        clock.set_now(None)
    held = [occurrence.on for occurrence in found if not occurrence.skipped]
    assert len(held) == len(set(held)) and all(day >= first for day in held)
    assert len({occurrence.day for occurrence in found}) == len(found)
    for occurrence in found:
        assert falls(pattern, start, occurrence.day)
        assert occurrence.skipped or occurrence.moved or occurrence.on == occurrence.day
        if holidays != "keep" and not occurrence.skipped:
            assert not holiday(occurrence.on)
        if occurrence.moved:
            assert occurrence.on == next_working_day(occurrence.day) and calendar.is_working_day(occurrence.on)
    if holidays == "keep":
        assert not any(occurrence.skipped or occurrence.moved for occurrence in found)


def test_pauses_days_called_off_and_what_is_over(at: Callable[[datetime], None]) -> None:
    daily = Terms(Pattern("week", weekdays=tuple(range(7))), date(2026, 11, 1), date(2026, 11, 25), 510, 630, "skip",
                  date(2026, 11, 20), date(2026, 11, 21))  # fmt: skip
    found = {o.day.day: o.skipped for o in upcoming(daily, 9, by_hand=[date(2026, 11, 23)])}
    assert found == {
        18: "时间已经过了",
        19: "",
        20: "暂停期间",
        21: "暂停期间",
        22: "",
        23: "这一次不用来",
        24: "",
        25: "",
    }
    following = next_visit(daily)
    assert following and following.on == date(2026, 11, 19)
    assert next_visit(Terms(daily.pattern, date(2026, 11, 1), date(2026, 11, 10), 510, 630)) is None


def test_parts_of_the_day() -> None:
    assert [part_of_day(*period) for period in ((510, 630), (840, 960), (1080, 1200), (510, 1200))] == [
        "上午", "下午", "晚上", "白天"
    ]  # fmt: skip
