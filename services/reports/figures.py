"""Drawing figures from the sums kept up to the mark and the live tail behind it: exact at every moment.

Whole months of a period come from the sums of months, its edges from those of days. The tail is what an estate's orders
count for now less what was counted of them, over the orders changed since the estate's mark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, bindparam, cast, func, select, union_all

from community.grid.models import Estate
from core import clock
from core.database import dialect_name, fast
from core.reports import Question
from core.rows import one_of
from core.web import paging
from services.catalogue.models import ServiceItem
from services.reports import tail
from services.reports.models import Rollup, RollupKnown
from services.reports.places import Below, child_at, places
from services.reports.workflow import SUMS

Numbers = dict[str, int]


@dataclass(frozen=True)
class Reading:
    """How sums are read: by which key (``node``, ``period``, ``item`` or none), of how many parts of a period, whether
    those of one item are, as a past day knew them or not, and from which database."""

    by: str
    parts: int
    one_item: bool
    past: bool
    dialect: str


def reading(question: Question, count: int) -> Reading:
    """How a question is answered from the parts of its period."""
    by, past = GROUPS.get(question.by, ""), tail.past(question) is not None
    return Reading(by, count, "item" in question.only, past, dialect_name())


GROUPS = {"unit": "node", "estate": "node", "month": "period", "week": "period", "day": "period", "item": "item"}
"""By which key of the sums each dimension is read; the total by none."""


def parts(question: Question, weeks: bool = False) -> list[clock.Part]:
    """From which sums a period is put together, a few at most; ``weeks``: whether there are sums of weeks, too."""
    all_of_them = ("m", "w", "d") if weeks else ("m", "d")
    cut: dict[str, tuple[str, ...]] = {"day": ("d",), "week": ("w", "d") if weeks else ("d",), "month": ("m", "d")}
    # What goes on until today ends with the whole month: of the days to come there is nothing yet.
    goes_on = question.last >= clock.today() and tail.past(question) is None
    return clock.cover(question.first, question.last, cut.get(question.by, all_of_them), goes_on)


def kept(
    tables: tuple[Any, Any], names: Sequence[str], reading: Reading, keys: Callable[[Any], list[Any]],
    only: Callable[[Any, int], list[Any]] = lambda _table, _n: [],
) -> Any:  # fmt: skip
    """Columns of kept numbers to be added up, of today's sums and of their changes by the day of knowing, with keys.

    What a past day knew is what is kept today without what came to be known later: of the days up to that one this is
    little, for most of what happens on a day is known soon after. ``only`` adds conditions to a part.
    """
    now, changes = tables
    chosen = []
    for n in range(reading.parts):
        first, last = (bindparam(f"{name}{n}", type_=Date()) for name in ("first", "last"))
        numbers = [getattr(now, name).label(name) for name in names]
        where = [*_kept_where(now, n, reading), now.period.between(first, last), *only(now, n)]
        chosen.append(select(*keys(now), *numbers).where(*where))
        if reading.past:
            numbers = [(-getattr(changes, name)).label(name) for name in names]
            # Day by day, for each has changes of its own, in the order in which they came to be known.
            named = one_of(changes.period, f"days{n}", reading.dialect)
            later = changes.known_on > bindparam("known_on", type_=Date())
            where = [*_kept_where(changes, n, reading), named, later, *only(changes, n)]
            chosen.append(select(*keys(changes), *numbers).where(*where))
    return union_all(*chosen).subquery().c


def _kept_where(table: Any, n: int, reading: Reading) -> list[Any]:
    one_item, by_item = reading.one_item, reading.by == "item"
    item = table.item == bindparam("item") if one_item else table.item != "" if by_item else table.item == ""
    return [table.node_id.in_(bindparam("nodes", expanding=True)), table.grain == bindparam(f"grain{n}"), item]


def group_key(table: Any, by: str) -> list[Any]:
    """The key that sums are read by (``node``, ``period``, ``item``), none for the total."""
    group = {"node": table.node_id, "period": table.period, "item": table.item}.get(by)
    return [] if group is None else [group.label("key")]


def read_values(question: Question, nodes: Sequence[str], among: Sequence[clock.Part]) -> dict[str, Any]:
    """The parameters of ``kept`` over parts of a period."""
    values: dict[str, Any] = {"nodes": list(nodes)}
    if "item" in question.only:
        values["item"] = question.only["item"]
    for n, (grain, first, last) in enumerate(among):
        values |= {f"grain{n}": grain, f"first{n}": first, f"last{n}": last}
        values[f"days{n}"] = list(_periods(grain, first, last))
    return values | {"known_on": tail.past(question)}


def _periods(grain: str, first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = clock.last_of(grain, first) + timedelta(days=1)


def monday(day: Any, dialect: str) -> Any:
    """The first day of the week of a day, as a column."""
    if dialect == "postgresql":
        return cast(func.date_trunc("week", day), Date())
    return func.date(day, "-6 days", "weekday 1", type_=Date())


@cache
def _sums(how: Reading) -> Select[Any]:
    columns = kept((Rollup, RollupKnown), SUMS, how, lambda table: group_key(table, how.by))
    keys = [columns["key"]] if how.by else []
    statement = select(*keys, *[func.coalesce(func.sum(columns[name]), 0) for name in SUMS])
    return statement.group_by(*keys) if keys else statement


def sums(question: Question) -> dict[str, Numbers]:
    """The sums of ``SUMS`` by key of the question's dimension (``""`` for the total)."""
    found, question = counted(question), tail.as_known(question)
    if question.first <= question.last:
        below, key_of = places(question).below, keys(question)
        for order in tail.orders(question):
            _plus(found[tail_key(question, below, key_of, order.path, order.item, order.day)], order.numbers)
        for entry in tail.hours(question):
            numbers = {"minutes": entry.minutes, "services": 1 if entry.minutes > 0 else -1}
            _plus(found[tail_key(question, below, key_of, entry.path, entry.item, entry.day)], numbers)
    return dict(found)


def counted(question: Question) -> dict[str, Numbers]:
    """The same up to the mark, without the tail behind it; what is not there is zero."""
    found: dict[str, Numbers] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    question = tail.as_known(question)
    if question.first > question.last:
        return found
    where, key_of, among = places(question), keys(question), parts(question)
    how = reading(question, len(among))
    for row in fast().execute(_sums(how), read_values(question, where.nodes, among)):
        if how.past and how.by and not any(row[1:]):
            continue
        name = "" if not how.by else where.name(row[0]) if how.by == "node" else key_of(row[0])
        _plus(found[name], dict(zip(SUMS, map(int, row[-len(SUMS) :]), strict=True)))
    return found


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
            return lambda day: clock.first_of("w", day).isoformat()
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
