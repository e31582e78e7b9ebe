"""Different people: volunteers active in a period, residents and households served in it; exact at every moment and by
every cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Date, Integer, String, and_, bindparam, false, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from core import clock
from core.database import UtcDateTime, dialect_name, fast, remembered
from core.reports import Question
from core.rows import JsonRows, json_rows, one_of
from services.orders.models import ServiceOrder
from services.reports import figures, tail
from services.reports.activity import ALL, NEVER, SEEN, SUBJECTS, WHO
from services.reports.models import Active, ActiveKnown, ActiveSeen, RollMark, RollPath
from services.reports.places import Below, places
from volunteers.hours.models import HourEntry

Key = tuple[str, str]
"""Who of ``activity.WHO``, and a key of the question's dimension."""
Seen = tuple[str, str, str, str, date]
"""Who, their id, path of the estate, item, day of service."""
Counts = dict[str, int]


def active(question: Question) -> Counts:
    """Different volunteers with hours in the period, by key of the question's dimension (``""`` for the total)."""
    return counts(question, ("v",))["v"]


def counts(question: Question, whos: Sequence[str]) -> dict[str, Counts]:
    """The same of each of ``activity.WHO`` that is asked for."""
    asked = (question.path, question.first, question.last, question.by, question.as_of, question.organised)
    known: dict[str, Counts] = remembered(("active", *asked, *question.only.items()), dict)
    if missing := [who for who in whos if who not in known]:
        known |= _counts(question, missing)
    return {who: known[who] for who in whos}


def _counts(question: Question, whos: Sequence[str]) -> dict[str, Counts]:
    found, question = counted(question, whos), tail.as_known(question)
    if question.first <= question.last:
        where = places(question)
        more = _overlaps if where.moved else _tail
        for (who, name), people in more(question, where.below, whos).items():
            found[who][name] += people
    return {who: {key: people for key, people in some.items() if people} for who, some in found.items()}


def counted(question: Question, whos: Sequence[str]) -> dict[str, Counts]:
    """What the kept sums say, without those who were active only behind the mark, and with whoever was in several
    estates as often as that where one of them was moved; what is not there is zero."""
    found: dict[str, Counts] = {who: defaultdict(int) for who in whos}
    question = tail.as_known(question)
    if question.first > question.last:
        return found
    where, key_of, among = places(question), figures.keys(question), _parts(question)
    how = figures.reading(question, len(among))
    statement = _statement(how, tuple(isinstance(prevs, list) for _, prevs in among))
    for who, *key, people in fast().execute(statement, _values(question, where.nodes, among, whos)):
        name = "" if not how.by else where.name(key[0]) if how.by == "node" else key_of(key[0])
        found[who][name] += int(people or 0)
    return found


Prevs = list[date] | tuple[date, date]
"""Where the previous periods of those who are counted lie: on one of these days, or between two of them."""


@cache
def _statement(how: figures.Reading, named: tuple[bool, ...]) -> Any:
    """People over the parts of a period, by who they are, and by node, period or item or in all; ``named`` tells of
    each part whether it names the previous periods."""

    def only(table: Any, n: int) -> list[Any]:
        whom = table.who.in_(bindparam("whos", expanding=True))
        if named[n]:
            return [whom, one_of(table.prev, f"prevs{n}", how.dialect)]
        # Period by period, in each of which the key has the previous ones in their order.
        between = [bindparam(f"{name}{n}", type_=Date()) for name in ("since", "upto")]
        return [whom, one_of(table.period, f"days{n}", how.dialect), table.prev.between(*between)]

    def keys_of(table: Any) -> list[Any]:
        return [table.who, *figures.group_key(table, how.by)]

    columns = figures.kept((Active, ActiveKnown), ["people"], how, keys_of, only)
    keys = [columns["who"], *([columns["key"]] if how.by else [])]
    return select(*keys, func.sum(columns.people)).group_by(*keys)


def _values(
    question: Question, nodes: Sequence[str], among: Sequence[tuple[clock.Part, Prevs]], whos: Sequence[str]
) -> dict[str, Any]:
    values = figures.read_values(question, nodes, [part for part, _ in among]) | {"whos": list(whos)}
    for n, (_, prevs) in enumerate(among):
        values |= {f"prevs{n}": prevs} if isinstance(prevs, list) else {f"since{n}": prevs[0], f"upto{n}": prevs[1]}
    return values


def _parts(question: Question) -> list[tuple[clock.Part, Prevs]]:
    """Which sums a period is read from, and who of them counts.

    Cut by periods, all who were there in a whole one; at the edges whoever was not there since the edge began. In all:
    whoever was there in a whole month, and not since the beginning of the month in which the period begins, is new.
    Whoever was there in that month is not, unless it was before the period and not in it: these come back on a day
    whose previous one lies there.
    """
    found = figures.parts(question, weeks=question.by == "week")
    if question.by in ("day", "week", "month"):
        if found[0][0] == "d" and question.by != "day":
            found = _split(question)
        by_day = question.by == "day"
        return [(part, [ALL] if by_day or part[0] != "d" else _before(part[1])) for part in found]
    begun = question.first.replace(day=1)
    chosen: list[tuple[clock.Part, Prevs]] = [
        (part, _before(begun if part[0] == "m" else question.first)) for part in found
    ]
    grain, first, last = found[0]
    if grain == "m" and question.first < first:
        missed = [begun + timedelta(days=n) for n in range((question.first - begun).days)]
        chosen.append((("d", first, clock.month_end(last)), missed))
    return chosen


def _before(day: date) -> tuple[date, date]:
    return NEVER, day - timedelta(days=1)


def _split(question: Question) -> list[clock.Part]:
    """The days of a period that holds no whole week, or month, by its own: there are two at most."""
    key_of, first, last = figures.keys(question), question.first, question.last
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [("d", some[0], some[-1]) for _, group in groupby(days, key_of) if (some := list(group))]


def _tail(question: Question, below: Below, whos: Sequence[str]) -> dict[Key, int]:
    """People who were active only behind the mark."""
    fresh = _by_key(question, below, seen_behind(question, whos))
    pairs = [(key, subject) for key, some in sorted(fresh.items()) for subject in sorted(some)]
    found = {key: len(some) for key, some in fresh.items()}
    last = _last_seen(sorted({subject for _, subject in pairs}))
    unsure: list[tuple[Key, dict[str, Any]]] = []
    for key, subject in pairs:
        asked = _where(question, below, key[1])
        was = _was_counted(last.get((key[0], subject), ()), asked, tail.past(question))
        if was is None:
            start, end = clock.day_bounds(asked.first)[0], clock.day_bounds(asked.last)[1]
            unsure.append((key, {"n": len(unsure), "who": key[0], "subject": subject, "path": f"%/{asked.node}/%",
                                 "first": start, "last": end, "item": asked.item}))  # fmt: skip
        elif was:
            found[key] -= 1
    if unsure:
        statement = _counted_before(tuple(sorted({key[0] for key, _ in unsure})), dialect_name())
        rows = [row for _, row in unsure]
        for n in fast().execute(statement, tail.values(question) | {"asked": rows}).scalars():
            found[unsure[n][0]] -= 1
    return found


Last = Sequence[tuple[str, str, date, date]]
"""Path, item, the last day of service that is counted, and the last day on which one was recorded."""


def _last_seen(subjects: list[str]) -> Mapping[Key, Last]:
    """What is kept of when somebody was active last, by who they are."""
    if not subjects:
        return {}

    def read() -> Mapping[Key, Last]:
        found: dict[Key, list[tuple[str, str, date, date]]] = defaultdict(list)
        for row in fast().execute(SEEN, {"people": subjects}):
            found[row.who, row.subject_id].append((row.path, row.item, row.last, row.known_on))
        return found

    return remembered(("seen", *subjects), read)


def _was_counted(last: Last, asked: Asked, as_of: date | None) -> bool | None:
    """Whether somebody is in the sums already; none when what is kept of their last days does not say it."""
    here = [row for row in last if asked.node in row[0].split("/") and asked.item in ("", row[1])]
    if as_of is not None and any(known_on > as_of for *_, known_on in here):
        return None
    if any(asked.first <= day <= asked.last for _, _, day, _ in here):
        return True
    return False if all(day < asked.first for _, _, day, _ in here) else None


def seen_behind(question: Question, whos: Sequence[str]) -> Iterator[Seen]:
    """Who was active behind the marks."""
    for one in tail.hours(question):
        for who, subject in zip(WHO, one.whom, strict=True):
            if who in whos and subject is not None:
                yield who, subject, one.path, one.item, one.day


_ASKED: dict[str, Any] = {"n": Integer(), "who": String(), "subject": String(), "path": String(),
                          "first": UtcDateTime(), "last": UtcDateTime(), "item": String()}  # fmt: skip
_ITEM = func.coalesce(ServiceOrder.item_code, "other")


@cache
def _counted_before(whos: tuple[str, ...], dialect: str) -> Any:
    """Which of those asked about are in the sums already: at a node, within days, for an item or any."""
    asked = json_rows(dialect, bindparam("asked", type_=JsonRows()), _ASKED)
    mark, stood = aliased(RollMark), aliased(RollPath)
    path = select(stood.path).where(stood.estate_id == HourEntry.estate_id, stood.since < HourEntry.recorded_at)
    then = path.order_by(stood.since.desc()).limit(1).correlate(HourEntry).scalar_subquery()
    entries = (
        select(HourEntry.id)
        .join(mark, and_(mark.estate_id == HourEntry.estate_id, mark.stream == "hours"))
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.recorded_at <= mark.upto, HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()),
               HourEntry.starts_at >= asked.c.first, HourEntry.starts_at < asked.c.last,
               (literal("/") + then).like(asked.c.path), or_(asked.c.item == "", asked.c.item == _ITEM))
        .correlate(asked)
    )  # fmt: skip
    return union_all(*[
        select(asked.c.n).where(asked.c.who == who, entries.where(SUBJECTS[who] == asked.c.subject).exists())
        for who in whos
    ])  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Where, when and for which item (or any) the people under a key are counted."""

    node: str
    first: date
    last: date
    item: str


def _where(question: Question, below: Below, key: str) -> Asked:
    first, last, item = question.first, question.last, question.only.get("item", "")
    node = question.path.rstrip("/").rpartition("/")[2]
    match question.by:
        case "unit":
            node = key or node
        case "estate":
            node = dict(below)[key].rstrip("/").rpartition("/")[2]
        case "item":
            item = key
        case "day":
            first = last = date.fromisoformat(key)
        case "week":
            monday = date.fromisoformat(key)
            first, last = max(first, monday), min(last, monday + timedelta(days=6))
        case "month":
            month = date.fromisoformat(key + "-01")
            first, last = max(first, month), min(last, clock.month_end(month))
    return Asked(node, first, last, item)


def _by_key(question: Question, below: Below, seen: Iterable[Seen]) -> dict[Key, set[str]]:
    found: dict[Key, set[str]] = defaultdict(set)
    only = question.only.get("item")
    key_of = figures.keys(question)
    for who, subject, path, item, day in seen:
        if only in (None, item):
            found[who, figures.tail_key(question, below, key_of, path, item, day)].add(subject)
    return found


_SEVERAL = (
    select(ActiveSeen.who, ActiveSeen.subject_id)
    .join(RollPath, RollPath.path == ActiveSeen.path)
    .join(Estate, Estate.id == RollPath.estate_id)
    .where(Estate.path.like(bindparam("path")), ActiveSeen.who.in_(bindparam("whos", expanding=True)))
    .group_by(ActiveSeen.who, ActiveSeen.subject_id)
    .having(func.count(Estate.id.distinct()) > 1)
)


@cache
def _rows_of(who: str) -> Any:
    """What the ledger has of some people in a period, and whether it is in the sums."""
    mark = aliased(RollMark)
    in_sums = func.coalesce(HourEntry.recorded_at <= mark.upto, false())
    return (
        select(SUBJECTS[who], Estate.path, _ITEM, HourEntry.starts_at, in_sums)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(mark, and_(mark.estate_id == HourEntry.estate_id, mark.stream == "hours"))
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(
            SUBJECTS[who].in_(bindparam("people", expanding=True)),
            Estate.path.like(bindparam("path")),
            HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
            HourEntry.starts_at < bindparam("end", type_=UtcDateTime()),
            HourEntry.recorded_at < bindparam("known", type_=UtcDateTime()),
        )
    )


def _overlaps(question: Question, below: Below, whos: Sequence[str]) -> dict[Key, int]:
    """What the sums of single estates added up say too much, and what is behind the mark.

    Too often counted are those who were active in several estates, and these are few: the ledger is asked about them.
    """
    values = tail.values(question)
    several: dict[str, set[str]] = {who: set() for who in whos}
    for who, subject in fast().execute(_SEVERAL, values | {"whos": list(whos)}):
        several[who].add(subject)
    for who, subject, *_ in seen_behind(question, whos):
        several[who].add(subject)
    found: dict[Key, int] = defaultdict(int)
    for who, people in several.items():
        seen: list[Seen] = []
        summed: dict[str, list[Seen]] = defaultdict(list)
        for subject, path, item, starts_at, in_sums in fast().execute(_rows_of(who), values | {"people": list(people)}):
            one = who, subject, path, item, clock.local(starts_at).date()
            seen.append(one)
            if in_sums:
                summed[path].append(one)
        for key, some in _by_key(question, below, seen).items():
            found[key] += len(some)
        for in_estate in summed.values():
            for key, some in _by_key(question, below, in_estate).items():
                found[key] -= len(some)
    return found
