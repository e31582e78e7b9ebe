"""What teams have done, from the ledger of hours: the hours of people while they were in the team.

Nobody counts twice: whoever is in two detachments of a corps is one person of it, and an hour of theirs one hour.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from core import clock
from core.database import fast
from core.web import paging
from volunteers.hours.models import HourEntry
from volunteers.teams.models import Member, Team, TeamMembership

MONTHS = 12
TOLD = 8
_REVERSAL = aliased(HourEntry)
_Part = aliased(Team)
_BEEN = (Member.MEMBER, Member.LEFT)
_Root = (
    select(Team.id.label("root"), Team.id.label("part"))
    .union_all(select(Team.parent_id, Team.id).where(Team.parent_id.is_not(None)))
    .subquery("belongs")
)
"""Each team with its parts: itself, and of a corps its detachments."""


@dataclass(frozen=True)
class Figures:
    """People who served, minutes and services of a team in a period."""

    people: int = 0
    minutes: int = 0
    services: int = 0


def _then_in() -> ColumnElement[bool]:
    """Whether a membership held when a service began."""
    begun = TeamMembership.joined_at <= HourEntry.starts_at
    not_over = or_(TeamMembership.left_at.is_(None), HourEntry.starts_at < TeamMembership.left_at)
    return TeamMembership.state.in_(_BEEN) & begun & not_over


def _stands() -> ColumnElement[bool]:
    """Whether an entry is a service that was not reversed; what replaced a reversed one counts."""
    return (HourEntry.minutes > 0) & ~select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists()


def figures_of(team_ids: Collection[str] | None, start: datetime, end: datetime, path: str = "") -> dict[str, Figures]:
    """The figures of teams from ``start`` until before ``end``, in one statement; of a corps with its detachments.

    Without ``team_ids`` all teams together, under ``""``. ``path``: only services in estates that stand below it.
    """
    if team_ids is not None and not team_ids:
        return {}
    root = _Root.c.root if team_ids is not None else literal("")
    once = (
        select(root.label("root"), HourEntry.id, HourEntry.volunteer_id, HourEntry.minutes, _stands().label("stands"))
        .distinct()
        .select_from(_Root)
        .join(TeamMembership, TeamMembership.team_id == _Root.c.part)
        .join(HourEntry, HourEntry.volunteer_id == TeamMembership.person_id)
        .where(_then_in(), HourEntry.starts_at >= start, HourEntry.starts_at < end)
    )
    if team_ids is not None:
        once = once.where(_Root.c.root.in_(team_ids))
    if path:
        once = once.where(HourEntry.estate_id.in_(select(Estate.id).where(Estate.path.like(path + "%"))))
    c = once.subquery().c
    rows = fast().execute(
        select(c.root, func.count(func.distinct(case((c.stands, c.volunteer_id)))), func.sum(c.minutes),
               func.sum(case((c.stands, 1), else_=0))).group_by(c.root)
    )  # fmt: skip
    return {row[0]: Figures(int(row[1]), int(row[2]), int(row[3])) for row in rows}


def list_given(
    team_id: str | None, start: datetime, end: datetime, path: str, cursor: str | None, limit: int
) -> Sequence[Any]:
    """The entries behind those figures, newest first, ``limit`` and one more, below a path; of one team or of all."""
    own = (
        select(TeamMembership.id)
        .join(_Root, _Root.c.part == TeamMembership.team_id)
        .where(TeamMembership.person_id == HourEntry.volunteer_id, _then_in())
        .correlate(HourEntry)
    )
    if team_id is not None:
        own = own.where(_Root.c.root == team_id)
    rows = (
        select(HourEntry.id, HourEntry.starts_at, HourEntry.minutes, HourEntry.content,
               Person.name.label("volunteer_name"), Estate.name.label("estate_name"),
               case((HourEntry.minutes > 0, 1), else_=-1).label("counts"))
        .join(Estate, Estate.id == HourEntry.estate_id)
        .join(Person, Person.id == HourEntry.volunteer_id)
        .where(Estate.path.like(path + "%"), HourEntry.starts_at >= start, HourEntry.starts_at < end, own.exists())
    )  # fmt: skip
    keys = (HourEntry.starts_at, HourEntry.id)
    return fast().execute(paging.after(rows, keys, (datetime, str), cursor, limit, descending=True)).all()


@dataclass
class Work:
    """What a team has done in the last months: minutes and services by month, by kind of service, and together."""

    months: list[tuple[date, int, int]] = field(default_factory=list)
    services: list[tuple[str, int, int]] = field(default_factory=list)
    gatherings: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        """All of them."""
        return sum(minutes for _, minutes, _ in self.months)

    @property
    def count(self) -> int:
        """All services."""
        return sum(count for _, _, count in self.months)


def work_of(team_id: str) -> Work:
    """The last twelve months of a team, a corps with its detachments, in one statement."""
    firsts = _first_days(MONTHS)
    month = case(
        *[(HourEntry.starts_at >= clock.day_bounds(first)[0], n) for n, first in enumerate(firsts)], else_=MONTHS
    ).label("month")
    parts = select(_Part.id).where(or_(_Part.id == team_id, _Part.parent_id == team_id))
    then = TeamMembership.team_id.in_(parts) & (TeamMembership.person_id == HourEntry.volunteer_id) & _then_in()
    ever = select(TeamMembership.person_id).where(TeamMembership.team_id.in_(parts), TeamMembership.state.in_(_BEEN))
    own = select(TeamMembership.id).where(then).exists()
    stands = case((_stands(), 1), else_=0).label("stands")
    together = HourEntry.order_id.is_(None).label("together")
    entries = (
        select(month, HourEntry.content, together, HourEntry.minutes, stands, HourEntry.starts_at)
        .where(HourEntry.volunteer_id.in_(ever), HourEntry.starts_at >= clock.day_bounds(firsts[-1])[0], own)
        .subquery()
    )
    c = entries.c
    rows = fast().execute(
        select(c.month, c.content, c.together, func.sum(c.minutes), func.sum(c.stands),
               func.count(func.distinct(case((c.stands == 1, c.starts_at))))).group_by(c.month, c.content, c.together)
    )  # fmt: skip
    return _told(firsts, rows.all())


def _told(firsts: list[date], rows: Any) -> Work:
    months: dict[int, list[int]] = {n: [0, 0] for n in range(len(firsts))}
    kinds: dict[tuple[bool, str], list[int]] = {}
    for month, content, together, minutes, stands, times in rows:
        months[month][0] += int(minutes)
        months[month][1] += int(stands)
        kind = kinds.setdefault((bool(together), content), [0, 0, 0])
        for n, value in enumerate((minutes, stands, times)):
            kind[n] += int(value)
    work = Work([(first, months[n][0], months[n][1]) for n, first in enumerate(firsts)])
    for (together, content), (minutes, stands, times) in sorted(kinds.items(), key=lambda item: -item[1][0]):
        if stands:
            (work.gatherings if together else work.services).append((content, times if together else stands, minutes))
    work.services, work.gatherings = work.services[:TOLD], work.gatherings[:TOLD]
    return work


def _first_days(count: int) -> list[date]:
    """First days of the present month and those before it, newest first."""
    today = clock.today()
    months = [today.year * 12 + today.month - 1 - n for n in range(count)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def this_year() -> tuple[datetime, datetime]:
    """The first moment of this year in Shanghai, and the first after today."""
    today = clock.today()
    return clock.day_bounds(date(today.year, 1, 1))[0], clock.day_bounds(today)[1]
