"""Reading the records of those who have left: sealed, with a custodian, until their time is over."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, or_, select

from community.grid.models import Estate, Person
from community.organisations.queries import under
from core.access import Viewer
from core.database import db, fast
from core.web.paging import PAGE, Page, after, page_of
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Standing, Volunteer, VolunteerSkill

CLOSED = (Standing.LEFT, Standing.ERASED)
BATCH = 200


def list_closed(viewer: Viewer, q: str = "", *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Records of volunteers who have left, by number; of those erased only number, estate and hours are told."""
    minutes = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(HourEntry.volunteer_id == Volunteer.person_id)
    wanted = (
        select(Volunteer.person_id, Volunteer.number, Volunteer.standing, Volunteer.left_on, Volunteer.keep_until,
               Volunteer.custodian, Person.name, Estate.name.label("estate_name"),
               minutes.correlate(Volunteer).scalar_subquery().label("total_minutes"))
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.standing.in_(CLOSED), under(Estate.path, viewer.paths("volunteers:read")))
    )  # fmt: skip
    if q:
        named = Person.name.startswith(q, autoescape=True) & (Volunteer.standing == Standing.LEFT)
        wanted = wanted.where(or_(named, Volunteer.number == q.upper()))
    rows = fast().execute(after(wanted, [Volunteer.number], [str], cursor, limit)).all()
    return page_of(rows, limit, lambda row: [row.number])


def list_past_keeping(today: date) -> list[str]:
    """Ids of those whose records need not be kept any longer."""
    over = select(Volunteer.person_id).where(Volunteer.standing == Standing.LEFT, Volunteer.keep_until < today)
    return list(db.session.scalars(over.order_by(Volunteer.keep_until, Volunteer.person_id).limit(BATCH)))


def list_leaves_over(today: date) -> list[str]:
    """Ids of those whose leave has ended."""
    over = select(Volunteer.person_id).where(Volunteer.standing == Standing.ON_LEAVE, Volunteer.leave_until < today)
    return list(db.session.scalars(over.order_by(Volunteer.leave_until, Volunteer.person_id).limit(BATCH)))


def list_expiring(until: date) -> list[Any]:
    """Verified skills that run out by a day and of which nobody was told."""
    soon = (
        select(
            VolunteerSkill.person_id, VolunteerSkill.skill, VolunteerSkill.expires_on, Volunteer.estate_id, Person.name
        )
        .join(Volunteer, Volunteer.person_id == VolunteerSkill.person_id)
        .join(Person, Person.id == VolunteerSkill.person_id)
        .where(VolunteerSkill.expires_on <= until, VolunteerSkill.reminded_on.is_(None))
        .where(Volunteer.standing.not_in(CLOSED))
        .order_by(VolunteerSkill.expires_on, VolunteerSkill.person_id)
    )
    return list(db.session.execute(soon.limit(BATCH)))


def find(person_id: str) -> Volunteer | None:
    """The record of a volunteer as it stands now, for a job."""
    return db.session.get(Volunteer, person_id, populate_existing=True)
