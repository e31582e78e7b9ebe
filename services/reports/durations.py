"""Drawing durations: medians and ninetieth percentiles of the time from an order to each of its steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import String, bindparam, cast, func, select

from core.database import fast
from core.reports import Question, Value
from services.reports import figures, tail, times
from services.reports.models import TimeRollup, TimeRollupKnown
from services.reports.places import places


@cache
def _histograms(how: figures.Reading, by_week: bool) -> Any:
    """A histogram of each key and step in one row: its buckets and how many orders are in each, one after the other."""

    def keys_of(table: Any) -> list[Any]:
        return [*figures.group_key(table, how.by), table.step, table.bucket]

    def only(table: Any, _n: int) -> list[Any]:
        return [table.step.in_(bindparam("steps", expanding=True))]

    columns = figures.kept((TimeRollup, TimeRollupKnown), ["orders"], how, keys_of, only)
    keys = [columns["key"]] if how.by else []
    if by_week:
        keys = [figures.monday(columns["key"], how.dialect).label("key")]
    keys += [columns["step"], columns["bucket"]]
    orders = func.sum(columns.orders)
    counted = select(*keys, orders.label("orders")).group_by(*keys).having(orders != 0).subquery().c
    pair = cast(counted.bucket, String()) + "," + cast(counted.orders, String())
    whose = [counted[key.name] for key in keys[:-1]]
    return select(*whose, func.aggregate_strings(pair, ",")).group_by(*whose)


Histogram = dict[int, int]


def histograms(question: Question, steps: Sequence[str] = times.STEPS) -> dict[str, dict[str, Histogram]]:
    """Orders by bucket, by key of the question's dimension and step; the tail behind the mark included."""
    question = tail.as_known(question)
    if question.first > question.last:
        return {}
    where, key_of, among = places(question), figures.keys(question), figures.parts(question, weeks=True)
    how = figures.reading(question, len(among))
    found: dict[str, dict[str, Histogram]] = defaultdict(lambda: {step: defaultdict(int) for step in times.STEPS})
    values = figures.read_values(question, where.nodes, among) | {"steps": list(steps)}
    for row in fast().execute(_histograms(how, question.by == "week"), values):
        name = "" if not how.by else where.name(row[0]) if how.by == "node" else key_of(row[0])
        pairs = orjson.loads(f"[{row[-1]}]")
        histogram = found[name][row[-2]]
        for index, number in zip(pairs[::2], pairs[1::2], strict=True):
            histogram[index] += number
    for order in tail.orders(question):
        key = figures.tail_key(question, where.below, key_of, order.path, order.item, order.day)
        for step, index, number in times.moved(order.had, order.has):
            found[key][step][index] += number
    return dict(found)


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
    """Medians (``orders.to_accept``) and ninetieth percentiles (``orders.to_accept_90``) in minutes."""
    drawn = histograms(question, sorted({_step(name) for name in names}))
    return {key: {name: _value(name, steps) for name in names} for key, steps in drawn.items()}


def _step(name: str) -> str:
    return name.partition(".")[2].removesuffix("_90")


def _value(name: str, steps: Mapping[str, Histogram]) -> Value:
    return Value(quantile(steps[_step(name)], 0.9 if name.endswith("_90") else 0.5))
