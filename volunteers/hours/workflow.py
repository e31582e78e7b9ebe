"""Writing service hours: minutes actually given, credited once, corrected by reversal only.

A credit is part of the statement that completes a service (``entry_parts``). Rules: MCA order 67 (hours actually given,
recorded within ten working days of the service; errors corrected, never edited).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Select, String, Text, bindparam, insert, select
from sqlalchemy.orm import aliased

from core import audit, calendar, clock, outbox
from core.access import Viewer
from core.audit import Subject
from core.compound import Part
from core.database import UtcDateTime, db
from core.ids import new_id
from core.rows import JsonRows, json_rows
from volunteers.hours import messages as say
from volunteers.hours.models import HourEntry

DAY_MINUTES = 1440
RECORD_WITHIN_WORKING_DAYS = 10
ENTRY_PARAMETERS = (bindparam("hours", type_=JsonRows()),)
_TYPES: dict[str, Any] = {
    "id": String(), "volunteer_id": String(), "estate_id": String(), "order_id": String(), "starts_at": UtcDateTime(),
    "ends_at": UtcDateTime(), "minutes": Integer(), "content": String(), "note": Text(), "recorded_at": UtcDateTime(),
    "recorded_by": String(), "recorded_late": Boolean(), "place": String(), "body_id": String(), "body": String(),
    "in_charge_id": String(), "in_charge": String(), "source": String(), "source_id": String(),
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """Where a service took place, who organised it and who was in charge: what MCA order 67 asks to be kept of it."""

    place: str = ""
    body_id: str | None = None
    body: str = ""
    in_charge_id: str | None = None
    in_charge: str = ""
    source: str = ""
    source_id: str | None = None

    def columns(self) -> dict[str, Any]:
        """The columns of an entry."""
        return {
            "place": self.place[:80], "body_id": self.body_id, "body": self.body[:80],
            "in_charge_id": self.in_charge_id, "in_charge": self.in_charge[:60], "source": self.source,
            "source_id": self.source_id,
        }  # fmt: skip


NOWHERE = Origin()


class Overlap(ValueError):
    """The time is, in part, credited already for another service."""


class NotCorrectable(ValueError):
    """The entry cannot be corrected: a reversal, or reversed already."""


def entry_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The part of a compound that writes hour entries, given as rows in the parameter ``hours``."""
    rows = json_rows(dialect, ENTRY_PARAMETERS[0], dict(_TYPES))
    return [insert(HourEntry).from_select(list(_TYPES), select(*[rows.c[name] for name in _TYPES]).where(gate))]


def last_day_to_record(began: datetime) -> date:
    """The tenth working day after a service, by which it has to be recorded (MCA order 67)."""
    return calendar.add_working_days(clock.local(began).date(), RECORD_WITHIN_WORKING_DAYS)


def is_late(began: datetime, recorded: datetime) -> bool:
    """Whether more than ten working days lie between the service and its record."""
    return clock.local(recorded).date() > last_day_to_record(began)


def entry_row(
    volunteer_id: str, estate_id: str, *, starts_at: datetime, ends_at: datetime, minutes: int, content: str, note: str,
    by: str, origin: Origin, order_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The columns of a new entry recorded now, with whether it is late. Caller has checked the times."""
    now = clock.now()
    return {
        "id": new_id(), "volunteer_id": volunteer_id, "estate_id": estate_id, "order_id": order_id,
        "starts_at": starts_at, "ends_at": ends_at, "minutes": minutes, "content": content[:60], "note": note,
        "recorded_at": now, "recorded_by": by, "recorded_late": is_late(starts_at, now), **origin.columns(),
    }  # fmt: skip


def credit(
    volunteer_id: str, estate_id: str, *, starts_at: datetime, minutes: int, content: str, note: str, by: str,
    order_id: str | None, credited_until: datetime | None, origin: Origin = NOWHERE,
) -> dict[str, Any]:  # fmt: skip
    """The entry for a service that began at ``starts_at`` and ends now; one that was ended more than a day after it
    began lasted no longer than its minutes.

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
    end = now
    if now - starts_at > timedelta(minutes=DAY_MINUTES):
        end = min(now, max(starts_at, credited_until or starts_at) + timedelta(minutes=minutes))
    return entry_row(
        volunteer_id, estate_id, starts_at=starts_at, ends_at=end, minutes=minutes, content=content, note=note, by=by,
        origin=origin, order_id=order_id,
    )  # fmt: skip


@dataclass(frozen=True)
class Amended:
    """A correction: the reversal, and the entry that took the place of the one reversed, if any."""

    reversal: HourEntry
    renewed: HourEntry | None

    @property
    def last_id(self) -> str:
        """The entry in which the correction ends."""
        return (self.renewed or self.reversal).id


def correct(viewer: Viewer, entry: HourEntry, minutes: int, reason: str) -> HourEntry | None:
    """Reverse an entry and write it anew with other minutes (0: reverse it only, and return None), and tell the
    volunteer. Caller commits.

    Raises ``NotCorrectable`` for a reversal or an entry reversed before, ``ValueError`` for impossible minutes.
    """
    amended = amend(viewer, entry, minutes, reason)
    if entry.volunteer_id != viewer.person_id:
        told = say.corrected(entry.volunteer_id, entry.id, entry.content, entry.minutes, minutes, reason)
        outbox.write(entry.estate_id, [told])
    return amended.renewed


def amend(
    viewer: Viewer, entry: HourEntry, minutes: int, reason: str, starts_at: datetime | None = None
) -> Amended:  # fmt: skip
    """The same, with the reversal, and moving the service to another time when ``starts_at`` is given.

    Raises ``Overlap``, too, when the time it is moved to is credited for another service.
    """
    if not 0 <= minutes <= DAY_MINUTES:
        raise ValueError("服务时长要在0到1440分钟之间，填0表示整条作废")
    if entry.reverses_id is not None:
        raise NotCorrectable("这是一条冲销记录，不能更正")
    if db.session.scalar(select(HourEntry.id).where(HourEntry.reverses_id == entry.id)) is not None:
        raise NotCorrectable("这一条已经更正过，请更正最新的那条")
    start = starts_at or entry.starts_at
    if minutes == entry.minutes and start == entry.starts_at:
        raise ValueError(f"和原来一样是{minutes}分钟，不用更正")
    if start != entry.starts_at:
        _check_moved(entry, start)
    now = clock.now()
    same = {name: getattr(entry, name) for name in _KEPT}
    same |= {"note": reason, "recorded_at": now, "recorded_by": viewer.person_id, "recorded_late": False}
    reversal = HourEntry(id=new_id(), minutes=-entry.minutes, reverses_id=entry.id, starts_at=entry.starts_at,
                         ends_at=entry.ends_at, **same)  # fmt: skip
    db.session.add(reversal)
    renewed = None
    if minutes:
        end = start + (entry.ends_at - entry.starts_at)
        renewed = HourEntry(id=new_id(), minutes=minutes, corrects_id=entry.id, starts_at=start, ends_at=end, **same)
        db.session.add(renewed)
    db.session.flush()
    subject = Subject("hour_entry", entry.id, entry.estate_id)
    details: dict[str, Any] = {"from": entry.minutes, "to": minutes, "volunteer": entry.volunteer_id}
    if start != entry.starts_at:
        details["moved"] = [clock.local(moment).isoformat(timespec="minutes") for moment in (entry.starts_at, start)]
    audit.record(viewer.person_id, viewer.name, "correct_hours", subject, reason=reason, details=details)
    return Amended(reversal, renewed)


_KEPT = ("volunteer_id", "estate_id", "order_id", "content", "place", "body_id", "body", "in_charge_id", "in_charge",
         "source", "source_id")  # fmt: skip


def _check_moved(entry: HourEntry, start: datetime) -> None:
    """The other time of a service lies in the past, and no other service stands in it."""
    end = start + (entry.ends_at - entry.starts_at)
    if end > clock.now():
        raise ValueError("服务时间还没有到，请填已经过去的时间")
    met = db.session.execute(standing_between([entry.volunteer_id], start, end).where(HourEntry.id != entry.id)).first()
    if met is not None:
        raise Overlap(met_words(met))


def standing_between(people: Sequence[str], start: datetime, end: datetime) -> Select[Any]:
    """Credits of these volunteers that stand and meet a time: volunteer_id, content, starts_at, ends_at."""
    reversal = aliased(HourEntry)
    gone = select(reversal.id).where(reversal.reverses_id == HourEntry.id).exists()
    columns: list[Any] = [HourEntry.volunteer_id, HourEntry.content, HourEntry.starts_at, HourEntry.ends_at]
    return select(*columns).where(
        HourEntry.volunteer_id.in_(people), HourEntry.minutes > 0, HourEntry.starts_at < end,
        HourEntry.ends_at > start, ~gone,
    )  # fmt: skip


def met_words(met: Any) -> str:
    """That a time is credited for another service, in words."""
    began, until = clock.local(met.starts_at), clock.local(met.ends_at)
    day = f"{began.month}月{began.day}日"
    return f"{day}{began:%H:%M}到{until:%H:%M}已记入“{met.content}”，同一时间不能记两份"


@dataclass(frozen=True)
class Brought:
    """A service that another system recorded."""

    volunteer_id: str
    starts_at: datetime
    ends_at: datetime
    minutes: int
    content: str


def bring_in(
    viewer: Viewer, estate_id: str, services: Sequence[Brought], origin: str, import_id: str
) -> list[str]:  # fmt: skip
    """Write services that another system recorded, its name noted; the ids of the entries. Caller has looked for those
    that are here already, holds the estate's row, and commits.

    Raises ``ValueError`` for minutes that are none.
    """
    rows, source = [], Origin(source="other", source_id=import_id)
    for one in services:
        if not 1 <= one.minutes <= DAY_MINUTES or one.ends_at < one.starts_at:
            raise ValueError("服务时长要在1到1440分钟之间")
        rows.append(entry_row(
            one.volunteer_id, estate_id, starts_at=one.starts_at, ends_at=one.ends_at, minutes=one.minutes,
            content=one.content, note=f"来自{origin}", by=viewer.person_id, origin=source,
        ))  # fmt: skip
    if rows:
        db.session.execute(insert(HourEntry), rows)
    return [str(row["id"]) for row in rows]
