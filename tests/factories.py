"""A small made-up town for tests: a district with two streets and three estates, and someone in every post.

Banyan and Cement belong to one community, Swan to another street. Everything is written with a few plain inserts, the
password is hashed once, and signing in means writing the row of a token, so that a world stands in some milliseconds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from community.accounts import queries as accounts
from community.accounts.models import LOGIN_COLUMN, Account, SignIn
from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment, Organisation, OrganisationKind
from core import clock
from core.access import Role, Viewer
from core.database import Base, begin_write, db
from core.ids import new_id
from core.sealing import sealer
from services.catalogue.starters import give_starters
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow

PASSWORD = "Correct-Horse-7"
SINCE = date(2020, 1, 1)
Window = tuple[int, int, int]


@cache
def password_hash() -> str:
    """The hash of ``PASSWORD``, made once and cheaply; checking it costs as little."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def write(model: type[Base], **values: Any) -> None:
    """Insert one row, in the transaction of ``db.session``."""
    db.session.execute(insert(model), [values])


@dataclass(frozen=True)
class Body:
    """A node of the organisation tree."""

    id: str
    path: str
    name: str


@dataclass
class Place:
    """An estate with one building of two stairwells."""

    id: str
    name: str
    branch: Body
    building_id: str = ""
    unit_ids: list[str] = field(default_factory=list)
    doors: int = 100


@dataclass(frozen=True)
class Someone:
    """A person with an account."""

    id: str
    name: str
    phone: str
    account_id: str
    household_id: str | None
    estate_id: str | None
    token: str
    web_token: str

    def viewer(self) -> Viewer:
        """The person as whoever acts sees them; needs an application context."""
        found = accounts.resolve(self.token, "api")
        assert found is not None
        return found.viewer


@dataclass
class World:
    """The town: bodies, estates and people by name."""

    bodies: dict[str, Body] = field(default_factory=dict)
    estates: dict[str, Place] = field(default_factory=dict)
    people: dict[str, Someone] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Someone:
        return self.people[name]


def organisation(kind: OrganisationKind, name: str, parent: Body | None = None) -> Body:
    """A body below another one."""
    id_ = new_id()
    made = Body(id_, (parent.path if parent else "") + id_ + "/", name)
    write(Organisation, id=id_, kind=kind, name=name, parent_id=parent.id if parent else None, path=made.path, code="")
    return made


def estate(name: str, community: Body) -> Place:
    """An estate with its branch, a building of two stairwells and the starting services list."""
    now = clock.now()
    branch = organisation(OrganisationKind.BRANCH, f"{name}党支部", community)
    place = Place(new_id(), name, branch)
    write(Estate, id=place.id, name=name, branch_id=branch.id, path=branch.path, duty_phone="", created_at=now)
    place.building_id = new_id()
    write(Building, id=place.building_id, estate_id=place.id, name="1栋", number=1, kind="building")
    for number in (1, 2):
        unit = new_id()
        write(Unit, id=unit, estate_id=place.id, building_id=place.building_id, number=number)
        place.unit_ids.append(unit)
    give_starters(place.id)
    return place


def household(place: Place, unit: int = 0) -> str:
    """A dwelling of its own in a stairwell; its id."""
    id_, place.doors = new_id(), place.doors + 1
    write(
        Household, id=id_, estate_id=place.id, building_id=place.building_id, unit_id=place.unit_ids[unit],
        door=str(place.doors), floor=1, label=f"1栋{unit + 1}单元{place.doors}", note="",
    )  # fmt: skip
    return id_


def person(
    name: str, place: Place | None = None, home: str | None = None, *, born: date | None = None, phone: str = ""
) -> Someone:
    """A person with an account and two tokens, one of the API and one of a browser."""
    id_, account_id, now = new_id(), new_id(), clock.now()
    number = phone or f"199{secrets.randbelow(10**8):08}"
    estate_id = place.id if place else None
    write(
        Person, id=id_, estate_id=estate_id, household_id=home, name=name, birth_date=born, care=[], note="",
        created_at=now, updated_at=now, is_householder=home is not None,
    )  # fmt: skip
    write(
        Account, id=account_id, person_id=id_, phone_sealed=sealer().seal(number, LOGIN_COLUMN), email="",
        phone_key=accounts.phone_key(number), password_hash=password_hash(), created_at=now, issued_by=id_,
    )  # fmt: skip
    tokens = {kind: token(account_id, kind) for kind in ("api", "web")}
    return Someone(id_, name, number, account_id, home, estate_id, tokens["api"], tokens["web"])


def token(account_id: str, kind: str = "api") -> str:
    """A sign-in that lasts ten years."""
    text, now = secrets.token_urlsafe(24), clock.now()
    write(
        SignIn, id=new_id(), digest=accounts.digest_of(text), account_id=account_id, kind=kind, created_at=now,
        expires_at=now + timedelta(days=3650),
    )  # fmt: skip
    return text


def appoint(someone: Someone, role: Role, body: Body) -> None:
    """A post without end."""
    write(
        Appointment, id=new_id(), person_id=someone.id, organisation_id=body.id, role=role, starts_on=SINCE,
        created_at=clock.now(), created_by=someone.id,
    )  # fmt: skip


def volunteer(
    name: str, place: Place, *, skills: Sequence[str] = (), windows: Sequence[Window] = (), cap: int = 50,
    available: bool = True, home: str | None = None, unit: int = 0,
) -> Someone:  # fmt: skip
    """A volunteer who lives in the estate."""
    someone = person(name, place, home or household(place, unit))
    appoint(someone, Role.VOLUNTEER, place.branch)
    write(
        Volunteer, person_id=someone.id, estate_id=place.id, number="V" + someone.phone[3:], joined_on=SINCE,
        updated_at=clock.now(), weekly_cap=cap, is_available=available,
    )  # fmt: skip
    for skill in skills:
        write(VolunteerSkill, person_id=someone.id, skill=skill)
    for weekday, opens, closes in windows:
        write(VolunteerWindow, person_id=someone.id, weekday=weekday, start_minute=opens, end_minute=closes)
    return someone


def town() -> World:
    """The whole town, committed; needs an application context."""
    begin_write()
    world = World()
    district = organisation(OrganisationKind.DISTRICT, "青禾区")
    streets = [organisation(OrganisationKind.SUBDISTRICT, name, district) for name in ("东街道", "西街道")]
    communities = [
        organisation(OrganisationKind.COMMUNITY, name, street)
        for name, street in zip(("东社区", "西社区"), streets, strict=True)
    ]
    world.bodies = dict(
        zip(("district", "street", "far_street", "community", "far_community"), [district, *streets, *communities],
            strict=True)
    )  # fmt: skip
    for key, name, community in (
        ("banyan", "榕树园", communities[0]),
        ("cement", "水泥厂小区", communities[0]),
        ("swan", "天鹅园", communities[1]),
    ):
        world.estates[key] = estate(name, community)
    _settle(world)
    db.session.commit()
    return world


def _settle(world: World) -> None:
    banyan, cement, swan = (world.estates[key] for key in ("banyan", "cement", "swan"))
    people, elder = world.people, date(1950, 5, 1)
    people["resident"] = person("沈桂兰", banyan, household(banyan), born=elder)
    people["neighbour"] = person("李小满", banyan, household(banyan), born=date(1990, 1, 1))
    people["far_resident"] = person("周远", swan, household(swan))
    for number, name in enumerate(("陈一", "陈二", "陈三", "陈四"), 1):
        skills = ("shopping", "blood_pressure") if number < 4 else ()
        people[f"volunteer{number}"] = volunteer(name, banyan, skills=skills)
    people["far_volunteer"] = volunteer("赵远", swan, skills=("shopping",))
    for key, name, role, body in (
        ("secretary", "王书记", Role.SECRETARY, banyan.branch),
        ("deputy", "王副", Role.DEPUTY_SECRETARY, banyan.branch),
        ("cement_secretary", "刘书记", Role.SECRETARY, cement.branch),
        ("outsider", "钱书记", Role.SECRETARY, swan.branch),
        ("grid_worker", "郑网格", Role.GRID_WORKER, banyan.branch),
        ("steward", "何楼长", Role.BUILDING_STEWARD, banyan.branch),
        ("staff", "吕社工", Role.COMMUNITY_STAFF, world.bodies["community"]),
        ("street_staff", "施街道", Role.SUBDISTRICT_STAFF, world.bodies["street"]),
        ("admin", "管理员", Role.ADMIN, world.bodies["district"]),
    ):
        people[key] = person(name)
        appoint(people[key], role, body)


@dataclass
class Caller:
    """Someone at the API; ``key`` of a POST is an Idempotency-Key."""

    client: FlaskClient
    token: str

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET below ``/api/v1``."""
        return self.client.get("/api/v1" + path, query_string=query or None, headers=self._headers())

    def post(self, path: str, body: Any = None, key: str | None = None) -> TestResponse:
        """POST JSON below ``/api/v1``."""
        return self.client.post("/api/v1" + path, json={} if body is None else body, headers=self._headers(key))

    def delete(self, path: str) -> TestResponse:
        """DELETE below ``/api/v1``."""
        return self.client.delete("/api/v1" + path, headers=self._headers())

    def _headers(self, key: str | None = None) -> Mapping[str, str]:
        found = {"Authorization": f"Bearer {self.token}"}
        return found | {"Idempotency-Key": key} if key is not None else found


def caller(app: Flask, someone: Someone) -> Caller:
    """A program signed in as someone."""
    return Caller(app.test_client(), someone.token)


def browser(app: Flask, someone: Someone | None) -> FlaskClient:
    """A browser signed in as someone, or as nobody."""
    client = app.test_client()
    if someone is not None:
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = someone.web_token, True
    return client
