"""How long each step took: medians and ninetieth percentiles from counts of buckets that add up.

A duration falls into one of a row of buckets, each four per cent longer than the one before, and is told by the middle
of its bucket: two per cent off at the most, whatever is added together. What an order has in each step is kept with its
count, so that a step done anew moves its duration from one bucket to another.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from core.database import db, dialect_name
from services.orders.models import Offer, ServiceOrder
from services.reports.models import TimeRollup

STEPS = ("to_dispatch", "to_accept", "to_complete")
GROWTH = math.log(1.04)
BATCH = 5000
Buckets = tuple[int | None, int | None, int | None]
Changes = dict[tuple[str, str, date, str, int], int]
"""By path of the estate, item, day, step and bucket."""


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


def note(changes: Changes, where: tuple[str, str, date], old: Buckets, new: Buckets) -> None:
    """Take down what changed in an order's buckets."""
    for step, before, after in zip(STEPS, old, new, strict=True):
        if before != after:
            if before is not None:
                changes[(*where, step, before)] -= 1
            if after is not None:
                changes[(*where, step, after)] += 1


def add(changes: Changes) -> None:
    """Add changes to the counts of every node above an estate."""
    sums: dict[tuple[str, str, str, date, str, int], int] = defaultdict(int)
    for (path, item, day, step, index), number in changes.items():
        for node in path.rstrip("/").split("/"):
            for grain, period in (("d", day), ("m", day.replace(day=1))):
                for of in (item, ""):
                    sums[node, grain, of, period, step, index] += number
    names = ("node_id", "grain", "item", "period", "step", "bucket")
    rows = [dict(zip(names, key, strict=True)) | {"orders": n} for key, n in sorted(sums.items()) if n]
    maker: Any = postgresql.insert if dialect_name() == "postgresql" else sqlite.insert
    statement = maker(TimeRollup)
    orders = TimeRollup.__table__.c.orders + statement.excluded.orders
    statement = statement.on_conflict_do_update(index_elements=list(names), set_={"orders": orders})
    for n in range(0, len(rows), BATCH):
        db.session.execute(statement, rows[n : n + BATCH])
