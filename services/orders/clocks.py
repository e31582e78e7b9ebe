"""The clock of an order, as pure arithmetic: what was promised, what moved it, and when it is due.

A clock is a short ledger kept with the order: kind, minutes and working hours as promised when it began, and a mark for
each pause, resumption and extension. Its course, and so the deadline, follows from the ledger and the calendar alone;
the deadline in the order's row is the last line of it.

A pause stops the clock until the resident answers, at most until a day that is fixed with it: the deadline meanwhile is
the one that would then be. What was over already stays so, pause or extension: ``missed`` says which deadline it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from core import calendar
from core.calendar import AROUND, DAYS, HOURS, SESSIONS, Session

URGENT_MINUTES = 120
HALF, FOUR_FIFTHS, OVER = 1, 2, 3
"""How far the alarms have come: half of the clock's time, four fifths, all of it."""
_PARTS = (0.5, 0.8)
NOTHING = timedelta(0)


@dataclass(frozen=True)
class Mark:
    """What moved a clock: ``pause``, ``resume`` or ``extend``, when, by whom and why.

    ``until`` is how long a pause lasts at most, or the deadline agreed; ``minutes`` are those an extension adds.
    """

    verb: str
    at: datetime
    by: str = ""
    reason: str = ""
    until: datetime | None = None
    minutes: int | None = None


@dataclass(frozen=True)
class Clock:
    """What was promised, and what moved it since. ``floor``: not due before, as the wished time lasts until then."""

    kind: str
    minutes: int
    start: datetime
    sessions: tuple[Session, ...] = SESSIONS
    floor: datetime | None = None
    marks: tuple[Mark, ...] = ()

    def after(self, start: datetime, length: timedelta) -> datetime:
        """When so much of this clock's time has run."""
        return calendar.after(start, length, self.kind, self.sessions)

    def counted(self, start: datetime, end: datetime) -> timedelta:
        """How much of this clock's time lies between."""
        return calendar.counted(start, end, self.kind, self.sessions)

    def marked(self, mark: Mark) -> Clock:
        """The clock with one more mark."""
        return replace(self, marks=(*self.marks, mark))

    @property
    def extensions(self) -> int:
        """How often it was extended."""
        return sum(mark.verb == "extend" for mark in self.marks)


@dataclass(frozen=True)
class Run:
    """A time during which a clock ran; ``goes_on``: from where the run before it ended."""

    start: datetime
    end: datetime
    goes_on: bool = False


@dataclass(frozen=True)
class Course:
    """What became of a clock: its runs with the marks between them, the deadline, and the first one that was missed."""

    legs: tuple[Run | Mark, ...]
    due: datetime
    missed: datetime | None
    paused: Mark | None

    @property
    def runs(self) -> list[Run]:
        """The times during which the clock ran, the last one until the deadline."""
        return [leg for leg in self.legs if isinstance(leg, Run)]


class _Fold:
    """Follows a ledger mark by mark."""

    def __init__(self, of: Clock) -> None:
        self._of, self._floor = of, of.floor
        self.legs: list[Run | Mark] = []
        self.missed: datetime | None = None
        self.paused: Mark | None = None
        self._left, self._held = NOTHING, of.start
        self._run(of.start, timedelta(minutes=of.minutes))

    def _run(self, start: datetime, length: timedelta) -> None:
        due = self._of.after(start, length)
        self.due = max(due, self._floor) if self._floor is not None else due
        self.legs.append(Run(start, self.due))

    def follow(self, mark: Mark) -> None:
        """Take in one more mark."""
        over = self.paused is None and self.due <= mark.at
        if over and self.missed is None:
            self.missed = self.due
        getattr(self, "_" + mark.verb)(mark, over)

    def _pause(self, mark: Mark, over: bool) -> None:
        until = mark.until or mark.at
        self._held, self._left = self.due, NOTHING if over else self._of.counted(mark.at, self.due)
        self._cut(mark.at)
        self.legs.append(mark)
        self.paused = mark
        if over:
            self.due = until
        else:
            self._run(until, self._left)

    def _cut(self, at: datetime) -> None:
        """Runs end where the clock stopped."""
        cut = [replace(leg, end=min(leg.end, at)) if isinstance(leg, Run) else leg for leg in self.legs]
        self.legs = [leg for leg in cut if not (isinstance(leg, Run) and leg.start >= leg.end)]

    def _resume(self, mark: Mark, _over: bool) -> None:
        paused, self.paused = self.paused, None
        if paused is None:
            return
        if isinstance(self.legs[-1], Run):
            self.legs.pop()
        self.legs.append(mark)
        if self._held <= paused.at:
            self.due = self._held
        else:
            self._run(mark.at, self._left)

    def _extend(self, mark: Mark, over: bool) -> None:
        start = mark.at if over else self.due
        self.legs.append(mark)
        if mark.until is not None:
            self._floor = self.due = mark.until
        else:
            self.due = self._of.after(start, timedelta(minutes=mark.minutes or 0))
        self.legs.append(Run(start, self.due, goes_on=not over))


def course(of: Clock) -> Course:
    """What the marks have made of a clock by the calendar as it stands."""
    fold = _Fold(of)
    for mark in of.marks:
        fold.follow(mark)
    return Course(tuple(fold.legs), fold.due, fold.missed, fold.paused)


def alarm_points(of: Clock, taken: Course) -> tuple[datetime, datetime, datetime]:
    """When half and four fifths of the running time are over, by the clock itself, and when all is.

    A clock of working days is parted by its working hours.
    """
    kind = HOURS if of.kind == DAYS else of.kind
    lengths = [calendar.counted(run.start, run.end, kind, of.sessions) for run in taken.runs]
    total = sum(lengths, NOTHING)
    half, most = (_moment(taken.runs, lengths, total * part, kind, of.sessions) for part in _PARTS)
    return min(half, taken.due), min(most, taken.due), taken.due


def _moment(
    runs: Sequence[Run], lengths: Sequence[timedelta], part: timedelta, kind: str, sessions: Sequence[Session]
) -> datetime:
    for run, length in zip(runs, lengths, strict=True):
        if part <= length:
            return calendar.after(run.start, part, kind, sessions)
        part -= length
    return runs[-1].end


def stage_at(points: Sequence[datetime], now: datetime) -> int:
    """How many of the alarms are due by now."""
    return sum(point <= now for point in points)


def next_alarm(of: Clock, taken: Course, reminded: int) -> datetime | None:
    """When to look at the order next; None once the time is over, which the escalation decides."""
    if taken.paused is not None:
        return taken.paused.until
    return alarm_points(of, taken)[reminded] if reminded < OVER else None


# What the row of an order holds


def begun(
    item: Mapping[str, Any], floor: datetime | None, urgent: bool, now: datetime, sessions: Sequence[Session] = SESSIONS
) -> dict[str, Any]:
    """The columns of a clock that begins: the item's minutes by its clock; urgent: two hours, around the clock."""
    if urgent:
        fresh = Clock(AROUND, URGENT_MINUTES, now, tuple(sessions))
    else:
        fresh = Clock(str(item["clock"]), int(item["deadline_minutes"]), now, tuple(sessions), floor)
    return columns(fresh, 0, now)


def columns(of: Clock, reminded: int, now: datetime) -> dict[str, Any]:
    """The columns that say how a clock stands. Alarms go on with the stage after ``reminded``."""
    taken = course(of)
    return {
        "clock": dumped(of),
        "due_at": taken.due,
        "missed_at": taken.missed,
        "paused_at": taken.paused.at if taken.paused else None,
        "next_alarm_at": next_alarm(of, taken, reminded) or now,
        "reminded": reminded,
        "escalated": 0,
    }


COLUMNS = ("clock", "due_at", "missed_at", "paused_at", "next_alarm_at", "reminded", "escalated")
STOPPED = {"paused_at": None, "next_alarm_at": None}
"""What an order that is over, or returned, holds of its clock."""


def of_order(row: Mapping[str, Any]) -> Clock:
    """The clock of an order. One from before clocks were kept runs from its placing to the deadline that it had."""
    kept = row["clock"]
    if kept:
        return _loaded(kept)
    item = row["item"]
    if row["urgent"]:
        return Clock(AROUND, URGENT_MINUTES, row["placed_at"], floor=row["due_at"])
    return Clock(item["clock"], int(item["deadline_minutes"]), row["placed_at"], floor=row["due_at"])


def dumped(of: Clock) -> dict[str, Any]:
    """A clock as the row keeps it."""
    kept: dict[str, Any] = {
        "kind": of.kind, "minutes": of.minutes, "start": of.start.isoformat(),
        "sessions": [[_minutes(opens), _minutes(closes)] for opens, closes in of.sessions],
    }  # fmt: skip
    if of.floor is not None:
        kept["floor"] = of.floor.isoformat()
    if of.marks:
        kept["marks"] = [_dumped_mark(mark) for mark in of.marks]
    return kept


def _dumped_mark(mark: Mark) -> dict[str, Any]:
    kept = {"verb": mark.verb, "at": mark.at.isoformat(), "by": mark.by, "reason": mark.reason}
    kept["until"] = mark.until.isoformat() if mark.until else ""
    return {name: value for name, value in (kept | {"minutes": mark.minutes}).items() if value}


def _loaded(kept: Mapping[str, Any]) -> Clock:
    marks = tuple(
        Mark(
            mark["verb"], datetime.fromisoformat(mark["at"]), mark.get("by", ""), mark.get("reason", ""),
            datetime.fromisoformat(mark["until"]) if mark.get("until") else None, mark.get("minutes"),
        )
        for mark in kept.get("marks", ())
    )  # fmt: skip
    sessions = tuple((_time(opens), _time(closes)) for opens, closes in kept["sessions"])
    floor = datetime.fromisoformat(kept["floor"]) if kept.get("floor") else None
    return Clock(kept["kind"], kept["minutes"], datetime.fromisoformat(kept["start"]), sessions, floor, marks)


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def sessions_of(values: Mapping[str, Any]) -> tuple[Session, ...]:
    """An estate's working hours from its rules; what makes no sense together is the usual hours."""
    pairs = [(values["morning_from"], values["morning_until"]), (values["afternoon_from"], values["afternoon_until"])]
    flat = [moment for pair in pairs for moment in pair]
    if flat != sorted(flat) or any(opens >= closes for opens, closes in pairs):
        return SESSIONS
    return tuple((_time(opens), _time(closes)) for opens, closes in pairs)
