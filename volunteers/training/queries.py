"""Reading training: courses and sessions within reach, who holds a valid pass, what lapses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, bindparam, case, func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.queries import along, is_along, under
from core import clock
from core.access import NotFound, Viewer
from core.database import UtcDateTime, db, fast
from volunteers.registry.models import Volunteer
from volunteers.training.models import SEATED, Course, Enrolment, SessionState, State, TrainingSession

SOON = 60
"""Days ahead that the list of lapsing trainings looks."""
REQUIRED_BY: list[Callable[[str, Viewer], Iterable[str]]] = []
"""What asks for a course, by its code, as far as the viewer may know: names, from the rooms above."""
_DAY: Any = bindparam("day", type_=Date())
_NOW = bindparam("now", type_=UtcDateTime())
_VALID = (Enrolment.state == State.PASSED) & or_(Enrolment.expires_on.is_(None), Enrolment.expires_on >= _DAY)
_HOLDERS = (
    select(Course.code, Enrolment.person_id)
    .join(Enrolment, Enrolment.course_id == Course.id)
    .where(Course.code.in_(bindparam("codes", expanding=True)), _VALID)
)
_PASSES = (
    select(Enrolment.person_id, Course.code, func.max(func.coalesce(Enrolment.expires_on, date.max)))
    .join(Course, Course.id == Enrolment.course_id)
    .where(Enrolment.person_id.in_(bindparam("people", expanding=True)), Enrolment.state == State.PASSED)
    .group_by(Enrolment.person_id, Course.code)
)


def holders(codes: Collection[str], day: date | None = None) -> Mapping[str, set[str]]:
    """Who holds a valid pass of these courses on a day (today), by code: ids of people, in one statement."""
    found: dict[str, set[str]] = {code: set() for code in codes}
    if found:
        values = {"codes": sorted(found), "day": day or clock.today()}
        for code, person_id in fast().execute(_HOLDERS, values):
            found[code].add(person_id)
    return found


def passes_of(people: Collection[str]) -> Mapping[str, Mapping[str, date]]:
    """The passes of these people by code, each with the last day on which it holds (``date.max`` for good), those that
    have lapsed included, in one statement."""
    found: dict[str, dict[str, date]] = {person: {} for person in people}
    if found:
        for person_id, code, until in fast().execute(_PASSES, {"people": sorted(found)}):
            found[person_id][code] = until
    return found


def trained(people: Collection[str], code: str, day: date | None = None) -> set[str]:
    """Those of these people who hold a valid pass of a course on a day (today)."""
    when = day or clock.today()
    return {person for person, held in passes_of(people).items() if held.get(code, date.min) >= when}


@dataclass(frozen=True)
class Lapsing:
    """A pass that comes to its end, and whose."""

    enrolment_id: str
    person_id: str
    name: str
    estate_id: str
    estate_name: str
    estate_path: str
    course_id: str
    course_name: str
    passed_on: date
    expires_on: date


def _lapsing() -> Any:
    later = aliased(Enrolment)
    renewed = select(later.id).where(
        later.person_id == Enrolment.person_id, later.course_id == Enrolment.course_id, later.state == State.PASSED,
        later.id != Enrolment.id, or_(later.expires_on.is_(None), later.expires_on > Enrolment.expires_on),
    )  # fmt: skip
    return (
        select(Enrolment.id, Person.id, Person.name, Enrolment.estate_id, Estate.name, Estate.path, Course.id,
               Course.name, Enrolment.passed_on, Enrolment.expires_on)
        .join(Course, Course.id == Enrolment.course_id)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Volunteer, Volunteer.person_id == Enrolment.person_id)
        .join(Estate, Estate.id == Enrolment.estate_id)
        .where(Enrolment.state == State.PASSED, Volunteer.standing != "left", ~renewed.exists())
        .order_by(Enrolment.expires_on, Person.pinyin, Enrolment.id)
    )  # fmt: skip


_LAPSING = _lapsing()


def list_lapsing(first: date, last: date, viewer: Viewer | None = None) -> list[Lapsing]:
    """Passes that end between two days and were not renewed; for a viewer those within reach, 500 at most."""
    wanted = _LAPSING.where(Enrolment.expires_on >= first, Enrolment.expires_on <= last)
    if viewer is not None:
        wanted = wanted.where(under(Estate.path, viewer.paths("training:read"))).limit(500)
    return [Lapsing(*row) for row in fast().execute(wanted)]


def _may_read(viewer: Viewer, path: str) -> bool:
    return is_along(path, viewer.paths("training:read"))


def list_courses(viewer: Viewer) -> Sequence[Any]:
    """Courses within reach of staff with how many hold a valid pass, those that run first, 200 at most."""
    held = select(func.count(func.distinct(Enrolment.person_id))).where(Enrolment.course_id == Course.id, _VALID)
    statement = (
        select(Course.id, Course.name, Course.code, Course.minutes, Course.body_name, Course.valid_months,
               Course.is_active, Course.path, held.scalar_subquery().label("holders"))
        .where(along(Course.path, viewer.paths("training:read")))
        .order_by(Course.is_active.desc(), Course.name, Course.id)
        .limit(200)
    )  # fmt: skip
    return fast().execute(statement, {"day": clock.today()}).all()


def _counts() -> tuple[Any, Any]:
    seated = func.sum(case((Enrolment.state.in_(SEATED), 1), else_=0))
    waiting = func.sum(case((Enrolment.state == State.WAITING, 1), else_=0))
    return func.coalesce(seated, 0).label("taken"), func.coalesce(waiting, 0).label("waiting")


_SESSION_ROWS = (
    select(TrainingSession.id, TrainingSession.state, TrainingSession.starts_at, TrainingSession.ends_at,
           TrainingSession.place, TrainingSession.places, TrainingSession.trainer, Course.id.label("course_id"),
           Course.name, *_counts())
    .join(Course, Course.id == TrainingSession.course_id)
    .outerjoin(Enrolment, Enrolment.session_id == TrainingSession.id)
    .group_by(TrainingSession.id, Course.id)
)  # fmt: skip


def list_sessions(viewer: Viewer, course_id: str | None = None) -> Sequence[Any]:
    """Sessions within reach of staff: those of a course newest first, or else all that are not over, soonest first."""
    wanted = _SESSION_ROWS.where(along(Course.path, viewer.paths("training:read")))
    if course_id is not None:
        wanted = wanted.where(Course.id == course_id).order_by(TrainingSession.starts_at.desc(), TrainingSession.id)
        return fast().execute(wanted.limit(100)).all()
    wanted = wanted.where(TrainingSession.ends_at > _NOW, TrainingSession.state == SessionState.PLANNED)
    return fast().execute(wanted.order_by(TrainingSession.starts_at, TrainingSession.id).limit(100),
                          {"now": clock.now()}).all()  # fmt: skip


def get_course(viewer: Viewer, course_id: str, permission: str = "training:read") -> Any:
    """A course within reach of staff; to manage it, at its own body. Raises ``NotFound``."""
    table = Course.__table__
    found = db.session.execute(select(table).where(table.c.id == course_id)).first()
    if found is None:
        raise NotFound
    reads = _may_read(viewer, found.path) if permission == "training:read" else viewer.may_at(permission, found.path)
    if not reads:
        raise NotFound
    return found


def list_holders(viewer: Viewer, course_id: str) -> Sequence[Any]:
    """Who holds a valid pass of a course within reach, the first to lapse first: id, name, estate, day of expiry."""
    statement = (
        select(Person.id, Person.name, Estate.name.label("estate_name"),
               func.max(func.coalesce(Enrolment.expires_on, date.max)).label("expires_on"))
        .join(Enrolment, Enrolment.person_id == Person.id)
        .join(Estate, Estate.id == Enrolment.estate_id)
        .where(Enrolment.course_id == course_id, _VALID, under(Estate.path, viewer.paths("training:read")))
        .group_by(Person.id, Estate.id)
        .order_by("expires_on", Person.pinyin, Person.id)
        .limit(300)
    )  # fmt: skip
    return fast().execute(statement, {"day": clock.today()}).all()


@dataclass(frozen=True)
class Sheet:
    """A session with its list, as staff see it. ``leads``: may change it; ``enters``: may put own people on it."""

    session: Any
    course: Any
    rows: Sequence[Any]
    leads: bool
    enters: bool

    def count(self, *states: str) -> int:
        """How many stand in these states."""
        return sum(row.state in states for row in self.rows)

    @property
    def taken(self) -> int:
        """How many seats are taken."""
        return self.count(*SEATED)


def get_sheet(viewer: Viewer, session_id: str) -> Sheet:
    """A session with its list; those of other estates are seen only by who manages it. Raises ``NotFound``."""
    table = TrainingSession.__table__
    session = fast().execute(select(table).where(table.c.id == session_id)).first()
    if session is None:
        raise NotFound
    course = get_course(viewer, session.course_id)
    leads = viewer.may_at("training:manage", course.path)
    statement = (
        select(Enrolment.id, Enrolment.state, Enrolment.person_id, Person.name, Estate.name.label("estate_name"),
               Enrolment.by_staff, Enrolment.consent, Enrolment.attended_at, Enrolment.expires_on, Enrolment.note,
               Estate.path)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Estate, Estate.id == Enrolment.estate_id)
        .where(Enrolment.session_id == session_id, Enrolment.state != State.CANCELLED)
        .order_by(case((Enrolment.state == State.WAITING, 1), else_=0), Enrolment.queued_at, Enrolment.id)
    )  # fmt: skip
    rows = [row for row in fast().execute(statement) if leads or viewer.may_at("training:read", row.path)]
    return Sheet(session, course, rows, leads, is_along(course.path, viewer.paths("training:manage")))


def list_candidates(viewer: Viewer, course_path: str, session_id: str, q: str) -> Sequence[Any]:
    """Volunteers of the viewer's reach who could be put on the list of a session, by name, 200 at most."""
    there = select(Enrolment.id).where(
        Enrolment.session_id == session_id, Enrolment.person_id == Person.id, Enrolment.state != State.CANCELLED
    )
    statement = (
        select(Person.id, Person.name, Estate.name.label("estate_name"), Volunteer.team)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.standing == "active", under(Estate.path, viewer.paths("training:manage")))
        .where(along(Estate.path, [course_path]), ~there.exists())
        .order_by(Person.pinyin, Person.id)
    )
    if q:
        begins = Person.name.startswith(q, autoescape=True)
        statement = statement.where(or_(begins, Person.initials.startswith(q.lower(), autoescape=True)))
    return fast().execute(statement.limit(200)).all()


@dataclass(frozen=True)
class Own:
    """A volunteer's training: passes by course, lists they are on, what came of others, and sessions to sign up for."""

    passes: list[Any]
    upcoming: list[Any]
    past: list[Any]
    open: Sequence[Any]


_OWN = (
    select(Enrolment.id, Enrolment.state, Enrolment.expires_on, Enrolment.passed_on, Enrolment.note,
           Enrolment.session_id, Course.id.label("course_id"), Course.name, Course.content, Course.minutes,
           Course.body_name, TrainingSession.starts_at, TrainingSession.ends_at, TrainingSession.place,
           TrainingSession.trainer, Person.name.label("person_name"))
    .join(TrainingSession, TrainingSession.id == Enrolment.session_id)
    .join(Course, Course.id == Enrolment.course_id)
    .join(Person, Person.id == Enrolment.person_id)
    .where(Enrolment.person_id == bindparam("me"), Enrolment.state != State.CANCELLED)
    .order_by(TrainingSession.starts_at.desc(), Enrolment.id)
)  # fmt: skip


def list_own(viewer: Viewer) -> Own:
    """One's own training, and sessions that one may sign up for, in two statements."""
    rows = fast().execute(_OWN.limit(200), {"me": viewer.person_id}).all()
    passes: dict[str, Any] = {}
    for row in rows:
        before = passes.get(row.course_id)
        if row.state == State.PASSED and (before is None or _end(row) > _end(before)):
            passes[row.course_id] = row
    now = clock.now()
    going = [row for row in rows if row.state in (State.SIGNED_UP, State.WAITING) and row.ends_at > now]
    past = [row for row in rows if row not in going and row.id not in {found.id for found in passes.values()}]
    wanted = _SESSION_ROWS.where(
        along(Course.path, viewer.paths("training:attend")), Course.is_active, TrainingSession.starts_at > _NOW,
        TrainingSession.state == SessionState.PLANNED,
        TrainingSession.id.not_in([row.session_id for row in rows]),
    )  # fmt: skip
    found = fast().execute(wanted.order_by(TrainingSession.starts_at, TrainingSession.id).limit(50), {"now": now})
    return Own(sorted(passes.values(), key=_end), sorted(going, key=lambda row: row.starts_at), past, found.all())


def _end(row: Any) -> date:
    return row.expires_on or date.max


def get_own_pass(viewer: Viewer, enrolment_id: str) -> Any:
    """One of the viewer's own passes, with what its certificate tells. Raises ``NotFound``."""
    found = fast().execute(_OWN.where(Enrolment.id == enrolment_id), {"me": viewer.person_id}).first()
    if found is None or found.state != State.PASSED:
        raise NotFound
    return found


def get_session_to_attend(viewer: Viewer, session_id: str) -> Any:
    """A session for who stands before its code: course, time, place, and one's own state or None. Raises
    ``NotFound`` for a session that is not for the viewer's estate."""
    own = select(Enrolment.state).where(
        Enrolment.session_id == TrainingSession.id, Enrolment.person_id == viewer.person_id,
        Enrolment.state != State.CANCELLED,
    )  # fmt: skip
    statement = (
        select(TrainingSession.id, TrainingSession.starts_at, TrainingSession.ends_at, TrainingSession.place,
               Course.name, Course.path, own.scalar_subquery().label("own_state"))
        .join(Course, Course.id == TrainingSession.course_id)
        .where(TrainingSession.id == session_id)
    )  # fmt: skip
    found = fast().execute(statement).first()
    if found is None or not is_along(found.path, viewer.paths("training:attend")):
        raise NotFound
    return found


def names(viewer: Viewer, permission: str = "training:read") -> dict[str, str]:
    """Courses that run within reach, for forms: code and name."""
    wanted = select(Course.code, Course.name).where(Course.is_active, along(Course.path, viewer.paths(permission)))
    return {row.code: row.name for row in fast().execute(wanted.order_by(Course.name, Course.code).limit(200))}


def names_of(codes: Collection[str]) -> dict[str, str]:
    """The names of courses by code."""
    found = select(Course.code, Course.name).where(Course.code.in_(sorted(codes)))
    return {row.code: row.name for row in fast().execute(found)} if codes else {}


def window(days: int = SOON) -> tuple[date, date]:
    """The days that the list of lapsing trainings shows: from 90 days ago, those lapsed included."""
    today = clock.today()
    return today - timedelta(days=90), today + timedelta(days=days)


__all__ = ["Lapsing", "Own", "Sheet", "get_course", "get_own_pass", "get_session_to_attend",
           "get_sheet", "holders", "list_candidates", "list_courses", "list_holders", "list_lapsing", "list_own",
           "list_sessions", "names", "names_of", "passes_of", "trained", "window"]  # fmt: skip
