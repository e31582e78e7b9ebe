"""How many different people were active, or were served: counted exactly from sums that add up.

The ledger of hours says of each entry which volunteer gave it and, by its order, which resident and which household it
was for; all three are counted alike. A person active in a period has a previous active period, or none. Kept is, for
each node, item and period, how many people were active there with which previous one, and how many in all. Whoever was
active at all between ``a`` and ``b`` was so for the first time in one of its periods, the one whose previous lies
before ``a``: so the number of different people is the sum over the periods from ``a`` to ``b`` of those whose previous
is earlier than ``a``. A year of a street is a few hundred rows, however many services there were. What a past day knew
is kept as what each day changed in these numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from core import clock
from core.database import db
from core.rows import put
from services.orders.models import ServiceOrder
from services.reports.models import Active, ActiveKnown, ActiveSeen, RollMark, RollPath
from services.reports.times import periods
from volunteers.hours.models import HourEntry

NEVER, ALL = date(1, 1, 1), date(9999, 12, 31)
"""What stands for no previous period, and for every one."""
WHO = ("v", "r", "h")
"""Who is counted: volunteers, the residents whose orders they served, and their households."""
Entry = tuple[str, str, str, date, date]
"""Who of ``WHO``, their id, item, day of service, and the day on which it was recorded."""
Seen = dict[tuple[str, str, str, str], tuple[date, date]]
"""By id, who, path and item: the last day of service that is counted, and the last day on which one was recorded."""
Whose = tuple[str, str, str, str, str]
"""Node, grain, who, item and id."""
History = dict[date, date]
"""Periods in which a person was active, and since when each is known."""
Change = tuple[date, date, date, int]
"""Period, previous period, the day on which it came to be known, and how many people more or less."""


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


SUBJECTS: Mapping[str, Any] = dict(
    zip(WHO, (HourEntry.volunteer_id, ServiceOrder.person_id, ServiceOrder.household_id), strict=True)
)
_COUNTED = (
    select(*SUBJECTS.values(), func.coalesce(ServiceOrder.item_code, "other").label("item"), HourEntry.starts_at,
           HourEntry.estate_id, HourEntry.recorded_at)
    .join(RollMark, (RollMark.estate_id == HourEntry.estate_id) & (RollMark.stream == "hours"))
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(HourEntry.recorded_at <= RollMark.upto)
)  # fmt: skip
"""The ledger as far as it is counted: who is concerned, item, beginning, estate, and when it was recorded."""
_COUNTED_OF = {
    who: _COUNTED.where(subject.in_(bindparam("people", expanding=True))) for who, subject in SUBJECTS.items()
}
SEEN = select(*ActiveSeen.__table__.c).where(ActiveSeen.subject_id.in_(bindparam("people", expanding=True)))
"""When some were active last."""


def entries_of(row: Any) -> Iterator[Entry]:
    """Who was active in an entry of the ledger, from the columns that ``SUBJECTS`` stand for, ``item``, ``starts_at``
    and ``recorded_at``."""
    day, known_on = clock.local(row.starts_at).date(), clock.local(row.recorded_at).date()
    for who, subject in zip(WHO, (row.volunteer_id, row.person_id, row.household_id), strict=True):
        if subject is not None:
            yield who, subject, row.item, day, known_on


def count_active(entries: Mapping[str, Iterable[Entry]]) -> None:
    """Take new entries, by the path under which their estate stood, into the counts of every node above it; the
    estate's mark has not moved yet."""
    fresh: dict[Whose, History] = defaultdict(dict)
    for path, some in entries.items():
        nodes = path.rstrip("/").split("/")
        for entry in set(some):
            _note(fresh, nodes, entry)
    before = _histories(fresh)
    plain: dict[tuple[Any, ...], int] = defaultdict(int)
    known: dict[tuple[Any, ...], int] = defaultdict(int)
    for whose, history in fresh.items():
        for period, prev, known_on, people in _changes(before.get(whose, {}), history):
            for one in (prev, ALL):
                plain[*whose[:-1], period, one] += people
                known[*whose[:-1], period, known_on, one] += people
    for model, sums in ((Active, plain), (ActiveKnown, known)):
        names = [column.name for column in model.__table__.primary_key]
        rows = [dict(zip(names, key, strict=True)) | {"people": people} for key, people in sorted(sums.items())]
        put(model, [row for row in rows if row["people"]], {"people": "add"})
    seen: Seen = {}
    for path, some in entries.items():
        for who, subject, item, day, known_on in some:
            _see(seen, (subject, who, path, item), day, known_on)
    _keep(seen)


def _see(seen: Seen, key: tuple[str, str, str, str], day: date, known_on: date) -> None:
    held = seen.get(key, (NEVER, NEVER))
    seen[key] = max(held[0], day), max(held[1], known_on)


def _keep(seen: Seen) -> None:
    rows = [
        {"subject_id": subject, "who": who, "path": path, "item": item, "last": last, "known_on": known_on}
        for (subject, who, path, item), (last, known_on) in sorted(seen.items())
    ]
    put(ActiveSeen, rows, {"last": "greatest", "known_on": "greatest"})


def _histories(fresh: Mapping[Whose, History]) -> dict[Whose, History]:
    """In which periods those with new entries were active before. Of most the last one is enough: nothing new is older
    than it, nor was known earlier."""
    people, found = sorted({whose[-1] for whose in fresh}), dict[Whose, History]()
    last: dict[tuple[str, str], list[Any]] = defaultdict(list)
    deep: dict[str, set[str]] = defaultdict(set)
    for n in range(0, len(people), 500):
        for row in db.session.execute(SEEN, {"people": people[n : n + 500]}):
            last[row.who, row.subject_id].append(row)
    for whose, history in fresh.items():
        node, grain, who, item, subject = whose
        rows = [row for row in last[who, subject] if node in row.path.split("/") and item in ("", row.item)]
        if not rows:
            continue
        day, known_on = max(row.last for row in rows), max(row.known_on for row in rows)
        period = dict(periods(day))[grain]
        if min(history) < period or min(history.values()) < known_on:
            deep[who].add(subject)
        found[whose] = {period: known_on}
    nodes = {whose[0] for whose in fresh}
    for who, subjects in deep.items():
        found |= _counted_before(who, sorted(subjects), nodes)
    return found


def _note(histories: dict[Whose, History], nodes: Iterable[str], entry: Entry) -> None:
    """Take down that somebody was active, by the earliest day on which it was known."""
    who, subject, item, day, known_on = entry
    for node in nodes:
        for grain, period in periods(day):
            for of in (item, ""):
                history = histories[node, grain, who, of, subject]
                history[period] = min(known_on, history.get(period, known_on))


def _counted_before(who: str, people: Sequence[str], nodes: set[str]) -> dict[Whose, History]:
    """The periods in which these people were counted as active already."""
    paths = estate_paths()
    found: dict[Whose, History] = defaultdict(dict)
    for n in range(0, len(people), 500):
        for row in db.session.execute(_COUNTED_OF[who], {"people": people[n : n + 500]}):
            mine = nodes.intersection(path_at(paths[row.estate_id], row.recorded_at).split("/"))
            for entry in entries_of(row):
                if entry[0] == who:
                    _note(found, mine, entry)
    return found


def _changes(before: History, fresh: History) -> Iterator[Change]:
    """What a person's new periods change. Those that were known before others that are counted already change what
    these had changed, too: then the whole history is told anew."""
    fresh = {period: day for period, day in fresh.items() if period not in before or day < before[period]}
    if not fresh:
        return
    if min(fresh.values()) >= max(before.values(), default=NEVER):
        yield from _told(sorted(before), fresh)
        return
    yield from ((period, prev, day, -people) for period, prev, day, people in _told([], before))
    yield from _told([], {**before, **fresh})


def _told(held: list[date], history: History) -> Iterator[Change]:
    """Periods put among those held, as they came to be known; whoever comes after has a nearer previous one then."""
    for period, day in sorted(history.items(), key=itemgetter(1)):
        at = bisect_left(held, period)
        prev = held[at - 1] if at else NEVER
        yield period, prev, day, 1
        if at < len(held):
            yield held[at], prev, day, -1
            yield held[at], period, day, 1
        held.insert(at, period)


def _seen_of(estate_id: str) -> Seen:
    """The last days of an estate, from its ledger as far as it is counted."""
    paths, found = estate_paths().get(estate_id, []), Seen()
    for row in db.session.execute(_COUNTED.where(HourEntry.estate_id == estate_id)):
        for who, subject, item, day, known_on in entries_of(row):
            _see(found, (subject, who, path_at(paths, row.recorded_at), item), day, known_on)
    return found


def unseen(estate_id: str) -> int:
    """How many of an estate's last days are not kept as the ledger has them."""
    right, stood = _seen_of(estate_id), [path for _, path in estate_paths().get(estate_id, [])]
    rows = db.session.execute(select(*ActiveSeen.__table__.c).where(ActiveSeen.path.in_(stood)))
    kept = {(row.subject_id, row.who, row.path, row.item): (row.last, row.known_on) for row in rows}
    return sum(right.get(key) != kept.get(key) for key in {*right, *kept})


def see_again(estate_id: str) -> int:
    """Take an estate's last days from the ledger again; returns how many were wrong. Caller commits."""
    wrong, stood = unseen(estate_id), [path for _, path in estate_paths().get(estate_id, [])]
    if wrong:
        db.session.execute(delete(ActiveSeen).where(ActiveSeen.path.in_(stood)))
        _keep(_seen_of(estate_id))
    return wrong


def recount(node: str) -> int:
    """Bring a node's counts in line with the ledger as far as it is counted, differences as known today; returns how
    many were wrong."""
    wrong = gaps(node)
    for model in (Active, ActiveKnown):
        known = {} if model is Active else {"known_on": clock.today()}
        put(model, [row | known for of, row in wrong if of is model], {"people": "add"})
    return len(wrong)


def gaps(node: str) -> list[tuple[Any, dict[str, Any]]]:
    """Where a node's counts differ from the ledger, now and as it came to be known, with what is missing (or, below
    zero, too much) as ``people``."""
    paths = estate_paths()
    active: dict[tuple[str, str, str, str], set[date]] = defaultdict(set)
    mine = [estate for estate, stood in paths.items() if any(node in path.split("/") for _, path in stood)]
    for row in db.session.execute(_COUNTED.where(HourEntry.estate_id.in_(mine))):
        if node in path_at(paths[row.estate_id], row.recorded_at).split("/"):
            for who, subject, item, day, _ in entries_of(row):
                for grain, period in periods(day):
                    for of in (item, ""):
                        active[grain, who, of, subject].add(period)
    right: dict[tuple[Any, ...], int] = defaultdict(int)
    for (grain, who, item, _), found in active.items():
        prev = NEVER
        for period in sorted(found):
            for one in (prev, ALL):
                right[grain, who, item, period, one] += 1
            prev = period
    return [(model, row) for model in (Active, ActiveKnown) for row in _missing(model, node, right)]


def _missing(model: Any, node: str, right: Mapping[tuple[Any, ...], int]) -> Iterator[dict[str, Any]]:
    keys = (model.grain, model.who, model.item, model.period, model.prev)
    stored = select(*keys, func.sum(model.people)).where(model.node_id == node).group_by(*keys)
    kept = {tuple(row[:-1]): int(row[-1]) for row in db.session.execute(stored)}
    for key in sorted({*right, *kept}):
        people = right.get(key, 0) - kept.get(key, 0)
        if people:
            named = dict(zip(("grain", "who", "item", "period", "prev"), key, strict=True))
            yield {"node_id": node, **named, "people": people}
