"""What the desk of hours shows of an estate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from core import clock
from core.database import fast
from volunteers.disputes.models import Dispute
from volunteers.disputes.models import State as DisputeState
from volunteers.hours.models import HourMonth, HourTail
from volunteers.notices.models import HourNotice
from volunteers.notices.models import State as NoticeState
from volunteers.registry.models import Volunteer
from volunteers.timebank.models import TimeTransfer, TransferState


@dataclass(frozen=True)
class Waiting:
    """How much of each waits, and what the month has brought so far."""

    disputes: int
    overdue: int
    notices: int
    gifts: int
    month_minutes: int


def waiting(estate_id: str) -> Waiting:
    """The counts of an estate, in one statement; the caller has checked the viewer's reach."""
    open_ones = select(func.count()).where(Dispute.estate_id == estate_id, Dispute.state == DisputeState.RAISED)
    notices = select(func.count()).where(HourNotice.estate_id == estate_id, HourNotice.state == NoticeState.OPEN)
    gifts = select(func.count()).where(
        TimeTransfer.estate_id == estate_id, TimeTransfer.state == TransferState.REQUESTED
    )
    month = clock.today().replace(day=1)
    kept, tail = (
        select(func.coalesce(func.sum(table.minutes), 0)).where(table.estate_id == estate_id, table.month == month)
        for table in (HourMonth, HourTail)
    )
    counts = (open_ones, open_ones.where(Dispute.due_at <= clock.now()), notices, gifts)
    given = kept.scalar_subquery() + tail.scalar_subquery()
    row = fast().execute(select(*[count.scalar_subquery() for count in counts], given)).one()
    return Waiting(*[int(value) for value in row])


def list_roll(estate_id: str, limit: int = 1000) -> Sequence[Any]:
    """Volunteers of an estate for a list to tick, those who serve first: id, name, number, standing."""
    found = (
        select(Person.id, Person.name, Volunteer.number, Volunteer.standing)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .where(Volunteer.estate_id == estate_id)
        .order_by(Volunteer.standing, Person.pinyin, Person.id)
    )
    return fast().execute(found.limit(limit)).all()


def body_of(estate_id: str) -> str:
    """The branch of an estate."""
    body = select(Organisation.name).join(Estate, Estate.branch_id == Organisation.id).where(Estate.id == estate_id)
    return str(fast().execute(body).scalar() or "")
