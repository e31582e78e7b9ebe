"""Reading teams and their members; what a viewer may see of a team that reaches beyond their subtrees.

Staff see the teams that touch their subtrees: by home, by a member, or by a detachment. Of a corps they see the members
of their own subtrees, the others as counts. Volunteers see the teams of their estate and their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import mask_name
from core.web.paging import PAGE, Page, after, page_of
from volunteers.teams.models import Kind, Member, Team, TeamMembership

BETWEEN, AFTER = "\x1f", "\x1e"
"""Part leaders from one another, and the name of one from where they belong."""
_Part = aliased(Team)
_LIVE = (Member.ASKED, Member.MEMBER)


@dataclass(frozen=True)
class Wanted:
    """Which teams a list shows. ``q`` is part of a name."""

    q: str = ""
    kind: str = ""
    ended: bool = False


def touches(paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether a team, or a detachment of it, has its home or a member in these subtrees."""
    if not paths:
        return false()
    member = (
        exists()
        .where(TeamMembership.team_id == _Part.id, TeamMembership.state.in_(_LIVE))
        .where(Estate.id == TeamMembership.estate_id, under(Estate.path, paths))
        .correlate(_Part)
    )
    part = exists().where(or_(_Part.id == Team.id, _Part.parent_id == Team.id))
    return part.where(or_(under(_Part.path, paths), member)).correlate(Team)


def _near(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a team is one of a volunteer's estate, of what stands above it, or has them in it."""
    above = ancestors(viewer.estate_path)
    mine = exists().where(TeamMembership.team_id == _Part.id, TeamMembership.person_id == viewer.person_id)
    mine = mine.where(TeamMembership.state.in_(_LIVE)).correlate(_Part)
    part = exists().where(or_(_Part.id == Team.id, _Part.parent_id == Team.id))
    home = _Part.path.in_(above) if viewer.is_volunteer and above else false()
    return part.where(or_(home, mine)).correlate(Team)


def ancestors(path: str) -> list[str]:
    """The paths of a node and of all that stand above it."""
    parts = path.rstrip("/").split("/") if path else []
    return ["/".join(parts[: n + 1]) + "/" for n in range(len(parts))]


def _people() -> Any:
    """How many people a team has, each counted once however many detachments they are in."""
    counted = select(func.count(func.distinct(TeamMembership.person_id))).select_from(TeamMembership)
    counted = counted.join(_Part, _Part.id == TeamMembership.team_id)
    counted = counted.where(TeamMembership.state == Member.MEMBER)
    counted = counted.where(or_(_Part.id == Team.id, _Part.parent_id == Team.id))
    return counted.correlate(Team).scalar_subquery()


def _leaders() -> Any:
    """The leaders' names, each with the path of the estate they belong to."""
    one = Person.name + AFTER + Estate.path
    named = select(func.aggregate_strings(one, BETWEEN)).select_from(TeamMembership)
    named = named.join(Person, Person.id == TeamMembership.person_id)
    named = named.join(Estate, Estate.id == TeamMembership.estate_id)
    named = named.where(TeamMembership.team_id == Team.id, TeamMembership.state == Member.MEMBER)
    return named.where(TeamMembership.role == "leader").correlate(Team).scalar_subquery()


def _rows() -> Select[Any]:
    parent = aliased(Team)
    columns: list[Any] = [
        Team.id, Team.name, Team.kind, Team.state, Team.path, Team.founded_on, Team.ended_on, Team.slogan,
        Organisation.name.label("home"), parent.name.label("parent_name"), _people().label("people"),
        _leaders().label("leaders"),
    ]  # fmt: skip
    return (
        select(*columns)
        .outerjoin(Organisation, Organisation.id == Team.organisation_id)
        .outerjoin(parent, parent.id == Team.parent_id)
    )  # fmt: skip


def _cut(viewer: Viewer, wanted: Wanted) -> Select[Any]:
    statement = _rows().where(touches(viewer.paths("teams:read")))
    statement = statement.where(Team.state == ("ended" if wanted.ended else "open"))
    if wanted.kind:
        statement = statement.where(Team.kind == wanted.kind)
    if wanted.q:
        statement = statement.where(Team.name.contains(wanted.q, autoescape=True))
    return statement


def list_teams(viewer: Viewer, wanted: Wanted, *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Teams that touch the viewer's subtrees, by name, in one statement."""
    rows = fast().execute(after(_cut(viewer, wanted), [Team.name, Team.id], [str, str], cursor, limit)).all()
    return page_of(rows, limit, lambda row: [row.name, row.id])


def every_team(viewer: Viewer, wanted: Wanted) -> Sequence[Any]:
    """All of them, for an export."""
    return fast().execute(_cut(viewer, wanted).order_by(Team.name, Team.id)).all()


def leaders_of(viewer: Viewer, row: Any) -> str:
    """The leaders of a row, those of the viewer's subtrees in full, others masked."""
    found = [text.partition(AFTER) for text in (row.leaders or "").split(BETWEEN) if text]
    names = [name if viewer.may_at("teams:read", path) else mask_name(name) for name, _, path in found]
    return "、".join(sorted(names))


def list_near(viewer: Viewer) -> list[Any]:
    """For a volunteer: open teams of their estate and their own, each with how they stand in it."""
    own = select(TeamMembership.state).where(
        TeamMembership.team_id == Team.id, TeamMembership.person_id == viewer.person_id, TeamMembership.state.in_(_LIVE)
    )
    statement = _rows().add_columns(own.correlate(Team).scalar_subquery().label("mine"))
    rows = fast().execute(statement.where(Team.state == "open", _near(viewer)).order_by(Team.name, Team.id)).all()
    return sorted(rows, key=lambda row: (row.mine is None, row.name))


def list_teams_of(person_id: str) -> Sequence[Any]:
    """The teams that somebody is in, the oldest first; the caller has checked who asks."""
    rows = select(Team.id, Team.name, Team.kind, TeamMembership.role, TeamMembership.joined_at)
    rows = rows.join(TeamMembership, TeamMembership.team_id == Team.id)
    rows = rows.where(TeamMembership.person_id == person_id, TeamMembership.state == Member.MEMBER)
    return db.session.execute(rows.order_by(TeamMembership.joined_at, Team.name)).all()


# One team


@dataclass(frozen=True)
class TeamPage:
    """A team as a viewer may see it: as staff who read, as staff who manage it, as its leader, as a member or near."""

    team: Any
    home: str
    parent_name: str
    reads: bool
    manages: bool
    mine: Any

    @property
    def is_corps(self) -> bool:
        """Made of detachments, without a home of its own."""
        return bool(self.team.kind == Kind.CORPS)

    @property
    def is_open(self) -> bool:
        """Still at work."""
        return bool(self.team.state == "open")

    @property
    def belongs(self) -> bool:
        """The viewer is a member."""
        return self.mine is not None and self.mine.state == Member.MEMBER

    @property
    def leads(self) -> bool:
        """The viewer is its leader or deputy."""
        return self.belongs and self.mine.role in ("leader", "deputy")

    @property
    def takes_people(self) -> bool:
        """The viewer may take people in and let them go."""
        return self.manages or self.leads


def get_team(viewer: Viewer, team_id: str, *, manage: bool = False) -> TeamPage:
    """A team, in one statement. Raises ``NotFound`` out of reach, or, with ``manage``, without the right to manage."""
    table, mine = Team.__table__, TeamMembership
    parent = aliased(Team)
    corps = touches(viewer.paths("teams:corps"))
    row = db.session.execute(
        select(Team, Organisation.name, parent.name, touches(viewer.paths("teams:read")), corps, _near(viewer), mine)
        .outerjoin(Organisation, Organisation.id == Team.organisation_id)
        .outerjoin(parent, parent.id == Team.parent_id)
        .outerjoin(mine, (mine.team_id == Team.id) & (mine.person_id == viewer.person_id) & mine.state.in_(_LIVE))
        .where(table.c.id == team_id)
    ).first()  # fmt: skip
    if row is None:
        raise NotFound
    team: Team = row[0]
    manages = bool(row[4]) if team.kind == Kind.CORPS else viewer.may_at("teams:manage", team.path)
    page = TeamPage(team, row[1] or "", row[2] or "", bool(row[3]), manages, row[6])
    if not (page.reads or row[5]) or (manage and not manages):
        raise NotFound
    return page


def list_detachments(corps_id: str) -> Sequence[Any]:
    """The detachments of a corps, with home and how many people are in each."""
    counted = (
        select(func.count())
        .select_from(TeamMembership)
        .where(TeamMembership.team_id == Team.id, TeamMembership.state == Member.MEMBER)
    )
    rows = select(Team.id, Team.name, Team.state, Team.path, Organisation.name.label("home"),
                  counted.correlate(Team).scalar_subquery().label("people"))  # fmt: skip
    rows = rows.join(Organisation, Organisation.id == Team.organisation_id).where(Team.parent_id == corps_id)
    return db.session.execute(rows.order_by(Team.name)).all()


# For forms


def list_homes(viewer: Viewer) -> list[tuple[str, str]]:
    """Organisations at which the viewer may found a team: id and name, in the order of the tree."""
    kinds = ("branch", "community", "subdistrict", "district")
    rows = select(Organisation.id, Organisation.name).where(under(Organisation.path, viewer.paths("teams:manage")))
    rows = rows.where(Organisation.kind.in_(kinds)).order_by(Organisation.path).limit(500)
    return [(id_, name) for id_, name in db.session.execute(rows)]


def list_corps() -> list[tuple[str, str]]:
    """Every open corps, for a detachment to belong to: the name of a corps is no secret."""
    rows = select(Team.id, Team.name).where(Team.kind == Kind.CORPS, Team.state == "open").order_by(Team.name)
    return [(id_, name) for id_, name in db.session.execute(rows.limit(500))]


def list_free_detachments(viewer: Viewer, corps_id: str | None = None) -> list[tuple[str, str]]:
    """Detachments in reach that belong to no corps, or to this one."""
    rows = select(Team.id, Team.name, Organisation.name).join(Organisation, Organisation.id == Team.organisation_id)
    rows = rows.where(Team.kind == Kind.DETACHMENT, Team.state == "open", under(Team.path, viewer.paths("teams:corps")))
    rows = rows.where(or_(Team.parent_id.is_(None), Team.parent_id == corps_id))
    return [(id_, f"{name}（{home}）") for id_, name, home in db.session.execute(rows.order_by(Team.name).limit(500))]


def list_estates(viewer: Viewer, page: TeamPage) -> list[tuple[str, str]]:
    """Estates from which a roll may come into a team: those at its home that the viewer may import into."""
    rows = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths("people:import")))
    rows = rows.order_by(Estate.name)
    if page.team.estate_id:
        rows = rows.where(Estate.id == page.team.estate_id)
    elif page.team.path:
        rows = rows.where(Estate.path.startswith(page.team.path, autoescape=True))
    return [(id_, name) for id_, name in db.session.execute(rows.limit(500))]


def roles_in(page: TeamPage) -> Mapping[str, str]:
    """What somebody can be in a team."""
    return {"leader": "总队长" if page.is_corps else "队长", "deputy": "副队长", "member": "队员"}
