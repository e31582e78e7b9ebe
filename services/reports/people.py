"""Different people: volunteers active in a period, exact at every moment and by every cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, Integer, String, and_, bindparam, func, literal, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast, remembered
from core.reports import Question
from core.rows import JsonRows, json_rows
from services.orders.models import ServiceOrder
from services.reports import figures, tail
from services.reports.models import Active, ActiveKnown, RollMark, RollPath
from services.reports.places import Below, places
from volunteers.hours.models import HourEntry

Seen = tuple[str, str, str, date]
"""Volunteer, path of the estate, item, day of service."""


def active(question: Question) -> dict[str, int]:
    """Different volunteers with hours in the period, by key of the question's dimension (``""`` for the total)."""
    asked = (question.path, question.first, question.last, question.by, question.as_of, question.organised)
    return remembered(("active", *asked, *question.only.items()), lambda: _active(question))


def _active(question: Question) -> dict[str, int]:
    question = tail.as_known(question)
    if question.first > question.last:
        return {}
    where = places(question)
    if where.moved:
        return _counted_from_rows(question, where.below)
    found: dict[str, int] = defaultdict(int)
    key_of, by = figures.keys(question), figures.GROUPS.get(question.by, "")
    for row in fast().execute(_statement(question.by, "item" in question.only, tail.past(question) is not None,
                                         dialect_name()), _values(question, where.nodes)):  # fmt: skip
        found["" if not by else where.name(row[0]) if by == "node" else key_of(row[0])] += int(row[-1] or 0)
    for key, people in _tail(question, where.below).items():
        found[key] += people
    return {key: people for key, people in found.items() if people}


@cache
def _statement(by: str, one_item: bool, past: bool, dialect: str) -> Any:
    """People over up to three parts of a period, by node, period or item or in all.

    Counted is who was not there before: before the part for the whole period; cut by days or months, whose previous
    period is another one anyway; cut by weeks, whose previous day lies before the week.
    """
    of = figures.GROUPS.get(by, "")

    def new(table: Any, n: int) -> list[Any]:
        if by == "day":
            return []
        if by == "week":
            first = bindparam(f"first{n}", type_=Date())
            return [or_(table.prev < first, table.prev < figures.monday(table.period, dialect))]
        return [table.prev < bindparam(f"new{n}", type_=Date())]

    tables = (Active, ActiveKnown)
    columns = figures.kept(
        tables, past, ["people"], (of, one_item), lambda table: figures.group_key(table, of), dialect, new
    )
    keys = [columns["key"]] if of else []
    statement = select(*keys, func.sum(columns.people))
    return statement.group_by(*keys) if keys else statement


def _values(question: Question, nodes: Sequence[str]) -> dict[str, Any]:
    parts = _parts(question)
    values = figures.read_values(question, nodes, parts)
    for n, (grain, first, last) in enumerate(parts):
        # Of one month the next is no part, nor is an edge of it: who was there in one counts in the other again.
        values[f"new{n}"] = (last if grain == "m" else first) if question.by == "month" else question.first
    return values


def _parts(question: Question) -> list[figures.Part]:
    """Which sums a period is read from: whole months and the days after them, or days alone when it begins within a
    month, for then nobody knows of whom that month saw whether it was before; cut by month, edges by their months."""
    months, before, after = figures.parts(question)
    if question.by == "month":
        edges = [("d", *part) for edge in (before, after) if edge != figures.NONE for part in _by_month(*edge[1:])]
        if months[0] == "d":
            months, edges = figures.NONE, [("d", *part) for part in _by_month(*months[1:])]
        return [months, *edges, *[figures.NONE] * (2 - len(edges))]
    return (
        [months, before, after]
        if before == figures.NONE
        else [("d", question.first, question.last), figures.NONE, figures.NONE]
    )


def _by_month(first: date, last: date) -> list[tuple[date, date]]:
    """An edge in its months: of one of less than a month there are two at most."""
    end = clock.month_end(first)
    return [(first, last)] if last <= end else [(first, end), (end + timedelta(days=1), last)]


def _tail(question: Question, below: Below) -> dict[str, int]:
    """People who were active only behind the mark."""
    fresh = _by_key(question, below, [(one.volunteer, one.path, one.item, one.day) for one in tail.hours(question)])
    if not fresh:
        return {}
    pairs = [(key, volunteer) for key, some in sorted(fresh.items()) for volunteer in sorted(some)]
    asked = [{"n": n, "volunteer": one, **_where(question, below, key)} for n, (key, one) in enumerate(pairs)]
    counted = fast().execute(_counted_before(dialect_name()), tail.values(question) | {"asked": asked})
    found = {key: len(some) for key, some in fresh.items()}
    for n in counted.scalars():
        found[pairs[n][0]] -= 1
    return found


_ASKED: dict[str, Any] = {"n": Integer(), "volunteer": String(), "path": String(), "first": UtcDateTime(),
                          "last": UtcDateTime(), "item": String()}  # fmt: skip


@cache
def _counted_before(dialect: str) -> Any:
    """Which of the volunteers asked about are in the sums already: at a node, within days, for an item or any."""
    asked = json_rows(dialect, bindparam("asked", type_=JsonRows()), _ASKED)
    mark, stood = aliased(RollMark), aliased(RollPath)
    path = select(stood.path).where(stood.estate_id == HourEntry.estate_id, stood.since < HourEntry.recorded_at)
    then = path.order_by(stood.since.desc()).limit(1).correlate(HourEntry).scalar_subquery()
    item = func.coalesce(ServiceOrder.item_code, "other")
    entries = (
        select(HourEntry.id)
        .join(mark, and_(mark.estate_id == HourEntry.estate_id, mark.stream == "hours"))
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.volunteer_id == asked.c.volunteer, HourEntry.recorded_at <= mark.upto,
               HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()),
               HourEntry.starts_at >= asked.c.first, HourEntry.starts_at < asked.c.last,
               (literal("/") + then).like(asked.c.path), or_(asked.c.item == "", item == asked.c.item))
        .correlate(asked)
    )  # fmt: skip
    return select(asked.c.n).where(entries.exists())


def _where(question: Question, below: Below, key: str) -> dict[str, Any]:
    """Where, when and for which item the people under a key are counted."""
    first, last, item = question.first, question.last, question.only.get("item", "")
    node = question.path.rstrip("/").rpartition("/")[2]
    match question.by:
        case "unit":
            node = key or node
        case "estate":
            node = dict(below)[key].rstrip("/").rpartition("/")[2]
        case "item":
            item = key
        case "day":
            first = last = date.fromisoformat(key)
        case "week":
            monday = date.fromisoformat(key)
            first, last = max(first, monday), min(last, monday + timedelta(days=6))
        case "month":
            month = date.fromisoformat(key + "-01")
            first, last = max(first, month), min(last, clock.month_end(month))
    return {"path": f"%/{node}/%", "first": clock.day_bounds(first)[0], "last": clock.day_bounds(last)[1], "item": item}


def _by_key(question: Question, below: Below, seen: Sequence[Seen]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    only = question.only.get("item")
    key_of = figures.keys(question)
    for volunteer, path, item, day in seen:
        if only in (None, item):
            found[figures.tail_key(question, below, key_of, path, item, day)].add(volunteer)
    return found


_ROWS = (
    select(HourEntry.volunteer_id, Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at)
    .join(Estate, Estate.id == HourEntry.estate_id)
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(
        Estate.path.like(bindparam("path")),
        HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
        HourEntry.starts_at < bindparam("end", type_=UtcDateTime()),
        HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()),
    )
    .distinct()
)


def _counted_from_rows(question: Question, below: Below) -> dict[str, int]:
    """The same, counted from the ledger itself: different people of estates that the sums keep apart."""
    rows = fast().execute(_ROWS, tail.values(question))
    seen = [(row[0], row[1], row[2], clock.local(row[3]).date()) for row in rows]
    return {key: len(people) for key, people in _by_key(question, below, seen).items()}
