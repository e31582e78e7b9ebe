"""The queue as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from community.grid.models import Estate
from core import audit
from core.access import Viewer
from core.audit import Subject
from core.database import fast
from core.web.formats import iso
from services.orders.models import Offer, OfferState, ServiceOrder
from services.orders.queue import COLUMNS, STATE_NAMES, Filters, shape_of, values_of, wanted

EXPORT_ROWS = 5000
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
        select(*COLUMNS, names.correlate(ServiceOrder).scalar_subquery().label("helpers"))
        .join(Estate, Estate.id == ServiceOrder.estate_id)
        .where(wanted(shape_of(viewer, filters)))
        .order_by(ServiceOrder.due_at, ServiceOrder.id)
        .limit(EXPORT_ROWS)
    )
    yield "\ufeff" + _line(HEADINGS)
    for row in fast().execute(statement, values_of(viewer, filters)):
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
