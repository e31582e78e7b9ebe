"""Tables of figures and of rows: the one shape from which pages and every kind of paper are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from core import clock, reports
from core.reports import Measure, Value
from core.web.formats import date_zh, thousands
from services.reports.asked import Asked
from services.reports.board import RANK_COLUMNS, Board, Line, Ranked, add
from services.reports.roster import TEAM_COLUMNS, UNIT_COLUMNS, Roster
from services.reports.wording import NOTHING, Percent, cell, parts, unit_of

Cell = str | int | float | None
Kind = Literal["text", "number", "moment", "day"]


@dataclass(frozen=True)
class Column:
    """A column: its title and what stands in it. ``width`` is in characters of a sheet."""

    title: str
    kind: Kind = "text"
    width: int = 12


@dataclass(frozen=True)
class Table:
    """A table with what a paper says of it: for which unit and days, and when it was made. Rows come once, in order."""

    name: str
    title: str
    unit: str
    days: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    totals: Sequence[Cell] | None = None
    notes: Sequence[str] = field(default=())
    is_list: bool = False
    """Whether rows are things that are counted at the foot."""

    def kept(self) -> Table:
        """The same with its rows at hand, to be gone through more than once."""
        return replace(self, rows=[list(row) for row in self.rows])


def written(value: Any, kind: Kind) -> Cell:
    """A value as it is written into a cell: moments and days in Shanghai, as text that sorts."""
    if isinstance(value, datetime):
        return clock.local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return "" if kind != "number" else 0
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def shown(value: Cell) -> str:
    """A cell as a page shows it: numbers with a comma between the thousands."""
    if isinstance(value, Percent):
        return str(value)
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return thousands(value) if isinstance(value, int) else value or ""


def heading(measure: Measure) -> str:
    """A measure at the head of a column, with its unit."""
    return measure.title if measure.kind == "rate" else f"{measure.title}（{unit_of(measure)}）"


def _of(asked: Asked, name: str, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]],
        totals: Sequence[Cell] | None = None, notes: Sequence[str] = ()) -> Table:  # fmt: skip
    return Table(name, title, asked.unit.name, asked.period.days, columns, rows, totals, (*notes, *readings(asked)))


def readings(asked: Asked) -> list[str]:
    """How the past is read, when it is not as it is known today."""
    said = []
    if asked.as_of is not None:
        said.append(f"数字按{date_zh(asked.as_of, full=True)}当天知道的算，之后的变动不算在内")
    if asked.organised == "then":
        said.append("单位按当时的归属算")
    return said


def measures(asked: Asked, lines: Sequence[Line]) -> Table:
    """Every measure of the period beside the period before and, if that is another one, the year before."""
    ago = asked.period.year_before_words
    columns = [Column("指标", width=24), Column("单位", width=8), Column("本期", "number"),
               Column("分子/分母", width=14), Column(asked.period.before_words, "number"),
               *([Column(ago, "number")] if ago else []), Column("口径", width=46)]  # fmt: skip
    rows: list[Sequence[Cell]] = [
        [line.measure.title, unit_of(line.measure), cell(line.measure, line.now), parts(line.measure, line.now),
         cell(line.measure, line.before), *([cell(line.measure, line.year_before)] if ago else []),
         line.measure.formula]
        for line in lines
    ]  # fmt: skip
    return _of(asked, "指标", "主要指标", columns, rows)


def units(asked: Asked, ranking: Sequence[Ranked]) -> Table:
    """The units right below, each with the same figures, and the whole."""
    names = [name for name in RANK_COLUMNS if name in reports.measures()]
    known = [reports.measures()[name] for name in names]
    columns = [Column("名次", "number", 6), Column("单位", width=24)]
    columns += [Column(heading(measure), "number", 14) for measure in known]
    rows: list[Sequence[Cell]] = [
        [
            row.rank if row.rank is not None else NOTHING,
            row.unit.name,
            *[cell(m, row.values.get(m.name)) for m in known],
        ]
        for row in ranking
    ]
    whole = [add([row.values[m.name] for row in ranking if m.name in row.values], m.name) for m in known]
    return _of(asked, "下级单位", "各单位比较", columns, rows,
               ["", "合计", *[cell(m, value) for m, value in zip(known, whole, strict=True)]])  # fmt: skip


def items(asked: Asked, rows: Sequence[tuple[str, str, Any]]) -> Table:
    """Services asked for, by item."""
    known = [reports.measures()[name] for name in ("orders.placed", "orders.completed", "orders.on_time",
                                                    "orders.satisfaction")]  # fmt: skip
    columns = [Column("服务", width=20), *[Column(heading(m), "number", 14) for m in known]]
    body: list[Sequence[Cell]] = [[name, *[cell(m, values.get(m.name)) for m in known]] for _, name, values in rows]
    whole = [add([values[m.name] for _, _, values in rows if m.name in values], m.name) for m in known]
    return _of(asked, "服务", "各项服务", columns, body,
               ["合计", *[cell(m, value) for m, value in zip(known, whole, strict=True)]])  # fmt: skip


def of_units(asked: Asked, names: Sequence[str], rows: Sequence[tuple[str, Mapping[str, Value]]], first: str) -> Table:
    """Units or teams, each with the same figures."""
    known = [reports.measures()[name] for name in names]
    columns = [Column(first, width=24), *[Column(heading(m), "number", max(14, 2 * len(heading(m)))) for m in known]]
    body: list[Sequence[Cell]] = [[name, *[cell(m, values.get(m.name)) for m in known]] for name, values in rows]
    return _of(asked, first, f"各{first}", columns, body)


def of_roster(roster: Roster) -> list[Table]:
    """Every table of the page about people, in its order."""
    asked, star = roster.asked, reports.measures()["volunteers.starred"]
    found = [measures(asked, roster.lines)]
    stars: list[Sequence[Cell]] = [[bar.name, bar.value] for bar in roster.stars]
    found.append(_of(asked, "星级", "星级志愿者", [Column("星级"), Column(heading(star), "number")], stars,
                     ["合计", sum(bar.value for bar in roster.stars)]))  # fmt: skip
    if roster.counters:
        counted = [Column("登记项"), Column("登记数", "number")]
        found.append(_of(asked, "值班登记", "值班登记", counted, [list(row) for row in roster.counters]))
    if roster.teams:
        found.append(of_units(asked, TEAM_COLUMNS, [team[1:] for team in roster.teams], "队伍"))
    if roster.units:
        found.append(of_units(asked, UNIT_COLUMNS, [(node.name, values) for node, values in roster.units], "单位"))
    return found


def bins(board: Board) -> Table:
    """The weeks or months of the trend."""
    known = [reports.measures()[name] for name in ("orders.placed", "orders.completed", "orders.response",
                                                    "orders.satisfaction", "hours.minutes")]  # fmt: skip
    word = "周一" if board.bin_word == "周" else "月份"
    columns = [Column(word, width=18), *[Column(heading(m), "number", 14) for m in known]]
    rows: list[Sequence[Cell]] = [
        [bin_.first.isoformat() if board.bin_word == "周" else f"{bin_.first:%Y-%m}",
         *[cell(m, bin_.values[m.name]) for m in known]]
        for bin_ in board.bins
    ]  # fmt: skip
    found = _of(board.asked, "走势", f"近{len(board.bins)}{board.bin_word}", columns, rows)
    span = f"{date_zh(board.bins[0].first, full=True)}至{date_zh(board.bins[-1].last, full=True)}"
    return replace(found, days=span)


def calendar(board: Board) -> Table:
    """The days of the calendar."""
    rows: list[Sequence[Cell]] = [
        [day.day.isoformat(), day.value] for week in board.weeks for day in week if day and day.value is not None
    ]
    total = sum(row[1] for row in rows if isinstance(row[1], int))
    return _of(board.asked, "每天", f"{board.month.year}年{board.month.month}月每天点单",
               [Column("日期", width=18), Column("点单（单）", "number")], rows, ["合计", total])  # fmt: skip


def of_board(board: Board) -> list[Table]:
    """Every table of the page, in its order."""
    found = [measures(board.asked, board.lines), bins(board), items(board.asked, board.items)]
    if board.ranking:
        found.append(units(board.asked, board.ranking))
    return [*found, calendar(board)]
