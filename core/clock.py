"""The one clock. Database times are aware UTC; pages show Asia/Shanghai; tests may set the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_fixed: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return _fixed if _fixed is not None else datetime.now(UTC)


def set_now(moment: datetime | None) -> None:
    """Fix the clock at an aware moment (tests, and the past of the demo); ``None`` lets it run again."""
    global _fixed
    if moment is not None and moment.tzinfo is None:
        raise ValueError("the clock takes aware times only")
    _fixed = moment.astimezone(UTC) if moment is not None else None


def today() -> date:
    """The calendar day in Shanghai."""
    return local(now()).date()


def local(moment: datetime) -> datetime:
    """An aware moment as Shanghai shows it."""
    return moment.astimezone(SHANGHAI)


def from_local(naive: datetime) -> datetime:
    """A naive Shanghai time, as typed on a form, as aware UTC."""
    return naive.replace(tzinfo=SHANGHAI).astimezone(UTC)


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return next_month(day) - timedelta(days=1)


Part = tuple[str, date, date]
"""A grain (``d`` days, ``w`` weeks, ``m`` months) and the first and last of its periods, each by its first day."""


def cover(first: date, last: date, grains: Sequence[str], goes_on: bool = False) -> list[Part]:
    """A period as the whole periods of the first of these grains that lie in it, and what is left before and after them
    as those of the next ones; days come last. ``goes_on``: nothing comes after it, so that its last one is whole."""
    grain, smaller = grains[0], grains[1:]
    if first > last:
        return []
    if grain == "d":
        return [("d", first, last)]
    start = first if first_of(grain, first) == first else last_of(grain, first) + timedelta(days=1)
    until = last_of(grain, last) if goes_on else last
    end = first_of(grain, until + timedelta(days=1)) - timedelta(days=1)
    if start > end:
        return cover(first, last, smaller, goes_on)
    before = cover(first, start - timedelta(days=1), smaller)
    return [(grain, start, first_of(grain, end)), *before, *cover(end + timedelta(days=1), last, smaller)]


def first_of(grain: str, day: date) -> date:
    """The first day of the period of a grain in which a day lies."""
    return {"d": day, "w": day - timedelta(days=day.weekday()), "m": day.replace(day=1)}[grain]


def last_of(grain: str, day: date) -> date:
    """The last day of that period."""
    return {"d": day, "w": day + timedelta(days=6 - day.weekday()), "m": month_end(day)}[grain]


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a Shanghai day and of the next, as aware UTC."""
    start = from_local(datetime(day.year, day.month, day.day))
    return start, start + timedelta(days=1)
