"""Adding, changing, moving and revealing people by hand, each with its line in the history.

The history tells old and new for what is not sensitive; of numbers, difficulties and notes only that they changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select, update

from community.grid.importing import phone_rows, table_of
from community.grid.models import ID_COLUMN, Household, Person, PersonPhone
from community.grid.search import PersonPage, open_phones
from community.grid.workflow.contacts import forget
from core import audit, clock
from core.access import Viewer
from core.audit import EVERYWHERE, Event, Subject
from core.database import db
from core.identity import POLITICAL_STATUSES, id_birth_date, id_sex, pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer
from core.workflow import Stale

TOLD = {"name": "姓名", "sex": "性别", "relation": "与户主关系", "is_householder": "户主", "is_owner": "产权人",
        "political_status": "政治面貌", "birth_date": "出生日期"}  # fmt: skip
"""What the history shows with its old and its new value."""

KEPT_BACK = {"care": "困难类别", "note": "备注", "id_key": "身份证号", "phones": "手机号"}
"""Of these the history tells only that they changed."""

SEXES = {0: "不详", 1: "男", 2: "女", 9: "未说明"}


def _subject(person_id: str, estate_id: str | None) -> Subject:
    return Subject("person", person_id, estate_id or EVERYWHERE)


def add(viewer: Viewer, household: Household, values: Mapping[str, Any]) -> str:
    """Register somebody in a household; returns the id. Raises ``ValueError`` for an ID number that is taken."""
    person_id, at = new_id(), clock.now()
    columns, _ = _columns(values, household.estate_id, person_id)
    row = {"id": person_id, "estate_id": household.estate_id, "household_id": household.id, "version": 1,
           "created_at": at, "updated_at": at, "id_sealed": None, "id_key": None, "id_contested": False,
           "moved_out_on": None, "care": []} | columns  # fmt: skip
    db.session.execute(insert(table_of(Person)), [row])
    _write_phones(person_id, household.estate_id, values.get("phones"))
    details = {"household": household.label, "version": 1}
    audit.record(viewer.person_id, viewer.name, "add_person", _subject(person_id, household.estate_id), details=details)
    return person_id


def edit(viewer: Viewer, person: Person, version: int, values: Mapping[str, Any]) -> bool:
    """Change somebody's data; False when nothing is different.

    ``values`` has the columns of the form, ``id_number`` and ``phones`` only when they were filled in. Raises
    ``Stale`` when somebody was first, ``ValueError`` for an ID number that is taken.
    """
    columns, changed_number = _columns(values, person.estate_id, person.id)
    differ = {name: value for name, value in columns.items() if getattr(person, name) != value}
    if not changed_number:
        differ = {name: value for name, value in differ.items() if name not in ("id_sealed", "id_key", "id_contested")}
    renewed = "phones" in values and values["phones"] != open_phones(person.id)
    if not differ and not renewed:
        return False
    _change(person, version, differ)
    if renewed:
        _write_phones(person.id, person.estate_id, values["phones"])
    told = {TOLD[name]: [_said(name, getattr(person, name)), _said(name, value)]
            for name, value in differ.items() if name in TOLD}  # fmt: skip
    quiet = [KEPT_BACK[name] for name in differ if name in KEPT_BACK] + (["手机号"] if renewed else [])
    details = {"changes": told, "changed": quiet, "version": version + 1}
    audit.record(viewer.person_id, viewer.name, "edit_person", _subject(person.id, person.estate_id), details=details)
    return True


def _said(name: str, value: Any) -> str:
    if name == "sex":
        return SEXES.get(value, "")
    if name == "political_status":
        return POLITICAL_STATUSES.get(value, "")
    if isinstance(value, bool):
        return "是" if value else "否"
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _columns(values: Mapping[str, Any], estate_id: str | None, person_id: str) -> tuple[dict[str, Any], bool]:
    """The columns for what a form holds, and whether the ID number is another one."""
    columns = {name: value for name, value in values.items() if name not in ("id_number", "phones")}
    columns |= {"pinyin": pinyin_key(values["name"])[:120], "initials": pinyin_initials(values["name"])[:30]}
    number = values.get("id_number")
    if not number:
        return columns, False
    key = sealer().index(number, ID_COLUMN)
    taken = select(Person.id, Person.name).where(Person.estate_id == estate_id, Person.id_key == key)
    if other := db.session.execute(taken.where(Person.id != person_id).limit(1)).first():
        raise ValueError(f"这个身份证号已经登记给{other.name}，请核对证件")
    columns |= {"id_key": key, "id_sealed": sealer().seal(number, ID_COLUMN), "id_contested": False}
    columns |= {"birth_date": id_birth_date(number), "sex": int(id_sex(number))}
    held = db.session.scalar(select(Person.id_key).where(Person.id == person_id))
    return columns, held != key


def _change(person: Person, version: int, values: Mapping[str, Any]) -> None:
    """A conditional UPDATE: whoever read an older version changes nothing. Raises ``Stale``."""
    table = table_of(Person)
    change = update(table).where(table.c.id == person.id, table.c.version == version)
    done = db.session.execute(change.values(**values, version=version + 1, updated_at=clock.now()))
    if getattr(done, "rowcount", 0) != 1:
        raise Stale("person")


def _write_phones(person_id: str, estate_id: str | None, phones: list[str] | None) -> None:
    db.session.execute(delete(PersonPhone).where(PersonPhone.person_id == person_id))
    if phones:
        db.session.execute(insert(table_of(PersonPhone)), phone_rows(person_id, estate_id, phones))


def changed_since(person_id: str, version: int) -> list[tuple[str, str, str]]:
    """What others did to a person after a version: what, before, now; sensitive values are not told."""
    events = select(Event).where(Event.subject_kind == "person", Event.subject_id == person_id).order_by(Event.at)
    found: list[tuple[str, str, str]] = []
    for event in db.session.scalars(events.limit(500)):
        if event.details.get("version", 0) > version:
            found += [(what, old, new or "空") for what, (old, new) in event.details.get("changes", {}).items()]
            found += [(what, "", f"已由{event.actor_name}更新") for what in event.details.get("changed", [])]
    return found


def move(viewer: Viewer, page: PersonPage, version: int, household: Household) -> None:
    """Move somebody to another household of the estate, or back into one. Raises ``Stale``."""
    person = page.person
    verb = "move_back" if person.moved_out_on else "move_person"
    before = page.household.label if page.household else ""
    _change(person, version, {"household_id": household.id, "moved_out_on": None})
    if page.household:
        forget(viewer, page.household.id, page.household.estate_id)
    _record_move(viewer, person, verb, version, before, household.label)


def move_out(viewer: Viewer, page: PersonPage, version: int, on: date) -> None:
    """Close somebody's stay with a day. They keep history and account, but no household. Raises ``Stale``."""
    before = page.household.label if page.household else ""
    _change(page.person, version, {"household_id": None, "moved_out_on": on, "is_householder": False})
    if page.household:
        forget(viewer, page.household.id, page.household.estate_id)
    _record_move(viewer, page.person, "move_out", version, before, f"已搬走（{on.isoformat()}）")


def _record_move(viewer: Viewer, person: Person, verb: str, version: int, before: str, now: str) -> None:
    details = {"changes": {"住处": [before, now]}, "version": version + 1}
    audit.record(viewer.person_id, viewer.name, verb, _subject(person.id, person.estate_id), details=details)


def reveal(viewer: Viewer, page: PersonPage, field: str, reason: str) -> str:
    """One number of somebody's in the clear; who, which and why is recorded. Empty when there is none."""
    person = page.person
    if field == "phone":
        value = "、".join(open_phones(person.id))
    else:
        value = sealer().open(person.id_sealed, ID_COLUMN) if person.id_sealed else ""
    audit.record(viewer.person_id, viewer.name, "reveal", _subject(person.id, person.estate_id), reason=reason,
                 details={"field": field})  # fmt: skip
    return value
