"""Reading awards, and the honour roll of an estate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from community.grid.models import Estate, Person
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import PARTY_CODES
from volunteers.consents.queries import holds
from volunteers.consents.texts import HONOUR_ROLL
from volunteers.honours.models import Honour
from volunteers.hours import stars
from volunteers.hours import sums as rolled
from volunteers.hours.sums import by_volunteer
from volunteers.registry.models import Volunteer

ROLL = 50
"""How many an honour roll shows."""
ADULT = 18


def list_honours(volunteer_id: str) -> Sequence[Any]:
    """Awards of a volunteer that stand, newest first; the caller has checked that the viewer may know."""
    own = select(Honour.id, Honour.name, Honour.body, Honour.awarded_on)
    own = own.where(Honour.volunteer_id == volunteer_id, Honour.struck_at.is_(None))
    return fast().execute(own.order_by(Honour.awarded_on.desc(), Honour.id).limit(200)).all()


@dataclass(frozen=True)
class Holder:
    """A volunteer whose awards are recorded."""

    volunteer_id: str
    name: str
    number: str
    estate_id: str
    estate_path: str
    joined_on: date


def get_holder(viewer: Viewer, volunteer_id: str, permission: str = "hours:read") -> Holder:
    """A volunteer within reach. Raises ``NotFound``."""
    found = (
        select(Volunteer.person_id, Person.name, Volunteer.number, Estate.id, Estate.path, Volunteer.joined_on)
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.person_id == volunteer_id)
    )
    row = fast().execute(found).first()
    if row is None or not viewer.may_at(permission, row.path):
        raise NotFound
    return Holder(*row)


def get_honour(viewer: Viewer, honour_id: str) -> Honour:
    """An award that the viewer may strike out. Raises ``NotFound``."""
    found = db.session.get(Honour, honour_id)
    if found is None:
        raise NotFound
    get_holder(viewer, found.volunteer_id, "hours:honour")
    return found


@dataclass(frozen=True)
class Place:
    """A place on the honour roll; equal figures share one."""

    rank: int
    volunteer_id: str
    name: str
    party: bool
    minutes: int
    services: int
    level: int


def list_roll(estate_id: str, first: date, last: date, by: str) -> list[Place]:
    """Volunteers of an estate who agreed to be on the roll, by what they gave in months from ``first`` to ``last``
    (first days): hours or services. Children are never on it."""
    given = by_volunteer(estate_id, first, last)
    figure = given.c.services if by == "services" else given.c.minutes
    today = clock.today()
    born_before = date(today.year - ADULT, today.month, min(today.day, 28))
    grown = Person.birth_date.is_(None) | (Person.birth_date <= born_before)
    found = (
        select(given.c.volunteer_id, Person.name, Person.political_status, given.c.minutes, given.c.services,
               rolled.total(given.c.volunteer_id).label("ever"), *stars.columns(Volunteer.estate_id, Person.id))
        .join(Person, Person.id == given.c.volunteer_id)
        .join(Volunteer, Volunteer.person_id == given.c.volunteer_id)
        .where(holds(given.c.volunteer_id, HONOUR_ROLL), grown)
        .order_by(figure.desc(), Person.pinyin, Person.id)
        .limit(ROLL)
    )  # fmt: skip
    places: list[Place] = []
    before = None
    for n, row in enumerate(fast().execute(found), 1):
        value = row.services if by == "services" else row.minutes
        rank = places[-1].rank if before == value else n
        before = value
        places.append(
            Place(rank, row.volunteer_id, row.name, row.political_status in PARTY_CODES, int(row.minutes),
                  int(row.services), stars.of_row(row).level(int(row.ever)))
        )  # fmt: skip
    return places
