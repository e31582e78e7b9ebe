"""A team's roll into the database: people of the estate become volunteers, with skills and weekly hours.

A row is the person of the estate with this ID number, else with this phone and name, else somebody new. Reading the
roll again changes nothing; a newer one replaces what it states, and a skill that was verified stays so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from community.grid.addresses import AddressError, parse_address
from community.grid.estates import block_of
from community.grid.importing import in_chunks, phone_rows, record_import, table_of
from community.grid.models import ID_COLUMN, PHONE_COLUMN, Building, Estate, Household, Person, PersonPhone, Unit
from community.grid.roll_files import Note, RefusedRow, Result, RollFile
from community.grid.roll_terms import VOCABULARY as RESIDENT_VOCABULARY
from community.organisations.models import Appointment
from core import clock
from core.access import Role, Viewer
from core.database import db
from core.headers import find_table
from core.identity import id_birth_date, mask_name, pinyin_initials, pinyin_key
from core.ids import digits, new_id
from core.sealing import sealer
from core.sheets import open_sheets, write_workbook
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.rolls import VOCABULARY, VolunteerRoll, VolunteerRow, read_volunteer_roll

UNCLEAR_LENGTH = 200
REFUSED_HEADER = "未导入原因"
_OF_A_TEAM = (frozenset({"name"}), frozenset({"skills", "hours"}))
_OF_RESIDENTS = frozenset({"relation", "occupancy", "floor_area", "householder", "unit", "door"})


def read(data: bytes, filename: str) -> RollFile | None:
    """The file as a team's roll, or None when it is none: it must say what its people can do, or when."""
    for sheet in open_sheets(data, filename):
        table = find_table(sheet, VOCABULARY, _OF_A_TEAM)
        if table is None:
            continue
        homes = find_table(sheet, RESIDENT_VOCABULARY, (frozenset({"name"}),))
        if homes is None or not _OF_RESIDENTS & homes.columns.keys():
            return VolunteerFile(read_volunteer_roll(data, filename))
    return None


@dataclass(slots=True)
class _Known:
    """A person of the estate, and what kind of volunteer they are if they are one."""

    id: str
    name: str
    has_number: bool
    phones: int
    volunteer: Any | None
    skills: set[str]
    windows: set[tuple[int, int, int]]


@dataclass(slots=True)
class _Planned:
    """A row beside the person it is, and what about them is new."""

    row: VolunteerRow
    person: _Known | None
    home: str | None
    new_phones: bool
    new_number: bool
    differ: dict[str, Any]
    new_skills: bool
    new_windows: bool


class VolunteerFile:
    """A team's roll, read."""

    kind = "volunteers"
    title = "志愿者名册"

    def __init__(self, roll: VolunteerRoll) -> None:
        self._roll = roll
        self.hint = roll.team_hint
        self.refused = [RefusedRow(r.sheet, r.row, r.reason, r.value, r.message) for r in roll.refused]
        self.doubts = [note for row in roll.rows for note in _doubts(row)]
        self.skipped: list[Note] = []

    @property
    def size(self) -> int:
        """Rows taken and refused."""
        return len(self._roll.rows) + len(self._roll.refused)

    def counts(self) -> dict[str, Any]:
        """What the file holds and was accepted."""
        return {"team": self.hint, "volunteers": len(self._roll.rows)}

    def refused_workbook(self) -> bytes:
        """The refused rows under the headers of the first of them, with the reason beside each."""
        headers = [*(self._roll.refused[0].headers if self._roll.refused else ()), REFUSED_HEADER, "原工作表", "原行号"]
        rows = [[*_fitted(r.cells, len(headers) - 3), r.message, r.sheet, r.row] for r in self._roll.refused]
        return write_workbook("未导入的行", headers, rows)

    def plan(self, estate: Estate | None) -> Result:
        """What ``save`` would do."""
        return _result(_plan(estate, self._roll))

    def save(self, estate: Estate, actor: Viewer) -> Result:
        """Write it. Two imports into one estate wait for one another."""
        db.session.execute(select(Estate.id).where(Estate.id == estate.id).with_for_update())
        planned = _plan(estate, self._roll)
        result = _result(planned)
        for some in in_chunks(planned):
            _write(estate, self.hint, actor, some)
        record_import(estate, actor, self, result)
        return result


def _fitted(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _doubts(row: VolunteerRow) -> list[Note]:
    found = (("特长", row.unclear_skills), ("服务时间", row.unclear_hours))
    return [Note(row.sheet, row.row, f"{what}“{text}”没有读懂，请到志愿者页面补上") for what, text in found if text]


def _result(planned: list[_Planned]) -> Result:
    result = Result()
    for one in planned:
        told: list[str] = []
        if one.person is None or one.person.volunteer is None:
            result.created += 1
            told = ["新增"]
        else:
            told = [_FIELD_NAMES[name] for name in one.differ]
            offers = (one.new_skills, "特长"), (one.new_windows, "服务时间")
            told += [name for new, name in (*offers, (one.new_phones, "手机号"), (one.new_number, "身份证号")) if new]
            result.updated += bool(told)
            result.unchanged += not told
        if told:
            result.tell(one.row.team, mask_name(one.row.name), "、".join(told))
    return result


_FIELD_NAMES = {"team": "队伍", "unclear_skills": "没读懂的特长", "unclear_hours": "没读懂的时间"}


# Reading what is there


class _Estate:
    """The people and doors of an estate, by what a row may know of them."""

    def __init__(self, estate_id: str, roll: VolunteerRoll) -> None:
        self.estate_id = estate_id
        seal = sealer()
        self.keys = [seal.index(row.id_number, ID_COLUMN) if row.id_number else None for row in roll.rows]
        self.phones = [[seal.index(phone, PHONE_COLUMN) for phone in row.phones] for row in roll.rows]
        self.by_key: defaultdict[str, list[_Known]] = defaultdict(list)
        self.by_phone: defaultdict[tuple[str, str], list[_Known]] = defaultdict(list)
        self.by_name: defaultdict[str, list[_Known]] = defaultdict(list)
        self._load({row.name for row in roll.rows})
        self._homes: dict[tuple[tuple[str, str], int, str], str] | None = None

    def _load(self, names: set[str]) -> None:
        seen: dict[str, _Known] = {}
        wanted = sorted({key for key in self.keys if key})
        for some in in_chunks([*wanted, *sorted(names)], 500):
            people = select(Person.id, Person.name, Person.id_key, Volunteer).outerjoin(
                Volunteer, Volunteer.person_id == Person.id
            )
            people = people.where(Person.estate_id == self.estate_id)
            for id_, name, key, volunteer in db.session.execute(
                people.where(or_(Person.id_key.in_(some), Person.name.in_(some))).order_by(Person.id)
            ):
                if id_ not in seen:
                    known = seen[id_] = _Known(id_, name, bool(key), 0, volunteer, set(), set())
                    self.by_name[name].append(known)
                    if key:
                        self.by_key[key].append(known)
        for ids in in_chunks(sorted(seen), 500):
            numbers = select(PersonPhone.person_id, PersonPhone.number_key).where(PersonPhone.person_id.in_(ids))
            for person_id, number in db.session.execute(numbers):
                seen[person_id].phones += 1
                self.by_phone[number, seen[person_id].name].append(seen[person_id])
            for skill in db.session.scalars(select(VolunteerSkill).where(VolunteerSkill.person_id.in_(ids))):
                seen[skill.person_id].skills.add(skill.skill)
            for window in db.session.scalars(select(VolunteerWindow).where(VolunteerWindow.person_id.in_(ids))):
                seen[window.person_id].windows.add((window.weekday, window.start_minute, window.end_minute))

    def person(self, n: int, row: VolunteerRow) -> _Known | None:
        """By ID number (and name, where several share it), else by phone and name, else by a name without either."""
        key = self.keys[n]
        if key and (same := self.by_key[key]):
            named = [known for known in same if known.name == row.name]
            return next(iter(named or (same if len(same) == 1 else [])), None)
        for phone in self.phones[n]:
            for known in self.by_phone[phone, row.name]:
                if not (key and known.has_number):
                    return known
        if key or self.phones[n]:
            return None
        bare = (known for known in self.by_name[row.name] if known.volunteer)
        return next((known for known in bare if not known.phones and not known.has_number), None)

    def home(self, text: str) -> str | None:
        """The household at an address, if the estate has it."""
        try:
            address = parse_address(text)
        except AddressError:
            return None
        if self._homes is None:
            rows = db.session.execute(
                select(Household.id, Household.door, Unit.number, Building.name)
                .join(Unit, Unit.id == Household.unit_id)
                .join(Building, Building.id == Household.building_id)
                .where(Household.estate_id == self.estate_id)
            )
            self._homes = {(block_of(row.name), row.number, row.door): row.id for row in rows}
        return self._homes.get((address.block_key, address.unit or 0, address.door))


def _plan(estate: Estate | None, roll: VolunteerRoll) -> list[_Planned]:
    if estate is None:
        return [_Planned(row, None, None, bool(row.phones), bool(row.id_number), {}, True, True) for row in roll.rows]
    here = _Estate(estate.id, roll)
    planned, taken = [], set()
    for n, row in enumerate(roll.rows):
        person = here.person(n, row)
        if person is not None and person.id in taken:
            continue  # one person under two teams: the first row stands
        if person is not None:
            taken.add(person.id)
        home = here.home(row.address) if person is None else None
        planned.append(_compare(row, person, home, roll.team_hint))
    return planned


def _said(row: VolunteerRow, team: str) -> dict[str, str]:
    return {
        "team": (row.team or team)[:60],
        "unclear_skills": row.unclear_skills[:UNCLEAR_LENGTH],
        "unclear_hours": row.unclear_hours[:UNCLEAR_LENGTH],
    }


def _compare(row: VolunteerRow, person: _Known | None, home: str | None, team: str) -> _Planned:
    if person is None or person.volunteer is None:
        phones = bool(row.phones) and (person is None or not person.phones)
        number = bool(row.id_number) and (person is None or not person.has_number)
        return _Planned(row, person, home, phones, number, {}, True, True)
    differ = {name: value for name, value in _said(row, team).items() if getattr(person.volunteer, name) != value}
    phones, number = bool(row.phones) and not person.phones, bool(row.id_number) and not person.has_number
    windows = {tuple(window) for window in row.windows} != person.windows
    return _Planned(row, person, home, phones, number, differ, set(row.skills) != person.skills, windows)


# Writing


def _write(estate: Estate, team: str, actor: Viewer, planned: Sequence[_Planned]) -> None:
    ids = [one.person.id if one.person else new_id() for one in planned]
    both = list(zip(planned, ids, strict=True))
    _write_people(estate, both)
    _write_volunteers(estate, team, both)
    _write_offers(both)
    before = {one.person.id: one.person.volunteer for one in planned if one.person}
    _appoint(estate, actor, [id_ for id_ in ids if getattr(before.get(id_), "standing", "") != "left"])


def _write_people(estate: Estate, both: list[tuple[_Planned, str]]) -> None:
    at = clock.now()
    people: list[dict[str, Any]] = []
    for one, id_ in both:
        if one.person is not None:
            continue
        row = one.row
        people.append({
            "id": id_, "estate_id": estate.id, "household_id": one.home, "name": row.name,
            "pinyin": pinyin_key(row.name)[:120], "initials": pinyin_initials(row.name)[:30], "sex": int(row.sex),
            "birth_date": _born(row), "id_contested": False, "is_owner": False, "relation": "", "is_householder": False,
            "political_status": row.political_code or "", "care": [], "note": row.note[:500], "version": 1,
            "created_at": at, "updated_at": at, **_number(row),
        })  # fmt: skip
    if people:
        db.session.execute(insert(table_of(Person)), people)
    for one, id_ in both:
        if one.person is not None and one.new_number:
            columns = {**_number(one.row), "birth_date": _born(one.row), "sex": int(one.row.sex), "updated_at": at}
            change = update(table_of(Person)).where(table_of(Person).c.id == id_)
            db.session.execute(change.values(**columns, version=table_of(Person).c.version + 1))
    phones = [row for one, id_ in both if one.new_phones for row in phone_rows(id_, estate.id, one.row.phones)]
    if phones:
        db.session.execute(insert(table_of(PersonPhone)), phones)


def _born(row: VolunteerRow) -> date | None:
    return id_birth_date(row.id_number) if row.id_number else None


def _number(row: VolunteerRow) -> dict[str, str | None]:
    if not row.id_number:
        return {"id_sealed": None, "id_key": None}
    return {"id_sealed": sealer().seal(row.id_number, ID_COLUMN), "id_key": sealer().index(row.id_number, ID_COLUMN)}


def _write_volunteers(estate: Estate, team: str, both: list[tuple[_Planned, str]]) -> None:
    at, today = clock.now(), clock.today()
    new = [(one, id_) for one, id_ in both if one.person is None or one.person.volunteer is None]
    rows = [
        {"person_id": id_, "estate_id": estate.id, "number": number, "national_no": "", "standing": "active",
         "is_available": True, "weekly_cap": 6, "joined_on": today, "version": 1, "updated_at": at,
         **_said(one.row, team)}
        for (one, id_), number in zip(new, new_numbers(len(new)), strict=True)
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(table_of(Volunteer)), rows)
    table = table_of(Volunteer)
    for one, id_ in both:
        if one.differ:
            changed = update(table).where(table.c.person_id == id_)
            db.session.execute(changed.values(**one.differ, version=table.c.version + 1, updated_at=at))


def new_numbers(count: int) -> list[str]:
    """Numbers for new volunteers that nobody has: V and eight digits."""
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        some = {f"V{digits(8)}" for _ in range(count - len(chosen))}
        taken = set(db.session.scalars(select(Volunteer.number).where(Volunteer.number.in_(some))))
        chosen |= dict.fromkeys(some - taken)
    return list(chosen)


def _write_offers(both: list[tuple[_Planned, str]]) -> None:
    """Skills and weekly windows, as far as they differ."""
    skills, windows = table_of(VolunteerSkill), table_of(VolunteerWindow)
    added: list[dict[str, Any]] = []
    for one, id_ in both:
        before = one.person.skills if one.person else set()
        gone = before - set(one.row.skills)
        if one.new_skills and gone:
            db.session.execute(delete(skills).where(skills.c.person_id == id_, skills.c.skill.in_(gone)))
        if one.new_skills:
            fresh = [skill for skill in one.row.skills if skill not in before]
            added += [{"person_id": id_, "skill": skill, "verified_on": None} for skill in fresh]
    if added:
        db.session.execute(insert(skills), added)
    renewed = [(one, id_) for one, id_ in both if one.new_windows]
    old = [id_ for one, id_ in renewed if one.person and one.person.windows]
    if old:
        db.session.execute(delete(windows).where(windows.c.person_id.in_(old)))
    rows = [
        {"person_id": id_, "weekday": w.weekday, "start_minute": w.start_minute, "end_minute": w.end_minute}
        for one, id_ in renewed for w in one.row.windows
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(windows), rows)


def _appoint(estate: Estate, actor: Viewer, ids: list[str]) -> None:
    """The post of volunteer at the estate's branch for whoever does not hold it."""
    today = clock.today()
    held = select(Appointment.person_id).where(
        Appointment.organisation_id == estate.branch_id, Appointment.role == Role.VOLUNTEER,
        Appointment.person_id.in_(ids), or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
    )  # fmt: skip
    have = set(db.session.scalars(held))
    rows = [
        {"id": new_id(), "person_id": id_, "organisation_id": estate.branch_id, "role": Role.VOLUNTEER,
         "starts_on": today, "ends_on": None, "created_at": clock.now(), "created_by": actor.person_id}
        for id_ in ids if id_ not in have
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(table_of(Appointment)), rows)
