"""Finding people of the grid by whatever one has of them, and reading one person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from community.grid.addresses import Address, AddressError, parse_address
from community.grid.estates import block_of
from community.grid.models import (
    ID_COLUMN,
    PHONE_COLUMN,
    PHONE_TAIL,
    Building,
    Estate,
    Household,
    Person,
    PersonPhone,
    Unit,
)
from community.grid.permissions import shows_names
from community.grid.queries import PATH
from community.organisations.models import Organisation
from community.organisations.queries import under
from core.access import NotFound, Role, Viewer
from core.database import db, fast
from core.identity import mask_id, mask_name, mask_phone, normalise_id_number, normalise_phone
from core.sealing import sealer
from core.web.paging import Page, after, page_of

LENGTH = 60
"""Characters of a search that are looked at."""

PEOPLE = 50
DOORS = 20
_STEWARDS = frozenset({Role.BUILDING_STEWARD, Role.UNIT_STEWARD})


@dataclass(frozen=True)
class Found:
    """What a search shows: doors of that number, and a page of people."""

    doors: Sequence[Any]
    people: Page[dict[str, Any]]


def _within(viewer: Viewer, permission: str) -> ColumnElement[bool]:
    """Whether a person is in reach. Only a steward's reach needs the building, that of others is by estate."""
    paths = viewer.paths(permission)
    wide = {post.path for post in viewer.posts if post.role not in _STEWARDS}
    narrow = [path for path in paths if path not in wide]
    estates = Person.estate_id.in_(select(Estate.id).where(under(Estate.path, [p for p in paths if p in wide])))
    if not narrow:
        return estates
    return or_(estates, Household.building_id.in_(
        select(Building.id).join(Estate, Estate.id == Building.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id).where(under(PATH, narrow))
    ))  # fmt: skip


def search(viewer: Viewer, q: str, *, cursor: str | None = None, limit: int = PEOPLE) -> Found:
    """People by name, initials, door, phone or its last four figures, ID number; by reading; two statements at most."""
    doors: Sequence[Any] = _doors(viewer, q) if cursor is None or _address(q) else ()
    which = _which(q, doors)
    if which is None:
        return Found(doors, Page([], None))
    statement = (
        select(Person.id, Person.name, Person.pinyin, Person.birth_date, Person.sex, Person.moved_out_on,
               Household.id.label("household_id"), Household.label, Estate.name.label("estate_name"),
               PATH.label("path"))
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .outerjoin(Estate, Estate.id == Person.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(which, _within(viewer, "people:read"))
    )  # fmt: skip
    rows = fast().execute(after(statement, [Person.pinyin, Person.id], [str, str], cursor, limit)).all()
    page = page_of(rows, limit, lambda row: [row.pinyin, row.id])
    return Found(doors, Page([_shown(viewer, row) for row in page.items], page.next_cursor))


def _shown(viewer: Viewer, row: Any) -> dict[str, Any]:
    name = row.name if shows_names(viewer, row.path) else mask_name(row.name)
    return {"id": row.id, "name": name, "birth_date": row.birth_date, "household_id": row.household_id,
            "label": row.label, "estate_name": row.estate_name, "moved_out_on": row.moved_out_on}  # fmt: skip


def _which(q: str, doors: Sequence[Any]) -> ColumnElement[bool] | None:
    seal = sealer()
    if not q:
        return None
    if number := normalise_id_number(q):
        return Person.id_key == seal.index(number, ID_COLUMN)
    if phone := normalise_phone(q):
        return _has_phone(PersonPhone.number_key == seal.index(phone, PHONE_COLUMN))
    if re.fullmatch(r"\d{4}", q):
        return _has_phone(PersonPhone.tail_key == seal.index(q, PHONE_TAIL))
    if _address(q) or q.isdigit():
        return Person.household_id.in_([row.id for row in doors]) if doors else None
    if re.fullmatch(r"[A-Za-z]+", q):
        begins = Person.initials.startswith(q.lower(), autoescape=True)
        return or_(begins, func.lower(Person.name).startswith(q.lower(), autoescape=True))
    return Person.name.contains(q, autoescape=True)


def _has_phone(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return Person.id.in_(select(PersonPhone.person_id).where(which))


def _address(q: str) -> Address | None:
    try:
        return parse_address(q)
    except AddressError:
        return None


def _doors(viewer: Viewer, q: str) -> Sequence[Any]:
    """Households at the address, or with that number on the door."""
    address = _address(q)
    if address is None and not re.fullmatch(r"\d{3,4}", q):
        return ()
    door = address.door if address else q
    statement = (
        select(Household.id, Household.label, Household.is_vacant, Building.name, Estate.name.label("estate_name"))
        .join(Unit, Unit.id == Household.unit_id)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Household.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(Household.door.in_({door, door.lstrip("0") or door, door.zfill(4)}))
        .where(under(PATH, viewer.paths("people:read")))
        .order_by(Estate.name, Building.number, Building.name, Unit.number, Household.id)
    )
    if address is None:
        return fast().execute(statement.limit(DOORS)).all()
    if address.unit is not None:
        statement = statement.where(Unit.number == address.unit)
    statement = statement.where(Building.number == (address.building_number or 0))
    rows = fast().execute(statement.limit(DOORS * 10)).all()
    return [row for row in rows if block_of(row.name) == address.block_key][:DOORS]


# One person


@dataclass(frozen=True)
class PersonPage:
    """A person within reach, with the place and the masked numbers. ``path`` is where they stand in the tree."""

    person: Person
    path: str
    estate: Estate | None
    household: Household | None
    name: str
    phones: list[str]
    id_number: str


def get_person(viewer: Viewer, person_id: str, permission: str = "people:read") -> PersonPage:
    """A person with estate, household and masked numbers, in two statements. Raises ``NotFound``."""
    row = db.session.execute(
        select(Person, Estate, Household, PATH)
        .outerjoin(Estate, Estate.id == Person.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(Person.id == person_id)
    ).first()
    if row is None or row[3] is None or not viewer.may_at(permission, row[3]):
        raise NotFound
    person, estate, household, path = row
    name = person.name if shows_names(viewer, path) else mask_name(person.name)
    phones = [mask_phone(phone) for phone in open_phones(person_id)]
    number = mask_id(sealer().open(person.id_sealed, ID_COLUMN)) if person.id_sealed else ""
    return PersonPage(person, path, estate, household, name, phones, number)


def open_phones(person_id: str) -> list[str]:
    """Somebody's phones in the clear: to be masked, or shown by a reveal that is recorded."""
    sealed = select(PersonPhone.sealed).where(PersonPhone.person_id == person_id).order_by(PersonPhone.position)
    return [sealer().open(text, PHONE_COLUMN) for text in db.session.scalars(sealed)]


def find_door(viewer: Viewer, estate_id: str, text: str) -> Household | None:
    """The household of an estate, within reach for editing, at an address as people write it; None when there is none.

    Raises ``AddressError`` for a text that is no address.
    """
    address = parse_address(text)
    rows = db.session.execute(
        select(Household, Building.name, PATH)
        .join(Unit, Unit.id == Household.unit_id)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Household.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(Household.estate_id == estate_id, Building.number == (address.building_number or 0))
        .where(Unit.number == (address.unit or 0))
        .where(Household.door.in_({address.door, address.door.lstrip("0") or address.door, address.door.zfill(4)}))
    )
    for household, name, path in rows:
        if block_of(name) == address.block_key and viewer.may_at("people:edit", path):
            found: Household = household
            return found
    return None
