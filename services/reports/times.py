"""How long each step took: medians and ninetieth percentiles from counts of buckets that add up.

A duration falls into one of a row of buckets, each ten per cent longer than the one before, and is told by the middle
of its bucket: five per cent off at the most, whatever is added together, and few numbers for a year. What an order has
in each step is kept with its count, so that a step done anew moves its duration from one bucket to another.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from core import clock
from core.database import db
from core.rows import put
from services.orders.models import Offer, ServiceOrder
from services.reports.models import OrderCount, TimeRollup, TimeRollupKnown

STEPS = ("to_dispatch", "to_accept", "to_complete")
GROWTH = math.log(1.10)
BATCH = 5000
Buckets = tuple[int | None, int | None, int | None]
Changes = dict[tuple[str, str, date, date, str, int], int]
"""By path of the estate, item, day, the day on which it came to be known, step and bucket."""


def bucket(begin: datetime, end: datetime | None) -> int | None:
    """The bucket of a duration, or none while it has not ended."""
    if end is None:
        return None
    return int(math.log(max(1.0, (end - begin).total_seconds())) / GROWTH)


def minutes(index: int) -> float:
    """The middle of a bucket, in minutes."""
    return math.exp((index + 0.5) * GROWTH) / 60


def accepted_at() -> Any:
    """When the first volunteer of the present round accepted an order, as a column over ``ServiceOrder``."""
    first = select(func.min(Offer.accepted_at)).where(
        Offer.order_id == ServiceOrder.id, Offer.round == ServiceOrder.reopened
    )
    return first.correlate(ServiceOrder).scalar_subquery().label("accepted_at")


def buckets(row: Any) -> Buckets:
    """An order's buckets, from ``placed_at``, ``dispatched_at``, ``accepted_at`` and ``completed_at``."""
    begin = row["placed_at"]
    return bucket(begin, row["dispatched_at"]), bucket(begin, row["accepted_at"]), bucket(begin, row["completed_at"])


def moved(old: Buckets, new: Buckets) -> Iterator[tuple[str, int, int]]:
    """What changed in an order's buckets: step, bucket, and one more or one less in it."""
    for step, before, after in zip(STEPS, old, new, strict=True):
        if before != after:
            if before is not None:
                yield step, before, -1
            if after is not None:
                yield step, after, 1


def periods(day: date) -> tuple[tuple[str, date], ...]:
    """What durations of a day are counted for: the day, its week and its month, each by its first day."""
    return tuple((grain, clock.first_of(grain, day)) for grain in "dwm")


def add(changes: Changes) -> None:
    """Add changes to the counts of every node above an estate."""
    plain: dict[tuple[Any, ...], int] = defaultdict(int)
    known: dict[tuple[Any, ...], int] = defaultdict(int)
    for (path, item, day, known_on, step, index), number in changes.items():
        for node in path.rstrip("/").split("/"):
            for grain, period in periods(day):
                for of in (item, ""):
                    plain[node, grain, of, period, step, index] += number
                    known[node, grain, of, period, known_on, step, index] += number
    for model, sums in ((TimeRollup, plain), (TimeRollupKnown, known)):
        names = [column.name for column in model.__table__.primary_key]
        rows = [dict(zip(names, key, strict=True)) | {"orders": number} for key, number in sorted(sums.items())]
        put(model, [row for row in rows if row["orders"]], {"orders": "add"})


def recount(node: str) -> int:
    """Bring a node's counts in line with what is kept of each order, differences as known today; how many there were.

    Caller commits.
    """
    right, wrong = _right(node), 0
    for model in (TimeRollup, TimeRollupKnown):
        table: Any = model
        keys = (table.grain, table.item, table.period, table.step, table.bucket)
        kept = select(*keys, func.sum(table.orders)).where(table.node_id == node).group_by(*keys)
        stored = {tuple(row[:-1]): int(row[-1]) for row in db.session.execute(kept)}
        known = {} if model is TimeRollup else {"known_on": clock.today()}
        names = ("grain", "item", "period", "step", "bucket")
        rows = [
            {"node_id": node, **dict(zip(names, key, strict=True)), **known,
             "orders": right.get(key, 0) - stored.get(key, 0)}
            for key in sorted({*right, *stored})
            if right.get(key, 0) != stored.get(key, 0)
        ]  # fmt: skip
        put(model, rows, {"orders": "add"})
        wrong += len(rows)
    return wrong


def _right(node: str) -> dict[tuple[Any, ...], int]:
    """What a node's counts should be, by what is kept of each order."""
    inside = ("/" + OrderCount.path).like(f"%/{node}/%")
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for step in STEPS:
        index = getattr(OrderCount, step)
        keys = (OrderCount.item, OrderCount.day, index)
        orders = select(*keys, func.count()).where(inside, index.is_not(None)).group_by(*keys)
        for item, day, bucket_, number in db.session.execute(orders):
            for grain, period in periods(day):
                for of in (item, ""):
                    found[grain, of, period, step, bucket_] += number
    return found
