"""A team's roll into teams: whom it names joins the teams that it says, or the one team that it was brought to.

A name that the estate has no team of becomes a team. A newer roll moves whom an older one had put elsewhere; what
people joined by themselves, or by staff, stays. People under 18 wait for their guardians.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select

from community.grid.importing import in_chunks, table_of
from community.grid.models import Estate
from community.grid.roll_files import RollFile
from core.access import Viewer
from core.database import db
from core.sheets import SheetError
from volunteers.applications import queries as applications
from volunteers.applications import workflow as applying
from volunteers.registry.importing import WEEKLY_CAP, VolunteerFile, read_roll
from volunteers.registry.roll_match import Planned
from volunteers.registry.rolls import VolunteerRoll
from volunteers.registry.workflow import Offer
from volunteers.teams import workflow
from volunteers.teams.models import Kind, Member, Team, TeamMembership

NAME_LENGTH = 60


def read(data: bytes, filename: str) -> RollFile | None:
    """The file as a team's roll, or None when it is none."""
    roll = read_roll(data, filename)
    return None if roll is None else TeamFile(roll)


def kind_of(name: str) -> Kind:
    """The kind of team that a name tells."""
    kinds = (("党团妇", Kind.PARTY_LEAGUE_WOMEN), ("先锋", Kind.VANGUARD), ("支队", Kind.DETACHMENT))
    return next((kind for part, kind in kinds if part in name), Kind.SQUAD)


class TeamFile(VolunteerFile):
    """A team's roll, for the teams that it names, or for one."""

    def __init__(self, roll: VolunteerRoll, team: Team | None = None) -> None:
        super().__init__(roll)
        self._team = team
        self.with_team = team is None
        if team is not None:
            self.title = f"志愿者名册，加入{team.name}"

    def aimed(self, target: str) -> RollFile:
        """The same roll for one team. Raises ``SheetError`` for one that is no more."""
        team = db.session.get(Team, target)
        if team is None or team.state != "open" or team.kind == Kind.CORPS:
            raise SheetError("这支队伍不能导入名册，请另选一支")
        return TeamFile(self._roll, team)

    def wanted(self, one: Planned) -> list[str]:
        """The names of the teams that a row is for, each once."""
        if self._team is not None:
            return [self._team.name]
        names = [one.row.team or self.hint, *one.row.more_teams]
        return list(dict.fromkeys(name.strip()[:NAME_LENGTH] for name in names if name.strip()))

    def news(self, estate: Estate | None, planned: Sequence[Planned]) -> dict[int, list[str]]:
        """Which teams somebody of the register joins."""
        held = self._held(estate, planned)
        return {
            n: [f"加入{name}" for name in self.wanted(one) if name not in held.get(one.person.id, {})]
            for n, one in enumerate(planned) if one.person is not None and not one.is_new and not one.is_closed
        }  # fmt: skip

    def waits(self, planned: Sequence[Planned]) -> set[str]:
        """People whose application is in hand."""
        return applications.waiting([one.person.id for one in planned if one.person is not None])

    def after(self, estate: Estate, actor: Viewer, planned: Sequence[Planned]) -> None:
        """Applications, teams and memberships."""
        offers = {one.id: Offer(one.row.skills, one.row.windows, WEEKLY_CAP) for one in planned if one.is_new}
        minors = {one.id for one in planned if one.is_new and one.is_minor}
        applying.take_roll(actor, estate, {id_: offer for id_, offer in offers.items() if id_ not in minors})
        applying.ask_by_roll(actor, estate, {id_: offer for id_, offer in offers.items() if id_ in minors})
        serving = [one for one in planned if one.id not in minors and not one.is_closed]
        held = self._held(estate, serving)
        teams = self._teams(estate, actor, serving)
        self._move(serving, held)
        joins = [
            workflow.new_member(estate.id, teams[name], one.id, "roll") | {"state": Member.MEMBER}
            for one in serving for name in self.wanted(one) if name not in held.get(one.id, {})
        ]  # fmt: skip
        for some in in_chunks(joins):
            db.session.execute(insert(table_of(TeamMembership)), list(some))

    def _held(self, estate: Estate | None, planned: Sequence[Planned]) -> dict[str, dict[str, tuple[str, str]]]:
        """Memberships that stand, by person and name of the team: id and how they came to be."""
        people = [one.person.id for one in planned if one.person is not None]
        held: dict[str, dict[str, tuple[str, str]]] = {}
        if estate is None or not people:
            return held
        m = TeamMembership
        rows = select(m.person_id, Team.name, m.id, m.via).join(Team, Team.id == m.team_id)
        rows = rows.where(m.state == Member.MEMBER, Team.state == "open")
        rows = rows.where(Team.id == self._team.id) if self._team else rows.where(Team.estate_id == estate.id)
        for some in in_chunks(people, 500):
            for person_id, name, id_, via in db.session.execute(rows.where(m.person_id.in_(some))):
                held.setdefault(person_id, {})[name] = (id_, via)
        return held

    def _teams(self, estate: Estate, actor: Viewer, planned: Sequence[Planned]) -> Mapping[str, str]:
        """Ids of the teams by name; those that the estate lacks are founded."""
        if self._team is not None:
            return {self._team.name: self._team.id}
        there = select(Team.name, Team.id).where(Team.estate_id == estate.id, Team.state == "open")
        teams = dict(db.session.execute(there).all())
        for name in dict.fromkeys(name for one in planned for name in self.wanted(one)):
            if name not in teams:
                teams[name] = workflow.found_by_roll(actor, estate, name, kind_of(name))
        return teams

    def _move(self, planned: Sequence[Planned], held: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        """Those whom an earlier roll put into a team that this one no longer says are out of it."""
        gone = [
            id_ for one in planned if "team" in one.differ
            for name, (id_, via) in held.get(one.id, {}).items()
            if via == "roll" and name == _team_before(one) and name not in self.wanted(one)
        ]  # fmt: skip
        workflow.leave_by_roll(gone)


def _team_before(one: Planned) -> str:
    volunteer = one.person.volunteer if one.person else None
    return volunteer.team if volunteer is not None else ""
