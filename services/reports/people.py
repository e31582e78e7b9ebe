"""Different people: volunteers active in a period, exact at every moment and by every cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, fast
from core.reports import Question
from services.orders.models import ServiceOrder
from services.reports import figures
from services.reports.activity import path_at
from services.reports.models import Active, RollMark, RollPath
from services.reports.workflow import BEGINNING
from volunteers.hours.models import HourEntry

Seen = tuple[str, str, str, date]
"""Volunteer, path of the estate, item, day of service."""


def active(question: Question) -> dict[str, int]:
    """Different volunteers with hours in the period, by key of the question's dimension (``""`` for the total)."""
    node = question.path.rstrip("/").rpartition("/")[2]
    children = figures.children(node) if question.by == "unit" else []
    as_of = question.as_of if question.as_of is not None and question.as_of < clock.today() else None
    if as_of is not None or (question.organised == "now" and _has_moved(question.path)):
        return _counted_from_rows(question, children, as_of)
    found: dict[str, int] = defaultdict(int)
    nodes = [id_ for id_, _ in children] if question.by == "unit" else [node]
    for key, people in _kept(question, nodes):
        found[key] += people
    for key, people in _tail(question, children).items():
        found[key] += people
    return {key: people for key, people in found.items() if people}


@cache
def _statement(by: str, one_item: bool) -> Any:
    """People by ``node`` or ``item`` or in all, or by ``period`` and previous period."""
    table: Any = Active
    group = {"node": [table.node_id], "item": [table.item], "period": [table.period, table.prev]}.get(by, [])
    first, last = bindparam("first", type_=Date()), bindparam("last", type_=Date())
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    statement = select(*group, func.sum(table.people)).where(
        table.node_id.in_(bindparam("nodes", expanding=True)), table.grain == bindparam("grain"), item,
        table.period.between(first, last),
    )  # fmt: skip
    if by != "period":
        statement = statement.where(table.prev < first)
    return statement.group_by(*group) if group else statement


def _kept(question: Question, nodes: Sequence[str]) -> Iterator[tuple[str, int]]:
    by = {"unit": "node", "item": "item", "month": "period", "week": "period", "day": "period"}.get(question.by, "")
    values: dict[str, Any] = {"nodes": list(nodes)}
    item = question.only.get("item")
    if item is not None:
        values["item"] = item
    statement = _statement(by, item is not None)
    for grain, first, last in _parts(question):
        rows = fast().execute(statement, values | {"grain": grain, "first": first, "last": last}).all()
        if by != "period":
            yield from ((row[0] if by else "", int(row[-1] or 0)) for row in rows)
            continue
        key_of = figures.keys(question)
        for period, prev, people in rows:
            # Whoever was there earlier in the same week, or the same part of a month, was counted then.
            if prev < max(first, _begin(question.by, period)):
                yield key_of(period), int(people)


def _begin(by: str, period: date) -> date:
    return {"week": period - timedelta(days=period.weekday()), "month": period.replace(day=1)}.get(by, period)


def _parts(question: Question) -> list[tuple[str, date, date]]:
    """Which sums a period is read from: months when it is whole months (or ends with today), else days; cut by month,
    months for the whole ones and days for the edges."""
    first, last = question.first, question.last
    until = max(last, _month_end(last)) if last >= clock.today() else last
    if question.by in ("week", "day"):
        return [("d", first, last)]
    whole = figures.span(first, until, False)
    edges = [part for part in (whole.before, whole.after) if part[0] <= part[1]]
    if question.by == "month":
        months = [("m", *whole.months)] if whole.months[0] <= whole.months[1] else []
        return [*months, *[("d", *part) for part in edges]]
    return [("d", first, last)] if edges else [("m", *whole.months)]


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _rows() -> Any:
    return (
        select(HourEntry.volunteer_id, Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at,
               HourEntry.estate_id, HourEntry.recorded_at)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
               HourEntry.starts_at < bindparam("end", type_=UtcDateTime()))
        .distinct()
    )  # fmt: skip


def _span_values(question: Question) -> dict[str, Any]:
    return {"start": clock.day_bounds(question.first)[0], "end": clock.day_bounds(question.last)[1]}


_MARK = aliased(RollMark)
_TAIL = (
    _rows()
    .outerjoin(_MARK, and_(_MARK.estate_id == Estate.id, _MARK.stream == "hours"))
    .where(Estate.path.like(bindparam("path")), HourEntry.recorded_at > func.coalesce(_MARK.upto, BEGINNING))
)
_BEFORE = (
    _rows()
    .join(_MARK, and_(_MARK.estate_id == HourEntry.estate_id, _MARK.stream == "hours"))
    .where(HourEntry.volunteer_id.in_(bindparam("people", expanding=True)), HourEntry.recorded_at <= _MARK.upto)
)


def _tail(question: Question, children: Sequence[tuple[str, str]]) -> dict[str, int]:
    """People who were active only behind the mark."""
    values = _span_values(question)
    fresh = [(row[0], row[1], row[2], clock.local(row[3]).date())
             for row in fast().execute(_TAIL, values | {"path": question.path + "%"})]  # fmt: skip
    if not fresh:
        return {}
    paths = _paths()
    node = f"/{question.path.rstrip('/').rpartition('/')[2]}/"
    before: list[Seen] = []
    for volunteer, path, item, starts_at, estate_id, recorded_at in fast().execute(
        _BEFORE, values | {"people": sorted({seen[0] for seen in fresh})}
    ):
        stood = path_at(paths[estate_id], recorded_at) if estate_id in paths else path
        if node in "/" + stood:
            before.append((volunteer, stood, item, clock.local(starts_at).date()))
    counted = _by_key(question, children, before)
    return {key: len(people - counted.get(key, set())) for key, people in _by_key(question, children, fresh).items()}


def _paths() -> dict[str, list[tuple[datetime, str]]]:
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    rows = fast().execute(select(RollPath.estate_id, RollPath.since, RollPath.path).order_by(RollPath.since))
    for estate_id, since, path in rows:
        found[estate_id].append((since, path))
    return found


def _by_key(
    question: Question, children: Sequence[tuple[str, str]], seen: Sequence[Seen]
) -> dict[str, set[str]]:  # fmt: skip
    found: dict[str, set[str]] = defaultdict(set)
    only = question.only.get("item")
    key_of = figures.keys(question)
    for volunteer, path, item, day in seen:
        if only in (None, item):
            found[figures.tail_key(question, children, key_of, path, item, day)].add(volunteer)
    return found


def _has_moved(path: str) -> bool:
    """Whether an estate that stands below a path now, or once stood there, was ever moved."""
    below = select(Estate.id).where(Estate.path.like(path + "%"))
    once = select(RollPath.estate_id).where(RollPath.path.like(path + "%"))
    mine = or_(RollPath.estate_id.in_(below), RollPath.estate_id.in_(once))
    moved = select(RollPath.estate_id).where(mine).group_by(RollPath.estate_id).having(func.count() > 1).limit(1)
    return fast().execute(moved).first() is not None


def _counted_from_rows(
    question: Question, children: Sequence[tuple[str, str]], as_of: date | None
) -> dict[str, int]:  # fmt: skip
    """The same, counted from the ledger itself: for a past day's knowledge, and for a tree that has changed."""
    statement = _rows().where(Estate.path.like(bindparam("path")))
    values = _span_values(question) | {"path": question.path + "%"}
    if as_of is not None:
        statement = statement.where(HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()))
        values["known"] = clock.day_bounds(as_of)[1]
    seen = [(row[0], row[1], row[2], clock.local(row[3]).date()) for row in fast().execute(statement, values)]
    return {key: len(people) for key, people in _by_key(replace(question), children, seen).items()}
