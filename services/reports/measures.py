"""Measures of people that reports count from the ledger of hours, and the people behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select

from community.grid.models import Estate, Household, Person
from core import clock
from core.database import UtcDateTime, fast
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from services.orders.models import ServiceOrder
from services.reports import people
from volunteers.hours.models import HourEntry
from volunteers.hours.sums import sign
from volunteers.registry.models import Volunteer

CUTS = frozenset({"unit", "estate", "month", "week", "day", "item"})
_LEDGER = "时长台账，按服务那天归期"
_SERVED = "时长台账和服务单，按服务那天归期，有志愿服务时长的才算"


WHO = {"volunteers.active": "v", "residents.served": "r", "households.served": "h"}


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Different people, by key."""
    counted = people.counts(question, [WHO[name] for name in names])
    keys = {key for counts in counted.values() for key in counts}
    return {key: {name: Value(counted[WHO[name]].get(key, 0)) for name in names} for key in keys}


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


def _entries(whose: ColumnElement[bool], span: str, *columns: Any) -> Select[Any]:
    """Somebody's entries below the path in the days named, whatever became of them."""
    start, end = bindparam(f"{span}_start", type_=UtcDateTime()), bindparam(f"{span}_end", type_=UtcDateTime())
    item: Any = bindparam("item")
    of_item = (item == "") | (func.coalesce(ServiceOrder.item_code, "other") == item)
    here = Estate.path.like(bindparam("path"))
    return (
        select(*columns)
        .select_from(HourEntry)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(whose, here, HourEntry.starts_at >= start, HourEntry.starts_at < end, of_item)
    )


def _given(whose: ColumnElement[bool], of: Any) -> tuple[Any, Any]:
    """Minutes and services in the period, added up."""
    minutes, times = (
        _entries(whose, "own", func.coalesce(func.sum(column), 0)).correlate(of).scalar_subquery()
        for column in (HourEntry.minutes, sign(HourEntry.minutes))
    )
    return minutes.label("minutes"), times.label("times")


_HOME: Any = Estate.__table__.alias("home")
_OF_VOLUNTEER = HourEntry.volunteer_id == Volunteer.person_id


def _volunteers(span: str, counts: Any) -> Select[Any]:
    return (
        select(Volunteer.person_id, Volunteer.number, Person.name.label("name"), _HOME.c.name.label("estate_name"),
               *_given(_OF_VOLUNTEER, Volunteer), counts.label("counts"))
        .join(Person, Person.id == Volunteer.person_id)
        .join(_HOME, _HOME.c.id == Volunteer.estate_id)
        .where(_entries(_OF_VOLUNTEER, span, HourEntry.id).correlate(Volunteer).exists())
    )  # fmt: skip


def _served(of: Any, subject: Any, told: Any) -> Select[Any]:
    whose = subject == of.id
    return (
        select(of.id.label("row_key"), told, _HOME.c.name.label("estate_name"), *_given(whose, of),
               literal_column("1").label("counts"))
        .join(_HOME, _HOME.c.id == of.estate_id)
        .where(_entries(whose, "own", HourEntry.id).correlate(of).exists())
    )  # fmt: skip


_AGAIN = case((_entries(_OF_VOLUNTEER, "own", HourEntry.id).correlate(Volunteer).exists(), 1), else_=0)
_EARLIER = _volunteers("then", _AGAIN)
_LISTS: dict[str, tuple[Select[Any], Any]] = {
    "volunteers.active": (_volunteers("own", literal_column("1")), Volunteer.person_id),
    "residents.served": (_served(Person, ServiceOrder.person_id, Person.name.label("name")), Person.id),
    "households.served": (
        _served(Household, ServiceOrder.household_id, Household.label.label("household_label")), Household.id
    ),
}  # fmt: skip


def _page(statement: Select[Any], key: Any, question: Question, cursor: str | None, limit: int) -> paging.Page[Any]:
    earlier = before(question)
    values: dict[str, Any] = {"path": question.path + "%", "item": question.only.get("item", "")}
    for name, asked in (("own", question), ("then", earlier)):
        values |= {f"{name}_start": clock.day_bounds(asked.first)[0], f"{name}_end": clock.day_bounds(asked.last)[1]}
    rows = fast().execute(paging.after(statement, [key], (str,), cursor, limit), values).all()
    return paging.page_of(rows, limit, lambda row: (row[0],))


def behind(question: Question, name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The volunteers who served in the period, or the residents or households who were served."""
    return _page(*_LISTS[name], question, cursor, limit)


def behind_retained(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """Those who served just before; ``counts`` tells who did again."""
    return _page(_EARLIER, Volunteer.person_id, question, cursor, limit)


declare(
    Source("active", draw, behind),
    [
        Measure("volunteers.active", "活跃志愿者", "志愿者", "人", "期内至少服务过一次的人，一人只算一次", _LEDGER,
                CUTS, better="up", recalls=True),
        Measure("residents.served", "服务到的居民", "居民", "人", "期内得到过服务的人，一人只算一次；按服务单上的居民",
                _SERVED, CUTS, better="up", recalls=True),
        Measure("households.served", "服务到的户", "居民", "户", "期内得到过服务的户，一户只算一次", _SERVED, CUTS,
                better="up", recalls=True),
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
