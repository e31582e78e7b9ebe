"""A small community to test with, and a browser that fills in forms. Everybody is made up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from community.accounts import workflow
from community.grid.models import PHONE_COLUMN, PHONE_TAIL, Building, Estate, Household, Person, PersonPhone, Unit
from community.organisations.models import Organisation, OrganisationKind
from core import clock
from core.access import Role
from core.database import begin_write, db, engines
from core.identity import pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer

PASSWORD = "Ginkgo-2026-leaf"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Town:
    """Two estates of one community: ids of what stands in them."""

    root: str
    community: str
    branch: str
    group: str
    estate: str
    other_branch: str
    other_estate: str
    secretary: str
    resident: str
    neighbour: str
    stranger: str
    household: str


PHONES = {"admin": "19900000091", "staff": "19900000041", "secretary": "19900000021", "resident": "19900000001"}


def organisation(name: str, kind: OrganisationKind, parent: Organisation | None) -> Organisation:
    """A body under its parent."""
    id_ = new_id()
    path = f"{parent.path if parent else ''}{id_}/"
    made = Organisation(id=id_, kind=kind, name=name, parent_id=parent.id if parent else None, path=path, code="")
    db.session.add(made)
    db.session.flush()
    return made


def estate(name: str, branch: Organisation) -> Estate:
    """An estate led by its branch."""
    made = Estate(id=new_id(), name=name, branch_id=branch.id, path=branch.path, created_at=clock.now())
    db.session.add(made)
    db.session.flush()
    return made


def person(name: str, estate_id: str | None, household_id: str | None = None, phone: str = "") -> Person:
    """Someone on the roll, with a phone on it when one is given."""
    made = Person(
        id=new_id(), estate_id=estate_id, household_id=household_id, name=name, pinyin=pinyin_key(name),
        initials=pinyin_initials(name), care=[], created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    if phone:
        seal = sealer()
        db.session.add(
            PersonPhone(person_id=made.id, position=0, estate_id=estate_id, sealed=seal.seal(phone, PHONE_COLUMN),
                        number_key=seal.index(phone, PHONE_COLUMN), tail_key=seal.index(phone[-4:], PHONE_TAIL))
        )  # fmt: skip
        db.session.flush()
    return made


def household(estate_id: str, door: str) -> Household:
    """A dwelling in the first stairwell of the estate's first building."""
    building = db.session.query(Building).filter_by(estate_id=estate_id).first()
    if building is None:
        building = Building(id=new_id(), estate_id=estate_id, name="3栋", number=3)
        db.session.add(building)
        db.session.flush()
        db.session.add(Unit(id=new_id(), estate_id=estate_id, building_id=building.id, number=1))
        db.session.flush()
    unit = db.session.query(Unit).filter_by(building_id=building.id).one()
    made = Household(id=new_id(), estate_id=estate_id, building_id=building.id, unit_id=unit.id, door=door,
                     label=f"3栋1单元{door}")  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def post(person_id: str, role: Role, at: Organisation, estate_id: str | None = None) -> str:
    """A post held since the beginning of 2025."""
    return workflow.appoint("system", "系统", person_id, role, at, date(2025, 1, 1), None, estate_id).id


def make_town(app: Flask) -> Town:
    """District, community, two estates; admin, community staff, a secretary, a resident, each with an account."""
    with app.app_context():
        begin_write()
        root = organisation("本区", OrganisationKind.DISTRICT, None)
        community = organisation("望月社区", OrganisationKind.COMMUNITY, root)
        branch = organisation("榕树花园党支部", OrganisationKind.BRANCH, community)
        other = organisation("水泥厂党支部", OrganisationKind.BRANCH, community)
        group = organisation("3栋党小组", OrganisationKind.PARTY_GROUP, branch)
        home, away = estate("榕树花园", branch), estate("水泥厂生活区", other)
        flat = household(home.id, "501")
        admin, staff = person("管春", None), person("童文", None)
        secretary = person("覃立冬", home.id)
        resident = person("沈月娥", home.id, flat.id)
        neighbour = person("王秀兰", home.id, household(home.id, "401").id, "13800000055")
        stranger = person("外小区", away.id, None, "13800000077")
        for one, key in ((admin, "admin"), (staff, "staff"), (secretary, "secretary"), (resident, "resident")):
            workflow.create(one, PHONES[key], PASSWORD, "system")
        db.session.flush()
        post(admin.id, Role.ADMIN, root)
        post(staff.id, Role.COMMUNITY_STAFF, community)
        post(secretary.id, Role.SECRETARY, branch, home.id)
        db.session.commit()
        return Town(
            root.id, community.id, branch.id, group.id, home.id, other.id, away.id, secretary.id, resident.id,
            neighbour.id, stranger.id, flat.id,
        )  # fmt: skip


class Browser:
    """A client that takes the token from the page before it posts."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, data: dict[str, Any] | None = None, page: str | None = None) -> TestResponse:
        """Post a form found on ``page`` (default: a page that everybody may open)."""
        token = csrf(self.client.get(page or "/sign-in").text) or csrf(self.client.get("/me/password").text)
        return self.client.post(path, data={"csrf_token": token, **(data or {})})

    def sign_in(self, who: str, password: str = PASSWORD) -> TestResponse:
        """Sign in as one of ``PHONES``, or with a phone."""
        phone = PHONES.get(who, who)
        return self.post("/sign-in", {"phone": phone, "password": password})


def csrf(page: str) -> str:
    """The token of the first form on a page, or nothing."""
    found = TOKEN.search(page)
    return unescape(found[1]) if found else ""


def as_(app: Flask, who: str) -> Browser:
    """A browser in which ``who`` has signed in."""
    browser = Browser(app)
    answer = browser.sign_in(who)
    assert answer.status_code == 302, answer.text
    return browser


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with app.app_context():
        both = [engines().main, engines().quick]
    for engine in both:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in both:
            event.remove(engine, "before_cursor_execute", note)
