"""Late and missing records (迟录与漏录): who to remind, what the branch has to see to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Date, bindparam, or_, select

from community.grid.models import Estate, Person
from community.organisations.models import Appointment
from community.organisations.queries import under
from core import calendar, clock
from core.access import BRANCH, NotFound, Role, Viewer
from core.database import db, fast
from core.web import paging
from volunteers.hours import evidence
from volunteers.hours.evidence import Unrecorded
from volunteers.hours.models import HourEntry, HourReminder
from volunteers.hours.workflow import RECORD_WITHIN_WORKING_DAYS, last_day_to_record
from volunteers.registry.models import Volunteer

STEPS = (7, RECORD_WITHIN_WORKING_DAYS)
"""Working days after a service at which those in charge are reminded of it."""
STALE_AFTER = timedelta(days=1)
"""A service that began longer ago and has no end is looked at as not recorded."""


@dataclass(frozen=True)
class Missing:
    """A service without a record, and how it stands with the ten working days."""

    one: Unrecorded
    elapsed: int

    @property
    def is_over(self) -> bool:
        """Whether the ten working days are over."""
        return self.elapsed > RECORD_WITHIN_WORKING_DAYS

    @property
    def last_day(self) -> Any:
        """The day by which it has to be recorded."""
        return last_day_to_record(self.one.began)


def list_missing(estate_ids: Sequence[str] | None, limit: int = 200) -> list[Missing]:
    """Services without a record, oldest first."""
    found = evidence.list_unrecorded(estate_ids, clock.now() - STALE_AFTER, limit)
    today = clock.today()
    return [Missing(one, calendar.working_days_between(clock.local(one.began).date(), today)) for one in found]


def list_estates(viewer: Viewer, permission: str = "hours:read") -> Sequence[Any]:
    """Estates in which the viewer holds a permission, by name: id, name, path, branch_id."""
    found = select(Estate.id, Estate.name, Estate.path, Estate.branch_id)
    found = found.where(under(Estate.path, viewer.paths(permission)))
    return fast().execute(found.order_by(Estate.name).limit(500)).all()


def pick_estate(viewer: Viewer, wanted: str, permission: str = "hours:read") -> tuple[Any, Sequence[Any]]:
    """The estate of this id, else the first within reach, and all to choose from. Raises ``NotFound``."""
    estates = list_estates(viewer, permission)
    found = next((one for one in estates if one.id == wanted), None if wanted else next(iter(estates), None))
    if found is None:
        raise NotFound
    return found, estates


def list_late(estate_id: str, start: datetime | None, end: datetime | None, cursor: str | None,
              limit: int = paging.PAGE) -> paging.Page[Any]:  # fmt: skip
    """Entries of an estate that were recorded late, newest service first, in one statement."""
    statement = paging.after(
        _late(estate_id, start, end), (HourEntry.starts_at, HourEntry.id), (datetime, str), cursor, limit,
        descending=True,
    )  # fmt: skip
    return paging.page_of(fast().execute(statement).all(), limit, lambda row: (row.starts_at, row.id))


def every_late(estate_id: str, start: datetime | None, end: datetime | None) -> Sequence[Any]:
    """All of them, for an export."""
    found = _late(estate_id, start, end).order_by(HourEntry.starts_at.desc(), HourEntry.id.desc())
    return fast().execute(found.limit(20_000)).all()


def _late(estate_id: str, start: datetime | None, end: datetime | None) -> Any:
    columns: list[Any] = [
        HourEntry.id, HourEntry.volunteer_id, HourEntry.starts_at, HourEntry.minutes, HourEntry.content,
        HourEntry.place, HourEntry.in_charge, HourEntry.note, HourEntry.recorded_at, Person.name, Volunteer.number,
    ]  # fmt: skip
    found = (
        select(*columns)
        .join(Person, Person.id == HourEntry.volunteer_id)
        .join(Volunteer, Volunteer.person_id == HourEntry.volunteer_id)
        .where(HourEntry.estate_id == estate_id, HourEntry.recorded_late)
    )
    if start is not None:
        found = found.where(HourEntry.starts_at >= start)
    return found if end is None else found.where(HourEntry.starts_at < end)


_LEADERS = select(Estate.id, Appointment.person_id).join(
    Appointment, Appointment.organisation_id == Estate.branch_id
).where(
    Estate.id.in_(bindparam("estates", expanding=True)), Appointment.role.in_(sorted(BRANCH)),
    Appointment.starts_on <= bindparam("today", type_=Date()),
    or_(Appointment.ends_on.is_(None), Appointment.ends_on >= bindparam("today", type_=Date())),
)  # fmt: skip


def leaders_of(estate_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Secretaries and deputies of each estate's branch."""
    found: dict[str, list[str]] = {estate_id: [] for estate_id in estate_ids}
    if estate_ids:
        values = {"estates": sorted(set(estate_ids)), "today": clock.today()}
        for estate_id, person_id in fast().execute(_LEADERS, values):
            found[estate_id].append(person_id)
    return found


def administrators() -> list[str]:
    """Who administers the system."""
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= clock.today())
    chosen = select(Appointment.person_id).where(
        Appointment.role == Role.ADMIN, Appointment.starts_on <= clock.today(), held
    )
    return list(db.session.scalars(chosen.distinct()))


def told_before(kind: str, keys: Sequence[str]) -> Mapping[str, int]:
    """The last step at which somebody was reminded of each of these matters."""
    told: dict[str, int] = {}
    for start in range(0, len(keys), 500):
        some = select(HourReminder.subject_id, HourReminder.step).where(
            HourReminder.kind == kind, HourReminder.subject_id.in_(keys[start : start + 500])
        )
        for key, step in db.session.execute(some):
            told[key] = max(step, told.get(key, 0))
    return told
