"""A town full of oddities: volunteers with every kind of past and promise, and orders that ask for anything."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import update

from community.grid.models import Building, Household, Person, Unit
from core import clock
from core.database import begin_write, db
from core.ids import digits, new_id
from services.dispatch.models import PairExclusion
from services.orders.models import Offer, ServiceOrder
from tests.factories import Place, World, person, volunteer, write
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer, VolunteerDayOff, VolunteerSkill
from volunteers.rota.models import Rota, Shift, ShiftPlace

SKILLS = ("shopping", "haircut", "first_aid")
HOURS = ((480, 720), (720, 840), (840, 1080), (1110, 1260))


def building(place: Place, number: int) -> list[str]:
    """Another building of two stairwells; their ids."""
    id_ = new_id()
    write(Building, id=id_, estate_id=place.id, name=f"{number}栋", number=number, kind="building")
    units = []
    for n in (1, 2):
        units.append(new_id())
        write(Unit, id=units[-1], estate_id=place.id, building_id=id_, number=n)
    return [f"{id_} {unit}" for unit in units]


class Oddities:
    """Fills the estates of a town."""

    def __init__(self, world: World, seed: int) -> None:
        begin_write()
        self.rng, self.now, self.today = Random(seed), clock.now(), clock.today()
        self.world, self.estate = world, world.estates["banyan"]
        self.stairs: list[tuple[str, str, str]] = []
        for key in ("banyan", "cement"):
            place = world.estates[key]
            for number in (2, 3, 5, 6):
                self.stairs += [(place.id, *ids.split()) for ids in building(place, number)]
        self.helpers: list[str] = []
        self.residents: list[tuple[str, str]] = []

    def fill(self, helpers: int, orders: int) -> None:
        """So many volunteers and waiting orders, committed."""
        for n in range(orders // 2 + 3):
            home = self._home()
            self.residents.append((person(f"居民{n}", self.estate, home).id, home))
        for n in range(helpers):
            self._helper(n)
        for _ in range(orders):
            self._order("placed")
        for _ in range(helpers * 4):
            self._past()
        self._shifts(helpers // 4)
        pairs = {(self.rng.choice(self.helpers), self.rng.choice(self.residents)[0]) for _ in range(helpers // 3)}
        for who, resident in sorted(pairs):
            lifted = self.now if self.rng.random() < 0.3 else None
            write(PairExclusion, id=new_id(), estate_id=self.estate.id, person_id=resident, volunteer_id=who,
                  side="resident", asked_by=resident, reason="-", at=self.now, lifted_at=lifted)  # fmt: skip
        db.session.commit()

    def _shifts(self, count: int) -> None:
        """Shifts by day and by night, called off ones among them, some people in several."""
        rng, post, branch = self.rng, new_id(), self.estate.branch
        write(Rota, id=post, organisation_id=branch.id, path=branch.path, estate_id=self.estate.id, name="岗",
              place="门", created_at=self.now, updated_at=self.now)  # fmt: skip
        for n in range(count):
            start, id_ = self.now + timedelta(minutes=60 * (3 * n - 20)), new_id()
            state = "called_off" if rng.random() < 0.2 else "planned"
            write(Shift, id=id_, rota_id=post, day=self.today, state=state, version=1, starts_at=start, needs=[],
                  ends_at=start + timedelta(hours=rng.choice((2, 8, 24))), places=2, code="0000",
                  created_at=self.now, updated_at=self.now)  # fmt: skip
            for who in rng.sample(self.helpers, 2):
                write(ShiftPlace, id=new_id(), shift_id=id_, person_id=who, need="a", version=1, queued_at=self.now,
                      state=rng.choice(("signed_up", "to_confirm", "present", "waiting", "withdrawn", "done")),
                      updated_at=self.now)  # fmt: skip

    def _home(self) -> str:
        estate, building_id, unit = self.rng.choice(self.stairs)
        id_ = new_id()
        write(Household, id=id_, estate_id=estate, building_id=building_id, unit_id=unit, door=digits(8), floor=1,
              label="x", note="")  # fmt: skip
        return id_

    def _helper(self, n: int) -> None:
        rng = self.rng
        place = self.estate if rng.random() < 0.8 else self.world.estates["cement"]
        home = rng.choice(self.residents)[1] if rng.random() < 0.1 else self._home()
        windows = [(day, *rng.choice(HOURS)) for day in rng.sample(range(7), rng.randrange(0, 7))]
        who = volunteer(f"义工{n}", place, windows=windows, cap=rng.randrange(1, 5), home=home,
                        available=rng.random() < 0.95).id  # fmt: skip
        for skill in rng.sample(SKILLS, rng.randrange(1, 4)):
            write(VolunteerSkill, person_id=who, skill=skill, verified_on=self.today if rng.random() < 0.4 else None)
        born = rng.choice(
            (None, date(1950, 2, 28), date(1990, 5, 1), date(2009, 12, 1), date(2012, 11, 18), date(2014, 1, 1))
        )
        db.session.execute(update(Person).where(Person.id == who).values(birth_date=born, sex=rng.choice((0, 1, 2))))
        db.session.execute(
            update(Volunteer).where(Volunteer.person_id == who).values(
                reach=rng.choice(("building", "estate", "estate", "community")), guardian_consent=rng.random() < 0.5,
                standing="suspended" if rng.random() < 0.05 else "active",
            )
        )  # fmt: skip
        if rng.random() < 0.2:
            first = self.today + timedelta(days=rng.randrange(-2, 4))
            write(VolunteerDayOff, id=new_id(), person_id=who, first_day=first, last_day=first + timedelta(days=1))
        self.helpers.append(who)

    def _time(self) -> dict[str, Any]:
        rng = self.rng
        if rng.random() < 0.3:
            return {"preferred_start": None, "preferred_end": None}
        start = self.now + timedelta(minutes=rng.randrange(0, 5 * 1440, 30))
        return {"preferred_start": start, "preferred_end": start + timedelta(minutes=rng.choice((60, 120, 180, 690)))}

    def _order(self, state: str, **values: Any) -> dict[str, Any]:
        rng = self.rng
        resident, home = rng.choice(self.residents)
        skills = rng.sample(SKILLS, rng.choice((0, 1, 1, 2)))
        item = {
            "code": rng.choice(("elder_shopping", "emergency")), "name": "甲", "category": "其他", "icon": "i-c-more",
            "skills": skills, "verified": [s for s in skills if rng.random() < 0.2],
            "usual_minutes": rng.choice((30, 90)),
            "min_age": rng.choice((None, None, 16)), "max_age": rng.choice((None, None, 70)), "training": "",
            "offer_minutes": 120, "deadline_minutes": 1440, "clock": "around_the_clock", "volunteers_needed": 1,
        }  # fmt: skip
        row = {
            "id": new_id(), "estate_id": self.estate.id, "desk_id": self.estate.branch.id, "code": digits(12),
            "state": state, "version": 1,
            "item_code": item["code"], "item": item, "household_id": home, "building_id": None, "household_label": "x",
            "person_id": resident, "person_name": "居民", "salutation": "居民", "placed_by": resident,
            "placed_by_name": "居民", "placed_as": "self", "door_code": "1234", "placed_at": self.now, "note": "",
            "attention": [], "volunteers_needed": rng.choice((1, 1, 1, 2)), "accepted_count": 0, "minutes": 0,
            "comment": "", "reopened": 0, "urgent": rng.random() < 0.1, "helper_sex": rng.choice((0, 0, 0, 2)),
            "due_at": self.now + timedelta(minutes=rng.randrange(-500, 5000)), "updated_at": self.now,
            **self._time(), **values,
        }  # fmt: skip
        write(ServiceOrder, **row)
        return row

    def _past(self) -> None:
        """An offer of some day, in any state; some of today, some of this very round of a waiting order."""
        rng, who = self.rng, self.rng.choice(self.helpers)
        at = self.now - timedelta(minutes=rng.choice((5, 300, 3000, 30_000, 300_000, 600_000)))
        state = rng.choice(
            ("completed", "completed", "completed", "declined", "no_show", "accepted", "offered", "withdrawn")
        )
        closed = state == "completed"
        kind = "closed" if closed else rng.choice(("placed", "dispatched", "accepted"))
        order = self._order(kind, placed_at=at, stars=rng.choice((None, 5, 4, 1)) if closed else None,
                            accepted_count=0 if kind in ("placed", "dispatched") else 1)  # fmt: skip
        write(Offer, order_id=order["id"], volunteer_id=who, round=0, estate_id=self.estate.id, volunteer_name="x",
              state=state, is_open_call=rng.random() < 0.2, reasons=[], offered_at=at,
              expires_at=at + timedelta(hours=rng.choice((1, 9))), reason="",
              accepted_at=at if state in ("completed", "accepted") else None,
              completed_at=at if closed else None)  # fmt: skip
        if closed:
            write(HourEntry, id=new_id(), volunteer_id=who, estate_id=self.estate.id, order_id=order["id"],
                  starts_at=at - timedelta(hours=1), ends_at=at, minutes=rng.randrange(10, 90), content="x",
                  recorded_at=at, recorded_by=who)  # fmt: skip
