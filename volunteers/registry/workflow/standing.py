"""How a volunteer's standing changes: the state table, and the verbs.

Whoever leaves, or goes on leave, hands over first what they have promised. Leaving freezes the record: a named
custodian keeps it for ten years (GB/T 40143-2021), and what need not be kept is dropped at once (个人信息保护法, art.
47): weekly hours, skills that nobody verified, the guardian's phone. When the time is over the rest goes, too; the
ledger of hours stays under the number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select, update

from community.accounts.workflow import appoint
from community.grid.models import Estate, Person
from community.organisations.models import Appointment, Organisation
from core import clock, identity
from core.access import Role, Viewer
from core.audit import Subject
from core.database import db
from core.outbox import Draft
from core.workflow import MESSAGES, Change, InvalidStep, Step, Workflow
from volunteers.consents.models import VolunteerConsent, VolunteerGuardian
from volunteers.registry import commitments, leaders
from volunteers.registry import messages as say
from volunteers.registry.commitments import Commitment
from volunteers.registry.models import (
    STANDING_NAMES,
    Standing,
    Volunteer,
    VolunteerDayOff,
    VolunteerSkill,
    VolunteerWindow,
)

KEPT_YEARS = 10
LONGEST_LEAVE = 366
ADULT = 18
S = Standing
TOLD = (MESSAGES,)
AWAY = ("leave_from", "leave_until", "is_available", "is_on_call")
GONE = ("left_on", "keep_until", "custodian")
FORGOTTEN = ("national_no", "team", "categories", "unclear_skills", "unclear_hours", "custodian")
MADE = tuple(c.name for c in Volunteer.__table__.columns if c.name not in ("person_id", "standing", "version"))


def _from(*states: Standing) -> frozenset[str | None]:
    return frozenset(states)


VOLUNTEERS = Workflow(
    "volunteer",
    Volunteer.__table__,  # type: ignore[arg-type]
    (
        Step("register", "登记", frozenset({None}), frozenset({S.ACTIVE}), "volunteers:edit"),
        Step("suspend", "暂停服务", _from(S.ACTIVE, S.ON_LEAVE), frozenset({S.SUSPENDED}), "volunteers:edit", True,
             sets=AWAY, writes=TOLD),
        Step("take_leave", "请假", _from(S.ACTIVE), frozenset({S.ON_LEAVE}), "volunteers:edit", True, sets=AWAY,
             writes=TOLD),
        Step("return", "恢复服务", _from(S.SUSPENDED, S.ON_LEAVE, S.LEFT, S.ERASED), frozenset({S.ACTIVE}),
             "volunteers:edit", True, sets=(*AWAY, *GONE), writes=TOLD),
        Step("leave", "退出", _from(S.ACTIVE, S.SUSPENDED, S.ON_LEAVE), frozenset({S.LEFT}), "volunteers:edit", True,
             sets=(*AWAY, *GONE), writes=TOLD),
        Step("erase", "销毁档案", _from(S.LEFT), frozenset({S.ERASED}), "volunteers:edit", sets=FORGOTTEN),
    ),
    made=MADE,
    key="person_id",
    state="standing",
)  # fmt: skip
VERB_TO = {S.SUSPENDED: "suspend", S.ACTIVE: "return", S.LEFT: "leave", S.ON_LEAVE: "take_leave"}
"""The verb that leads to a standing."""
ON_LEAVING: list[Any] = []
"""Called with the viewer and the id of whoever leaves, in the same transaction: teams end the membership there."""


class Refused(ValueError):
    """What was asked does not go; the text says why."""


class HandOverFirst(Refused):
    """Whoever goes has promised things that others must take over before."""

    def __init__(self, held: Sequence[Commitment]) -> None:
        super().__init__(f"还有{len(held)}项没做完，请先交接：" + "；".join(one.words for one in held[:5]))
        self.held = held


def next_standings(standing: str) -> list[Standing]:
    """The standings that a person may lead to from this one, in the order of a page's buttons."""
    verbs = VOLUNTEERS.verbs(standing)
    return [target for target, verb in VERB_TO.items() if verb in verbs]


def apply(
    viewer: Viewer, volunteer: Volunteer, verb: str, values: Mapping[str, Any], *, reason: str = "",
    details: Mapping[str, Any] | None = None, messages: Sequence[Draft] = (),
) -> None:  # fmt: skip
    """A verb to a volunteer who is on the register, in the present transaction. Raises ``Refused`` and ``Stale``."""
    before, step = volunteer.standing, _step(volunteer, verb)
    if step.needs_reason and not reason.strip():
        raise Refused("请写明原因")
    (target,) = step.reaches
    row = {name: getattr(volunteer, name) for name in step.sets} | dict(values)
    row |= {"person_id": volunteer.person_id, "version": volunteer.version, "updated_at": clock.now()}
    change = Change(
        verb, Subject("volunteer", volunteer.person_id, volunteer.estate_id), before, target, viewer.person_id,
        viewer.name, reason, {"from": before, "to": target, **(details or {})}, messages,
    )  # fmt: skip
    VOLUNTEERS.apply(db.session.connection(), change, row)
    db.session.expire(volunteer)


def _step(volunteer: Volunteer, verb: str) -> Step:
    try:
        return VOLUNTEERS.step(verb, volunteer.standing)
    except InvalidStep as error:
        told = f"现在是{STANDING_NAMES[volunteer.standing]}，不能{VOLUNTEERS.steps[verb].title}"
        raise Refused(told) from error


def name_of(person_id: str) -> str:
    """The name on the roll."""
    return db.session.scalars(select(Person.name).where(Person.id == person_id)).one()


def suspend(viewer: Viewer, volunteer: Volunteer, reason: str, told: Iterable[Draft] = ()) -> None:
    """Stop somebody's service for now; no order is offered to them. Raises ``Refused``."""
    messages = [*say.suspended(volunteer.person_id, reason), *told]
    values = {"is_available": False, "is_on_call": False, "leave_from": None, "leave_until": None}
    apply(viewer, volunteer, "suspend", values, reason=reason, messages=messages)


def take_leave(viewer: Viewer, volunteer: Volunteer, until: date, reason: str) -> None:
    """Away from today up to and including a day, then back by itself. Raises ``Refused`` and ``HandOverFirst``."""
    today = clock.today()
    if until <= today:
        raise Refused("请假要到明天或以后的一天，只有今天的不用请假")
    if (until - today).days > LONGEST_LEAVE:
        raise Refused("请假最长一年，更久的请办退出")
    _step(volunteer, "take_leave")
    _hand_over(volunteer.person_id)
    own = viewer.person_id == volunteer.person_id
    told = (
        say.on_leave(leaders.list_leaders(volunteer.estate_id), volunteer.person_id, viewer.name, until)
        if own
        else say.granted_leave(volunteer.person_id, until)
    )
    values = {"leave_from": today, "leave_until": until, "is_available": False, "is_on_call": False}
    apply(viewer, volunteer, "take_leave", values, reason=reason, details={"until": until.isoformat()}, messages=told)


def come_back(viewer: Viewer, volunteer: Volunteer, reason: str) -> None:
    """Serve again. Somebody under 18 needs a guardian's consent that stands. Raises ``Refused``."""
    was = volunteer.standing
    born = db.session.scalar(select(Person.birth_date).where(Person.id == volunteer.person_id))
    if born is not None and identity.age_on(born, clock.today()) < ADULT and not volunteer.guardian_consent:
        raise Refused("未满18岁，监护人的同意没有登记或已撤回，请先登记监护人同意")
    told = say.back(volunteer.person_id) if viewer.person_id != volunteer.person_id else []
    values = dict.fromkeys(("leave_from", "leave_until", "left_on", "keep_until")) | {
        "custodian": "", "is_available": True,
    }  # fmt: skip
    apply(viewer, volunteer, "return", values, reason=reason, messages=told)
    if was in (S.LEFT, S.ERASED):
        hold_post(viewer, volunteer.person_id, db.session.get_one(Estate, volunteer.estate_id))


def leave(viewer: Viewer, volunteer: Volunteer, reason: str, custodian: str = "") -> None:
    """Leave the register: the record is frozen, what need not be kept goes. Raises ``Refused``, ``HandOverFirst``."""
    person_id, estate_id = volunteer.person_id, volunteer.estate_id
    _step(volunteer, "leave")
    _hand_over(person_id)
    today = clock.today()
    own = viewer.person_id == person_id
    keeper = custodian or ("" if own else viewer.name) or _secretary(estate_id)
    keep_until = in_years(today, KEPT_YEARS)
    told = say.farewell(person_id, keep_until)
    if own:
        told += say.left(leaders.list_leaders(estate_id), person_id, viewer.name, reason)
    values = {"leave_from": None, "leave_until": None, "is_available": False, "is_on_call": False,
              "left_on": today, "keep_until": keep_until, "custodian": keeper}  # fmt: skip
    details = {"custodian": keeper, "keep_until": keep_until.isoformat()}
    apply(viewer, volunteer, "leave", values, reason=reason, details=details, messages=told)
    _end_post(person_id)
    _drop_what_need_not_be_kept(person_id)
    for hook in ON_LEAVING:
        hook(viewer, person_id)


def _hand_over(person_id: str) -> None:
    held = commitments.held_by(person_id)
    if held:
        raise HandOverFirst(held)


def _secretary(estate_id: str) -> str:
    """The name of whoever leads the branch, who keeps a record for which nobody was named."""
    found = leaders.list_leaders(estate_id)
    return name_of(found[0]) if found else "支部书记"


def in_years(day: date, years: int) -> date:
    """The same day so many years on; the last of February for its 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


FORGET: list[Any] = [VolunteerWindow, VolunteerDayOff]
"""Tables by ``person_id`` of what is of use only while somebody serves."""


def _drop_what_need_not_be_kept(person_id: str) -> None:
    for model in FORGET:
        db.session.execute(delete(model).where(model.person_id == person_id))
    skills = delete(VolunteerSkill).where(VolunteerSkill.person_id == person_id)
    db.session.execute(skills.where(VolunteerSkill.verified_on.is_(None)))
    guardians = update(VolunteerGuardian).where(VolunteerGuardian.person_id == person_id)
    db.session.execute(guardians.values(phone_sealed=None, phone_key=None))


def erase(viewer: Viewer, volunteer: Volunteer) -> None:
    """Forget a record whose ten years are over; number and hours stay. Raises ``Refused`` before that day."""
    if volunteer.keep_until is None or volunteer.keep_until >= clock.today():
        raise Refused("保存期还没有到")
    person_id = volunteer.person_id
    blank = {"national_no": "", "team": "", "categories": [], "unclear_skills": "", "unclear_hours": "",
             "custodian": ""}  # fmt: skip
    apply(viewer, volunteer, "erase", blank, details={"number": volunteer.number})
    for model in (VolunteerSkill, VolunteerGuardian, VolunteerConsent, *ERASED):
        db.session.execute(delete(model).where(model.person_id == person_id))


ERASED: list[Any] = []
"""Further tables by ``person_id`` whose rows go when a record is erased; capabilities above put theirs here."""


def hold_post(viewer: Viewer, person_id: str, estate: Estate) -> None:
    """The post of volunteer at the estate's branch, unless it is held."""
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
