"""Who takes part in a session: seats and the waiting list, attendance, results.

The session's row is locked while its list changes, so that the last seat goes to exactly one. Taking part is voluntary:
staff may put people on a list with their consent noted, and everybody may cancel until it begins. Minutes of training
are not service hours (志愿服务记录与证明出具办法) and are credited nowhere.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from community.grid.models import Estate, Person
from community.organisations.queries import is_along
from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.database import db
from core.moving import Row, make, move
from volunteers.registry.models import Volunteer
from volunteers.training import messages as say
from volunteers.training.models import SEATED, Course, Enrolment, SessionState, State, TrainingSession
from volunteers.training.workflow.steps import ENROLMENTS, Refused

EARLY = timedelta(hours=1)
"""How long before the beginning, and after the end, one may still check in by oneself."""


@dataclass
class Held:
    """A session under lock with its live enrolments in order of signing up."""

    session: Row
    course_id: str
    course_name: str
    path: str
    estate_id: str | None
    valid_months: int
    enrolments: list[Row]

    @property
    def taken(self) -> int:
        """How many seats are taken."""
        return sum(row["state"] in SEATED for row in self.enrolments)

    @property
    def waiting(self) -> list[Row]:
        """Those who wait, the first first."""
        return [row for row in self.enrolments if row["state"] == State.WAITING]

    def of(self, person_id: str) -> Row | None:
        """Somebody's live enrolment."""
        return next((row for row in self.enrolments if row["person_id"] == person_id), None)


def hold_session(session_id: str) -> Held:
    """Lock a session and read its list; call ``begin_write`` before. Raises ``NotFound``."""
    table = TrainingSession.__table__
    found = db.session.execute(select(table).where(table.c.id == session_id).with_for_update()).mappings().first()
    if found is None:
        raise NotFound
    course = db.session.execute(
        select(Course.name, Course.path, Course.estate_id, Course.valid_months).where(Course.id == found["course_id"])
    ).one()
    listed = Enrolment.__table__
    rows = db.session.execute(
        select(listed)
        .where(listed.c.session_id == session_id, listed.c.state != State.CANCELLED)
        .order_by(listed.c.queued_at, listed.c.id)
    ).mappings()
    return Held(dict(found), found["course_id"], *course, [dict(row) for row in rows])


def sign_up(viewer: Viewer, session_id: str) -> str:
    """Take a seat, or a place on the waiting list when all are taken; the state reached. Caller commits.

    Raises ``Refused`` with what to do instead.
    """
    held = hold_session(session_id)
    who = _volunteers([viewer.person_id]).get(viewer.person_id)
    if who is None:
        raise Forbidden("您还不是可服务的志愿者，请联系支部")
    if not is_along(who.path, [held.path]):
        raise NotFound
    _check_open(held)
    if held.session["starts_at"] <= clock.now():
        raise Refused("这一场已经开始，请报下一场，或找培训人登记")
    _check_new(held, who)
    return _enrol(viewer, held, who, by_staff=False, consent="")


def _check_open(held: Held) -> None:
    if held.session["state"] != SessionState.PLANNED:
        raise Refused("这一场已经取消，请报别的场次")


def _check_new(held: Held, who: Any) -> None:
    if held.of(who.person_id) is not None:
        raise Refused(f"{who.name}已在这一场的名单里")
    other = db.session.execute(
        select(TrainingSession.starts_at)
        .join(Enrolment, Enrolment.session_id == TrainingSession.id)
        .where(Enrolment.course_id == held.course_id, Enrolment.person_id == who.person_id)
        .where(Enrolment.state.in_((State.SIGNED_UP, State.WAITING)), TrainingSession.ends_at > clock.now())
    ).scalar()
    if other is not None:
        day = clock.local(other)
        raise Refused(f"{who.name}已报了{day.month}月{day.day}日那一场，要换请先取消那一场")


def _enrol(viewer: Viewer, held: Held, who: Any, *, by_staff: bool, consent: str) -> str:
    full = held.taken >= held.session["places"] or bool(held.waiting)
    to = State.WAITING if full else State.SIGNED_UP
    told = [say.entered(held.course_name, held.session, who.person_id, full)] if by_staff else []
    row = make(
        ENROLMENTS, viewer, "enrol", to, trail=who.estate_id, messages=told,
        details={"name": held.course_name, "volunteer_name": who.name}, session_id=held.session["id"],
        course_id=held.course_id, person_id=who.person_id, estate_id=who.estate_id, by_staff=by_staff,
        consent=consent[:100], queued_at=clock.now(), attended_at=None, passed_on=None, expires_on=None, note="",
    )  # fmt: skip
    held.enrolments.append(row)
    return to


def enter(viewer: Viewer, session_id: str, people: Sequence[str], consent: str) -> dict[str, str]:
    """Staff put volunteers of their reach on the list, how they agreed noted: name and state reached. Caller commits.

    Raises ``Refused``, ``NotFound`` for somebody out of reach.
    """
    held = hold_session(session_id)
    if not is_along(held.path, viewer.paths("training:manage")):
        raise NotFound
    _check_open(held)
    if not consent.strip():
        raise Refused("请写明本人怎么同意的，如“电话里说好了”", "consent")
    if not people:
        raise Refused("请至少勾选一个人", "people")
    known = _volunteers(people)
    found = {}
    for person_id in dict.fromkeys(people):
        who = known.get(person_id)
        if who is None or not is_along(who.path, [held.path]) or not viewer.may_at("training:manage", who.path):
            raise NotFound
        _check_new(held, who)
        found[who.name] = _enrol(viewer, held, who, by_staff=True, consent=consent.strip())
    return found


def _volunteers(people: Collection[str]) -> dict[str, Any]:
    rows = db.session.execute(
        select(Volunteer.person_id, Person.name, Volunteer.estate_id, Estate.path)
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.person_id.in_(people), Volunteer.standing == "active")
    )
    return {row.person_id: row for row in rows}


def fill_seats(viewer: Viewer, held: Held) -> None:
    """Seats that are free go to those who wait, in order, as long as it has not begun."""
    if held.session["state"] != SessionState.PLANNED or held.session["ends_at"] <= clock.now():
        return
    for row in held.waiting[: max(0, held.session["places"] - held.taken)]:
        told = say.promoted(held.course_name, held.session, row["person_id"])
        move(ENROLMENTS, viewer, row, "promote", State.SIGNED_UP, trail=row["estate_id"], messages=[told])


def cancel(viewer: Viewer, enrolment_id: str) -> None:
    """Take oneself off the list before it begins; who waits first has the seat. Caller commits."""
    held, row = _find(enrolment_id)
    if row["person_id"] != viewer.person_id:
        raise NotFound
    if held.session["starts_at"] <= clock.now():
        raise Refused("培训已经开始，不能取消，请告诉培训人")
    move(ENROLMENTS, viewer, row, "cancel_enrolment", State.CANCELLED, trail=row["estate_id"])
    held.enrolments.remove(row)
    fill_seats(viewer, held)


def remove(viewer: Viewer, enrolment_id: str, reason: str) -> str:
    """Staff take somebody off the list with a reason, who is told; the session's id. Caller commits."""
    held, row = _find(enrolment_id)
    _lead(viewer, held)
    told = say.removed(held.course_name, held.session, row["person_id"], reason)
    move(ENROLMENTS, viewer, row, "remove_enrolment", State.CANCELLED, trail=row["estate_id"], reason=reason,
         messages=[told], note=reason[:200])  # fmt: skip
    held.enrolments.remove(row)
    fill_seats(viewer, held)
    return str(held.session["id"])


def _find(enrolment_id: str) -> tuple[Held, Row]:
    session_id = db.session.scalar(select(Enrolment.session_id).where(Enrolment.id == enrolment_id))
    if session_id is None:
        raise NotFound
    held = hold_session(session_id)
    row = next((row for row in held.enrolments if row["id"] == enrolment_id), None)
    if row is None:
        raise Refused("这个报名已经取消")
    return held, row


def _lead(viewer: Viewer, held: Held) -> None:
    if not viewer.may_at("training:manage", held.path):
        raise NotFound


def check_in(viewer: Viewer, session_id: str) -> None:
    """One's own check-in, by the code that the trainer shows. Caller commits. Raises ``Refused``."""
    held = hold_session(session_id)
    row = held.of(viewer.person_id)
    _check_open(held)
    if row is None or row["state"] == State.WAITING:
        raise Refused("您不在这一场的名单里，请找培训人登记")
    if not held.session["starts_at"] - EARLY <= clock.now() <= held.session["ends_at"] + EARLY:
        raise Refused("签到从开始前1小时到结束后1小时，现在不在这段时间里")
    if row["state"] != State.SIGNED_UP:
        raise Refused("您已经签到，不用再签")
    move(ENROLMENTS, viewer, row, "attend", State.ATTENDED, trail=row["estate_id"], details={"by": "code"},
         attended_at=clock.now())  # fmt: skip


def tick(viewer: Viewer, session_id: str, present: Collection[str], close: bool) -> int:
    """The list ticked by staff: who is there, and when ``close`` who was absent. Those not ticked, who were by mistake,
    are as before. How many attend. Caller commits."""
    held = hold_session(session_id)
    _lead(viewer, held)
    _check_open(held)
    if held.session["starts_at"] - EARLY > clock.now():
        raise Refused("还没到时间，开始前1小时起可以点名")
    for row in held.enrolments:
        here, state = row["id"] in present, row["state"]
        if here and state in (State.SIGNED_UP, State.WAITING, State.ABSENT):
            if state == State.WAITING and held.taken >= held.session["places"]:
                raise Refused("候补的人来了，可是名额满了，请先把名额加上")
            move(ENROLMENTS, viewer, row, "attend", State.ATTENDED, trail=row["estate_id"], details={"by": "list"},
                 attended_at=clock.now())  # fmt: skip
        elif not here and state == State.ATTENDED:
            move(ENROLMENTS, viewer, row, "unattend", State.SIGNED_UP, trail=row["estate_id"], attended_at=None)
        if close and row["state"] == State.SIGNED_UP:
            move(ENROLMENTS, viewer, row, "mark_absent", State.ABSENT, trail=row["estate_id"])
    return sum(row["state"] in (State.ATTENDED, State.PASSED, State.FAILED) for row in held.enrolments)


def judge(viewer: Viewer, session_id: str, results: Mapping[str, tuple[str, str]]) -> int:
    """Results by enrolment: ``passed`` or ``failed`` with a note. A pass holds from the day of the session. How many
    were written. Caller commits. Raises ``Refused``."""
    held = hold_session(session_id)
    _lead(viewer, held)
    if held.session["starts_at"] > clock.now():
        raise Refused("培训还没有开始，不能记结果")
    done = 0
    for row in held.enrolments:
        to, note = results.get(row["id"], ("", ""))
        if to not in (State.PASSED, State.FAILED) or (to, note) == (row["state"], row["note"]) or row["state"] == to:
            continue
        if row["state"] not in (State.ATTENDED, State.PASSED, State.FAILED):
            raise Refused("没有签到的人不能记结果，请先点名")
        _settle(viewer, held, row, to, note[:200])
        done += 1
    return done


def _settle(viewer: Viewer, held: Held, row: Row, to: str, note: str) -> None:
    day = clock.local(held.session["ends_at"]).date()
    if to == State.PASSED:
        until = expiry(day, held.valid_months)
        told = say.passed(held.course_name, held.session, row["person_id"], until)
        values: dict[str, Any] = {"passed_on": day, "expires_on": until}
    else:
        told, values = (
            say.failed(held.course_name, held.session, row["person_id"], note),
            {"passed_on": None, "expires_on": None},
        )
    verb = "pass" if to == State.PASSED else "fail"
    move(ENROLMENTS, viewer, row, verb, to, trail=row["estate_id"], messages=[told],
         details={"name": held.course_name}, note=note, **values)  # fmt: skip


def expiry(day: date, months: int) -> date | None:
    """The last day on which a pass of a day holds, that day so many months later at the latest; None: for good."""
    if not months:
        return None
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
