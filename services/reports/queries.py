"""The service report: what was asked for and what was given.

An order belongs to the period in which it was placed, minutes to the day of service; rates are given with both numbers
and are none, not 0 or 100 %, when nothing was due. The figures are those of ``services.orders.reports``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock, reports
from core.access import NotFound, Viewer
from core.database import fast, one_moment
from core.reports import Dimension, Question, Value
from services.catalogue.models import ServiceItem

COUNTS = ("placed", "completed", "closed", "cancelled", "sent_back")
RATES = ("on_time", "response", "resolution", "satisfaction")
GROUPS = ("month", "estate", "item")
NAMES = (*(f"orders.{name}" for name in (*COUNTS, *RATES)), "hours.minutes", "volunteers.active")
OTHER = "other"
"""The item of hours that no order stands behind."""


@dataclass(frozen=True)
class Unit:
    """What a report is drawn for: an organisation's subtree."""

    id: str
    name: str
    path: str


@dataclass
class Row:
    """One line of the report."""

    key: str
    name: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rates: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(RATES, (0, 0)))
    minutes: int = 0
    active_volunteers: int = 0


def get_unit(viewer: Viewer, unit_id: str | None) -> Unit:
    """An organisation or estate by id within the viewer's reach, or the viewer's own. Raises ``NotFound``."""
    if unit_id is None:
        reach = viewer.paths("reports:read")
        post = min((post for post in viewer.posts if post.path in reach), key=lambda post: len(post.path))
        return Unit(post.organisation_id, post.organisation_name, post.path)
    estate = select(Estate.id, Estate.name, Estate.path).where(Estate.id == unit_id)
    body = select(Organisation.id, Organisation.name, Organisation.path).where(Organisation.id == unit_id)
    row = fast().execute(estate.union_all(body)).first()
    if row is None or not viewer.may_at("reports:read", row[2]):
        raise NotFound
    return Unit(*row)


def service(unit: Unit, first: date, last: date, by: str) -> tuple[list[Row], Row]:
    """The report's rows and its total; both days included."""
    cut: Dimension = {"month": "month", "estate": "estate", "item": "item"}[by]  # type: ignore[assignment]
    rows = _frame(unit, first, last, by)
    with one_moment():
        whole = reports.draw(Question(unit.path, first, last), NAMES)
        for key, values in reports.draw(Question(unit.path, first, last, cut), NAMES).items():
            name = "其他服务" if key == OTHER and by == "item" else key
            _fill(rows.setdefault(key, Row(key, name)), values)
    total = Row("total", "合计")
    _fill(total, whole.get("", {}))
    return [rows[key] for key in sorted(rows)] if by == "month" else list(rows.values()), total


def _fill(row: Row, values: Mapping[str, Value]) -> None:
    for name, value in values.items():
        short = name.partition(".")[2]
        if short in row.counts:
            row.counts[short] = int(value.amount or 0)
        elif short in row.rates:
            row.rates[short] = (value.numerator or 0, value.denominator or 0)
    row.minutes = int(values.get("hours.minutes", Value(0)).amount or 0)
    row.active_volunteers = int(values.get("volunteers.active", Value(0)).amount or 0)


def _frame(unit: Unit, first: date, last: date, by: str) -> dict[str, Row]:
    """The rows a report has even when nothing happened: a unit with nothing still reports zero."""
    if by == "month":
        months = {}
        day = first.replace(day=1)
        while day <= last:
            months[f"{day:%Y-%m}"] = Row(f"{day:%Y-%m}", f"{day.year}年{day.month}月")
            day = clock.next_month(day)
        return months
    inside = Estate.path.startswith(unit.path, autoescape=True)
    if by == "estate":
        found = select(Estate.id, Estate.name).where(inside).order_by(Estate.name)
    else:
        found = (
            select(ServiceItem.code, func.min(ServiceItem.name))
            .join(Estate, Estate.id == ServiceItem.estate_id)
            .where(inside)
            .group_by(ServiceItem.code)
            .order_by(func.min(ServiceItem.position), ServiceItem.code)
        )
    return {key: Row(key, name) for key, name in fast().execute(found)}
