"""Measures of people that reports count from the ledger of hours, and the people behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal_column, select

from community.grid.models import Estate, Person
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


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Different volunteers, by key."""
    return {key: {name: Value(number) for name in names} for key, number in people.active(question).items()}


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


def _serves(span: str) -> ColumnElement[bool]:
    """Whether a volunteer has an entry below the path in the days named, whatever became of it."""
    return (
        select(HourEntry.id)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.volunteer_id == Volunteer.person_id, _inside(span))
        .correlate(Volunteer)
        .exists()
    )


def _inside(span: str) -> ColumnElement[bool]:
    start, end = bindparam(f"{span}_start", type_=UtcDateTime()), bindparam(f"{span}_end", type_=UtcDateTime())
    item: Any = bindparam("item")
    of_item = (item == "") | (func.coalesce(ServiceOrder.item_code, "other") == item)
    here = Estate.path.like(bindparam("path"))
    return and_(here, HourEntry.starts_at >= start, HourEntry.starts_at < end, of_item)


def _given(column: Any) -> ColumnElement[int]:
    """What a volunteer gave in the period, added up."""
    return (
        select(func.coalesce(func.sum(column), 0))
        .join(Estate, Estate.id == HourEntry.estate_id)
        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
        .where(HourEntry.volunteer_id == Volunteer.person_id, _inside("own"))
        .correlate(Volunteer)
        .scalar_subquery()
    )


def _listed(which: ColumnElement[bool], counts: ColumnElement[int]) -> Select[Any]:
    home = Estate.__table__.alias("home")
    return (
        select(Volunteer.person_id, Volunteer.number, Person.name.label("name"), home.c.name.label("estate_name"),
               _given(HourEntry.minutes).label("minutes"), _given(sign(HourEntry.minutes)).label("times"),
               counts.label("counts"))
        .join(Person, Person.id == Volunteer.person_id)
        .join(home, home.c.id == Volunteer.estate_id)
        .where(which)
    )  # fmt: skip


_ACTIVE = _listed(_serves("own"), literal_column("1"))
_EARLIER = _listed(_serves("then"), case((_serves("own"), 1), else_=0))


def _page(statement: Select[Any], question: Question, cursor: str | None, limit: int) -> paging.Page[Any]:
    earlier = before(question)
    values: dict[str, Any] = {"path": question.path + "%", "item": question.only.get("item", "")}
    for name, asked in (("own", question), ("then", earlier)):
        values |= {f"{name}_start": clock.day_bounds(asked.first)[0], f"{name}_end": clock.day_bounds(asked.last)[1]}
    rows = fast().execute(paging.after(statement, [Volunteer.person_id], (str,), cursor, limit), values).all()
    return paging.page_of(rows, limit, lambda row: (row.person_id,))


def behind(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The volunteers who served in the period."""
    return _page(_ACTIVE, question, cursor, limit)


def behind_retained(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """Those who served just before; ``counts`` tells who did again."""
    return _page(_EARLIER, question, cursor, limit)


declare(
    Source("active", draw, behind),
    [
        Measure("volunteers.active", "活跃志愿者", "志愿者", "人", "期内至少服务过一次的人，一人只算一次", _LEDGER,
                CUTS, better="up", recalls=True)
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
