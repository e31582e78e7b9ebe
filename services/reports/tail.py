"""What the kept sums do not hold yet: orders that changed, and hours recorded, behind the marks of their estates.

A page asks for many figures of one unit; what is behind the marks is the same for all of them, and read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, any_, bindparam, func, literal_column, select, union_all
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast, remembered
from core.reports import Question
from services.orders.models import OPEN, ServiceOrder
from services.reports import activity, times
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark
from services.reports.workflow import BEGINNING, came_to_be_known
from volunteers.hours.models import HourEntry

FAR = datetime(9999, 1, 1, tzinfo=UTC)
_KNOWN = bindparam("known", type_=UtcDateTime())


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
    whom: tuple[str | None, ...]
    """The ids of those whom ``activity.WHO`` stands for."""


def past(question: Question) -> date | None:
    """The past day whose knowledge is asked for, none for today's."""
    return question.as_of if question.as_of is not None and question.as_of < clock.today() else None


def as_known(question: Question) -> Question:
    """A question that ends with the day whose knowledge is asked for: of what came later it knew nothing. One that
    begins later is left without a day."""
    as_of = past(question)
    return question if as_of is None or question.last <= as_of else replace(question, last=as_of)


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


def one_of(column: Any, ids: Any, dialect: str) -> Any:
    """Whether a column is one of the ids that a query finds. PostgreSQL takes them for few, and looks each of them up:
    of what lies behind a mark it believes that it is a third of everything, and would read the whole table."""
    if dialect == "postgresql":
        return column == any_(func.array(ids.scalar_subquery()))
    return column.in_(ids)


@cache
def _around(stream: str) -> Any:
    """The estates below a path, each with its mark; put together first, or SQLite takes them one by one for each row
    there is."""
    mark = aliased(RollMark)
    return (
        select(Estate.id, func.coalesce(mark.upto, BEGINNING).label("upto"))
        .outerjoin(mark, and_(mark.estate_id == Estate.id, mark.stream == stream))
        .where(Estate.path.like(bindparam("path")))
        .cte("around")
        .prefix_with("MATERIALIZED")
    )


_OF_ORDERS, _OF_HOURS = aliased(RollMark), aliased(RollMark)
_MARKS = (
    select(func.min(func.coalesce(_OF_ORDERS.upto, BEGINNING)), func.min(func.coalesce(_OF_HOURS.upto, BEGINNING)))
    .select_from(Estate)
    .outerjoin(_OF_ORDERS, and_(_OF_ORDERS.estate_id == Estate.id, _OF_ORDERS.stream == "orders"))
    .outerjoin(_OF_HOURS, and_(_OF_HOURS.estate_id == Estate.id, _OF_HOURS.stream == "hours"))
    .where(Estate.path.like(bindparam("path")))
)
_OLDEST = bindparam("oldest", type_=UtcDateTime())


def _oldest(path: str) -> tuple[datetime, datetime]:
    """The oldest marks of orders and of hours below a path. Each estate has its own, which says more; but only from a
    value that it is told does PostgreSQL see how little lies behind."""

    def read() -> tuple[datetime, datetime]:
        found = fast().execute(_MARKS, {"path": path + "%"}).one()
        return tuple(mark or BEGINNING for mark in found)  # type: ignore[return-value]

    return remembered(("oldest marks", path), read)


@cache
def _orders(dialect: str) -> Any:
    """Each order changed since its estate's mark, below a path.

    Built once for each database, for seconds between two moments are said differently.
    """
    order, changing, around = ServiceOrder, aliased(ServiceOrder), _around("orders")
    counts = OrderCount.__table__.c
    now, response = bindparam("now", type_=UtcDateTime()), bindparam("now_response", type_=UtcDateTime())
    base, join = select(changing.id).select_from(around), changing.estate_id == around.c.id
    open_now = and_(join, changing.state.in_([literal_column(f"'{state}'") for state in OPEN]))
    # Two hours without a dispatch may have run out since the mark. States stand in the text, or the index of open work
    # would be of no use to a prepared statement.
    waits = and_(changing.dispatched_at.is_(None), changing.state == literal_column("'placed'"),
                 changing.placed_at > bindparam("oldest_response", type_=UtcDateTime()))  # fmt: skip
    changed = union_all(
        base.join(changing, and_(join, changing.updated_at > around.c.upto, changing.updated_at > _OLDEST,
                                 changing.updated_at < _KNOWN)),
        base.join(changing, and_(open_now, changing.due_at > around.c.upto, changing.due_at <= now)),
        base.join(changing, and_(open_now, waits, changing.placed_at <= response)),
    ).subquery()  # fmt: skip
    diffs = [(column - func.coalesce(counts[column.name], 0)).label(column.name) for column in vector()]
    moments = [column.label("_" + column.key) for column in
               (order.updated_at, order.due_at, order.completed_at, order.state)]  # fmt: skip
    old = [counts[step].label("old_" + step) for step in times.STEPS]
    return (
        select(Estate.path, order.item_code, order.placed_at, order.dispatched_at, times.accepted_at(),
               order.completed_at, *moments, *diffs, *old)
        .select_from(order)
        .join(Estate, Estate.id == order.estate_id)
        .outerjoin(counts.order_id.table, counts.order_id == order.id)
        .where(one_of(order.id, select(changed.c.id), dialect))
    )  # fmt: skip


@cache
def _hours(dialect: str) -> Any:
    """Each entry of hours recorded since its estate's mark, below a path."""
    fresh, around = aliased(HourEntry), _around("hours")
    since = and_(
        fresh.estate_id == around.c.id, fresh.recorded_at > around.c.upto, fresh.recorded_at > _OLDEST
    )  # fmt: skip
    ids = select(fresh.id).select_from(around).join(fresh, since)
    item = func.coalesce(ServiceOrder.item_code, "other")
    return (
        select(Estate.path, item, HourEntry.starts_at, HourEntry.minutes, *activity.SUBJECTS.values())
        .select_from(HourEntry)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(one_of(HourEntry.id, ids, dialect), HourEntry.recorded_at < _KNOWN)
    )


def _read_orders(question: Question) -> Sequence[Changed]:
    """A past day knows those that have not changed since."""
    as_of, now = past(question), clock.now()
    oldest = _oldest(question.path)[0]
    told = values(question) | {"oldest": oldest, "oldest_response": oldest - RESPONSE_LIMIT}
    return [
        Changed(row["path"], row["item_code"], clock.local(row["placed_at"]).date(),
                {name: int(row[name]) for name in VECTOR},
                (row["old_to_dispatch"], row["old_to_accept"], row["old_to_complete"]), times.buckets(row))
        for row in fast().execute(_orders(dialect_name()), told).mappings()
        if as_of is None or clock.local(came_to_be_known(row, now, "_")).date() <= as_of
    ]  # fmt: skip


def _read_hours(question: Question) -> Sequence[Given]:
    told = values(question) | {"oldest": _oldest(question.path)[1]}
    rows = fast().execute(_hours(dialect_name()), told)
    return [Given(path, item, clock.local(at).date(), minutes, tuple(whom)) for path, item, at, minutes, *whom in rows]


def values(question: Question) -> dict[str, Any]:
    """The parameters of statements over rows: where, when, and before when was recorded what is known."""
    now, as_of = clock.now(), past(question)
    return {
        "path": question.path + "%", "start": clock.day_bounds(question.first)[0],
        "end": clock.day_bounds(question.last)[1], "now": now, "now_response": now - RESPONSE_LIMIT,
        "known": clock.day_bounds(as_of)[1] if as_of else FAR,
    }  # fmt: skip
