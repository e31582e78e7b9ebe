"""What is free: the shifts that a volunteer could take, and the volunteers who could take a shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import case, func, or_, select

from community.grid.models import Estate, Person
from community.organisations.queries import along, under
from community.policies import queries as policies
from core import clock
from core.access import Viewer
from core.database import fast
from volunteers.registry.models import Volunteer
from volunteers.rota import needs as need_list
from volunteers.rota.models import HOLDING, LIVE, Rota, Shift, ShiftPlace, ShiftState, State
from volunteers.rota.needs import Need
from volunteers.rota.queries import MANAGE, SERVE, ShiftView
from volunteers.rota.rules import ROTA
from volunteers.rota.workflow.holding import clash, list_busy, list_spans, read_passes, read_people, unfit

AHEAD = timedelta(days=35)
SHOWN = 300


@dataclass(frozen=True)
class Free:
    """A role of a shift as a volunteer sees it. ``why`` tells why it is not for them; ``own`` is their state in it."""

    shift: Any
    need: Need
    left: int
    waiting: int
    why: str = ""
    own: str = ""

    @property
    def is_full(self) -> bool:
        """Whether signing up means waiting."""
        return self.left <= 0 or self.waiting > 0


def list_free(viewer: Viewer, everything: bool = False) -> list[tuple[date, list[Free]]]:
    """Roles in the shifts of the coming weeks by day: free ones that fit the viewer, or ``everything`` with why not."""
    shifts = fast().execute(_shifts(viewer)).all()
    people = read_people([viewer.person_id])
    who = people.get(viewer.person_id)
    if who is None or not shifts:
        return []
    counts, own = _counts([shift.id for shift in shifts], viewer.person_id)
    first, last = shifts[0].starts_at, max(shift.ends_at for shift in shifts)
    spans = list_spans([viewer.person_id], first, last)[viewer.person_id]
    busy = list_busy([viewer.person_id], first, last)[viewer.person_id]
    needs = {shift.id: need_list.read(shift.needs).values() for shift in shifts}
    passes, courses = read_passes([viewer.person_id], [need for roles in needs.values() for need in roles])
    rules = policies.by_estate(ROTA, {shift.estate_id for shift in shifts if shift.estate_id})
    days: dict[date, list[Free]] = {}
    for shift in shifts:
        values = rules[shift.estate_id].values if shift.estate_id else ROTA.defaults
        state, role = own.get(shift.id, ("", ""))
        hinders = "您已在这一班里" if state else clash(shift.starts_at, shift.ends_at, spans, busy, values)
        for need in needs[shift.id]:
            why = unfit(who, need, shift.path, shift.starts_at, shift.ends_at, values, passes[who.person_id], courses)
            why = why or hinders
            taken, waiting = counts.get((shift.id, need.key), (0, 0))
            mine = state if need.key == role else ""
            one = Free(shift, need, need.places - taken, waiting, "" if mine else why, mine)
            if everything or not (one.why or state or one.is_full):
                days.setdefault(clock.local(shift.starts_at).date(), []).append(one)
    return sorted(days.items())


def _shifts(viewer: Viewer) -> Any:
    now = clock.now()
    return (
        select(Shift.id, Shift.starts_at, Shift.ends_at, Shift.needs, Shift.note, Rota.name, Rota.place,
               Rota.purpose, Rota.path, Rota.estate_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .where(along(Rota.path, viewer.paths(SERVE)), Rota.is_active, Rota.is_open)
        .where(Shift.state == ShiftState.PLANNED, Shift.starts_at > now, Shift.starts_at < now + AHEAD)
        .order_by(Shift.starts_at, Rota.name, Shift.id)
        .limit(SHOWN)
    )  # fmt: skip


Counts = Mapping[tuple[str, str], tuple[int, int]]


def _counts(shift_ids: Sequence[str], person_id: str) -> tuple[Counts, Mapping[str, tuple[str, str]]]:
    """Places taken and people waiting by shift and role; the person's own state and role by shift; one statement."""
    mine = func.max(case((ShiftPlace.person_id == person_id, 1), else_=0)).label("own")
    statement = (
        select(ShiftPlace.shift_id, ShiftPlace.need, ShiftPlace.state, mine, func.count().label("number"))
        .where(ShiftPlace.shift_id.in_(shift_ids), ShiftPlace.state.in_(LIVE))
        .group_by(ShiftPlace.shift_id, ShiftPlace.need, ShiftPlace.state)
    )
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    own: dict[str, tuple[str, str]] = {}
    for row in fast().execute(statement):
        taken, waiting = counts.get((row.shift_id, row.need), (0, 0))
        taken += row.number if row.state in HOLDING else 0
        counts[row.shift_id, row.need] = (taken, waiting + (row.number if row.state == State.WAITING else 0))
        if row.own:
            own[row.shift_id] = (row.state, row.need)
    return counts, own


@dataclass(frozen=True)
class Candidate:
    """A volunteer whom staff could ask for a role; ``why``: what is against it; ``shifts``: of the last 30 days."""

    person_id: str
    name: str
    team: str
    estate_name: str
    why: str
    shifts: int


def list_candidates(viewer: Viewer, view: ShiftView, need: Need, q: str) -> list[Candidate]:
    """Volunteers of the viewer's reach for a role of a shift: those who fit first, who served least before others."""
    shift, now = view.shift, clock.now()
    there = {face.person_id for face in view.live()}
    recent = (
        select(func.count())
        .select_from(ShiftPlace)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .where(ShiftPlace.person_id == Person.id, ShiftPlace.state.in_(HOLDING))
        .where(Shift.starts_at > now - timedelta(days=30))
        .correlate(Person)
        .scalar_subquery()
    )
    statement = (
        select(Person.id, Person.name, Volunteer.team, Estate.name.label("estate_name"), recent.label("shifts"))
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(Volunteer.standing == "active", under(Estate.path, viewer.paths(MANAGE)))
        .where(along(Estate.path, [shift.post_path]))
        .order_by(Person.pinyin, Person.id)
    )
    if q:
        begins = Person.name.startswith(q, autoescape=True)
        statement = statement.where(or_(begins, Person.initials.startswith(q.lower(), autoescape=True)))
    rows = [row for row in fast().execute(statement.limit(200)) if row.id not in there]
    people = [row.id for row in rows]
    known, (passes, courses) = read_people(people), read_passes(people, [need])
    spans = list_spans(people, shift.starts_at, shift.ends_at)
    busy = list_busy(people, shift.starts_at, shift.ends_at)
    rules = policies.of(ROTA, shift.post_estate_id).values if shift.post_estate_id else ROTA.defaults
    found = []
    for row in rows:
        why = unfit(known[row.id], need, shift.post_path, shift.starts_at, shift.ends_at, rules,
                    passes[row.id], courses)  # fmt: skip
        why = why or clash(shift.starts_at, shift.ends_at, spans[row.id], busy[row.id], rules)
        found.append(Candidate(row.id, row.name, row.team, row.estate_name, why, row.shifts))
    return sorted(found, key=lambda one: (bool(one.why), one.shifts))
