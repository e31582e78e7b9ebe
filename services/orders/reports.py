"""What can be counted of orders and of the hours given for them, and the orders behind a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from community.grid.models import Estate
from core.database import UtcDateTime, fast
from core.reports import Measure, Question, Source, Value, declare
from core.web import paging
from services.orders import served
from services.orders.models import ServiceOrder
from services.reports import durations, figures, tail
from services.reports.counting import vector

CUTS = frozenset({"unit", "estate", "month", "week", "day", "item", "category"})
COUNTS = (
    "placed",
    "dispatched",
    "accepted",
    "completed",
    "closed",
    "cancelled",
    "sent_back",
    "unreachable",
    "reopened",
    "repeated",
)
RATES: Mapping[str, tuple[str, str]] = {
    "on_time": ("on_time", "due"),
    "response": ("responded", "to_respond"),
    "resolution": ("solved", "asked"),
    "satisfaction": ("satisfied", "rated"),
}
_RULE = "接诉即办的三率（北京市接诉即办工作条例，2021）"
_ROWS = "订单，按点单那天归期"


def _count(name: str, title: str, formula: str, better: Any = "") -> Measure:
    return Measure(f"orders.{name}", title, "订单", "单", formula, _ROWS, CUTS, better=better)


_DRAWN = (
    _count("placed", "点单", "期内点的单"),
    _count("dispatched", "派单", "期内点的单里，派出过的"),
    _count("accepted", "接单", "期内点的单里，有人接过的"),
    _count("completed", "完成", "期内点的单里，志愿者都做完的", "up"),
    _count("closed", "办结", "期内点的单里，已评价或回访办结的", "up"),
    _count("cancelled", "撤单", "期内点的单里，撤掉的"),
    _count("sent_back", "退单", "期内点的单里，退给居民补充、还没有重新提交的"),
    _count("unreachable", "回访没有联系上", "回访过、没有问到是否满意的，单列，不算满意", "down"),
    _count("reopened", "重新办理次数", "回访没有办好、重新打开的次数；一张单只算一单", "down"),
    _count("repeated", "重复点单", "同一户30天内又点同一项服务的"),
    Measure("orders.on_time", "按时办结率", "订单", "%", "在承诺时限内完成的 ÷ 完成或已到时限的", _ROWS, CUTS, "rate",
            "时限内完成", "完成或已到时限", "up", 0.95),
    Measure("orders.response", "响应率", "订单", "%", "两小时内派出的 ÷ 已派出或等了两小时以上的", f"{_ROWS}；{_RULE}",
            CUTS, "rate", "两小时内派出", "已派出或超过两小时", "up", 0.95),
    Measure("orders.resolution", "解决率", "订单", "%", "回访确认办好的 ÷ 有效回访", f"{_ROWS}；{_RULE}", CUTS, "rate",
            "回访确认办好", "有效回访", "up", 0.95),
    Measure("orders.satisfaction", "满意率", "订单", "%", "满意和很满意的 ÷ 有效评价；回访问到的优先于评星",
            f"{_ROWS}；{_RULE}；联系不上的不算", CUTS, "rate", "四五星或满意", "有效评价", "up", 0.95),
    Measure("hours.minutes", "服务时长", "时长", "分钟", "实际服务的时间，不算路上；更正以冲正分录记回服务那天",
            "时长台账，按服务那天归期（志愿服务记录与证明出具办法）", CUTS, "sum", better="up"),
    Measure("hours.services", "服务人次", "时长", "人次", "记入台账的每人每次服务，更正不重复计",
            "时长台账，按服务那天归期", CUTS, better="up"),
)  # fmt: skip

MEASURES = tuple(replace(measure, adds=True, recalls=True) for measure in _DRAWN)


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Figures of orders and hours, one reading of the sums for all of them."""
    asked = question
    if question.by == "category":
        asked = Question(question.path, question.first, question.last, "item", question.as_of, question.organised,
                         question.only)  # fmt: skip
    found = figures.sums(asked)
    if question.by == "category":
        found = _by_category(question.path, found)
    return {key: {name: _value(name, numbers) for name in names} for key, numbers in found.items()}


def _value(name: str, numbers: Mapping[str, int]) -> Value:
    short = name.partition(".")[2]
    if short in RATES:
        top, bottom = RATES[short]
        return Value.of_rate(numbers[top], numbers[bottom])
    return Value(numbers[short])


def _by_category(path: str, by_item: Mapping[str, figures.Numbers]) -> dict[str, figures.Numbers]:
    category = figures.categories(path)
    folded: dict[str, figures.Numbers] = {}
    for item, numbers in by_item.items():
        kept = folded.setdefault(category.get(item, "其他"), dict.fromkeys(numbers, 0))
        for name, number in numbers.items():
            kept[name] += number
    return folded


def behind(question: Question, name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The orders, or entries of hours, that a figure counts, newest first: for a rate those below the line, each with
    whether it is above it. Raises ``KeyError`` for a figure that is counted from neither.
    """
    short = name.partition(".")[2]
    if name in ("hours.minutes", "hours.services"):
        return served.entries(question, cursor, limit)
    columns = {column.name: column for column in vector()}
    if not name.startswith("orders.") or short not in (*COUNTS, *RATES):
        raise KeyError(name)
    top, bottom = RATES.get(short, (short, short))
    order = ServiceOrder
    statement = (
        select(order.id, order.code, order.item, order.state, order.household_label, order.salutation, order.placed_at,
               order.due_at, order.completed_at, Estate.name.label("estate_name"), columns[top].label("counts"))
        .join(Estate, Estate.id == order.estate_id)
        .where(Estate.path.like(bindparam("path")), columns[bottom] > 0,
               order.placed_at >= bindparam("start", type_=UtcDateTime()),
               order.placed_at < bindparam("end", type_=UtcDateTime()))
    )  # fmt: skip
    if "item" in question.only:
        statement = statement.where(order.item_code == bindparam("only_item"))
    statement = paging.after(statement, (order.placed_at, order.id), (datetime, str), cursor, limit, descending=True)

    def ask(part: Question) -> Sequence[Any]:
        values = {**tail.values(part), "only_item": part.only.get("item")}
        return fast().execute(statement, values).all()

    rows = figures.newest(question, bottom, cursor, limit, ask)
    return paging.page_of(rows, limit, lambda row: (row.placed_at, row.id))


def _behind_step(question: Question, name: str, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The orders that came to a step."""
    steps = {"to_dispatch": "dispatched", "to_accept": "accepted", "to_complete": "completed"}
    return behind(question, f"orders.{steps[name.partition('.')[2].removesuffix('_90')]}", cursor, limit)


_STEPS = {"to_dispatch": "派出", "to_accept": "有人接单", "to_complete": "完成"}
_EXACT = "；分档累计，误差不超过5%"
DURATIONS = [
    Measure(f"orders.{step}{end}", f"点单到{title}{words}", "用时", "分钟", f"{formula}{_EXACT}", _ROWS,
            CUTS - {"category", "day"}, "duration", better="down", recalls=True)
    for step, title in _STEPS.items()
    for end, words, formula in (
        ("", "（中位数）", f"一半的单在这个时间内{title}"), ("_90", "（九成）", f"九成的单在这个时间内{title}"),
    )
]  # fmt: skip

declare(Source("orders", draw, behind), MEASURES)
declare(Source("durations", durations.draw, _behind_step), DURATIONS)
