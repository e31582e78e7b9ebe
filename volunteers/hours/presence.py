"""Hours of a presence whose beginning and end are both known, as of a shift that was ticked afterwards.

Rules: MCA order 67 (hours actually given, recorded truthfully, within ten working days). Nothing is credited before
somebody was registered, nor twice for the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from core import clock
from core.database import db
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import DAY_MINUTES, Origin, Overlap, entry_row, met_words, standing_between


class NotYetRegistered(ValueError):
    """The time lies before the volunteer was registered."""


def list_credited(volunteer_id: str, start: datetime, end: datetime) -> Sequence[Any]:
    """What is credited already between two moments, in the present transaction: beginning, end, content."""
    found = standing_between([volunteer_id], start, end)
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
        raise Overlap(f"{met_words(other)}，请改到岗或离岗的时间")
    return entry_row(
        volunteer_id, estate_id, starts_at=starts_at, ends_at=ends_at, minutes=minutes, content=content, note=note,
        by=by, origin=origin,
    )  # fmt: skip
