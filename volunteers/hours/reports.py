"""Volunteers by star, as their hours and their estate's rules have it today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import Select, String, bindparam, cast, func, or_, select

from community.grid.models import Estate, Person
from community.policies import queries as policies
from core import clock
from core.database import dialect_name, fast, remembered
from core.dated import unit_key
from core.reports import Measure, Question, Source, Value, declare
from core.rows import JsonRows, json_rows
from core.web import paging
from volunteers.hours import stars, sums
from volunteers.hours.models import HourTotal
from volunteers.hours.rules import STARS
from volunteers.registry.models import Volunteer

_RULES = select(Estate.id, policies.column(STARS, Estate.id)).where(Estate.path.like(bindparam("path")))


@cache
def _standing(dialect: str) -> Any:
    """The volunteers of the register: who and where they are, all their minutes, and the star, if any."""
    rules = json_rows(dialect, bindparam("rules", type_=JsonRows()), stars.ASKED)
    fresh = sums.fresh()
    minutes = func.coalesce(HourTotal.minutes, 0) + func.coalesce(fresh.c.minutes, 0)
    level = stars.level_by(rules.c, minutes, Volunteer.person_id)
    still = or_(Volunteer.left_on.is_(None), Volunteer.left_on > bindparam("today", type_=Volunteer.left_on.type))
    return (
        select(Volunteer.person_id, Volunteer.number, Estate.name.label("estate_name"), Estate.path,
               minutes.label("minutes"), level.label("level"))
        .join(rules, rules.c.estate == Volunteer.estate_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .outerjoin(HourTotal, HourTotal.volunteer_id == Volunteer.person_id)
        .outerjoin(fresh, fresh.c.volunteer_id == Volunteer.person_id)
        .where(still)
        # All of them at once, or PostgreSQL goes through them in the order of the list, one by one.
        .cte("standing")
        .prefix_with("MATERIALIZED")
        .c
    )  # fmt: skip


@cache
def _counted(dialect: str) -> Select[Any]:
    c = _standing(dialect)
    return select(c.path, c.level, func.count()).where(c.level > 0).group_by(c.path, c.level)


def _values(path: str) -> dict[str, Any]:
    estates = fast().execute(_RULES, {"path": path + "%"})
    return {"rules": [stars.asked(estate, chosen) for estate, chosen in estates], "today": clock.today()}


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Volunteers who have a star, by star (``"1"`` to ``"5"``), by unit or in all."""
    path, found = question.path, defaultdict[str, int](int)
    rows = remembered(("stars", path), lambda: fast().execute(_counted(dialect_name()), _values(path)).all())
    for at, level, people in rows:
        if question.only.get("tier") in (None, str(level)):
            found[{"tier": str(level), "unit": unit_key(path, at)}.get(question.by, "")] += people
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
    """Those volunteers by number."""
    c = _standing(dialect_name())
    tier = question.only.get("tier")
    name = select(Person.name).where(Person.id == c.person_id).scalar_subquery().label("name")
    starred = select(*c, name).where(cast(c.level, String()) == tier if tier else c.level > 0)
    statement = paging.after(starred, [c.number], (str,), cursor, limit)
    rows = [
        Starred(row.person_id, row.number, row.name, row.estate_name, stars.NAMES[row.level], int(row.minutes))
        for row in fast().execute(statement, _values(question.path))
    ]
    return paging.page_of(rows, limit, lambda row: (row.number,))


declare(
    Source("stars", draw, behind),
    [
        Measure("volunteers.starred", "星级志愿者", "志愿者", "人",
                "在册志愿者里，累计时长今天够一星以上的；各小区的星级规则可以不同",
                "时长台账和星级规则（志愿服务记录与证明出具办法）", frozenset({"unit", "tier"}), better="up",
                current=True)
    ],
)  # fmt: skip
