"""Naming, changing, ordering and dropping a household's contacts, each with its line in the history.

The history tells relation and that a phone changed, neither names nor numbers: a contact is nobody of this roll.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update

from community.accounts.queries import phone_key
from community.grid.contacts import CONTACTS, Door, find_known
from community.grid.importing import table_of
from community.grid.models import CONTACT_COLUMN, HouseholdContact, Person
from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.sealing import sealer
from core.workflow import Stale


def add(viewer: Viewer, door: Door, name: str, relation: str, phone: str) -> None:
    """Name a contact, who has agreed, behind those named before. Raises ``ValueError`` (Chinese). Caller commits."""
    held = select(func.count(), func.max(HouseholdContact.position)).where(HouseholdContact.household_id == door.id)
    count, last = db.session.execute(held).one()
    if count >= CONTACTS:
        raise ValueError(f"最多填{CONTACTS}位紧急联系人，请先移除一位")
    same = select(HouseholdContact.id).where(
        HouseholdContact.household_id == door.id, HouseholdContact.login_key == phone_key(phone)
    )
    if db.session.execute(same.limit(1)).first() is not None:
        raise ValueError("这个手机号已经在名单里")
    row = {
        "id": new_id(), "estate_id": door.estate_id, "household_id": door.id,
        "position": 0 if last is None else last + 1, "name": name, "relation": relation, "version": 1,
        "agreed_at": clock.now(), "stated_by": viewer.person_id, "updated_at": clock.now(),
    } | _number(door, name, phone)  # fmt: skip
    db.session.execute(insert(table_of(HouseholdContact)), [row])
    _record(viewer, door, "add_contact", {"relation": relation})


def _number(door: Door, name: str, phone: str) -> dict[str, Any]:
    return {
        "phone_sealed": sealer().seal(phone, CONTACT_COLUMN), "login_key": phone_key(phone),
        "person_id": find_known(door.estate_id, name, phone),
    }  # fmt: skip


def change(
    viewer: Viewer, contact: HouseholdContact, door: Door, version: int, name: str, relation: str, phone: str
) -> None:
    """Change a contact; an empty phone stays as it is. Raises ``Stale``. Caller commits."""
    number = phone or sealer().open(contact.phone_sealed, CONTACT_COLUMN)
    table = table_of(HouseholdContact)
    values = {"name": name, "relation": relation, "version": version + 1, "updated_at": clock.now()}
    values |= _number(door, name, number) | {"agreed_at": clock.now(), "stated_by": viewer.person_id}
    changed = update(table).where(table.c.id == contact.id, table.c.version == version).values(**values)
    if db.session.execute(changed.returning(table.c.id)).first() is None:
        raise Stale("household_contact")
    details: dict[str, Any] = {"relation": relation}
    if contact.relation != relation:
        details["changes"] = {"关系": [contact.relation, relation]}
    details["changed"] = [what for what, new in (("姓名", name != contact.name), ("手机号", bool(phone))) if new]
    _record(viewer, door, "edit_contact", details)


def put_first(viewer: Viewer, contact: HouseholdContact, door: Door) -> None:
    """Put a contact before the others. Caller commits."""
    table = table_of(HouseholdContact)
    first = select(func.min(table.c.position)).where(table.c.household_id == door.id).scalar_subquery()
    db.session.execute(update(table).where(table.c.id == contact.id).values(position=first - 1))
    _record(viewer, door, "order_contacts", {"relation": contact.relation})


def drop(viewer: Viewer, contact: HouseholdContact, door: Door) -> None:
    """Take a contact off the list: name and number are deleted. Caller commits."""
    table = table_of(HouseholdContact)
    db.session.execute(delete(table).where(table.c.id == contact.id))
    _record(viewer, door, "drop_contact", {"relation": contact.relation})


def forget(viewer: Viewer, household_id: str, estate_id: str) -> None:
    """Delete the contacts of a household from which the last of those who lived there when they were named has gone:
    whoever moves in next has others. Caller commits."""
    still = exists().where(
        Person.household_id == household_id, Person.moved_out_on.is_(None),
        Person.created_at <= HouseholdContact.agreed_at,
    )  # fmt: skip
    gone = delete(HouseholdContact).where(HouseholdContact.household_id == household_id, ~still)
    done = db.session.execute(gone.returning(HouseholdContact.id).execution_options(synchronize_session=False)).all()
    if done:
        subject = Subject("household", household_id, estate_id)
        audit.record(viewer.person_id, viewer.name, "drop_contact", subject, reason="原来的住户都搬走了")


def reveal(viewer: Viewer, contact: HouseholdContact, door: Door, reason: str) -> str:
    """A contact's number in the clear; who looked and why is recorded. Caller commits."""
    _record(viewer, door, "reveal", {"field": "phone", "relation": contact.relation}, reason)
    return sealer().open(contact.phone_sealed, CONTACT_COLUMN)


def _record(viewer: Viewer, door: Door, verb: str, details: dict[str, Any], reason: str = "") -> None:
    subject = Subject("household", door.id, door.estate_id)
    audit.record(viewer.person_id, viewer.name, verb, subject, reason=reason, details=details)
