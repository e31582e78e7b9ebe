"""Writing service hours: minutes actually given, credited once, corrected by reversal only.

A credit is part of the statement that completes a service (``entry_parts``). Rules: MCA order 67 (hours actually given,
recorded within ten working days of the service; errors corrected, never edited).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, String, Text, bindparam, insert, select

from core import audit, calendar, clock
from core.access import Viewer
from core.audit import Subject
from core.compound import Part
from core.database import JsonRows, UtcDateTime, db, json_rows
from core.ids import new_id
from volunteers.hours.models import HourEntry

DAY_MINUTES = 1440
RECORD_WITHIN_WORKING_DAYS = 10
ENTRY_PARAMETERS = (bindparam("hours", type_=JsonRows()),)
_TYPES: dict[str, Any] = {
    "id": String(), "volunteer_id": String(), "estate_id": String(), "order_id": String(), "starts_at": UtcDateTime(),
    "ends_at": UtcDateTime(), "minutes": Integer(), "content": String(), "note": Text(), "recorded_at": UtcDateTime(),
    "recorded_by": String(), "recorded_late": Boolean(),
}  # fmt: skip


class Overlap(ValueError):
    """The time is, in part, credited already for another service."""


class NotCorrectable(ValueError):
    """The entry cannot be corrected: a reversal, or reversed already."""


def entry_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The part of a compound that writes hour entries, given as rows in the parameter ``hours``."""
    rows = json_rows(dialect, ENTRY_PARAMETERS[0], dict(_TYPES))
    return [insert(HourEntry).from_select(list(_TYPES), select(*[rows.c[name] for name in _TYPES]).where(gate))]


def is_late(ended: datetime, recorded: datetime) -> bool:
    """Whether more than ten working days lie between the service and its record (MCA order 67)."""
    allowed = calendar.add_working_days(clock.local(ended).date(), RECORD_WITHIN_WORKING_DAYS)
    return clock.local(recorded).date() > allowed


def credit(
    volunteer_id: str, estate_id: str, *, starts_at: datetime, minutes: int, content: str, note: str, by: str,
    order_id: str | None, credited_until: datetime | None,
) -> dict[str, Any]:  # fmt: skip
    """The entry for a service that began at ``starts_at`` and ends now.

    ``credited_until`` is the end of the volunteer's latest credited service. When that lies after the beginning, they
    overlap, and only the time after it is still free: more minutes than that raise ``Overlap``. Minutes of less than 1
    or more than a day raise ``ValueError``.
    """
    now = clock.now()
    if not 1 <= minutes <= DAY_MINUTES:
        raise ValueError("服务时长要在1到1440分钟之间")
    if credited_until is not None and credited_until > starts_at:
        free = max(0, int((now - credited_until) / timedelta(minutes=1)))
        if minutes > free:
            began, until = clock.local(starts_at).strftime("%H:%M"), clock.local(credited_until).strftime("%H:%M")
            raise Overlap(
                f"{began}到{until}这段时间已记入另一次服务，同一时间不能记两份。"
                f"这一单最多还能记{free}分钟；如果前一单记错了，请联系支部书记更正"
            )
    late = is_late(starts_at, now)
    return {
        "id": new_id(), "volunteer_id": volunteer_id, "estate_id": estate_id, "order_id": order_id,
        "starts_at": starts_at, "ends_at": now, "minutes": minutes, "content": content[:60], "note": note,
        "recorded_at": now, "recorded_by": by, "recorded_late": late,
    }  # fmt: skip


def correct(viewer: Viewer, entry: HourEntry, minutes: int, reason: str) -> HourEntry | None:
    """Reverse an entry and write it anew with other minutes (0: reverse it only, and return None). Caller commits.

    Raises ``NotCorrectable`` for a reversal or an entry reversed before, ``ValueError`` for impossible minutes.
    """
    if not 0 <= minutes <= DAY_MINUTES:
        raise ValueError("服务时长要在0到1440分钟之间，填0表示整条作废")
    if entry.reverses_id is not None:
        raise NotCorrectable("这是一条冲销记录，不能更正")
    if db.session.scalar(select(HourEntry.id).where(HourEntry.reverses_id == entry.id)) is not None:
        raise NotCorrectable("这一条已经更正过，请更正最新的那条")
    if minutes == entry.minutes:
        raise ValueError(f"和原来一样是{minutes}分钟，不用更正")
    now = clock.now()
    same = {
        "volunteer_id": entry.volunteer_id, "estate_id": entry.estate_id, "order_id": entry.order_id,
        "starts_at": entry.starts_at, "ends_at": entry.ends_at, "content": entry.content, "note": reason,
        "recorded_at": now, "recorded_by": viewer.person_id, "recorded_late": False,
    }  # fmt: skip
    db.session.add(HourEntry(id=new_id(), minutes=-entry.minutes, reverses_id=entry.id, **same))
    renewed = None
    if minutes:
        renewed = HourEntry(id=new_id(), minutes=minutes, corrects_id=entry.id, **same)
        db.session.add(renewed)
    db.session.flush()
    subject = Subject("hour_entry", entry.id, entry.estate_id)
    details = {"from": entry.minutes, "to": minutes, "volunteer": entry.volunteer_id}
    audit.record(viewer.person_id, viewer.name, "correct_hours", subject, reason=reason, details=details)
    return renewed
