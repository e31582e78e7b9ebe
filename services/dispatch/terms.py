"""What matching speaks of: what an order needs, what a volunteer offers, and the verdict on the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.dispatch.rules import DEFAULTS, Weights
from services.dispatch.times import Hours, Span, clock_of, week_of

BASE = 100
DOUBTS, SURE = ("技能没核实", "没登记空闲时间", "婉拒", "没到"), 5


@dataclass(frozen=True, slots=True)
class Need:
    """What matching knows of an order. Times are minutes of ``times``; ``day`` is that of the service."""

    order_id: str
    person_id: str
    household_id: str | None
    estate_id: str
    building_id: str | None
    building_number: int | None
    unit_id: str | None
    day: int
    skills: tuple[str, ...] = ()
    verified: frozenset[str] = frozenset()
    training: str = ""
    min_age: int | None = None
    max_age: int | None = None
    helper_sex: int = 0
    emergency: bool = False
    urgent: bool = False
    start: int | None = None
    end: int | None = None
    minutes: int = 60

    @property
    def week(self) -> int:
        """The week of the service."""
        return week_of(self.day)


class Task(NamedTuple):
    """A time that a volunteer keeps already: an order accepted or ``asked`` and not answered yet, or a ``shift``."""

    start: int
    end: int
    asked: bool = False
    shift: bool = False


@dataclass(frozen=True, slots=True)
class Offering:
    """What matching knows of a volunteer with regard to one order.

    ``skills`` tells of each whether it was verified; ``weeks`` counts orders by week, offers that wait for an answer
    included; ``declines`` and ``no_shows`` are days ago; ``here`` is the state of an offer of this very order.
    """

    volunteer_id: str
    name: str
    estate_id: str
    estate_name: str = ""
    party: bool = False
    sex: int = 0
    born: date | None = None
    guardian: bool = False
    standing: str = "active"
    available: bool = True
    household_id: str | None = None
    building_id: str | None = None
    building_name: str = ""
    building_number: int | None = None
    unit_id: str | None = None
    reach: str = "estate"
    skills: Mapping[str, bool] = field(default_factory=dict)
    hours: Hours = ()
    off: Sequence[Span] = ()
    tasks: Sequence[Task] = ()
    weekly_cap: int = 6
    weeks: Mapping[int, int] = field(default_factory=dict)
    offers_today: int = 0
    month_minutes: int = 0
    total_minutes: int = 0
    declines: Sequence[float] = ()
    no_shows: Sequence[float] = ()
    stars: int = 0
    ratings: int = 0
    served: int = 0
    five_stars: bool = False
    excluded: bool = False
    here: str | None = None
    trained: bool = False
    level: int = 0

    @property
    def busy(self) -> list[Span]:
        """The times kept, in order."""
        return sorted((task.start, task.end) for task in self.tasks)


@dataclass(frozen=True)
class Scale:
    """What verdicts are measured with: weights, offers a day at most, the mean of all ratings in reach, and the present
    week."""

    weights: Weights = DEFAULTS
    offers_a_day: int = 4
    mean_stars: float = 5.0
    week: int = 0


class Line(NamedTuple):
    """One cost: so many units at so many points each; ``note`` says it in a word."""

    name: str
    amount: float
    unit: str
    each: float
    tenths: int
    note: str = ""

    @property
    def points(self) -> float:
        """In points."""
        return self.tenths / 10


@dataclass(slots=True)
class Verdict:
    """A volunteer judged for an order: ruled out for a reason, or costs with reasons for and against.

    ``barred``: ruled out by law or by somebody's wish, so that not even the branch may pick them.
    """

    need: Need
    volunteer: Offering
    ruled_out: str = ""
    barred: bool = False
    lines: list[Line] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    free: int | None = None

    @property
    def tenths(self) -> int:
        """The cost in tenths of a point."""
        return sum(line.tenths for line in self.lines)

    @property
    def cost(self) -> float:
        """In points."""
        return self.tenths / 10

    @property
    def score(self) -> int:
        """0 to 100, for showing; more is better."""
        return max(0, min(BASE, round(BASE - self.cost)))

    @property
    def is_sure(self) -> bool:
        """Whether little speaks against their taking it and doing it well: doubts of less than five points."""
        return sum(line.tenths for line in self.lines if line.name in DOUBTS) < SURE * 10

    @property
    def when(self) -> str:
        """From when the volunteer is free: ``15:00 有空``; nothing when no hours are known."""
        return f"{clock_of(self.free)} 有空" if self.free is not None and self.volunteer.hours else ""
