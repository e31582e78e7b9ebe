"""Those who play the leading parts in the demo: who they are, the posts they hold and how they sign in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import func, select

from community.accounts.models import LOGIN_COLUMN, Account
from community.accounts.queries import phone_key
from community.accounts.workflow import appoint
from community.grid.models import Building, Estate, Household, Person, Proxy
from community.organisations.models import Organisation
from core import clock
from core.access import Role, Viewer
from core.database import db
from core.identity import PARTY_CODES, pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer
from core.serve import DEMO_PASSWORD
from services.catalogue.queries import list_all
from services.demo.places import Places
from services.demo.stories import Someone
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.roll_match import new_numbers

PHONE = "199000000{:02d}"
MORNING, AFTERNOON, EVENING, ALL_DAY = (480, 720), (840, 1080), (1110, 1260), (480, 1260)
WORKDAYS, WEEKEND = range(5), range(5, 7)
ITEM_FIELDS = (
    "id", "code", "name", "category", "icon", "skills", "usual_minutes", "volunteers_needed", "deadline_minutes",
    "clock", "offer_minutes", "who_may_order", "verified", "training", "min_age", "max_age", "personal_care",
)  # fmt: skip
Hours = tuple[Iterable[int], tuple[int, int]]
VOLUNTEERS: tuple[tuple[tuple[str, ...], tuple[Hours, ...]], ...] = (
    (("shopping", "blood_pressure", "listening", "first_aid"), ((WORKDAYS, MORNING), (WEEKEND, ALL_DAY))),
    (("shopping", "appliance_repair", "plumbing_electrical", "small_repairs"), ((WEEKEND, ALL_DAY), ((2,), EVENING))),
    (("shopping", "errands", "tech_help"), ((WORKDAYS, AFTERNOON),)),
    (("shopping", "clinic_company", "elder_care", "driving"), ((range(7), MORNING),)),
    (("shopping", "cleaning", "haircut", "sewing"), (((1, 3, 5), AFTERNOON), ((6,), ALL_DAY))),
    (("shopping", "tutoring", "legal", "mediation"), ((range(7), EVENING),)),
)
"""Skills and weekly hours of the six volunteers who have accounts."""


def residents_of(estate: Estate, *, adults: bool = True) -> list[Someone]:
    """Everybody who lives in an estate, in the order of the doors."""
    born_before = clock.today() - timedelta(days=round(18 * 365.25))
    wanted = (
        select(Person.id, Person.name, Person.household_id, Household.building_id, Household.label, Person.sex,
               Person.birth_date)
        .join(Household, Household.id == Person.household_id)
        .join(Building, Building.id == Household.building_id)
        .where(Person.estate_id == estate.id, Person.moved_out_on.is_(None))
        .order_by(Building.number, Household.label, Person.is_householder.desc(), Person.name)
    )  # fmt: skip
    if adults:
        wanted = wanted.where(Person.birth_date < born_before)
    return [Someone(*row) for row in db.session.execute(wanted)]


def volunteers_of(estate: Estate) -> list[Someone]:
    """The volunteers of an estate with their skills, by number."""
    skills: dict[str, set[str]] = {}
    held = select(VolunteerSkill.person_id, VolunteerSkill.skill).join(
        Volunteer, Volunteer.person_id == VolunteerSkill.person_id
    )
    for person_id, skill in db.session.execute(held.where(Volunteer.estate_id == estate.id)):
        skills.setdefault(person_id, set()).add(skill)
    people = select(Person.id, Person.name, Person.household_id).join(Volunteer, Volunteer.person_id == Person.id)
    people = people.where(Volunteer.estate_id == estate.id).order_by(Person.name, Volunteer.number)
    return [
        Someone(id_, name, home, skills=frozenset(skills.get(id_, ())))
        for id_, name, home in db.session.execute(people)
    ]


class Casting:
    """Gives parts to people who have none, each home one; volunteers of the rolls stay what they are."""

    def __init__(self, actor: Viewer) -> None:
        self._actor = actor
        self._volunteers = set(db.session.scalars(select(Volunteer.person_id)))
        self._password = PasswordHasher().hash(DEMO_PASSWORD)
        self._taken: set[str] = set()

    def pick(self, people: Sequence[Someone], ages: range, *, away_from: str | None = None) -> Someone:
        """The first of these people of such an age whose home has no part yet, and not in the building named."""
        for who in people:
            age = who.age_on(clock.today())
            free = who.household_id not in self._taken and who.id not in self._volunteers
            if free and age is not None and age in ages and who.building_id != away_from:
                return self.take(who)
        raise LookupError("no one of that age has a home to themselves in this roll")

    def take(self, who: Someone) -> Someone:
        """Mark somebody's home as having a part."""
        if who.household_id:
            self._taken.add(who.household_id)
        return who

    def outsider(self, name: str, estate: Estate | None = None) -> Someone:
        """Somebody of the staff who lives elsewhere."""
        at = clock.now()
        person = Person(
            id=new_id(), estate_id=estate.id if estate else None, household_id=None, name=name, pinyin=pinyin_key(name),
            initials=pinyin_initials(name), care=[], created_at=at, updated_at=at,
        )  # fmt: skip
        db.session.add(person)
        db.session.flush()
        return Someone(person.id, name)

    def open_account(self, who: Someone, number: int) -> None:
        """An account with the demo password; its phone ends in ``number``."""
        phone = PHONE.format(number)
        db.session.add(
            Account(
                id=new_id(),
                person_id=who.id,
                phone_sealed=sealer().seal(phone, LOGIN_COLUMN),
                phone_key=phone_key(phone),
                password_hash=self._password,
                must_change=False,
                email="",
                created_at=clock.now(),
                issued_by=self._actor.person_id,
            )
        )

    def give_post(self, who: Someone, role: Role, organisation_id: str, estate: Estate | None = None) -> None:
        """A post from today on."""
        body = db.session.get_one(Organisation, organisation_id)
        estate_id = estate.id if estate else None
        appoint(self._actor.person_id, self._actor.name, who.id, role, body, clock.today(), estate_id=estate_id)

    def make_volunteer(
        self, who: Someone, estate: Estate, skills: Iterable[str], hours: Iterable[Hours], team: str = "党员先锋队",
    ) -> None:  # fmt: skip
        """Register somebody as a volunteer."""
        db.session.add(
            Volunteer(person_id=who.id, estate_id=estate.id, number=new_numbers(1)[0], team=team, weekly_cap=6,
                      joined_on=clock.today(), updated_at=clock.now())
        )  # fmt: skip
        db.session.flush()
        db.session.add_all(VolunteerSkill(person_id=who.id, skill=skill) for skill in skills)
        db.session.add_all(
            VolunteerWindow(person_id=who.id, weekday=day, start_minute=start, end_minute=end)
            for days, (start, end) in hours
            for day in days
        )
        self.give_post(who, Role.VOLUNTEER, estate.branch_id, estate)


class Parts:
    """The leading parts by the last two digits of their phone."""

    def __init__(self) -> None:
        self.by_number: dict[int, Someone] = {}

    def __getitem__(self, number: int) -> Someone:
        return self.by_number[number]

    def ids(self) -> frozenset[str]:
        """Everybody's id."""
        return frozenset(who.id for who in self.by_number.values())


def cast_parts(casting: Casting, places: Places, rng: Random) -> Parts:
    """Choose the leading parts and give them posts and accounts."""
    parts, chosen = Parts(), {}
    home, near, far = (residents_of(estate) for estate in (places.estate, places.neighbour, places.distant))
    chosen[1] = casting.take(_alone(places.estate, home))
    chosen[2] = casting.pick(home, range(60, 76), away_from=chosen[1].building_id)
    members = _party_members(home)
    chosen[21] = casting.pick(members, range(45, 63), away_from=chosen[1].building_id)
    chosen[22] = casting.pick(near, range(45, 63))
    chosen[23] = casting.pick(far, range(45, 63))
    chosen[31] = casting.outsider("罗晓燕", places.estate)
    for number, name in ((41, "谭志强"), (51, "文丽君"), (91, "何立信")):
        chosen[number] = casting.outsider(name)
    estates = {21: places.estate, 22: places.neighbour, 23: places.distant}
    for number, estate in estates.items():
        casting.give_post(chosen[number], Role.SECRETARY, estate.branch_id, estate)
    casting.give_post(chosen[31], Role.GRID_WORKER, places.estate.branch_id, places.estate)
    casting.give_post(chosen[41], Role.COMMUNITY_STAFF, places.community.id)
    casting.give_post(chosen[51], Role.SUBDISTRICT_STAFF, places.subdistrict.id)
    casting.give_post(chosen[91], Role.ADMIN, places.district.id)
    buildings = list(dict.fromkeys(who.building_id for who in home))
    for n, (skills, hours) in enumerate(VOLUNTEERS):
        there = [who for who in home if who.building_id == buildings[n % len(buildings)]]
        who = chosen[11 + n] = casting.pick(there, range(25, 58))
        casting.make_volunteer(who, places.estate, skills, hours)
    for number, who in chosen.items():
        casting.open_account(who, number)
    parts.by_number = chosen
    _more_volunteers(casting, places.neighbour, near, rng, 14)
    _more_volunteers(casting, places.distant, far, rng, 7)
    _stewards(casting, places.estate, home)
    db.session.flush()
    return parts


def _alone(estate: Estate, people: Sequence[Someone]) -> Someone:
    """A woman of 60 or more who lives by herself in 3栋1单元."""
    sizes = select(Person.household_id, func.count()).where(Person.estate_id == estate.id).group_by(Person.household_id)
    alone = {home for home, count in db.session.execute(sizes) if count == 1}
    women = [who for who in people if who.label.startswith("3栋1单元") and who.household_id in alone and who.sex == 2]
    return max(women, key=lambda who: who.age_on(clock.today()) or 0)


def _party_members(people: Sequence[Someone]) -> list[Someone]:
    ids = set(db.session.scalars(select(Person.id).where(Person.political_status.in_(PARTY_CODES))))
    return [who for who in people if who.id in ids]


def _more_volunteers(casting: Casting, estate: Estate, people: Sequence[Someone], rng: Random, count: int) -> None:
    """Volunteers so that every skill is offered by two at least."""
    skills = [skill for known, _ in VOLUNTEERS for skill in known if skill != "shopping"] * 2
    for n in range(count):
        who = casting.pick(people[n * 7 :], range(22, 66))
        own = ["shopping", *skills[n::count]]
        hours = ((WORKDAYS, rng.choice((MORNING, AFTERNOON, EVENING))), (WEEKEND, ALL_DAY))
        casting.make_volunteer(who, estate, dict.fromkeys(own), hours, team="邻里帮帮队")


def _stewards(casting: Casting, estate: Estate, people: Sequence[Someone]) -> None:
    """A steward for each building, at its party group."""
    groups = select(Building.id, Building.party_group_id).where(Building.estate_id == estate.id)
    for building_id, group_id in db.session.execute(groups.order_by(Building.number)).all():
        if group_id is not None:
            who = casting.pick([p for p in people if p.building_id == building_id], range(35, 75))
            casting.give_post(who, Role.BUILDING_STEWARD, group_id, estate)


def name_family(people: Sequence[Someone], rng: Random, count: int) -> dict[str, Someone]:
    """Relatives in other homes who may order for an elder; by household."""
    today = clock.today()
    elders = [who for who in people if (who.age_on(today) or 0) >= 70]
    younger = [who for who in people if 30 <= (who.age_on(today) or 0) < 60]
    named: dict[str, Someone] = {}
    for elder in rng.sample(elders, min(count, len(elders))):
        helper = rng.choice(younger)
        home = elder.household_id or ""
        if helper.household_id == home or home in named:
            continue
        named[home] = helper
        relation = rng.choice(("儿子", "女儿", "儿媳", "侄子"))
        db.session.add(
            Proxy(household_id=home, helper_id=helper.id, person_id=elder.id, relation=relation, named_at=clock.now())
        )
    return named


def items_of(estate: Estate) -> dict[str, dict[str, Any]]:
    """The services list of an estate as orders copy it, by code."""
    return {item.code: {name: getattr(item, name) for name in ITEM_FIELDS} for item in list_all(estate.id)}
