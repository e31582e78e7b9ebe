"""A shift under lock, as one thing in memory: its places by role, who holds, waits or was asked, and who may serve.

Whoever changes a shift first locks the people concerned, then the shift: the last place goes to exactly one, and nobody
has two shifts at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import func, select

from community.grid.models import Estate, Person
from community.organisations.queries import is_along, list_leaders
from community.policies import queries as policies
from core import clock
from core.access import NotFound, Viewer
from core.database import db
from core.identity import age_on
from core.moving import Row
from volunteers.registry.models import Volunteer, VolunteerSkill
from volunteers.registry.skills import SKILLS
from volunteers.rota import needs as need_list
from volunteers.rota.models import HOLDING, LIVE, Rota, Shift, ShiftPlace, ShiftState, State
from volunteers.rota.needs import Need
from volunteers.rota.rules import ROTA
from volunteers.rota.spans import BUSY, Span, is_night, rest_problem
from volunteers.rota.workflow.steps import Refused
from volunteers.training.queries import names_of, passes_of

ADULT = 18
LOOK_AROUND = timedelta(days=8)


@dataclass(frozen=True)
class Who:
    """A volunteer as shifts know them."""

    person_id: str
    name: str
    born: date | None
    standing: str
    estate_id: str
    path: str
    joined_on: date
    skills: frozenset[str]


@dataclass
class Held:
    """A shift under lock with everybody who is, was or wants to be in it, in order of signing up."""

    shift: Row
    rota: Any
    rules: Mapping[str, Any]
    places: list[Row]
    needs: dict[str, Need] = field(default_factory=dict)

    @cached_property
    def leaders(self) -> list[str]:
        """Who leads the body of the post."""
        return list_leaders(self.rota.path)

    @property
    def is_open(self) -> bool:
        """Whether it is planned and not over."""
        return bool(self.shift["state"] == ShiftState.PLANNED and self.shift["ends_at"] > clock.now())

    def live(self) -> list[Row]:
        """Everybody who is in it in some way now."""
        return [row for row in self.places if row["state"] in LIVE]

    def of(self, person_id: str) -> Row | None:
        """Somebody's live row."""
        return next((row for row in self.live() if row["person_id"] == person_id), None)

    def by_id(self, place_id: str) -> Row:
        """A row. Raises ``NotFound``."""
        found = next((row for row in self.places if row["id"] == place_id), None)
        if found is None:
            raise NotFound
        return found

    def taken(self, key: str) -> int:
        """How many places of a role are taken."""
        return sum(row["need"] == key and row["state"] in HOLDING for row in self.places)

    def free(self, key: str) -> int:
        """How many places of a role are left."""
        return self.needs[key].places - self.taken(key) if key in self.needs else 0

    def waiting(self, key: str) -> list[Row]:
        """Those who wait for a role, the first first."""
        return [row for row in self.places if row["need"] == key and row["state"] == State.WAITING]

    def asked_for(self, place_id: str) -> Row | None:
        """Who is asked to stand in for a place."""
        return next((row for row in self.places if row["for_id"] == place_id and row["state"] == State.ASKED), None)

    def need(self, key: str) -> Need:
        """A role. Raises ``NotFound``."""
        if key not in self.needs:
            raise NotFound
        return self.needs[key]


def hold_shift(shift_id: str) -> Held:
    """Lock a shift and read all that it needs; call ``begin_write`` before. Raises ``NotFound``."""
    table = Shift.__table__
    found = db.session.execute(select(table).where(table.c.id == shift_id).with_for_update()).mappings().first()
    if found is None:
        raise NotFound
    post = Rota.__table__
    rota = db.session.execute(select(post).where(post.c.id == found["rota_id"])).one()
    rules = policies.of(ROTA, rota.estate_id).values if rota.estate_id else ROTA.defaults
    listed = ShiftPlace.__table__
    rows = db.session.execute(
        select(listed, Person.name.label("name"))
        .join(Person, Person.id == listed.c.person_id)
        .where(listed.c.shift_id == shift_id)
        .order_by(listed.c.queued_at, listed.c.id)
    ).mappings()
    return Held(dict(found), rota, rules, [dict(row) for row in rows], need_list.read(found["needs"]))


def refs(place_id: str) -> tuple[str, str]:
    """The person and the shift of a place, read before anything is locked. Raises ``NotFound``."""
    found = select(ShiftPlace.person_id, ShiftPlace.shift_id).where(ShiftPlace.id == place_id)
    row = db.session.execute(found).first()
    if row is None:
        raise NotFound
    return row.person_id, row.shift_id


def hold_place(place_id: str) -> tuple[Held, Row]:
    """Lock the shift of a place; the shift and the row. Raises ``NotFound``."""
    held = hold_shift(refs(place_id)[1])
    return held, held.by_id(place_id)


def hold_people(people: Collection[str]) -> dict[str, Who]:
    """Lock volunteers, in the order of their ids, before any shift of theirs; those who are none are left out."""
    ids = sorted(set(people))
    locked = select(Volunteer.person_id).where(Volunteer.person_id.in_(ids)).order_by(Volunteer.person_id)
    db.session.execute(locked.with_for_update())
    return read_people(ids)


def read_people(people: Collection[str]) -> dict[str, Who]:
    """Volunteers by id."""
    skills = select(func.aggregate_strings(VolunteerSkill.skill, ","))
    skills = skills.where(VolunteerSkill.person_id == Volunteer.person_id)
    rows = db.session.execute(
        select(Person.id, Person.name, Person.birth_date, Volunteer.standing, Volunteer.estate_id, Estate.path,
               Volunteer.joined_on, skills.correlate(Volunteer).scalar_subquery().label("skills"))
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Person.id.in_(people))
    )  # fmt: skip
    return {
        row.id: Who(
            row.id, row.name, row.birth_date, row.standing, row.estate_id, row.path, row.joined_on,
            frozenset((row.skills or "").split(",")) - {""},
        )
        for row in rows
    }  # fmt: skip


def unfit(
    who: Who, need: Need, path: str, starts_at: datetime, ends_at: datetime, rules: Mapping[str, Any],
    passes: Mapping[str, date], courses: Mapping[str, str],
) -> str:  # fmt: skip
    """Why somebody may not serve in a role; nothing when they may. ``passes``: their trainings with the last day of
    each; ``courses``: names of courses by code.

    Age and skill must suit the task, and who needs it is trained (志愿服务条例); minors do not serve at night.
    """
    if who.standing != "active":
        return "现在不是可服务的志愿者"
    if not is_along(who.path, [path]):
        return "不是这里的志愿者"
    day = clock.local(starts_at).date()
    age = age_on(who.born, day) if who.born else None
    if need.min_age is not None and (age is None or age < need.min_age):
        return f"要满{need.min_age}岁" if age is not None else f"要满{need.min_age}岁，请先登记出生日期"
    night = is_night(starts_at, ends_at, rules["night_from"], rules["night_until"])
    if night and age is not None and age < ADULT:
        return "未满18岁的不排夜班"
    if need.skill and need.skill not in who.skills:
        return f"要会{SKILLS.get(need.skill, need.skill)}"
    if need.training and passes.get(need.training, date.min) < day:
        return f"要有有效的培训证：{courses.get(need.training, need.training)}"
    return ""


def read_passes(
    people: Collection[str], needs: Iterable[Need]
) -> tuple[Mapping[str, Mapping[str, date]], Mapping[str, str]]:
    """The trainings of people, and the names of the courses that roles ask for; nothing is read when none does."""
    codes = {need.training for need in needs if need.training}
    if not codes:
        return {person: {} for person in people}, {}
    return passes_of(people), names_of(codes)


def list_spans(people: Collection[str], start: datetime, end: datetime) -> dict[str, list[tuple[str, Span]]]:
    """The shifts that people have around a time, by person, each with its shift's id."""
    statement = (
        select(ShiftPlace.person_id, Shift.id, Shift.starts_at, Shift.ends_at, Rota.name)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .where(ShiftPlace.person_id.in_(people), ShiftPlace.state.in_(HOLDING))
        .where(Shift.starts_at < end + LOOK_AROUND, Shift.ends_at > start - LOOK_AROUND)
        .order_by(Shift.starts_at)
    )
    found: dict[str, list[tuple[str, Span]]] = {person: [] for person in people}
    for person_id, shift_id, starts_at, ends_at, name in db.session.execute(statement):
        found[person_id].append((shift_id, Span(starts_at, ends_at, name)))
    return found


def list_busy(people: Collection[str], start: datetime, end: datetime) -> dict[str, list[Span]]:
    """What else takes up people's time between two moments, from the rooms above."""
    found: dict[str, list[Span]] = {person: [] for person in people}
    for ask in BUSY:
        for person, spans in ask(people, start, end).items():
            found.setdefault(person, []).extend(spans)
    return found


def clash(
    start: datetime, end: datetime, own: Sequence[tuple[str, Span]], busy: Sequence[Span], rules: Mapping[str, Any],
    leave_out: Collection[str] = (),
) -> str:  # fmt: skip
    """What keeps somebody from serving between two moments: another shift, something else, too little rest."""
    shifts = [span for shift_id, span in own if shift_id not in leave_out]
    for span in (*shifts, *busy):
        if span.meets(start, end):
            since, until = clock.local(span.start), clock.local(span.end)
            return f"那段时间已有“{span.title}”（{since.month}月{since.day}日{since:%H:%M}–{until:%H:%M}）"
    return rest_problem(start, end, shifts, rules)


def check_fit(held: Held, who: Who, key: str, leave_out: Collection[str] = ()) -> None:
    """Raises ``Refused`` when somebody may not, or cannot, serve in a role of a shift."""
    start, end = held.shift["starts_at"], held.shift["ends_at"]
    need = held.need(key)
    passes, courses = read_passes([who.person_id], [need])
    why = unfit(who, need, held.rota.path, start, end, held.rules, passes[who.person_id], courses)
    if not why:
        own = list_spans([who.person_id], start, end)[who.person_id]
        busy = list_busy([who.person_id], start, end)[who.person_id]
        why = clash(start, end, own, busy, held.rules, {held.shift["id"], *leave_out})
    if why:
        raise Refused(f"{who.name}不能报这一班：{why}")


def leads(viewer: Viewer, held: Held) -> bool:
    """Whether the viewer manages the post."""
    return viewer.may_at("rota:manage", held.rota.path)


def require_lead(viewer: Viewer, held: Held) -> None:
    """Raises ``NotFound`` for anybody who does not manage the post."""
    if not leads(viewer, held):
        raise NotFound
