"""Hours of a presence whose beginning and end are both known, as of a shift that was ticked afterwards.

Rules: MCA order 67 (hours actually given, recorded truthfully, within ten working days). Nothing is credited before
somebody was registered, nor twice for the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from core import clock
from core.database import db
from core.ids import new_id
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import DAY_MINUTES, Origin, Overlap, is_late

_REVERSAL = aliased(HourEntry)


class NotYetRegistered(ValueError):
    """The time lies before the volunteer was registered."""


def list_credited(volunteer_id: str, start: datetime, end: datetime) -> Sequence[Any]:
    """What is credited already between two moments, in the present transaction: beginning, end, content."""
    reversed_ = select(_REVERSAL.id).where(_REVERSAL.reverses_id == HourEntry.id).exists()
    found = select(HourEntry.starts_at, HourEntry.ends_at, HourEntry.content).where(
        HourEntry.volunteer_id == volunteer_id, HourEntry.minutes > 0, ~reversed_, HourEntry.starts_at < end,
        HourEntry.ends_at > start,
    )  # fmt: skip
    return db.session.execute(found.order_by(HourEntry.starts_at)).all()


def credit_presence(
    volunteer_id: str, estate_id: str, *, starts_at: datetime, ends_at: datetime, content: str, note: str, by: str,
    joined_on: date, credited: Iterable[Any], origin: Origin,
) -> dict[str, Any] | None:  # fmt: skip
    """The entry for a presence, to be written with the step that ends it; None for less than a minute.

    Raises ``Overlap`` when part of the time is credited already, ``NotYetRegistered``, or ``ValueError`` for more than
    a day.
    """
    minutes = int((ends_at - starts_at) / timedelta(minutes=1))
    if minutes < 1:
        return None
    if minutes > DAY_MINUTES:
        raise ValueError("一次最多记24小时，请核对到岗和离岗的时间")
    if clock.local(starts_at).date() < joined_on:
        raise NotYetRegistered(f"这一天在登记成为志愿者（{joined_on.isoformat()}）之前，不能记时长")
    for other in credited:
        began, until = clock.local(other.starts_at).strftime("%H:%M"), clock.local(other.ends_at).strftime("%H:%M")
        raise Overlap(f"{began}到{until}已记入“{other.content}”，同一时间不能记两份，请改到岗或离岗的时间")
    now = clock.now()
    return {
        "id": new_id(), "volunteer_id": volunteer_id, "estate_id": estate_id, "order_id": None,
        "starts_at": starts_at, "ends_at": ends_at, "minutes": minutes, "content": content[:60], "note": note,
        "recorded_at": now, "recorded_by": by, "recorded_late": is_late(ends_at, now), **origin.columns(),
    }  # fmt: skip
