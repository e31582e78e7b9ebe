"""Changing the calendar. Each change names the version of the year that its maker saw; whoever is late is told so.

Clocks that run by the calendar look again after a change: ``on_change`` holds what is then done, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from community.workdays import queries
from community.workdays.models import KIND_NAMES, SEED, STAFF, CalendarDay, CalendarYear, DayKind
from community.workdays.reading import Entry, kind_of
from core import audit, calendar, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.workflow import Stale

on_change: list[Callable[[], Any]] = []
_AS_IT_IS = {"synchronize_session": False}


def set_day(viewer: Viewer, day: date, kind: DayKind | None, name: str, version: int) -> None:
    """Say what a day is; None: only what its weekday says. Caller commits. Raises ``Stale``."""
    before = _told(queries.get_year(day.year).days.get(day))
    _move(viewer, day.year, version)
    _write(day.year, [] if kind is None else [Entry(day, kind, name)], STAFF, {day})
    after = _told((kind, name, STAFF) if kind else None)
    _record(viewer, "edit_calendar_day", day.year, {"day": day.isoformat(), "before": before, "after": after})


def restore_day(viewer: Viewer, day: date, version: int) -> None:
    """Make a day what the notice says. Caller commits. Raises ``Stale``."""
    before = _told(queries.get_year(day.year).days.get(day))
    _move(viewer, day.year, version)
    found = seed_of(day.year).get(day)
    _write(day.year, [found] if found else [], SEED, {day})
    after = _told((found.kind, found.name, SEED) if found else None)
    _record(viewer, "restore_calendar_day", day.year, {"day": day.isoformat(), "before": before, "after": after})


def enter(viewer: Viewer, year: int, entered: bool, version: int) -> None:
    """Say that a year is entered and counts, or that it is not. Caller commits. Raises ``Stale``."""
    _move(viewer, year, version, entered=entered)
    _record(viewer, "enter_calendar_year" if entered else "reopen_calendar_year", year)


def take_lines(viewer: Viewer, year: int, entries: Iterable[Entry], entered: bool, version: int) -> int:
    """Write the days of a pasted list over what stands on them; how many. Caller commits. Raises ``Stale``."""
    days = list(entries)
    _move(viewer, year, version, **({"entered": True} if entered else {}))
    _write(year, days, STAFF, {entry.day for entry in days})
    _record(viewer, "import_calendar", year, {"days": len(days)})
    return len(days)


def restore_year(viewer: Viewer, year: int, version: int) -> None:
    """Make a whole year what the notice says; one that is not known becomes empty. Caller commits. Raises ``Stale``."""
    stood = {d: f"{KIND_NAMES[kind]}{name}" for d, (kind, name, source) in queries.get_year(year).days.items()
             if source == STAFF}  # fmt: skip
    found = seed_of(year)
    _move(viewer, year, version, entered=bool(found), source=SEED if found else STAFF)
    _write(year, found.values(), SEED, None)
    _record(viewer, "restore_calendar", year, {"dropped": {d.isoformat(): text for d, text in sorted(stood.items())}})


def seed_of(year: int) -> dict[date, Entry]:
    """What the library knows of a year; nothing when it does not know it."""
    known = calendar.library()
    if year not in known.years:
        return {}
    return {
        day: Entry(day, kind_of(day, found.works, found.name), found.name)
        for day, found in known.days.items() if day.year == year
    }  # fmt: skip


def seed_new_years(viewer: Viewer) -> list[int]:
    """Enter the years that the library knows and that nobody has touched; which they were. Caller commits."""
    touched = {year for year, _ in queries.list_years()}
    fresh = sorted(calendar.library().years - touched)
    for year in fresh:
        _move(viewer, year, 0, entered=True, source=SEED)
        _write(year, seed_of(year).values(), SEED, None)
        _record(viewer, "import_calendar", year, {"days": len(seed_of(year))})
    return fresh


def _told(found: tuple[DayKind, str, str] | None) -> str:
    return f"{KIND_NAMES[found[0]]}{found[1]}" if found else "按星期几"


def _move(viewer: Viewer, year: int, version: int, **values: Any) -> None:
    """Move a year on from the version that was seen. Raises ``Stale``."""
    new: dict[str, Any] = {"source": STAFF, "version": version + 1, "updated_at": clock.now()}
    new |= {"updated_by_name": viewer.name[:60]} | values
    if version == 0:
        try:
            db.session.execute(insert(CalendarYear), [{"year": year, "entered": False, **new}])
        except IntegrityError as error:
            raise Stale("calendar") from error
    else:
        same = update(CalendarYear).where(CalendarYear.year == year, CalendarYear.version == version)
        moved = db.session.execute(
            same.values(**new).returning(CalendarYear.year).execution_options(**_AS_IT_IS)
        ).first()
        if moved is None:
            raise Stale("calendar")
    queries.forget()
    for look_again in on_change:
        look_again()


def _write(year: int, entries: Iterable[Entry], source: str, days: set[date] | None) -> None:
    """Put entries in place of what stands on these days, or on the whole year."""
    gone = delete(CalendarDay).where(CalendarDay.year == year)
    if days is not None:
        gone = gone.where(CalendarDay.day.in_(days))
    db.session.execute(gone.execution_options(**_AS_IT_IS))
    rows = [
        {"day": entry.day, "year": year, "kind": entry.kind, "name": entry.name, "source": source} for entry in entries
    ]
    if rows:
        db.session.execute(insert(CalendarDay), rows)


def _record(viewer: Viewer, verb: str, year: int, details: Mapping[str, Any] | None = None) -> None:
    subject = Subject("calendar_year", str(year))
    audit.record(viewer.person_id, viewer.name, verb, subject, details=dict(details or {}))
