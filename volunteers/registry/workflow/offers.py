"""Changes of a volunteer's registration: who registers, and what they offer.

Skills that a volunteer names are declared, not verified; those verified before stay so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select, update

from community.grid.models import Estate, Person
from core import audit, clock, identity
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.workflow import Change, Stale
from volunteers.registry.availability import Window
from volunteers.registry.models import Standing, Volunteer, VolunteerDayOff, VolunteerSkill, VolunteerWindow
from volunteers.registry.queries import Card
from volunteers.registry.roll_match import new_numbers
from volunteers.registry.skills import SKILLS
from volunteers.registry.week import in_words
from volunteers.registry.workflow import standing
from volunteers.registry.workflow.standing import VOLUNTEERS, Refused, hold_post

GUARDIAN_AGE, LEAST_AGE = 18, 14
MOST_DAYS_OFF = 30


@dataclass(frozen=True)
class Offer:
    """What a volunteer offers: skills by code, weekly windows, orders a week at most, how far from home, what kinds."""

    skills: Collection[str]
    windows: Sequence[Window]
    weekly_cap: int
    reach: str = "estate"
    categories: Collection[str] = ()


def check_age(born: date | None, guardian: bool, companion: bool) -> None:
    """Raises ``Refused`` under 18 without a guardian's consent, under 14 unless the guardian serves along, too.

    志愿服务条例: minors serve with their guardian's consent, or accompanied by them.
    """
    age = identity.age_on(born, clock.today()) if born else None
    if age is not None and age < LEAST_AGE and not (guardian and companion):
        raise Refused("未满14岁不能单独登记，监护人要同意、自己也是志愿者，并陪同参加")
    if age is not None and age < GUARDIAN_AGE and not guardian:
        raise Refused("未满18岁要有监护人同意，请填监护人并写明怎样同意的")


def register(
    viewer: Viewer, person: Person, estate: Estate, offer: Offer, *, guardian: bool = False, companion: bool = False,
    national_no: str = "",
) -> Volunteer:  # fmt: skip
    """Put a person of the roll on the register, with a number and the post. Caller commits. Raises ``Refused``.

    ``guardian``: a guardian's consent is on record; ``companion``: and the guardian serves as a volunteer, too.
    """
    if db.session.get(Volunteer, person.id) is not None:
        raise Refused("这个人已经是志愿者")
    check_age(person.birth_date, guardian, companion)
    table = Volunteer.__table__
    row: dict[str, Any] = {
        c.name: c.default.arg for c in table.columns if c.default is not None and c.default.is_scalar
    }
    row = dict.fromkeys(standing.MADE) | row | {
        "person_id": person.id, "estate_id": estate.id, "number": new_numbers(1)[0], "national_no": national_no,
        "guardian_consent": guardian, "joined_on": clock.today(), "updated_at": clock.now(), "version": 1,
        **_said(offer),
    }  # fmt: skip
    details = {"skills": sorted(offer.skills), "guardian": guardian, "number": row["number"]}
    subject = Subject("volunteer", person.id, estate.id)
    change = Change("register", subject, None, Standing.ACTIVE, viewer.person_id, viewer.name, details=details)
    VOLUNTEERS.apply(db.session.connection(), change, row)
    write_offer(person.id, offer, {})
    hold_post(viewer, person.id, estate)
    return db.session.get_one(Volunteer, person.id)


def change(
    viewer: Viewer, card: Card, offer: Offer, version: int, *, national_no: str | None = None, mended: bool = False,
) -> None:  # fmt: skip
    """Change what a volunteer offers, and by the branch also the national number. Caller commits.

    ``mended``: the texts that the roll's reader did not understand are settled now. Raises ``Stale``.
    """
    if card.volunteer.version != version:
        raise Stale("volunteer")
    values: dict[str, object] = _said(offer)
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
    if not details:
        return
    _move(before.person_id, version, changed)
    write_offer(before.person_id, offer, card.skills)
    subject = Subject("volunteer", before.person_id, before.estate_id)
    audit.record(viewer.person_id, viewer.name, "change_volunteer", subject, details=details)


def _said(offer: Offer) -> dict[str, Any]:
    return {"weekly_cap": offer.weekly_cap, "reach": offer.reach, "categories": list(offer.categories)}


def note_guardian(person_id: str, stands: bool) -> None:
    """Whether a guardian's consent for somebody on the register stands; matching reads it. Caller commits."""
    volunteer = db.session.get(Volunteer, person_id)
    if volunteer is not None and volunteer.guardian_consent != stands:
        _move(person_id, volunteer.version, {"guardian_consent": stands})
        db.session.expire(volunteer)


def renew(viewer: Viewer, volunteer: Volunteer, offer: Offer) -> None:
    """What somebody who has come back offers now; verified skills stay so. Caller commits."""
    held = set(db.session.scalars(select(VolunteerSkill.skill).where(VolunteerSkill.person_id == volunteer.person_id)))
    person_id, version = volunteer.person_id, volunteer.version
    _move(person_id, version, _said(offer))
    db.session.expire(volunteer)
    write_offer(person_id, offer, held)
    subject = Subject("volunteer", person_id, volunteer.estate_id)
    audit.record(viewer.person_id, viewer.name, "change_volunteer", subject, details={"skills": sorted(offer.skills)})


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


def write_offer(person_id: str, offer: Offer, held: Collection[str]) -> None:
    """Skills and weekly windows as offered; ``held`` are the skills of before, which keep their verification."""
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
