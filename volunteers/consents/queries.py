"""Reading consents and guardians."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from community.accounts import queries as accounts
from community.grid.models import Person
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import mask_name, mask_phone
from core.sealing import sealer
from volunteers.consents.models import GUARDIAN_PHONE, VolunteerConsent, VolunteerGuardian
from volunteers.consents.texts import NEEDED, VERSION
from volunteers.registry.models import Standing, Volunteer


@dataclass(frozen=True)
class Guardian:
    """A guardian whose consent stands; the phone is masked."""

    id: str
    name: str
    relation: str
    phone: str
    how: str
    given_at: datetime
    recorded_by: str
    companion: str


@dataclass(frozen=True)
class Given:
    """What somebody has agreed to: by kind with version and moment, and their guardian."""

    consents: dict[str, Any]
    guardian: Guardian | None

    @property
    def missing(self) -> list[str]:
        """The needed kinds that do not stand in the present version."""
        stand = {kind for kind, row in self.consents.items() if row.text_version == VERSION}
        return [kind for kind in NEEDED if kind not in stand]


def given_by(person_id: str) -> Given:
    """The consents and the guardian of somebody whom the caller may read."""
    columns = (VolunteerConsent.kind, VolunteerConsent.text_version, VolunteerConsent.how, VolunteerConsent.given_at,
               VolunteerConsent.recorded_by_name)  # fmt: skip
    stand = select(*columns).where(VolunteerConsent.person_id == person_id, VolunteerConsent.withdrawn_at.is_(None))
    consents = {row.kind: row for row in db.session.execute(stand)}
    return Given(consents, find_guardian(person_id))


def find_guardian(person_id: str) -> Guardian | None:
    """The guardian whose consent for somebody stands."""
    companion = aliased(Person)
    row = db.session.execute(
        select(VolunteerGuardian, companion.name)
        .outerjoin(companion, companion.id == VolunteerGuardian.companion_id)
        .where(VolunteerGuardian.person_id == person_id, VolunteerGuardian.withdrawn_at.is_(None))
    ).first()
    if row is None:
        return None
    found: VolunteerGuardian = row[0]
    phone = sealer().open(found.phone_sealed, GUARDIAN_PHONE) if found.phone_sealed else ""
    return Guardian(
        found.id, found.name, found.relation, mask_phone(phone) if phone else "", found.how, found.given_at,
        found.recorded_by_name, mask_name(row[1]) if row[1] else "",
    )  # fmt: skip


def holds(person: Any, kind: str) -> Any:
    """Whether a consent of somebody, by the column of their id, stands now."""
    return exists().where(
        VolunteerConsent.person_id == person, VolunteerConsent.kind == kind, VolunteerConsent.withdrawn_at.is_(None)
    )


def agreed(person_ids: Collection[str], kind: str) -> frozenset[str]:
    """Who of these people has agreed to a kind of use, such as ``publishing``."""
    stand = select(VolunteerConsent.person_id).where(
        VolunteerConsent.person_id.in_(person_ids), VolunteerConsent.kind == kind,
        VolunteerConsent.withdrawn_at.is_(None),
    )  # fmt: skip
    return frozenset(fast().scalars(stand))


def list_wards(viewer: Viewer) -> Sequence[Any]:
    """Those under 18 for whom the viewer, known by the phone of the account, has consented as guardian."""
    phone = accounts.open_phone(accounts.get_account(viewer).phone_sealed)
    wards = (
        select(VolunteerGuardian.person_id, Person.name, VolunteerGuardian.relation, VolunteerGuardian.given_at)
        .join(Person, Person.id == VolunteerGuardian.person_id)
        .where(VolunteerGuardian.phone_key == sealer().index(phone, GUARDIAN_PHONE))
        .where(VolunteerGuardian.withdrawn_at.is_(None))
        .order_by(Person.name)
    )
    return db.session.execute(wards).all()


def get_ward(viewer: Viewer, person_id: str) -> Any:
    """One of them. Raises ``NotFound``."""
    for row in list_wards(viewer):
        if row.person_id == person_id:
            return row
    raise NotFound


def find_companion(estate_id: str, number: str) -> str | None:
    """The id of an adult serving in an estate, by the volunteer's number; None when there is none."""
    return db.session.scalars(
        select(Volunteer.person_id).where(
            Volunteer.estate_id == estate_id, Volunteer.number == number.strip().upper(),
            Volunteer.standing == Standing.ACTIVE,
        )
    ).first()  # fmt: skip
