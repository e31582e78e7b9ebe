"""Reading the calendar, and the table that every clock of the process runs by.

The table is kept in the process. Once a minute the years' versions are compared, one small statement, and the days are
read anew when any of them has moved; the process that made a change forgets its copy at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from flask import current_app, has_app_context
from sqlalchemy import bindparam, or_, select

from community.organisations.models import Appointment
from community.workdays.models import FIRST_YEAR, LAST_YEAR, STAFF, WORKED, CalendarDay, CalendarYear, DayKind
from core import calendar, clock
from core.access import NotFound, permissions
from core.calendar import Day, Table
from core.database import fast

LOOK_AGAIN_SECONDS = 60
_YEARS = select(CalendarYear.year, CalendarYear.entered, CalendarYear.version).order_by(CalendarYear.year)
_WITH_DAYS = _YEARS.add_columns(CalendarDay.day, CalendarDay.kind, CalendarDay.name).outerjoin(
    CalendarDay, (CalendarDay.year == CalendarYear.year) & CalendarYear.entered
)


@dataclass
class _Kept:
    """The table as this process last read it, for one application."""

    years: Set[tuple[Any, ...]] | None = None
    table: Table = field(default_factory=lambda: Table({}, frozenset()))
    seen: float = 0.0


def current_table() -> Table:
    """The days that staff entered; outside an application what the library knows."""
    if not has_app_context():
        return calendar.library()
    kept: _Kept = current_app.extensions.setdefault("linju.calendar", _Kept())
    if kept.years is None or time.monotonic() - kept.seen > LOOK_AGAIN_SECONDS:
        _look_again(kept)
    return kept.table


def _look_again(kept: _Kept) -> None:
    if kept.years is None or kept.years != {tuple(row) for row in fast().execute(_YEARS)}:
        rows = fast().execute(_WITH_DAYS).all()
        days = {day: Day(DayKind(kind) in WORKED, name) for *_, day, kind, name in rows if day is not None}
        kept.years = {(year, entered, version) for year, entered, version, *_ in rows}
        kept.table = Table(days, frozenset(year for year, entered, _ in kept.years if entered))
    kept.seen = time.monotonic()


def forget() -> None:
    """Read the table anew when it is next asked for."""
    current_app.extensions.pop("linju.calendar", None)


@dataclass(frozen=True)
class Cell:
    """A day on the page. ``mark`` is 休, 班 or nothing; ``by_staff``: not what the notice says."""

    day: date
    works: bool
    mark: str = ""
    name: str = ""
    by_staff: bool = False


@dataclass(frozen=True)
class Year:
    """A year as its page shows it."""

    year: int
    entered: bool
    version: int
    updated_at: datetime | None
    updated_by: str
    days: dict[date, tuple[DayKind, str, str]]
    """Kind, name and source of the days that stand out."""

    def months(self) -> list[list[list[Cell | None]]]:
        """Twelve months of weeks, Monday first; None pads the first and the last week."""
        return [_weeks(self, month) for month in range(1, 13)]

    def specials(self, month: int) -> list[tuple[str, str, str, bool]]:
        """The days of a month that stand out, days alike in a row drawn together: when, name, 休 or 班, by staff."""
        found: list[tuple[str, str, str, bool]] = []
        days = [self.cell(day) for day in sorted(self.days) if day.month == month]
        for _, run in groupby(enumerate(days), lambda pair: (pair[1].day.day - pair[0], pair[1].mark, pair[1].name)):
            cells = [cell for _, cell in run]
            first, last = cells[0].day.day, cells[-1].day.day
            text = f"{first}日" if first == last else f"{first}–{last}日"
            found.append((text, cells[0].name, cells[0].mark, any(cell.by_staff for cell in cells)))
        return found

    @property
    def by_hand(self) -> bool:
        """Whether staff have entered or changed any of its days."""
        return any(source == STAFF for _, _, source in self.days.values())

    @property
    def working_days(self) -> int:
        """How many days of the year are worked."""
        first, last = date(self.year, 1, 1), date(self.year, 12, 31)
        return sum(self.cell(first + timedelta(days=n)).works for n in range((last - first).days + 1))

    def cell(self, day: date) -> Cell:
        """How a day stands."""
        kind, name, source = self.days.get(day, (None, "", ""))
        usual = day.weekday() < 5
        if kind is None:
            return Cell(day, usual)
        works = kind in WORKED if self.entered else usual
        return Cell(day, works, "班" if kind in WORKED else "休", name, source == STAFF)


def _weeks(year: Year, month: int) -> list[list[Cell | None]]:
    first = date(year.year, month, 1)
    following = date(year.year + month // 12, month % 12 + 1, 1)
    cells: list[Cell | None] = [None] * first.weekday()
    cells += [year.cell(first + timedelta(days=n)) for n in range((following - first).days)]
    cells += [None] * (-len(cells) % 7)
    return [cells[n : n + 7] for n in range(0, len(cells), 7)]


_YEAR = (
    select(CalendarYear.entered, CalendarYear.version, CalendarYear.updated_at,
           CalendarYear.updated_by_name, CalendarDay.day, CalendarDay.kind, CalendarDay.name,
           CalendarDay.source.label("day_source"))
    .outerjoin(CalendarDay, CalendarDay.year == CalendarYear.year)
    .where(CalendarYear.year == bindparam("wanted"))
    .order_by(CalendarDay.day)
)  # fmt: skip


def get_year(year: int) -> Year:
    """A year, entered or not. Raises ``NotFound`` outside the years that the calendar can hold."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound
    rows = fast().execute(_YEAR, {"wanted": year}).all()
    if not rows:
        return Year(year, False, 0, None, "", {})
    entered, version, updated_at, updated_by = rows[0][:4]
    days = {row.day: (DayKind(row.kind), row.name, row.day_source) for row in rows if row.day is not None}
    return Year(year, entered, version, updated_at, updated_by, days)


def list_years() -> Sequence[tuple[int, bool]]:
    """The years that are known of, with whether they are entered."""
    found = fast().execute(select(CalendarYear.year, CalendarYear.entered).order_by(CalendarYear.year))
    return [(year, entered) for year, entered in found]


def list_editors() -> list[str]:
    """Everybody who holds a post today with which the calendar can be edited."""
    today = clock.today()
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today)
    roles = sorted(permissions()["workdays:edit"].roles)
    found = select(Appointment.person_id).where(Appointment.role.in_(roles), Appointment.starts_on <= today, held)
    return list(fast().scalars(found.distinct().order_by(Appointment.person_id)))
