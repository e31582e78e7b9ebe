"""Proving the kept sums against the rows, and mending them by signed entries of today.

Nothing is thrown away for a rebuild: an estate's orders are counted anew from the beginning, the sums of each node are
compared with what its orders and hours say, and what differs is added as a difference that came to be known today. It
may stop anywhere and go on later, and readers see exact figures all the while.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import case, func, select, update

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock
from core.database import begin_write, db
from core.days import day_of
from core.reports import Question
from services.orders.models import ServiceOrder
from services.reports import activity, figures, times, workflow
from services.reports.counting import RESPONSE_LIMIT, VECTOR, vector
from services.reports.models import OrderCount, RollMark, Rollup, RollupKnown, TimeRollup, TimeRollupKnown
from services.reports.workflow import BEGINNING, SUMS, Key
from volunteers.hours.models import HourEntry
from volunteers.rota import sums as duties

FIRST = date(2000, 1, 1)
TITLES = {
    "placed": "点单", "dispatched": "派单", "accepted": "接单", "completed": "完成", "closed": "办结",
    "cancelled": "撤单", "sent_back": "退单", "on_time": "时限内完成", "due": "应办结", "responded": "两小时内派出",
    "to_respond": "应响应", "solved": "确认办好", "asked": "有效回访", "satisfied": "满意", "rated": "有效评价",
    "unreachable": "没有联系上", "reopened": "重新办理", "minutes": "时长", "services": "服务人次",
    "people": "活跃志愿者", "repeated": "重复点单", "to_dispatch": "点单到派出", "to_accept": "点单到有人接单",
    "to_complete": "点单到完成", "shifts": "值班班次", "places": "需要的岗位", "filled": "有人的岗位",
    "expected": "应到", "came": "到岗", "missed": "未到",
}  # fmt: skip


GRAINS = {"d": "按日", "w": "按周", "m": "按月"}


@dataclass(frozen=True)
class Difference:
    """A sum that does not hold: of which unit or post, when (or what it disagrees with), by how much. ``measure`` is
    a name of ``TITLES``, or what a log counts."""

    unit: str
    period: str
    measure: str
    kept: int
    counted: int

    def __str__(self) -> str:
        title = TITLES.get(self.measure, self.measure)
        return f"{self.unit} {self.period} {title}：汇总{self.kept}，逐条{self.counted}"


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def differences() -> Iterator[Difference]:
    """Every sum that does not hold; nothing means all do."""
    for estate_id, name, path in db.session.execute(select(Estate.id, Estate.name, Estate.path).order_by(Estate.name)):
        yield from _estate_differences(estate_id, name, path)
        if (unseen := activity.unseen(estate_id)) > 0:
            yield Difference(name, "最近一次服务", "people", 0, unseen)
    names = {row.id: row.name for row in db.session.execute(select(Organisation.id, Organisation.name))}
    yield from _disagreements(names)
    yield from _time_disagreements(names)
    for one in duties.differences():
        period = _month(one.period) if one.grain == "m" else one.period.isoformat()
        yield Difference(one.post, period, one.name, one.kept, one.counted)


def _estate_differences(estate_id: str, name: str, path: str) -> Iterator[Difference]:
    """Kept sums with the tail, against the rows of an estate, by month."""
    question = Question(path, FIRST, clock.today().replace(year=clock.today().year + 1), "month", organised="then")
    kept = figures.sums(question)
    counted: dict[str, figures.Numbers] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for day, numbers in _rows_of(estate_id):
        for measure, number in numbers.items():
            counted[_month(day)][measure] += number
    for month in sorted({*kept, *counted}):
        ours, theirs = kept.get(month) or dict.fromkeys(SUMS, 0), counted[month]
        yield from (
            Difference(name, month, measure, ours[measure], theirs[measure])
            for measure in SUMS
            if ours[measure] != theirs[measure]
        )


def _rows_of(estate_id: str) -> Iterator[tuple[date, figures.Numbers]]:
    now = clock.now()
    day = day_of(ServiceOrder.placed_at)
    columns = [func.sum(column) for column in vector()]
    orders = select(day, *columns).where(ServiceOrder.estate_id == estate_id).group_by(day)
    for row in db.session.execute(orders, {"now": now, "now_response": now - RESPONSE_LIMIT}):
        yield row[0], dict(zip(VECTOR, map(int, row[1:]), strict=True))
    for row in db.session.execute(_hours_by(day_of(HourEntry.starts_at)).where(HourEntry.estate_id == estate_id)):
        yield row[0], {"minutes": int(row[1]), "services": int(row[2])}


def _hours_by(*keys: Any) -> Any:
    """Minutes and services of the ledger by these columns; a reversal takes its service back."""
    services = func.sum(case((HourEntry.minutes > 0, 1), else_=-1))
    return select(*keys, func.sum(HourEntry.minutes), services).group_by(*keys)


def _disagreements(names: Mapping[str, str]) -> Iterator[Difference]:
    """Kept sums against one another: by day and by month, by item and in all, as now and as they came to be known, and
    with what was counted of each order."""
    found: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for table, word in ((Rollup, ""), (RollupKnown, "按得知日")):
        kept = [func.sum(getattr(table, name)) for name in SUMS]
        groups = (table.node_id, table.grain, table.item == "")
        for node, grain, whole, *numbers in db.session.execute(select(*groups, *kept).group_by(*groups)):
            label = word + GRAINS[grain] + ("合计" if whole else "分项")
            found[node][label] = [int(number) for number in numbers]
    counted: dict[str, list[int]] = defaultdict(lambda: [0] * len(VECTOR))
    columns = [func.sum(getattr(OrderCount, name)) for name in VECTOR]
    for path, *numbers in db.session.execute(select(OrderCount.path, *columns).group_by(OrderCount.path)):
        for node in path.rstrip("/").split("/"):
            counted[node] = [a + int(b) for a, b in zip(counted[node], numbers, strict=True)]
    for node, sums in found.items():
        right = sums.get("按月合计", [0] * len(SUMS))
        gaps = activity.gaps(node)
        if gaps:
            missing = sum(abs(gap["people"]) for _, gap in gaps)
            yield Difference(names.get(node, node), f"{gaps[0][1]['period']}等{len(gaps)}处", "people", 0, missing)
        for label, numbers in {**sums, "逐单": [*counted[node], *right[len(VECTOR) :]]}.items():
            yield from (
                Difference(names.get(node, node), f"按月合计与{label}", measure, a, b)
                for measure, a, b in zip(SUMS, right, numbers, strict=True)
                if a != b
            )


def _time_disagreements(names: Mapping[str, str]) -> Iterator[Difference]:
    """How many orders the counts of durations hold in all their buckets, and the sum of these, against what is kept of
    each order."""
    right: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    columns = [of(getattr(OrderCount, step)) for step in times.STEPS for of in (func.count, func.sum)]
    for path, *numbers in db.session.execute(select(OrderCount.path, *columns).group_by(OrderCount.path)):
        for node in path.rstrip("/").split("/"):
            for n, step in enumerate(times.STEPS):
                right[node, step][0] += numbers[2 * n]
                right[node, step][1] += int(numbers[2 * n + 1] or 0)
    for table, word in ((TimeRollup, ""), (TimeRollupKnown, "按得知日")):
        keys = (table.node_id, table.step, table.grain, table.item == "")
        rows = select(*keys, func.sum(table.orders), func.sum(table.orders * table.bucket)).group_by(*keys)
        kept = {(row[0], row[1], row[2], bool(row[3])): [int(row[4]), int(row[5])] for row in db.session.execute(rows)}
        needed = {(*of, grain, whole) for of in right for grain in "dwm" for whole in (True, False)}
        for node, step, grain, whole in sorted({*needed, *kept}):
            have, want = kept.get((node, step, grain, whole), [0, 0]), right[node, step]
            if have != want:
                label = word + GRAINS[grain] + ("合计" if whole else "分项")
                n = 0 if have[0] != want[0] else 1
                yield Difference(names.get(node, node), label, step, have[n], want[n])


def rebuild(estate_id: str, path: str) -> int:
    """Count an estate from its rows again and mend its sums; returns how many orders and days were wrong."""
    begin_write()
    db.session.execute(
        update(RollMark).where(RollMark.estate_id == estate_id, RollMark.stream == "orders").values(upto=BEGINNING)
    )
    db.session.commit()
    wrong = workflow.roll_orders(estate_id, path)
    workflow.roll_hours(estate_id, path)
    wrong += _recount_hours(estate_id, path)
    nodes = path.rstrip("/").split("/")
    wrong += sum(mend(node) for node in reversed(nodes))
    begin_write()
    wrong += activity.see_again(estate_id)
    wrong += sum(activity.recount(node) + times.recount(node) for node in nodes)
    db.session.commit()
    return wrong


def _recount_hours(estate_id: str, path: str) -> int:
    """Hours of an estate by item and day up to its mark, against the sums of its branch."""
    begin_write()
    mark = db.session.get_one(RollMark, (estate_id, "hours"), populate_existing=True)
    item = func.coalesce(ServiceOrder.item_code, "other")
    rows = _hours_by(item, day_of(HourEntry.starts_at)).select_from(HourEntry).outerjoin(
        ServiceOrder, ServiceOrder.id == HourEntry.order_id
    )  # fmt: skip
    rows = rows.where(HourEntry.estate_id == estate_id, HourEntry.recorded_at <= mark.upto)
    right = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in db.session.execute(rows)}
    branch = path.rstrip("/").rpartition("/")[2]
    kept = select(Rollup.item, Rollup.period, Rollup.minutes, Rollup.services).where(
        Rollup.node_id == branch, Rollup.grain == "d", Rollup.item != ""
    )
    stored = {(row[0], row[1]): (row[2], row[3]) for row in db.session.execute(kept)}
    sums: dict[Key, list[int]] = {}
    for key in {*right, *stored}:
        a, b = right.get(key, (0, 0)), stored.get(key, (0, 0))
        if a != b:
            numbers = [0] * len(VECTOR) + [a[0] - b[0], a[1] - b[1]]
            sums[path, key[0], key[1], clock.today()] = numbers
    workflow.add_sums(sums)
    db.session.commit()
    return len(sums)


def mend(node: str) -> int:
    """Bring a node's sums in line with what was counted of its orders, and its months and totals with its days; each
    difference comes in as known today. Returns how many sums were wrong."""
    begin_write()
    right = _right(node)
    wrong = 0
    for table in (Rollup, RollupKnown):
        columns = [func.sum(getattr(table, name)) for name in SUMS]
        keys = (table.grain, table.item, table.period)
        stored = {
            (row[0], row[1], row[2]): [int(number) for number in row[3:]]
            for row in db.session.execute(select(*keys, *columns).where(table.node_id == node).group_by(*keys))
        }
        rows = []
        for key in sorted({*right, *stored}):
            have, want = stored.get(key, [0] * len(SUMS)), right.get(key, [0] * len(SUMS))
            if have != want:
                known = {} if table is Rollup else {"known_on": clock.today()}
                gap = {name: b - a for name, a, b in zip(SUMS, have, want, strict=True)}
                rows.append({"node_id": node, "grain": key[0], "item": key[1], "period": key[2], **known, **gap})
        workflow.add_rows(table, rows)
        wrong += len(rows)
    db.session.commit()
    return wrong


def _right(node: str) -> dict[tuple[str, str, date], list[int]]:
    """What a node's sums should be: orders as counted, hours as its days by item have them."""
    columns = [func.sum(getattr(OrderCount, name)) for name in VECTOR]
    inside = ("/" + OrderCount.path).like(f"%/{node}/%")
    found: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(SUMS))
    orders = select(OrderCount.item, OrderCount.day, *columns).where(inside).group_by(OrderCount.item, OrderCount.day)
    for item, day, *numbers in db.session.execute(orders):
        found[item, day][: len(VECTOR)] = [int(number) for number in numbers]
    hours = select(Rollup.item, Rollup.period, Rollup.minutes, Rollup.services).where(
        Rollup.node_id == node, Rollup.grain == "d", Rollup.item != ""
    )
    for item, day, minutes, services in db.session.execute(hours):
        found[item, day][len(VECTOR) :] = [minutes, services]
    right: dict[tuple[str, str, date], list[int]] = {}
    for (item, day), numbers in found.items():
        for grain, period in (("d", day), ("m", day.replace(day=1))):
            for of in (item, ""):
                held = right.get((grain, of, period), [0] * len(SUMS))
                right[grain, of, period] = [a + b for a, b in zip(held, numbers, strict=True)]
    return right
