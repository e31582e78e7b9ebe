"""Reading whom to reach when a household is in need (紧急联系人)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from community.accounts.models import Account
from community.accounts.queries import phone_key
from community.grid.models import (
    CONTACT_COLUMN,
    PHONE_COLUMN,
    Building,
    Estate,
    Household,
    HouseholdContact,
    Person,
    PersonPhone,
)
from community.grid.queries import PATH
from community.organisations.models import Organisation
from core.access import Forbidden, NotFound, Viewer
from core.database import db, fast
from core.identity import mask_phone
from core.sealing import sealer

CONTACTS = 5
"""Contacts that one household may have."""

RELATIONS = ("儿子", "女儿", "配偶", "儿媳", "女婿", "兄弟姐妹", "孙辈", "邻居", "朋友", "保姆")


@dataclass(frozen=True)
class Door:
    """The household whose contacts are shown, and where it stands in the organisation tree."""

    id: str
    label: str
    estate_id: str
    path: str


@dataclass(frozen=True)
class Contact:
    """A contact as a page shows it; ``is_known``: is told through this site, too."""

    id: str
    name: str
    relation: str
    masked: str
    is_known: bool


_DOOR = (
    select(Household.id, Household.label, Household.estate_id, PATH)
    .join(Building, Building.id == Household.building_id)
    .join(Estate, Estate.id == Household.estate_id)
    .outerjoin(Organisation, Organisation.id == Building.party_group_id)
)


def get_own_door(viewer: Viewer) -> Door:
    """The viewer's own household. Raises ``Forbidden`` for somebody who has none."""
    if viewer.household_id is None:
        raise Forbidden("您的档案里没有住址，不能填紧急联系人，请找网格员登记")
    return Door(*fast().execute(_DOOR.where(Household.id == viewer.household_id)).one())


def get_door(viewer: Viewer, household_id: str) -> Door:
    """A household that the viewer may look after. Raises ``NotFound``."""
    row = fast().execute(_DOOR.where(Household.id == household_id)).first()
    if row is None or not viewer.may_at("people:edit", row[3]):
        raise NotFound
    return Door(*row)


def get_contact(viewer: Viewer, contact_id: str) -> tuple[HouseholdContact, Door]:
    """A contact of the viewer's own household, or of one they look after. Raises ``NotFound``."""
    found = db.session.get(HouseholdContact, contact_id)
    if found is None:
        raise NotFound
    if found.household_id == viewer.household_id:
        return found, get_own_door(viewer)
    return found, get_door(viewer, found.household_id)


def list_contacts(door: Door) -> list[Contact]:
    """The contacts of a household that the viewer has read, in their order, phones masked."""
    holder = Person.__table__.alias("holder")
    wanted = (
        select(HouseholdContact.id, HouseholdContact.name, HouseholdContact.relation, HouseholdContact.phone_sealed,
               func.coalesce(HouseholdContact.person_id, holder.c.id))
        .outerjoin(Account, (Account.phone_key == HouseholdContact.login_key) & Account.disabled_at.is_(None))
        .outerjoin(holder, (holder.c.id == Account.person_id) & (holder.c.name == HouseholdContact.name))
        .where(HouseholdContact.household_id == door.id)
        .order_by(HouseholdContact.position, HouseholdContact.id)
    )  # fmt: skip
    return [
        Contact(id_, name, relation, masked(sealed), person is not None)
        for id_, name, relation, sealed, person in fast().execute(wanted)
    ]


def masked(sealed: str) -> str:
    """A contact's phone as pages show it."""
    return mask_phone(sealer().open(sealed, CONTACT_COLUMN))


def find_known(estate_id: str, name: str, phone: str) -> str | None:
    """The person of this name and phone: one with an account, or one on the roll of the estate.

    Both must fit, so that nobody learns from a number alone whose it is.
    """
    held = select(Person.id).join(Account, Account.person_id == Person.id)
    held = held.where(Account.phone_key == phone_key(phone), Account.disabled_at.is_(None), Person.name == name)
    listed = select(Person.id).join(PersonPhone, PersonPhone.person_id == Person.id)
    listed = listed.where(PersonPhone.estate_id == estate_id, Person.moved_out_on.is_(None), Person.name == name)
    listed = listed.where(PersonPhone.number_key == sealer().index(phone, PHONE_COLUMN))
    found: Any = db.session.scalar(held) or db.session.scalar(listed.limit(1))
    return str(found) if found else None
