"""Sums of hours for other statements: what the months hold and what is still on the tail, exact at every moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Subquery,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from core import clock
from core.dated import Span, months
from core.days import day_of
from volunteers.hours import running
from volunteers.hours.models import HourEntry, HourMonth, HourTail, HourTotal, HourYear


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
    """As what, and with which parameters, ``given`` puts a period together: whole ``years``, ``months`` before and
    after them, and of each month at the edges a ``part``. A year or a month that goes on is whole up to today."""
    today = clock.today()
    values: dict[str, Any] = {"first": first, "last": last}
    years = [year for year in range(first.year, last.year + 1)
             if first <= date(year, 1, 1) and last >= min(today, date(year, 12, 31))]  # fmt: skip
    if years:
        values |= {"year": years[0], "years": years[-1]}
    whole: dict[bool, list[Span]] = {}
    edges: list[Span] = []
    for span in months(first, last):
        if span.first.day > 1 or span.last < min(today, clock.month_end(span.first)):
            edges.append(span)
        elif span.first.year not in years:
            whole.setdefault(bool(years) and span.first.year > years[-1], []).append(span)
    for n, spans in enumerate(whole.values()):
        values |= {f"whole{n}": spans[0].first, f"upto{n}": spans[-1].first}
    for n, span in enumerate(edges):
        values |= {f"month{n}": span.first.replace(day=1), f"before{n}": span.first.day - 1, f"until{n}": span.last.day}
    return ("years",) * bool(years) + ("months",) * len(whole) + ("part",) * len(edges), values


class Given(NamedTuple):
    """A table that holds minutes by volunteer and estate, with what a row adds to the minutes and services of a period,
    and which rows do."""

    table: Any
    minutes: Any
    services: Any
    inside: ColumnElement[bool]


def given(shape: Sequence[str]) -> Iterator[Given]:
    """Rows that together are what was given in a period of this ``shape``."""
    first, last = (bindparam(name, type_=Date()) for name in ("first", "last"))
    if "years" in shape:
        years = [bindparam(name, type_=Integer()) for name in ("year", "years")]
        yield Given(HourYear, HourYear.minutes, HourYear.services, HourYear.year.between(years[0], years[1]))
    for n in range(shape.count("months")):
        whole, upto = (bindparam(f"{name}{n}", type_=Date()) for name in ("whole", "upto"))
        yield Given(HourMonth, HourMonth.minutes, HourMonth.services, HourMonth.month.between(whole, upto))
    for n in range(shape.count("part")):
        before, until = (bindparam(f"{name}{n}", type_=Integer()) for name in ("before", "until"))
        month = HourMonth.month == bindparam(f"month{n}", type_=Date())
        minutes, services = running.between(HourMonth.running, before, until)
        yield Given(HourMonth, minutes.label("minutes"), services.label("services"), month)
    day = day_of(select(HourEntry.starts_at).where(HourEntry.id == HourTail.entry_id).scalar_subquery())
    yield Given(HourTail, HourTail.minutes, sign(HourTail.minutes).label("services"), day.between(first, last))
