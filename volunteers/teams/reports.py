"""What can be counted of teams: how many there are, who belongs to them, and what they gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select

from community.grid.models import Estate, Person
from core import clock
from core.database import fast, remembered
from core.dated import Days, Rows
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from volunteers.teams.figures import figures_of, list_given
from volunteers.teams.models import Member, Team, TeamMembership


def _existed(days: Days) -> ColumnElement[int]:
    lasted = or_(Team.ended_on.is_(None), Team.ended_on > days.last)
    return case((and_(Team.founded_on <= days.last, lasted), 1), else_=0)


def _belonged(days: Days) -> ColumnElement[int]:
    begun = and_(TeamMembership.state.in_((Member.MEMBER, Member.LEFT)), TeamMembership.joined_at < days.end)
    lasted = or_(TeamMembership.left_at.is_(None), TeamMembership.left_at >= days.end)
    return case((and_(begun, lasted), 1), else_=0)


_MEMBERS = (
    TeamMembership.__table__.join(Team.__table__, Team.id == TeamMembership.team_id)
    .join(Estate.__table__, Estate.id == TeamMembership.estate_id)
    .outerjoin(Person.__table__, Person.id == TeamMembership.person_id)
)
declare(
    Source("teams", rows=Rows(Team.__table__, Team.path, Team.id, {"teams.teams": _existed},
                              (Team.name.label("team_name"), Team.founded_on))),
    [Measure("teams.teams", "志愿服务队", "队伍", "支", "期末在册的队伍，支队按所在单位；总队没有驻地，不单独算",
             "队伍名册", frozenset({"unit", "month"}))],
)  # fmt: skip
declare(
    Source("members", rows=Rows(
        _MEMBERS, Estate.path, TeamMembership.id, {"teams.members": _belonged},
        (Person.name.label("name"), Team.name.label("team_name"), Estate.name.label("estate_name")),
        {"team": TeamMembership.team_id},
    )),
    [Measure("teams.members", "队员", "队伍", "人次",
             "期末在队的人，一人在两支队伍算两次，总队只算直属的；按队员所在小区",

             "队伍名册", frozenset({"unit", "month", "team"}))],
)  # fmt: skip

_HERE = (
    select(Team.id, Team.name)
    .where(
        Team.id.in_(
            select(TeamMembership.team_id)
            .join(Estate, Estate.id == TeamMembership.estate_id)
            .where(Estate.path.like(bindparam("path")), TeamMembership.state.in_((Member.MEMBER, Member.LEFT)))
        )
    )
    .order_by(Team.name, Team.id)
)


def list_names(path: str) -> dict[str, str]:
    """The teams in which people below a path are or were, by id, in the order of their names."""
    rows = remembered(("teams", path), lambda: fast().execute(_HERE, {"path": path + "%"}).all())
    return {row.id: row.name for row in rows}


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """What people below the path gave while they were in a team, by team, or in all with every service once."""
    teams = list_names(question.path) if question.by == "team" else {}
    start, end = clock.day_bounds(question.first)[0], clock.day_bounds(question.last)[1]
    found = figures_of(list(teams) if teams else None, start, end, question.path)
    return {key: {"teams.served": Value(one.people), "teams.minutes": Value(one.minutes),
                  "teams.services": Value(one.services)} for key, one in found.items()}  # fmt: skip


def behind(question: Question, _name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The entries of hours that members gave, newest first; ``counts`` is one, or one less for a reversal."""
    start, end = clock.day_bounds(question.first)[0], clock.day_bounds(question.last)[1]
    rows = list_given(question.only.get("team"), start, end, question.path, cursor, limit)
    return paging.page_of(rows, limit, lambda row: (row.starts_at, row.id))


_GIVEN = "时长台账和队伍名册，服务那天在队的才算；总队连同支队"
_TEAM = frozenset({"team"})
declare(
    Source("team_work", draw, behind),
    [
        Measure("teams.served", "出勤队员", "队伍", "人", "期内以队员身份服务过的人，一人只算一次", _GIVEN, _TEAM,
                better="up"),
        Measure("teams.minutes", "队员服务时长", "队伍", "分钟", "在队期间服务的时间", _GIVEN, _TEAM, "sum",
                better="up"),
        Measure("teams.services", "队员服务人次", "队伍", "人次", "在队期间的服务，被更正冲掉的不算", _GIVEN, _TEAM,
                better="up"),
    ],
)  # fmt: skip
