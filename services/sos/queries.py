"""Reading emergency calls; every function takes the viewer and cuts to what that viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, or_, select, text

from community.accounts.models import LOGIN_COLUMN, Account
from community.grid.models import (
    CONTACT_COLUMN,
    PHONE_COLUMN,
    Building,
    Estate,
    Household,
    HouseholdContact,
    Person,
    PersonPhone,
    Proxy,
)
from community.grid.queries import PATH
from community.organisations.models import Organisation
from core import clock, identity
from core.access import NotFound, Viewer
from core.audit import Event
from core.database import UtcDateTime, db, fast
from core.sealing import sealer
from services.sos.aggregate import CALL_FIELDS, RESPONSE_FIELDS, UNIT, Call
from services.sos.circle import PLACE, Place
from services.sos.models import EmergencyCall, EmergencyNotice, EmergencyResponse, State

_CALL = [EmergencyCall.__table__.c[name] for name in CALL_FIELDS]
_RESPONSE = [EmergencyResponse.__table__.c[name] for name in RESPONSE_FIELDS]
ME: Any = bindparam("me")
IS_OPEN = text("emergency_call.state IN ('raised', 'answered', 'on_site')")
HINT_DAYS = timedelta(days=90)


def _one() -> Select[Any]:
    told = (
        select(EmergencyNotice.kind + UNIT + EmergencyNotice.title)
        .where(EmergencyNotice.call_id == EmergencyCall.id, EmergencyNotice.person_id == ME)
        .order_by(EmergencyNotice.told_at)
        .limit(1)
    )
    return (
        select(*_CALL, Estate.path, Estate.name, Estate.duty_phone, PATH,
               told.correlate(EmergencyCall).scalar_subquery(), *_RESPONSE)
        .join(Estate, Estate.id == EmergencyCall.estate_id)
        .join(Building, Building.id == EmergencyCall.building_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .outerjoin(EmergencyResponse, EmergencyResponse.call_id == EmergencyCall.id)
        .where(EmergencyCall.id == bindparam("id"))
        .order_by(EmergencyResponse.answered_at)
    )  # fmt: skip


_ONE = _one()


def get_call(viewer: Viewer, call_id: str) -> Call:
    """One call with those who answered, in one statement. Raises ``NotFound`` outside the viewer's reach."""
    rows = fast().execute(_ONE, {"id": call_id, "me": viewer.person_id}).all()
    if not rows:
        raise NotFound
    call = Call.from_rows(rows)
    if not call.visible_to(viewer) and viewer.person_id != "system":
        raise NotFound
    return call


_OPEN_OF = select(EmergencyCall.id).where(EmergencyCall.household_id == bindparam("household"), IS_OPEN)


def find_open(household_id: str | None) -> str | None:
    """The open call of a household, of which there is one at most."""
    return fast().execute(_OPEN_OF, {"household": household_id}).scalar() if household_id else None


@dataclass(frozen=True)
class Raising:
    """A household that help may be called for, and the person in need as far as the roll knows."""

    place: Place
    estate_name: str
    duty_phone: str
    helper_id: str | None
    person_id: str | None
    name: str
    salutation: str


_RAISING = (
    select(*PLACE, Estate.name, Estate.duty_phone, Proxy.helper_id, Person.id, Person.name, Person.sex,
           Person.birth_date)
    .join(Building, Building.id == Household.building_id)
    .join(Estate, Estate.id == Household.estate_id)
    .outerjoin(Organisation, Organisation.id == Building.party_group_id)
    .outerjoin(Proxy, (Proxy.household_id == Household.id) & (Proxy.helper_id == ME))
    .outerjoin(Person, (Person.household_id == Household.id) & Person.moved_out_on.is_(None))
    .where(Household.id == bindparam("household"))
    .order_by((Person.id == bindparam("person")).desc(), (Person.id == ME).desc(), Person.is_householder.desc(),
              Person.created_at, Person.id)
    .limit(1)
)  # fmt: skip


def find_raising(viewer: Viewer, household_id: str, person_id: str | None = None) -> Raising | None:
    """A household and who is in need there: the person named, else the viewer, else the head. Unchecked for rights."""
    values = {"me": viewer.person_id, "household": household_id, "person": person_id or ""}
    row: Any = fast().execute(_RAISING, values).first()
    if row is None:
        return None
    person, name, sex, born = row[-4:]
    age = identity.age_on(born, clock.today()) if born else None
    called = identity.honorific(name, sex, age) if person else "住户"
    return Raising(Place(*row[:8]), row[8], row[9] or "", row[10], person, name or "", called)


_HELPED = (
    select(Household.id, Household.label, Person.name)
    .select_from(Proxy)
    .join(Household, Household.id == Proxy.household_id)
    .join(Person, Person.id == Proxy.person_id)
    .where(Proxy.helper_id == ME)
    .order_by(Household.label)
    .limit(20)
)


def list_helped(viewer: Viewer) -> Sequence[Any]:
    """Households of relatives that the viewer may call help for: id, label, and who named them."""
    return fast().execute(_HELPED, {"me": viewer.person_id}).all()


_DUTY = select(Estate.duty_phone).where(Estate.id == bindparam("estate"))


def find_duty_phone(viewer: Viewer) -> str:
    """The phone on duty of the viewer's estate, or nothing."""
    return (fast().execute(_DUTY, {"estate": viewer.estate_id}).scalar() or "") if viewer.estate_id else ""


_EVENTS = (
    select(Event.at, Event.actor_id, Event.actor_name, Event.verb, Event.from_state, Event.to_state, Event.reason,
           Event.details)
    .where(Event.subject_kind == "emergency", Event.subject_id == bindparam("id"))
    .order_by(Event.at, Event.number)
)  # fmt: skip
_NOTICES = (
    select(EmergencyNotice.wave, EmergencyNotice.kind, EmergencyNotice.title, EmergencyNotice.name,
           EmergencyNotice.person_id, EmergencyNotice.contact_id, EmergencyNotice.told_at)
    .where(EmergencyNotice.call_id == bindparam("id"))
    .order_by(EmergencyNotice.wave, EmergencyNotice.kind, EmergencyNotice.title, EmergencyNotice.name)
)  # fmt: skip


def list_events(call: Call) -> Sequence[Any]:
    """What happened in a call that the viewer has read, oldest first."""
    return fast().execute(_EVENTS, {"id": call.id}).all()


def list_notices(call: Call) -> Sequence[Any]:
    """Who was told of a call that the viewer has read, wave by wave."""
    return fast().execute(_NOTICES, {"id": call.id}).all()


_DUE = (
    select(EmergencyCall.id)
    .where(EmergencyCall.next_wave_at.is_not(None), EmergencyCall.next_wave_at <= bindparam("now", type_=UtcDateTime()))
    .order_by(EmergencyCall.next_wave_at)
    .limit(500)
)


def list_due() -> Sequence[str]:
    """Calls that nobody has answered in time, longest waiting first."""
    return db.session.scalars(_DUE, {"now": clock.now()}).all()


ANY_OPEN = select(exists(select(EmergencyCall.id).where(IS_OPEN))).scalar_subquery()
"""Whether a call is open anywhere: asked with every sign-in, so that in quiet times no page asks more."""


@cache
def _open_within(count: int) -> Any:
    """Open calls within so many subtrees, or that the viewer was told of, or of their own home."""
    told = exists().where(EmergencyNotice.call_id == EmergencyCall.id, EmergencyNotice.person_id == ME)
    reach = [PATH.like(bindparam(f"path{n}") + "%") for n in range(count)]
    return (
        select(EmergencyCall.id, EmergencyCall.state, EmergencyCall.household_label, EmergencyCall.household_id,
               EmergencyCall.salutation, EmergencyCall.raised_at, EmergencyCall.lead_name, EmergencyCall.version)
        .join(Estate, Estate.id == EmergencyCall.estate_id)
        .join(Building, Building.id == EmergencyCall.building_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(IS_OPEN, or_(told, EmergencyCall.household_id == bindparam("household"), *reach))
        .order_by(EmergencyCall.raised_at)
        .limit(20)
    )  # fmt: skip


def list_open(viewer: Viewer) -> Sequence[Any]:
    """The open calls that concern the viewer, longest waiting first, in one small statement."""
    paths = viewer.paths("emergency:read")
    values = {f"path{n}": path for n, path in enumerate(paths)}
    return fast().execute(
        _open_within(len(paths)), values | {"me": viewer.person_id, "household": viewer.household_id or ""}
    ).all()  # fmt: skip


_FALSE = select(func.count()).select_from(EmergencyCall).where(
    EmergencyCall.household_id == bindparam("household"), EmergencyCall.state == State.FALSE_ALARM,
    EmergencyCall.raised_at >= bindparam("since", type_=UtcDateTime()),
)  # fmt: skip


def count_false_alarms(call: Call) -> int:
    """False alarms of the household in the 90 days up to this call."""
    since = {"household": call.household_id, "since": call.raised_at - HINT_DAYS}
    return int(fast().execute(_FALSE, since).scalar_one())


# Numbers


@dataclass(frozen=True)
class Reachable:
    """Somebody to ring: ``key`` names them on the form, the phone is masked."""

    key: str
    called: str
    masked: str


def list_reachable(call: Call) -> list[Reachable]:
    """Who can be rung about a call: the person in need first, then the household's contacts."""
    return [
        Reachable(key, called, identity.mask_phone(sealer().open(sealed, column)))
        for key, called, sealed, column in _numbers(call)
    ]


def find_number(call: Call, key: str) -> tuple[str, str]:
    """Whose number and the number in the clear. Raises ``NotFound``."""
    for found, called, sealed, column in _numbers(call):
        if found == key:
            return called, sealer().open(sealed, column)
    raise NotFound


_PERSONS_PHONE = (
    select(PersonPhone.sealed)
    .where(PersonPhone.person_id == bindparam("person"))
    .order_by(PersonPhone.position)
    .limit(1)
)
_LOGIN = select(Account.phone_sealed).where(Account.person_id == bindparam("person"))
_CONTACTS = (
    select(HouseholdContact.id, HouseholdContact.name, HouseholdContact.relation, HouseholdContact.phone_sealed)
    .where(HouseholdContact.household_id == bindparam("household"))
    .order_by(HouseholdContact.position)
)


def _numbers(call: Call) -> list[tuple[str, str, str, str]]:
    found = []
    own = _sealed_phone(call.person_id) if call.person_id else None
    if own is not None:
        found.append(("person", str(call.salutation), *own))
    for row in fast().execute(_CONTACTS, {"household": call.household_id}):
        called = f"{row.relation}{identity.mask_name(row.name)}"
        found.append((row.id, called, row.phone_sealed, CONTACT_COLUMN))
    return found


def _sealed_phone(person_id: str) -> tuple[str, str] | None:
    """A person's first number on the roll, else the one they sign in with; with the column it is sealed for."""
    if sealed := fast().execute(_PERSONS_PHONE, {"person": person_id}).scalar():
        return sealed, PHONE_COLUMN
    if sealed := fast().execute(_LOGIN, {"person": person_id}).scalar():
        return sealed, LOGIN_COLUMN
    return None


def phones_of_coming(call: Call) -> dict[str, str]:
    """The numbers, in the clear, of those on their way who agreed that the caller may see them."""
    numbers = {}
    for response in call.coming():
        if response.shares and (found := _sealed_phone(response.person_id)):
            numbers[response.person_id] = sealer().open(*found)
    return numbers


_CARE = (
    select(Person.name, Person.sex, Person.birth_date, Person.care, Person.note)
    .where(Person.household_id == bindparam("household"), Person.moved_out_on.is_(None))
    .order_by(Person.is_householder.desc(), Person.birth_date)
)


def list_care(viewer: Viewer, call: Call) -> list[tuple[str, int | None, list[str], str]]:
    """For first aid: the people of the home as called, their ages, difficulties and notes. Raises ``NotFound`` for
    viewers who may not see difficulties; the caller records the reading."""
    if not viewer.may_at("people:care", call.node):
        raise NotFound
    rows, today = fast().execute(_CARE, {"household": call.household_id}).all(), clock.today()
    found = []
    for name, sex, born, care, note in rows:
        age = identity.age_on(born, today) if born else None
        found.append((identity.honorific(name, sex, age), age, care, note))
    return found
