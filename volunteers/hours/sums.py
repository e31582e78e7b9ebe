"""Sums of hours for other statements: what the months hold and what is still on the tail, exact at every moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Date, String, Subquery, case, cast, func, select, type_coerce, union_all

from core.database import dialect_name
from volunteers.hours.models import HourMonth, HourTail, HourTotal


def sign(minutes: Any) -> ColumnElement[int]:
    """What an entry adds to the count of services: one, or one less for a reversal."""
    return case((minutes > 0, 1), else_=-1)


def total(volunteer: Any) -> ColumnElement[int]:
    """All minutes of a volunteer, by the column of their id."""
    tail = select(func.coalesce(func.sum(HourTail.minutes), 0)).where(HourTail.volunteer_id == volunteer)
    return _kept(HourTotal.minutes, volunteer) + tail.scalar_subquery()


def total_services(volunteer: Any) -> ColumnElement[int]:
    """All services of a volunteer that stand."""
    tail = select(func.coalesce(func.sum(sign(HourTail.minutes)), 0)).where(HourTail.volunteer_id == volunteer)
    return _kept(HourTotal.services, volunteer) + tail.scalar_subquery()


def _kept(column: Any, volunteer: Any) -> ColumnElement[int]:
    return func.coalesce(select(column).where(HourTotal.volunteer_id == volunteer).scalar_subquery(), 0)


def fresh() -> Subquery:
    """Minutes on the tail by volunteer: with ``HourTotal`` all minutes of many volunteers at once."""
    tail = select(HourTail.volunteer_id, func.sum(HourTail.minutes).label("minutes"))
    return tail.group_by(HourTail.volunteer_id).subquery("fresh")


def in_month(volunteer: Any, month: Any) -> ColumnElement[int]:
    """Minutes of a volunteer in one month, by its first day."""
    kept = select(func.coalesce(func.sum(HourMonth.minutes), 0))
    kept = kept.where(HourMonth.volunteer_id == volunteer, HourMonth.month == month)
    tail = select(func.coalesce(func.sum(HourTail.minutes), 0))
    tail = tail.where(HourTail.volunteer_id == volunteer, HourTail.month == month)
    return kept.scalar_subquery() + tail.scalar_subquery()


def services_in_month(volunteer: Any, month: Any) -> ColumnElement[int]:
    """Services of a volunteer in one month that stand."""
    kept = select(func.coalesce(func.sum(HourMonth.services), 0))
    kept = kept.where(HourMonth.volunteer_id == volunteer, HourMonth.month == month)
    tail = select(func.coalesce(func.sum(sign(HourTail.minutes)), 0))
    tail = tail.where(HourTail.volunteer_id == volunteer, HourTail.month == month)
    return kept.scalar_subquery() + tail.scalar_subquery()


def parts(*kept_where: Any, tail_where: Any = ()) -> Any:
    """The rows whose sum is the truth: volunteer, estate, month, minutes, services, from months and tail."""
    kept = select(HourMonth.volunteer_id, HourMonth.estate_id, HourMonth.month, HourMonth.minutes, HourMonth.services)
    tail = select(
        HourTail.volunteer_id, HourTail.estate_id, HourTail.month, HourTail.minutes,
        sign(HourTail.minutes).label("services"),
    )  # fmt: skip
    return union_all(kept.where(*kept_where), tail.where(*tail_where))


def by_month(volunteer: Any) -> Subquery:
    """A volunteer's month, minutes and services, as something to select from."""
    all_ = parts(HourMonth.volunteer_id == volunteer, tail_where=(HourTail.volunteer_id == volunteer,)).subquery()
    c = all_.c
    summed = select(c.month, func.sum(c.minutes).label("minutes"), func.sum(c.services).label("services"))
    return summed.group_by(c.month).subquery()


def by_volunteer(estate_id: Any, first: Any, last: Any) -> Subquery:
    """Minutes and services of an estate's volunteers, by the first days of the first and the last month."""
    kept = (HourMonth.estate_id == estate_id, HourMonth.month.between(first, last))
    tail = (HourTail.estate_id == estate_id, HourTail.month.between(first, last))
    all_ = parts(*kept, tail_where=tail).subquery()
    summed = select(
        all_.c.volunteer_id, func.sum(all_.c.minutes).label("minutes"), func.sum(all_.c.services).label("services")
    )
    return summed.group_by(all_.c.volunteer_id).having(func.sum(all_.c.minutes) > 0).subquery()


def month_of(moment: Any) -> ColumnElement[Any]:
    """The first day of a moment's month in Shanghai (UTC+8, no daylight saving), as a date of the database."""
    if dialect_name() == "postgresql":
        return cast(func.date_trunc("month", func.timezone("Asia/Shanghai", moment)), Date())
    return type_coerce(func.strftime("%Y-%m-01", type_coerce(moment, String()), "+8 hours"), Date())
