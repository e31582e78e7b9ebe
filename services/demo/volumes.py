"""Estates in bulk, for measuring: plain rows, no rolls. Accounts of estate n have the phones 197nnnnn001 and on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select

from community.accounts.models import LOGIN_COLUMN, Account
from community.accounts.queries import phone_key
from community.grid.estates import add_organisation, ensure_estate
from community.grid.importing import phone_rows
from community.grid.models import Building, Estate, Household, Person, PersonPhone, Unit
from community.organisations.models import Appointment, Organisation
from community.organisations.models import OrganisationKind as Kind
from core import audit, clock
from core.access import Role, Viewer, system_viewer
from core.database import begin_write, db
from core.identity import pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer
from core.serve import DEMO_PASSWORD
from services.demo import clock_stories, history, writing
from services.demo.loading import BEGAN_BEFORE, cast_of
from services.demo.people import ALL_DAY, VOLUNTEERS, residents_of
from services.demo.places import made_up_name
from services.demo.stories import Rows, Someone
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.roll_match import new_numbers


@dataclass(frozen=True)
class Scale:
    """How much of everything; households and orders are per estate."""

    estates: int
    households: int
    orders: int


SCALES = {"estate": Scale(1, 500, 1000), "street": Scale(20, 500, 1000), "city": Scale(200, 500, 500)}
VOLUNTEERS_EACH, RESIDENT_ACCOUNTS = 30, 10
DOORS, UNITS = 2, 2
PARTS_OF_TREE = (("区", 100), ("街道", 20), ("社区", 5))
"""How many estates lie under one body of each level."""


def seed(scale: str) -> Iterator[str]:
    """Make the estates of a scale that are not there yet, one transaction each; tells (Chinese) of every tenth."""
    size, actor = SCALES[scale], system_viewer("容量测试")
    password = PasswordHasher().hash(DEMO_PASSWORD)
    for n in range(1, size.estates + 1):
        name = f"测试小区{n:03d}"
        if db.session.scalar(select(Estate.id).where(Estate.name == name)) is None:
            _make_estate(n, name, size, actor, password)
        if n % 10 == 0 or n == size.estates:
            yield f"已有{n}个小区"


def _make_estate(n: int, name: str, size: Scale, actor: Viewer, password: str) -> None:
    rng = Random(n)
    begin_write()
    clock.set_now(clock.now() - BEGAN_BEFORE)
    try:
        estate = ensure_estate(name, _community(n), actor)
        _homes(estate, size.households, rng)
        leading = _leaders(estate, n, password, rng)
    finally:
        clock.set_now(None)
    audit.seal_finished_days()
    cast = cast_of(estate, leading, leading, rng, 200, {}, frozenset())
    rows = Rows()
    history.tell(cast, rows, rng, size.orders)
    clock_stories.set_alarms(cast, rows, clock.now())
    writing.write(rows)
    db.session.commit()
    db.session.expunge_all()


def _community(n: int) -> Organisation:
    parent: Organisation | None = None
    for (title, each), kind in zip(PARTS_OF_TREE, (Kind.DISTRICT, Kind.SUBDISTRICT, Kind.COMMUNITY), strict=True):
        name = f"测试{title}{(n - 1) // each + 1}"
        above = Organisation.parent_id == parent.id if parent else Organisation.parent_id.is_(None)
        found = db.session.scalar(select(Organisation).where(Organisation.name == name, above))
        parent = found or add_organisation(kind, name, parent)
        db.session.flush()
    assert parent is not None
    return parent


def _homes(estate: Estate, count: int, rng: Random) -> None:
    """Buildings of two stairwells and thirteen floors, until there are so many homes."""
    tables: dict[Any, list[dict[str, Any]]] = {Building: [], Unit: [], Household: [], Person: [], PersonPhone: []}
    at, made, number = clock.now(), 0, 0
    while made < count:
        number += 1
        building: dict[str, Any] = {"id": new_id(), "estate_id": estate.id, "name": f"{number}栋", "number": number}
        building["kind"] = "building"
        tables[Building].append(building)
        for unit_number in range(1, UNITS + 1):
            unit = {"id": new_id(), "estate_id": estate.id, "building_id": building["id"], "number": unit_number}
            tables[Unit].append(unit)
            doors = [(floor, f"{floor}{side:02d}") for floor in range(1, 14) for side in range(1, DOORS + 1)]
            for floor, door in doors[: count - made]:
                made += 1
                home: dict[str, Any] = {
                    "id": new_id(), "estate_id": estate.id, "building_id": building["id"], "unit_id": unit["id"],
                    "door": door, "floor": floor, "label": f"{number}栋{unit_number}单元{door}", "occupancy": "自住",
                    "is_vacant": False, "is_focal": False, "note": "",
                }  # fmt: skip
                tables[Household].append(home)
                people = [_person(estate.id, home["id"], k, rng) | {"created_at": at, "updated_at": at}
                          for k in range(rng.choice((1, 2, 2, 3, 3, 4)))]  # fmt: skip
                tables[Person] += people
                tables[PersonPhone] += phone_rows(people[0]["id"], estate.id, [f"198{rng.randrange(10**8):08d}"])
    connection = db.session.connection()
    for model, rows in tables.items():
        writing.insert_rows(connection, model, rows)


def _person(estate_id: str, household_id: str, n: int, rng: Random) -> dict[str, Any]:
    name = made_up_name(rng)
    year = rng.randrange(1938, 1998) if n < 2 else rng.randrange(1995, 2022)
    return {
        "id": new_id(), "estate_id": estate_id, "household_id": household_id, "name": name, "pinyin": pinyin_key(name),
        "initials": pinyin_initials(name), "sex": rng.choice((1, 2)), "id_contested": False, "is_owner": False,
        "birth_date": date(year, rng.randrange(1, 13), rng.randrange(1, 29)), "is_householder": n == 0, "version": 1,
        "relation": ("户主", "配偶", "子", "女")[n], "political_status": rng.choice(("13", "13", "01")), "care": [],
        "note": "",
    }  # fmt: skip


def _leaders(estate: Estate, n: int, password: str, rng: Random) -> Someone:
    """Secretary, volunteers, and accounts for them and some residents; the secretary."""
    people = residents_of(estate)
    grown = [who for who in people if 25 <= (who.age_on(clock.today()) or 0) < 62]
    chosen = rng.sample(grown, VOLUNTEERS_EACH + 1)
    secretary, helpers = chosen[0], chosen[1:]
    today, at = clock.today(), clock.now()
    numbers = new_numbers(len(helpers))
    rows: dict[Any, list[dict[str, Any]]] = {Volunteer: [], VolunteerSkill: [], VolunteerWindow: [], Appointment: []}
    for k, who in enumerate(helpers):
        skills, _ = VOLUNTEERS[k % len(VOLUNTEERS)]
        rows[Volunteer].append({
            "person_id": who.id, "estate_id": estate.id, "number": numbers[k], "national_no": "", "team": "邻里帮帮队",
            "standing": "active", "is_available": True, "weekly_cap": 20, "joined_on": today, "unclear_skills": "",
            "unclear_hours": "", "version": 1, "updated_at": at,
        })  # fmt: skip
        rows[VolunteerSkill] += [{"person_id": who.id, "skill": skill, "verified_on": None} for skill in skills]
        start, end = ALL_DAY
        rows[VolunteerWindow] += [
            {"person_id": who.id, "weekday": day, "start_minute": start, "end_minute": end} for day in range(7)
        ]
    posts = [(secretary, Role.SECRETARY), *[(who, Role.VOLUNTEER) for who in helpers]]
    rows[Appointment] = [
        {"id": new_id(), "person_id": who.id, "organisation_id": estate.branch_id, "role": role.value,
         "starts_on": today, "ends_on": None, "created_at": at, "created_by": "system"}
        for who, role in posts
    ]  # fmt: skip
    taken = {who.id for who in chosen}
    residents = [who for who in people if who.id not in taken][:RESIDENT_ACCOUNTS]
    rows[Account] = [_account(who, f"197{n:05d}{k:03d}", password) for k, who in enumerate([*chosen, *residents], 1)]
    for model, found in rows.items():
        writing.insert_rows(db.session.connection(), model, found)
    return secretary


def _account(who: Someone, phone: str, password: str) -> dict[str, Any]:
    at = clock.now() - timedelta(days=1)
    return {
        "id": new_id(), "person_id": who.id, "phone_sealed": sealer().seal(phone, LOGIN_COLUMN),
        "phone_key": phone_key(phone), "password_hash": password, "must_change": False, "email": "", "created_at": at,
        "issued_by": "system",
    }  # fmt: skip
