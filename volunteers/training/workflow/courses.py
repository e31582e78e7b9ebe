"""Making and changing courses and their sessions. What changes reaches everybody who is on a list."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from community.organisations.models import Organisation
from community.organisations.queries import estate_at
from core import audit, clock
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import db
from core.ids import digits, new_id
from core.moving import make, move
from core.workflow import Stale
from volunteers.training import messages as say
from volunteers.training.models import Course, SessionState, State
from volunteers.training.queries import get_course
from volunteers.training.workflow.enrolments import Held, fill_seats, hold_session
from volunteers.training.workflow.steps import ENROLMENTS, SESSIONS, Refused

LONGEST = timedelta(days=31)
AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class Plan:
    """What a course is."""

    name: str
    content: str
    minutes: int
    body_name: str
    places: int
    valid_months: int


def add_course(viewer: Viewer, body: Organisation, code: str, plan: Plan) -> str:
    """A new course of a body; its id. Caller commits. Raises ``Refused`` for a code in use, or without places."""
    _check(plan)
    if code and db.session.scalar(select(Course.id).where(Course.code == code)) is not None:
        raise Refused("这个编号已经有课程在用，请换一个", "code")
    id_, now = new_id(), clock.now()
    row = asdict(plan) | {
        "id": id_, "organisation_id": body.id, "path": body.path, "estate_id": estate_at(body.path),
        "code": code or f"px{digits(6)}", "is_active": True, "version": 1, "created_at": now, "updated_at": now,
    }  # fmt: skip
    db.session.execute(insert(Course), [row])
    _record(viewer, id_, row["estate_id"], "add_course", {"name": plan.name})
    return id_


def change_course(viewer: Viewer, course_id: str, plan: Plan, version: int, *, is_active: bool = True) -> None:
    """Change a course; passes given before keep their day of expiry. Caller commits. Raises ``Refused``, ``Stale``."""
    _check(plan)
    course = get_course(viewer, course_id, "training:manage")
    new = asdict(plan) | {"is_active": is_active}
    changed = {name: [getattr(course, name), value] for name, value in new.items() if getattr(course, name) != value}
    if course.version != version:
        raise Stale(course_id)
    if not changed:
        return
    moved = db.session.execute(
        update(Course)
        .where(Course.id == course_id, Course.version == version)
        .values(**new, version=version + 1, updated_at=clock.now())
        .returning(Course.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise Stale(course_id)
    _record(viewer, course_id, course.estate_id, "change_course", changed)


def _check(plan: Plan) -> None:
    if plan.places < 1:
        raise Refused("没有名额的课开不了，名额至少1个", "places")


def _record(viewer: Viewer, course_id: str, estate_id: str | None, verb: str, details: dict[str, Any]) -> None:
    subject = Subject("course", course_id, estate_id or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details=details)


@dataclass(frozen=True)
class Occasion:
    """When, where, for how many and with whom a session is held."""

    starts_at: datetime
    ends_at: datetime
    place: str
    places: int
    trainer: str = ""


def plan_session(viewer: Viewer, course_id: str, occasion: Occasion) -> str:
    """A session of a course; one in the past may be entered later on. Caller commits. Raises ``Refused``."""
    course = get_course(viewer, course_id, "training:manage")
    if not course.is_active:
        raise Refused("这门课已停开，先恢复再安排")
    _check_occasion(occasion)
    now = clock.now()
    row = make(
        SESSIONS, viewer, "plan_session", SessionState.PLANNED, trail=course.estate_id, course_id=course_id,
        details={"name": course.name}, reason="", created_at=now, **asdict(occasion),
    )  # fmt: skip
    return str(row["id"])


def _check_occasion(occasion: Occasion) -> None:
    if occasion.places < 1:
        raise Refused("没有名额的场次不能安排，名额至少1个", "places")
    if occasion.ends_at <= occasion.starts_at:
        raise Refused("结束时间要晚于开始时间", "ends_at")
    if occasion.ends_at - occasion.starts_at > LONGEST:
        raise Refused("一场培训最长31天，再长请分成几场", "ends_at")
    if occasion.starts_at > clock.now() + AHEAD:
        raise Refused("最多提前一年安排", "starts_at")


def change_session(viewer: Viewer, session_id: str, occasion: Occasion, version: int) -> int:
    """Change time, place, places or trainer; how many people were told. Caller commits.

    Raises ``Refused`` for fewer places than are taken, ``Stale``.
    """
    held = _manage(viewer, session_id)
    _check_occasion(occasion)
    if held.session["version"] != version:
        raise Stale(session_id)
    if occasion.places < held.taken:
        raise Refused(f"已有{held.taken}人占了名额，不能少于{held.taken}个", "places")
    before = held.session
    was = say.told(before["starts_at"], before["ends_at"], before["place"])
    new = asdict(occasion)
    told: list[str] = []
    if any(before[name] != new[name] for name in ("starts_at", "ends_at", "place")):
        told = [row["person_id"] for row in held.enrolments if row["state"] in (State.SIGNED_UP, State.WAITING)]
    messages = say.changed(held.course_name, before | new, told, was)
    details = {name: [str(before[name]), str(value)] for name, value in new.items() if before[name] != value}
    move(SESSIONS, viewer, held.session, "change_session", SessionState.PLANNED, trail=held.estate_id,
         messages=messages, details=details, **new)  # fmt: skip
    fill_seats(viewer, held)
    return len(told)


def call_off_session(viewer: Viewer, session_id: str, reason: str) -> int:
    """Call a session off with a reason; everybody on its list is told once. How many. Caller commits."""
    held = _manage(viewer, session_id)
    if any(row["state"] in (State.ATTENDED, State.PASSED, State.FAILED) for row in held.enrolments):
        raise Refused("已经有人签到，这一场不能取消")
    held.session["reason"] = reason[:500]
    move(SESSIONS, viewer, held.session, "call_off_session", SessionState.CALLED_OFF, trail=held.estate_id,
         reason=reason, messages=())  # fmt: skip
    listed = [row for row in held.enrolments if row["state"] in (State.SIGNED_UP, State.WAITING)]
    for row in listed:
        told = say.called_off(held.course_name, held.session, row["person_id"], reason)
        move(ENROLMENTS, viewer, row, "remove_enrolment", State.CANCELLED, trail=row["estate_id"], reason=reason,
             messages=[told], note=reason[:200])  # fmt: skip
    return len(listed)


def _manage(viewer: Viewer, session_id: str) -> Held:
    held = hold_session(session_id)
    if not viewer.may_at("training:manage", held.path):
        raise NotFound
    return held
