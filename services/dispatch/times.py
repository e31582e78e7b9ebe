"""When a volunteer has time, in whole minutes of Shanghai, which has kept one offset from UTC since 1992.

A minute is counted from the first of 1970 there; day and week follow by division, weeks beginning on Monday.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

DAY = 1440
OFFSET = 480
FIRST = date(1970, 1, 1)
THURSDAY = 3
LEAST = 15
"""Nobody is sent for less than a quarter of an hour, however short a service usually is."""
FIXED = 180
"""A wished time of up to three hours is kept free whole; a longer one, such as 全天, leaves the hour open."""

Hours = Sequence[tuple[int, int, int]]
Span = tuple[int, int]


def minute_of(moment: datetime) -> int:
    """The minute in which a moment lies."""
    return int(moment.timestamp() // 60) + OFFSET


def moment_of(minute: int) -> datetime:
    """The beginning of a minute."""
    return datetime.fromtimestamp((minute - OFFSET) * 60, UTC)


def day_of(day: date) -> int:
    """A calendar day by its number."""
    return (day - FIRST).days


def date_of(day: int) -> date:
    """The calendar day of a number."""
    return FIRST + timedelta(days=day)


def weekday_of(day: int) -> int:
    """0 for Monday."""
    return (day + THURSDAY) % 7


def week_of(day: int) -> int:
    """The week in which a day lies."""
    return (day + THURSDAY) // 7


def clock_of(minute: int) -> str:
    """The time of day, ``9:05``."""
    return f"{minute % DAY // 60}:{minute % 60:02d}"


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def needed(start: int, end: int, minutes: int) -> int:
    """How long a volunteer must be free within a wished time: as long as the service usually takes, or all of it."""
    return min(max(LEAST, minutes), end - start)


def is_off(day: int, off: Sequence[Span]) -> bool:
    """Whether a day lies among the days off."""
    return any(first <= day <= last for first, last in off)


def open_spans(start: int, end: int, hours: Hours, off: Sequence[Span]) -> list[Span]:
    """The parts of a time in which weekly hours and days off leave a volunteer free. No hours known: all of it."""
    found = []
    for day in range(start // DAY, (end - 1) // DAY + 1):
        if is_off(day, off):
            continue
        weekday, midnight = weekday_of(day), day * DAY
        windows = [(o, c) for w, o, c in hours if w == weekday] if hours else [(0, DAY)]
        found += [(max(start, midnight + opens), min(end, midnight + closes)) for opens, closes in windows]
    return joined((first, last) for first, last in found if first < last)


def free_from(
    start: int, end: int, minutes: int, hours: Hours, off: Sequence[Span], busy: Sequence[Span], margin: int
) -> int | None:
    """The first minute of a wished time at which somebody is free for the service, with a margin for the way to and
    from what they have accepted already. ``busy`` is in order."""
    long = needed(start, end, minutes)
    for first, last in open_spans(start, end, hours, off):
        at = first
        for begins, ends in busy:
            if ends + margin > at and begins - margin < at + long:
                at = ends + margin
        if at + long <= last:
            return at
    return None


def kept(start: int | None, end: int | None) -> Span | None:
    """The time that a task keeps free: the wished one when it is short enough to be a promise."""
    if start is None or end is None or end - start > FIXED:
        return None
    return start, end
