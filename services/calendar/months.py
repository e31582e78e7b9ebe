"""A month or a week as a grid of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from core import clock
from core.diary import Entry
from core.holidays import holiday

VIEWS = ("month", "week")
SHOWN = 4
"""Entries of a day that a month shows; a week shows them all."""


@dataclass
class Day:
    """A day of the grid with what is on; ``is_out``: it belongs to the month before or after."""

    day: date
    is_out: bool
    is_today: bool
    holiday: str
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Span:
    """The days that a page shows, and the days that lead to the pages before and after."""

    view: str
    anchor: date
    first: date
    last: date
    title: str
    before: date
    after: date


def span_of(view: str, day: date) -> Span:
    """The month or week that a day lies in; a month is filled up to whole weeks."""
    monday = day - timedelta(days=day.weekday())
    if view == "week":
        sunday = monday + timedelta(days=6)
        title = f"{monday.year}年{monday.month}月{monday.day}日–{sunday.month}月{sunday.day}日"
        return Span(view, day, monday, sunday, title, monday - timedelta(days=7), monday + timedelta(days=7))
    first = day.replace(day=1)
    after = clock.next_month(first)
    last = after - timedelta(days=1)
    begin, end = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
    before = (first - timedelta(days=1)).replace(day=1)
    return Span("month", day, begin, end, f"{first.year}年{first.month}月", before, after)


def days_of(span: Span, entries: Sequence[Entry]) -> list[Day]:
    """Every day of the span with its entries."""
    by_day: dict[date, list[Entry]] = {}
    for entry in entries:
        by_day.setdefault(entry.day, []).append(entry)
    count = (span.last - span.first).days + 1
    return [
        Day(
            day, span.view == "month" and day.month != span.anchor.month, day == clock.today(), holiday(day),
            by_day.get(day, []),
        )
        for day in (span.first + timedelta(days=n) for n in range(count))
    ]  # fmt: skip
