"""The geometry of charts: where points, bars and ticks stand. Pages and papers draw the same from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 740, 262
LEFT, RIGHT, TOP, BOTTOM = 50.0, 642.0, 16.0, 230.0
BAR_STEP, BAR_FROM, BAR_LENGTH = 36, 110.0, 205.0
SPARK_W, SPARK_H = 84.0, 30.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A series of a line chart: its name, last value, points, and where its label stands."""

    name: str
    last: str
    values: Sequence[float]
    points: Sequence[Point]
    label_y: float


@dataclass(frozen=True)
class Trend:
    """A line chart: ticks as (y, text), labels as (x, text), lines, and one sentence that says what is to be seen."""

    ticks: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str]]
    lines: Sequence[Line]
    says: str


@dataclass(frozen=True)
class Bar:
    """A bar of a chart, from the top: where it stands, how long it is, its share of the whole."""

    name: str
    value: int
    y: int
    length: float
    share: str
    key: str


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span low to high."""
    gap = max(high - low, 1) / count
    step = next(
        size * 10**power for power in range(9) for size in (1, 2, 5) if size * 10**power >= gap
    )  # fmt: skip
    first = int(low // step) * step
    found = [float(first)]
    while found[-1] < high:
        found.append(found[-1] + step)
    return found if len(found) > 1 else [*found, found[0] + step]


def trend(names: Sequence[str], series: Sequence[Sequence[float]], labels: Sequence[str], says: str) -> Trend:
    """A line chart of series of the same length."""
    values = [value for line in series for value in line] or [0.0]
    marks = ticks(min(values), max(values))
    low, high = marks[0], marks[-1]
    xs = [LEFT + (RIGHT - LEFT) * n / max(len(labels) - 1, 1) for n in range(len(labels))]

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 1)

    lines = []
    for name, line in zip(names, series, strict=True):
        points = [(round(x, 1), y(value)) for x, value in zip(xs, line, strict=True)]
        lines.append(Line(name, f"{line[-1]:,.0f}" if line else "", line, points, points[-1][1] + 5 if points else 0))
    _part(lines)
    return Trend([(y(mark), f"{mark:,.0f}") for mark in marks], list(zip(map(_one, xs), labels, strict=True)), lines,
                 says)  # fmt: skip


def _one(x: float) -> float:
    return round(x, 1)


def _part(lines: list[Line], gap: float = 18.0) -> None:
    """Keep the labels at the ends of lines apart."""
    order = sorted(range(len(lines)), key=lambda n: lines[n].label_y)
    for above, below in pairwise(order):
        upper, lower = lines[above], lines[below]
        if lower.label_y - upper.label_y < gap:
            lines[below] = Line(lower.name, lower.last, lower.values, lower.points, upper.label_y + gap)


def bars(items: Sequence[tuple[str, str, int]], most: int = 7) -> list[Bar]:
    """Bars from (key, name, value), the longest first; what is beyond ``most`` is put together as 其他."""
    ranked = sorted((item for item in items if item[2] > 0), key=lambda item: (-item[2], item[1]))
    shown = ranked[:most]
    if len(ranked) > most:
        shown = [*ranked[: most - 1], ("", "其他", sum(item[2] for item in ranked[most - 1 :]))]
    return ladder(shown)


def ladder(items: Sequence[tuple[str, str, int]]) -> list[Bar]:
    """Bars from (key, name, value) in the order given, empty ones too."""
    whole, longest = sum(item[2] for item in items) or 1, max((item[2] for item in items), default=0) or 1
    return [
        Bar(name, value, n * BAR_STEP, round(BAR_LENGTH * value / longest, 1), f"{value / whole * 100:.0f}%", key)
        for n, (key, name, value) in enumerate(items)
    ]


def spark(values: Sequence[float | None], width: float = SPARK_W, height: float = SPARK_H) -> list[Point]:
    """The points of a small line; where there was nothing it goes straight on. Nothing for fewer than two values."""
    known = [(n, value) for n, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return []
    low, high = min(value for _, value in known), max(value for _, value in known)
    room = (high - low) or 1
    flat = high == low
    return [
        (round(3 + (width - 8) * n / (len(values) - 1), 1),
         round(height / 2 if flat else height - 4 - (height - 8) * (value - low) / room, 1))
        for n, value in known
    ]  # fmt: skip
