"""Repeated weeks: what repeats, and laying it forward so many weeks. A slot is never laid twice, and changing what
repeats changes only shifts that nobody is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from core import audit, calendar, clock
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import db
from core.ids import new_id
from core.moving import move
from core.workflow import Stale
from volunteers.rota import needs as need_list
from volunteers.rota.models import LIVE, RotaPattern, Shift, ShiftLog, ShiftPlace, ShiftState
from volunteers.rota.needs import Need
from volunteers.rota.workflow.planning import Slot, check_slot, hold_post, lay_one, shape
from volunteers.rota.workflow.steps import SHIFTS, Refused

MOST_WEEKS = 12
EVERY_DAY, NO_HOLIDAYS, WORKING_DAYS = "every", "no_holidays", "working_days"
SKIPS = {EVERY_DAY: "每天都排", NO_HOLIDAYS: "跳过法定节假日", WORKING_DAYS: "只排工作日"}
NEW, THERE, OFF, HOLIDAY, PAST = "new", "there", "called_off", "holiday", "past"


@dataclass(frozen=True)
class Weekly:
    """A slot of every week: minutes after midnight and its length; it may end on the next day."""

    weekday: int
    start_minute: int
    minutes: int
    needs: Sequence[Need]

    def on(self, day: date) -> Slot:
        """The slot on a day."""
        start = clock.day_bounds(day)[0] + timedelta(minutes=self.start_minute)
        return Slot(start, start + timedelta(minutes=self.minutes), self.needs)


def add_patterns(viewer: Viewer, rota_id: str, weeklies: Sequence[Weekly]) -> int:
    """Slots that repeat every week from now on; how many. Caller commits. Raises ``Refused`` for one there already."""
    rota = hold_post(viewer, rota_id)
    known = {(row.weekday, row.start_minute, row.minutes) for row in _patterns(rota_id)}
    for weekly in weeklies:
        check_slot(weekly.on(clock.today()), fresh=False)
        if (weekly.weekday, weekly.start_minute, weekly.minutes) in known:
            raise Refused("每周的这个时间已有一班，直接改那一条", "weekdays")
        row = {
            "id": new_id(), "rota_id": rota_id, "weekday": weekly.weekday, "start_minute": weekly.start_minute,
            "minutes": weekly.minutes, "needs": need_list.plain(weekly.needs), "is_active": True, "version": 1,
            "updated_at": clock.now(),
        }  # fmt: skip
        db.session.execute(insert(RotaPattern), [row])
    _record(viewer, rota, "add_pattern", {"name": rota.name, "count": len(weeklies)})
    return len(weeklies)


def _patterns(rota_id: str) -> Sequence[Any]:
    table = RotaPattern.__table__
    found = select(table).where(table.c.rota_id == rota_id, table.c.is_active)
    return db.session.execute(found.order_by(table.c.weekday, table.c.start_minute, table.c.id)).all()


def _record(viewer: Viewer, rota: Any, verb: str, details: dict[str, Any]) -> None:
    subject = Subject("rota", rota.id, rota.estate_id or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details=details)


def weekly_of(row: Any) -> Weekly:
    """A stored slot."""
    return Weekly(row.weekday, row.start_minute, row.minutes, list(need_list.read(row.needs).values()))


def change_pattern(viewer: Viewer, pattern_id: str, weekly: Weekly, version: int) -> tuple[int, int]:
    """Change what repeats, and with it the shifts ahead that nobody is in; how many changed, and how many were left
    alone because somebody is. Caller commits. Raises ``Stale``, ``Refused``."""
    row, rota = _hold_pattern(viewer, pattern_id)
    if row.version != version:
        raise Stale(pattern_id)
    check_slot(weekly.on(clock.today()), fresh=False)
    if any(
        other.id != pattern_id
        and (other.weekday, other.start_minute, other.minutes) == (weekly.weekday, weekly.start_minute, weekly.minutes)
        for other in _patterns(rota.id)
    ):
        raise Refused("每周的这个时间已有一班，直接改那一条", "weekday")
    values = {"weekday": weekly.weekday, "start_minute": weekly.start_minute, "minutes": weekly.minutes,
              "needs": need_list.plain(weekly.needs), "version": version + 1, "updated_at": clock.now()}  # fmt: skip
    db.session.execute(update(RotaPattern).where(RotaPattern.id == pattern_id).values(**values))
    empty, kept = _shifts_ahead(pattern_id)
    changed = sum(_follow(viewer, rota, shift, weekly) for shift in empty)
    _record(viewer, rota, "change_pattern", {"name": rota.name, "changed": changed, "kept": len(kept)})
    return changed, len(kept)


def _hold_pattern(viewer: Viewer, pattern_id: str) -> tuple[Any, Any]:
    rota_id = db.session.scalar(select(RotaPattern.rota_id).where(RotaPattern.id == pattern_id))
    if rota_id is None:
        raise NotFound
    rota = hold_post(viewer, rota_id)
    found = next((row for row in _patterns(rota_id) if row.id == pattern_id), None)
    if found is None:
        raise NotFound
    return found, rota


def _shifts_ahead(pattern_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The planned shifts ahead of a pattern under lock: those that nobody is in, and the others."""
    table = Shift.__table__
    rows = db.session.execute(
        select(table)
        .where(table.c.pattern_id == pattern_id, table.c.starts_at > clock.now())
        .where(table.c.state == ShiftState.PLANNED)
        .order_by(table.c.id)
        .with_for_update()
    ).mappings()
    shifts = [dict(row) for row in rows]
    ids = [shift["id"] for shift in shifts]
    taken = set(
        db.session.scalars(select(ShiftPlace.shift_id).where(ShiftPlace.shift_id.in_(ids), ShiftPlace.state.in_(LIVE)))
    )
    empty = [shift for shift in shifts if shift["id"] not in taken]
    return empty, [shift for shift in shifts if shift["id"] in taken]


def _follow(viewer: Viewer, rota: Any, shift: dict[str, Any], weekly: Weekly) -> bool:
    """Bring an empty shift to what repeats now, in its own week, unless that slot is taken or over."""
    day = shift["day"] + timedelta(days=weekly.weekday - shift["day"].weekday())
    slot = weekly.on(day)
    same = select(Shift.id).where(
        Shift.rota_id == rota.id, Shift.starts_at == slot.starts_at, Shift.ends_at == slot.ends_at,
        Shift.id != shift["id"],
    )  # fmt: skip
    twin = select(Shift.id).where(Shift.pattern_id == shift["pattern_id"], Shift.day == day, Shift.id != shift["id"])
    if slot.starts_at <= clock.now() or db.session.scalar(same.union_all(twin).limit(1)) is not None:
        return False
    new = shape(slot) | {"note": shift["note"], "day": day}
    if all(shift[name] == value for name, value in new.items()):
        return False
    move(SHIFTS, viewer, shift, "change_shift", ShiftState.PLANNED, trail=rota.estate_id,
         details={"name": rota.name}, **new)  # fmt: skip
    return True


def drop_pattern(viewer: Viewer, pattern_id: str) -> tuple[int, int]:
    """Nothing repeats there any more: shifts ahead that nobody was ever in go, the others stay; how many of each.

    Caller commits.
    """
    _, rota = _hold_pattern(viewer, pattern_id)
    empty, kept = _shifts_ahead(pattern_id)
    ids = [shift["id"] for shift in empty]
    used = set(db.session.scalars(select(ShiftPlace.shift_id).where(ShiftPlace.shift_id.in_(ids))))
    used |= set(db.session.scalars(select(ShiftLog.shift_id).where(ShiftLog.shift_id.in_(ids))))
    gone = [shift_id for shift_id in ids if shift_id not in used]
    db.session.execute(delete(Shift).where(Shift.id.in_(gone)))
    db.session.execute(
        update(RotaPattern).where(RotaPattern.id == pattern_id).values(is_active=False, updated_at=clock.now())
    )
    _record(viewer, rota, "drop_pattern", {"name": rota.name, "count": len(gone)})
    return len(gone), len(kept) + len(used)


@dataclass(frozen=True)
class Proposal:
    """A slot of the weeks to be laid, and what would become of it: ``new``, or why it is not laid."""

    pattern_id: str
    day: date
    slot: Slot
    what: str


def is_holiday(day: date) -> bool:
    """Whether a day off belongs to a public holiday, its weekends included."""
    days = calendar.table()
    return not days.works(day) and days.name(day) != ""


def _is_skipped(day: date, skip: str) -> bool:
    if skip == NO_HOLIDAYS:
        return is_holiday(day)
    return skip == WORKING_DAYS and not calendar.is_working_day(day)


def propose(rota_id: str, first: date, weeks: int, skip: str) -> list[Proposal]:
    """What laying the repeated weeks from a day on would do, by time. Nothing is written."""
    if not 1 <= weeks <= MOST_WEEKS:
        raise Refused(f"一次铺1到{MOST_WEEKS}周", "weeks")
    last = first + timedelta(days=7 * weeks - 1)
    slots: dict[tuple[datetime, datetime], str] = {}
    days: dict[tuple[str | None, date], str] = {}
    there = db.session.execute(
        select(Shift.starts_at, Shift.ends_at, Shift.pattern_id, Shift.day, Shift.state)
        .where(Shift.rota_id == rota_id, Shift.day >= first - timedelta(days=7), Shift.day <= last + timedelta(days=7))
    )  # fmt: skip
    for row in there:
        slots[row.starts_at, row.ends_at] = days[row.pattern_id, row.day] = row.state
    found = []
    for row in _patterns(rota_id):
        weekly = weekly_of(row)
        day = first + timedelta(days=(weekly.weekday - first.weekday()) % 7)
        while day <= last:
            slot = weekly.on(day)
            state = slots.get((slot.starts_at, slot.ends_at)) or days.get((row.id, day))
            what = NEW if state is None else OFF if state == ShiftState.CALLED_OFF else THERE
            if what == NEW and slot.starts_at <= clock.now():
                what = PAST
            elif what == NEW and _is_skipped(day, skip):
                what = HOLIDAY
            found.append(Proposal(row.id, day, slot, what))
            day += timedelta(days=7)
    return sorted(found, key=lambda one: (one.slot.starts_at, one.slot.ends_at))


def lay(viewer: Viewer, rota_id: str, first: date, weeks: int, skip: str) -> int:
    """Lay the repeated weeks; how many shifts are new. Laying them again adds nothing. Caller commits."""
    rota = hold_post(viewer, rota_id)
    if not rota.is_active:
        raise Refused("这个岗位已停用，先恢复再排班")
    if first > clock.today() + timedelta(days=180):
        raise Refused("最多从半年之内的一天开始铺", "first")
    fresh = [one for one in propose(rota_id, first, weeks, skip) if one.what == NEW]
    for one in fresh:
        lay_one(viewer, rota, one.slot, one.pattern_id)
    return len(fresh)
