"""The clock of an order in words, line by line: for the desk all that was counted, for the resident what moved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from core import calendar, clock
from core.calendar import AROUND, DAYS, HOURS, Session, Stretch
from core.web.formats import WEEKDAYS, clock_time, date_zh, minutes_zh, when
from services.orders import clocks
from services.orders.clocks import Clock, Course, Mark, Run
from services.orders.models import State

DAY = timedelta(days=1)
NOT_COUNTED = "不计"


@dataclass(frozen=True)
class Line:
    """A line of the account. ``counted`` is what the clock ran meanwhile, ``amount`` the same in words."""

    at: str
    text: str
    counted: timedelta = clocks.NOTHING
    amount: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Account:
    """An order's clock in words."""

    promise: str
    plain: str
    lines: list[Line]
    due: datetime
    is_paused: bool
    missed: datetime | None
    missing_years: list[int]
    moves: list[tuple[datetime, str]]
    told: list[tuple[datetime, str]]
    counted: timedelta

    @property
    def warning(self) -> str:
        """That a year of this clock counts by weekdays only; nothing when all are known."""
        if not self.missing_years:
            return ""
        years = "、".join(f"{year}年" for year in self.missing_years)
        return f"{years}的节假日还没有录入，按周一到周五计算"


def explain(row: Mapping[str, Any], events: Sequence[Any] = ()) -> Account:
    """The account of an order's row; ``events`` are its history, for who was told and when."""
    of = clocks.of_order(row)
    taken = clocks.course(of)
    lines = [*_lines(of, taken), *_end(row, taken)]
    last = clock.local(taken.due).date()
    return Account(
        promise=promise(of),
        plain=plain_promise(of),
        lines=lines,
        due=row["due_at"],
        is_paused=row.get("paused_at") is not None,
        missed=row["missed_at"],
        missing_years=[] if of.kind == AROUND else calendar.missing_years(clock.local(of.start).date(), last),
        moves=[(mark.at, _moved(of, mark)) for mark in of.marks],
        told=[(event.at, _told(event)) for event in events if event.verb in TOLD_VERBS],
        counted=sum((line.counted for line in lines), clocks.NOTHING),
    )


def promise(of: Clock) -> str:
    """What was promised, in a few words."""
    length = amount(of.kind, timedelta(minutes=of.minutes))
    match of.kind:
        case "working_hours":
            return f"按工作时间计{length}，工作日{_hours(of.sessions)}"
        case "working_days":
            return f"按工作日计{length}，点单当天不算，到最后一天{_clock(of.sessions[-1][1])}"
    return f"全天计时{length}"


def plain_promise(of: Clock) -> str:
    """What was promised, for the resident."""
    if of.kind == DAYS:
        return f"点单后{amount(DAYS, timedelta(minutes=of.minutes))}内，周末和节假日不算"
    length = minutes_zh(of.minutes)
    if of.kind == HOURS:
        return f"点单后{length}内，只算工作日{_hours(of.sessions)}"
    return f"点单后{length}内，白天夜里都算"


def amount(kind: str, length: timedelta) -> str:
    """A length of a clock's time in words."""
    if kind == DAYS:
        return f"{-(-length // DAY)}个工作日"
    return minutes_zh(round(length.total_seconds() / 60))


def _lines(of: Clock, taken: Course) -> Iterator[Line]:
    yield Line(_at(of.start), "开始计时", tone="mark")
    for leg in taken.legs:
        if isinstance(leg, Mark):
            yield _mark_line(of, leg)
        else:
            yield from _run_lines(of, leg)
    if of.floor is not None and taken.due == of.floor and not of.marks:
        yield Line(_at(of.floor), "希望的时间到这时才结束，时限不早于它", tone="mark")


def _end(row: Mapping[str, Any], taken: Course) -> Iterator[Line]:
    """What the clock comes to, or came to."""
    done = row.get("completed_at")
    if row.get("state") in (State.CANCELLED, State.SENT_BACK):
        yield Line(_at(row["updated_at"]), "撤单或退回，不再计时", tone="due")
    elif taken.paused is not None:
        yield Line(_at(taken.due), "居民一直没有回复的话，时限到这时；早回复就提前", tone="due")
    else:
        yield Line(_at(taken.due), "时限到", tone="due")
    if done is not None:
        late = done > taken.due or taken.missed is not None
        yield Line(_at(done), "办完，超过了时限" if late else "办完，在时限以内", tone="mark")


def _mark_line(of: Clock, mark: Mark) -> Line:
    by = f"（{mark.by}）" if mark.by else ""
    match mark.verb:
        case "pause":
            latest = f"，最晚到{_at(mark.until)}" if mark.until else ""
            return Line(_at(mark.at), f"暂停，等居民{latest}：{mark.reason}{by}", amount=NOT_COUNTED, tone="mark")
        case "resume":
            return Line(_at(mark.at), f"恢复计时：{mark.reason or '居民已回复'}{by}", tone="mark")
    if mark.until is not None:
        return Line(_at(mark.at), f"延期到{_at(mark.until)}：{mark.reason}{by}", tone="mark")
    more = amount(of.kind, timedelta(minutes=mark.minutes or 0))
    return Line(_at(mark.at), f"延期{more}：{mark.reason}{by}", tone="mark")


def _run_lines(of: Clock, run: Run) -> Iterator[Line]:
    if of.kind == AROUND:
        length = of.counted(run.start, run.end)
        yield Line(f"{_at(run.start)}–{_at(run.end)}", "全天计时", length, f"计{amount(of.kind, length)}")
        return
    for found in calendar.stretches(run.start, run.end, of.kind, of.sessions):
        if found.works and not found.counted and (run.goes_on or (of.kind == HOURS)):
            continue
        days = _days(found.first, found.last)
        if found.hours:
            days += f" {_hours(found.hours)}" if found.first == found.last else f" 每天{_hours(found.hours)}"
        yield Line(days, _why(found, of.kind), found.counted, _counted(found, of.kind))


def _why(found: Stretch, kind: str) -> str:
    if not found.works:
        return f"{found.name}放假" if found.name else "休息"
    if found.made_up:
        return f"补班（{found.name}）" if found.name else "补班"
    return "当天不算" if kind == DAYS and not found.counted else "工作日"


def _counted(found: Stretch, kind: str) -> str:
    return f"计{amount(kind, found.counted)}" if found.counted else NOT_COUNTED


def _days(first: date, last: date) -> str:
    return date_zh(first) if first == last else f"{date_zh(first)}–{date_zh(last)}"


def _hours(sessions: Sequence[Session]) -> str:
    return "、".join(f"{_clock(opens)}–{_clock(closes)}" for opens, closes in sessions)


def _clock(moment: time) -> str:
    return f"{moment.hour}:{moment.minute:02d}"


def _at(moment: datetime) -> str:
    day = clock.local(moment).date()
    weekday = "" if day.year == clock.today().year else f" {WEEKDAYS[day.weekday()]}"
    return f"{date_zh(day)}{weekday} {clock_time(moment)}"


def _moved(of: Clock, mark: Mark) -> str:
    """What a mark did, for the resident."""
    match mark.verb:
        case "pause":
            return f"暂停计时，等您回复：{mark.reason}"
        case "resume":
            return "恢复计时"
    if mark.until is not None:
        return f"时限延到{when(mark.until)}：{mark.reason}"
    return f"时限延长{amount(of.kind, timedelta(minutes=mark.minutes or 0))}：{mark.reason}"


TOLD_VERBS = ("remind", "escalate", "take_up", "recount")
STAGE_NAMES = {clocks.HALF: "时间过半", clocks.FOUR_FIFTHS: "时间过了五分之四", clocks.OVER: "时限到了"}


def _told(event: Any) -> str:
    """Who was told, upon what."""
    details = event.details or {}
    names = "、".join(details.get("to", ()))
    skipped = "".join(f"{text}；" for text in details.get("skipped", ()))
    match event.verb:
        case "remind":
            return f"{STAGE_NAMES[details['stage']]}，提醒{names}"
        case "escalate" if names:
            return f"{skipped}超时没有动静，告诉{details['level']}{names}"
        case "escalate":
            return f"{skipped}没有人可以告诉"
        case "take_up":
            return f"{event.actor_name}接手处理{'：' + event.reason if event.reason else ''}"
    return f"日历改了，时限重算为{_at(datetime.fromisoformat(details['due']))}" if details.get("due") else "时限重算"
