"""Hours that staff record outside an order: a collective activity, a shift, work for another body.

Every person is checked before anything is written, and each who is refused is named with the reason (MCA order 67:
truthful, hours actually given, within ten working days; time that is no voluntary service is not recorded).
Other capabilities record through ``record``, too, with their own source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from community.grid.models import Person
from core import audit, clock, outbox
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from volunteers.hours import messages as say
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import DAY_MINUTES, Origin, is_late, last_day_to_record, met_words, standing_between
from volunteers.registry.models import Volunteer

PEOPLE = 300


class Refused(ValueError):
    """The service cannot be recorded so; ``field`` names the input and the text says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class PeopleRefused(ValueError):
    """Some of the people cannot be credited: ``why`` is name and reason of each."""

    def __init__(self, why: Sequence[tuple[str, str]]) -> None:
        super().__init__("；".join(f"{name}：{reason}" for name, reason in why))
        self.why = why


@dataclass(frozen=True)
class Service:
    """What was done, when and where. ``late_reason`` is needed after the tenth working day."""

    estate_id: str
    starts_at: datetime
    ends_at: datetime
    content: str
    origin: Origin
    note: str = ""
    late_reason: str = ""

    @property
    def window(self) -> int:
        """Minutes from beginning to end."""
        return int((self.ends_at - self.starts_at) / timedelta(minutes=1))


def record(viewer: Viewer, service: Service, given: Mapping[str, int]) -> list[str]:
    """Credit minutes to volunteers, by their ids; the ids of the new entries. Caller commits.

    Raises ``Refused`` or ``PeopleRefused``; then nothing was written.
    """
    check_service(service)
    if not given:
        raise Refused("people", "请选至少一位志愿者")
    if len(given) > PEOPLE:
        raise Refused("people", f"一次最多记{PEOPLE}人，请分几次记")
    wrong = refusals(service, given)
    if wrong:
        raise PeopleRefused(wrong)
    now, late = clock.now(), is_late(service.starts_at, clock.now())
    note = f"{service.note}。补记原因：{service.late_reason}".lstrip("。") if late else service.note
    same = {
        "estate_id": service.estate_id, "order_id": None, "starts_at": service.starts_at, "ends_at": service.ends_at,
        "content": service.content[:60], "note": note, "recorded_at": now, "recorded_by": viewer.person_id,
        "recorded_late": late, **service.origin.columns(),
    }  # fmt: skip
    if service.origin.source == "order":
        same["order_id"] = service.origin.source_id
    rows = [{"id": new_id(), "volunteer_id": person, "minutes": given[person], **same} for person in sorted(given)]
    db.session.execute(insert(HourEntry), rows)
    _tell(viewer, service, rows, late)
    return [row["id"] for row in rows]


def _tell(viewer: Viewer, service: Service, rows: Sequence[dict[str, Any]], late: bool) -> None:
    subject = Subject("hour_entry", rows[0]["id"], service.estate_id)
    details = {
        "content": service.content, "people": len(rows), "minutes": sum(row["minutes"] for row in rows),
        "entries": [row["id"] for row in rows], "source": service.origin.source,
    }  # fmt: skip
    audit.record(viewer.person_id, viewer.name, "record_hours", subject, details=details,
                 reason=service.late_reason if late else "")  # fmt: skip
    drafts = [
        say.credited(row["volunteer_id"], row["id"], service.content, service.starts_at, row["minutes"])
        for row in rows
        if row["volunteer_id"] != viewer.person_id
    ]
    outbox.write(service.estate_id, drafts)


def check_service(service: Service) -> None:
    """The time of a service is possible and, when it is late to record it, there is a reason. Raises ``Refused``."""
    now = clock.now()
    if service.ends_at <= service.starts_at:
        raise Refused("ends_at", "结束时间要晚于开始时间；跨到第二天的，日期也要选第二天")
    if service.window > DAY_MINUTES:
        raise Refused("ends_at", "一次服务最长24小时，请核对日期；分几天做的，一天记一次")
    if service.ends_at > now:
        raise Refused("ends_at", "服务还没有结束，结束以后再记")
    if is_late(service.starts_at, now) and not service.late_reason.strip():
        last = last_day_to_record(service.starts_at)
        raise Refused("late_reason", f"应在{last.month}月{last.day}日前记录（10个工作日内），现在补记请写明原因")


def refusals(service: Service, given: Mapping[str, int]) -> list[tuple[str, str]]:
    """Name and reason of everyone who cannot be credited, in order of the names."""
    people = _people(service.estate_id, list(given))
    met = {
        row.volunteer_id: row
        for row in db.session.execute(standing_between(list(given), service.starts_at, service.ends_at))
    }
    day = clock.local(service.starts_at).date()
    wrong = []
    for person_id in given:
        who = people.get(person_id)
        if who is None:
            wrong.append(("名单里有人", "不是本小区的志愿者，请先登记"))
            continue
        why = _why_not(who, day, given[person_id], service.window)
        if why or person_id in met:
            wrong.append((who.name, why or met_words(met[person_id])))
    return sorted(wrong)


def _people(estate_id: str, ids: Sequence[str]) -> Mapping[str, Any]:
    """The volunteers of an estate by id, held so that nobody credits the same person at the same moment."""
    held = select(Volunteer.person_id).where(Volunteer.person_id.in_(ids)).order_by(Volunteer.person_id)
    db.session.execute(held.with_for_update())
    found = (
        select(Volunteer.person_id, Person.name, Volunteer.joined_on, Volunteer.left_on)
        .join(Person, Person.id == Volunteer.person_id)
        .where(Volunteer.person_id.in_(ids), Volunteer.estate_id == estate_id)
    )  # fmt: skip
    return {row.person_id: row for row in db.session.execute(found)}


def _why_not(who: Any, day: date, minutes: int, window: int) -> str:
    if not 1 <= minutes <= DAY_MINUTES:
        return "服务时长要在1到1440分钟之间"
    if minutes > window:
        return f"填了{minutes}分钟，比开始到结束的{window}分钟还长"
    if day < who.joined_on:
        joined = who.joined_on
        return f"{joined.year}年{joined.month}月{joined.day}日才登记，登记以前的不能记"
    if who.left_on is not None and day > who.left_on:
        return f"{who.left_on.year}年{who.left_on.month}月{who.left_on.day}日已退出，退出以后的不能记"
    return ""
