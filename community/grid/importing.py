"""An estate's roll into the database, in bulk. What is to be done is worked out by ``roll_plan``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Table, bindparam, delete, insert, select, update

from community.grid.estates import add_organisation, floor_of
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
from community.grid.roll_files import Note, RefusedRow, Result, RollFile, readers
from community.grid.roll_plan import Plan, Planned
from community.grid.rolls import Roll, explain, read_roll, refused_workbook, summary
from community.organisations.models import Organisation, OrganisationKind
from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.identity import pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer
from core.sheets import SheetError

CHUNK = 1000
Item = TypeVar("Item")


def read_file(data: bytes, filename: str) -> RollFile:
    """A roll of whatever kind the file holds. Raises ``SheetError`` when it cannot be read at all."""
    for reader in readers:
        if (found := reader(data, filename)) is not None:
            return found
    return ResidentFile(read_roll(data, filename))


def import_roll(estate: Estate | None, roll: Roll, actor: Viewer, *, dry_run: bool = False) -> Result:
    """Bring an estate's roll in; ``dry_run`` only tells what that would do. Caller has begun to write, and commits."""
    file = ResidentFile(roll)
    return file.plan(estate) if dry_run or estate is None else file.save(estate, actor)


class ResidentFile:
    """An estate's roll, read."""

    kind = "residents"
    title = "居民名册"

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self.hint = roll.estate_hint or ""
        self.refused = [RefusedRow(r.sheet, r.row, r.reason.value, r.value, explain(r)) for r in roll.refused]
        self.doubts = [Note(doubt.sheet, doubt.row, doubt.message) for doubt in roll.doubts]
        self.skipped = [Note(skipped.sheet, skipped.row, skipped.text) for skipped in roll.skipped]

    @property
    def size(self) -> int:
        """Rows taken and refused."""
        return len(self._roll.rows) + len(self._roll.refused)

    def counts(self) -> dict[str, Any]:
        """What the file holds and was accepted; a vacant flat is a household."""
        found = summary(self._roll)
        told = {name: found[name] for name in ("buildings", "units", "households", "people", "party_members")}
        return told | ({"floor_area": found["floor_area"]} if found["floor_area"] else {})

    def refused_workbook(self) -> bytes:
        """The refused rows under their own headers."""
        return refused_workbook(self._roll.refused)

    def aimed(self, target: str) -> RollFile:
        """A roll of residents is meant for the estate as a whole. Raises ``SheetError``."""
        raise SheetError("这是居民花名册，这里要的是志愿者名册，表头里要有特长或服务时间")

    def plan(self, estate: Estate | None) -> Result:
        """What ``save`` would do."""
        return Plan(estate.id if estate else None, self._roll).result

    def save(self, estate: Estate, actor: Viewer) -> Result:
        """Write it. Two imports into one estate wait for one another."""
        db.session.execute(select(Estate.id).where(Estate.id == estate.id).with_for_update())
        plan = Plan(estate.id, self._roll)
        _write_places(estate, plan)
        for some in in_chunks([planned for planned in plan.people if not planned.id]):
            _insert_people(estate.id, some)
        _update_people(estate.id, [planned for planned in plan.people if planned.id])
        record_import(estate, actor, self, plan.result)
        return plan.result


def record_import(estate: Estate, actor: Viewer, file: RollFile, result: Result) -> None:
    """One event for a whole roll, with its counts."""
    details = {"roll": file.title, **result.counts(), "refused": len(file.refused)}
    subject = Subject("estate", estate.id, estate.id)
    audit.record(actor.person_id, actor.name, "import_roll", subject, details=details)


def in_chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def table_of(model: Any) -> Table:
    """The table of a model, for statements over many rows."""
    return cast(Table, model.__table__)


# Places


def _write_places(estate: Estate, plan: Plan) -> None:
    branch = db.session.get_one(Organisation, estate.branch_id)
    names = select(Organisation).where(Organisation.parent_id == branch.id)
    groups = {group.name: group for group in db.session.scalars(names)}
    buildings: list[dict[str, Any]] = []
    for building_id, row in plan.new_buildings:
        name = row.building[:30]
        group = groups.get(f"{name}党小组") or add_organisation(OrganisationKind.PARTY_GROUP, f"{name}党小组", branch)
        kind = "hamlet" if row.address.is_hamlet else "building"
        buildings.append({"id": building_id, "estate_id": estate.id, "name": name, "number": row.building_number or 0,
                          "kind": kind, "party_group_id": group.id, "grid_cell_id": None})  # fmt: skip
    db.session.flush()
    _insert(Building, buildings)
    _insert(Unit, [{"id": i, "estate_id": estate.id, "building_id": b, "number": n} for i, b, n in plan.new_units])
    blank = {"occupancy": "", "is_vacant": False, "is_focal": False, "floor_area": None, "residents_count": None,
             "note": ""}  # fmt: skip
    homes = [
        blank | {"id": place.id, "estate_id": estate.id, "building_id": place.building_id, "unit_id": place.unit_id,
                 "door": place.address.door, "label": place.label,
                 "floor": 0 if place.address.is_hamlet else floor_of(place.address.door)} | place.said
        for place in plan.places.values() if place.is_new
    ]  # fmt: skip
    _insert(Household, homes)
    _update_each(Household, [(p.id, p.said) for p in plan.places.values() if not p.is_new and p.said])


def _insert(model: Any, rows: list[dict[str, Any]]) -> None:
    for some in in_chunks(rows):
        db.session.execute(insert(table_of(model)), list(some))


def _update_each(model: Any, changes: list[tuple[str, dict[str, Any]]], extra: dict[str, Any] | None = None) -> None:
    """Set different values in many rows: one statement for each set of columns, run for all rows that share it."""
    groups: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for id_, said in changes:
        groups[tuple(sorted(said))].append({"row_id": id_, **{"set_" + name: value for name, value in said.items()}})
    table = table_of(model)
    for names, rows in groups.items():
        values = {name: bindparam("set_" + name, type_=table.c[name].type) for name in names}
        statement = update(table).where(table.c.id == bindparam("row_id")).values(**values, **(extra or {}))
        db.session.connection().execute(statement, rows)


# People


def _insert_people(estate_id: str, planned: Sequence[Planned]) -> None:
    at = clock.now()
    blank: dict[str, Any] = {
        "sex": 0, "birth_date": None, "id_key": None, "id_contested": False, "is_owner": False, "relation": "",
        "is_householder": False, "political_status": "", "care": [], "note": "",
    }  # fmt: skip
    people: list[dict[str, Any]] = []
    phones: list[dict[str, Any]] = []
    for one in planned:
        id_ = new_id()
        fixed = {"id": id_, "estate_id": estate_id, "version": 1, "created_at": at, "updated_at": at}
        people.append(blank | one.said | fixed | _readings(one.row.name) | {"id_sealed": _sealed_id(one.row.id_number)})
        phones += phone_rows(id_, estate_id, one.row.phones)
    _insert(Person, people)
    _insert(PersonPhone, phones)


def _update_people(estate_id: str, planned: Sequence[Planned]) -> None:
    changes = []
    for one in planned:
        said = dict(one.said)
        if "name" in said:
            said |= _readings(said["name"])
        if "id_key" in said:
            said["id_sealed"] = _sealed_id(one.row.id_number)
        changes.append((one.id, said))
    table = table_of(Person)
    _update_each(Person, changes, {"version": table.c.version + 1, "updated_at": clock.now()})
    renewed = [one for one in planned if one.phones]
    for some in in_chunks(renewed, 500):
        db.session.execute(delete(PersonPhone).where(PersonPhone.person_id.in_([one.id for one in some])))
        _insert(PersonPhone, [row for one in some for row in phone_rows(one.id, estate_id, one.row.phones)])


def _readings(name: str) -> dict[str, str]:
    return {"pinyin": pinyin_key(name)[:120], "initials": pinyin_initials(name)[:30]}


def _sealed_id(number: str | None) -> str | None:
    return sealer().seal(number, ID_COLUMN) if number else None


def phone_rows(person_id: str, estate_id: str | None, phones: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of ``person_phone`` for somebody's numbers, in order, sealed."""
    seal = sealer()
    return [
        {"person_id": person_id, "position": n, "estate_id": estate_id, "sealed": seal.seal(phone, PHONE_COLUMN),
         "number_key": seal.index(phone, PHONE_COLUMN), "tail_key": seal.index(phone[-4:], PHONE_TAIL)}
        for n, phone in enumerate(phones)
    ]  # fmt: skip
