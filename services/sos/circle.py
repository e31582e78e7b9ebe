"""Who is told of an emergency call, level by level, each person once and as what they are nearest by.

Level 0 is the family, the grid worker, the stewards of the building and the nearest volunteers on call; 1 the branch
and all volunteers on call; 2 the community; 3 the subdistrict. Nobody known to be under 18 is told, and a volunteer on
call must be known to be of age (志愿服务条例; minors take no part in emergency rescue).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, bindparam, func, literal, or_, select, union_all

from community.accounts.models import Account
from community.grid.models import Building, Estate, Household, HouseholdContact, Person, Proxy
from community.grid.queries import PATH
from community.organisations.models import Appointment, Organisation
from core import clock
from core.access import ROLE_NAMES, Role
from core.database import fast
from core.identity import age_on
from services.sos.models import Kind
from volunteers.registry.models import Volunteer

log = logging.getLogger(__name__)
TOP = 3
ADULT = 18
ASKED = 300
LEVELS: tuple[tuple[Role, ...], ...] = (
    (Role.GRID_WORKER, Role.BUILDING_STEWARD, Role.UNIT_STEWARD),
    (Role.DEPUTY_SECRETARY, Role.SECRETARY),
    (Role.COMMUNITY_STAFF,),
    (Role.SUBDISTRICT_STAFF,),
)
ON_DUTY: list[Callable[[str, datetime], Sequence[str]]] = []
"""Who is on duty in an estate at a moment, as ids of people; a rota puts its answer in here."""

TELL_OUTSIDER: list[Callable[[str, str], None]] = []
"""Ways to reach a contact who is unknown here: a function of the sealed phone (``CONTACT_COLUMN``) and the text."""


@dataclass(frozen=True)
class Place:
    """Where help is needed."""

    household_id: str
    label: str
    building_id: str
    building_number: int
    unit_id: str
    estate_id: str
    estate_path: str
    node: str


@dataclass(frozen=True)
class Told:
    """Somebody to tell. An outsider has no ``person_id``, but a ``contact_id`` and the sealed ``phone``."""

    kind: Kind
    title: str
    name: str
    person_id: str | None
    contact_id: str | None = None
    phone: str = ""


PLACE = (
    Household.id, Household.label, Household.building_id, Building.number, Household.unit_id, Estate.id, Estate.path,
    PATH,
)  # fmt: skip
_PLACE = (
    select(*PLACE)
    .join(Building, Building.id == Household.building_id)
    .join(Estate, Estate.id == Household.estate_id)
    .outerjoin(Organisation, Organisation.id == Building.party_group_id)
    .where(Household.id == bindparam("household"))
)


def place_of(household_id: str) -> Place:
    """The place of a household that is known to exist."""
    return Place(*fast().execute(_PLACE, {"household": household_id}).one())


def _ancestors(node: str) -> list[str]:
    parts = node.rstrip("/").split("/")
    return ["/".join(parts[: n + 1]) + "/" for n in range(len(parts))]


_TODAY = bindparam("today", type_=Date())
_POSTS = (
    select(Appointment.role, Person.id, Person.name)
    .join(Organisation, Organisation.id == Appointment.organisation_id)
    .join(Person, Person.id == Appointment.person_id)
    .where(Organisation.path.in_(bindparam("paths", expanding=True)))
    .where(Appointment.role.in_(bindparam("roles", expanding=True)), Appointment.starts_on <= _TODAY)
    .where(or_(Appointment.ends_on.is_(None), Appointment.ends_on >= _TODAY))
    .order_by(Organisation.path.desc(), Appointment.starts_on, Person.id)
)


def _posted(place: Place, levels: Collection[int]) -> list[Told]:
    """Holders of the posts of these levels, at the building, the branch or a body above it."""
    roles = [role for level in sorted(levels) for role in LEVELS[level]]
    values = {"paths": _ancestors(place.node), "roles": roles, "today": clock.today()}
    rows = fast().execute(_POSTS, values).all()
    found = [Told(Kind.STAFF, ROLE_NAMES[Role(role)], name, id_) for role, id_, name in rows]
    return sorted(found, key=lambda told: roles.index(_ROLES[told.title]))


_ROLES = {ROLE_NAMES[role]: role for level in LEVELS for role in level}
_HOME: Any = bindparam("household")
_HOLDER = Person.__table__.alias("holder")
_FAMILY = union_all(
    select(
        literal(0).label("rank"), HouseholdContact.position.label("position"), Person.id.label("person"),
        HouseholdContact.name.label("name"), HouseholdContact.relation.label("title"),
        HouseholdContact.id.label("contact"), HouseholdContact.phone_sealed.label("phone"),
        Person.birth_date.label("born"),
    )
    .outerjoin(Account, (Account.phone_key == HouseholdContact.login_key) & Account.disabled_at.is_(None))
    .outerjoin(_HOLDER, (_HOLDER.c.id == Account.person_id) & (_HOLDER.c.name == HouseholdContact.name))
    .outerjoin(Person, Person.id == func.coalesce(HouseholdContact.person_id, _HOLDER.c.id))
    .where(HouseholdContact.household_id == _HOME),
    select(literal(1), literal(0), Person.id, Person.name, literal("家人"), literal(""), literal(""), Person.birth_date)
    .where(Person.household_id == _HOME, Person.moved_out_on.is_(None)),
    select(literal(2), literal(0), Person.id, Person.name, Proxy.relation, literal(""), literal(""), Person.birth_date)
    .join(Person, Person.id == Proxy.helper_id)
    .where(Proxy.household_id == _HOME),
).order_by("rank", "position", "person")  # fmt: skip


def _family(place: Place) -> list[Told]:
    """The contacts that the household named, those who live there, and those who may order for it."""
    today = clock.today()
    found = []
    for row in fast().execute(_FAMILY, {"household": place.household_id}):
        if row.born is not None and age_on(row.born, today) < ADULT:
            continue
        kind = Kind.FAMILY if row.person else Kind.OUTSIDER
        found.append(Told(kind, row.title, row.name, row.person, row.contact or None, row.phone))
    return found


_BORN = bindparam("born", type_=Date())
_ON_CALL = (
    select(Person.id, Person.name, Household.building_id, Household.unit_id, Building.number)
    .join(Volunteer, Volunteer.person_id == Person.id)
    .outerjoin(Household, Household.id == Person.household_id)
    .outerjoin(Building, Building.id == Household.building_id)
    .where(Volunteer.estate_id == bindparam("estate"), Volunteer.is_on_call, Volunteer.standing == "active")
    .where(Person.birth_date <= _BORN, Person.moved_out_on.is_(None))
    .where(or_(Person.household_id.is_(None), Person.household_id != _HOME))
    .order_by(Person.id)
    .limit(ASKED)
)
_PEOPLE = select(Person.id, Person.name).where(
    Person.id.in_(bindparam("people", expanding=True)), or_(Person.birth_date.is_(None), Person.birth_date <= _BORN)
)


def _adult_since() -> date:
    today = clock.today()
    return date(today.year - ADULT, today.month, min(today.day, 28) if today.month == 2 else today.day)


def _volunteers(place: Place, first: int | None) -> list[Told]:
    """Volunteers on call, the nearest first: the same stairwell, the same building, then by the buildings' numbers."""
    values = {"estate": place.estate_id, "household": place.household_id, "born": _adult_since()}
    rows = fast().execute(_ON_CALL, values).all()
    rows = sorted(rows, key=lambda row: _distance(place, row))
    return [Told(Kind.VOLUNTEER, ROLE_NAMES[Role.VOLUNTEER], row.name, row.id) for row in rows[:first]]


def _distance(place: Place, row: Any) -> tuple[bool, bool, int]:
    far = abs(row.number - place.building_number) if row.number is not None else 10**6
    return row.unit_id != place.unit_id, row.building_id != place.building_id, far


def _on_duty(place: Place) -> list[Told]:
    people = list(dict.fromkeys(person for ask in ON_DUTY for person in ask(place.estate_id, clock.now())))
    if not people:
        return []
    rows = fast().execute(_PEOPLE, {"people": people, "born": _adult_since()}).all()
    return [Told(Kind.VOLUNTEER, "值班志愿者", name, id_) for id_, name in rows]


def gather(place: Place, levels: Collection[int], first: int, leave_out: Iterable[str]) -> list[Told]:
    """Everybody of these levels, each person once, those left out who know already. ``first``: how many volunteers on
    call the lowest level asks."""
    found = _posted(place, levels)
    if 0 in levels:
        found += _family(place)
    if 1 in levels:
        found += _volunteers(place, None)
    elif 0 in levels:
        found += _on_duty(place) + (_volunteers(place, first) if first else [])
    once: dict[str, Told] = {}
    known = set(leave_out)
    for told in found:
        if told.person_id not in known:
            once.setdefault(told.person_id or f"contact {told.contact_id}", told)
    return list(once.values())


def wave(place: Place, above: int, target: int, first: int, leave_out: Iterable[str]) -> tuple[int, list[Told]]:
    """The next wave: whom to tell and how far up the line it reaches.

    It takes in the levels over ``above`` up to ``target``; when nobody is there, those further up; when nobody is there
    either, the highest level that has anybody is told again.
    """
    known = list(leave_out)
    start = min(above + 1, TOP)
    for reach in range(min(max(start, target), TOP), TOP + 1):
        if told := gather(place, range(start, reach + 1), first, known):
            return reach, told
    for level in range(start - 1, -1, -1):
        if told := gather(place, [level], first, known):
            return TOP, told
    return TOP, []


def tell_outsiders(told: Iterable[Told], text: str) -> None:
    """Reach contacts unknown here, after the call is written. A way that fails is no reason for another not to try."""
    for one in told:
        if one.kind != Kind.OUTSIDER:
            continue
        for tell in TELL_OUTSIDER:
            try:
                tell(one.phone, text)
            except Exception as error:
                log.warning("a contact of an emergency call was not reached: %s", type(error).__name__)
