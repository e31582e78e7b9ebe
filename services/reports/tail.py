"""What the kept sums do not hold yet: orders that changed, and hours recorded, behind the marks of their estates.

A page asks for many figures of one unit; what is behind the marks is the same for all of them, and read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, select, union
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast, remembered
from core.reports import Question
from services.orders.models import ServiceOrder
from services.reports import times
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark
from services.reports.workflow import BEGINNING, came_to_be_known
from volunteers.hours.models import HourEntry

FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Changed:
    """An order that counts differently from what was counted of it: the difference of its numbers, and its buckets."""

    path: str
    item: str
    day: date
    numbers: dict[str, int]
    had: times.Buckets
    has: times.Buckets


@dataclass(frozen=True)
class Given:
    """An entry of hours that was not counted yet."""

    path: str
    item: str
    day: date
    minutes: int
    volunteer: str


def past(question: Question) -> date | None:
    """The past day whose knowledge is asked for, none for today's."""
    return question.as_of if question.as_of is not None and question.as_of < clock.today() else None


def orders(question: Question) -> Iterator[Changed]:
    """The orders behind the marks that a question is about."""
    found = remembered(("tail of orders", question.path, past(question)), lambda: _read_orders(question))
    return (one for one in found if _asked(question, one))


def hours(question: Question) -> Iterator[Given]:
    """The entries of hours behind the marks that a question is about."""
    found = remembered(("tail of hours", question.path, past(question)), lambda: _read_hours(question))
    return (one for one in found if _asked(question, one))


def _asked(question: Question, one: Changed | Given) -> bool:
    return question.first <= one.day <= question.last and question.only.get("item") in (None, one.item)


@cache
def _orders(_dialect: str) -> Any:
    """Each order changed since its estate's mark, below a path.

    Built once for each database, for seconds between two moments are said differently.
    """
    order, mark, counts = ServiceOrder, aliased(RollMark), OrderCount.__table__.c
    upto = func.coalesce(mark.upto, BEGINNING)
    now, response = bindparam("now", type_=UtcDateTime()), bindparam("now_response", type_=UtcDateTime())
    around = (
        select(Estate.id, Estate.path, upto.label("upto"))
        .outerjoin(mark, and_(mark.estate_id == Estate.id, mark.stream == "orders"))
        .where(Estate.path.like(bindparam("path")))
        .cte("around")
    )
    base = select(order.id, around.c.path).select_from(around)
    join = order.estate_id == around.c.id
    open_now = and_(join, order.completed_at.is_(None))
    # Two hours without a dispatch may have run out since the mark: asked of all that wait, an index of open work.
    known = bindparam("known", type_=UtcDateTime())
    changed = union(
        base.join(order, and_(join, order.updated_at > around.c.upto, order.updated_at < known)),
        base.join(order, and_(open_now, order.due_at > around.c.upto, order.due_at <= now)),
        base.join(order, and_(open_now, order.dispatched_at.is_(None), order.state == "placed",
                              order.placed_at <= response)),
    ).subquery()  # fmt: skip
    diffs = [(column - func.coalesce(counts[column.name], 0)).label(column.name) for column in vector()]
    moments = [column.label("_" + column.key) for column in
               (order.updated_at, order.due_at, order.completed_at, order.state)]  # fmt: skip
    old = [counts[step].label("old_" + step) for step in times.STEPS]
    return (
        select(changed.c.path, order.item_code, order.placed_at, order.dispatched_at, times.accepted_at(),
               order.completed_at, *moments, *diffs, *old)
        .select_from(changed)
        .join(order, order.id == changed.c.id)
        .outerjoin(counts.order_id.table, counts.order_id == order.id)
    )  # fmt: skip


def _read_orders(question: Question) -> Sequence[Changed]:
    """A past day knows those that have not changed since."""
    as_of, now = past(question), clock.now()
    values = {"path": question.path + "%", "now": now, "now_response": now - RESPONSE_LIMIT, "known": _known(question)}
    return [
        Changed(row["path"], row["item_code"], clock.local(row["placed_at"]).date(),
                {name: int(row[name]) for name in VECTOR},
                (row["old_to_dispatch"], row["old_to_accept"], row["old_to_complete"]), times.buckets(row))
        for row in fast().execute(_orders(dialect_name()), values).mappings()
        if as_of is None or clock.local(came_to_be_known(row, now, "_")).date() <= as_of
    ]  # fmt: skip


_KNOWN = bindparam("known", type_=UtcDateTime())
_mark = aliased(RollMark)
_HOURS = (
    select(Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at, HourEntry.minutes,
           HourEntry.volunteer_id)
    .select_from(Estate)
    .outerjoin(_mark, and_(_mark.estate_id == Estate.id, _mark.stream == "hours"))
    .join(HourEntry, and_(HourEntry.estate_id == Estate.id, HourEntry.recorded_at < _KNOWN,
                          HourEntry.recorded_at > func.coalesce(_mark.upto, BEGINNING)))
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(Estate.path.like(bindparam("path")))
)  # fmt: skip


def _read_hours(question: Question) -> Sequence[Given]:
    rows = fast().execute(_HOURS, {"path": question.path + "%", "known": _known(question)})
    return [Given(path, item, clock.local(at).date(), minutes, who) for path, item, at, minutes, who in rows]


def _known(question: Question) -> datetime:
    as_of = past(question)
    return clock.day_bounds(as_of)[1] if as_of else FAR
