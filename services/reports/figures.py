"""Drawing figures from the sums kept up to the mark and the live tail behind it: exact at every moment.

Whole months of a period come from the sums of months, its edges from those of days. The tail is what an estate's orders
count for now less what was counted of them, over the orders changed since the estate's mark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, and_, bindparam, func, or_, select, union
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock
from core.database import UtcDateTime, dialect_name, fast
from core.reports import Question
from services.catalogue.models import ServiceItem
from services.orders.models import ServiceOrder
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark, Rollup, RollupKnown
from services.reports.workflow import BEGINNING, SUMS
from volunteers.hours.models import HourEntry

Numbers = dict[str, int]
NOTHING_KNOWN = date(1970, 1, 1)


@dataclass(frozen=True)
class Span:
    """A period as whole months and days at its edges; an empty range ends before it begins."""

    months: tuple[date, date]
    before: tuple[date, date]
    after: tuple[date, date]


_NONE = (date(9999, 1, 2), date(9999, 1, 1))


def span(first: date, last: date, days_only: bool) -> Span:
    """How a period is put together from sums."""
    if days_only:
        return Span(_NONE, (first, last), _NONE)
    start = first if first.day == 1 else _next_month(first)
    end = last.replace(day=1) if (last + timedelta(days=1)).day == 1 else _month_before(last)
    if start > end:
        return Span(_NONE, (first, last), _NONE)
    before = (first, start - timedelta(days=1)) if first < start else _NONE
    after_from = _next_month(end)
    after = (after_from, last) if after_from <= last else _NONE
    return Span((start, end), before, after)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)


@cache
def _kept(known: bool, by: str, one_item: bool, branches: bool) -> Select[Any]:
    """Sums over a span, by ``node``, ``period``, ``item`` or nothing (``""``).

    ``branches``: of the estates that stand below a path now, else of the nodes named.
    """
    table: Any = RollupKnown if known else Rollup
    group = {"node": table.node_id, "period": table.period, "item": table.item}.get(by)
    kept = [group] if group is not None else []
    dates = {name: bindparam(name, type_=Date()) for name in ("m1", "m2", "b1", "b2", "a1", "a2", "known_on")}
    edges = or_(table.period.between(dates["b1"], dates["b2"]), table.period.between(dates["a1"], dates["a2"]))
    when = or_(
        and_(table.grain == "m", table.period.between(dates["m1"], dates["m2"])), and_(table.grain == "d", edges)
    )
    below = select(Estate.branch_id).where(Estate.path.like(bindparam("path")))
    nodes = table.node_id.in_(below if branches else bindparam("nodes", expanding=True))
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    statement = select(*kept, *[func.coalesce(func.sum(getattr(table, name)), 0) for name in SUMS])
    statement = statement.where(nodes, item, when)
    if known:
        statement = statement.where(table.known_on <= dates["known_on"])
    return statement.group_by(*kept) if kept else statement


def _orders_tail(*columns: Any) -> Any:
    """Columns of each order changed since its estate's mark, below a path and placed within a span."""
    order, mark = ServiceOrder, aliased(RollMark)
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
    changed = union(
        base.join(order, and_(join, order.updated_at > around.c.upto)),
        base.join(order, and_(open_now, order.due_at > around.c.upto, order.due_at <= now)),
        base.join(order, and_(open_now, order.dispatched_at.is_(None), order.state == "placed",
                              order.placed_at <= response)),
    ).subquery()  # fmt: skip
    counts = OrderCount.__table__
    return (
        select(changed.c.path, order.item_code, order.placed_at, *columns)
        .select_from(changed)
        .join(order, order.id == changed.c.id)
        .outerjoin(counts, counts.c.order_id == order.id)
        .where(order.placed_at >= bindparam("start", type_=UtcDateTime()),
               order.placed_at < bindparam("end", type_=UtcDateTime()))
    )  # fmt: skip


def _hours_tail() -> Any:
    mark = aliased(RollMark)
    upto = func.coalesce(mark.upto, BEGINNING)
    return (
        select(Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at, HourEntry.minutes)
        .select_from(Estate)
        .outerjoin(mark, and_(mark.estate_id == Estate.id, mark.stream == "hours"))
        .join(HourEntry, and_(HourEntry.estate_id == Estate.id, HourEntry.recorded_at > upto))
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(Estate.path.like(bindparam("path")),
               HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
               HourEntry.starts_at < bindparam("end", type_=UtcDateTime()))
    )  # fmt: skip


@cache
def _tails(_dialect: str) -> tuple[Any, Any]:
    """Built once for each database, for seconds between two moments are said differently."""
    diffs = [column - func.coalesce(OrderCount.__table__.c[column.name], 0) for column in vector()]
    return _orders_tail(*diffs), _hours_tail()


def changed_orders(question: Question, columns: Sequence[Any]) -> Iterable[Any]:
    """The orders behind the mark that a question is about, with ``path``, ``item_code``, ``placed_at`` and columns."""
    return fast().execute(_orders_tail(*columns), _tail_values(question)).mappings()


def _tail_values(question: Question) -> dict[str, Any]:
    now = clock.now()
    return {
        "path": question.path + "%", "start": clock.day_bounds(question.first)[0],
        "end": clock.day_bounds(question.last)[1], "now": now, "now_response": now - RESPONSE_LIMIT,
    }  # fmt: skip


_CHILDREN = select(Organisation.id, Organisation.path).where(
    Organisation.parent_id == bindparam("node"), Organisation.kind.in_(("subdistrict", "community", "branch"))
)


def sums(question: Question) -> dict[str, Numbers]:
    """The sums of ``SUMS`` by key of the question's dimension (``""`` for the total)."""
    node = question.path.rstrip("/").rpartition("/")[2]
    below = children(node) if question.by == "unit" else []
    key_of = keys(question)
    by = {"unit": "node", "month": "period", "week": "period", "day": "period", "item": "item"}.get(question.by, "")
    as_of = question.as_of if question.as_of is not None and question.as_of < clock.today() else None
    found: dict[str, Numbers] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    branches = question.organised == "now"
    nodes = [id_ for id_, _ in below] if question.by == "unit" else [node]
    at = _standing(question.path, below) if question.by == "unit" and branches else {}
    for key, numbers in _read(question, as_of, by, nodes, question.path if branches else ""):
        name = key_of(key) if by in ("period", "item") else (key or "")
        _plus(found[at.get(name, name)], numbers)
    if as_of is None:
        for path, item, day, numbers in _tail(question):
            if question.only.get("item") in (None, item):
                _plus(found[tail_key(question, below, key_of, path, item, day)], numbers)
    return dict(found)


def children(node: str) -> list[tuple[str, str]]:
    """The bodies right below a node that answer for estates, as (id, path)."""
    return [(id_, path) for id_, path in fast().execute(_CHILDREN, {"node": node})]


_BRANCHES = select(Estate.branch_id, Estate.path).where(Estate.path.like(bindparam("path")))


def _standing(path: str, below: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Under which child each estate below a path stands now, by its branch; ``""`` for one under none of them."""
    rows = fast().execute(_BRANCHES, {"path": path + "%"}).all()
    return {branch: next((id_ for id_, child in below if at.startswith(child)), "") for branch, at in rows}


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
    question: Question, children: Sequence[tuple[str, str]], key_of: Callable[[Any], str], path: str, item: str,
    day: date,
) -> str:  # fmt: skip
    """The key under which something not in the kept sums yet belongs."""
    match question.by:
        case "unit":
            return next((id_ for id_, child in children if path.startswith(child)), "")
        case "item":
            return item
        case "month" | "week" | "day":
            return key_of(day)
    return ""


def span_values(question: Question) -> dict[str, Any]:
    """The parameters of a span."""
    parts = span(question.first, question.last, question.by in ("week", "day"))
    return {
        "m1": parts.months[0], "m2": parts.months[1], "b1": parts.before[0], "b2": parts.before[1],
        "a1": parts.after[0], "a2": parts.after[1],
    }  # fmt: skip


def _read(
    question: Question, as_of: date | None, by: str, nodes: Sequence[str], path: str
) -> Iterable[tuple[Any, Numbers]]:
    """Kept sums as (key, numbers); ``path``: of the estates below it now, else of ``nodes``."""
    item = question.only.get("item")
    values = span_values(question)
    values |= {"path": path + "%"} if path else {"nodes": list(nodes)}
    if item is not None:
        values["item"] = item
    if as_of is not None:
        values["known_on"] = as_of
    statement = _kept(as_of is not None, by, item is not None, bool(path))
    for row in fast().execute(statement, values):
        key, numbers = (row[0], row[1:]) if by else (None, row)
        yield key, dict(zip(SUMS, map(int, numbers), strict=True))


def _tail(question: Question) -> Iterable[tuple[str, str, date, Numbers]]:
    """What is not in the kept sums yet, as (path of the estate, item, day, numbers)."""
    orders, hours = _tails(dialect_name())
    values = _tail_values(question)
    for path, item, placed_at, *numbers in fast().execute(orders, values):
        yield path, item, clock.local(placed_at).date(), dict(zip(VECTOR, map(int, numbers), strict=True))
    for path, item, starts_at, minutes in fast().execute(hours, values):
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
