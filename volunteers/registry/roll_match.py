"""Whom a row of a team's roll means: the people of the estate beside the rows, and what about them is new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from community.grid.addresses import AddressError, parse_address
from community.grid.estates import block_of
from community.grid.importing import in_chunks
from community.grid.models import ID_COLUMN, PHONE_COLUMN, Building, Estate, Household, Person, PersonPhone, Unit
from core import clock
from core.database import db
from core.identity import age_on, id_birth_date
from core.ids import digits
from core.sealing import sealer
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.rolls import VolunteerRoll, VolunteerRow

UNCLEAR_LENGTH = 200
ADULT = 18


@dataclass(slots=True)
class Known:
    """A person of the estate, and what kind of volunteer they are if they are one."""

    id: str
    name: str
    birth_date: date | None
    has_number: bool
    phones: int
    volunteer: Any | None
    skills: set[str]
    windows: set[tuple[int, int, int]]


@dataclass(slots=True)
class Planned:
    """A row beside the person it is, and what about them is new."""

    row: VolunteerRow
    person: Known | None
    home: str | None
    new_phones: bool
    new_number: bool
    differ: dict[str, Any]
    new_skills: bool
    new_windows: bool
    id: str = ""

    @property
    def is_new(self) -> bool:
        """Not on the register."""
        return self.person is None or self.person.volunteer is None

    @property
    def is_closed(self) -> bool:
        """Has left the register: a roll does not change a record that is frozen."""
        volunteer = self.person.volunteer if self.person else None
        return volunteer is not None and volunteer.standing in ("left", "erased")

    @property
    def is_minor(self) -> bool:
        """Known to be under 18: the guardian has to consent before they are registered."""
        born = id_birth_date(self.row.id_number) if self.row.id_number else None
        born = born or (self.person.birth_date if self.person else None)
        return born is not None and age_on(born, clock.today()) < ADULT


class _Estate:
    """The people and doors of an estate, by what a row may know of them."""

    def __init__(self, estate_id: str, roll: VolunteerRoll) -> None:
        self.estate_id = estate_id
        seal = sealer()
        self.keys = [seal.index(row.id_number, ID_COLUMN) if row.id_number else None for row in roll.rows]
        self.phones = [[seal.index(phone, PHONE_COLUMN) for phone in row.phones] for row in roll.rows]
        self.by_key: defaultdict[str, list[Known]] = defaultdict(list)
        self.by_phone: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
        self.by_name: defaultdict[str, list[Known]] = defaultdict(list)
        self._load({row.name for row in roll.rows})
        self._homes: dict[tuple[tuple[str, str], int, str], str] | None = None

    def _load(self, names: set[str]) -> None:
        seen: dict[str, Known] = {}
        wanted = sorted({key for key in self.keys if key})
        for some in in_chunks([*wanted, *sorted(names)], 500):
            people = select(Person.id, Person.name, Person.birth_date, Person.id_key, Volunteer).outerjoin(
                Volunteer, Volunteer.person_id == Person.id
            )
            people = people.where(Person.estate_id == self.estate_id)
            for id_, name, born, key, volunteer in db.session.execute(
                people.where(or_(Person.id_key.in_(some), Person.name.in_(some))).order_by(Person.id)
            ):
                if id_ not in seen:
                    known = seen[id_] = Known(id_, name, born, bool(key), 0, volunteer, set(), set())
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

    def person(self, n: int, row: VolunteerRow) -> Known | None:
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


def plan_roll(
    estate: Estate | None, roll: VolunteerRoll, *, with_team: bool = True
) -> tuple[list[Planned], list[tuple[VolunteerRow, VolunteerRow]]]:
    """The rows beside the people they mean, and pairs of rows that turn out to mean one person; the first one stands.

    ``with_team``: the register keeps the team that the roll says.
    """
    if estate is None:
        blank = [Planned(row, None, None, bool(row.phones), bool(row.id_number), {}, True, True) for row in roll.rows]
        return blank, []
    here = _Estate(estate.id, roll)
    planned: list[Planned] = []
    twice: list[tuple[VolunteerRow, VolunteerRow]] = []
    taken: dict[str, VolunteerRow] = {}
    for n, row in enumerate(roll.rows):
        person = here.person(n, row)
        if person is not None and person.id in taken:
            twice.append((row, taken[person.id]))
            continue
        if person is not None:
            taken[person.id] = row
        home = here.home(row.address) if person is None else None
        planned.append(_compare(row, person, home, roll.team_hint if with_team else None))
    return planned, twice


def find_elsewhere(estate: Estate, roll: VolunteerRoll) -> set[str]:
    """The ID numbers of a roll under which somebody of another estate serves as a volunteer."""
    seal = sealer()
    keys = {seal.index(row.id_number, ID_COLUMN): row.id_number for row in roll.rows if row.id_number}
    found: set[str] = set()
    for some in in_chunks(sorted(keys), 500):
        held = select(Person.id_key).join(Volunteer, Volunteer.person_id == Person.id)
        held = held.where(Person.id_key.in_(some), Volunteer.estate_id != estate.id, Volunteer.standing == "active")
        found |= {keys[key] for key in db.session.scalars(held) if key}
    return found


def said_of(row: VolunteerRow, team: str | None) -> dict[str, str]:
    """What the register keeps of a row as it was said; no ``team`` when the roll is not asked for one."""
    unclear = {
        "unclear_skills": row.unclear_skills[:UNCLEAR_LENGTH],
        "unclear_hours": row.unclear_hours[:UNCLEAR_LENGTH],
    }
    return unclear if team is None else {"team": (row.team or team)[:60], **unclear}


def _compare(row: VolunteerRow, person: Known | None, home: str | None, team: str | None) -> Planned:
    if person is None or person.volunteer is None:
        phones = bool(row.phones) and (person is None or not person.phones)
        number = bool(row.id_number) and (person is None or not person.has_number)
        return Planned(row, person, home, phones, number, {}, True, True)
    if person.volunteer.standing in ("left", "erased"):
        return Planned(row, person, home, False, False, {}, False, False)
    differ = {name: value for name, value in said_of(row, team).items() if getattr(person.volunteer, name) != value}
    phones, number = bool(row.phones) and not person.phones, bool(row.id_number) and not person.has_number
    windows = {tuple(window) for window in row.windows} != person.windows
    return Planned(row, person, home, phones, number, differ, set(row.skills) != person.skills, windows)


def new_numbers(count: int) -> list[str]:
    """Numbers for new volunteers that nobody has: V and eight digits."""
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        some = {f"V{digits(8)}" for _ in range(count - len(chosen))}
        taken = set(db.session.scalars(select(Volunteer.number).where(Volunteer.number.in_(some))))
        chosen |= dict.fromkeys(some - taken)
    return list(chosen)
