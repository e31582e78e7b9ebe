"""Reading service hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select, true
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
    inside = true() if start is None else HourEntry.starts_at >= start
    inside = inside if end is None else inside & (HourEntry.starts_at < end)
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
    statement = select(
        HourEntry.id, HourEntry.starts_at, HourEntry.ends_at, HourEntry.minutes, HourEntry.content, HourEntry.note,
        HourEntry.order_id, HourEntry.reverses_id, HourEntry.corrects_id, HourEntry.recorded_at,
        HourEntry.recorded_late,
        select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists().label("is_reversed"),
    ).where(HourEntry.volunteer_id == volunteer_id)  # fmt: skip
    if start is not None:
        statement = statement.where(HourEntry.starts_at >= start)
    if end is not None:
        statement = statement.where(HourEntry.starts_at < end)
    keys = (HourEntry.starts_at, HourEntry.id)
    statement = paging.after(statement, keys, (datetime, str), cursor, limit, descending=True)
    rows = fast().execute(statement).all()
    return paging.page_of(rows, limit, lambda row: (row.starts_at, row.id))


def get_readable_volunteer(viewer: Viewer, volunteer_id: str) -> str:
    """The id, when these are the viewer's own hours or within ``hours:read``. Raises ``NotFound``."""
    if volunteer_id == viewer.person_id and viewer.is_volunteer:
        return volunteer_id
    path = fast().execute(
        select(Estate.path).join(Person, Person.estate_id == Estate.id).where(Person.id == volunteer_id)
    ).scalar()  # fmt: skip
    if path is None or not viewer.may_at("hours:read", path):
        raise NotFound
    return volunteer_id


def get_entry(viewer: Viewer, entry_id: str) -> HourEntry:
    """An entry that the viewer may correct. Raises ``NotFound``."""
    row = db.session.execute(
        select(HourEntry, Estate.path).join(Estate, Estate.id == HourEntry.estate_id).where(HourEntry.id == entry_id)
    ).first()
    if row is None or not viewer.may_at("hours:correct", row[1]):
        raise NotFound
    found: HourEntry = row[0]
    return found


def minutes_since(volunteer_id: str, start: datetime) -> tuple[int, int]:
    """Minutes and services of a volunteer since a moment."""
    rows: Sequence[Any] = (
        fast().execute(
            select(func.coalesce(func.sum(HourEntry.minutes), 0), func.count(func.distinct(HourEntry.order_id)))
            .where(HourEntry.volunteer_id == volunteer_id, HourEntry.starts_at >= start)
        ).one()
    )  # fmt: skip
    return int(rows[0]), int(rows[1])


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
