"""A whole town in one estate, for measuring: volunteers with skills, hours and a year behind them, orders that wait,
and a secretary who is signed in."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from community.accounts.models import Account, SignIn
from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment, Organisation
from core import clock
from core.database import begin_write, db
from core.ids import digits, new_id
from services.catalogue.models import ServiceItem
from services.catalogue.starters import give_starters
from services.demo.history import WEIGHTS
from services.orders.forms import SLOTS
from services.orders.models import Offer, ServiceOrder
from volunteers.hours.models import HourEntry
from volunteers.registry.availability import PARTS_OF_DAY
from volunteers.registry.models import Volunteer, VolunteerDayOff, VolunteerSkill, VolunteerWindow
from volunteers.registry.skills import SKILLS

UNITS, DAYS = 2, 4
PARTS = tuple(PARTS_OF_DAY[name] for name in ("上午", "中午", "下午", "晚上"))
ITEM_FIELDS = (
    "id", "code", "name", "category", "icon", "skills", "usual_minutes", "volunteers_needed", "deadline_minutes",
    "clock", "offer_minutes", "who_may_order", "verified", "training", "min_age", "max_age", "personal_care",
)  # fmt: skip
ORDER_MATTERS = (Organisation, Estate, Building, Unit, Household, Person, Account, SignIn, Appointment, Volunteer,
                 VolunteerSkill, VolunteerWindow, VolunteerDayOff, ServiceOrder, Offer, HourEntry)  # fmt: skip


class Town:
    """Rows on their way into an empty, migrated database."""

    def __init__(self, volunteers: int, orders: int, history: int) -> None:
        self.rng, self.now, self.rows = Random(1), clock.now(), dict[Any, list[dict[str, Any]]]()
        self.estate, self.branch, self.community = new_id(), new_id(), new_id()
        self.secretary = new_id()
        """The mark of the secretary's sign-in, as a browser's session keeps it."""
        self.homes: list[tuple[str, str, str]] = []
        self.helpers: list[str] = []
        self.residents: list[tuple[str, tuple[str, str, str]]] = []
        self._sizes = volunteers, orders, history

    def add(self, model: Any, **values: Any) -> None:
        """One row more."""
        self.rows.setdefault(model, []).append(values)

    def build(self) -> None:
        """Write the town. Caller is inside an application context."""
        volunteers, orders, history = self._sizes
        begin_write()
        self._places(volunteers // 200 or 1, volunteers)
        for model in (Organisation, Estate):
            db.session.execute(insert(model), self.rows.pop(model))
        give_starters(self.estate)
        found = db.session.scalars(select(ServiceItem).where(ServiceItem.estate_id == self.estate)).all()
        items = {item.code: {name: getattr(item, name) for name in ITEM_FIELDS} for item in found}
        self._secretary()
        self._people(volunteers, volunteers)
        for n in range(orders):
            self._waiting(items, n)
        for n in range(history):
            self._past(items, n)
        for model in ORDER_MATTERS:
            if rows := self.rows.get(model):
                db.session.execute(insert(model), rows)
        db.session.commit()

    def _places(self, buildings: int, homes: int) -> None:
        path = f"{self.community}/"
        self.add(Organisation, id=self.community, kind="community", name="大社区", parent_id=None, path=path, code="")
        self.add(Organisation, id=self.branch, kind="branch", name="大小区党支部", parent_id=self.community,
                 path=f"{path}{self.branch}/", code="")  # fmt: skip
        self.add(Estate, id=self.estate, name="大小区", branch_id=self.branch, path=f"{path}{self.branch}/",
                 duty_phone="", created_at=self.now)  # fmt: skip
        for number in range(1, buildings + 1):
            building = new_id()
            self.add(Building, id=building, estate_id=self.estate, name=f"{number}栋", number=number, kind="building")
            for unit_number in range(1, UNITS + 1):
                unit = new_id()
                self.add(Unit, id=unit, estate_id=self.estate, building_id=building, number=unit_number)
                for door in range(homes // (buildings * UNITS) or 1):
                    home = new_id()
                    self.add(Household, id=home, estate_id=self.estate, building_id=building, unit_id=unit,
                             door=str(door), floor=1, label=f"{number}栋{unit_number}单元{door}")  # fmt: skip
                    self.homes.append((home, building, unit))

    def _person(self, name: str, home: str) -> str:
        someone = new_id()
        self.add(Person, id=someone, estate_id=self.estate, household_id=home, name=name, sex=self.rng.choice((1, 2)),
                 birth_date=date(self.rng.randrange(1940, 2004), 1, 1), care=[], created_at=self.now,
                 updated_at=self.now)  # fmt: skip
        return someone

    def _secretary(self) -> None:
        someone, account, mark = self._person("书记", self.homes[0][0]), new_id(), f"web{self.secretary}"
        self.add(Account, id=account, person_id=someone, phone_sealed="-", phone_key=account, password_hash="-",
                 created_at=self.now, issued_by=someone)  # fmt: skip
        self.add(SignIn, id=new_id(), digest=hashlib.sha256(mark.encode()).hexdigest(), account_id=account, kind="web",
                 created_at=self.now, expires_at=self.now + timedelta(days=1))  # fmt: skip
        self.add(Appointment, id=new_id(), person_id=someone, organisation_id=self.branch, role="secretary",
                 starts_on=date(2025, 1, 1), created_at=self.now, created_by=someone)  # fmt: skip

    def _people(self, volunteers: int, residents: int) -> None:
        rng, today = self.rng, clock.today()
        for n in range(volunteers):
            home = self.homes[n % len(self.homes)]
            someone = self._person(f"志愿{n}", home[0])
            self.helpers.append(someone)
            self.add(Volunteer, person_id=someone, estate_id=self.estate, number=f"B{n:09}", joined_on=today,
                     weekly_cap=rng.randrange(1, 7), is_available=rng.random() > 0.05, updated_at=self.now)  # fmt: skip
            for skill in rng.sample(list(SKILLS), rng.choice((1, 2, 2, 3))):
                self.add(VolunteerSkill, person_id=someone, skill=skill, verified_on=None)
            for weekday, part in rng.sample([(d, p) for d in range(7) for p in range(4)], rng.randrange(3, 11)):
                opens, closes = PARTS[part]
                self.add(VolunteerWindow, person_id=someone, weekday=weekday, start_minute=opens, end_minute=closes)
            if rng.random() < 0.02:
                self.add(VolunteerDayOff, id=new_id(), person_id=someone, first_day=today,
                         last_day=today + timedelta(days=rng.randrange(5)))  # fmt: skip
        for n in range(residents):
            home = rng.choice(self.homes)
            self.residents.append((self._person(f"居民{n}", home[0]), home))

    def _order(self, items: dict[str, Any], n: int, **values: Any) -> dict[str, Any]:
        rng = self.rng
        item = items[rng.choices(list(items), [WEIGHTS.get(code, 1) for code in items])[0]]
        person, (home, building, _) = rng.choice(self.residents)
        row = {
            "id": new_id(), "estate_id": self.estate, "desk_id": self.branch, "code": f"b{n}-{digits(6)}", "version": 1,
            "item_code": item["code"], "item": item, "household_id": home, "building_id": building,
            "household_label": "1栋", "person_id": person, "person_name": "居民", "salutation": "居民",
            "placed_by": person, "placed_by_name": "居民", "placed_as": "self", "door_code": "1234", "note": "",
            "attention": [], "volunteers_needed": 1, "accepted_count": 0, "urgent": False, "helper_sex": 0,
            "minutes": 0, "comment": "", "reopened": 0, "preferred_start": None, "preferred_end": None, "stars": None,
        }  # fmt: skip
        self.rows.setdefault(ServiceOrder, []).append(row | values)
        return row | values

    def _waiting(self, items: dict[str, Any], n: int) -> None:
        rng, start, end = self.rng, None, None
        if rng.random() < 0.7:
            day = clock.today() + timedelta(days=rng.randrange(1, 1 + DAYS))
            slot = rng.choice(SLOTS)[0]
            start, end = (_moment(day, text) for text in slot.split("-"))
        self._order(items, n, state="placed", placed_at=self.now, updated_at=self.now, preferred_start=start,
                    preferred_end=end, due_at=self.now + timedelta(minutes=rng.randrange(-600, 6000)),
                    volunteers_needed=2 if rng.random() < 0.04 else 1, urgent=rng.random() < 0.03)  # fmt: skip

    def _past(self, items: dict[str, Any], n: int) -> None:
        """A service of the last year; the busiest hundred of each thousand volunteers did most of it."""
        rng = self.rng
        at = self.now - timedelta(minutes=rng.randrange(30, 525_000))
        who = self.helpers[int(len(self.helpers) * rng.random() ** 2)]
        luck = rng.random()
        state = "declined" if luck < 0.06 else "no_show" if luck < 0.07 else "completed"
        order = self._order(items, 10**6 + n, state="closed", placed_at=at, updated_at=at, due_at=at,
                            stars=rng.choice((None, 5, 5, 5, 4, 3)))  # fmt: skip
        done = state == "completed"
        self.add(Offer, order_id=order["id"], volunteer_id=who, round=0, estate_id=self.estate, volunteer_name="志愿",
                 state=state, is_open_call=False, reasons=[], offered_at=at, expires_at=at,
                 accepted_at=at if done else None, checked_in_at=at if done else None,
                 completed_at=at if done else None, minutes=40 if done else None, reason="")  # fmt: skip
        if done:
            self.add(HourEntry, id=new_id(), volunteer_id=who, estate_id=self.estate, order_id=order["id"],
                     starts_at=at, ends_at=at + timedelta(minutes=40), minutes=40, content="服务", recorded_at=at,
                     recorded_by=who, recorded_late=False)  # fmt: skip


def _moment(day: date, text: str) -> datetime:
    return clock.from_local(datetime.combine(day, time(int(text[:2]), int(text[2:]))))


def settle(app: Flask, volunteers: int, orders: int, history: int) -> Town:
    """Make the town in an empty, migrated database."""
    with app.app_context():
        town = Town(volunteers, orders, history)
        town.build()
    return town
