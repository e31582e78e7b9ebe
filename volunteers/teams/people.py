"""Who is in a team, as far as a viewer may see it, and whom a team may take in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, false, func, or_, select, true
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import db
from core.identity import mask_name
from volunteers.consents.models import VolunteerConsent
from volunteers.registry.models import Standing, Volunteer
from volunteers.teams.models import ROLE_NAMES, Member, Team, TeamMembership
from volunteers.teams.queries import TeamPage, roles_in

MEMBERS = 600
"""Memberships that a page reads."""
_LIVE = (Member.ASKED, Member.MEMBER)
_RANK = {"leader": 0, "deputy": 1, "member": 2}


@dataclass(frozen=True)
class Seen:
    """Somebody in a team, as the viewer may see them: the name in full or masked.

    ``own``: not by a detachment only. ``public``: has agreed that the name is shown (个人信息保护法, art. 25).
    """

    membership_id: str
    person_id: str
    name: str
    number: str
    role: str
    state: str
    team_id: str
    team_name: str
    estate_name: str
    joined_at: datetime | None
    asked_at: datetime | None
    wish: str
    standing: str
    public: bool
    own: bool = True
    title: str = ""
    teams: tuple[str, ...] = ()


@dataclass
class People:
    """The people of a team: those whom the viewer may see one by one, and how many there are by estate."""

    seen: list[Seen] = field(default_factory=list)
    asking: list[Seen] = field(default_factory=list)
    by_estate: list[tuple[str, int, bool]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Everybody, each once: somebody belongs to one estate only."""
        return sum(count for _, count, _ in self.by_estate)

    @property
    def elsewhere(self) -> list[tuple[str, int]]:
        """Estates out of the viewer's reach, and how many of them are in the team."""
        return [(name, count) for name, count, inside in self.by_estate if not inside]

    @property
    def leaders(self) -> list[Seen]:
        """Those who lead."""
        return [one for one in self.seen if one.role != "member"]


def people_of(viewer: Viewer, page: TeamPage) -> People:
    """Who is in a team, each once, in two statements.

    Staff see names in their subtrees; members see everybody, others who leads, masked unless they agreed to be named.
    """
    paths = viewer.paths("teams:read") if page.reads else ()
    part = aliased(Team)
    parts = select(part.id).where(or_(part.id == page.team.id, part.parent_id == page.team.id))
    inside = under(Estate.path, paths) if paths else false()
    counts = (
        select(Estate.name, func.count(func.distinct(TeamMembership.person_id)), inside)
        .select_from(TeamMembership)
        .join(Estate, Estate.id == TeamMembership.estate_id)
        .where(TeamMembership.team_id.in_(parts), TeamMembership.state == Member.MEMBER)
        .group_by(Estate.id, Estate.name, Estate.path)
        .order_by(Estate.name)
    )
    found = People(by_estate=[(name, count, bool(seen)) for name, count, seen in db.session.execute(counts)])
    shown: ColumnElement[bool] = true()
    if page.reads:
        shown = inside
    elif not page.belongs:
        shown = (TeamMembership.role != "member") & (TeamMembership.team_id == page.team.id)
    everybody = _merged(page, _read(parts, shown))
    for one in everybody:
        name = one.name if page.reads or one.public else mask_name(one.name)
        told = one if page.reads else replace(one, name=name, number="")
        (found.seen if one.state == Member.MEMBER else found.asking).append(told)
    return found


def _read(parts: Any, shown: ColumnElement[bool]) -> list[Seen]:
    m = TeamMembership
    public = exists().where(
        VolunteerConsent.person_id == m.person_id, VolunteerConsent.kind == "publishing",
        VolunteerConsent.withdrawn_at.is_(None),
    ).correlate(m)  # fmt: skip
    rows = (
        select(m.id, m.person_id, Person.name, Volunteer.number, m.role, m.state, Team.id, Team.name, Estate.name,
               m.joined_at, m.asked_at, m.wish, Volunteer.standing, public)
        .join(Person, Person.id == m.person_id)
        .join(Volunteer, Volunteer.person_id == m.person_id)
        .join(Estate, Estate.id == m.estate_id)
        .join(Team, Team.id == m.team_id)
        .where(m.team_id.in_(parts), m.state.in_(_LIVE), shown)
        .order_by(Person.pinyin, m.person_id, m.joined_at)
        .limit(MEMBERS)
    )  # fmt: skip
    return [Seen(*tuple(row)) for row in db.session.execute(rows)]


def _merged(page: TeamPage, rows: Iterable[Seen]) -> list[Seen]:
    """Everybody once, with the teams they are in; whoever leads the team itself comes first, then its detachments."""
    by_person: dict[tuple[str, str], list[Seen]] = {}
    for row in rows:
        by_person.setdefault((row.person_id, row.state), []).append(row)
    merged = []
    for own in by_person.values():
        own.sort(key=lambda row: (row.team_id != page.team.id, _RANK[row.role]))
        first = own[0]
        mine = first.team_id == page.team.id
        title = roles_in(page)[first.role] if mine else ROLE_NAMES[first.role]
        teams = tuple(row.team_name for row in own if row.team_id != page.team.id)
        merged.append(replace(first, own=mine, title=title, teams=teams))
    return sorted(merged, key=lambda row: (_RANK[row.role], not row.own))


def get_membership(page: TeamPage, membership_id: str) -> TeamMembership:
    """A membership of a team. Raises ``NotFound``."""
    found = db.session.get(TeamMembership, membership_id)
    if found is None or found.team_id != page.team.id:
        raise NotFound
    return found


def find_volunteers(viewer: Viewer, page: TeamPage, q: str) -> Sequence[Any]:
    """Serving volunteers in the manager's reach by name, initials or number, who are not in the team; 20 at most."""
    if not q:
        return []
    inside = exists().where(
        TeamMembership.team_id == page.team.id, TeamMembership.person_id == Volunteer.person_id,
        TeamMembership.state == Member.MEMBER,
    ).correlate(Volunteer)  # fmt: skip
    rows = (
        select(Volunteer.person_id, Person.name, Volunteer.number, Estate.name.label("estate_name"))
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(under(Estate.path, viewer.paths("teams:manage")), Volunteer.standing == Standing.ACTIVE, ~inside)
        .where(or_(Person.name.startswith(q, autoescape=True), Person.initials.startswith(q.lower(), autoescape=True),
                   Volunteer.number == q.upper()))
        .order_by(Person.pinyin, Person.id).limit(20)
    )  # fmt: skip
    return db.session.execute(rows).all()


def get_recruit(viewer: Viewer, person_id: str) -> Volunteer:
    """A serving volunteer whom the viewer may take into a team. Raises ``NotFound``."""
    row = db.session.execute(
        select(Volunteer, Estate.path)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.person_id == person_id, Volunteer.standing == Standing.ACTIVE)
    ).first()
    if row is None or not viewer.may_at("teams:manage", row[1]):
        raise NotFound
    found: Volunteer = row[0]
    return found
