"""Sums of hours for other statements: what the months hold and what is still on the tail, exact at every moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from core import clock
from core.database import UtcDateTime
from volunteers.hours.models import HourEntry, HourMonth, HourTail, HourTotal


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


def within(first: date, last: date) -> tuple[tuple[str, ...], dict[str, Any]]:
    """From which sums, by grain, and with which parameters ``given`` puts a period together: what its whole months
    hold, and the ledger for the days before and after them."""
    parts = clock.cover(first, last, ("m", "d"), goes_on=last >= clock.today())
    values: dict[str, Any] = {}
    for n, (grain, one, until) in enumerate(parts):
        start, end = clock.day_bounds(one)[0], clock.day_bounds(until)[1]
        values |= {f"from{n}": one, f"to{n}": until} if grain == "m" else {f"from{n}": start, f"to{n}": end}
    return tuple(grain for grain, *_ in parts), values


def given(grains: Sequence[str]) -> Iterator[tuple[Any, Any, ColumnElement[bool]]]:
    """Tables that hold minutes by volunteer and estate, each with what a row adds to the count of services, and which
    rows belong to a period put together from these ``grains``; all of them together are what was given in it."""
    for n, grain in enumerate(grains):
        if grain == "m":
            first, last = (bindparam(f"{name}{n}", type_=Date()) for name in ("from", "to"))
            yield HourMonth, HourMonth.services, HourMonth.month.between(first, last)
            yield HourTail, sign(HourTail.minutes), HourTail.month.between(first, last)
        else:
            start, end = (bindparam(f"{name}{n}", type_=UtcDateTime()) for name in ("from", "to"))
            inside = and_(HourEntry.starts_at >= start, HourEntry.starts_at < end)
            yield HourEntry, sign(HourEntry.minutes), inside
