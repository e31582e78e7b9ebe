"""Working days and the three clocks by which deadlines run.

Holidays and make-up working days come from the State Council's yearly notices as the chinese-calendar library has them;
for years it does not know (2027 on) Monday to Friday count as working days. Working hours are 9:00–12:00 and
14:00–18:00, Shanghai time.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import chinese_calendar

from core import clock

SESSIONS = ((time(9), time(12)), (time(14), time(18)))
DAY_MINUTES = 7 * 60


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Whether offices work on this day."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_known_year(year: int) -> bool:
    """Whether the year's holidays are known, rather than guessed from weekdays."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def add_working_days(day: date, count: int) -> date:
    """The working day that is ``count`` working days after ``day``; ``day`` itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def working_days_between(first: date, last: date) -> int:
    """How many working days lie after ``first`` up to and including ``last``."""
    return sum(is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def deadline(start: datetime, minutes: int, kind: str) -> datetime:
    """When ``minutes`` have run from ``start`` by a clock: ``around_the_clock``, ``working_hours`` or ``working_days``.

    By working days, whole days count: each begun 1440 minutes is one working day, ending at its 18:00.
    """
    if kind == "around_the_clock":
        return start + timedelta(minutes=minutes)
    local = clock.local(start).replace(tzinfo=None)
    if kind == "working_days":
        day = add_working_days(local.date(), -(-minutes // 1440))
        return clock.from_local(datetime.combine(day, SESSIONS[-1][1]))
    if kind == "working_hours":
        return clock.from_local(_add_working_minutes(local, minutes))
    raise ValueError(f"unknown clock {kind}")


def _add_working_minutes(local: datetime, minutes: int) -> datetime:
    left = timedelta(minutes=minutes)
    day = local.date()
    while True:
        if is_working_day(day):
            for opens, closes in SESSIONS:
                begin = max(local, datetime.combine(day, opens))
                room = datetime.combine(day, closes) - begin
                if room <= timedelta(0):
                    continue
                if left <= room:
                    return begin + left
                left -= room
        day += timedelta(days=1)
