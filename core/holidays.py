"""Public holidays by name: which days are off because of one, unlike plain weekends.

Known from the table of days (``core.calendar``). Of years that it does not hold only the 13 statutory days are known
(全国年节及纪念日放假办法, 2025): the days made up for are announced with the yearly notice.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar

from core import calendar

FESTIVALS = {
    2027: ("02-06", "06-09", "09-15"), 2028: ("01-26", "05-28", "10-03"), 2029: ("02-13", "06-16", "09-22"),
    2030: ("02-03", "06-05", "09-12"), 2031: ("01-23", "06-24", "10-01"), 2032: ("02-11", "06-12", "09-19"),
    2033: ("01-31", "06-01", "09-08"), 2034: ("02-19", "06-20", "09-27"), 2035: ("02-08", "06-10", "09-16"),
    2036: ("01-28", "05-30", "10-04"),
}  # fmt: skip
"""First day of the lunar year (春节), 端午 and 中秋."""


def holiday(day: date) -> str:
    """The holiday for which a day is off, in Chinese; nothing for a plain weekend or a day that is worked."""
    table = calendar.table()
    if day.year not in table.years:
        return statutory(day.year).get(day, "")
    return "" if table.works(day) else table.name(day)


def next_working_day(day: date) -> date:
    """The first working day after ``day`` that belongs to no holiday."""
    day = calendar.add_working_days(day, 1)
    while holiday(day):
        day = calendar.add_working_days(day, 1)
    return day


@lru_cache(maxsize=32)
def statutory(year: int) -> dict[date, str]:
    """The statutory days of a year by law alone."""
    fixed = (
        ("元旦", 1, 1),
        ("劳动节", 5, 1),
        ("劳动节", 5, 2),
        ("国庆节", 10, 1),
        ("国庆节", 10, 2),
        ("国庆节", 10, 3),
    )
    days = {date(year, month, day): name for name, month, day in fixed}
    with suppress(NotImplementedError):
        terms = chinese_calendar.get_solar_terms(date(year, 4, 1), date(year, 4, 10))
        days |= {day: "清明" for day, term in terms if term == "清明"}
    if year in FESTIVALS:
        spring, dragon, moon = (date.fromisoformat(f"{year}-{part}") for part in FESTIVALS[year])
        days |= {spring + timedelta(days=n): "春节" for n in range(-1, 3)} | {dragon: "端午", moon: "中秋"}
    return days
