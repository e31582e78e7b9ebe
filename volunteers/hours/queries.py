"""Reading service hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from core.access import NotFound, Viewer
from core.database import db, fast
from core.web import paging
from volunteers.hours.models import HourEntry

_REVERSAL = aliased(HourEntry)


def credited_until(volunteer_id: Any) -> Select[Any]:
    """A select of the end of a volunteer's latest credit that still stands; ``volunteer_id`` may be a bindparam."""
    reversed_ = select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists()
    found = select(HourEntry.ends_at).where(HourEntry.volunteer_id == volunteer_id, HourEntry.minutes > 0, ~reversed_)
    return found.order_by(HourEntry.ends_at.desc()).limit(1)


def total_minutes(volunteer_id: str) -> int:
    """All minutes of a volunteer: the sum of the entries, corrections included."""
    return int(fast().execute(_TOTAL, {"volunteer": volunteer_id}).scalar_one())


_TOTAL = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(
    HourEntry.volunteer_id == bindparam("volunteer")
)


def list_entries(
    volunteer_id: str, *, start: datetime | None = None, end: datetime | None = None, cursor: str | None = None,
    limit: int = paging.PAGE,
) -> paging.Page[Any]:  # fmt: skip
    """A volunteer's entries, newest service first; the caller has checked that the viewer may read them."""
    statement = select(
        HourEntry.id, HourEntry.starts_at, HourEntry.ends_at, HourEntry.minutes, HourEntry.content, HourEntry.note,
        HourEntry.order_id, HourEntry.reverses_id, HourEntry.corrects_id, HourEntry.recorded_at, HourEntry.recorded_late,
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
