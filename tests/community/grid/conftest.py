"""Two small estates under one community, with everybody who has a post there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select

from community.accounts import workflow as accounts
from community.grid.estates import add_organisation, ensure_estate
from community.grid.importing import import_roll
from community.grid.models import Building, Estate, Household, Person
from community.grid.roll_files import Result
from community.grid.rolls import read_roll
from community.organisations.models import Organisation, OrganisationKind
from core import clock
from core.access import Role, system_viewer
from core.database import begin_write, db, engines
from core.identity import pinyin_initials, pinyin_key
from core.ids import new_id
from core.sheets import write_workbook

PASSWORD = "Linju-test-2026"
HEADERS = tuple("楼栋 单元 房号 与户主关系 姓名 性别 身份证号 联系电话 政治面貌 居住情况 困难类别".split())
ROWS: tuple[tuple[str, ...], ...] = (
    ("3栋", "2单元", "501", "户主", "沈玉兰", "", "110101194808100422", "13900001111", "群众", "自住", "独居"),
    ("3栋", "2单元", "502", "户主", "韦秋实", "男", "", "13900002222、13900003333", "中共党员", "自住", ""),
    ("3栋", "2单元", "502", "配偶", "黎望舒", "女", "", "", "", "", ""),
    ("3栋", "1单元", "101", "", "", "", "", "", "", "空置", ""),
    ("4栋", "1单元", "301", "户主", "<b>单雅春", "女", "", "", "", "", ""),
    ("4栋", "1单元", "302", "户主", "单雅春", "女", "", "", "", "", ""),
)


def roll_bytes(rows: Any = ROWS) -> bytes:
    """A workbook of these rows."""
    return write_workbook("榕园居民花名册", HEADERS, rows)


def import_rows(estate: Estate, rows: Any = ROWS) -> Result:
    """Bring rows in and commit."""
    begin_write()
    result = import_roll(estate, read_roll(roll_bytes(rows), "roll.xlsx"), system_viewer())
    db.session.commit()
    return result


@dataclass(frozen=True)
class World:
    """Ids of what the tests look at."""

    estate: str
    other_estate: str
    building: str
    household: str
    neighbour: str
    person: str
    other_person: str
    other_household: str
    other_building: str


PHONES = {
    "secretary": "19900000021", "outsider": "19900000022", "grid_worker": "19900000031", "steward": "19900000061",
    "community": "19900000041", "admin": "19900000091",
}  # fmt: skip


def _official(name: str, phone: str, role: Role, at: Organisation) -> None:
    person = Person(id=new_id(), estate_id=None, name=name, pinyin=pinyin_key(name), initials=pinyin_initials(name),
                    care=[], version=1, created_at=clock.now(), updated_at=clock.now())  # fmt: skip
    db.session.add(person)
    db.session.flush()
    accounts.create(person, phone, PASSWORD, "system")
    accounts.appoint("system", "系统", person.id, role, at, date(2020, 1, 1))


@pytest.fixture
def world(app: Flask, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two estates with rolls and officials; passwords are hashed quickly, real ones take their time on purpose."""
    monkeypatch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with app.app_context():
        begin_write()
        community = add_organisation(OrganisationKind.COMMUNITY, "榕树社区", None)
        db.session.flush()
        actor = system_viewer()
        estate, other = (ensure_estate(name, community, actor) for name in ("榕园", "天鹅花园"))
        db.session.commit()
        import_rows(estate)
        import_rows(other, [("1栋", "1单元", "101", "户主", "卢青禾", "", "", "13911112222", "", "", "低保")])
        begin_write()
        mine = select(Building).where(Building.estate_id == estate.id, Building.number == 3)
        building = db.session.scalars(mine).one()
        branch, far = (db.session.get_one(Organisation, one.branch_id) for one in (estate, other))
        group = db.session.get_one(Organisation, building.party_group_id)
        _official("覃立冬", PHONES["secretary"], Role.SECRETARY, branch)
        _official("莫静宜", PHONES["outsider"], Role.SECRETARY, far)
        _official("韦格", PHONES["grid_worker"], Role.GRID_WORKER, branch)
        _official("甘露微", PHONES["steward"], Role.BUILDING_STEWARD, group)
        _official("龙知夏", PHONES["community"], Role.COMMUNITY_STAFF, community)
        _official("容家树", PHONES["admin"], Role.ADMIN, community)
        db.session.commit()
        return _ids(estate, other, building)


def _ids(estate: Estate, other: Estate, building: Building) -> World:
    def home(label: str) -> str:
        return db.session.scalars(select(Household.id).where(Household.label == label)).one()

    def person(name: str) -> Person:
        return db.session.scalars(select(Person).where(Person.name == name)).one()

    far = person("卢青禾")
    place = db.session.get_one(Household, far.household_id)
    return World(estate.id, other.id, building.id, home("3栋2单元501"), home("3栋2单元502"), person("沈玉兰").id,
                 far.id, place.id, place.building_id)  # fmt: skip


@pytest.fixture
def signed_in(app: Flask, world: World) -> Callable[[str], FlaskClient]:
    """Somebody's browser, signed in; forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False

    def sign_in(who: str) -> FlaskClient:
        client = app.test_client()
        answer = client.post("/sign-in", data={"phone": PHONES[who], "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return client

    return sign_in


@pytest.fixture
def token(app: Flask, world: World) -> Callable[[str], dict[str, str]]:
    """The headers of somebody's program."""

    def sign_in(who: str) -> dict[str, str]:
        body = {"phone": PHONES[who], "password": PASSWORD}
        answer = app.test_client().post("/api/v1/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json['token']}"}

    return sign_in


@pytest.fixture
def statements(app: Flask) -> Callable[[], Any]:
    """``with statements() as seen:`` gathers the statements that both engines run, savepoints and the like left out."""

    @contextmanager
    def watch() -> Iterator[list[str]]:
        seen: list[str] = []
        with app.app_context():
            both: list[Engine] = [engines().main, engines().quick]

        def heard(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        for engine in both:
            event.listen(engine, "before_cursor_execute", heard)
        yield seen
        for engine in both:
            event.remove(engine, "before_cursor_execute", heard)

    return watch


def upload(data: bytes, name: str = "名册.xlsx", **more: str) -> dict[str, Any]:
    """The fields of the upload form."""
    return {"file": (BytesIO(data), name), **more}
