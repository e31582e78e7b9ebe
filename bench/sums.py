"""Counting records into the sums by set-based SQL, from the product's own columns: what its sweeps would have made.

It holds for records as ``bench.records`` makes them: each was written for the last time before it was counted, nobody
helps outside of their estate, and days become known in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Integer,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    table,
    union_all,
)
from sqlalchemy.schema import AddConstraint, DropConstraint
from sqlalchemy.types import String

from bench.sql import run
from community.grid.models import Estate
from core.database import db, dialect_name
from core.days import day_of
from services.orders.models import ServiceOrder
from services.reports.activity import ALL, NEVER, SUBJECTS
from services.reports.counting import RESPONSE_LIMIT, VECTOR, seconds, vector
from services.reports.models import OrderCount, RollMark, RollPath
from services.reports.workflow import BEGINNING, LAG, SUMS
from volunteers.hours.models import HourEntry, HourMonth, HourTotal, HourYear
from volunteers.hours.rollups import from_entries, from_months

LENGTH = table("bench_length", column("a", Integer), column("a_bucket", Integer), column("b_bucket", Integer))


def count_orders(now: datetime) -> None:
    """What each order counts for, and how long its steps took."""
    took = cast(func.round(seconds(ServiceOrder.dispatched_at, ServiceOrder.placed_at)), Integer)
    columns = (ServiceOrder.id, ServiceOrder.estate_id, Estate.path, ServiceOrder.item_code,
               day_of(ServiceOrder.placed_at), LENGTH.c.a_bucket, LENGTH.c.b_bucket, *vector())  # fmt: skip
    rows = select(*columns).join(Estate, Estate.id == ServiceOrder.estate_id).outerjoin(LENGTH, LENGTH.c.a == took)
    names = ["order_id", "estate_id", "path", "item", "day", "to_dispatch", "to_complete", *VECTOR]
    mark = now - LAG
    rows = rows.params(now=mark, now_response=mark - RESPONSE_LIMIT)
    db.session.execute(insert(OrderCount.__table__).from_select(names, rows))


def fill(now: datetime) -> None:
    """All sums and the marks."""
    _reach()
    _counted()
    _spread("rollup", ("item", "period", "known_on"), SUMS, "dm")
    _spread("rollup_time", ("item", "period", "known_on", "step", "bucket"), ("orders",), "dwm")
    _active()
    _spread("active", ("who", "item", "period", "known_on", "prev"), ("people",))
    for stream in ("orders", "hours"):
        marks = select(Estate.id, cast(stream, String(10)), _at(now - LAG))
        db.session.execute(insert(RollMark.__table__).from_select(["estate_id", "stream", "upto"], marks))
    stood = select(Estate.id, _at(BEGINNING), Estate.path)
    db.session.execute(insert(RollPath.__table__).from_select(["estate_id", "since", "path"], stood))
    for name in ("reach", "rollup", "rollup_time", "active", "person"):
        run(f"DROP TABLE bench_{name}")


def fill_months() -> None:
    """The ledger's own sums, of months and in all, from all that is there."""
    given = from_entries()
    db.session.execute(insert(HourMonth.__table__).from_select(given.selected_columns.keys(), given))
    years = from_months()
    db.session.execute(insert(HourYear.__table__).from_select(years.selected_columns.keys(), years))
    sums = select(HourMonth.volunteer_id, func.sum(HourMonth.minutes), func.sum(HourMonth.services))
    names = ["volunteer_id", "minutes", "services"]
    db.session.execute(insert(HourTotal.__table__).from_select(names, sums.group_by(HourMonth.volunteer_id)))


def _at(moment: datetime) -> Any:
    return literal(moment, RollMark.__table__.c.upto.type)


def _reach() -> None:
    """The nodes above each estate."""
    run("CREATE TEMP TABLE bench_reach (estate_id VARCHAR(16), node_id VARCHAR(16))")
    for estate, path in db.session.execute(select(Estate.id, Estate.path)).all():
        for node in path.rstrip("/").split("/"):
            run("INSERT INTO bench_reach VALUES (:estate, :node)", estate=estate, node=node)


def _make(name: str, statement: Any) -> None:
    """A table of its own from a query, in which moments and words stand as they are."""
    made = statement.compile(db.session.connection(), compile_kwargs={"literal_binds": True})
    db.session.connection().exec_driver_sql(f"CREATE TEMP TABLE bench_{name} AS {made}")


def _counted() -> None:
    """Differences by estate, item, day and the day on which they came to be known."""
    order, entry, count = ServiceOrder, HourEntry, OrderCount
    keys: list[Any] = [
        count.estate_id,
        count.item,
        count.day.label("period"),
        day_of(order.updated_at).label("known_on"),
    ]
    orders = (
        select(*keys, *[func.sum(getattr(count, name)).label(name) for name in VECTOR], *_zeros("minutes", "services"))
        .join(order, order.id == count.order_id)
        .group_by(count.estate_id, count.item, count.day, day_of(order.updated_at))
    )
    given: list[Any] = [entry.estate_id, order.item_code, day_of(entry.starts_at), day_of(entry.recorded_at)]
    hours = (
        select(*given, *_zeros(*VECTOR), func.sum(entry.minutes), func.count())
        .join(order, order.id == entry.order_id)
        .group_by(*given)
    )
    _make("rollup", orders.union_all(hours))
    steps = []
    for step in ("to_dispatch", "to_complete"):
        bucket = getattr(count, step)
        took = [*keys, cast(step, String(12)).label("step"), bucket.label("bucket")]
        steps.append(
            select(*took, func.count().label("orders"))
            .join(order, order.id == count.order_id)
            .where(bucket.is_not(None))
            .group_by(count.estate_id, count.item, count.day, day_of(order.updated_at), bucket)
        )
    _make("rollup_time", steps[0].union_all(steps[1]))
    people = []
    for who, subject in SUBJECTS.items():
        whose = [literal(who).label("who"), subject.label("subject_id"), entry.estate_id, order.item_code.label("item"),
                 day_of(entry.starts_at).label("day")]  # fmt: skip
        people.append(
            select(*whose, func.min(day_of(entry.recorded_at)).label("known_on"))
            .join(order, order.id == entry.order_id)
            .where(subject.is_not(None))
            .group_by(subject, entry.estate_id, order.item_code, day_of(entry.starts_at))
        )
    _make("person", union_all(*people))


def _zeros(*names: str) -> list[Any]:
    return [cast(0, Integer).label(name) for name in names]


def _active() -> None:
    """How many people were active in a period with which one before it, since when it is known."""
    parts = []
    for grain, period in (("d", "day"), ("w", _week("day")), ("m", _month("day"))):
        for item in ("item", "''"):
            history = (f"SELECT who, subject_id, estate_id, {item} AS item, {period} AS period, "
                       "min(known_on) AS known_on FROM bench_person GROUP BY 1, 2, 3, 4, 5")  # fmt: skip
            before = "lag(period) OVER (PARTITION BY who, subject_id, item ORDER BY period)"
            lagged = (f"SELECT estate_id, '{grain}' AS grain, who, item, period, known_on, "
                      f"COALESCE({before}, {_date(NEVER)}) AS prev FROM ({history}) AS h")  # fmt: skip
            parts.append("SELECT estate_id, grain, who, item, period, known_on, prev, count(*) AS people "
                         f"FROM ({lagged}) AS l GROUP BY 1, 2, 3, 4, 5, 6, 7")  # fmt: skip
    run(f"CREATE TEMP TABLE bench_active AS {' UNION ALL '.join(parts)}")
    run("INSERT INTO bench_active (estate_id, grain, who, item, period, known_on, prev, people) "
        f"SELECT estate_id, grain, who, item, period, known_on, {_date(ALL)}, sum(people) "
        "FROM bench_active GROUP BY 1, 2, 3, 4, 5, 6")  # fmt: skip
    run("INSERT INTO active_seen (subject_id, who, path, item, last, known_on) "
        "SELECT p.subject_id, p.who, e.path, p.item, max(p.day), max(p.known_on) FROM bench_person AS p "
        "JOIN estate AS e ON e.id = p.estate_id GROUP BY 1, 2, 3, 4")  # fmt: skip


def _date(day: date) -> str:
    return f"CAST('{day.isoformat()}' AS DATE)" if dialect_name() == "postgresql" else f"'{day.isoformat()}'"


def _month(day: str) -> str:
    if dialect_name() == "postgresql":
        return f"CAST(date_trunc('month', {day}) AS DATE)"
    return f"date({day}, 'start of month')"


def _week(day: str) -> str:
    if dialect_name() == "postgresql":
        return f"CAST(date_trunc('week', {day}) AS DATE)"
    return f"date({day}, '-6 days', 'weekday 1')"


def _spread(name: str, keys: tuple[str, ...], numbers: tuple[str, ...], grains: str = "") -> None:
    """Sums for every node above an estate, by grains, by item and in all; by the day of knowing and now. Without grains
    the numbers are by grain and item already."""
    with _unordered(name), _unordered(f"{name}_known"):
        _spread_out(name, keys, numbers, grains)


@contextmanager
def _unordered(name: str) -> Iterator[None]:
    """PostgreSQL orders millions of rows faster when all are there."""
    if dialect_name() != "postgresql":
        yield
        return
    key, indexes = db.metadata.tables[name].primary_key, db.metadata.tables[name].indexes
    db.session.execute(DropConstraint(key))
    for index in indexes:
        index.drop(db.session.connection())
    yield
    db.session.execute(AddConstraint(key))
    for index in indexes:
        index.create(db.session.connection())


def _spread_out(name: str, keys: tuple[str, ...], numbers: tuple[str, ...], grains: str) -> None:
    total = ", ".join(f"sum({number})" for number in numbers)
    into, plain = ", ".join(keys), ", ".join(key for key in keys if key != "known_on")
    first_of = {"d": "period", "w": _week("period"), "m": _month("period"), "": "period"}
    for grain in grains or ("",):
        for item in ("item", "''") if grain else ("item",):
            column_of = {"item": item, "period": first_of[grain]}
            values = ", ".join(column_of.get(key, key) for key in keys)
            grained = f"'{grain}'" if grain else "grain"
            group = ", ".join(map(str, range(1, len(keys) + 3)))
            run(f"INSERT INTO {name}_known (node_id, grain, {into}, {', '.join(numbers)}) "
                f"SELECT node_id, {grained}, {values}, {total} FROM bench_{name} AS c "
                f"JOIN bench_reach AS r ON r.estate_id = c.estate_id GROUP BY {group}")  # fmt: skip
    run(f"INSERT INTO {name} (node_id, grain, {plain}, {', '.join(numbers)}) "
        f"SELECT node_id, grain, {plain}, {total} FROM {name}_known GROUP BY node_id, grain, {plain}")  # fmt: skip
