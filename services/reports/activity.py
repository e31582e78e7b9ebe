"""How many different people were active: counted exactly from sums that add up.

A person active in a period has a previous active period, or none. Kept is, for each node, item and period, how many
people were active there with which previous one. Whoever was active at all between ``a`` and ``b`` was so for the first
time in one of its periods, the one whose previous lies before ``a``: so the number of different people is the sum over
the periods from ``a`` to ``b`` of those whose previous is earlier than ``a``. A year of a street is a few hundred rows,
however many services there were.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from community.grid.models import Estate
from core import clock
from core.database import db, dialect_name
from services.orders.models import ServiceOrder
from services.reports.models import Active, RollMark, RollPath
from volunteers.hours.models import HourEntry

NEVER = date(1, 1, 1)
BATCH = 5000
Entry = tuple[str, str, date]
"""Volunteer, item, day of service."""


def path_at(paths: Sequence[tuple[datetime, str]], moment: datetime) -> str:
    """Where an estate stood when something recorded at a moment was counted; ``paths`` in order of time."""
    found = paths[0][1]
    for since, path in paths:
        if since < moment:
            found = path
    return found


def estate_paths() -> dict[str, list[tuple[datetime, str]]]:
    """Where each estate stood since when, as the sweeps saw it."""
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    rows = db.session.execute(select(RollPath.estate_id, RollPath.since, RollPath.path).order_by(RollPath.since))
    for estate_id, since, path in rows:
        found[estate_id].append((since, path))
    return found


_COUNTED = (
    select(HourEntry.volunteer_id, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at,
           HourEntry.estate_id, HourEntry.recorded_at)
    .join(RollMark, (RollMark.estate_id == HourEntry.estate_id) & (RollMark.stream == "hours"))
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(HourEntry.volunteer_id.in_(bindparam("people", expanding=True)), HourEntry.recorded_at <= RollMark.upto)
)  # fmt: skip


def count_active(path: str, entries: Iterable[Entry]) -> None:
    """Take new entries of an estate into the counts of every node above it; the estate's mark has not moved yet."""
    fresh = sorted(set(entries), key=lambda entry: entry[2])
    if not fresh:
        return
    nodes = path.rstrip("/").split("/")
    before = _counted_before({volunteer for volunteer, _, _ in fresh}, set(nodes))
    changes: dict[tuple[str, str, str, date, date], int] = defaultdict(int)
    for volunteer, item, day in fresh:
        for node in nodes:
            for of in (item, ""):
                for grain, period in (("d", day), ("m", day.replace(day=1))):
                    _insert(before[node, grain, of, volunteer], period, (node, grain, of), changes)
    rows = [
        {"node_id": node, "grain": grain, "item": item, "period": period, "prev": prev, "people": people}
        for (node, grain, item, period, prev), people in sorted(changes.items())
        if people
    ]
    for n in range(0, len(rows), BATCH):
        _add(rows[n : n + BATCH])


Counted = dict[tuple[str, str, str, str], list[date]]


def _counted_before(volunteers: set[str], nodes: set[str]) -> Counted:
    """The periods in which these people were counted as active already, by node, grain, item and person, in order."""
    paths = estate_paths()
    found: dict[tuple[str, str, str, str], set[date]] = defaultdict(set)
    people = sorted(volunteers)
    for n in range(0, len(people), 500):
        rows = db.session.execute(_COUNTED, {"people": people[n : n + 500]})
        for volunteer, item, starts_at, estate_id, recorded_at in rows:
            day = clock.local(starts_at).date()
            for node in nodes.intersection(path_at(paths[estate_id], recorded_at).split("/")):
                for of in (item, ""):
                    found[node, "d", of, volunteer].add(day)
                    found[node, "m", of, volunteer].add(day.replace(day=1))
    return defaultdict(list, {key: sorted(periods) for key, periods in found.items()})


def _insert(
    held: list[date], period: date, key: tuple[str, str, str], changes: dict[tuple[str, str, str, date, date], int]
) -> None:
    """Put a period among those of a person; whoever comes after has a nearer previous one now."""
    at = bisect_left(held, period)
    if at < len(held) and held[at] == period:
        return
    prev = held[at - 1] if at else NEVER
    changes[(*key, period, prev)] += 1
    if at < len(held):
        changes[(*key, held[at], prev)] -= 1
        changes[(*key, held[at], period)] += 1
    insort(held, period)


def _add(rows: Sequence[Mapping[str, Any]]) -> None:
    maker: Any = postgresql.insert if dialect_name() == "postgresql" else sqlite.insert
    statement = maker(Active)
    people = Active.__table__.c.people + statement.excluded.people
    keys = ["node_id", "grain", "item", "period", "prev"]
    db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"people": people}), list(rows))


def recount(node: str) -> int:
    """Bring a node's counts in line with the ledger as far as it is counted; returns how many were wrong."""
    wrong = gaps(node)
    for n in range(0, len(wrong), BATCH):
        _add(wrong[n : n + BATCH])
    return len(wrong)


def gaps(node: str) -> list[dict[str, Any]]:
    """Where a node's counts differ from the ledger, with what is missing (or, below zero, too much) as ``people``."""
    paths = estate_paths()
    periods: dict[tuple[str, str, str], set[date]] = defaultdict(set)
    mine = [estate for estate, stood in paths.items() if any(node in path.split("/") for _, path in stood)]
    rows = select(HourEntry.volunteer_id, func.coalesce(ServiceOrder.item_code, "other"), HourEntry.starts_at,
                  HourEntry.estate_id, HourEntry.recorded_at)  # fmt: skip
    rows = rows.join(RollMark, (RollMark.estate_id == HourEntry.estate_id) & (RollMark.stream == "hours"))
    rows = rows.outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    rows = rows.where(HourEntry.estate_id.in_(mine), HourEntry.recorded_at <= RollMark.upto)
    for volunteer, item, starts_at, estate_id, recorded_at in db.session.execute(rows):
        if node in path_at(paths[estate_id], recorded_at).split("/"):
            day = clock.local(starts_at).date()
            for of in (item, ""):
                periods["d", of, volunteer].add(day)
                periods["m", of, volunteer].add(day.replace(day=1))
    right: dict[tuple[str, str, date, date], int] = defaultdict(int)
    for (grain, item, _), found in periods.items():
        prev = NEVER
        for period in sorted(found):
            right[grain, item, period, prev] += 1
            prev = period
    keys = (Active.grain, Active.item, Active.period, Active.prev)
    kept = {
        (row[0], row[1], row[2], row[3]): int(row[4])
        for row in db.session.execute(select(*keys, Active.people).where(Active.node_id == node))
    }
    return [
        {"node_id": node, "grain": key[0], "item": key[1], "period": key[2], "prev": key[3],
         "people": right[key] - kept.get(key, 0)}
        for key in sorted({*right, *kept})
        if right[key] != kept.get(key, 0)
    ]  # fmt: skip


def below(path: str) -> Any:
    """Ids of the estates that stand below a path now."""
    return select(Estate.id).where(Estate.path.like(path + "%"))
