"""What teams have done, from the ledger of hours: the hours of people while they were in the team.

Nobody counts twice: whoever is in two detachments of a corps is one person of it, and an hour of theirs one hour.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from community.grid.estates import list_below
from community.grid.models import Estate, Person
from core import clock
from core.database import UtcDateTime, dialect_name, fast
from core.rows import one_of
from core.web import paging
from volunteers.hours import sums
from volunteers.hours.models import HourEntry
from volunteers.hours.sums import sign
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

    Without ``team_ids`` all teams together, under ``""``. ``path``: only services in estates that stand below it. Both
    moments begin a day. Who was in the team all the time gave what the sums of months say; of others the ledger says
    what they gave while they were.
    """
    if team_ids is not None and not team_ids:
        return {}
    shape, within = sums.within(clock.local(start).date(), clock.local(end).date() - timedelta(days=1))
    values = within | {"start": start, "end": end, "teams": list(team_ids or ())}
    if path:
        values["estates"] = list_below(path)
    rows = fast().execute(_figures(team_ids is not None, bool(path), shape, dialect_name()), values)
    return {row[0]: Figures(int(row[1]), int(row[2]), int(row[3])) for row in rows}


@cache
def _figures(by_team: bool, narrowed: bool, shape: tuple[str, ...], dialect: str) -> Select[Any]:
    start, end = (bindparam(name, type_=UtcDateTime()) for name in ("start", "end"))
    root: Any = _Root.c.root if by_team else literal("")
    member = TeamMembership
    belongs = (
        select(root.label("root"), member.person_id)
        .join(_Root, _Root.c.part == member.team_id)
        .where(member.state.in_(_BEEN))
    )
    if by_team:
        belongs = belongs.where(_Root.c.root.in_(bindparam("teams", expanding=True)))
    all_along = member.joined_at <= start, or_(member.left_at.is_(None), member.left_at >= end)
    steady = belongs.where(*all_along).distinct().order_by(member.person_id).cte("steady")

    def here(statement: Any, model: Any) -> Any:
        return statement.where(one_of(model.estate_id, "estates", dialect)) if narrowed else statement

    found = [
        here(select(steady.c.root, of.table.volunteer_id, of.minutes, of.services), of.table)
        .join(steady, of.table.volunteer_id == steady.c.person_id)
        .where(of.inside)
        for of in sums.given(shape)
    ]
    others = belongs.where(or_(member.joined_at > start, member.left_at < end), member.joined_at < end)
    who = others.add_columns(member.joined_at, member.left_at).subquery().c
    steadily = select(steady.c.root).where(steady.c.root == who.root, steady.c.person_id == who.person_id)
    once = (
        select(who.root, HourEntry.id, HourEntry.volunteer_id, HourEntry.minutes, HourEntry.estate_id)
        .join(HourEntry, HourEntry.volunteer_id == who.person_id)
        .where(HourEntry.starts_at >= start, HourEntry.starts_at < end, HourEntry.starts_at >= who.joined_at,
               or_(who.left_at.is_(None), HourEntry.starts_at < who.left_at), ~steadily.exists())
        .distinct()
    )  # fmt: skip
    entry = here(once, HourEntry).subquery().c
    found.append(select(entry.root, entry.volunteer_id, entry.minutes, sign(entry.minutes)))
    c = union_all(*found).subquery().c
    services = func.sum(c.services).label("services")
    each = select(c.root, func.sum(c.minutes).label("minutes"), services).group_by(c.root, c.volunteer_id).subquery().c
    served = func.count(case((each.services > 0, 1)))
    return select(each.root, served, func.sum(each.minutes), func.sum(each.services)).group_by(each.root)


def list_given(
    team_id: str | None, start: datetime, end: datetime, path: str, cursor: str | None, limit: int
) -> Sequence[Any]:
    """The entries behind those figures, newest first, ``limit`` and one more, below a path; of one team or of all.

    Looked through are the last weeks, and then more and more of those before, as long as they do not fill a page: for
    a branch its own entries of some weeks are soon sorted, and for a city PostgreSQL has all of them in their order.
    """
    own = (
        select(TeamMembership.id)
        .join(_Root, _Root.c.part == TeamMembership.team_id)
        .where(TeamMembership.person_id == HourEntry.volunteer_id, _then_in())
        .limit(1)
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
        .where(HourEntry.starts_at >= bindparam("since", type_=UtcDateTime()),
               HourEntry.starts_at < bindparam("until", type_=UtcDateTime()),
               one_of(HourEntry.estate_id, "estates", dialect_name()), own.scalar_subquery().is_not(None))
    )  # fmt: skip
    keys = (HourEntry.starts_at, HourEntry.id)
    statement = paging.after(rows, keys, (datetime, str), cursor, limit, descending=True)
    found: list[Any] = []
    newest = paging.decode(cursor, (datetime, str))[0] if cursor else clock.now()
    until, before, window = end, min(end, newest), timedelta(weeks=1)
    while until > start and len(found) <= limit:
        since = max(start, before - window)
        found += fast().execute(statement, {"since": since, "until": until, "estates": list_below(path)}).all()
        until, before, window = since, since, window * 2
    return found[: limit + 1]


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
