"""Different people: volunteers active in a period, exact at every moment and by every cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Date, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast, remembered
from core.reports import Question
from services.orders.models import ServiceOrder
from services.reports import figures, tail
from services.reports.activity import path_at
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
def _statement(by: str, one_item: bool, known: bool, dialect: str) -> Any:
    """People over up to three parts of a period, by node, period or item or in all.

    Counted is who was not there before: before the part for the whole period; cut by days or months, whose previous
    period is another one anyway; cut by weeks, whose previous day lies before the week.
    """
    table: Any = ActiveKnown if known else Active
    group = {"node": [table.node_id], "item": [table.item], "period": [table.period]}.get(
        figures.GROUPS.get(by, ""), []
    )
    parts = []
    for n in range(PARTS):
        first, last = (bindparam(f"{name}{n}", type_=Date()) for name in ("first", "last"))
        new = [] if by == "day" else [or_(table.prev < first, table.prev < _monday(table.period, dialect))]
        if by not in ("day", "week"):
            new = [table.prev < bindparam(f"new{n}", type_=Date())]
        parts.append(and_(table.grain == bindparam(f"grain{n}"), table.period.between(first, last), *new))
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    nodes = table.node_id.in_(bindparam("nodes", expanding=True))
    statement = select(*group, func.sum(table.people)).where(nodes, item, or_(*parts))
    if known:
        statement = statement.where(table.known_on <= bindparam("known_on", type_=Date()))
    return statement.group_by(*group) if group else statement


PARTS = 3


def _monday(day: Any, dialect: str) -> Any:
    if dialect == "postgresql":
        return cast(func.date_trunc("week", day), Date())
    return func.date(day, "-6 days", "weekday 1", type_=Date())


def _values(question: Question, nodes: Sequence[str]) -> dict[str, Any]:
    values = figures.read_values(question, nodes)
    for n, (grain, first, last) in enumerate(_parts(question)):
        # The months of a part are different months: who was there in one of them counts in the next again.
        new = last if question.by == "month" and grain == "m" else first
        values |= {f"grain{n}": grain, f"first{n}": first, f"last{n}": last, f"new{n}": new}
    return values


def _parts(question: Question) -> list[tuple[str, date, date]]:
    """Which sums a period is read from: months when it is whole months (or ends with what is known), else days; cut by
    month, months for the whole ones and days for the edges."""
    first, last = question.first, question.last
    until = max(last, _month_end(last)) if last >= (tail.past(question) or clock.today()) else last
    whole = figures.span(first, until, question.by in ("week", "day"))
    edges = [part for part in (whole.before, whole.after) if part[0] <= part[1]]
    months = [("m", *whole.months)] if whole.months[0] <= whole.months[1] else []
    if question.by == "month":
        split = [part for edge in edges for part in _by_month(*edge)]
        parts = [*months, *[("d", *part) for part in split]]
    else:
        parts = [("d", first, last)] if edges else months
    return [*parts, *[("d", *figures.NONE)] * (PARTS - len(parts))]


def _by_month(first: date, last: date) -> list[tuple[date, date]]:
    """An edge in its months: of one of less than a month there are two at most."""
    end = _month_end(first)
    return [(first, last)] if last <= end else [(first, end), (end + timedelta(days=1), last)]


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _rows() -> Any:
    return (
        select(HourEntry.volunteer_id, Estate.path, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at,
               HourEntry.estate_id, HourEntry.recorded_at)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
               HourEntry.starts_at < bindparam("end", type_=UtcDateTime()),
               HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()))
        .distinct()
    )  # fmt: skip


def _span_values(question: Question) -> dict[str, Any]:
    as_of = tail.past(question)
    return {"start": clock.day_bounds(question.first)[0], "end": clock.day_bounds(question.last)[1],
            "known": clock.day_bounds(as_of)[1] if as_of else tail.FAR}  # fmt: skip


_MARK = aliased(RollMark)
_BEFORE = (
    _rows()
    .join(_MARK, and_(_MARK.estate_id == HourEntry.estate_id, _MARK.stream == "hours"))
    .where(HourEntry.volunteer_id.in_(bindparam("people", expanding=True)), HourEntry.recorded_at <= _MARK.upto)
)


def _tail(question: Question, below: Below) -> dict[str, int]:
    """People who were active only behind the mark."""
    fresh = [(entry.volunteer, entry.path, entry.item, entry.day) for entry in tail.hours(question)]
    if not fresh:
        return {}
    paths = remembered("paths of estates", _paths)
    node = f"/{question.path.rstrip('/').rpartition('/')[2]}/"
    before: list[Seen] = []
    for volunteer, path, item, starts_at, estate_id, recorded_at in fast().execute(
        _BEFORE, _span_values(question) | {"people": sorted({seen[0] for seen in fresh})}
    ):
        stood = path_at(paths[estate_id], recorded_at) if estate_id in paths else path
        if node in "/" + stood:
            before.append((volunteer, stood, item, clock.local(starts_at).date()))
    counted = _by_key(question, below, before)
    return {key: len(people - counted.get(key, set())) for key, people in _by_key(question, below, fresh).items()}


def _paths() -> dict[str, list[tuple[datetime, str]]]:
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    rows = fast().execute(select(RollPath.estate_id, RollPath.since, RollPath.path).order_by(RollPath.since))
    for estate_id, since, path in rows:
        found[estate_id].append((since, path))
    return found


def _by_key(question: Question, below: Below, seen: Sequence[Seen]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    only = question.only.get("item")
    key_of = figures.keys(question)
    for volunteer, path, item, day in seen:
        if only in (None, item):
            found[figures.tail_key(question, below, key_of, path, item, day)].add(volunteer)
    return found


def _counted_from_rows(question: Question, below: Below) -> dict[str, int]:
    """The same, counted from the ledger itself: different people of estates that the sums keep apart."""
    statement = _rows().where(Estate.path.like(bindparam("path")))
    values = _span_values(question) | {"path": question.path + "%"}
    seen = [(row[0], row[1], row[2], clock.local(row[3]).date()) for row in fast().execute(statement, values)]
    return {key: len(people) for key, people in _by_key(question, below, seen).items()}
