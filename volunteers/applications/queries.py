"""Reading applications: one's own, and those that a branch decides on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from community.grid.importing import in_chunks
from community.grid.models import ID_COLUMN, PHONE_COLUMN, Estate, Household, Person, PersonPhone
from community.organisations.queries import under
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import age_on, mask_id, mask_phone
from core.sealing import sealer
from core.web.paging import PAGE, Page, after, page_of
from volunteers.applications.models import (
    GUARDIAN_COLUMN,
    LIVE,
    NUMBER_COLUMN,
    State,
    VolunteerApplication,
)
from volunteers.applications.models import (
    PHONE_COLUMN as GIVEN_PHONE,
)
from volunteers.registry.models import Standing, Volunteer

SEXES = {1: "男", 2: "女"}
GROUPS = {
    "": (State.SUBMITTED,), "returned": (State.RETURNED,), "approved": (State.APPROVED,),
    "closed": (State.REFUSED, State.WITHDRAWN),
}  # fmt: skip
"""What the list shows by its tab."""
SERVING = (Standing.ACTIVE, Standing.SUSPENDED, Standing.ON_LEAVE)


@dataclass(frozen=True)
class Known:
    """What the record of a person holds of the fields of MCA order 67; numbers are masked."""

    person: Person
    estate: Estate
    home: str
    phone: str
    id_number: str

    @property
    def age(self) -> int | None:
        """Full years today."""
        return age_on(self.person.birth_date, clock.today()) if self.person.birth_date else None

    @property
    def sex(self) -> str:
        """In a word; nothing when it is not known."""
        return SEXES.get(self.person.sex, "")


@dataclass(frozen=True)
class Filed:
    """An application with what the record holds, and the numbers that it brings, masked."""

    application: VolunteerApplication
    known: Known
    id_number: str
    phone: str
    guardian_phone: str
    companion: str

    @property
    def birth_date(self) -> date | None:
        """From the record, else from the number that the application brings."""
        return self.known.person.birth_date or number_birth(self.application)

    @property
    def age(self) -> int | None:
        """Full years today."""
        return age_on(self.birth_date, clock.today()) if self.birth_date else None


def number_birth(application: VolunteerApplication) -> date | None:
    """The day of birth in the ID number that an application brings."""
    if not application.id_sealed:
        return None
    number = sealer().open(application.id_sealed, NUMBER_COLUMN)
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def known_of(person_id: str) -> Known | None:
    """What is known of somebody on the roll of an estate; the caller has checked who asks."""
    row = db.session.execute(
        select(Person, Estate, Household.label)
        .join(Estate, Estate.id == Person.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .where(Person.id == person_id)
    ).first()
    if row is None:
        return None
    first = select(PersonPhone.sealed).where(PersonPhone.person_id == person_id).order_by(PersonPhone.position)
    sealed = db.session.scalars(first.limit(1)).first()
    phone = mask_phone(sealer().open(sealed, PHONE_COLUMN)) if sealed else ""
    person: Person = row[0]
    number = mask_id(sealer().open(person.id_sealed, ID_COLUMN)) if person.id_sealed else ""
    return Known(person, row[1], row[2] or "", phone, number)


def get_own_known(viewer: Viewer) -> Known:
    """What is known of the viewer. Raises ``NotFound`` for whoever lives in no estate."""
    found = known_of(viewer.person_id)
    if found is None or found.person.moved_out_on is not None:
        raise NotFound
    return found


def find_latest(person_id: str) -> VolunteerApplication | None:
    """The last application of a person, in whatever state."""
    own = select(VolunteerApplication).where(VolunteerApplication.person_id == person_id)
    latest = own.order_by(VolunteerApplication.applied_at.desc(), VolunteerApplication.id.desc()).limit(1)
    return db.session.scalars(latest).first()


def find_live(person_id: str) -> VolunteerApplication | None:
    """The application of a person that waits or was returned."""
    own = select(VolunteerApplication).where(VolunteerApplication.person_id == person_id)
    return db.session.scalars(own.where(VolunteerApplication.state.in_(LIVE))).first()


def find_volunteer(person_id: str) -> Volunteer | None:
    """The person on the register, in whatever standing."""
    return db.session.get(Volunteer, person_id)


def get_filed(viewer: Viewer, application_id: str, permission: str = "volunteers:read") -> Filed:
    """An application within reach. Raises ``NotFound``."""
    found = db.session.get(VolunteerApplication, application_id)
    known = known_of(found.person_id) if found is not None else None
    if found is None or known is None or not viewer.may_at(permission, known.estate.path):
        raise NotFound
    return filed(found, known)


def filed(application: VolunteerApplication, known: Known) -> Filed:
    """An application as its page needs it."""
    seal = sealer()
    number = mask_id(seal.open(application.id_sealed, NUMBER_COLUMN)) if application.id_sealed else ""
    phone = mask_phone(seal.open(application.phone_sealed, GIVEN_PHONE)) if application.phone_sealed else ""
    guardian = application.guardian_phone_sealed
    companion = select(Person.name).where(Person.id == application.companion_id)
    named = db.session.scalar(companion) if application.companion_id else ""
    return Filed(
        application, known, number, phone, mask_phone(seal.open(guardian, GUARDIAN_COLUMN)) if guardian else "",
        named or "",
    )  # fmt: skip


@dataclass(frozen=True)
class Double:
    """Somebody else's registration under the same ID number."""

    number: str
    elsewhere: bool


def find_double(person_id: str, estate_id: str, id_key: str | None) -> Double | None:
    """A registration that stands under the same ID number; one of another estate is told without its number."""
    if not id_key:
        return None
    rows = db.session.execute(
        select(Volunteer.number, Volunteer.estate_id)
        .join(Person, Person.id == Volunteer.person_id)
        .where(Person.id_key == id_key, Person.id != person_id, Volunteer.standing.in_(SERVING))
    ).all()
    found = [Double("" if row.estate_id != estate_id else row.number, row.estate_id != estate_id) for row in rows]
    return min(found, key=lambda double: double.elsewhere, default=None)


def list_applications(
    viewer: Viewer, group: str, q: str = "", *, cursor: str | None = None, limit: int = PAGE
) -> Page[Any]:
    """Applications within reach: those that wait oldest first, others newest first; in one statement."""
    a = VolunteerApplication
    wanted = (
        select(a.id, a.state, a.via, a.applied_at, a.skills, a.note, a.guardian_name, Person.name, Person.birth_date,
               Household.label, Estate.name.label("estate_name"))
        .join(Person, Person.id == a.person_id)
        .join(Estate, Estate.id == a.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .where(a.state.in_(GROUPS[group]), _reach(viewer))
    )  # fmt: skip
    if q:
        begins = Person.name.startswith(q, autoescape=True), Person.initials.startswith(q.lower(), autoescape=True)
        wanted = wanted.where(or_(*begins))
    keys, kinds = [a.applied_at, a.id], [datetime, str]
    rows = fast().execute(after(wanted, keys, kinds, cursor, limit, descending=group != "")).all()
    return page_of(rows, limit, lambda row: [row.applied_at, row.id])


def _reach(viewer: Viewer) -> ColumnElement[bool]:
    return under(Estate.path, viewer.paths("volunteers:read"))


def count_waiting(viewer: Viewer) -> int:
    """How many applications wait within reach."""
    a = VolunteerApplication
    waiting = select(func.count()).select_from(a).join(Estate, Estate.id == a.estate_id)
    return int(fast().execute(waiting.where(a.state == State.SUBMITTED, _reach(viewer))).scalar_one())


def waiting(person_ids: Collection[str]) -> set[str]:
    """Who of these people has an application in hand."""
    a = VolunteerApplication
    found: set[str] = set()
    for some in in_chunks(sorted(person_ids), 500):
        found |= set(db.session.scalars(select(a.person_id).where(a.person_id.in_(some), a.state.in_(LIVE))))
    return found
