"""The days of a series as agreed: holidays skipped or moved, pauses left out, nothing in the past."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core import clock
from core.holidays import holiday, next_working_day
from services.standing.recurrence import Pattern, days

HOLIDAYS = {"skip": "跳过这一次", "next": "顺延到下一个工作日", "keep": "照常上门"}
BACK = timedelta(days=20)
"""How far a holiday may move a visit: longer than any row of days off."""


@dataclass(frozen=True)
class Terms:
    """What was agreed about when."""

    pattern: Pattern
    starts_on: date
    until: date | None
    start_minute: int
    end_minute: int
    holidays: str = "skip"
    pause_from: date | None = None
    pause_until: date | None = None

    def pauses(self, day: date) -> bool:
        """Whether a day lies in the pause."""
        return self.pause_from is not None and self.pause_from <= day <= (self.pause_until or date.max)

    def period(self, day: date) -> tuple[datetime, datetime]:
        """The wished time on a day, as aware moments."""
        start = clock.day_bounds(day)[0]
        return start + timedelta(minutes=self.start_minute), start + timedelta(minutes=self.end_minute)

    def told(self) -> str:
        """In words: 每周二上午."""
        return self.pattern.told() + part_of_day(self.start_minute, self.end_minute)


@dataclass(frozen=True)
class Occurrence:
    """One time of a series: ``day`` by the pattern, ``on`` when it is held; ``skipped`` and ``moved`` say why."""

    day: date
    on: date
    skipped: str = ""
    moved: str = ""


def part_of_day(start_minute: int, end_minute: int) -> str:
    """上午, 下午, 晚上, or 白天 for what is longer."""
    if end_minute <= 12 * 60:
        return "上午"
    if start_minute >= 18 * 60:
        return "晚上"
    return "下午" if start_minute >= 12 * 60 and end_minute <= 18 * 60 else "白天"


def clock_words(start_minute: int, end_minute: int) -> str:
    """8:30–10:30."""
    return "–".join(f"{minute // 60}:{minute % 60:02d}" for minute in (start_minute, end_minute))


def occurrences(terms: Terms, first: date, last: date, by_hand: Collection[date] = ()) -> list[Occurrence]:
    """The times from ``first`` on whose pattern's day is ``last`` or before, those skipped included.

    ``by_hand``: days that were called off. A time that a holiday moved counts by the day it is held on.
    """
    last = min(last, terms.until or last)
    found: list[Occurrence] = []
    taken: set[date] = set()
    for day in days(terms.pattern, terms.starts_on, first - BACK, last):
        occurrence = _one(terms, day, by_hand, taken)
        if not occurrence.skipped:
            taken.add(occurrence.on)
        if occurrence.on >= first:
            found.append(occurrence)
    return found


def _one(terms: Terms, day: date, by_hand: Collection[date], taken: Collection[date]) -> Occurrence:
    if day in by_hand:
        return Occurrence(day, day, "这一次不用来")
    name = holiday(day) if terms.holidays != "keep" else ""
    if not name:
        return Occurrence(day, day, _why_not(terms, day))
    if terms.holidays == "skip":
        return Occurrence(day, day, f"{name}放假")
    on = next_working_day(day)
    own = on not in by_hand and on <= (terms.until or on) and days(terms.pattern, terms.starts_on, on, on)
    if own or on in taken:
        return Occurrence(day, day, f"{name}放假，并到{on.month}月{on.day}日那次")
    return Occurrence(day, on, _why_not(terms, on), f"{name}放假，顺延")


def _why_not(terms: Terms, on: date) -> str:
    if terms.pauses(on):
        return "暂停期间"
    return "时间已经过了" if terms.period(on)[0] <= clock.now() else ""


def upcoming(
    terms: Terms, count: int, since: date | None = None, by_hand: Collection[date] = (), ahead: int = 800
) -> list[Occurrence]:
    """The next ``count`` times from ``since`` (today) on, those skipped included, at most ``ahead`` days on."""
    first = max(since or clock.today(), terms.starts_on)
    step, found = 60, list[Occurrence]()
    while len(found) < count and step <= 2 * ahead:
        found = occurrences(terms, first, first + timedelta(days=min(step, ahead)), by_hand)
        step *= 2
    return found[:count]


def next_visit(terms: Terms, by_hand: Collection[date] = ()) -> Occurrence | None:
    """The next time that is held, within two years; None when there is none."""
    first = max(clock.today(), terms.starts_on)
    for ahead in (40, 400, 800):
        coming = occurrences(terms, first, first + timedelta(days=ahead), by_hand)
        found = next((occurrence for occurrence in coming if not occurrence.skipped), None)
        if found is not None:
            return found
    return None
