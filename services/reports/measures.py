"""Measures of people that reports count from the ledger of hours, and the people behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from community.grid.estates import list_below
from community.grid.models import Estate, Household, Person
from core import clock
from core.database import UtcDateTime, dialect_name, fast
from core.reports import Measure, Question, Source, Value, declare
from core.rows import JsonRows, json_rows, one_of
from core.web import paging
from services.orders.models import ServiceOrder
from services.reports import figures, people
from services.reports.activity import SUBJECTS
from services.reports.models import ActiveSeen, RollPath
from volunteers.hours import sums
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer

CUTS = frozenset({"unit", "estate", "month", "week", "day", "item"})
_LEDGER = "时长台账，按服务那天归期"
_SERVED = "时长台账和服务单，按服务那天归期，有志愿服务时长的才算"
SUBJECT_OF = {"volunteers.active": "v", "residents.served": "r", "households.served": "h"}
"""Measures by those of ``activity.WHO`` whom they count."""


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Different people, by key."""
    counted = people.counts(question, [SUBJECT_OF[name] for name in names])
    keys = {key for counts in counted.values() for key in counts}
    return {key: {name: Value(counted[SUBJECT_OF[name]].get(key, 0)) for name in names} for key in keys}


def before(question: Question) -> Question:
    """As long a time just before: whole months before months, else as many days."""
    first, last = question.first, question.first - timedelta(days=1)
    if first.day == 1:
        months = (question.last.year - first.year) * 12 + question.last.month - first.month + 1
        at = first.year * 12 + first.month - 1 - months
        return replace(question, first=date(at // 12, at % 12 + 1, 1), last=last)
    return replace(question, first=last - (question.last - first), last=last)


def retained(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Of those who were active just before, how many are so again.

    Whoever was active in either time counts once over both together, so that those of both are one and the other less
    the two together.
    """
    earlier = before(question)
    now, then, both = (people.active(asked) for asked in (question, earlier, replace(earlier, last=question.last)))
    return {
        key: dict.fromkeys(names, Value.of_rate(now.get(key, 0) + was - both.get(key, 0), was))
        for key, was in then.items()
    }


_HOME: Any = Estate.__table__.alias("home")
_IDS: Any = bindparam("ids", expanding=True)


def _moment(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime())


def _entries(span: str, *columns: Any) -> Select[Any]:
    """Entries below the path in the days named, whatever became of them."""
    start, end, only = _moment(f"{span}_start"), _moment(f"{span}_end"), bindparam("item", type_=String())
    of_item = (only == "") | (func.coalesce(ServiceOrder.item_code, "other") == only)
    return (
        select(*columns)
        .select_from(HourEntry)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(Estate.path.like(bindparam("path")), HourEntry.starts_at >= start, HourEntry.starts_at < end, of_item)
    )


class Helper(NamedTuple):
    """A volunteer in the list of those who served, with what they gave in the period."""

    person_id: str
    number: str
    name: str
    estate_name: str
    minutes: int
    times: int
    counts: int


class Resident(NamedTuple):
    """A resident who was served, and when that was last, be it after the period."""

    row_key: str
    name: str
    estate_name: str
    last_served: date
    counts: int


class Served(NamedTuple):
    """A household that was served, and when that was last, be it after the period."""

    row_key: str
    household_label: str
    estate_name: str
    last_served: date
    counts: int


_OF_ITEM = _entries(
    "then", HourEntry.volunteer_id, func.sum(HourEntry.minutes), func.sum(sums.sign(HourEntry.minutes))
).where(HourEntry.volunteer_id.in_(_IDS)).group_by(HourEntry.volunteer_id)  # fmt: skip


@cache
def _gave(shape: tuple[str, ...], dialect: str) -> Select[Any]:
    """Minutes and services of some volunteers in a period of this shape."""
    c = union_all(*[
        select(of.table.volunteer_id, of.minutes, of.services)
        .where(of.table.volunteer_id.in_(_IDS), one_of(of.table.estate_id, "estates", dialect), of.inside)
        for of in sums.given(shape)
    ]).subquery().c  # fmt: skip
    return select(c.volunteer_id, func.sum(c.minutes), func.sum(c.services)).group_by(c.volunteer_id)


_VOLUNTEERS = (
    select(Volunteer.person_id, Volunteer.number, Person.name, _HOME.c.name)
    .join(Person, Person.id == Volunteer.person_id)
    .join(_HOME, _HOME.c.id == Volunteer.estate_id)
)


def _living(of: Any, told: Any) -> Select[Any]:
    return select(of.id, told, _HOME.c.name).join(_HOME, _HOME.c.id == of.estate_id)


_LISTS: Mapping[str, tuple[Any, Any, Select[Any]]] = {
    "v": (Helper, Volunteer.person_id, _VOLUNTEERS),
    "r": (Resident, Person.id, _living(Person, Person.name)),
    "h": (Served, Household.id, _living(Household, Household.label)),
}
"""What a list of each of ``activity.WHO`` is made of: its rows, their key, and who they are."""


def _was(who: str, key: Any, span: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether somebody has an entry in the days named: a first one, looked up for each of them, or PostgreSQL would
    read the entries of everybody for a page of fifty."""
    first = _entries(span, HourEntry.id).where(SUBJECTS[who] == key, *more).limit(1)
    return first.correlate(key.class_).scalar_subquery().is_not(None)


_SEEN = (
    select(func.max(ActiveSeen.last))
    .join(RollPath, RollPath.path == ActiveSeen.path)
    .join(Estate, Estate.id == RollPath.estate_id)
    .where(Estate.path.like(bindparam("path")), ActiveSeen.who == bindparam("who"), or_(
        bindparam("item", type_=String()) == "", ActiveSeen.item == bindparam("item")
    ))
)  # fmt: skip
_SUBJECT: Any = ActiveSeen.subject_id
_AFTER = bindparam("after", type_=String())


def _named(who: str) -> Select[Any]:
    """Those whom the ledger names, each with their last day."""
    subject = SUBJECTS[who]
    named = _entries("own", subject.label("id")).where(subject > _AFTER).distinct().subquery().c
    last = _SEEN.where(named.id == _SUBJECT).correlate(named.id.table).scalar_subquery()
    return select(named.id, literal_column("1").label("listed"), last.label("last")).order_by(named.id)


def _each_seen(who: str) -> Select[Any]:
    """Those who were active since the period began and, if not in it for the last time, are in the ledger for it."""
    first, last = (bindparam(name, type_=Date()) for name in ("first", "last"))
    sure = func.max(case((ActiveSeen.last <= last, 1), else_=0))
    was = [_was(who, _SUBJECT, "own")]
    if who != "v":
        # Most were served for an order of the period, which is found without looking through all they placed.
        placed = ServiceOrder.placed_at >= _moment("own_start"), ServiceOrder.placed_at < _moment("own_end")
        was.insert(0, _was(who, _SUBJECT, "own", *placed))
    seen = _SEEN.with_only_columns(
        _SUBJECT.label("id"), literal_column("1").label("listed"), func.max(ActiveSeen.last).label("last")
    )
    return (
        seen.where(_SUBJECT > _AFTER, ActiveSeen.last >= first)
        .group_by(_SUBJECT)
        .having(or_(sure == 1, *was))
        .order_by(_SUBJECT)
    )


LOOK_UP = 8
"""How many entries of the ledger are read in the time in which one of the people is looked up."""
YEARS = timedelta(days=3650)
"""How long before a period orders are looked for that residents placed."""


@cache
def _listed(who: str, few: bool, again: bool, limit: int, dialect: str) -> Select[Any]:
    """Those who were active, as many as a page has: of ``few`` services those whom the ledger names; else those whose
    last day, as far as it is counted, lies in the period, or who were active behind the mark; of those who were active
    after the period the ledger says whether they were in it, one by one in the order of their ids. They count, or if
    they were active ``again`` then."""
    _, key, whom = _LISTS[who]
    seen = (_named if few else _each_seen)(who).limit(limit + 1).subquery()
    fresh = json_rows(
        dialect, bindparam("fresh", type_=JsonRows()), {"id": String(), "listed": Integer(), "last": Date()}
    )
    those = union_all(*[select(some.c.id, some.c.listed, some.c.last) for some in (seen, fresh)]).subquery()
    found = (
        select(those.c.id, func.max(those.c.last).label("last"))
        .group_by(those.c.id)
        .having(func.max(those.c.listed) == 1)
        .subquery()
    )
    counts = case((_was(who, key, "then"), 1), else_=0) if again else literal_column("1")
    return whom.add_columns(found.c.last, counts).join(found, found.c.id == key)


def _page(asked: Question, who: str, cursor: str | None, limit: int, then: Question | None = None) -> paging.Page[Any]:
    """Those who were active in the period asked for; they count, or if they were so again ``then``."""
    only = asked.only.get("item", "")
    since = replace(asked, last=max(asked.last, clock.today()), as_of=None)
    fresh = [{"id": subject, "listed": int(day <= asked.last), "last": day}
             for _, subject, _, item, day in people.seen_behind(since, [who]) if only in ("", item)]  # fmt: skip
    values: dict[str, Any] = {
        "path": asked.path + "%", "item": only, "first": asked.first, "last": asked.last, "who": who, "fresh": fresh,
        "after": paging.decode(cursor, (str,))[0] if cursor else "",
    }  # fmt: skip
    for name, period in (("own", asked), ("then", then or asked)):
        start, end = clock.day_bounds(period.first)[0], clock.day_bounds(period.last)[1]
        values |= {f"{name}_start": start, f"{name}_end": end}
    row, key, _ = _LISTS[who]
    statement = _listed(who, _few(asked, who, limit), then is not None, limit, dialect_name())
    found: Sequence[Any] = fast().execute(paging.after(statement, [key], (str,), cursor, limit), values).all()
    if row is Helper:
        gave = _given(then or asked, [one[0] for one in found], values)
        found = [(*one[:-2], *gave.get(one[0], (0, 0)), one[-1]) for one in found]
    return paging.page_of([row(*one) for one in found], limit, lambda one: (one[0],))


def _few(asked: Question, who: str, limit: int) -> bool:
    """Whether all services of a period are sooner looked through than as many people as it takes to fill a page with
    those who were active in it, as far as the kept sums tell: of a resident who was not, all orders are."""
    period = replace(asked, by="total", as_of=None, organised="now")
    since = replace(period, last=max(asked.last, clock.today()))
    services = figures.counted(period)[""]["services"]
    if services <= LOOK_UP * limit:
        return True
    then, ever = (people.counted(one, [who])[who][""] for one in (period, since))
    in_vain, cost = limit * (ever - then) // max(then, 1), LOOK_UP
    if in_vain and who != "v":
        orders = figures.counted(replace(since, first=asked.first - YEARS, only={}))[""]["services"]
        cost += orders // ever // 2
    return services <= LOOK_UP * limit + cost * in_vain


def _given(asked: Question, ids: Sequence[str], values: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Minutes and services of some volunteers in a period."""
    shape, within = sums.within(asked.first, asked.last)
    told = {**values, **within, "ids": ids, "estates": list_below(asked.path)}
    rows = fast().execute(_OF_ITEM if values["item"] else _gave(shape, dialect_name()), told)
    return {id_: (int(minutes), int(times)) for id_, minutes, times in rows}


def behind(question: Question, name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The volunteers who served in the period, or the residents or households who were served."""
    return _page(question, SUBJECT_OF[name], cursor, limit)


def behind_retained(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """Those who served just before, with what they gave in the period; ``counts`` tells who did so again in it."""
    return _page(before(question), "v", cursor, limit, then=question)


declare(
    Source("active", draw, behind),
    [
        Measure("volunteers.active", "活跃志愿者", "志愿者", "人", "期内至少服务过一次的人，一人只算一次", _LEDGER,
                CUTS, better="up", recalls=True),
        Measure("residents.served", "服务到的居民", "居民", "人", "期内得到过服务的人，一人只算一次；按服务单上的居民",
                _SERVED, CUTS - {"estate"}, better="up", recalls=True),
        Measure("households.served", "服务到的户", "居民", "户", "期内得到过服务的户，一户只算一次", _SERVED,
                CUTS - {"estate"}, better="up", recalls=True),
    ],
)  # fmt: skip
declare(
    Source("retained", retained, behind_retained),
    [
        Measure("volunteers.retained", "留存率", "志愿者", "%",
                "前一段服务过、本期又服务过的 ÷ 前一段服务过的；前一段：从1日算起的往前数同样多个月，其他数同样多天",
                _LEDGER, frozenset({"unit"}), "rate", "又服务过", "前一段服务过", "up", recalls=True)
    ],
)  # fmt: skip
