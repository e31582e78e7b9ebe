"""The desk's queue: orders within reach by urgency, as columns, with filters, bounded counts and an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select, true

from community.grid.models import Building, Estate, Household
from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import fast
from core.web import paging
from core.web.formats import iso
from services.catalogue.models import ServiceItem
from services.orders.models import OPEN, Offer, OfferState, ServiceOrder, State
from services.orders.own import count_up_to
from services.orders.queries import RECORD, UNIT, within

TABS: Mapping[str, tuple[str, State | None]] = {
    "placed": ("待派", State.PLACED),
    "dispatched": ("待接", State.DISPATCHED),
    "accepted": ("已接", State.ACCEPTED),
    "in_service": ("服务中", State.IN_SERVICE),
    "completed": ("待评价", State.COMPLETED),
    "call_back": ("待回访", None),
    "all": ("全部", None),
}
STATE_NAMES: Mapping[str, str] = {
    "placed": "待派单", "dispatched": "待接单", "accepted": "已接单", "in_service": "服务中", "completed": "待评价",
    "closed": "已办结", "cancelled": "已撤单", "sent_back": "已退单",
}  # fmt: skip
EXPORT_ROWS = 5000
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

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address or a form; what is not understood is left out. A search looks everywhere."""
        q = args.get("q", "").strip().replace("\0", "")[:60]
        tab = args.get("tab", "all" if q else "placed")
        return cls(
            tab if tab in TABS else "placed", args.get("item", "")[:30].replace("\0", ""),
            args.get("building", "")[:16].replace("\0", ""), bool(args.get("late")), bool(args.get("proxy")), q,
        )  # fmt: skip

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parts of the address that say this, with changes; defaults are left out."""
        values: dict[str, Any] = {
            "tab": self.tab, "item": self.item, "building": self.building, "late": "1" if self.late else "",
            "proxy": "1" if self.proxy else "", "q": self.q,
        }  # fmt: skip
        return {key: value for key, value in (values | changes).items() if value}


def _in_tab(tab: str) -> ColumnElement[bool]:
    state = TABS[tab][1]
    if state is not None:
        return ServiceOrder.state == state
    return ServiceOrder.call_back_due <= clock.now() if tab == "call_back" else true()


def _wanted(viewer: Viewer, filters: Filters) -> ColumnElement[bool]:
    found = within(viewer, "orders:read") & _in_tab(filters.tab)
    if filters.item:
        found &= ServiceOrder.item_code == filters.item
    if filters.building:
        found &= ServiceOrder.building_id == filters.building
    if filters.late:
        found &= ServiceOrder.state.in_(OPEN) & (ServiceOrder.due_at <= clock.now())
    if filters.proxy:
        found &= ServiceOrder.placed_as != "self"
    return found & _matches(viewer, filters.q) if filters.q else found


def _matches(viewer: Viewer, q: str) -> ColumnElement[bool]:
    """An order's code from its beginning, or a part of its door's label."""
    doors = select(Household.id).where(
        Household.estate_id.in_(_estates(viewer)), Household.label.contains(q, autoescape=True)
    )
    doors = doors.limit(SEARCHED_HOUSEHOLDS)
    return or_(ServiceOrder.code.startswith(q, autoescape=True), ServiceOrder.household_id.in_(doors))


def _estates(viewer: Viewer) -> Select[Any]:
    reach = [Estate.path.startswith(path, autoescape=True) for path in viewer.paths("orders:read")]
    return select(Estate.id).where(or_(*reach) if reach else literal_column("1 = 0"))


_COLUMNS = (
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
    ServiceOrder.accepted_count,
    ServiceOrder.volunteers_needed,
    ServiceOrder.stars,
    ServiceOrder.salutation,
    ServiceOrder.placed_at,
    ServiceOrder.completed_at,
    Estate.name.label("estate_name"),
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


def get_queue(viewer: Viewer, filters: Filters, cursor: str | None, limit: int = paging.PAGE) -> Queue:
    """Orders within ``orders:read``, most urgent first (all of them: newest deadline first), with counts and choices.

    One statement: the head is joined to the rows, so that it is there even when no row is.
    """
    found = select(*_COLUMNS).join(Estate, Estate.id == ServiceOrder.estate_id).where(_wanted(viewer, filters))
    newest = filters.tab == "all"
    keys = (ServiceOrder.due_at, ServiceOrder.id)
    rows = paging.after(found, keys, (datetime, str), cursor, limit, descending=newest).subquery()
    order = [column.desc() if newest else column for column in (rows.c.due_at, rows.c.id)]
    page = select(rows, func.row_number().over(order_by=order).label("number")).subquery()
    head = _head(viewer).subquery()
    first = func.coalesce(page.c.number, 1) == 1
    lists = [case((first, head.c[name])) for name in ("items", "buildings")]
    counts = [head.c[name] for name in (*_COUNTED, "estates")]
    statement = select(*lists, *counts, page).select_from(head.outerjoin(page, true())).order_by(page.c.number)
    result = fast().execute(statement).all()
    top = result[0]
    above = Head(dict(zip(_COUNTED, top[2:], strict=False)), _pairs(top[0]), _pairs(top[1]), top.estates)
    shown = [row for row in result if row.number is not None]
    return Queue(paging.page_of(shown, limit, lambda row: (row.due_at, row.id)), above)


def _head(viewer: Viewer) -> Select[Any]:
    one: Any = literal_column("1")
    reach = within(viewer, "orders:read")
    counts = [
        count_up_to(select(one).select_from(ServiceOrder).where(reach, _in_tab(tab))).label(tab) for tab in _COUNTED
    ]
    items = (
        select(ServiceItem.code, func.min(ServiceItem.name).label("name"), func.min(ServiceItem.position))
        .where(ServiceItem.estate_id.in_(_estates(viewer)))
        .group_by(ServiceItem.code)
        .order_by(func.min(ServiceItem.position))
        .limit(60)
        .subquery()
    )
    buildings = (
        select(Building.id, Building.name, Building.number)
        .where(Building.estate_id.in_(_estates(viewer)))
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
        select(func.count()).select_from(_estates(viewer).limit(2).subquery()).scalar_subquery().label("estates"),
    )


def _pairs(text: str | None) -> list[tuple[str, str]]:
    return [(value, name) for value, _, name in (part.partition(UNIT) for part in (text or "").split(RECORD)) if value]


HEADINGS = ("单号", "小区", "服务", "状态", "住址", "称呼", "需要", "希望时间", "承诺时限", "点单时间", "完成时间",
            "代点", "接单人", "评价")  # fmt: skip


def record_export(viewer: Viewer, filters: Filters) -> None:
    """Write down that the list was taken out, with its filters. Caller commits."""
    subject = Subject("order_list", viewer.estate_id or viewer.person_id, viewer.estate_id or "")
    audit.record(viewer.person_id, viewer.name, "export_orders", subject, details=filters.address())


def export(viewer: Viewer, filters: Filters) -> Iterator[str]:
    """The filtered list as lines of CSV, at most ``EXPORT_ROWS``, with a mark of its encoding for spreadsheets."""
    names = select(func.aggregate_strings(Offer.volunteer_name, "、")).where(
        Offer.order_id == ServiceOrder.id,
        Offer.round == ServiceOrder.reopened,
        Offer.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)),
    )
    statement = (
        select(*_COLUMNS, names.correlate(ServiceOrder).scalar_subquery().label("helpers"))
        .join(Estate, Estate.id == ServiceOrder.estate_id)
        .where(_wanted(viewer, filters))
        .order_by(ServiceOrder.due_at, ServiceOrder.id)
        .limit(EXPORT_ROWS)
    )
    yield "\ufeff" + _line(HEADINGS)
    for row in fast().execute(statement):
        yield _line(_cells(row))


def _cells(row: Any) -> list[str]:
    period = "–".join(_written(moment) for moment in (row.preferred_start, row.preferred_end) if moment)
    return [
        row.code, row.estate_name, row.item["name"], STATE_NAMES[row.state], row.household_label, row.salutation,
        row.note, period, _written(row.due_at), _written(row.placed_at), _written(row.completed_at),
        "" if row.placed_as == "self" else "是", row.helpers or "", f"{row.stars}星" if row.stars else "",
    ]  # fmt: skip


def _written(moment: datetime | None) -> str:
    return iso(moment)[:16].replace("T", " ")


def _line(cells: Any) -> str:
    """One line of CSV; a cell that a spreadsheet would calculate is disarmed."""
    out = io.StringIO()
    csv.writer(out).writerow(["'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells])
    return out.getvalue()
