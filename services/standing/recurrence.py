"""How often: recurrences as data, a small part of RFC 5545, read by dateutil's rules.

Weeks begin on Monday. A day of the month that a month lacks is left out, as the RFC says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from dateutil.rrule import MO, MONTHLY, WEEKLY, rrule, weekday

KINDS = {"week": "每周", "month_day": "每月几号", "month_weekday": "每月第几个周几"}
MOST = {"week": 8, "month_day": 12, "month_weekday": 12}
"""The longest interval of each kind, in weeks or months."""
LAST = -1
LONGEST = timedelta(days=366 * 12)
DAY_NAMES = "一二三四五六日"


@dataclass(frozen=True)
class Pattern:
    """``week``: the weekdays (0 is Monday) of every ``interval`` weeks; ``month_day``: a day of every ``interval``
    months; ``month_weekday``: their ``nth`` weekday. ``LAST`` stands for the last day and the last such weekday."""

    every: str
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    day: int = 0
    nth: int = 0
    weekday: int = 0

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what is no recurrence."""
        if self.every not in KINDS or not 1 <= self.interval <= MOST[self.every]:
            raise ValueError("no such interval")
        in_week = all(0 <= day <= 6 for day in (*self.weekdays, self.weekday))
        sorted_once = list(self.weekdays) == sorted(set(self.weekdays))
        fits = {
            "week": bool(self.weekdays) and sorted_once,
            "month_day": self.day == LAST or 1 <= self.day <= 31,
            "month_weekday": self.nth == LAST or 1 <= self.nth <= 5,
        }
        if not in_week or not fits[self.every]:
            raise ValueError("no such day")

    def data(self) -> dict[str, Any]:
        """As it is stored."""
        own: dict[str, dict[str, Any]] = {
            "week": {"weekdays": list(self.weekdays)},
            "month_day": {"day": self.day},
            "month_weekday": {"nth": self.nth, "weekday": self.weekday},
        }
        return {"every": self.every, "interval": self.interval, **own[self.every]}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Pattern:
        """From what is stored. Raises ``ValueError`` or ``TypeError`` for anything else."""
        return cls(**data | {"weekdays": tuple(data.get("weekdays", ()))})

    def told(self) -> str:
        """In words: 每周二、周五; 每2周的周二; 每月15日; 每3个月的最后一个周三."""
        several = self.interval > 1
        if self.every == "week":
            days = _week_words(self.weekdays)
            return f"每{self.interval}周的{days}" if several else days if days == "每天" else f"每{days}"
        head = f"每{self.interval}个月的" if several else "每月"
        if self.every == "month_day":
            return head + ("最后一天" if self.day == LAST else f"{self.day}日")
        which = "最后一个" if self.nth == LAST else f"第{self.nth}个"
        return f"{head}{which}周{DAY_NAMES[self.weekday]}"


def _week_words(weekdays: tuple[int, ...]) -> str:
    if weekdays == tuple(range(7)):
        return "每天"
    if weekdays == tuple(range(5)):
        return "周一到周五"
    return "、".join(f"周{DAY_NAMES[day]}" for day in weekdays)


def _rule(pattern: Pattern, start: date, from_day: date) -> rrule:
    """The rule in the phase of ``start``, begun not long before ``from_day``, so that old series cost what new do."""
    if pattern.every == "week":
        begin, length = start - timedelta(days=start.weekday()), 7 * pattern.interval
        begin += timedelta(days=max(0, (from_day - begin).days // length) * length)
        days = [weekday(day) for day in pattern.weekdays]
        return rrule(WEEKLY, _midnight(begin), pattern.interval, MO, byweekday=days)
    months = (from_day.year - start.year) * 12 + from_day.month - start.month
    month = start.year * 12 + start.month - 1 + max(0, months // pattern.interval) * pattern.interval
    begin = date(month // 12, month % 12 + 1, 1)
    if pattern.every == "month_day":
        return rrule(MONTHLY, _midnight(begin), pattern.interval, MO, bymonthday=pattern.day)
    return rrule(MONTHLY, _midnight(begin), pattern.interval, MO, byweekday=weekday(pattern.weekday)(pattern.nth))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


@lru_cache(maxsize=4096)
def days(pattern: Pattern, start: date, first: date, last: date) -> tuple[date, ...]:
    """The days of a recurrence that began on ``start``, from ``first`` to ``last``, both included."""
    lowest = max(start, first)
    if lowest > last:
        return ()
    rule = _rule(pattern, start, lowest).replace(until=_midnight(last))
    return tuple(day for day in (moment.date() for moment in rule) if day >= lowest)


def _onward(pattern: Pattern, start: date) -> Iterator[date]:
    rule = _rule(pattern, start, start).replace(until=_midnight(start + LONGEST))
    return (day for day in (moment.date() for moment in rule) if day >= start)


def last_of(pattern: Pattern, start: date, times: int) -> date | None:
    """The day of the last of so many times; None when there are not as many within twelve years."""
    return next(islice(_onward(pattern, start), times - 1, None), None)
