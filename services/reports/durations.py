"""Drawing durations: medians and ninetieth percentiles of the time from an order to each of its steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Date, and_, bindparam, func, or_, select

from core import clock
from core.database import fast
from core.reports import Question, Value
from services.orders.models import ServiceOrder
from services.reports import figures, times
from services.reports.models import OrderCount, TimeRollup


@cache
def _kept(by: str, one_item: bool) -> Any:
    table: Any = TimeRollup
    group = {"node": table.node_id, "period": table.period, "item": table.item}.get(by)
    kept = [group] if group is not None else []
    dates = {name: bindparam(name, type_=Date()) for name in ("m1", "m2", "b1", "b2", "a1", "a2")}
    edges = or_(table.period.between(dates["b1"], dates["b2"]), table.period.between(dates["a1"], dates["a2"]))
    months = and_(table.grain == "m", table.period.between(dates["m1"], dates["m2"]))
    item = table.item == bindparam("item") if one_item else table.item != "" if by == "item" else table.item == ""
    return (
        select(*kept, table.step, table.bucket, func.sum(table.orders))
        .where(table.node_id.in_(bindparam("nodes", expanding=True)), item)
        .where(or_(months, and_(table.grain == "d", edges)))
        .group_by(*kept, table.step, table.bucket)
    )


Histogram = dict[int, int]


def histograms(question: Question) -> dict[str, dict[str, Histogram]]:
    """Orders by bucket, by key of the question's dimension and step; the tail behind the mark included.

    Nodes are read as they were organised when an order was counted.
    """
    node = question.path.rstrip("/").rpartition("/")[2]
    below = figures.children(node) if question.by == "unit" else []
    key_of = figures.keys(question)
    found: dict[str, dict[str, Histogram]] = defaultdict(lambda: {step: defaultdict(int) for step in times.STEPS})
    by = {"unit": "node", "month": "period", "week": "period", "day": "period", "item": "item"}.get(question.by, "")
    values: dict[str, Any] = figures.span_values(question)
    values["nodes"] = [id_ for id_, _ in below] if question.by == "unit" else [node]
    if "item" in question.only:
        values["item"] = question.only["item"]
    for row in fast().execute(_kept(by, "item" in question.only), values):
        key = key_of(row[0]) if by in ("period", "item") else row[0] if by else ""
        found[key][row[-3]][row[-2]] += int(row[-1])
    for path, item, day, old, new in _tail(question):
        if question.only.get("item") in (None, item):
            key = figures.tail_key(question, below, key_of, path, item, day)
            changes: times.Changes = defaultdict(int)
            times.note(changes, (path, item, day), old, new)
            for (_, _, _, step, index), number in changes.items():
                found[key][step][index] += number
    return dict(found)


def _tail(question: Question) -> Iterator[tuple[str, str, date, times.Buckets, times.Buckets]]:
    counts = OrderCount.__table__.c
    columns = [ServiceOrder.dispatched_at, times.accepted_at(), ServiceOrder.completed_at]
    old = [counts[step].label("old_" + step) for step in times.STEPS]
    for row in figures.changed_orders(question, (*columns, *old)):
        was = tuple(row["old_" + step] for step in times.STEPS)
        day = clock.local(row["placed_at"]).date()
        yield row["path"], row["item_code"], day, was, times.buckets(row)


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """The duration, in minutes, below which a share of the orders stays; none without orders."""
    total = sum(histogram.values())
    if total <= 0:
        return None
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= share * total:
            return times.minutes(index)
    return None


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Medians (``orders.to_accept``) and ninetieth percentiles (``orders.to_accept_90``) in minutes.

    What a past day knew is not kept of durations: none is drawn for it.
    """
    if question.as_of is not None and question.as_of < clock.today():
        return {"": dict.fromkeys(names, Value())} if question.by == "total" else {}
    return {
        key: {name: _value(name, steps) for name in names} for key, steps in histograms(question).items()
    }  # fmt: skip


def _value(name: str, steps: Mapping[str, Histogram]) -> Value:
    short = name.partition(".")[2]
    share = 0.9 if short.endswith("_90") else 0.5
    return Value(quantile(steps[short.removesuffix("_90")], share))
