"""Reading the register of volunteers; every function takes the viewer and cuts to their reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select

from community.grid.models import Estate, Household, Person
from community.organisations.queries import under
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import age_on, mask_id
from core.sealing import sealer
from core.web.paging import PAGE, Page, after, page_of
from volunteers.hours import stars
from volunteers.hours import sums as rolled
from volunteers.hours.models import HourEntry
from volunteers.registry.availability import Window
from volunteers.registry.categories import category_names
from volunteers.registry.models import (
    CERTIFICATE_COLUMN,
    Standing,
    Volunteer,
    VolunteerDayOff,
    VolunteerSkill,
    VolunteerWindow,
)
from volunteers.registry.skills import SKILLS
from volunteers.teams.models import Member, Team, TeamMembership

STANDINGS = (Standing.ACTIVE, Standing.SUSPENDED, Standing.ON_LEAVE, Standing.LEFT)
"""Those that a list can be cut to; erased records are in none."""
ADULT = 18
BETWEEN = "\x1f"
"""Parts the names of several teams in one column."""


@dataclass(frozen=True)
class Wanted:
    """Which volunteers a list shows. ``q`` begins a name or its initials, or is a whole number."""

    q: str = ""
    skill: str = ""
    standing: str = ""
    free_now: bool = False
    unclear: bool = False
    estate_id: str | None = None


def _rows() -> Select[Any]:
    skills = select(func.aggregate_strings(VolunteerSkill.skill, ","))
    skills = skills.where(VolunteerSkill.person_id == Volunteer.person_id)
    teams = select(func.aggregate_strings(Team.name, BETWEEN)).join(TeamMembership, TeamMembership.team_id == Team.id)
    teams = teams.where(TeamMembership.person_id == Volunteer.person_id, TeamMembership.state == Member.MEMBER)
    columns: list[Any] = [
        Person.id, Person.name, Person.pinyin, Volunteer.number, Volunteer.team, Volunteer.standing,
        Volunteer.is_available, Volunteer.weekly_cap, Volunteer.unclear_skills, Volunteer.unclear_hours,
        Volunteer.joined_on, Household.label, Estate.name.label("estate_name"),
        skills.correlate(Volunteer).scalar_subquery().label("skills"),
        rolled.total(Volunteer.person_id).label("total_minutes"),
        teams.correlate(Volunteer).scalar_subquery().label("teams"),
        *stars.columns(Volunteer.estate_id, Volunteer.person_id),
    ]  # fmt: skip
    return (
        select(*columns)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
    )


def team_names(row: Any) -> list[str]:
    """The names of the teams of a row of the list, in a fixed order."""
    return sorted(row.teams.split(BETWEEN)) if row.teams else []


def list_volunteers(viewer: Viewer, wanted: Wanted, *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Volunteers by name, in one statement; ``skills`` is codes joined by commas, or None."""
    rows = fast().execute(after(_cut(viewer, wanted), [Person.pinyin, Person.id], [str, str], cursor, limit)).all()
    return page_of(rows, limit, lambda row: [row.pinyin, row.id])


def every_volunteer(viewer: Viewer, wanted: Wanted) -> Sequence[Any]:
    """All of them, for an export."""
    return fast().execute(_cut(viewer, wanted).order_by(Person.pinyin, Person.id)).all()


def _cut(viewer: Viewer, wanted: Wanted) -> Select[Any]:
    statement = _rows().where(under(Estate.path, viewer.paths("volunteers:read")))
    statement = statement.where(Volunteer.standing != Standing.ERASED)
    if wanted.estate_id:
        statement = statement.where(Volunteer.estate_id == wanted.estate_id)
    if wanted.standing:
        statement = statement.where(Volunteer.standing == wanted.standing)
    if wanted.q:
        begins = Person.name.startswith(wanted.q, autoescape=True)
        initials = Person.initials.startswith(wanted.q.lower(), autoescape=True)
        statement = statement.where(or_(begins, initials, Volunteer.number == wanted.q.upper()))
    if wanted.skill:
        has = select(VolunteerSkill.skill).where(VolunteerSkill.person_id == Volunteer.person_id)
        statement = statement.where(has.where(VolunteerSkill.skill == wanted.skill).exists())
    if wanted.unclear:
        statement = statement.where(or_(Volunteer.unclear_skills != "", Volunteer.unclear_hours != ""))
    if wanted.free_now:
        now = clock.local(clock.now())
        minute = now.hour * 60 + now.minute
        opened = select(VolunteerWindow.weekday).where(
            VolunteerWindow.person_id == Volunteer.person_id, VolunteerWindow.weekday == now.weekday(),
            VolunteerWindow.start_minute <= minute, VolunteerWindow.end_minute > minute,
        )  # fmt: skip
        statement = statement.where(Volunteer.standing == "active", Volunteer.is_available, opened.exists())
    return statement


@dataclass(frozen=True)
class Skill:
    """A skill as declared, and what is known of its verification; the certificate's number is masked."""

    code: str
    verified_on: date | None
    verified_by: str
    evidence: str
    certificate: str
    expires_on: date | None

    @property
    def name(self) -> str:
        """As the catalogue calls it."""
        return SKILLS.get(self.code, self.code)

    @property
    def state(self) -> str:
        """``declared``, ``verified``, or ``expired`` when the verification has run out."""
        if self.verified_on is None:
            return "declared"
        return "expired" if self.expires_on is not None and self.expires_on < clock.today() else "verified"


@dataclass
class Card:
    """A volunteer with everything the register knows."""

    volunteer: Volunteer
    name: str
    estate_name: str
    estate_path: str
    home: str
    skills: dict[str, Skill] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    birth_date: date | None = None
    days_off: list[Any] = field(default_factory=list)

    @property
    def age(self) -> int | None:
        """Full years today."""
        return age_on(self.birth_date, clock.today()) if self.birth_date else None

    @property
    def is_minor(self) -> bool:
        """Under 18, so that a guardian has to consent."""
        return self.age is not None and self.age < ADULT

    @property
    def category_names(self) -> list[str]:
        """The kinds of service, in the order of the catalogue."""
        return category_names(self.volunteer.categories)

    @property
    def skill_list(self) -> list[Skill]:
        """In the order of the catalogue."""
        return [self.skills[code] for code in SKILLS if code in self.skills]

    @property
    def skill_names(self) -> list[str]:
        """Names in the order of the catalogue."""
        return [name for code, name in SKILLS.items() if code in self.skills]


def get_card(viewer: Viewer, person_id: str, permission: str = "volunteers:read") -> Card:
    """A volunteer within reach. Raises ``NotFound``."""
    card = _card(person_id)
    if card is None or not viewer.may_at(permission, card.estate_path):
        raise NotFound
    return card


def get_own_card(viewer: Viewer) -> Card:
    """The viewer as a volunteer. Raises ``NotFound`` for anybody who is none."""
    card = _card(viewer.person_id)
    if card is None:
        raise NotFound
    return card


def _card(person_id: str) -> Card | None:
    row = db.session.execute(
        select(Volunteer, Person.name, Estate.name, Estate.path, Household.label, Person.birth_date)
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .where(Volunteer.person_id == person_id, Volunteer.standing != Standing.ERASED)
    ).first()
    if row is None:
        return None
    skills = select(
        VolunteerSkill.skill, VolunteerSkill.verified_on, VolunteerSkill.verified_by, VolunteerSkill.evidence,
        VolunteerSkill.certificate_sealed, VolunteerSkill.expires_on,
    ).where(VolunteerSkill.person_id == person_id)  # fmt: skip
    windows = select(VolunteerWindow.weekday, VolunteerWindow.start_minute, VolunteerWindow.end_minute)
    windows = windows.where(VolunteerWindow.person_id == person_id)
    windows = windows.order_by(VolunteerWindow.weekday, VolunteerWindow.start_minute)
    days_off = select(VolunteerDayOff.id, VolunteerDayOff.first_day, VolunteerDayOff.last_day, VolunteerDayOff.note)
    days_off = days_off.where(VolunteerDayOff.person_id == person_id, VolunteerDayOff.last_day >= clock.today())
    card = Card(row[0], row[1], row[2], row[3], row[4] or "", birth_date=row[5])
    card.days_off = list(db.session.execute(days_off.order_by(VolunteerDayOff.first_day, VolunteerDayOff.id)))
    card.skills = {
        code: Skill(code, on, by, evidence, _masked(sealed), expires)
        for code, on, by, evidence, sealed, expires in db.session.execute(skills)
    }
    card.windows = [Window(*found) for found in db.session.execute(windows)]
    return card


def _masked(sealed: str | None) -> str:
    return mask_id(sealer().open(sealed, CERTIFICATE_COLUMN)) if sealed else ""


def get_candidate(viewer: Viewer, person_id: str) -> tuple[Person, Estate]:
    """A person of the roll who could be registered as a volunteer. Raises ``NotFound``."""
    row = db.session.execute(
        select(Person, Estate)
        .join(Estate, Estate.id == Person.estate_id)
        .where(Person.id == person_id, Person.moved_out_on.is_(None))
    ).first()
    if row is None or not viewer.may_at("volunteers:edit", row[1].path):
        raise NotFound
    return row[0], row[1]


def is_volunteer(person_id: str) -> bool:
    """Whether the person is on the register, in whatever standing."""
    return db.session.get(Volunteer, person_id) is not None


def list_recent(person_id: str, limit: int = 6) -> Sequence[Any]:
    """The last services of a volunteer: when, what, minutes; the caller has read the card for the viewer."""
    latest = select(HourEntry.starts_at, HourEntry.content, HourEntry.minutes, HourEntry.note)
    latest = latest.where(HourEntry.volunteer_id == person_id, HourEntry.minutes > 0)
    return fast().execute(latest.order_by(HourEntry.starts_at.desc(), HourEntry.id.desc()).limit(limit)).all()
