"""Stretches of time that somebody's hours, shifts and tasks take up, and the nights among them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock


@dataclass(frozen=True)
class Span:
    """From one moment to another, and what for, in words."""

    start: datetime
    end: datetime
    title: str = ""

    def meets(self, start: datetime, end: datetime) -> bool:
        """Whether the two share any time."""
        return self.start < end and start < self.end


Busy = Callable[[Collection[str], datetime, datetime], Mapping[str, list[Span]]]
BUSY: list[Busy] = []
"""What else takes up people's time between two moments, by person: the rooms above put their answers in here."""


def is_night(start: datetime, end: datetime, night_from: int, night_until: int) -> bool:
    """Whether a stretch touches the night, given in minutes of the Shanghai day (22:00 to 6:00)."""
    first = clock.local(start).date() - timedelta(days=1)
    for number in range((clock.local(end).date() - first).days + 1):
        midnight, _ = clock.day_bounds(first + timedelta(days=number))
        begins = midnight + timedelta(minutes=night_from)
        until = midnight + timedelta(minutes=night_until + (1440 if night_until <= night_from else 0))
        if start < until and begins < end:
            return True
    return False


def rest_problem(start: datetime, end: datetime, others: Iterable[Span], rules: Mapping[str, int]) -> str:
    """Why a shift would leave somebody too little rest beside the shifts they have; nothing when it does not.

    Nights a week and rest around a night shift are the estate's own rules.
    """
    held = list(others)
    night = is_night(start, end, rules["night_from"], rules["night_until"])
    rest = timedelta(hours=rules["rest_hours"])
    for other in held:
        at_night = night or is_night(other.start, other.end, rules["night_from"], rules["night_until"])
        gap = other.start - end if other.start >= end else start - other.end
        if at_night and timedelta(0) <= gap < rest:
            return f"和“{other.title}”隔得太近，夜班前后要休息{rules['rest_hours']}小时"
    if night:
        week = clock.local(start).date() - timedelta(days=clock.local(start).weekday())
        begins, until = clock.day_bounds(week)[0], clock.day_bounds(week + timedelta(days=6))[1]
        nights = sum(
            is_night(other.start, other.end, rules["night_from"], rules["night_until"])
            for other in held
            if begins <= other.start < until
        )
        if nights >= rules["nights_a_week"]:
            return f"那一周已有{nights}个夜班，一周最多{rules['nights_a_week']}个"
    return ""


def confirm_by(now: datetime, start: datetime, rules: Mapping[str, int]) -> datetime:
    """Until when somebody who waited has to confirm a place that became free: so many minutes, which do not begin at
    night, and not beyond the beginning of the shift."""
    local = clock.local(now)
    minute = local.hour * 60 + local.minute
    midnight, _ = clock.day_bounds(local.date())
    begins = now
    if rules["quiet_from"] > rules["quiet_until"]:
        if minute >= rules["quiet_from"]:
            begins = midnight + timedelta(days=1, minutes=rules["quiet_until"])
        elif minute < rules["quiet_until"]:
            begins = midnight + timedelta(minutes=rules["quiet_until"])
    return min(begins + timedelta(minutes=rules["confirm_minutes"]), start)
