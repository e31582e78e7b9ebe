"""A whole page of figures drawn with few questions: what adds up is read once by day and folded into every period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from core import clock, reports
from core.database import one_moment
from core.reports import Measure, Value
from services.reports import charts, findings, units
from services.reports.asked import Asked, Period, whole_period
from services.reports.findings import Facts, Finding
from services.reports.names import item_names
from services.reports.units import Node
from services.reports.wording import Delta, delta, full

GROUPS = ("订单", "用时", "时长")
WITH_THEM = ("volunteers.active",)
TILES = ("orders.response", "orders.resolution", "orders.satisfaction", "hours.minutes", "volunteers.active",
         "orders.on_time")  # fmt: skip
TILE_COUNT = 5
RANKED = ("orders.response", "orders.resolution", "orders.satisfaction", "orders.on_time")
RANK_COLUMNS = ("orders.placed", "orders.response", "orders.resolution", "orders.satisfaction", "hours.minutes")
ITEM_COLUMNS = ("orders.placed", "orders.completed", "orders.on_time", "orders.satisfaction")
TREND = ("orders.placed", "orders.completed")
BINS = 12
WEEKS_UP_TO = 62
LEVELS = 4
Figures = Mapping[str, Value]


@dataclass(frozen=True)
class Tile:
    """A figure with its trend and its change."""

    measure: Measure
    value: Value | None
    change: Delta | None
    year_change: Delta | None
    spark: Sequence[charts.Point]


@dataclass(frozen=True)
class Line:
    """A measure in the table of all: this period, the one before, the year before."""

    measure: Measure
    now: Value | None
    before: Value | None
    year_before: Value | None
    change: Delta | None


@dataclass(frozen=True)
class Ranked:
    """A unit in the ranking. ``rank`` is none when there was nothing to measure; ``moved`` counts places up."""

    unit: Node
    values: Figures
    rank: int | None
    moved: int | None


@dataclass(frozen=True)
class Day:
    """A day of the calendar; ``level`` from 0 (nothing) to ``LEVELS``, none outside the period."""

    day: date
    value: int | None
    level: int | None


@dataclass(frozen=True)
class Bin:
    """A week or month of the trend."""

    label: str
    first: date
    last: date
    values: Figures


@dataclass(frozen=True)
class Board:
    """Everything on the page."""

    asked: Asked
    tiles: Sequence[Tile]
    lines: Sequence[Line]
    bins: Sequence[Bin]
    bin_word: str
    trend: charts.Trend
    bars: Sequence[charts.Bar]
    items: Sequence[tuple[str, str, Figures]]
    rank_by: Measure | None
    ranking: Sequence[Ranked]
    weeks: Sequence[Sequence[Day | None]]
    month: date
    findings: Sequence[Finding]


def fold(days: Mapping[str, Figures], first: date, last: date, names: Iterable[str]) -> dict[str, Value]:
    """The sum of days, both included; a measure is a rate when its days have two numbers."""
    wanted = [values for key, values in days.items() if first.isoformat() <= key <= last.isoformat()]
    return {name: add([values[name] for values in wanted if name in values], name) for name in names}


def add(values: Sequence[Value], name: str) -> Value:
    """Amounts added up, or both numbers of a rate."""
    if reports.measures()[name].kind == "rate":
        return Value.of_rate(sum(v.numerator or 0 for v in values), sum(v.denominator or 0 for v in values))
    return Value(sum(v.amount or 0 for v in values))


def draw(asked: Asked, rank_by: str = "") -> Board:
    """The page for a unit and a period, units ranked by an outcome; all as it stood at one moment."""
    with one_moment():
        return _draw(asked, rank_by)


def _draw(asked: Asked, rank_by: str) -> Board:
    measures = {
        name: measure for name, measure in reports.measures().items() if measure.group in GROUPS or name in WITH_THEM
    }
    adding = [name for name, measure in measures.items() if measure.adds]
    others = [name for name, measure in measures.items() if not measure.adds]
    period, before, year = asked.period, asked.period.before(), asked.period.year_before()
    spans, word = _bins(period)
    start = min(before.first, year.first, spans[0][0])
    days = reports.draw(asked.question("day", Period("custom", start, period.last, period.last)), adding)
    folded = {p: fold(days, p.first, p.last, adding) for p in (period, before, year)}
    # Where nothing was recorded a year ago there is nothing else to ask of that time.
    known = [period, before, *([year] if period.year_before_words and _known(folded[year]) else [])]
    whole = dict(zip(known, totals(asked, others, known), strict=True))
    now, then, ago = ({**folded[p], **whole[p]} if p in whole else {} for p in (period, before, year))
    bins = [Bin(_label(first, word), first, last, fold(days, first, last, adding)) for first, last in spans]
    series = {name: [bin_.values[name].number(measures[name].kind) for bin_ in bins] for name in adding}
    items = _items(asked)
    ranked_by, ranking = _ranking(asked, before, rank_by)
    facts = Facts(measures, now, then, period.before_words, series, word,
                  [(row.unit.id, row.unit.name, row.values) for row in ranking], items)  # fmt: skip
    weeks, month = _calendar(period, days)
    return Board(
        asked, _tiles(measures, now, then, ago, series, period),
        [_line(measures[name], now, then, ago, period) for name in measures], bins, word, _trend(bins, word),
        charts.bars([(code, name, int(values["orders.placed"].amount or 0)) for code, name, values in items]),
        items, ranked_by, ranking, weeks, month, findings.find(facts),
    )  # fmt: skip


def totals(asked: Asked, names: Sequence[str], periods: Sequence[Period]) -> list[dict[str, Value]]:
    """Figures of whole periods; where nothing happened a count is zero and everything else is nothing."""
    drawn = reports.draw_each([asked.question("total", period) for period in periods], names)
    counted = {name for name in names if reports.measures()[name].kind in ("count", "sum")}
    return [
        {name: found.get("", {}).get(name) or Value(0 if name in counted else None) for name in names}
        for found in drawn
    ]


def _known(values: dict[str, Value]) -> dict[str, Value]:
    """Figures of a period long ago, or nothing at all when nobody kept records then."""
    return values if any(value.amount or value.denominator for value in values.values()) else {}


def lines(asked: Asked, names: Sequence[str]) -> list[Line]:
    """Measures of a period beside those of the period before and, if that is another one, the year before."""
    period = asked.period
    others = [period.before(), *([period.year_before()] if period.year_before_words else [])]
    now, then, *ago = totals(asked, names, [period, *others])
    return [_line(reports.measures()[name], now, then, _known(ago[0]) if ago else {}, period) for name in names]


def _line(measure: Measure, now: Figures, then: Figures, ago: Figures, period: Period) -> Line:
    name = measure.name
    if measure.current:
        return Line(measure, now.get(name), None, None, None)
    change = delta(measure, now.get(name), then.get(name), period.before_words)
    return Line(measure, now.get(name), then.get(name), ago.get(name), change)


def _tiles(
    measures: Mapping[str, Measure], now: Figures, then: Figures, ago: Figures,
    series: Mapping[str, Sequence[float | None]], period: Period,
) -> list[Tile]:  # fmt: skip
    shown, year = [measures[name] for name in TILES if name in measures][:TILE_COUNT], period.year_before_words
    return [
        Tile(m, now.get(m.name), delta(m, now.get(m.name), then.get(m.name), period.before_words),
             delta(m, now.get(m.name), ago.get(m.name), year) if year else None,
             charts.spark(series.get(m.name, ())))
        for m in shown
    ]  # fmt: skip


def _bins(period: Period) -> tuple[list[tuple[date, date]], str]:
    """The last weeks or months up to the end of the period, oldest first."""
    kind, word = ("week", "周") if (period.end - period.first).days <= WEEKS_UP_TO else ("month", "个月")
    day, found = period.last, []
    for _ in range(BINS):
        whole = whole_period(kind, day)
        found.append((whole.first, min(whole.last, period.last)))
        day = whole.first - timedelta(days=1)
    return found[::-1], word


def _label(first: date, word: str) -> str:
    return f"{first.month}/{first.day}" if word == "周" else f"{first.month}月"


def _trend(bins: Sequence[Bin], word: str) -> charts.Trend:
    measures = reports.measures()
    names = [measures[name].title for name in TREND]
    series = [[float(bin_.values[name].amount or 0) for bin_ in bins] for name in TREND]
    # The last one may still be running, so it is not what the sentence compares.
    whole = [line[:-1] if bins[-1].last >= clock.today() else line for line in series]
    says = "，".join(
        f"{name}从每{word.removeprefix('个')}{line[0]:.0f}单{_way(line)}{line[-1]:.0f}单"
        for name, line in zip(names, whole, strict=True)
    )
    return charts.trend(names, series, [bin_.label for bin_ in bins], says)


def _way(line: Sequence[float]) -> str:
    return "升到" if line[-1] > line[0] else "降到" if line[-1] < line[0] else "到"


def _items(asked: Asked) -> list[tuple[str, str, Figures]]:
    drawn = reports.draw(asked.question("item"), ITEM_COLUMNS)
    known = item_names(asked.unit.path)
    rows = [(code, known.get(code, "其他服务"), values) for code, values in drawn.items() if code]
    return sorted(rows, key=lambda row: (-(row[2]["orders.placed"].amount or 0), row[1]))


def by_unit(
    asked: Asked, names: Sequence[str], period: Period | None = None, nodes: Sequence[Node] | None = None
) -> list[tuple[Node, Figures]]:
    """The units right below, by name, each with its figures; one in which nothing happened has zeros."""
    below = units.children(asked.unit.path) if nodes is None else nodes
    if not below:
        return []
    wanted = [name for name in names if name in reports.measures() and "unit" in reports.measures()[name].cuts]
    drawn = reports.draw(asked.question("unit", period), wanted)
    nothing = {name: add([], name) for name in wanted}
    return [(node, {**nothing, **drawn.get(node.id, {})}) for node in below]


def _ranking(asked: Asked, before: Period, rank_by: str) -> tuple[Measure | None, list[Ranked]]:
    measures = reports.measures()
    chosen = rank_by if rank_by in RANKED and rank_by in measures else RANKED[0]
    rows = by_unit(asked, sorted({*RANK_COLUMNS, *RANKED}))
    if not rows:
        return None, []
    earlier = places(
        [(node.id, values) for node, values in by_unit(asked, [chosen], before, [node for node, _ in rows])], chosen
    )
    now = places([(node.id, values) for node, values in rows], chosen)
    ranked = []
    for node, values in rows:
        rank, was = now.get(node.id), earlier.get(node.id)
        ranked.append(Ranked(node, values, rank, was - rank if rank is not None and was is not None else None))
    return measures[chosen], sorted(ranked, key=lambda row: (row.rank is None, row.rank or 0, row.unit.name))


def places(rows: Sequence[tuple[str, Figures]], name: str) -> dict[str, int]:
    """The place of each unit that had something to measure; equal figures share a place."""
    rates = {id_: values[name].number(reports.measures()[name].kind) for id_, values in rows}
    known = {id_: rate for id_, rate in rates.items() if rate is not None}
    return {id_: 1 + sum(other > rate for other in known.values()) for id_, rate in known.items()}


def _calendar(period: Period, days: Mapping[str, Figures]) -> tuple[list[list[Day | None]], date]:
    """The last month of the period in weeks, each day with how many orders were placed."""
    month = whole_period("month", period.last)
    whole = [month.first + timedelta(days=n) for n in range((month.last - month.first).days + 1)]
    counts = {day: int(days.get(day.isoformat(), {}).get("orders.placed", Value(0)).amount or 0) for day in whole}
    inside = {day: count for day, count in counts.items() if period.first <= day <= period.last}
    most = max(inside.values(), default=0)
    edges = sorted({max(1, round(most * n / LEVELS)) for n in range(1, LEVELS + 1)})
    cells: list[Day | None] = [None] * month.first.weekday()
    for day in whole:
        count = inside.get(day)
        cells.append(Day(day, count, None if count is None else sum(count >= edge for edge in [1, *edges[:-1]])))
    cells += [None] * (-len(cells) % 7)
    return [cells[n : n + 7] for n in range(0, len(cells), 7)], month.first


def describe(board: Board) -> str:
    """The page in one paragraph, for a paper: the main figures with their change."""
    told = [
        f"{tile.measure.title}{full(tile.measure, tile.value)}" + (f"（{tile.change.text}）" if tile.change else "")
        for tile in board.tiles
    ]
    return "，".join(told) + "。"


__all__ = ["Board", "Line", "Ranked", "Tile", "add", "by_unit", "draw", "fold", "lines", "places"]
