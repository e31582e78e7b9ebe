"""The rows behind a figure, as a table: what a viewer may see of them, the same on the page and on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, cast

from core import reports
from core.access import NotFound, Viewer
from core.identity import mask_name
from core.reports import Dimension, Measure, Value
from services.orders.queue import STATE_NAMES
from services.reports.asked import Asked
from services.reports.names import key_names
from services.reports.tables import Cell, Column, Kind, Table, readings, written

PAPER_PAGE = 2000
MASK = "**"


@dataclass(frozen=True)
class Shown:
    """A column that rows may have. ``private``: ``name`` is masked, ``place`` hidden, unless names may be seen."""

    attribute: str
    title: str
    kind: Kind = "text"
    width: int = 14
    private: str = ""
    say: Callable[[Any], Any] = lambda value: value


COLUMNS: tuple[Shown, ...] = (
    Shown("code", "单号", width=18),
    Shown("team_name", "队伍", width=20),
    Shown("course_name", "课程", width=20),
    Shown("post_name", "岗位", width=18),
    Shown("number", "编号"),
    Shown("estate_name", "小区", width=18),
    Shown("building_name", "楼栋"),
    Shown("household_label", "门牌", width=18, private="place"),
    Shown("salutation", "称呼", private="name"),
    Shown("person_name", "姓名", private="name"),
    Shown("volunteer_name", "志愿者", private="name"),
    Shown("name", "姓名", private="name"),
    Shown("item", "服务", width=18, say=lambda item: item["name"] if isinstance(item, Mapping) else item),
    Shown("item_name", "服务", width=18),
    Shown("state", "状态", say=lambda state: STATE_NAMES.get(state, state)),
    Shown("placed_at", "点单时间", "moment", 18),
    Shown("starts_at", "开始时间", "moment", 18),
    Shown("due_at", "时限", "moment", 18),
    Shown("completed_at", "完成时间", "moment", 18),
    Shown("content", "内容", width=24),
    Shown("logged_at", "登记时间", "moment", 18),
    Shown("counter", "登记项"),
    Shown("number_counted", "登记数", "number", 8),
    Shown("star", "星级"),
    Shown("minutes", "分钟", "number", 10),
    Shown("times", "次数", "number", 8),
    Shown("places", "岗位数", "number", 8),
    Shown("last_served", "最近一次服务", "day"),
    Shown("joined_on", "登记日期", "day"),
    Shown("left_on", "退出日期", "day"),
    Shown("founded_on", "成立日期", "day"),
    Shown("passed_on", "合格日期", "day"),
    Shown("entered_at", "录入时间", "moment", 18),
)
NARROWED = ("item", "team", "tier", "counter")
"""Dimensions by which an address may narrow a list, one at a time."""
COUNTED = Column("计入", "text", 8)


Link = tuple[str, dict[str, str]] | None


@dataclass(frozen=True)
class Listed:
    """A page of rows: cells, where each leads (endpoint and argument, or none), and the cursor of the next page."""

    columns: Sequence[Column]
    rows: Sequence[tuple[Sequence[Cell], Link]]
    next_cursor: str | None


@dataclass(frozen=True)
class Behind:
    """The rows behind one measure. ``sees_names``: whether doors and names stand in it in full."""

    asked: Asked
    measure: Measure
    only: Mapping[str, str]
    sees_names: bool

    @property
    def title(self) -> str:
        """What the list is of."""
        named = [key_names(by, self.asked.unit.path).get(key, key) for by, key in self.only.items()]
        return "，".join([self.measure.title, *named])

    def figure(self) -> Value | None:
        """The figure itself, as pages show it."""
        by, key = next(iter(self.only.items()), ("total", ""))
        drawn = reports.draw(self.asked.question(cast(Dimension, by)), [self.measure.name])
        return drawn.get(key, {}).get(self.measure.name)

    def size(self) -> int:
        """About how many rows there are: what a figure counts, else the services or orders that it is drawn from."""
        counted = {"sum": "hours.services", "duration": "orders.placed"}.get(self.measure.kind, self.measure.name)
        value = replace(self, measure=reports.measures()[counted]).figure()
        return int((value.denominator if value.denominator is not None else value.amount) or 0) if value else 0

    def page(self, cursor: str | None, limit: int) -> Listed:
        """Rows from a cursor on. Raises ``KeyError`` when the figure has no rows to show."""
        found = reports.behind(self.asked.question(only=self.only), self.measure.name, cursor, limit)
        picked = _picked(found.items)
        rows = [(self._cells(row, picked), self._leads(row)) for row in found.items]
        return Listed(self._columns(picked), rows, found.next_cursor)

    def _leads(self, row: Any) -> Link:
        if hasattr(row, "code"):
            return "orders.show", {"order_id": row.id}
        if self.sees_names and hasattr(row, "number") and hasattr(row, "person_id"):
            return "registry.show", {"person_id": row.person_id}
        return None

    def _columns(self, picked: Sequence[Shown]) -> list[Column]:
        columns = [Column(one.title, one.kind, one.width) for one in picked]
        return [*columns, COUNTED] if self.measure.kind == "rate" else columns

    def _cells(self, row: Any, picked: Sequence[Shown]) -> list[Cell]:
        cells = [written(self._guarded(one, getattr(row, one.attribute)), one.kind) for one in picked]
        return [*cells, "是" if row.counts else "否"] if self.measure.kind == "rate" else cells

    def _guarded(self, column: Shown, value: Any) -> Any:
        said = column.say(value) if value is not None else None
        if said is None or not column.private or self.sees_names:
            return said
        return mask_name(str(said)) if column.private == "name" else MASK

    def table(self) -> Table:
        """All rows, read page by page as they are taken."""
        first = self.page(None, PAPER_PAGE)
        note = ["计入：是，算进分子；否，只算进分母"] if self.measure.kind == "rate" else []
        return Table(
            "清单", f"{self.title}清单", self.asked.unit.name, self.asked.period.days,
            [Column("序号", "number", 6), *first.columns], self._numbered(first), None, (*note, *readings(self.asked)),
            is_list=True,
        )  # fmt: skip

    def _numbered(self, first: Listed) -> Iterator[Sequence[Cell]]:
        for number, cells in enumerate(chain((row for row, _ in first.rows), self._further(first.next_cursor)), 1):
            yield [number, *cells]

    def _further(self, cursor: str | None) -> Iterator[Sequence[Cell]]:
        while cursor is not None:
            page = self.page(cursor, PAPER_PAGE)
            yield from (row for row, _ in page.rows)
            cursor = page.next_cursor


def _picked(rows: Sequence[Any]) -> list[Shown]:
    has = set(rows[0]._fields) if rows else {"code", "estate_name", "item", "state", "placed_at"}
    return [column for column in COLUMNS if column.attribute in has]


def behind(viewer: Viewer, asked: Asked, given: Mapping[str, str]) -> Behind:
    """The list behind the measure that an address names. Raises ``NotFound`` for one that nobody declared."""
    measure = reports.measures().get(given.get("measure", "")[:60])
    if measure is None:
        raise NotFound
    only = {by: given[by][:30] for by in NARROWED if given.get(by) and by in measure.cuts}
    return Behind(asked, measure, only, viewer.may_at("reports:names", asked.unit.path))
