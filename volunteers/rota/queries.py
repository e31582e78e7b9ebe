"""Reading rotas: posts and shifts within reach, one shift with everybody in it, who is on duty, a person's shifts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, case, func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from community.organisations.queries import along, is_along
from core import clock
from core.access import NotFound, Viewer
from core.database import UtcDateTime, fast
from core.identity import mask_name
from volunteers.registry.models import Volunteer
from volunteers.rota import needs as need_list
from volunteers.rota.models import (
    COMING,
    HOLDING,
    LIVE,
    Rota,
    RotaPattern,
    Shift,
    ShiftLog,
    ShiftPlace,
    ShiftState,
    State,
)
from volunteers.rota.needs import Need

READ, MANAGE, SERVE = "rota:read", "rota:manage", "rota:serve"
_NOW: Any = bindparam("now", type_=UtcDateTime())


def count_of(*states: State) -> Any:
    """How many places of a shift are in these states; the statement joins ``ShiftPlace`` (outer) and groups."""
    return func.coalesce(func.sum(case((ShiftPlace.state.in_(states), 1), else_=0)), 0)


def list_posts(viewer: Viewer) -> Sequence[Any]:
    """Posts within reach of staff, those in use first, by name, 200 at most, with the body's name."""
    statement = (
        select(Rota.id, Rota.name, Rota.place, Rota.path, Rota.is_active, Rota.is_open, Organisation.name.label("body"))
        .join(Organisation, Organisation.id == Rota.organisation_id)
        .where(along(Rota.path, viewer.paths(READ)))
        .order_by(Rota.is_active.desc(), Rota.name, Rota.id)
        .limit(200)
    )
    return fast().execute(statement).all()


def get_post(viewer: Viewer, rota_id: str, permission: str = READ) -> Any:
    """A post within reach of staff; to manage it, at its own body. Raises ``NotFound``."""
    table = Rota.__table__
    statement = select(table, Organisation.name.label("body"))
    statement = statement.join(Organisation, Organisation.id == table.c.organisation_id)
    found = fast().execute(statement.where(table.c.id == rota_id)).first()
    if found is None:
        raise NotFound
    may = is_along(found.path, viewer.paths(READ)) if permission == READ else viewer.may_at(permission, found.path)
    if not may:
        raise NotFound
    return found


def list_patterns(rota_id: str) -> Sequence[Any]:
    """What repeats every week at a post, by weekday and time; the caller has read the post."""
    table = RotaPattern.__table__
    wanted = select(table).where(table.c.rota_id == rota_id, table.c.is_active)
    return fast().execute(wanted.order_by(table.c.weekday, table.c.start_minute, table.c.id)).all()


def get_pattern(viewer: Viewer, pattern_id: str) -> tuple[Any, Any]:
    """A weekly slot that the viewer manages, and its post. Raises ``NotFound``."""
    table = RotaPattern.__table__
    found = fast().execute(select(table).where(table.c.id == pattern_id, table.c.is_active)).first()
    if found is None:
        raise NotFound
    return found, get_post(viewer, found.rota_id, MANAGE)


def shift_rows() -> Select[Any]:
    """Shifts with their counts and the names of who holds a place; the caller narrows and orders."""
    holder = case((ShiftPlace.state.in_(HOLDING), Person.name))
    return (
        select(
            Shift.id, Shift.rota_id, Shift.day, Shift.state, Shift.starts_at, Shift.ends_at, Shift.needs, Shift.places,
            Shift.note, Rota.name, Rota.place, Rota.path, count_of(*HOLDING).label("taken"),
            count_of(State.WAITING).label("waiting"), count_of(State.TO_CONFIRM).label("to_confirm"),
            count_of(State.PRESENT, State.DONE).label("came"), count_of(State.NO_SHOW).label("no_shows"),
            func.aggregate_strings(holder, "、").label("names"),
        )
        .join(Rota, Rota.id == Shift.rota_id)
        .outerjoin(ShiftPlace, ShiftPlace.shift_id == Shift.id)
        .outerjoin(Person, Person.id == ShiftPlace.person_id)
        .group_by(Shift.id, Rota.id)
    )  # fmt: skip


def list_coming(rota_id: str, limit: int = 60) -> Sequence[Any]:
    """The shifts of a post that are not over, soonest first; the caller has read the post."""
    wanted = shift_rows().where(Shift.rota_id == rota_id, Shift.ends_at > _NOW)
    return fast().execute(wanted.order_by(Shift.starts_at, Shift.id).limit(limit), {"now": clock.now()}).all()


@dataclass(frozen=True)
class Face:
    """Somebody in a shift, as the viewer may see them."""

    row: Any
    name: str
    need: Need | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


@dataclass(frozen=True)
class ShiftView:
    """A shift with everybody in it, and what it is to the viewer.

    ``manages``: staff who may change it; ``enters``: staff who may put own people in; ``leads``: may tick who is there.
    """

    shift: Any
    needs: Mapping[str, Need]
    faces: Sequence[Face]
    own: Face | None
    reads: bool
    manages: bool
    enters: bool
    leads: bool

    def live(self) -> list[Face]:
        """Who is in it in some way now."""
        return [face for face in self.faces if face.state in LIVE]

    def past(self) -> list[Face]:
        """Who was, and is not any more."""
        return [face for face in self.faces if face.state not in LIVE]

    def taken(self, key: str) -> int:
        """Places of a role that are taken."""
        return sum(face.row.need == key and face.state in HOLDING for face in self.faces)

    def waiting(self, key: str) -> int:
        """How many wait for a role."""
        return sum(face.row.need == key and face.state == State.WAITING for face in self.faces)

    def asked_for(self, place_id: str) -> Face | None:
        """Who is asked to stand in for a place."""
        return next((face for face in self.faces if face.for_id == place_id and face.state == State.ASKED), None)


def _one_shift() -> Select[Any]:
    table = Shift.__table__
    names = ("organisation_id", "path", "estate_id", "name", "place", "purpose", "counters", "is_active", "is_open")
    columns = [getattr(Rota, name).label(f"post_{name}") for name in names]
    return select(table, *columns).join(Rota, Rota.id == table.c.rota_id).where(table.c.id == bindparam("id"))


_ONE = _one_shift()
_FACES = (
    select(*ShiftPlace.__table__.c, Person.name.label("full_name"), Estate.path.label("estate_path"))
    .join(Person, Person.id == ShiftPlace.person_id)
    .join(Volunteer, Volunteer.person_id == ShiftPlace.person_id)
    .join(Estate, Estate.id == Volunteer.estate_id)
    .where(ShiftPlace.shift_id == bindparam("id"))
    .order_by(ShiftPlace.queued_at, ShiftPlace.id)
)


def get_shift(viewer: Viewer, shift_id: str) -> ShiftView:
    """A shift within reach of staff, or of volunteers who may serve in it or are in it, in two statements. Raises
    ``NotFound``.

    Names outside the viewer's reach are masked, and volunteers see those of their own shift.
    """
    shift = fast().execute(_ONE, {"id": shift_id}).first()
    if shift is None:
        raise NotFound
    path = shift.post_path
    rows = fast().execute(_FACES, {"id": shift_id}).all()
    reads, serves = is_along(path, viewer.paths(READ)), is_along(path, viewer.paths(SERVE))
    mine = [row for row in rows if row.person_id == viewer.person_id]
    if not (reads or serves or mine):
        raise NotFound
    inside = any(row.state in HOLDING for row in mine)
    needs = need_list.read(shift.needs)

    def name_of(row: Any) -> str:
        seen = inside or row.person_id == viewer.person_id or viewer.may_at(READ, row.estate_path)
        return str(row.full_name) if seen or viewer.may_at(READ, path) else mask_name(row.full_name)

    faces = [Face(row, name_of(row), needs.get(row.need)) for row in rows]
    own = next((face for face in faces if face.person_id == viewer.person_id and face.state in LIVE), None)
    manages = viewer.may_at(MANAGE, path)
    leads = manages or (own is not None and bool(own.is_leader))
    return ShiftView(shift, needs, faces, own, reads, manages, is_along(path, viewer.paths(MANAGE)), leads)


@dataclass(frozen=True)
class Log:
    """The log of a shift with its sums, and the last words of the shift before."""

    lines: Sequence[Any]
    sums: Mapping[str, int]
    before: Any | None


def get_log(view: ShiftView) -> Log:
    """What was written down in a shift, and the last line of the shift before it at the post, in one statement."""
    earlier = aliased(Shift)
    last = (
        select(ShiftLog.id)
        .join(earlier, earlier.id == ShiftLog.shift_id)
        .where(earlier.rota_id == view.shift.rota_id, earlier.starts_at < view.shift.starts_at, ShiftLog.words != "")
        .order_by(ShiftLog.at.desc(), ShiftLog.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(ShiftLog.shift_id, ShiftLog.at, ShiftLog.by_name, ShiftLog.words, ShiftLog.counts)
    statement = statement.where(or_(ShiftLog.shift_id == view.shift.id, ShiftLog.id == last))
    rows = fast().execute(statement.order_by(ShiftLog.at, ShiftLog.id)).all()
    lines = [row for row in rows if row.shift_id == view.shift.id]
    sums: dict[str, int] = {}
    for row in lines:
        for name, count in row.counts.items():
            sums[name] = sums.get(name, 0) + int(count)
    return Log(lines, sums, next((row for row in rows if row.shift_id != view.shift.id), None))


_DUE = (
    select(ShiftPlace.id)
    .join(Shift, Shift.id == ShiftPlace.shift_id)
    .where(
        or_(
            (ShiftPlace.state == State.TO_CONFIRM) & (ShiftPlace.confirm_by <= _NOW),
            ShiftPlace.state.in_((State.INVITED, State.ASKED, State.WAITING)) & (Shift.starts_at <= _NOW),
        )
    )
    .order_by(ShiftPlace.confirm_by, ShiftPlace.queued_at, ShiftPlace.id)
    .limit(500)
)


def list_due() -> list[str]:
    """Places that were not confirmed in time, or waited until their shift began: ids."""
    return list(fast().scalars(_DUE, {"now": clock.now()}))


def on_duty(estate_path: str, at: datetime) -> list[str]:
    """Who is on duty for an estate at a moment: those who are there first, then those who should be; ids of people.

    Posts of the estate come before those of bodies above it.
    """
    statement = (
        select(ShiftPlace.person_id, ShiftPlace.state, Rota.path)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .where(along(Rota.path, [estate_path]), Shift.starts_at <= at, Shift.ends_at > at)
        .where(ShiftPlace.state.in_((State.PRESENT, State.SIGNED_UP)), Shift.state == ShiftState.PLANNED)
        .order_by(ShiftPlace.queued_at, ShiftPlace.id)
    )
    rows = fast().execute(statement).all()
    ranked = sorted(rows, key=lambda row: (row.state != State.PRESENT, not row.path.startswith(estate_path)))
    return list(dict.fromkeys(row.person_id for row in ranked))


def on_duty_in(estate_id: str, at: datetime) -> list[str]:
    """The same by the estate's id."""
    path = fast().execute(select(Estate.path).where(Estate.id == estate_id)).scalar()
    return on_duty(path, at) if path else []


@dataclass(frozen=True)
class OwnShift:
    """A person's shift as a calendar shows it; ``version`` grows with every change of shift or place."""

    id: str
    shift_id: str
    start: datetime
    end: datetime
    title: str
    place: str
    state: str
    version: int
    changed_at: datetime
    confirm_by: datetime | None = None

    @property
    def is_off(self) -> bool:
        """Whether it was called off, or the person is out of it."""
        return self.state not in LIVE or self.state == State.NO_SHOW


_OWN = (
    select(ShiftPlace.id, Shift.id, Shift.starts_at, Shift.ends_at, Rota.name, Rota.place, ShiftPlace.state,
           ShiftPlace.version + Shift.version, case((Shift.updated_at > ShiftPlace.updated_at, Shift.updated_at),
           else_=ShiftPlace.updated_at), ShiftPlace.confirm_by)
    .join(Shift, Shift.id == ShiftPlace.shift_id)
    .join(Rota, Rota.id == Shift.rota_id)
    .where(ShiftPlace.person_id == bindparam("person"))
    .where(Shift.starts_at < bindparam("until", type_=UtcDateTime()))
    .where(Shift.ends_at > bindparam("since", type_=UtcDateTime()))
    .order_by(Shift.starts_at, ShiftPlace.queued_at)
    .limit(1000)
)  # fmt: skip


def entries_of(person_id: str, start: datetime, end: datetime) -> list[OwnShift]:
    """A person's shifts between two moments, those called off or left included, one entry to a shift: the last word."""
    rows = fast().execute(_OWN, {"person": person_id, "since": start, "until": end})
    return list({row[1]: OwnShift(*row) for row in rows}.values())


def list_mine(viewer: Viewer) -> tuple[list[OwnShift], list[OwnShift]]:
    """One's own shifts: those that need an answer or lie ahead, and those of the last 90 days, newest first."""
    now = clock.now()
    found = entries_of(viewer.person_id, now - timedelta(days=90), now + timedelta(days=366))
    ahead = [one for one in found if one.end > now and one.state in LIVE]
    ahead += [one for one in found if one.end <= now and one.state == State.PRESENT]
    past = [one for one in found if one not in ahead]
    return ahead, sorted(past, key=lambda one: one.start, reverse=True)[:40]


def list_colleagues(viewer: Viewer, rota_id: str, shift_id: str) -> Sequence[Any]:
    """Who has served at a post lately or is about to, and is not in a shift: those whom one may ask to stand in."""
    now, there = clock.now(), aliased(ShiftPlace)
    inside = select(there.id).where(there.shift_id == shift_id, there.person_id == Person.id, there.state.in_(LIVE))
    statement = (
        select(Person.id, Person.name, Volunteer.team)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(ShiftPlace, ShiftPlace.person_id == Person.id)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .where(Shift.rota_id == rota_id, Shift.starts_at > now - timedelta(days=180), ~inside.exists())
        .where(ShiftPlace.state.in_(HOLDING), Volunteer.standing == "active", Person.id != viewer.person_id)
        .group_by(Person.id, Volunteer.person_id)
        .order_by(Person.pinyin, Person.id)
        .limit(100)
    )
    return fast().execute(statement).all()


def list_swaps(people: Collection[str], rota_id: str) -> Sequence[Any]:
    """The coming shifts of these people at a post, soonest first: what could be swapped for."""
    statement = (
        select(ShiftPlace.id, ShiftPlace.person_id, Person.name, Shift.starts_at, Shift.ends_at)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Person, Person.id == ShiftPlace.person_id)
        .where(Shift.rota_id == rota_id, Shift.starts_at > _NOW, Shift.state == ShiftState.PLANNED)
        .where(ShiftPlace.person_id.in_(people), ShiftPlace.state.in_(COMING))
        .order_by(Shift.starts_at, Person.pinyin)
        .limit(100)
    )
    return fast().execute(statement, {"now": clock.now()}).all() if people else ()


def find_by_number(viewer: Viewer, number: str) -> str | None:
    """The volunteer of a number, when they serve in the same places as the viewer."""
    statement = select(Volunteer.person_id, Estate.path).join(Estate, Estate.id == Volunteer.estate_id)
    row = fast().execute(statement.where(Volunteer.number == number.strip().upper())).first()
    return row.person_id if row is not None and is_along(row.path, viewer.paths(SERVE)) else None


def shift_of(viewer: Viewer, place_id: str) -> str:
    """The shift of a place, for who is in it, may serve in it or reads it. Raises ``NotFound``."""
    statement = (
        select(ShiftPlace.shift_id, ShiftPlace.person_id, Rota.path)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .where(ShiftPlace.id == place_id)
    )
    row = fast().execute(statement).first()
    if row is None:
        raise NotFound
    if row.person_id != viewer.person_id and not is_along(row.path, (*viewer.paths(READ), *viewer.paths(SERVE))):
        raise NotFound
    return str(row.shift_id)
