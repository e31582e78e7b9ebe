"""A period is put together from whole months, weeks and days, each of its days once."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core import clock

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


def days_of(part: clock.Part) -> list[date]:
    grain, first, last = part
    end = clock.last_of(grain, last)
    return [first + timedelta(days=n) for n in range((end - first).days + 1)]


@given(DAYS, st.integers(-2, 500), st.sampled_from([("m", "w", "d"), ("m", "d"), ("w", "d"), ("d",)]))
def test_every_day_is_there_once(first: date, length: int, grains: tuple[str, ...]) -> None:
    last = first + timedelta(days=length)
    parts = clock.cover(first, last, grains)
    covered = sorted(day for part in parts for day in days_of(part))
    assert covered == [first + timedelta(days=n) for n in range(length + 1)]
    assert all(clock.first_of(part[0], day) == day for part in parts for day in part[1:])
    assert len(parts) <= 7


@given(DAYS, st.integers(0, 500))
def test_what_goes_on_ends_with_a_whole_month(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    parts = clock.cover(first, last, ("m", "d"), goes_on=True)
    covered = {day for part in parts for day in days_of(part)}
    asked = {first + timedelta(days=n) for n in range(length + 1)}
    assert asked <= covered and min(covered) == first and max(covered) <= clock.month_end(last)
