"""Holidays by name, of years with a notice and of years without."""

from __future__ import annotations

from datetime import date

import pytest

from core.holidays import holiday, next_working_day


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 15), "春节"), (date(2026, 2, 23), "春节"), (date(2026, 2, 14), ""), (date(2026, 2, 28), ""),
        (date(2026, 10, 1), "国庆节"), (date(2026, 11, 22), ""), (date(2026, 1, 2), "元旦"), (date(2027, 1, 1), "元旦"),
        (date(2027, 2, 4), ""), (date(2027, 2, 5), "春节"), (date(2027, 2, 6), "春节"), (date(2027, 2, 8), "春节"),
        (date(2027, 2, 9), ""), (date(2027, 4, 5), "清明"), (date(2027, 5, 2), "劳动节"), (date(2027, 6, 9), "端午"),
        (date(2027, 9, 15), "中秋"), (date(2027, 10, 3), "国庆节"), (date(2027, 10, 4), ""), (date(2120, 4, 5), ""),
    ],
)  # fmt: skip
def test_holidays_by_name(day: date, name: str) -> None:
    """Weekends and made-up working days are none; 2027 knows the statutory days only."""
    assert holiday(day) == name


def test_the_working_day_after_spring_festival() -> None:
    assert next_working_day(date(2026, 2, 16)) == date(2026, 2, 24)
    assert next_working_day(date(2027, 2, 5)) == date(2027, 2, 9)
