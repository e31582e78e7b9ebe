"""The service report: what was asked for and what was given, counted from the rows themselves.

An order belongs to the period in which it was placed, minutes to the day of service. Rates are given with both numbers
and are none, not 0 or 100 %, when nothing was due (接诉即办, rules.md 3):

* on time: completed by the deadline ÷ completed or past the deadline; it is the deadline after pauses and extensions,
  and one that was missed before it was extended stays missed;
* response: dispatched within two hours ÷ dispatched or waiting longer than that;
* resolution: confirmed solved at a call-back ÷ valid call-backs;
* satisfaction: four or five at the call-back, else in the rating ÷ valid answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, case, cast, func, or_, select, type_coerce

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock
from core.access import NotFound, Viewer
from core.database import UtcDateTime, dialect_name, fast
from services.catalogue.models import ServiceItem
from services.orders.models import ServiceOrder, State
from volunteers.hours.models import HourEntry

RESPONSE_LIMIT = timedelta(hours=2)
COUNTS = ("placed", "completed", "closed", "cancelled", "sent_back")
RATES = ("on_time", "response", "resolution", "satisfaction")
GROUPS = ("month", "estate", "item")


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


def _period(first: date, last: date) -> tuple[datetime, datetime]:
    return clock.day_bounds(first)[0], clock.day_bounds(last)[1]


def _month(column: Any) -> ColumnElement[str]:
    """The month, in Shanghai time (UTC+8, no daylight saving), as ``2026-11``."""
    if dialect_name() == "postgresql":
        return func.to_char(func.timezone("Asia/Shanghai", column), "YYYY-MM", type_=String())
    return func.strftime("%Y-%m", type_coerce(column, String()), "+8 hours", type_=String())


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _measures(now: datetime) -> list[ColumnElement[int]]:
    order = ServiceOrder
    moment = bindparam("now", now, type_=UtcDateTime())
    done = order.completed_at.is_not(None)
    dropped = order.state.in_((State.CANCELLED, State.SENT_BACK))
    due = or_(done, and_(order.due_at < moment, ~dropped))
    on_time = and_(done, order.completed_at <= order.due_at, order.missed_at.is_(None))
    in_time = _seconds(order.dispatched_at, order.placed_at) <= RESPONSE_LIMIT.total_seconds()
    since = bindparam("since", now - RESPONSE_LIMIT, type_=UtcDateTime())
    waits = and_(order.dispatched_at.is_(None), order.placed_at < since, ~dropped)
    answered = func.coalesce(order.satisfied, order.stars)
    return [
        func.count(), _count(done), _count(order.state == State.CLOSED), _count(order.state == State.CANCELLED),
        _count(order.state == State.SENT_BACK),
        _count(on_time), _count(due),
        _count(in_time), _count(or_(order.dispatched_at.is_not(None), waits)),
        _count(order.solved.is_(True)), _count(order.solved.is_not(None)),
        _count(answered >= 4), _count(answered.is_not(None)),
    ]  # fmt: skip


def _seconds(later: Any, earlier: Any) -> ColumnElement[Any]:
    if dialect_name() == "postgresql":
        return func.extract("epoch", later - earlier)
    days = func.julianday(type_coerce(later, String())) - func.julianday(type_coerce(earlier, String()))
    return func.round(days * 86400, 3)  # days are floating numbers, good to a millisecond


def service(unit: Unit, first: date, last: date, by: str) -> tuple[list[Row], Row]:
    """The report's rows and its total; both days included."""
    start, end = _period(first, last)
    estates = select(Estate.id).where(Estate.path.startswith(unit.path, autoescape=True))
    placed = and_(ServiceOrder.estate_id.in_(estates), ServiceOrder.placed_at >= start, ServiceOrder.placed_at < end)
    served = and_(HourEntry.estate_id.in_(estates), HourEntry.starts_at >= start, HourEntry.starts_at < end)
    rows = _frame(unit, first, last, by)
    total = Row("total", "合计")
    keys = {"month": _month(ServiceOrder.placed_at), "estate": ServiceOrder.estate_id, "item": ServiceOrder.item_code}
    key = keys[by]
    for found in fast().execute(select(key, *_measures(clock.now())).where(placed).group_by(key)):
        row = rows.setdefault(found[0], Row(found[0], found[0]))
        _fill(row, found[1:])
        _add(total, row)
    minutes = (func.coalesce(func.sum(HourEntry.minutes), 0), func.count(func.distinct(HourEntry.volunteer_id)))
    grouped = _hours_by(by, minutes, served)
    for name, given, people in fast().execute(grouped):
        row = rows.setdefault(name or "other", Row(name or "other", name or "其他服务"))
        row.minutes, row.active_volunteers = int(given), int(people)
    given, people = fast().execute(select(*minutes).where(served)).one()
    total.minutes, total.active_volunteers = int(given), int(people)
    return [rows[name] for name in sorted(rows)] if by == "month" else list(rows.values()), total


def _hours_by(by: str, minutes: Sequence[Any], served: ColumnElement[bool]) -> Any:
    if by == "item":
        joined = select(ServiceOrder.item_code, *minutes).select_from(HourEntry)
        joined = joined.outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        return joined.where(served).group_by(ServiceOrder.item_code)
    key = _month(HourEntry.starts_at) if by == "month" else cast(HourEntry.estate_id, String())
    return select(key, *minutes).where(served).group_by(key)


def _fill(row: Row, values: Sequence[Any]) -> None:
    numbers = [int(value) for value in values]
    row.counts = dict(zip(COUNTS, numbers[:5], strict=True))
    pairs = zip(numbers[5::2], numbers[6::2], strict=True)
    row.rates = dict(zip(RATES, pairs, strict=True))


def _add(total: Row, row: Row) -> None:
    for name in COUNTS:
        total.counts[name] += row.counts[name]
    for name in RATES:
        total.rates[name] = (total.rates[name][0] + row.rates[name][0], total.rates[name][1] + row.rates[name][1])


def _frame(unit: Unit, first: date, last: date, by: str) -> dict[str, Row]:
    """The rows a report has even when nothing happened: a unit with nothing still reports zero."""
    if by == "month":
        months = {}
        day = first.replace(day=1)
        while day <= last:
            months[f"{day:%Y-%m}"] = Row(f"{day:%Y-%m}", f"{day.year}年{day.month}月")
            day = (day + timedelta(days=32)).replace(day=1)
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
