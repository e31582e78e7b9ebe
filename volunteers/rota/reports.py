"""What can be counted of rotas: shifts, places filled, who came, and what their logs counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, null, select, true
from sqlalchemy.dialects.postgresql import JSON

from community.grid.models import Person
from core import clock
from core.database import dialect_name, fast, remembered
from core.dated import Days, Rows, unit_key
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from volunteers.hours.sums import month_of
from volunteers.rota.models import HOLDING, Rota, Shift, ShiftLog, ShiftPlace, ShiftState, State

CAME = (State.PRESENT, State.DONE)
EXPECTED = (*HOLDING, State.NO_SHOW)
CUTS = frozenset({"unit", "month"})
_ROTA = "排班表，按岗位所属单位，班次按开始那天归期"


def _in(days: Days) -> ColumnElement[bool]:
    """Whether a shift that was not called off began in a period, and has begun."""
    begun = and_(Shift.starts_at >= days.start, Shift.starts_at < days.end, Shift.starts_at <= days.now)
    return and_(begun, Shift.state == ShiftState.PLANNED)


def _shift(days: Days) -> ColumnElement[int]:
    return case((_in(days), 1), else_=0)


def _places(days: Days) -> ColumnElement[int]:
    return case((_in(days), Shift.places), else_=0)


def _filled(days: Days) -> ColumnElement[int]:
    held = (
        select(func.count())
        .where(ShiftPlace.shift_id == Shift.id, ShiftPlace.state.in_(EXPECTED))
        .correlate(Shift)
        .scalar_subquery()
    )
    return case((~_in(days), 0), (held > Shift.places, Shift.places), else_=held)


def _came(days: Days) -> ColumnElement[int]:
    return case((and_(_in(days), ShiftPlace.state.in_(CAME)), 1), else_=0)


def _expected(days: Days) -> ColumnElement[int]:
    return case((and_(_in(days), ShiftPlace.state.in_(EXPECTED)), 1), else_=0)


def _missed(days: Days) -> ColumnElement[int]:
    return case((and_(_in(days), ShiftPlace.state == State.NO_SHOW), 1), else_=0)


_SHIFTS = Shift.__table__.join(Rota.__table__, Rota.id == Shift.rota_id)
_PLACES = (
    ShiftPlace.__table__.join(Shift.__table__, Shift.id == ShiftPlace.shift_id)
    .join(Rota.__table__, Rota.id == Shift.rota_id)
    .join(Person.__table__, Person.id == ShiftPlace.person_id)
)
_POST = Rota.name.label("post_name")
declare(
    Source("shifts", rows=Rows(
        _SHIFTS, Rota.path, Shift.id, {"rota.shifts": _shift, "rota.filled": (_filled, _places)},
        (_POST, Shift.starts_at, Shift.places),
    )),
    [
        Measure("rota.shifts", "值班班次", "值班", "班", "期内开始了的、没有取消的班次", _ROTA, CUTS),
        Measure("rota.filled", "排满率", "值班", "%", "有人的岗位 ÷ 需要的岗位；一班多来的人不多算", _ROTA, CUTS,
                "rate", "有人的岗位", "需要的岗位", "up"),
    ],
)  # fmt: skip
declare(
    Source("places", rows=Rows(
        _PLACES, Rota.path, ShiftPlace.id,
        {"rota.came": _came, "rota.attendance": (_came, _expected), "rota.missed": _missed},
        (Person.name.label("name"), _POST, Shift.starts_at, ShiftPlace.minutes),
    )),
    [
        Measure("rota.came", "到岗人次", "值班", "人次", "已开始的班次里到岗的", _ROTA, CUTS, better="up"),
        Measure("rota.attendance", "到岗率", "值班", "%", "到岗的 ÷ 排了班、没有请人顶替的", _ROTA, CUTS, "rate",
                "到岗", "应到", "up"),
        Measure("rota.missed", "未到人次", "值班", "人次", "排了班、登记为未到的", _ROTA, CUTS, better="down"),
    ],
)  # fmt: skip


def _logged(question: Question, pick: Callable[[Any, Any], Sequence[Any]]) -> Select[Any]:
    """Columns of what logs counted, of counter and number, in a question's period and below its path."""
    text = ShiftLog.counts
    if dialect_name() == "postgresql":
        each = func.json_each_text(cast(text, JSON)).table_valued("key", "value").lateral()
    else:
        each = func.json_each(text).table_valued("key", "value")
    start, end = clock.day_bounds(question.first)[0], clock.day_bounds(question.last)[1]
    return (
        select(*pick(each.c.key, cast(each.c.value, Integer())))
        .select_from(ShiftLog)
        .join(Shift, Shift.id == ShiftLog.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .join(each, true())
        .where(Rota.path.like(question.path + "%"), ShiftLog.at >= start, ShiftLog.at < end)
    )


def _sums(question: Question) -> Sequence[Any]:
    """Path, counter, first day of the month (none unless months are asked for), and what was counted."""
    month = month_of(ShiftLog.at) if question.by == "month" else null()
    rows = _logged(question, lambda counter, number: (Rota.path, counter, month.label("month"), func.sum(number)))
    groups = list(rows.selected_columns)[: 3 if question.by == "month" else 2]
    return fast().execute(rows.group_by(*groups)).all()


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """What people on duty counted: vehicles, people, whatever the post counts."""
    asked = question.path, question.first, question.last, question.by == "month"
    found: dict[str, int] = defaultdict(int)
    for path, counter, month, number in remembered(("counted on duty", *asked), lambda: _sums(question)):
        match question.by:
            case "month":
                found[f"{month:%Y-%m}"] += int(number)
            case "unit":
                found[unit_key(question.path, path)] += int(number)
            case _:
                found[counter if question.by == "counter" else ""] += int(number)
    return {key: dict.fromkeys(names, Value(number)) for key, number in found.items()}


def behind(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """What was counted when at which post, newest first."""
    rows = _logged(question, lambda counter, number: (
        ShiftLog.id, ShiftLog.at.label("logged_at"), _POST, ShiftLog.by_name.label("person_name"),
        counter.label("counter"), number.label("counts"), number.label("number_counted")))  # fmt: skip
    counter = rows.selected_columns["counter"]
    if "counter" in question.only:
        rows = rows.where(counter == question.only["counter"])
    keys = (ShiftLog.at, ShiftLog.id, counter)
    found = fast().execute(paging.after(rows, keys, (datetime, str, str), cursor, limit, descending=True)).all()
    return paging.page_of(found, limit, lambda row: (row.logged_at, row.id, row.counter))


declare(
    Source("counters", draw, behind),
    [Measure("rota.counted", "值班登记数", "值班", "次", "值班日志里登记的车辆、人员等，按登记项分开看才有意义",
             "值班日志，按登记时间归期", CUTS | {"counter"})],
)  # fmt: skip
