"""Filling the sums behind the writers' backs, estate by estate, each batch in one transaction.

A sweep takes what has changed since the estate's mark, and what time alone has changed (a deadline that passed, two
hours without a dispatch), adds the difference between what it counts for now and what was counted before to the sums
of every node above the estate, and moves the mark. A step of an order, or a credit of hours, writes nothing for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, select, union, update
from sqlalchemy import insert as core_insert

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, begin_write, db, dialect_name
from core.rows import put
from services.orders.models import ServiceOrder, State
from services.reports import activity, times
from services.reports.activity import path_at
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark, RollPath, Rollup, RollupKnown
from volunteers.hours.models import HourEntry

BATCH = 5000
LAG = timedelta(minutes=2)
"""How far the mark stays behind: a step decided before now may still be on its way into the database."""
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
SUMS = (*VECTOR, "minutes", "services")
Key = tuple[str, str, date, date]
"""Path of the estate then, item, day, and the day on which it came to be known."""


_ESTATE: Any = bindparam("estate")
_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime()), bindparam("until", type_=UtcDateTime())
_SINCE_R, _UNTIL_R = bindparam("since_r", type_=UtcDateTime()), bindparam("until_r", type_=UtcDateTime())


def _changed() -> Any:
    """Ids of an estate's orders that count differently: those written in the span, and those whose deadline, or two
    hours without a dispatch, ran out in it."""
    order = ServiceOrder
    mine = order.estate_id == _ESTATE
    open_then = and_(mine, order.completed_at.is_(None))
    return union(
        select(order.id).where(mine, order.updated_at > _SINCE, order.updated_at <= _UNTIL),
        select(order.id).where(open_then, order.due_at > _SINCE, order.due_at <= _UNTIL),
        select(order.id).where(
            open_then, order.dispatched_at.is_(None), order.placed_at > _SINCE_R, order.placed_at <= _UNTIL_R
        ),
    ).subquery()


_BATCH_END = (
    select(ServiceOrder.updated_at)
    .where(ServiceOrder.estate_id == _ESTATE, ServiceOrder.updated_at > _SINCE, ServiceOrder.updated_at <= _UNTIL)
    .order_by(ServiceOrder.updated_at)
    .offset(BATCH - 1)
    .limit(1)
)
"""Where a batch ends when there is more than one to do."""


@cache
def _changed_rows(_dialect: str) -> Any:
    changed = _changed()
    old = [OrderCount.__table__.c[name].label("old_" + name) for name in VECTOR]
    steps = [OrderCount.__table__.c[step].label("old_" + step) for step in times.STEPS]
    order = ServiceOrder
    return (
        select(order.id, order.item_code, order.placed_at, order.updated_at, order.due_at,
               order.dispatched_at, order.completed_at, order.state, times.accepted_at(),
               OrderCount.path.label("path"), *vector(), *old, *steps)
        .join(changed, changed.c.id == order.id)
        .outerjoin(OrderCount, OrderCount.order_id == order.id)
        .order_by(order.id)
    )  # fmt: skip


def roll_orders(estate_id: str, path: str) -> int:
    """Count what has changed among an estate's orders; returns how many. Every ``BATCH`` commits by itself."""
    done, more = 0, True
    while more:
        counted, more = _roll_some(estate_id, path)
        done += counted
    return done


def _roll_some(estate_id: str, path: str) -> tuple[int, bool]:
    """One batch in one transaction: how many orders count differently, and whether there is more to do. They count as
    at the end of the sweep, or a deadline counted before would be taken back by one batch and come again by another."""
    begin_write()
    mark = db.session.get(RollMark, (estate_id, "orders"), with_for_update=True, populate_existing=True)
    since, end = mark.upto if mark else BEGINNING, clock.now() - LAG
    if end <= since:
        db.session.rollback()
        return 0, False
    until = db.session.scalar(_BATCH_END, {"estate": estate_id, "since": since, "until": end}) or end
    _remember_path(estate_id, path)
    values = {
        "estate": estate_id, "since": since, "until": until, "since_r": since - RESPONSE_LIMIT,
        "until_r": until - RESPONSE_LIMIT, "now": end, "now_response": end - RESPONSE_LIMIT,
    }  # fmt: skip
    sums: dict[Key, list[int]] = defaultdict(lambda: [0] * len(SUMS))
    counted, moved = [], defaultdict(int)  # type: ignore[var-annotated]
    for row in db.session.execute(_changed_rows(dialect_name()), values).mappings().all():
        new = [row[name] for name in VECTOR]
        old = [row["old_" + name] or 0 for name in VECTOR]
        had, has = tuple(row["old_" + step] for step in times.STEPS), times.buckets(row)
        if row["path"] is not None and new == old and had == has:
            continue
        day = clock.local(row["placed_at"]).date()
        then = row["path"] or path
        known = clock.local(came_to_be_known(row, end)).date()
        total = sums[(then, row["item_code"], day, known)]
        for n, (a, b) in enumerate(zip(new, old, strict=True)):
            total[n] += a - b
        counted.append({"order_id": row["id"], "estate_id": estate_id, "path": then, "item": row["item_code"],
                        "day": day, **dict(zip((*VECTOR, *times.STEPS), (*new, *has), strict=True))})  # fmt: skip
        for step, index, number in times.moved(had, has):
            moved[then, row["item_code"], day, known, step, index] += number
    put(OrderCount, counted, dict.fromkeys((*VECTOR, *times.STEPS), "replace"))
    add_sums(sums)
    times.add(moved)
    _move(estate_id, "orders", mark, until)
    db.session.commit()
    return len(counted), until < end


def came_to_be_known(row: Any, until: datetime, prefix: str = "") -> datetime:
    """The latest moment at which what an order counts for changed: it was written, or, while it is open, time alone
    did it. ``prefix`` stands before the names of its columns, but for ``placed_at``."""
    written: datetime = min(row[prefix + "updated_at"], until)
    if row[prefix + "completed_at"] is not None or row[prefix + "state"] in (State.CANCELLED, State.SENT_BACK):
        return written
    lapses: tuple[datetime, ...] = (row[prefix + "due_at"], row["placed_at"] + RESPONSE_LIMIT)
    return max([written, *(moment for moment in lapses if moment <= until)])


def add_sums(sums: dict[Key, list[int]]) -> None:
    """Add differences to the sums of every node above an estate, by day and by month, by item and for all items."""
    plain: dict[tuple[Any, ...], list[int]] = {}
    known: dict[tuple[Any, ...], list[int]] = {}
    for (path, item, day, known_on), numbers in sums.items():
        if not any(numbers):
            continue
        for node in path.rstrip("/").split("/"):
            for grain, period in (("d", day), ("m", day.replace(day=1))):
                for of in (item, ""):
                    _plus(plain, (node, grain, of, period), numbers)
                    _plus(known, (node, grain, of, period, known_on), numbers)
    keys = ("node_id", "grain", "item", "period")
    for model, found, names in ((Rollup, plain, keys), (RollupKnown, known, (*keys, "known_on"))):
        rows = [
            dict(zip(names, key, strict=True)) | dict(zip(SUMS, n, strict=True)) for key, n in sorted(found.items())
        ]
        add_rows(model, rows)


def add_rows(model: type[Rollup] | type[RollupKnown], rows: Sequence[dict[str, Any]]) -> None:
    """Add to sums by their key."""
    put(model, rows, dict.fromkeys(SUMS, "add"))


def _plus(found: dict[tuple[Any, ...], list[int]], key: tuple[Any, ...], numbers: Sequence[int]) -> None:
    held = found.get(key)
    found[key] = list(numbers) if held is None else [a + b for a, b in zip(held, numbers, strict=True)]


def _move(estate_id: str, stream: str, mark: RollMark | None, upto: datetime) -> None:
    if mark is None:
        db.session.execute(core_insert(RollMark), [{"estate_id": estate_id, "stream": stream, "upto": upto}])
        return
    db.session.execute(
        update(RollMark).where(RollMark.estate_id == estate_id, RollMark.stream == stream).values(upto=upto)
    )


_HOURS = (
    select(HourEntry.starts_at, HourEntry.recorded_at, HourEntry.minutes, *activity.SUBJECTS.values(),
           func.coalesce(ServiceOrder.item_code, "other").label("item"))
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(HourEntry.estate_id == _ESTATE, HourEntry.recorded_at > _SINCE, HourEntry.recorded_at <= _UNTIL)
)  # fmt: skip


def roll_hours(estate_id: str, path: str) -> int:
    """Count the hours that an estate's ledger took in; reversals come in as signed entries of their day of service."""
    begin_write()
    mark = db.session.get(RollMark, (estate_id, "hours"), with_for_update=True, populate_existing=True)
    since, until = mark.upto if mark else BEGINNING, clock.now() - LAG
    if until <= since:
        db.session.rollback()
        return 0
    stood = _remember_path(estate_id, path)
    sums: dict[Key, list[int]] = defaultdict(lambda: [0] * len(SUMS))
    entries: dict[str, list[activity.Entry]] = defaultdict(list)
    done = 0
    for row in db.session.execute(_HOURS, {"estate": estate_id, "since": since, "until": until}):
        then = path_at(stood, row.recorded_at)
        total = sums[then, row.item, clock.local(row.starts_at).date(), clock.local(row.recorded_at).date()]
        total[-2] += row.minutes
        total[-1] += 1 if row.minutes > 0 else -1
        entries[then].extend(activity.entries_of(row))
        done += 1
    add_sums(sums)
    activity.count_active(entries)
    _move(estate_id, "hours", mark, until)
    db.session.commit()
    return done


def _remember_path(estate_id: str, path: str) -> list[tuple[datetime, str]]:
    """Where an estate stood since when: what its ledger takes in from the mark on is counted where it stands now."""
    known = select(RollPath.since, RollPath.path).where(RollPath.estate_id == estate_id).order_by(RollPath.since)
    stood = [(row[0], row[1]) for row in db.session.execute(known)]
    if not stood or stood[-1][1] != path:
        mark = db.session.get(RollMark, (estate_id, "hours"))
        since = mark.upto if mark else BEGINNING
        if stood:
            since = max(since, stood[-1][0] + timedelta(microseconds=1))
        db.session.execute(core_insert(RollPath), [{"estate_id": estate_id, "since": since, "path": path}])
        stood.append((since, path))
    return stood


def list_estates() -> Sequence[Any]:
    """Every estate with its path, for a job that takes one after the other."""
    return db.session.execute(select(Estate.id, Estate.path, Estate.name).order_by(Estate.id)).all()
