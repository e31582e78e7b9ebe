"""Teams in the made-up town: a squad in Banyan, and a corps of two detachments that have no parent in common."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from core import clock
from core.access import Role
from core.database import begin_write, db
from core.ids import new_id
from tests.factories import Someone, World, appoint, person, write
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer
from volunteers.teams import queries, workflow
from volunteers.teams.models import TeamMembership
from volunteers.teams.queries import TeamPage


def found(world: World, name: str, estate: str, by: str = "", kind: str = "squad", **more: Any) -> str:
    """A team of an estate's branch; its id."""
    begin_write()
    organisation = world.estates[estate].branch.id
    said = {"kind": kind, "name": name, "organisation_id": organisation, "founded_on": date(2024, 5, 1), **more}
    id_ = workflow.found(world[by or "secretary"].viewer(), said)
    db.session.commit()
    return id_


def page_of(who: Someone, team_id: str) -> TeamPage:
    """A team as somebody sees it."""
    return queries.get_team(who.viewer(), team_id)


def join(world: World, team_id: str, name: str, by: str = "secretary", role: str = "member") -> None:
    """A volunteer taken into a team by a secretary."""
    begin_write()
    one = db.session.get_one(Volunteer, world[name].id)
    workflow.add(world[by].viewer(), page_of(world[by], team_id), one, role)
    db.session.commit()


def serve(world: World, name: str, minutes: int, at: datetime | None = None, content: str = "楼道清扫", *,
          order: str | None = None) -> None:  # fmt: skip
    """An hour entry of a volunteer."""
    begin_write()
    start = at or clock.now() - timedelta(hours=3)
    who = world[name]
    write(
        HourEntry, id=new_id(), volunteer_id=who.id, estate_id=who.estate_id, order_id=order, starts_at=start,
        ends_at=start + timedelta(minutes=minutes), minutes=minutes, content=content, note="", recorded_at=start,
        recorded_by=who.id,
    )  # fmt: skip
    db.session.commit()


def since(membership_id: str, at: datetime) -> None:
    """Let a membership have begun earlier."""
    begin_write()
    db.session.get_one(TeamMembership, membership_id).joined_at = at
    db.session.commit()


def corps(world: World) -> tuple[str, str, str]:
    """A corps over Banyan and Swan, whose streets have only the district in common, and its two detachments."""
    begin_write()
    lady = person("区社工")
    appoint(lady, Role.SUBDISTRICT_STAFF, world.bodies["district"])
    world.people["district_staff"] = lady
    db.session.commit()
    near = found(world, "榕树园支队", "banyan", kind="detachment")
    far = found(world, "天鹅园支队", "swan", "outsider", kind="detachment")
    begin_write()
    said = {"kind": "corps", "name": "青禾巾帼总队", "founded_on": date(2023, 3, 8)}
    id_ = workflow.found(lady.viewer(), said, [near, far])
    db.session.commit()
    return id_, near, far
