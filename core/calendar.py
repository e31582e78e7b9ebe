"""Working days and the three clocks by which deadlines run.

Which days are worked comes from a table that whoever knows it registers (``use_table``); without one it is what the
chinese-calendar library has of the State Council's yearly notices. In a year that the table does not hold, Monday to
Friday count as working days, and ``missing_years`` says so. Everything here is pure: a clock reads no other clock than
the moments it is given, in Shanghai time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from chinese_calendar import constants

from core import clock

Session = tuple[time, time]
SESSIONS: tuple[Session, ...] = ((time(9), time(12)), (time(14), time(18)))
DAY = timedelta(days=1)
AROUND, HOURS, DAYS = "around_the_clock", "working_hours", "working_days"
CLOCKS = (AROUND, HOURS, DAYS)


class Day(NamedTuple):
    """A day that is not what its weekday says, or has a name: whether it is worked, and the holiday's name."""

    works: bool
    name: str = ""


@dataclass(frozen=True)
class Table:
    """The days that stand out, and the years for which they are known."""

    days: Mapping[date, Day]
    years: frozenset[int]

    def works(self, day: date) -> bool:
        """Whether offices work on this day."""
        if day.year in self.years and (found := self.days.get(day)) is not None:
            return found.works
        return day.weekday() < 5

    def name(self, day: date) -> str:
        """The name of the holiday that the day is, or is made up for; nothing on other days."""
        found = self.days.get(day) if day.year in self.years else None
        return found.name if found is not None else ""


@cache
def library() -> Table:
    """What the library knows: holidays, and weekends worked in their stead."""
    names = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    days = {day: Day(False, names[name]) for day, name in constants.holidays.items()}
    days |= {day: Day(True, names[name]) for day, name in constants.workdays.items()}
    return Table(days, frozenset(day.year for day in days))


_tables: list[Callable[[], Table]] = [library]


def use_table(find: Callable[[], Table]) -> None:
    """Name the function that gives the table as it stands now; it is asked often and must be quick."""
    _tables[:] = [find]


def table() -> Table:
    """The table as it stands now."""
    return _tables[0]()


def is_working_day(day: date) -> bool:
    """Whether offices work on this day."""
    return table().works(day)


def is_known_year(year: int) -> bool:
    """Whether the year's holidays are known, rather than guessed from weekdays."""
    return year in table().years


def missing_years(first: date, last: date) -> list[int]:
    """The years between two days, both included, whose holidays are not known."""
    known = table().years
    return [year for year in range(first.year, last.year + 1) if year not in known]


def add_working_days(day: date, count: int) -> date:
    """The working day that is ``count`` working days after ``day``; ``day`` itself does not count."""
    days = table()
    while count > 0:
        day += DAY
        count -= days.works(day)
    return day


def working_days_between(first: date, last: date) -> int:
    """How many working days lie after ``first`` up to and including ``last``."""
    days = table()
    return sum(days.works(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def deadline(start: datetime, minutes: int, kind: str, sessions: Sequence[Session] = SESSIONS) -> datetime:
    """When ``minutes`` have run from ``start`` by a clock: ``around_the_clock``, ``working_hours`` or ``working_days``.

    By working days, whole days count: each begun 1440 minutes is one working day, ending when its last session closes.
    """
    return after(start, timedelta(minutes=minutes), kind, sessions)


def after(start: datetime, length: timedelta, kind: str, sessions: Sequence[Session] = SESSIONS) -> datetime:
    """``deadline`` for any length of time. None at all ends where it begins, by working days at the next close."""
    if kind == AROUND or (kind == HOURS and not length):
        return start + length
    local = _local(start)
    if kind == DAYS:
        count = -(-length // DAY)
        day = add_working_days(local.date(), count) if count > 0 else _next_close(local, sessions)
        return clock.from_local(datetime.combine(day, sessions[-1][1]))
    if kind == HOURS:
        return clock.from_local(_after_working(local, length, sessions))
    raise ValueError(f"unknown clock {kind}")


def counted(start: datetime, end: datetime, kind: str, sessions: Sequence[Session] = SESSIONS) -> timedelta:
    """How much of a clock's time lies between two moments; by working days, a day for each one after the first."""
    if kind == AROUND:
        return max(end - start, timedelta(0))
    first, last = _local(start), _local(end)
    if kind == DAYS:
        return timedelta(days=working_days_between(first.date(), last.date()))
    if kind == HOURS:
        return sum((till - since for since, till in _worked(first, last, sessions)), timedelta(0))
    raise ValueError(f"unknown clock {kind}")


def _local(moment: datetime) -> datetime:
    return clock.local(moment).replace(tzinfo=None)


def _after_working(local: datetime, length: timedelta, sessions: Sequence[Session]) -> datetime:
    days, left, day = table(), length, local.date()
    while True:
        if days.works(day):
            for since, till in _sessions_on(day, local, None, sessions):
                if left <= till - since:
                    return since + left
                left -= till - since
        day += DAY


def _next_close(local: datetime, sessions: Sequence[Session]) -> date:
    days, day = table(), local.date()
    if local.time() > sessions[-1][1]:
        day += DAY
    while not days.works(day):
        day += DAY
    return day


def _sessions_on(
    day: date, since: datetime, till: datetime | None, sessions: Sequence[Session]
) -> Iterator[tuple[datetime, datetime]]:
    """The sessions of a day, as far as they lie between two moments, the second of which may be open."""
    for opens, closes in sessions:
        begin, end = max(since, datetime.combine(day, opens)), datetime.combine(day, closes)
        end = end if till is None else min(till, end)
        if begin < end:
            yield begin, end


def _worked(since: datetime, till: datetime, sessions: Sequence[Session]) -> Iterator[tuple[datetime, datetime]]:
    days, day = table(), since.date()
    while day <= till.date():
        if days.works(day):
            yield from _sessions_on(day, since, till, sessions)
        day += DAY


@dataclass(frozen=True)
class Stretch:
    """Days in a row that a clock treats alike: what was counted on them, between which hours, or why nothing was.

    ``name`` is the holiday's; ``made_up`` marks weekends worked in a holiday's stead.
    """

    first: date
    last: date
    hours: tuple[Session, ...]
    counted: timedelta
    works: bool = True
    name: str = ""
    made_up: bool = False


def stretches(start: datetime, end: datetime, kind: str, sessions: Sequence[Session] = SESSIONS) -> list[Stretch]:
    """A clock's way from one moment to another, day by day, days alike drawn together. What it counts sums up."""
    first, last = _local(start), _local(end)
    if kind == AROUND:
        return [Stretch(first.date(), last.date(), (), max(end - start, timedelta(0)))]
    found: list[Stretch] = []
    for one in _days_of(first, last, kind, sessions):
        before = found[-1] if found else None
        if before is not None and _alike(before, one):
            found[-1] = Stretch(
                before.first, one.last, one.hours, before.counted + one.counted, one.works, one.name, one.made_up
            )
        else:
            found.append(one)
    return found


def _alike(left: Stretch, right: Stretch) -> bool:
    return (left.hours, left.works, left.name, left.made_up) == (right.hours, right.works, right.name, right.made_up)


def _days_of(first: datetime, last: datetime, kind: str, sessions: Sequence[Session]) -> Iterator[Stretch]:
    """The days of a clock that runs in working time, the first and the last as far as they belong to it."""
    days, day = table(), first.date()
    while day <= last.date():
        works, name = days.works(day), days.name(day)
        made_up = works and day.weekday() >= 5
        if kind == HOURS:
            spans = tuple(_sessions_on(day, first, last, sessions)) if works else ()
            hours = tuple((since.time(), till.time()) for since, till in spans)
            length = sum((till - since for since, till in spans), timedelta(0))
        else:
            hours, length = (), DAY * (works and day > first.date())
        if length or not works or day == first.date() or day < last.date():
            yield Stretch(day, day, hours, length, works, name, made_up)
        day += DAY
