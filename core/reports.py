"""Measures as data: what can be counted, what each figure means, and who counts it.

A measure has a Chinese name, a formula in words, a numerator and perhaps a denominator, its source and unit, and the
dimensions it can be cut by. Each capability declares its own together with the function that draws them; a dashboard, a
document, the API and the page of definitions all read the same list, so that no figure is defined twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Dimension = Literal["total", "unit", "month", "week", "day", "item", "category", "team", "tier"]
Kind = Literal["count", "rate", "sum", "duration"]
DIMENSION_NAMES: Mapping[str, str] = {
    "total": "合计", "unit": "单位", "month": "月", "week": "周", "day": "日", "item": "服务", "category": "类别",
    "team": "队伍", "tier": "等级",
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One figure that can be drawn.

    ``kind``: ``count`` of things or people, ``rate`` of a numerator to a denominator, ``sum`` of an amount in ``unit``,
    ``duration`` in minutes. ``cuts`` are the dimensions it can be cut by besides the total. ``better`` says which way
    is good, ``up``, ``down`` or neither; ``source`` names the rows it is counted from and the rule it follows.
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
    """Who draws a group of measures, and who lists the rows behind one. The callers have checked the viewer's scope."""

    name: str
    draw: Draw
    behind: Behind | None = None


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


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Figures by key and measure: each source is asked once for all that it draws. Raises ``KeyError`` for an unknown
    measure and ``ValueError`` for one that cannot be cut that way."""
    by_source: dict[str, tuple[Source, list[str]]] = {}
    for name in names:
        measure, source = _measures[name]
        if question.by != "total" and question.by not in measure.cuts:
            raise ValueError(f"{measure.title}不能按{DIMENSION_NAMES[question.by]}分")
        by_source.setdefault(source.name, (source, []))[1].append(name)
    found: dict[str, dict[str, Value]] = {}
    for source, wanted in by_source.values():
        for key, values in source.draw(question, wanted).items():
            found.setdefault(key, {}).update(values)
    return found


def behind(question: Question, name: str, cursor: str | None, limit: int) -> Any:
    """A page of the rows behind a figure. Raises ``KeyError`` for an unknown measure or one without rows to show."""
    source = _measures[name][1]
    if source.behind is None:
        raise KeyError(name)
    return source.behind(question, name, cursor, limit)
