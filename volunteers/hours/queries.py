"""Reading service hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select, true
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import PARTY_CODES, age_on
from core.web import paging
from volunteers.disputes.models import Dispute
from volunteers.hours import evidence, stars
from volunteers.hours import sums as rolled
from volunteers.hours.models import HourEntry
from volunteers.hours.stars import Stars
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


_TOTAL = select(rolled.total(bindparam("volunteer", type_=Volunteer.person_id.type)))


def standing_in_transaction(volunteer_id: str) -> tuple[int, int]:
    """All minutes of a volunteer and the star reached, with what the present transaction has written."""
    own = select(rolled.total(Volunteer.person_id).label("total"),
                 *stars.columns(Volunteer.estate_id, Volunteer.person_id))  # fmt: skip
    row = db.session.execute(own.where(Volunteer.person_id == volunteer_id)).one()
    return int(row.total), stars.of_row(row).level(int(row.total))


@dataclass(frozen=True)
class Sums:
    """Minutes ever given, minutes and services of a period, and the star reached."""

    total: int
    period: int
    services: int
    level: int


def sums(volunteer_id: str, start: datetime | None, end: datetime | None) -> Sums:
    """Sums of a volunteer's ledger, ever and from ``start`` until before ``end``, in one statement.

    A service counts unless its entry was reversed; what replaced that one counts.
    """
    who = Volunteer.person_id
    period: tuple[Any, Any] = (rolled.total(who), rolled.total_services(who))
    if start is not None or end is not None:
        sums_ = (HourEntry.minutes, rolled.sign(HourEntry.minutes))
        given = [select(func.coalesce(func.sum(column), 0)).where(HourEntry.volunteer_id == who) for column in sums_]
        period = tuple(one.where(_inside(start, end)).scalar_subquery() for one in given)  # type: ignore[assignment]
    columns = [
        column.label(name)
        for name, column in zip(("total", "period", "services"), (rolled.total(who), *period), strict=True)
    ]
    found = select(*columns, *stars.columns(Volunteer.estate_id, who)).where(who == volunteer_id)
    row = fast().execute(found).first()
    if row is None:
        return Sums(0, 0, 0, 0)
    return Sums(int(row.total), int(row.period), int(row.services), stars.of_row(row).level(int(row.total)))


def list_entries(
    volunteer_id: str, *, start: datetime | None = None, end: datetime | None = None, cursor: str | None = None,
    limit: int = paging.PAGE,
) -> paging.Page[Any]:  # fmt: skip
    """A volunteer's entries with what was said of the services and whether one is disputed, newest service first.

    The caller has checked that the viewer may read them.
    """
    disputed = select(func.max(Dispute.id)).where(
        Dispute.entry_id == HourEntry.id, Dispute.state == "raised", Dispute.raised_by == HourEntry.volunteer_id
    )
    more = (*evidence.thanks(HourEntry.order_id), disputed.correlate(HourEntry).scalar_subquery().label("dispute_id"))
    rows = fast().execute(_page(volunteer_id, start, end, cursor, limit, more)).all()
    return paging.page_of(rows, limit, _entry_key)


def _inside(start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    inside: ColumnElement[bool] = true() if start is None else HourEntry.starts_at >= start
    return inside if end is None else inside & (HourEntry.starts_at < end)


ENTRY_COLUMNS = (
    HourEntry.id, HourEntry.estate_id, HourEntry.starts_at, HourEntry.ends_at, HourEntry.minutes, HourEntry.content,
    HourEntry.note, HourEntry.order_id, HourEntry.reverses_id, HourEntry.corrects_id, HourEntry.recorded_at,
    HourEntry.recorded_late, HourEntry.place, HourEntry.body, HourEntry.in_charge, HourEntry.source,
    HourEntry.source_id,
)  # fmt: skip


def is_reversed() -> Any:
    """Whether an entry was reversed, as a column ``is_reversed``."""
    return select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists().label("is_reversed")


def _page(
    volunteer_id: str, start: datetime | None, end: datetime | None, cursor: str | None, limit: int,
    more: Sequence[Any] = (),
) -> Select[Any]:  # fmt: skip
    statement: Any = select(*ENTRY_COLUMNS, is_reversed(), *more)
    statement = statement.where(HourEntry.volunteer_id == volunteer_id, _inside(start, end))
    keys = (HourEntry.starts_at, HourEntry.id)
    page: Select[Any] = paging.after(statement, keys, (datetime, str), cursor, limit, descending=True)
    return page


def _entry_key(row: Any) -> Sequence[Any]:
    return (row.starts_at, row.id)


_BY_TIME = (HourEntry.starts_at, HourEntry.recorded_at, HourEntry.minutes, HourEntry.id)


def every_entry(volunteer_id: str, start: datetime | None, end: datetime | None) -> Sequence[Any]:
    """A volunteer's entries of a period, oldest first, for an export; the caller has checked who asks."""
    found = select(*ENTRY_COLUMNS, is_reversed()).where(HourEntry.volunteer_id == volunteer_id, _inside(start, end))
    return fast().execute(found.order_by(*_BY_TIME).limit(20_000)).all()


@dataclass(frozen=True)
class Hours:
    """A page of a volunteer's entries with the sums ever and of the period asked for, and the star reached."""

    total: int
    period: int
    level: int
    page: paging.Page[Any]


def get_hours(
    viewer: Viewer, volunteer_id: str, start: datetime | None, end: datetime | None, cursor: str | None, limit: int
) -> Hours:
    """One's own hours, or those within ``hours:read``, in one statement. Raises ``NotFound``."""
    total = rolled.total(Volunteer.person_id)
    period: Any = total
    if start is not None or end is not None:
        given = select(func.coalesce(func.sum(HourEntry.minutes), 0))
        given = given.where(HourEntry.volunteer_id == Volunteer.person_id, _inside(start, end))
        period = given.correlate(Volunteer).scalar_subquery()
    page = _page(volunteer_id, start, end, cursor, limit).subquery()
    statement = (
        select(Estate.path, total.label("total"), period.label("period"),
               *stars.columns(Volunteer.estate_id, Volunteer.person_id), page)
        .select_from(Volunteer)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .outerjoin(page, true())
        .where(Volunteer.person_id == volunteer_id)
        .order_by(page.c.starts_at.desc(), page.c.id.desc())
    )  # fmt: skip
    rows = fast().execute(statement).all()
    if not rows or (volunteer_id != viewer.person_id and not viewer.may_at("hours:read", rows[0].path)):
        raise NotFound
    entries = [row for row in rows if row.id is not None]
    sum_, level = int(rows[0].total), stars.of_row(rows[0]).level(int(rows[0].total))
    return Hours(sum_, int(rows[0].period), level, paging.page_of(entries, limit, _entry_key))


def get_entry(viewer: Viewer, entry_id: str) -> HourEntry:
    """An entry that the viewer may correct. Raises ``NotFound``."""
    row = db.session.execute(
        select(HourEntry, Estate.path).join(Estate, Estate.id == HourEntry.estate_id).where(HourEntry.id == entry_id)
    ).first()
    if row is None or not viewer.may_at("hours:correct", row[1]):
        raise NotFound
    found: HourEntry = row[0]
    return found


def get_own_entry(viewer: Viewer, entry_id: str) -> Any:
    """An entry of the viewer's own that stands, as columns. Raises ``NotFound``."""
    own = select(*ENTRY_COLUMNS, is_reversed()).where(HourEntry.id == entry_id)
    row = fast().execute(own.where(HourEntry.volunteer_id == viewer.person_id)).first()
    if row is None:
        raise NotFound
    return row


def find_tip(entry_id: str) -> str | None:
    """The entry that stands now in the place of this one: itself, or the last that corrected it; None when void."""
    for _ in range(100):
        renewed, gone = aliased(HourEntry), aliased(HourEntry)
        found = select(
            select(renewed.id).where(renewed.corrects_id == entry_id).limit(1).scalar_subquery(),
            select(gone.id).where(gone.reverses_id == entry_id).exists(),
        )
        following, is_gone = fast().execute(found).one()
        if following is None:
            return None if is_gone else entry_id
        entry_id = following
    return entry_id


def list_month(volunteer_id: str, estate_id: str, month: date) -> Sequence[Any]:
    """A volunteer's entries of a month in an estate that stand, oldest first."""
    start = clock.day_bounds(month)[0]
    end = clock.day_bounds(date(month.year + month.month // 12, month.month % 12 + 1, 1))[0]
    found = select(*ENTRY_COLUMNS).where(
        HourEntry.volunteer_id == volunteer_id, HourEntry.estate_id == estate_id, HourEntry.minutes > 0,
        _inside(start, end), ~select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists(),
    )  # fmt: skip
    return fast().execute(found.order_by(HourEntry.starts_at, HourEntry.id).limit(200)).all()


ADULT = 18


@dataclass(frozen=True)
class Ledger:
    """A volunteer's hours in all and by month: (first day, minutes, services), the present month first."""

    volunteer_id: str
    name: str
    number: str
    party: bool
    estate_id: str
    estate_name: str
    estate_path: str
    is_minor: bool
    minutes: int
    services: int
    months: list[tuple[date, int, int]]
    stars: Stars
    month_rating: float | None

    @property
    def level(self) -> int:
        """The star reached."""
        return self.stars.level(self.minutes)


def get_ledger(viewer: Viewer, volunteer_id: str, months: int) -> Ledger:
    """One's own hours, or those within ``hours:read``, in one statement. Raises ``NotFound``."""
    firsts = first_days(months)
    given = rolled.by_month(volunteer_id)
    since = clock.day_bounds(firsts[0])[0]
    rating: Any = stars.RATINGS[0](Volunteer.person_id, since) if stars.RATINGS else literal_column("NULL")
    rows = (
        fast()
        .execute(
            select(Person.name, Volunteer.number, Person.political_status, Person.birth_date, Estate.id.label("estate"),
                   Estate.name.label("estate_name"), Estate.path, rating.label("rating"),
                   *stars.columns(Volunteer.estate_id, Volunteer.person_id), given)
            .select_from(Volunteer)
            .join(Person, Person.id == Volunteer.person_id)
            .join(Estate, Estate.id == Volunteer.estate_id)
            .outerjoin(given, true())
            .where(Volunteer.person_id == volunteer_id)
        )
        .all()
    )  # fmt: skip
    if not rows or (volunteer_id != viewer.person_id and not viewer.may_at("hours:read", rows[0].path)):
        raise NotFound
    by_month = {row.month: (int(row.minutes), int(row.services)) for row in rows if row.month is not None}
    one = rows[0]
    born = one.birth_date
    return Ledger(
        volunteer_id, one.name, one.number, one.political_status in PARTY_CODES, one.estate, one.estate_name, one.path,
        born is not None and age_on(born, clock.today()) < ADULT, sum(minutes for minutes, _ in by_month.values()),
        sum(services for _, services in by_month.values()),
        [(first, *by_month.get(first, (0, 0))) for first in firsts], stars.of_row(one),
        None if one.rating is None else float(one.rating),
    )  # fmt: skip


def first_days(count: int) -> list[date]:
    """First days of the present month and those before it, newest first."""
    today = clock.today()
    months = [today.year * 12 + today.month - 1 - n for n in range(count)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]
