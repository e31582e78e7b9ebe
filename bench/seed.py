"""Our side's seed: branches with volunteers, residents, services lists, waiting orders, and a token for everybody."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import insert

from community.accounts.models import Account, SignIn
from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment, Organisation
from core import clock
from core.database import begin_write, db
from core.ids import digits, new_id
from services.catalogue.starters import give_starters
from services.orders.models import ServiceOrder
from volunteers.registry.models import Volunteer, VolunteerSkill

ITEM = "elder_shopping"
Rows = dict[Any, list[dict[str, Any]]]


def cookie(app: Flask, token: str) -> str:
    """The cookie of whoever is signed in to the pages with ``web`` before this token."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    session = {"_user_id": f"web{token}", "_fresh": True, "seen": int(time.time()), "_permanent": True}
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(session)}"


@dataclass(frozen=True)
class Branch:
    """Who acts in a branch: a secretary's token, volunteers as (id, token), residents' tokens."""

    estate: str
    secretary: str
    volunteers: list[tuple[str, str]]
    residents: list[str]


def seed(app: Flask, branches: int, volunteers: int, residents: int, orders: int) -> list[Branch]:
    """Fill an empty, migrated database; the numbers are totals over all branches."""
    with app.app_context():
        begin_write()
        root = Organisation(id=new_id(), kind="district", name="压测区", path="", code="")
        root.path = f"{root.id}/"
        db.session.add(root)
        db.session.flush()
        made = [
            _branch(root, n, volunteers // branches, residents // branches, orders // branches) for n in range(branches)
        ]
        db.session.commit()
    return made


def _branch(root: Organisation, number: int, volunteers: int, residents: int, orders: int) -> Branch:
    now = clock.now()
    rows: Rows = {}
    branch, estate, building, unit = new_id(), new_id(), new_id(), new_id()
    path = f"{root.path}{branch}/"

    def add(model: Any, **values: Any) -> None:
        rows.setdefault(model, []).append(values)

    add(Organisation, id=branch, kind="branch", name=f"{number}支部", parent_id=root.id, path=path, code="")
    add(Estate, id=estate, name=f"小区{number}", branch_id=branch, path=path, duty_phone="", created_at=now)
    add(Building, id=building, estate_id=estate, name="1栋", number=1, kind="building")
    add(Unit, id=unit, estate_id=estate, building_id=building, number=1)

    def person(name: str, door: str) -> tuple[str, str]:
        home, someone, account, token = new_id(), new_id(), new_id(), new_id()
        label = f"1栋1单元{door}"
        add(Household, id=home, estate_id=estate, building_id=building, unit_id=unit, door=door, floor=1, label=label)
        add(Person, id=someone, estate_id=estate, household_id=home, name=name, care=[], created_at=now, updated_at=now)
        add(Account, id=account, person_id=someone, phone_sealed="-", phone_key=account, password_hash="-",
            created_at=now, issued_by=someone)  # fmt: skip
        digest = hashlib.sha256(token.encode()).hexdigest()
        for kind, mark in (("api", digest), ("web", hashlib.sha256(f"web{token}".encode()).hexdigest())):
            add(SignIn, id=new_id(), digest=mark, account_id=account, kind=kind, created_at=now,
                expires_at=now + timedelta(days=1))  # fmt: skip
        return someone, token

    def post(someone: str, role: str) -> None:
        add(Appointment, id=new_id(), person_id=someone, organisation_id=branch, role=role, starts_on=date(2025, 1, 1),
            created_at=now, created_by=someone)  # fmt: skip

    secretary, secretary_token = person("书记", "s")
    post(secretary, "secretary")
    helpers = [person(f"志愿{n}", f"v{n}") for n in range(volunteers)]
    for n, (someone, _) in enumerate(helpers):
        post(someone, "volunteer")
        add(Volunteer, person_id=someone, estate_id=estate, number=f"B{number:04}{n:05}", joined_on=date(2025, 1, 1),
            updated_at=now)  # fmt: skip
        add(VolunteerSkill, person_id=someone, skill="shopping")
    people = [person(f"居民{n}", f"r{n}") for n in range(residents)]
    _orders(add, estate, branch, building, people, orders)
    for model in (Organisation, Estate, Building, Unit, Household, Person, Account, SignIn, Appointment, Volunteer,
                  VolunteerSkill, ServiceOrder):  # fmt: skip
        if rows.get(model):
            db.session.execute(insert(model), rows[model])
    give_starters(estate)
    return Branch(estate, secretary_token, helpers, [token for _, token in people])


def _orders(add: Any, estate: str, branch: str, building: str, people: list[tuple[str, str]], count: int) -> None:
    now = clock.now()
    item = {"code": ITEM, "name": "助老购物", "category": "生活照料", "icon": "i-c-shop", "skills": ["shopping"],
            "deadline_minutes": 1440, "clock": "around_the_clock", "usual_minutes": 40, "offer_minutes": 240,
            "volunteers_needed": 1, "who_may_order": "everyone"}  # fmt: skip
    for n in range(count):
        someone = people[n % len(people)][0]
        add(ServiceOrder, id=new_id(), estate_id=estate, desk_id=branch, code=f"b{n}-{digits(6)}", state="placed",
            version=1, item_code=ITEM, item=item, building_id=building, household_label=f"1栋1单元r{n % len(people)}",
            person_id=someone, person_name=f"居民{n}", salutation="居民", placed_by=someone, placed_by_name=f"居民{n}",
            placed_as="self", door_code="1234", placed_at=now, note=f"请帮忙买菜 <{n}>", attention=[],
            volunteers_needed=1, accepted_count=0,
            urgent=False, due_at=now + timedelta(minutes=n), updated_at=now)  # fmt: skip
