"""Reading service hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, true
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import PARTY_CODES
from core.web import paging
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer

_REVERSAL = aliased(HourEntry)


def credited_until(volunteer_id: Any) -> Select[Any]:
    """A select of the end of a volunteer's latest credit that still stands; ``volunteer_id`` may be a bindparam."""
    reversed_ = select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists()
    found = select(HourEntry.ends_at).where(HourEntry.volunteer_id == volunteer_id, HourEntry.minutes > 0, ~reversed_)
    return found.order_by(HourEntry.ends_at.desc()).limit(1)


def total_minutes(volunteer_id: str) -> int:
    """All minutes of a volunteer: the sum of the entries, corrections included."""
    return int(fast().execute(_TOTAL, {"volunteer": volunteer_id}).scalar_one())


_TOTAL = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(HourEntry.volunteer_id == bindparam("volunteer"))


def total_in_transaction(volunteer_id: str) -> int:
    """The same within the present transaction, with what it has written."""
    return int(db.session.execute(_TOTAL, {"volunteer": volunteer_id}).scalar_one())


@dataclass(frozen=True)
class Sums:
    """Minutes ever given, and minutes and services of a period."""

    total: int
    period: int
    services: int


def sums(volunteer_id: str, start: datetime | None, end: datetime | None) -> Sums:
    """Sums of a volunteer's ledger, ever and from ``start`` until before ``end``, in one statement.

    A service counts unless its entry was reversed; what replaced that one counts.
    """
    inside = _inside(start, end)
    reversed_ = select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists()
    stands = inside & (HourEntry.minutes > 0) & ~reversed_
    minutes = case((inside, HourEntry.minutes), else_=0)
    row = fast().execute(
        select(func.coalesce(func.sum(HourEntry.minutes), 0), func.coalesce(func.sum(minutes), 0),
               func.coalesce(func.sum(case((stands, 1), else_=0)), 0))
        .where(HourEntry.volunteer_id == volunteer_id)
    ).one()  # fmt: skip
    return Sums(int(row[0]), int(row[1]), int(row[2]))


def list_entries(
    volunteer_id: str, *, start: datetime | None = None, end: datetime | None = None, cursor: str | None = None,
    limit: int = paging.PAGE,
) -> paging.Page[Any]:  # fmt: skip
    """A volunteer's entries, newest service first; the caller has checked that the viewer may read them."""
    rows = fast().execute(_page(volunteer_id, start, end, cursor, limit)).all()
    return paging.page_of(rows, limit, _entry_key)


def _inside(start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    inside: ColumnElement[bool] = true() if start is None else HourEntry.starts_at >= start
    return inside if end is None else inside & (HourEntry.starts_at < end)


def _page(
    volunteer_id: str, start: datetime | None, end: datetime | None, cursor: str | None, limit: int
) -> Select[Any]:
    statement: Any = select(
        HourEntry.id, HourEntry.starts_at, HourEntry.ends_at, HourEntry.minutes, HourEntry.content, HourEntry.note,
        HourEntry.order_id, HourEntry.reverses_id, HourEntry.corrects_id, HourEntry.recorded_at,
        HourEntry.recorded_late,
        select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists().label("is_reversed"),
    ).where(HourEntry.volunteer_id == volunteer_id, _inside(start, end))  # fmt: skip
    keys = (HourEntry.starts_at, HourEntry.id)
    page: Select[Any] = paging.after(statement, keys, (datetime, str), cursor, limit, descending=True)
    return page


def _entry_key(row: Any) -> Sequence[Any]:
    return (row.starts_at, row.id)


@dataclass(frozen=True)
class Hours:
    """A page of a volunteer's entries with the sums ever and of the period asked for."""

    total: int
    period: int
    page: paging.Page[Any]


def get_hours(
    viewer: Viewer, volunteer_id: str, start: datetime | None, end: datetime | None, cursor: str | None, limit: int
) -> Hours:
    """One's own hours, or those within ``hours:read``, in one statement. Raises ``NotFound``."""
    inside = _inside(start, end)
    given = func.sum(case((inside, HourEntry.minutes), else_=0))
    sums = select(func.coalesce(func.sum(HourEntry.minutes), 0).label("total"), func.coalesce(given, 0).label("period"))
    sums_of = sums.where(HourEntry.volunteer_id == volunteer_id).subquery()
    page = _page(volunteer_id, start, end, cursor, limit).subquery()
    statement = (
        select(Estate.path, sums_of.c.total, sums_of.c.period, page)
        .select_from(Volunteer)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .join(sums_of, true())
        .outerjoin(page, true())
        .where(Volunteer.person_id == volunteer_id)
        .order_by(page.c.starts_at.desc(), page.c.id.desc())
    )
    rows = fast().execute(statement).all()
    if not rows or (volunteer_id != viewer.person_id and not viewer.may_at("hours:read", rows[0].path)):
        raise NotFound
    entries = [row for row in rows if row.id is not None]
    return Hours(int(rows[0].total), int(rows[0].period), paging.page_of(entries, limit, _entry_key))


def get_entry(viewer: Viewer, entry_id: str) -> HourEntry:
    """An entry that the viewer may correct. Raises ``NotFound``."""
    row = db.session.execute(
        select(HourEntry, Estate.path).join(Estate, Estate.id == HourEntry.estate_id).where(HourEntry.id == entry_id)
    ).first()
    if row is None or not viewer.may_at("hours:correct", row[1]):
        raise NotFound
    found: HourEntry = row[0]
    return found


@dataclass(frozen=True)
class Ledger:
    """A volunteer's hours in all and by month: (first day, minutes, services), the present month first."""

    volunteer_id: str
    name: str
    number: str
    party: bool
    estate_path: str
    minutes: int
    months: list[tuple[date, int, int]]


def get_ledger(viewer: Viewer, volunteer_id: str, months: int) -> Ledger:
    """One's own hours, or those within ``hours:read``, in one statement. Raises ``NotFound``."""
    firsts = _first_days(months)
    month = case(
        *[(HourEntry.starts_at >= clock.day_bounds(first)[0], number) for number, first in enumerate(firsts)],
        else_=months,
    ).label("month")
    entries = select(month, HourEntry.minutes, HourEntry.order_id).where(HourEntry.volunteer_id == volunteer_id)
    e = entries.subquery().c
    services = func.count(func.distinct(e.order_id)).label("services")
    given = select(e.month, func.sum(e.minutes).label("minutes"), services).group_by(e.month).subquery()
    rows = (
        fast()
        .execute(
            select(Person.name, Volunteer.number, Person.political_status, Estate.path, given)
            .select_from(Volunteer)
            .join(Person, Person.id == Volunteer.person_id)
            .join(Estate, Estate.id == Volunteer.estate_id)
            .outerjoin(given, true())
            .where(Volunteer.person_id == volunteer_id)
        )
        .all()
    )
    if not rows or (volunteer_id != viewer.person_id and not viewer.may_at("hours:read", rows[0].path)):
        raise NotFound
    by_month = {row.month: (int(row.minutes), int(row.services)) for row in rows if row.month is not None}
    name, number, status, path = rows[0][:4]
    return Ledger(
        volunteer_id, name, number, status in PARTY_CODES, path, sum(minutes for minutes, _ in by_month.values()),
        [(first, *by_month.get(n, (0, 0))) for n, first in enumerate(firsts)],
    )  # fmt: skip


def _first_days(count: int) -> list[date]:
    """First days of the present month and those before it, newest first."""
    today = clock.today()
    months = [today.year * 12 + today.month - 1 - n for n in range(count)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]
