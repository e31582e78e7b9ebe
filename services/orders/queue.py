"""The desk's queue: orders within reach by urgency, as columns, with filters and bounded counts.

Statements are built once for each combination of filters and then only filled in: building one costs more than
running it. Tabs show what lies on desks within the viewer's reach; a search looks through all that the viewer may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from community.grid.models import Building, Estate, Household
from community.organisations.models import Organisation
from core import clock
from core.access import Viewer
from core.audit import AuditChain
from core.database import UtcDateTime, fast
from core.web import paging
from services.catalogue.models import ServiceItem
from services.orders.models import OPEN, ServiceOrder, State
from services.orders.own import count_up_to
from services.orders.queries import RECORD, UNIT
from volunteers.timebank.queries import used_for

TABS: Mapping[str, tuple[str, State | None]] = {
    "placed": ("待派", State.PLACED),
    "dispatched": ("待接", State.DISPATCHED),
    "accepted": ("已接", State.ACCEPTED),
    "in_service": ("服务中", State.IN_SERVICE),
    "completed": ("待评价", State.COMPLETED),
    "call_back": ("待回访", None),
    "away": ("已转出", None),
    "all": ("全部", None),
}
STATE_NAMES: Mapping[str, str] = {
    "placed": "待派单", "dispatched": "待接单", "accepted": "已接单", "in_service": "服务中", "completed": "待评价",
    "closed": "已办结", "cancelled": "已撤单", "sent_back": "已退单",
}  # fmt: skip
SORTS: Mapping[str, str] = {"due": "先急后缓", "placed": "新点的在前"}
SEARCHED_HOUSEHOLDS = 200


@dataclass(frozen=True)
class Filters:
    """What the desk shows, as the address says it."""

    tab: str = "placed"
    item: str = ""
    building: str = ""
    late: bool = False
    proxy: bool = False
    q: str = ""
    sort: str = "due"

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address or a form; what is not understood is left out. A search looks everywhere."""
        q = args.get("q", "").strip().replace("\0", "")[:60]
        tab = args.get("tab", "all" if q else "placed")
        tab = tab if tab in TABS else "placed"
        usual = "placed" if tab == "all" else "due"
        sort = args.get("sort", usual)
        return cls(
            tab, args.get("item", "")[:30].replace("\0", ""), args.get("building", "")[:16].replace("\0", ""),
            bool(args.get("late")), bool(args.get("proxy")), q, sort if sort in SORTS else usual,
        )  # fmt: skip

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parts of the address that say this, with changes; defaults are left out."""
        values: dict[str, Any] = {
            "tab": self.tab, "item": self.item, "building": self.building, "late": "1" if self.late else "",
            "proxy": "1" if self.proxy else "", "q": self.q, "sort": self.sort,
        } | changes  # fmt: skip
        if values["sort"] == ("placed" if values["tab"] == "all" else "due") or "tab" in changes:
            values["sort"] = ""
        return {key: value for key, value in values.items() if value}


@dataclass(frozen=True)
class Shape:
    """What of the filters changes a statement's form, and not only its values."""

    paths: int
    tab: str
    sort: str
    item: bool
    building: bool
    late: bool
    proxy: bool
    q: bool


def shape_of(viewer: Viewer, filters: Filters) -> Shape:
    """The form of the statements for these filters."""
    return Shape(
        len(viewer.paths("orders:read")), filters.tab, filters.sort, bool(filters.item), bool(filters.building),
        filters.late, filters.proxy, bool(filters.q),
    )  # fmt: skip


def values_of(viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """The parameters that a queue's statements take."""
    paths = {f"path{n}": path + "%" for n, path in enumerate(viewer.paths("orders:read"))}
    q = filters.q.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return paths | {
        "now": clock.now(), "item": filters.item, "building": filters.building, "q": q + "%", "part": f"%{q}%",
    }  # fmt: skip


def _under(column: Any, paths: int) -> ColumnElement[bool]:
    """Whether a stored path lies within the viewer's reach; ids in paths hold nothing that LIKE takes for a sign."""
    return or_(*[column.like(bindparam(f"path{n}", type_=String())) for n in range(paths)]) if paths else false()


def _estates(paths: int) -> Select[Any]:
    return select(Estate.id).where(_under(Estate.path, paths))


def _desks(paths: int) -> ColumnElement[bool]:
    """Orders on desks within reach."""
    return ServiceOrder.desk_id.in_(select(Organisation.id).where(_under(Organisation.path, paths)))


_NOW = bindparam("now", type_=UtcDateTime())


def _in_tab(tab: str, paths: int) -> ColumnElement[bool]:
    if tab == "all":
        return _desks(paths)
    if tab == "away":
        ours = ServiceOrder.estate_id.in_(_estates(paths)) & ServiceOrder.state.in_(OPEN)
        return ours & ~_desks(paths)
    state = TABS[tab][1]
    return _desks(paths) & (ServiceOrder.call_back_due <= _NOW if state is None else ServiceOrder.state == state)


def wanted(shape: Shape) -> ColumnElement[bool]:
    """The orders that a queue of this shape holds."""
    found = _in_tab(shape.tab, shape.paths)
    if shape.q and shape.tab == "all":
        found |= ServiceOrder.estate_id.in_(_estates(shape.paths))
    if shape.item:
        found &= ServiceOrder.item_code == bindparam("item")
    if shape.building:
        found &= ServiceOrder.building_id == bindparam("building")
    if shape.late:
        found &= ServiceOrder.state.in_(OPEN) & (ServiceOrder.due_at <= _NOW)
    if shape.proxy:
        found &= ServiceOrder.placed_as != "self"
    if shape.q:
        doors = select(Household.id).where(
            Household.estate_id.in_(_estates(shape.paths)), Household.label.like(bindparam("part"), escape="!")
        )
        doors = doors.limit(SEARCHED_HOUSEHOLDS)
        code = ServiceOrder.code.like(bindparam("q"), escape="!")
        found &= or_(code, ServiceOrder.household_id.in_(doors))
    return found


COLUMNS = (
    ServiceOrder.id,
    ServiceOrder.code,
    ServiceOrder.state,
    ServiceOrder.item,
    ServiceOrder.household_label,
    ServiceOrder.note,
    ServiceOrder.preferred_start,
    ServiceOrder.preferred_end,
    ServiceOrder.due_at,
    ServiceOrder.urgent,
    ServiceOrder.placed_as,
    ServiceOrder.reopened,
    ServiceOrder.paused_at,
    ServiceOrder.escalated,
    ServiceOrder.accepted_count,
    ServiceOrder.volunteers_needed,
    ServiceOrder.stars,
    ServiceOrder.salutation,
    ServiceOrder.placed_at,
    ServiceOrder.completed_at,
    ServiceOrder.version,
    Estate.name.label("estate_name"),
    (ServiceOrder.desk_id != Estate.branch_id).label("is_elsewhere"),
    used_for(ServiceOrder.id).label("saved_minutes"),
)


@dataclass(frozen=True)
class Head:
    """What stands above the queue: a count a tab (up to 100), and what can be filtered by, as (value, text)."""

    counts: Mapping[str, int]
    items: list[tuple[str, str]]
    buildings: list[tuple[str, str]]
    estates: int


@dataclass(frozen=True)
class Queue:
    """A page of the queue and what stands above it."""

    page: paging.Page[Any]
    head: Head


_COUNTED = tuple(tab for tab in TABS if tab != "all")


@lru_cache(maxsize=256)
def _statement(shape: Shape, onwards: bool) -> Select[Any]:
    """A page of the queue; ``onwards``: after the row that a cursor names.

    The head is joined to the rows, so that it is there even when no row is.
    """
    found = select(*COLUMNS).join(Estate, Estate.id == ServiceOrder.estate_id).where(wanted(shape))
    newest = shape.sort == "placed"
    first = ServiceOrder.placed_at if newest else ServiceOrder.due_at
    if onwards:
        key = tuple_(first, ServiceOrder.id)
        mark = tuple_(bindparam("key", type_=UtcDateTime()), bindparam("key_id", type_=String()))
        found = found.where(key < mark if newest else key > mark)
    order = [first.desc(), ServiceOrder.id.desc()] if newest else [first, ServiceOrder.id]
    rows = found.order_by(*order).limit(bindparam("limit")).subquery()
    column = rows.c.placed_at if newest else rows.c.due_at
    outer = [column.desc(), rows.c.id.desc()] if newest else [column, rows.c.id]
    page = select(rows, func.row_number().over(order_by=outer).label("number")).subquery()
    head = _head(shape.paths).subquery()
    top = func.coalesce(page.c.number, 1) == 1
    lists = [case((top, head.c[name])) for name in ("items", "buildings")]
    counts = [head.c[name] for name in (*_COUNTED, "estates")]
    return select(*lists, *counts, page).select_from(head.outerjoin(page, true())).order_by(page.c.number)


def get_queue(viewer: Viewer, filters: Filters, cursor: str | None, limit: int = paging.PAGE) -> Queue:
    """Orders within ``orders:read``, most urgent first or newest first, with counts and choices. One statement.

    Raises ``BadCursor``.
    """
    values = values_of(viewer, filters) | {"limit": limit + 1}
    if cursor:
        values["key"], values["key_id"] = paging.decode(cursor, (datetime, str))
    result = fast().execute(_statement(shape_of(viewer, filters), bool(cursor)), values).all()
    top = result[0]
    above = Head(dict(zip(_COUNTED, top[2:], strict=False)), _pairs(top[0]), _pairs(top[1]), top.estates)
    shown = [row for row in result if row.number is not None]
    by = (lambda row: (row.placed_at, row.id)) if filters.sort == "placed" else (lambda row: (row.due_at, row.id))
    return Queue(paging.page_of(shown, limit, by), above)


def _head(paths: int) -> Select[Any]:
    one: Any = literal_column("1")
    counts = [count_up_to(select(one).select_from(ServiceOrder).where(_in_tab(tab, paths))).label(tab)
              for tab in _COUNTED]  # fmt: skip
    items = (
        select(ServiceItem.code, func.min(ServiceItem.name).label("name"), func.min(ServiceItem.position))
        .where(ServiceItem.estate_id.in_(_estates(paths)))
        .group_by(ServiceItem.code)
        .order_by(func.min(ServiceItem.position))
        .limit(60)
        .subquery()
    )
    buildings = (
        select(Building.id, Building.name, Building.number)
        .where(Building.estate_id.in_(_estates(paths)))
        .order_by(Building.number, Building.name)
        .limit(200)
        .subquery()
    )
    return select(
        *counts,
        select(func.aggregate_strings(items.c.code + UNIT + items.c.name, RECORD)).scalar_subquery().label("items"),
        select(func.aggregate_strings(buildings.c.id + UNIT + buildings.c.name, RECORD))
        .scalar_subquery()
        .label("buildings"),
        select(func.count()).select_from(_estates(paths).limit(2).subquery()).scalar_subquery().label("estates"),
    )


def _pairs(text: str | None) -> list[tuple[str, str]]:
    return [(value, name) for value, _, name in (part.partition(UNIT) for part in (text or "").split(RECORD)) if value]


@lru_cache(maxsize=16)
def _mark(paths: int) -> Select[Any]:
    """How many events the estates around a desk's reach have had today and yesterday, and an order's version."""
    around = select(Estate.id).where(_under(Estate.path, paths))
    days = AuditChain.day >= bindparam("since", type_=Date())
    total = select(func.coalesce(func.sum(AuditChain.length), 0)).where(AuditChain.estate_id.in_(around), days)
    version = select(ServiceOrder.version).where(ServiceOrder.id == bindparam("order"))
    return select(total.scalar_subquery(), version.scalar_subquery())


def get_mark(viewer: Viewer, order_id: str) -> tuple[str, int | None]:
    """A mark that changes with anything done around the desk and with the minute, for its clocks; and the version of
    the order that lies open. One statement, whose cost does not grow with the orders.

    Orders may come from the neighbours, so the whole community's estates are looked at.
    """
    paths = [_parent(path) for path in viewer.paths("orders:read")]
    values: dict[str, Any] = {f"path{n}": path + "%" for n, path in enumerate(paths)}
    now = clock.now()
    since = clock.local(now - timedelta(days=1)).date()
    total, version = fast().execute(_mark(len(paths)), values | {"since": since, "order": order_id}).one()
    return f"{total}.{int(now.timestamp()) // 60}", version


def _parent(path: str) -> str:
    parts = path.rstrip("/").split("/")
    return "/".join(parts[:-1]) + "/" if len(parts) > 1 else path
