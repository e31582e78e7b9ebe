"""Volunteers by star, as their hours and their estate's rules have it today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from sqlalchemy import Select, bindparam, or_, select

from community.grid.models import Estate, Person
from core import clock
from core.database import fast, remembered
from core.dated import unit_key
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from volunteers.hours import stars, sums
from volunteers.registry.models import Volunteer


def _standing() -> Select[Any]:
    """Each volunteer of the register with all minutes and what their estate asks for a star."""
    minutes = sums.total(Volunteer.person_id).label("minutes")
    return (
        select(Volunteer.person_id, Volunteer.number, Person.name.label("name"), Estate.name.label("estate_name"),
               Estate.path, minutes, *stars.columns(Volunteer.estate_id, Volunteer.person_id))
        .join(Estate, Estate.id == Volunteer.estate_id)
        .join(Person, Person.id == Volunteer.person_id)
        .where(Estate.path.like(bindparam("path")),
               or_(Volunteer.left_on.is_(None), Volunteer.left_on > bindparam("today", type_=Volunteer.left_on.type)))
    )  # fmt: skip


_STANDING = _standing()


def _level(row: Any) -> int:
    return stars.of_row(row).level(int(row.minutes))


def _levels(path: str) -> list[tuple[Any, int]]:
    rows = fast().execute(_STANDING, {"path": path + "%", "today": clock.today()}).all()
    # Most estates have the same rules, which need not be read for each volunteer.
    rules: dict[bytes, stars.Stars] = {}
    found = []
    for row in rows:
        key = orjson.dumps([row.star_rules, row.star_rating], default=str)
        if key not in rules:
            rules[key] = stars.of_row(row)
        found.append((row, rules[key].level(int(row.minutes))))
    return found


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Volunteers who have a star, by star (``"1"`` to ``"5"``), by unit or in all."""
    found: dict[str, int] = defaultdict(int)
    for row, level in remembered(("stars", question.path), lambda: _levels(question.path)):
        if level and question.only.get("tier") in (None, str(level)):
            key = {"tier": str(level), "unit": unit_key(question.path, row.path)}.get(question.by, "")
            found[key] += 1
    return {key: dict.fromkeys(names, Value(number)) for key, number in found.items()}


@dataclass(frozen=True)
class Starred:
    """A volunteer in the list behind the figure."""

    person_id: str
    number: str
    name: str
    estate_name: str
    star: str
    minutes: int
    counts: int = 1
    _fields: ClassVar[Sequence[str]] = ("number", "name", "estate_name", "star", "minutes")


def behind(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """Those volunteers by number. A star is not a column, so that it reads on until the page is full."""
    only, shown = question.only.get("tier"), list[Starred]()
    while True:
        statement = paging.after(_STANDING, [Volunteer.number], (str,), cursor, limit)
        rows = fast().execute(statement, {"path": question.path + "%", "today": clock.today()}).all()
        shown += [
            Starred(row.person_id, row.number, row.name, row.estate_name, stars.NAMES[level], int(row.minutes))
            for row in rows[:limit] if (level := _level(row)) and only in (None, str(level))
        ]  # fmt: skip
        if len(rows) <= limit:
            return paging.page_of(shown, limit, lambda row: (row.number,))
        cursor = paging.encode([rows[limit - 1].number])
        if len(shown) > limit:
            return paging.page_of(shown, limit, lambda row: (row.number,))


declare(
    Source("stars", draw, behind),
    [
        Measure("volunteers.starred", "星级志愿者", "志愿者", "人",
                "在册志愿者里，累计时长今天够一星以上的；各小区的星级规则可以不同",
                "时长台账和星级规则（志愿服务记录与证明出具办法）", frozenset({"unit", "tier"}), better="up",
                current=True)
    ],
)  # fmt: skip
