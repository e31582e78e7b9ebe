"""Drawing figures from the sums kept up to the mark and the live tail behind it: exact at every moment.

Whole months of a period come from the sums of months, its edges from those of days. The tail is what an estate's orders
count for now less what was counted of them, over the orders changed since the estate's mark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, and_, any_, bindparam, cast, func, literal_column, or_, select, union_all
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast
from core.reports import Question
from core.web import paging
from services.catalogue.models import ServiceItem
from services.orders.models import OPEN, ServiceOrder
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark, Rollup, RollupKnown
from services.reports.places import Below, child_at, places
from services.reports.workflow import BEGINNING, SUMS, came_to_be_known
from volunteers.hours.models import HourEntry

Numbers = dict[str, int]
GROUPS = {"unit": "node", "month": "period", "week": "period", "day": "period", "item": "item"}
"""By which key of the sums each dimension is read; the total by none."""


FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """A period as whole months and days at its edges; an empty range ends before it begins."""

    months: tuple[date, date]
    before: tuple[date, date]
    after: tuple[date, date]


NONE = (date(9999, 1, 2), date(9999, 1, 1))


def span(first: date, last: date, days_only: bool) -> Span:
    """How a period is put together from sums."""
    if days_only:
        return Span(NONE, (first, last), NONE)
    start = first if first.day == 1 else _next_month(first)
    end = last.replace(day=1) if (last + timedelta(days=1)).day == 1 else _month_before(last)
    if start > end:
        return Span(NONE, (first, last), NONE)
    before = (first, start - timedelta(days=1)) if first < start else NONE
    after_from = _next_month(end)
    after = (after_from, last) if after_from <= last else NONE
    return Span((start, end), before, after)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def read(table: Any, by: str, one_item: bool, known: bool) -> tuple[list[Any], list[Any]]:
    """Keys and conditions for reading kept sums over a span, by ``node``, ``period``, ``item`` or nothing (``""``)."""
    group = {"node": table.node_id, "period": table.period, "item": table.item}.get(by)
    dates = {name: bindparam(name, type_=Date()) for name in ("m1", "m2", "b1", "b2", "a1", "a2", "known_on")}
    edges = or_(table.period.between(dates["b1"], dates["b2"]), table.period.between(dates["a1"], dates["a2"]))
    months = and_(table.grain == "m", table.period.between(dates["m1"], dates["m2"]))
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    nodes = table.node_id.in_(bindparam("nodes", expanding=True))
    knew = [table.known_on <= dates["known_on"]] if known else []
    return [group] if group is not None else [], [nodes, item, or_(months, and_(table.grain == "d", edges)), *knew]


def monday(day: Any, dialect: str) -> Any:
    """The first day of the week of a day, as a column."""
    if dialect == "postgresql":
        return cast(func.date_trunc("week", day), Date())
    return func.date(day, "-6 days", "weekday 1", type_=Date())


@cache
def _kept(known: bool, by: str, one_item: bool) -> Select[Any]:
    """Sums over a span, by ``node``, ``period``, ``item`` or nothing (``""``)."""
    table: Any = RollupKnown if known else Rollup
    keys, conditions = read(table, by, one_item, known)
    statement = select(*keys, *[func.coalesce(func.sum(getattr(table, name)), 0) for name in SUMS]).where(*conditions)
    return statement.group_by(*keys) if keys else statement


def one_of(column: Any, ids: Any, dialect: str) -> Any:
    """Whether a column is one of the ids that a query finds. PostgreSQL takes them for few, and looks each of them up:
    of what lies behind a mark it believes that it is a third of everything, and would read the whole table."""
    if dialect == "postgresql":
        return column == any_(func.array(ids.scalar_subquery()))
    return column.in_(ids)


@cache
def _around(stream: str) -> Any:
    """The estates below a path, each with its mark."""
    mark = aliased(RollMark)
    return (
        select(Estate.id, func.coalesce(mark.upto, BEGINNING).label("upto"))
        .outerjoin(mark, and_(mark.estate_id == Estate.id, mark.stream == stream))
        .where(Estate.path.like(bindparam("path")))
        .cte("around")
    )


def orders_tail(dialect: str, *columns: Any) -> Any:
    """Columns of each order changed since its estate's mark, below a path and placed within a span."""
    order, changing, around = ServiceOrder, aliased(ServiceOrder), _around("orders")
    now, response = bindparam("now", type_=UtcDateTime()), bindparam("now_response", type_=UtcDateTime())
    base, join = select(changing.id).select_from(around), changing.estate_id == around.c.id
    open_now = and_(join, changing.state.in_([literal_column(f"'{state}'") for state in OPEN]))
    known = bindparam("known", type_=UtcDateTime())
    # Two hours without a dispatch may have run out since the mark: asked of all that wait. States stand in the text,
    # or the index of open work would be of no use to a prepared statement.
    waits = changing.state == literal_column("'placed'")
    changed = union_all(
        base.join(changing, and_(join, changing.updated_at > around.c.upto, changing.updated_at < known)),
        base.join(changing, and_(open_now, changing.due_at > around.c.upto, changing.due_at <= now)),
        base.join(changing, and_(open_now, changing.dispatched_at.is_(None), waits, changing.placed_at <= response)),
    ).subquery()
    counts = OrderCount.__table__
    times = (order.updated_at, order.due_at, order.completed_at, order.state)
    return (
        select(Estate.path, order.item_code, order.placed_at, *[column.label("_" + column.key) for column in times],
               *columns)
        .select_from(order)
        .join(Estate, Estate.id == order.estate_id)
        .outerjoin(counts, counts.c.order_id == order.id)
        .where(one_of(order.id, select(changed.c.id), dialect),
               order.placed_at >= bindparam("start", type_=UtcDateTime()),
               order.placed_at < bindparam("end", type_=UtcDateTime()))
    )  # fmt: skip


def hours_tail(dialect: str, *columns: Any) -> Any:
    """Columns of each entry of hours recorded since its estate's mark, below a path and of days within a span."""
    fresh, around = aliased(HourEntry), _around("hours")
    since = and_(fresh.estate_id == around.c.id, fresh.recorded_at > around.c.upto)
    ids = select(fresh.id).select_from(around).join(fresh, since)
    return (
        select(Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at, *columns)
        .select_from(HourEntry)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(one_of(HourEntry.id, ids, dialect),
               HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()),
               HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
               HourEntry.starts_at < bindparam("end", type_=UtcDateTime()))
    )  # fmt: skip


@cache
def _tails(dialect: str) -> tuple[Any, Any]:
    """Built once for each database, for seconds between two moments are said differently."""
    counted = OrderCount.__table__.c
    diffs = [(column - func.coalesce(counted[column.name], 0)).label(column.name) for column in vector()]
    return orders_tail(dialect, *diffs), hours_tail(dialect, HourEntry.minutes)


def past(question: Question) -> date | None:
    """The past day whose knowledge is asked for, none for today's."""
    return question.as_of if question.as_of is not None and question.as_of < clock.today() else None


def changed_orders(question: Question, tail: Any) -> Iterator[Any]:
    """The orders behind the mark that a question is about: ``path``, ``item_code``, ``placed_at`` and the columns of
    the tail. A past day knows those that have not changed since."""
    as_of, now = past(question), clock.now()
    for row in fast().execute(tail, tail_values(question)).mappings():
        if as_of is None or clock.local(came_to_be_known(row, now, "_")).date() <= as_of:
            yield row


def tail_values(question: Question) -> dict[str, Any]:
    """The parameters of tails."""
    now, as_of = clock.now(), past(question)
    return {
        "path": question.path + "%", "start": clock.day_bounds(question.first)[0],
        "end": clock.day_bounds(question.last)[1], "now": now, "now_response": now - RESPONSE_LIMIT,
        "known": clock.day_bounds(as_of)[1] if as_of else FAR,
    }  # fmt: skip


def sums(question: Question) -> dict[str, Numbers]:
    """The sums of ``SUMS`` by key of the question's dimension (``""`` for the total)."""
    where, key_of, as_of = places(question), keys(question), past(question)
    by = GROUPS.get(question.by, "")
    found: dict[str, Numbers] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for row in fast().execute(
        _kept(as_of is not None, by, "item" in question.only), read_values(question, where.nodes)
    ):
        name = "" if not by else where.name(row[0]) if by == "node" else key_of(row[0])
        _plus(found[name], dict(zip(SUMS, map(int, row[-len(SUMS) :]), strict=True)))
    for path, item, day, numbers in _tail(question):
        if question.only.get("item") in (None, item):
            _plus(found[tail_key(question, where.below, key_of, path, item, day)], numbers)
    return dict(found)


def newest(
    question: Question, name: str, cursor: str | None, limit: int, ask: Callable[[Question], Sequence[Any]]
) -> Sequence[Any]:
    """The newest rows behind a figure, by what the sums know of its days: ``ask`` is asked for no more days than have
    a page and one row more, and for all of them should there be fewer rows than the sum (two of one order)."""
    until = clock.local(paging.decode(cursor, (datetime, str))[0]).date() if cursor else date.max
    by_day = sums(replace(question, by="day", as_of=None, organised="now"))
    left, first = limit + 1, question.first
    for day in sorted(by_day, reverse=True):
        if left <= 0:
            first = date.fromisoformat(day) + timedelta(days=1)
            break
        if day < until.isoformat():
            left -= by_day[day][name]
    rows = ask(replace(question, first=first))
    return rows if len(rows) > limit or first == question.first else ask(question)


def keys(question: Question) -> Callable[[Any], str]:
    """How a day, or an item, is called among the keys of a question's dimension."""
    match question.by:
        case "month":
            return lambda day: f"{day:%Y-%m}"
        case "week":
            return lambda day: (day - timedelta(days=day.weekday())).isoformat()
        case "day":
            return lambda day: str(day.isoformat())
    return str


def tail_key(
    question: Question, below: Below, key_of: Callable[[Any], str], path: str, item: str, day: date
) -> str:  # fmt: skip
    """The key under which something not in the kept sums yet belongs."""
    match question.by:
        case "unit":
            return child_at(below, path)
        case "item":
            return item
        case "month" | "week" | "day":
            return key_of(day)
    return ""


def read_values(question: Question, nodes: Sequence[str]) -> dict[str, Any]:
    """The parameters of ``read``."""
    parts = span(question.first, question.last, question.by in ("week", "day"))
    values: dict[str, Any] = {
        "m1": parts.months[0], "m2": parts.months[1], "b1": parts.before[0], "b2": parts.before[1],
        "a1": parts.after[0], "a2": parts.after[1], "nodes": list(nodes),
    }  # fmt: skip
    if "item" in question.only:
        values["item"] = question.only["item"]
    as_of = past(question)
    return values if as_of is None else values | {"known_on": as_of}


def _tail(question: Question) -> Iterator[tuple[str, str, date, Numbers]]:
    """What is not in the kept sums yet, as (path of the estate, item, day, numbers)."""
    orders, hours = _tails(dialect_name())
    for row in changed_orders(question, orders):
        numbers = {name: int(row[name]) for name in VECTOR}
        yield row["path"], row["item_code"], clock.local(row["placed_at"]).date(), numbers
    for path, item, starts_at, minutes in fast().execute(hours, tail_values(question)):
        yield path, item, clock.local(starts_at).date(), {"minutes": minutes, "services": 1 if minutes > 0 else -1}


def _plus(found: Numbers, numbers: Numbers) -> None:
    for name, number in numbers.items():
        found[name] += number


_CATEGORIES = (
    select(ServiceItem.code, func.min(ServiceItem.category))
    .join(Estate, Estate.id == ServiceItem.estate_id)
    .where(Estate.path.like(bindparam("path")))
    .group_by(ServiceItem.code)
)


def categories(path: str) -> dict[str, str]:
    """The category of each item on the services lists below a path."""
    rows = fast().execute(_CATEGORIES, {"path": path + "%"}).all()
    return {row[0]: row[1] for row in rows}
