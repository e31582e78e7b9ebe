"""Hours in which only what is urgent may disturb."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from core import clock

Hours = tuple[int, int]
DEFAULT: Hours = (21 * 60, 8 * 60)
"""From 21:00 to 8:00, in minutes after midnight, Shanghai."""


def end_of_quiet(hours: Hours, now: datetime) -> datetime | None:
    """When the quiet hours that run now are over; None outside them. Equal hours are none."""
    begins, ends = hours
    local = clock.local(now)
    minute = local.hour * 60 + local.minute
    over_midnight = begins > ends
    inside = (minute >= begins or minute < ends) if over_midnight else begins <= minute < ends
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and minute >= begins else 0)
    return clock.from_local(datetime.combine(day, time(ends // 60, ends % 60)))


def told(hours: Hours) -> str:
    """Hours in words: 21:00–8:00."""
    begins, ends = hours
    return f"{begins // 60}:{begins % 60:02d}–{ends // 60}:{ends % 60:02d}"
