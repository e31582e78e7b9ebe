"""Changes of a volunteer's registration: who registers, what they offer, whether they serve.

Skills that a volunteer names are declared, not verified; those verified before stay so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, func, insert, select, update

from community.accounts.workflow import appoint
from community.grid.models import Estate, Person
from community.organisations.models import Appointment, Organisation
from core import audit, clock, identity
from core.access import Forbidden, NotFound, Role, Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.workflow import Stale
from volunteers.registry.availability import Window
from volunteers.registry.importing import new_numbers
from volunteers.registry.models import STANDING_NAMES, Volunteer, VolunteerDayOff, VolunteerSkill, VolunteerWindow
from volunteers.registry.queries import Card
from volunteers.registry.skills import SKILLS
from volunteers.registry.week import in_words

GUARDIAN_AGE, LEAST_AGE = 18, 14
MOST_DAYS_OFF = 30
VERBS = {"suspended": "suspend", "active": "return", "left": "leave"}
STEPS = {"active": ("suspended", "left"), "suspended": ("active", "left"), "left": ("active",)}
"""The standings that may follow each."""


class Refused(ValueError):
    """What was asked does not go; the text says why."""


@dataclass(frozen=True)
class Offer:
    """What a volunteer offers: skills by code, weekly windows, orders a week at most, how far from home."""

    skills: Collection[str]
    windows: Sequence[Window]
    weekly_cap: int
    reach: str = "estate"


def register(viewer: Viewer, person: Person, estate: Estate, team: str, offer: Offer, guardian: bool) -> Volunteer:
    """Put a person of the roll on the register. Caller commits.

    Raises ``Refused`` for children under 14, and under 18 without their guardian's consent (志愿服务条例; rules.md 1).
    """
    if db.session.get(Volunteer, person.id) is not None:
        raise Refused("这个人已经是志愿者")
    age = identity.age_on(person.birth_date, clock.today()) if person.birth_date else None
    if age is not None and age < LEAST_AGE:
        raise Refused("未满14岁不能单独登记，请由监护人登记并陪同参加")
    if age is not None and age < GUARDIAN_AGE and not guardian:
        raise Refused("未满18岁要有监护人同意，请勾选“监护人已同意”")
    volunteer = Volunteer(
        person_id=person.id, estate_id=estate.id, number=new_numbers(1)[0], team=team, weekly_cap=offer.weekly_cap,
        reach=offer.reach, guardian_consent=guardian, joined_on=clock.today(), version=1, updated_at=clock.now(),
    )  # fmt: skip
    db.session.add(volunteer)
    db.session.flush()
    _write_offer(person.id, offer, {})
    _hold_post(viewer, person.id, estate)
    details = {"skills": sorted(offer.skills), "guardian": guardian}
    subject = Subject("volunteer", person.id, estate.id)
    audit.record(viewer.person_id, viewer.name, "register", subject, details=details)
    return volunteer


def change(
    viewer: Viewer, card: Card, offer: Offer, version: int, *, team: str | None = None, national_no: str | None = None,
    mended: bool = False, guardian: bool | None = None, verified: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Change what a volunteer offers, and by the branch also team, national number, consent and verified skills.

    ``mended``: the texts that the roll's reader did not understand are settled now. Caller commits. Raises ``Stale``.
    """
    if card.volunteer.version != version:
        raise Stale("volunteer")
    values: dict[str, object] = {"weekly_cap": offer.weekly_cap, "reach": offer.reach}
    if guardian is not None:
        values["guardian_consent"] = guardian
    if team is not None:
        values["team"] = team
    if national_no is not None:
        values["national_no"] = national_no
    if mended:
        values |= {"unclear_skills": "", "unclear_hours": ""}
    before = card.volunteer
    changed = {name: value for name, value in values.items() if getattr(before, name) != value}
    details: dict[str, object] = {name: [getattr(before, name), value] for name, value in changed.items()}
    if set(offer.skills) != set(card.skills):
        details["skills"] = [sorted(card.skills), sorted(offer.skills)]
    if list(offer.windows) != list(card.windows):
        details["hours"] = [in_words(card.windows), in_words(offer.windows)]
    was = {code for code, day in card.skills.items() if day is not None}
    checked = was if verified is None else set(verified)
    if checked != was:
        details["verified"] = [sorted(was), sorted(checked)]
    if not details:
        return
    _move(before.person_id, version, changed)
    _write_offer(before.person_id, offer, card.skills)
    _verify(before.person_id, checked - was, was - checked)
    subject = Subject("volunteer", before.person_id, before.estate_id)
    audit.record(viewer.person_id, viewer.name, "change_volunteer", subject, details=details)


def set_standing(viewer: Viewer, card: Card, standing: str, reason: str) -> None:
    """Suspend, take back or let go a volunteer, with a reason; who has left loses the post. Caller commits.

    Raises ``Refused`` for a standing that does not follow the present one, or without a reason.
    """
    before = card.volunteer
    if standing not in STEPS[before.standing]:
        raise Refused(f"现在是{STANDING_NAMES[before.standing]}，不能改为{STANDING_NAMES.get(standing, standing)}")
    if not reason:
        raise Refused("请写明原因")
    was = before.standing
    _move(before.person_id, before.version, {"standing": standing})
    if standing == "left":
        _end_post(before.person_id)
    elif was == "left":
        _hold_post(viewer, before.person_id, db.session.get_one(Estate, before.estate_id))
    subject = Subject("volunteer", before.person_id, before.estate_id)
    audit.record(
        viewer.person_id, viewer.name, VERBS[standing], subject, reason=reason, details={"from": was, "to": standing}
    )


def set_available(viewer: Viewer, available: bool) -> None:
    """Whether the viewer, a volunteer, takes orders now. Caller commits. Raises ``Forbidden`` for anybody else."""
    changed = db.session.execute(
        update(Volunteer)
        .where(Volunteer.person_id == viewer.person_id, Volunteer.standing == "active")
        .values(is_available=available, version=Volunteer.version + 1, updated_at=clock.now())
        .returning(Volunteer.estate_id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if changed is None:
        raise Forbidden("您现在不是可服务的志愿者，请联系支部")
    verb = "open_to_orders" if available else "close_to_orders"
    audit.record(viewer.person_id, viewer.name, verb, Subject("volunteer", viewer.person_id, changed))


def set_on_call(viewer: Viewer, on: bool) -> None:
    """Whether the viewer, a volunteer, may be called when a neighbour is in need. Caller commits.

    Only whoever is known to be of age: minors take no part in emergency rescue (志愿服务条例). Raises ``Refused``, and
    ``Forbidden`` for anybody who is no serving volunteer.
    """
    born = db.session.scalar(select(Person.birth_date).where(Person.id == viewer.person_id))
    if on and born is None:
        raise Refused("登记里没有您的出生日期，请支部补上再打开。未满18岁不参加应急救助")
    if on and born is not None and identity.age_on(born, clock.today()) < GUARDIAN_AGE:
        raise Refused("未满18岁不参加应急救助，满18岁再打开")
    changed = db.session.execute(
        update(Volunteer)
        .where(Volunteer.person_id == viewer.person_id, Volunteer.standing == "active")
        .values(is_on_call=on, version=Volunteer.version + 1, updated_at=clock.now())
        .returning(Volunteer.estate_id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if changed is None:
        raise Forbidden("您现在不是可服务的志愿者，请联系支部")
    verb = "open_to_calls" if on else "close_to_calls"
    audit.record(viewer.person_id, viewer.name, verb, Subject("volunteer", viewer.person_id, changed))


def take_off(viewer: Viewer, card: Card, first: date, last: date, note: str) -> None:
    """Put days off into a volunteer's calendar. Caller commits. Raises ``Refused`` for too many."""
    if len(card.days_off) >= MOST_DAYS_OFF:
        raise Refused(f"最多登记{MOST_DAYS_OFF}段，先去掉用不着的")
    person_id, estate_id = card.volunteer.person_id, card.volunteer.estate_id
    db.session.add(VolunteerDayOff(id=new_id(), person_id=person_id, first_day=first, last_day=last, note=note))
    db.session.flush()
    subject = Subject("volunteer", person_id, estate_id)
    details = {"from": first.isoformat(), "to": last.isoformat()}
    audit.record(viewer.person_id, viewer.name, "take_days_off", subject, details=details)


def give_back(viewer: Viewer, card: Card, day_off_id: str) -> None:
    """Take days off out of a volunteer's calendar again. Caller commits. Raises ``NotFound``."""
    person_id, estate_id = card.volunteer.person_id, card.volunteer.estate_id
    gone = delete(VolunteerDayOff).where(VolunteerDayOff.id == day_off_id, VolunteerDayOff.person_id == person_id)
    row = db.session.execute(gone.returning(VolunteerDayOff.first_day, VolunteerDayOff.last_day)).first()
    if row is None:
        raise NotFound
    details = {"from": row[0].isoformat(), "to": row[1].isoformat()}
    audit.record(
        viewer.person_id, viewer.name, "drop_days_off", Subject("volunteer", person_id, estate_id), details=details
    )


def _move(person_id: str, version: int, values: dict[str, object]) -> None:
    moved = db.session.execute(
        update(Volunteer)
        .where(Volunteer.person_id == person_id, Volunteer.version == version)
        .values(**values, version=version + 1, updated_at=clock.now())
        .returning(Volunteer.person_id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise Stale("volunteer")


def _write_offer(person_id: str, offer: Offer, held: dict[str, date | None]) -> None:
    gone = [skill for skill in held if skill not in offer.skills]
    if gone:
        owned = delete(VolunteerSkill).where(VolunteerSkill.person_id == person_id)
        db.session.execute(owned.where(VolunteerSkill.skill.in_(gone)))
    fresh = [{"person_id": person_id, "skill": code} for code in SKILLS if code in offer.skills and code not in held]
    if fresh:
        db.session.execute(insert(VolunteerSkill), fresh)
    db.session.execute(delete(VolunteerWindow).where(VolunteerWindow.person_id == person_id))
    windows = [window._asdict() | {"person_id": person_id} for window in offer.windows]
    if windows:
        db.session.execute(insert(VolunteerWindow), windows)


def _verify(person_id: str, checked: Collection[str], doubted: Collection[str]) -> None:
    own = update(VolunteerSkill).where(VolunteerSkill.person_id == person_id)
    for skills, day in ((checked, clock.today()), (doubted, None)):
        if skills:
            db.session.execute(own.where(VolunteerSkill.skill.in_(sorted(skills))).values(verified_on=day))


def _hold_post(viewer: Viewer, person_id: str, estate: Estate) -> None:
    held = select(func.count()).select_from(Appointment)
    held = held.where(Appointment.person_id == person_id, Appointment.organisation_id == estate.branch_id)
    held = held.where(Appointment.role == Role.VOLUNTEER, Appointment.ends_on.is_(None))
    if not db.session.scalar(held):
        branch = db.session.get_one(Organisation, estate.branch_id)
        today = clock.today()
        again = update(Appointment).where(
            Appointment.person_id == person_id, Appointment.organisation_id == estate.branch_id,
            Appointment.role == Role.VOLUNTEER, Appointment.starts_on == today,
        )  # fmt: skip
        if db.session.execute(again.values(ends_on=None).returning(Appointment.id)).first() is None:
            appoint(viewer.person_id, viewer.name, person_id, Role.VOLUNTEER, branch, today, estate_id=estate.id)


def _end_post(person_id: str) -> None:
    """From now on: a post that began today ends today, an older one yesterday."""
    today = clock.today()
    open_ones = select(Appointment).where(
        Appointment.person_id == person_id, Appointment.role == Role.VOLUNTEER, Appointment.ends_on.is_(None)
    )
    for post in db.session.scalars(open_ones):
        post.ends_on = max(post.starts_on, date.fromordinal(today.toordinal() - 1))
    db.session.flush()
