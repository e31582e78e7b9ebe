"""What an estate's roll would change: who is new, who is different, who is no longer named. Reads only.

A row is somebody known by the ID number, with the name where two people share one; else by household and name. What a
row leaves empty is left as it is; what it states replaces what was there, phones as a whole. Counts are of persons.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from community.grid.addresses import Address
from community.grid.estates import block_of, door_label
from community.grid.models import ID_COLUMN, PHONE_COLUMN, Building, Household, Person, PersonPhone, Unit
from community.grid.roll_files import Result
from community.grid.rolls import Roll, RollRow
from core.database import db
from core.identity import mask_name
from core.ids import new_id
from core.sealing import sealer

FIELD_NAMES = {
    "name": "姓名",
    "household_id": "住处",
    "sex": "性别",
    "birth_date": "出生日期",
    "id_key": "身份证号",
    "id_contested": "身份证号待核对",
    "is_owner": "产权人",
    "relation": "与户主关系",
    "is_householder": "户主",
    "political_status": "政治面貌",
    "care": "困难类别",
    "note": "备注",
    "moved_out_on": "搬离日期",
    "phones": "手机号",
}
PARTIAL_SHEET = "未导入的行"
"""A workbook of refused rows, mended: it names a few people only, so nobody has left by not being in it."""


@dataclass(slots=True)
class Known:
    """A person as the database has them."""

    id: str
    household_id: str | None
    name: str
    sex: int
    birth_date: date | None
    id_key: str | None
    id_contested: bool
    is_owner: bool
    relation: str
    is_householder: bool
    political_status: str
    care: list[str]
    note: str
    moved_out_on: date | None
    phones: list[str] = field(default_factory=list)
    claimed: bool = False


_COLUMNS = (
    Person.id, Person.household_id, Person.name, Person.sex, Person.birth_date, Person.id_key, Person.id_contested,
    Person.is_owner, Person.relation, Person.is_householder, Person.political_status, Person.care, Person.note,
    Person.moved_out_on,
)  # fmt: skip


@dataclass(slots=True)
class Place:
    """A household of the roll: where it stands, what the roll says of it, and whether it is new."""

    id: str
    building_id: str
    unit_id: str
    address: Address
    label: str
    is_new: bool
    said: dict[str, Any]


@dataclass(slots=True)
class Planned:
    """A person to be written: a new one when ``id`` is empty, else only the values in ``said`` that differ."""

    id: str
    row: RollRow
    place: Place
    said: dict[str, Any]
    phones: bool


class Plan:
    """The roll beside what the estate has. ``estate_id`` is None for an estate that does not exist yet."""

    def __init__(self, estate_id: str | None, roll: Roll) -> None:
        self.estate_id, self.roll, self.result = estate_id, roll, Result()
        self.buildings: dict[tuple[str, str], tuple[str, str]] = {}
        self.units: dict[tuple[str, int], str] = {}
        self.new_buildings: list[tuple[str, RollRow]] = []
        self.new_units: list[tuple[str, str, int]] = []
        self.places: dict[Any, Place] = {}
        self.people: list[Planned] = []
        self._households: dict[tuple[str, str], Any] = {}
        self._known: list[Known] = []
        self._by_key: defaultdict[str, list[Known]] = defaultdict(list)
        self._by_home: defaultdict[tuple[str | None, str], list[Known]] = defaultdict(list)
        self._load()
        self._plan_places()
        self._plan_people()
        self._find_leavers()

    def _load(self) -> None:
        if self.estate_id is None:
            return
        here = self.estate_id
        for row in db.session.execute(select(Building.id, Building.name).where(Building.estate_id == here)):
            self.buildings[block_of(row.name)] = (row.id, row.name)
        for unit in db.session.execute(select(Unit.building_id, Unit.number, Unit.id).where(Unit.estate_id == here)):
            self.units[unit.building_id, unit.number] = unit.id
        columns = (Household.id, Household.unit_id, Household.door, Household.occupancy, Household.is_vacant,
                   Household.floor_area, Household.residents_count, Household.note)  # fmt: skip
        for home in db.session.execute(select(*columns).where(Household.estate_id == here)):
            self._households[home.unit_id, home.door] = home
        people = {row.id: Known(*row) for row in db.session.execute(select(*_COLUMNS).where(Person.estate_id == here))}
        phones = select(PersonPhone.person_id, PersonPhone.number_key).where(PersonPhone.estate_id == here)
        for person_id, key in db.session.execute(phones.order_by(PersonPhone.person_id, PersonPhone.position)):
            people[person_id].phones.append(key)
        self._known = list(people.values())
        for person in self._known:
            if person.id_key:
                self._by_key[person.id_key].append(person)
            if person.household_id:
                self._by_home[person.household_id, person.name].append(person)

    # Places

    def _plan_places(self) -> None:
        groups: defaultdict[Any, list[RollRow]] = defaultdict(list)
        for row in self.roll.rows:
            groups[row.address.key].append(row)
        for key, rows in groups.items():
            place = self._place(rows[0])
            known = self._households.get((place.unit_id, place.address.door))
            place.said = _said_of_home(rows, known)
            self.places[key] = place
            if place.is_new:
                self.result.households_created += 1
            elif place.said:
                self.result.households_updated += 1

    def _place(self, row: RollRow) -> Place:
        address = row.address
        found = self.buildings.get(address.block_key)
        if found is None:
            found = self.buildings[address.block_key] = (new_id(), row.building[:30])
            self.new_buildings.append((found[0], row))
        building_id, name = found
        number = address.unit or 0
        unit_id = self.units.get((building_id, number))
        if unit_id is None:
            unit_id = self.units[building_id, number] = new_id()
            self.new_units.append((unit_id, building_id, number))
        home = self._households.get((unit_id, address.door))
        home_id = home.id if home else new_id()
        return Place(home_id, building_id, unit_id, address, door_label(name, address)[:60], home is None, {})

    # People

    def _plan_people(self) -> None:
        seal = sealer()
        keyed = [
            (row, seal.index(row.id_number, ID_COLUMN) if row.id_number else None) for row in self.roll.rows if row.name
        ]
        found: dict[int, Known] = {}
        for n, (row, key) in enumerate(keyed):
            if key and (known := self._by_number(row, key)):
                known.claimed = True
                found[n] = known
        for n, (row, key) in enumerate(keyed):
            known_or_none = found.get(n) or self._by_name(row, key)
            if known_or_none is not None:
                known_or_none.claimed = True
            self._plan_person(row, key, known_or_none)

    def _by_number(self, row: RollRow, key: str) -> Known | None:
        same = [known for known in self._by_key[key] if not known.claimed]
        by_name = [known for known in same if known.name == row.name]
        shared = row.id_contested or len(self._by_key[key]) > 1 or any(known.id_contested for known in same)
        return next(iter(by_name if shared else by_name or same), None)

    def _by_name(self, row: RollRow, key: str | None) -> Known | None:
        """Of the people of this name in the household the one that differs least; never one with another number."""
        home = self.places[row.address.key].id
        same = [known for known in self._by_home[home, row.name] if not known.claimed and not (key and known.id_key)]
        return min(same, key=lambda known: len(self._differences(row, key, known)), default=None)

    def _differences(self, row: RollRow, key: str | None, known: Known) -> dict[str, Any]:
        said = said_of(row, key, self.places[row.address.key].id)
        differ = {name: value for name, value in said.items() if getattr(known, name) != value}
        keys = [sealer().index(phone, PHONE_COLUMN) for phone in row.phones]
        return differ | ({"phones": keys} if keys and keys != known.phones else {})

    def _plan_person(self, row: RollRow, key: str | None, known: Known | None) -> None:
        place = self.places[row.address.key]
        if known is None:
            self.people.append(Planned("", row, place, said_of(row, key, place.id), bool(row.phones)))
            self.result.created += 1
            self.result.tell(place.label, mask_name(row.name), "新增")
            return
        differ = self._differences(row, key, known)
        if not differ:
            self.result.unchanged += 1
            return
        what = "、".join(FIELD_NAMES[name] for name in differ)
        phones = differ.pop("phones", None) is not None
        self.people.append(Planned(known.id, row, place, differ, phones))
        self.result.updated += 1
        self.result.tell(place.label, mask_name(row.name), what)

    # Leavers

    def _find_leavers(self) -> None:
        """People living in the buildings of the roll whom it no longer names, those of refused rows left out."""
        sheets = {row.sheet for row in self.roll.rows} | {refusal.sheet for refusal in self.roll.refused}
        if PARTIAL_SHEET in sheets:
            return
        covered = {place.building_id for place in self.places.values()}
        homes = {home.id: key for key, home in self._households.items()}
        units = {unit_id: building_id for (building_id, _), unit_id in self.units.items()}
        names = {refusal.name for refusal in self.roll.refused if refusal.name}
        unnamed = {refusal.address.key for refusal in self.roll.refused if refusal.address and not refusal.name}
        spared = {place.id for key, place in self.places.items() if key in unnamed}
        for known in self._known:
            if known.claimed or known.moved_out_on or known.household_id not in homes or known.household_id in spared:
                continue
            if units[homes[known.household_id][0]] in covered and known.name not in names:
                self.result.leavers.append(known.id)


def said_of(row: RollRow, key: str | None, home: str) -> dict[str, Any]:
    """What a row states of a person, by column; a number of somebody else's stays in doubt until it is looked into."""
    said: dict[str, Any] = {"name": row.name, "household_id": home, "moved_out_on": None}
    note = row.note
    if row.political_code is None and row.political_status:
        note = "；".join(filter(None, [note, f"政治面貌写作“{row.political_status}”"]))
    if row.relation or row.is_householder:
        said["is_householder"] = row.is_householder
    optional: dict[str, Any] = {
        "sex": int(row.sex), "birth_date": row.birth_date, "id_key": key, "id_contested": row.id_contested,
        "is_owner": row.is_owner, "relation": row.relation[:20], "political_status": row.political_code,
        "care": [part[:20] for part in dict.fromkeys(row.care.split("、")) if part][:12], "note": note[:500],
    }  # fmt: skip
    return said | {name: value for name, value in optional.items() if value}


def _said_of_home(rows: list[RollRow], known: Any) -> dict[str, Any]:
    """What the rows of a household state of it, as far as it differs from what is known."""
    said: dict[str, Any] = {}
    if occupancy := next((row.occupancy for row in rows if row.occupancy), ""):
        said |= {"occupancy": occupancy[:12], "is_vacant": any(row.is_vacant for row in rows)}
    elif any(row.name for row in rows):
        said["is_vacant"] = False
    area = next((row.floor_area for row in rows if row.floor_area is not None), None)
    if area is not None and area < 10**7:
        said["floor_area"] = Decimal(f"{area:.2f}")
    count = next((row.residents_count for row in rows if row.residents_count is not None), None)
    if count is not None and count < 10_000:
        said["residents_count"] = count
    if note := "；".join(row.note for row in rows if row.note and not row.name):
        said["note"] = note[:500]
    return said if known is None else {name: value for name, value in said.items() if getattr(known, name) != value}
