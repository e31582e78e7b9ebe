"""Measures as data: what can be counted, what each figure means, and who counts it.

A measure has a Chinese name, a formula in words, a numerator and perhaps a denominator, its source and unit, and the
dimensions it can be cut by. Each capability declares its own together with the function that draws them; a dashboard, a
document, the API and the page of definitions all read the same list, so that no figure is defined twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from core import clock, dated
from core.database import one_moment
from core.dated import Rows, Span

Dimension = Literal["total", "unit", "month", "week", "day", "item", "category", "team", "tier", "counter",
                    "estate"]  # fmt: skip
Kind = Literal["count", "rate", "sum", "duration"]
DIMENSION_NAMES: Mapping[str, str] = {
    "total": "合计", "unit": "单位", "month": "月", "week": "周", "day": "日", "item": "服务", "category": "类别",
    "team": "队伍", "tier": "星级", "counter": "登记项", "estate": "小区",
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One figure that can be drawn.

    ``kind``: ``count`` of things or people, ``rate`` of a numerator to a denominator, ``sum`` of an amount in ``unit``,
    ``duration`` in minutes. ``cuts`` are the dimensions it can be cut by besides the total. ``better`` says which way
    is good, ``up``, ``down`` or neither; ``source`` names the rows it is counted from and the rule it follows. It
    ``adds`` when a period is the sum of its days, ``recalls`` when what a past day knew of it can be drawn again, and
    is ``current`` when it is always today's, whatever the period.
    """

    name: str
    title: str
    group: str
    unit: str
    formula: str
    source: str
    cuts: frozenset[str]
    kind: Kind = "count"
    numerator: str = ""
    denominator: str = ""
    better: Literal["up", "down", ""] = ""
    target: float | None = None
    adds: bool = False
    recalls: bool = False
    current: bool = False


@dataclass(frozen=True)
class Value:
    """A drawn figure: an amount, or a rate with both its numbers. ``amount`` is none when there was nothing to measure;
    a rate with nothing below the line is none, never 0 or 100 %."""

    amount: float | None = None
    numerator: int | None = None
    denominator: int | None = None

    @property
    def rate(self) -> float | None:
        """The share from 0 to 1, or none when nothing was due."""
        if not self.denominator or self.numerator is None:
            return None
        return self.numerator / self.denominator

    @classmethod
    def of_rate(cls, numerator: int, denominator: int) -> Value:
        """A rate by its two numbers."""
        return cls(None, numerator, denominator)

    def number(self, kind: Kind) -> float | None:
        """What is shown, compared and ranked: the rate of a rate, else the amount."""
        return self.rate if kind == "rate" else self.amount


@dataclass(frozen=True)
class Question:
    """What is asked of a source: for the subtree at ``path``, both days included, cut by ``by``.

    ``as_of``: as it was known at the end of that day; none is now. ``organised``: a unit that was moved counts where it
    stood ``then``, or where it stands ``now``. ``only`` narrows by other dimensions, as {dimension: key}.
    """

    path: str
    first: date
    last: date
    by: Dimension = "total"
    as_of: date | None = None
    organised: Literal["then", "now"] = "now"
    only: Mapping[str, str] = field(default_factory=dict)


Drawn = Mapping[str, Mapping[str, Value]]
"""By key of the dimension (``""`` for the total), by name of the measure."""
Draw = Callable[[Question, Sequence[str]], Drawn]
Behind = Callable[[Question, str, str | None, int], Any]
"""The rows behind a figure: question, measure, cursor, limit; gives a ``core.web.paging.Page``."""


@dataclass(frozen=True)
class Source:
    """Who draws a group of measures, and who lists the rows behind one: functions, or dated ``rows`` for both.

    The callers have checked the viewer's scope.
    """

    name: str
    draw: Draw | None = None
    behind: Behind | None = None
    rows: Rows | None = None


_measures: dict[str, tuple[Measure, Source]] = {}


def declare(source: Source, measures: Iterable[Measure]) -> None:
    """Put measures on the list. Raises ``ValueError`` for a name that is taken or a rate without both its numbers."""
    for measure in measures:
        if measure.name in _measures:
            raise ValueError(f"measure {measure.name} declared twice")
        if measure.kind == "rate" and not (measure.numerator and measure.denominator):
            raise ValueError(f"measure {measure.name} is a rate and needs numerator and denominator in words")
        _measures[measure.name] = measure, source


def measures() -> Mapping[str, Measure]:
    """All measures by name, in the order of declaration."""
    return {name: measure for name, (measure, _) in _measures.items()}


Figures = dict[str, dict[str, Value]]


def draw(question: Question, names: Sequence[str]) -> Figures:
    """Figures by key and measure. Raises ``KeyError`` for an unknown measure and ``ValueError`` for one that cannot be
    cut that way. What a past day knew is nothing where that is not kept."""
    return draw_each([question], names)[0]


def draw_each(questions: Sequence[Question], names: Sequence[str]) -> list[Figures]:
    """Figures for several periods of the same unit and cut, all as they stood at one moment: each source is asked once
    a period for all that it draws, dated rows once for all periods."""
    by_source: dict[str, tuple[Source, list[str]]] = {}
    found: list[Figures] = [defaultdict(dict) for _ in questions]
    asked = questions[0]
    recalled = asked.as_of is None or asked.as_of >= clock.today()
    for name in names:
        measure, source = _measures[name]
        if asked.by != "total" and asked.by not in measure.cuts:
            raise ValueError(f"{measure.title}不能按{DIMENSION_NAMES[asked.by]}分")
        if recalled or measure.recalls:
            by_source.setdefault(source.name, (source, []))[1].append(name)
        elif asked.by == "total":
            for figures in found:
                figures[""][name] = Value()
    with one_moment():
        for source, wanted in by_source.values():
            if source.draw is not None:
                for n, (figures, question) in enumerate(zip(found, questions, strict=True)):
                    # What is always today's is drawn once, and told for the first period.
                    names = wanted if n == 0 else [name for name in wanted if not _measures[name][0].current]
                    if names:
                        _take(figures, source.draw(question, names))
        rows = [(source.rows, wanted) for source, wanted in by_source.values() if source.rows is not None]
        if rows:
            _draw_rows(found, rows, questions)
    return [dict(figures) for figures in found]


def _take(figures: Figures, drawn: Drawn) -> None:
    for key, values in drawn.items():
        figures[key].update(values)


def _draw_rows(
    found: Sequence[Figures], rows: Sequence[tuple[Rows, Sequence[str]]], questions: Sequence[Question]
) -> None:
    asked = questions[0]
    if asked.by == "month":
        spans = [list(dated.months(question.first, question.last)) for question in questions]
    else:
        spans = [[Span(question.first, question.last)] for question in questions]
    sums = iter(dated.sums(rows, asked.path, [span for some in spans for span in some], asked.by, asked.only))
    for figures, some in zip(found, spans, strict=True):
        for _ in some:
            for key, numbers in next(sums).items():
                figures[key].update({name: _value(name, number) for name, number in numbers.items()})


def _value(name: str, numbers: Sequence[int]) -> Value:
    return Value.of_rate(*numbers) if _measures[name][0].kind == "rate" else Value(numbers[0])


def behind(question: Question, name: str, cursor: str | None, limit: int) -> Any:
    """A page of the rows behind a figure. Raises ``KeyError`` for an unknown measure or one without rows to show."""
    source, span = _measures[name][1], Span(question.first, question.last)
    with one_moment():
        if source.rows is not None:
            return dated.behind(source.rows, question.path, name, span, cursor, limit, question.only)
        if source.behind is None:
            raise KeyError(name)
        return source.behind(question, name, cursor, limit)
