"""What can be counted of the roll: estates, buildings, households and residents, and the rows behind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal_column, or_

from community.grid.models import Building, Estate, Household, Person
from core.dated import Days, Rows
from core.reports import Measure, Source, declare

_ONE: ColumnElement[int] = literal_column("1")
_ROLL = "小区底册，按小区现在的归属"


def _always(_days: Days) -> ColumnElement[int]:
    return _ONE


def _there(days: Days) -> ColumnElement[int]:
    stayed = or_(Person.moved_out_on.is_(None), Person.moved_out_on > days.last)
    return case((and_(Person.created_at < days.end, stayed), 1), else_=0)


def _opened(days: Days) -> ColumnElement[int]:
    return case((Estate.created_at < days.end, 1), else_=0)


def _source(name: str, rows: Any, key: Any, count: Any, *shown: Any) -> Source:
    named = (Estate.name.label("estate_name"), *shown)
    return Source(f"grid.{name}", rows=Rows(rows, Estate.path, key, {f"grid.{name}": count}, named))


def _measure(name: str, title: str, unit: str, formula: str, current: bool = False) -> Measure:
    cuts = frozenset({"unit"} if current else {"unit", "month"})
    return Measure(f"grid.{name}", title, "居民", unit, formula, _ROLL, cuts, current=current)


_TABLE = Estate.__table__
declare(_source("estates", _TABLE, Estate.id, _opened), [_measure("estates", "小区", "个", "期末在平台上的小区")])
declare(
    _source("buildings", _TABLE.join(Building.__table__, Building.estate_id == Estate.id), Building.id, _always,
            Building.name.label("building_name")),
    [_measure("buildings", "楼栋", "栋", "底册上现有的楼栋和屋场", True)],
)  # fmt: skip
declare(
    _source("households", _TABLE.join(Household.__table__, Household.estate_id == Estate.id), Household.id, _always,
            Household.label.label("household_label")),
    [_measure("households", "住户", "户", "底册上现有的户，空置的也算", True)],
)  # fmt: skip
declare(
    _source("residents", _TABLE.join(Person.__table__, and_(Person.estate_id == Estate.id,
                                                           Person.household_id.is_not(None))), Person.id, _there,
            Person.name.label("name"), Person.created_at.label("entered_at")),
    [_measure("residents", "居民", "人", "期末在底册上、没有搬走的人，从录入那天算起")],
)  # fmt: skip
