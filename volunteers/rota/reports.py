"""What can be counted of rotas: shifts, places filled, who came, and what their logs counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, select, true

from community.grid.models import Person
from core import clock, dated
from core.database import dialect_name, fast, remembered
from core.dated import Days, Rows, Span, unit_key
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from volunteers.rota import sums
from volunteers.rota.models import Rota, Shift, ShiftLog, ShiftPlace, ShiftState, State
from volunteers.rota.sums import CAME, EXPECTED

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
_OF_SHIFTS = Rows(
    _SHIFTS, Rota.path, Shift.id, {"rota.shifts": _shift, "rota.filled": (_filled, _places)},
    (_POST, Shift.starts_at, Shift.places), when=Shift.starts_at,
)  # fmt: skip
_OF_PLACES = Rows(
    _PLACES, Rota.path, ShiftPlace.id,
    {"rota.came": _came, "rota.attendance": (_came, _expected), "rota.missed": _missed},
    (Person.name.label("name"), _POST, Shift.starts_at, ShiftPlace.minutes), when=Shift.starts_at,
)  # fmt: skip


def _parts(question: Question, of_logs: bool) -> Iterator[tuple[str, sums.Part]]:
    """What shifts, or logs, add up to, by key of the question's dimension."""
    asked = question.path, question.first, question.last, question.by == "month"
    for part in remembered(("duty", *asked), lambda: sums.read(*asked)):
        keys = {"month": f"{part.period:%Y-%m}", "unit": unit_key(question.path, part.path), "counter": part.counter}
        if (part.counter != "") is of_logs:
            yield keys.get(question.by, ""), part


def draw_shifts(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Figures of shifts and of those who were in them."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(sums.NUMBERS))
    for key, part in _parts(question, of_logs=False):
        found[key] = [a + b for a, b in zip(found[key], part.numbers, strict=True)]
    return {key: {name: _value(name, numbers) for name in names} for key, numbers in found.items()}


_MADE_OF = {
    "rota.shifts": ("shifts",), "rota.filled": ("filled", "places"), "rota.came": ("came",),
    "rota.attendance": ("came", "expected"), "rota.missed": ("missed",),
}  # fmt: skip


def _value(name: str, numbers: Sequence[int]) -> Value:
    made_of = [numbers[sums.NUMBERS.index(part)] for part in _MADE_OF[name]]
    return Value.of_rate(*made_of) if len(made_of) == 2 else Value(made_of[0])


def behind_shifts(question: Question, name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The shifts, or the places in them, that a figure counts, newest first."""
    rows = _OF_SHIFTS if name in _OF_SHIFTS.counts else _OF_PLACES
    return dated.behind(rows, question.path, name, Span(question.first, question.last), cursor, limit, question.only)


declare(
    Source("shifts", draw_shifts, behind_shifts),
    [
        Measure("rota.shifts", "值班班次", "值班", "班", "期内开始了的、没有取消的班次", _ROTA, CUTS),
        Measure("rota.filled", "排满率", "值班", "%", "有人的岗位 ÷ 需要的岗位；一班多来的人不多算", _ROTA, CUTS,
                "rate", "有人的岗位", "需要的岗位", "up"),
        Measure("rota.came", "到岗人次", "值班", "人次", "已开始的班次里到岗的", _ROTA, CUTS, better="up"),
        Measure("rota.attendance", "到岗率", "值班", "%", "到岗的 ÷ 排了班、没有请人顶替的", _ROTA, CUTS, "rate",
                "到岗", "应到", "up"),
        Measure("rota.missed", "未到人次", "值班", "人次", "排了班、登记为未到的", _ROTA, CUTS, better="down"),
    ],
)  # fmt: skip


def draw_counts(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """What people on duty counted: vehicles, people, whatever the post counts."""
    found: dict[str, int] = defaultdict(int)
    for key, part in _parts(question, of_logs=True):
        found[key] += part.numbers[0]
    return {key: dict.fromkeys(names, Value(number)) for key, number in found.items()}


def behind_counts(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """What was counted when at which post, newest first."""
    each = sums.each_count(dialect_name())
    start, end = clock.day_bounds(question.first)[0], clock.day_bounds(question.last)[1]
    counter, number = each.c.key, cast(each.c.value, Integer())
    rows = (
        select(ShiftLog.id, ShiftLog.at.label("logged_at"), _POST, ShiftLog.by_name.label("person_name"),
               counter.label("counter"), number.label("counts"), number.label("number_counted"))
        .select_from(ShiftLog)
        .join(Shift, Shift.id == ShiftLog.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .join(each, true())
        .where(Rota.path.like(question.path + "%"), ShiftLog.at >= start, ShiftLog.at < end)
    )  # fmt: skip
    if "counter" in question.only:
        rows = rows.where(counter == question.only["counter"])
    keys = (ShiftLog.at, ShiftLog.id, counter)
    found = fast().execute(paging.after(rows, keys, (datetime, str, str), cursor, limit, descending=True)).all()
    return paging.page_of(found, limit, lambda row: (row.logged_at, row.id, row.counter))


declare(
    Source("counters", draw_counts, behind_counts),
    [Measure("rota.counted", "值班登记数", "值班", "次", "值班日志里登记的车辆、人员等，按登记项分开看才有意义",
             "值班日志，按登记时间归期", CUTS | {"counter"})],
)  # fmt: skip
