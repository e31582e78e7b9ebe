"""Drawing figures from the sums kept up to the mark and the live tail behind it: exact at every moment.

Whole months of a period come from the sums of months, its edges from those of days. The tail is what an estate's orders
count for now less what was counted of them, over the orders changed since the estate's mark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, and_, bindparam, cast, func, or_, select

from community.grid.models import Estate
from core import clock
from core.database import fast
from core.reports import Question
from core.web import paging
from services.catalogue.models import ServiceItem
from services.reports import tail
from services.reports.models import Rollup, RollupKnown
from services.reports.places import Below, child_at, places
from services.reports.workflow import SUMS

Numbers = dict[str, int]
GROUPS = {"unit": "node", "estate": "node", "month": "period", "week": "period", "day": "period", "item": "item"}
"""By which key of the sums each dimension is read; the total by none."""


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
    start = first if first.day == 1 else clock.next_month(first)
    end = last.replace(day=1) if (last + timedelta(days=1)).day == 1 else _month_before(last)
    if start > end:
        return Span(NONE, (first, last), NONE)
    before = (first, start - timedelta(days=1)) if first < start else NONE
    after_from = clock.next_month(end)
    after = (after_from, last) if after_from <= last else NONE
    return Span((start, end), before, after)


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def read(table: Any, by: str, one_item: bool) -> tuple[list[Any], list[Any]]:
    """Keys and conditions for reading kept sums over a span, by ``node``, ``period``, ``item`` or nothing (``""``)."""
    group = {"node": table.node_id, "period": table.period, "item": table.item}.get(by)
    dates = {name: bindparam(name, type_=Date()) for name in ("m1", "m2", "b1", "b2", "a1", "a2")}
    edges = or_(table.period.between(dates["b1"], dates["b2"]), table.period.between(dates["a1"], dates["a2"]))
    months = and_(table.grain == "m", table.period.between(dates["m1"], dates["m2"]))
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    # Both grains there are: with them SQLite finds the item by the key, and not among all that a node has.
    item = and_(table.grain.in_(("d", "m")), item)
    nodes = table.node_id.in_(bindparam("nodes", expanding=True))
    return [] if group is None else [group.label("key")], [nodes, item, or_(months, and_(table.grain == "d", edges))]


def kept(
    tables: tuple[Any, Any], past: bool, names: Sequence[str], reading: Callable[[Any], tuple[list[Any], list[Any]]]
) -> Any:
    """Columns of kept numbers to be added up, of today's sums and of their changes by the day of knowing.

    What a past day knew is what is kept today without what came to be known later. Of the days up to that one this is
    little, for most of what happens on a day is known soon after; the sum of all changes up to it would be long. That
    no such change is of a later day is said once more where an index can see it.
    """
    now, changes = tables
    keys, conditions = reading(now)
    found: Any = select(*keys, *[getattr(now, name).label(name) for name in names]).where(*conditions)
    if past:
        keys, conditions = reading(changes)
        turned = [(-getattr(changes, name)).label(name) for name in names]
        day, start, end = (bindparam(name, type_=Date()) for name in ("known_on", "start", "end"))
        later = changes.known_on > day, changes.period.between(start, end)
        found = found.union_all(select(*keys, *turned).where(*conditions, *later))
    return found.subquery().c


def monday(day: Any, dialect: str) -> Any:
    """The first day of the week of a day, as a column."""
    if dialect == "postgresql":
        return cast(func.date_trunc("week", day), Date())
    return func.date(day, "-6 days", "weekday 1", type_=Date())


@cache
def _sums(past: bool, by: str, one_item: bool) -> Select[Any]:
    """Sums over a span, by ``node``, ``period``, ``item`` or nothing (``""``)."""
    columns = kept((Rollup, RollupKnown), past, SUMS, lambda table: read(table, by, one_item))
    keys = [columns["key"]] if by else []
    statement = select(*keys, *[func.coalesce(func.sum(columns[name]), 0) for name in SUMS])
    return statement.group_by(*keys) if keys else statement


def sums(question: Question) -> dict[str, Numbers]:
    """The sums of ``SUMS`` by key of the question's dimension (``""`` for the total)."""
    question = tail.as_known(question)
    if question.first > question.last:
        return {}
    where, key_of, past = places(question), keys(question), tail.past(question) is not None
    by = GROUPS.get(question.by, "")
    found: dict[str, Numbers] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for row in fast().execute(_sums(past, by, "item" in question.only), read_values(question, where.nodes)):
        if past and by and not any(row[1:]):
            continue
        name = "" if not by else where.name(row[0]) if by == "node" else key_of(row[0])
        _plus(found[name], dict(zip(SUMS, map(int, row[-len(SUMS) :]), strict=True)))
    for order in tail.orders(question):
        _plus(found[tail_key(question, where.below, key_of, order.path, order.item, order.day)], order.numbers)
    for entry in tail.hours(question):
        numbers = {"minutes": entry.minutes, "services": 1 if entry.minutes > 0 else -1}
        _plus(found[tail_key(question, where.below, key_of, entry.path, entry.item, entry.day)], numbers)
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
        case "unit" | "estate":
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
    as_of = tail.past(question)
    if as_of is not None:
        values |= {"known_on": as_of, "start": question.first.replace(day=1), "end": question.last}
    return values


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
