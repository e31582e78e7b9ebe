"""The one clock. Database times are aware UTC; pages show Asia/Shanghai; tests may set the time."""

from __future__ import annotations

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


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a Shanghai day and of the next, as aware UTC."""
    start = from_local(datetime(day.year, day.month, day.day))
    return start, start + timedelta(days=1)
