"""Reading certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from stdnum.iso7064 import mod_37_36

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import narrow
from volunteers.certificates.models import Certificate
from volunteers.hours.models import HourEntry
from volunteers.hours.queries import sums
from volunteers.registry.models import Volunteer

NUMBER_LENGTH = 16


def tidy_number(text: str) -> str:
    """A number as typed: spaces and dashes taken out, small letters made large."""
    return "".join(c for c in narrow(text).upper() if c.isascii() and c.isalnum())


@dataclass(frozen=True)
class Checked:
    """A certificate and what has become of the hours it states."""

    certificate: Certificate
    is_corrected: bool
    minutes_now: int


def find_certificate(number: str) -> Checked | None:
    """The certificate of a number that anyone may check, None when there is none."""
    tidy = tidy_number(number)
    if len(tidy) != NUMBER_LENGTH or not mod_37_36.is_valid(tidy):
        return None
    found = db.session.get(Certificate, tidy)
    if found is None:
        return None
    start, end = clock.day_bounds(found.from_day)[0], clock.day_bounds(found.to_day)[1]
    corrected = select(HourEntry.id).where(
        HourEntry.volunteer_id == found.volunteer_id, HourEntry.starts_at >= start, HourEntry.starts_at < end,
        HourEntry.recorded_at > found.issued_at,
        or_(HourEntry.reverses_id.is_not(None), HourEntry.corrects_id.is_not(None)),
    )  # fmt: skip
    if fast().execute(corrected.limit(1)).first() is None:
        return Checked(found, False, found.total_minutes)
    return Checked(found, True, sums(found.volunteer_id, start, end).period)


def get_for_print(viewer: Viewer, number: str) -> tuple[Certificate, list[str]]:
    """A certificate with what was done, for its owner or who may read the hours. Raises ``NotFound``."""
    found = db.session.get(Certificate, tidy_number(number))
    if found is None:
        raise NotFound
    path = db.session.scalar(select(Estate.path).where(Estate.id == found.estate_id)) or ""
    if found.volunteer_id != viewer.person_id and not viewer.may_at("hours:read", path):
        raise NotFound
    start, end = clock.day_bounds(found.from_day)[0], clock.day_bounds(found.to_day)[1]
    contents = (
        select(HourEntry.content)
        .where(HourEntry.volunteer_id == found.volunteer_id, HourEntry.starts_at >= start, HourEntry.starts_at < end)
        .group_by(HourEntry.content)
        .having(func.sum(HourEntry.minutes) > 0)
        .order_by(func.sum(HourEntry.minutes).desc())
        .limit(8)
    )
    return found, list(fast().scalars(contents))


@dataclass(frozen=True)
class Certified:
    """Whom a certificate is made out to, and by which body."""

    name: str
    estate_id: str
    body_name: str


def get_volunteer(person_id: str) -> Certified:
    """A volunteer and the branch that records their hours. Raises ``NotFound``."""
    row = db.session.execute(
        select(Person.name, Volunteer.estate_id, Organisation.name)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .join(Organisation, Organisation.id == Estate.branch_id)
        .where(Person.id == person_id)
    ).first()
    if row is None:
        raise NotFound
    return Certified(*row)


def list_own(viewer: Viewer, limit: int = 20) -> Sequence[Any]:
    """One's own certificates, newest first."""
    own = select(Certificate.number, Certificate.from_day, Certificate.to_day, Certificate.total_minutes,
                 Certificate.issued_at)  # fmt: skip
    own = own.where(Certificate.volunteer_id == viewer.person_id)
    return fast().execute(own.order_by(Certificate.issued_at.desc()).limit(limit)).all()
