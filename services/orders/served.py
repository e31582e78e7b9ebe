"""The entries of the ledger behind the hours and services of a period, reversals with their sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select

from community.grid.models import Estate, Person
from core.database import UtcDateTime, fast
from core.reports import Question
from core.web import paging
from services.orders.models import ServiceOrder
from services.reports import figures, tail
from volunteers.hours.models import HourEntry

_ITEM = func.coalesce(ServiceOrder.item_code, "other")
_ENTRIES = (
    select(
        HourEntry.id, HourEntry.starts_at, HourEntry.minutes, HourEntry.content, Person.name.label("volunteer_name"),
        Estate.name.label("estate_name"), case((HourEntry.minutes > 0, 1), else_=-1).label("counts"),
    )
    .join(Estate, Estate.id == HourEntry.estate_id)
    .join(Person, Person.id == HourEntry.volunteer_id)
    .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
    .where(
        Estate.path.like(bindparam("path")), HourEntry.starts_at >= bindparam("start", type_=UtcDateTime()),
        HourEntry.starts_at < bindparam("end", type_=UtcDateTime()),
    )
)  # fmt: skip


def entries(question: Question, cursor: str | None, limit: int) -> paging.Page[Any]:
    """The entries of a period, newest first; their minutes add up to the hours, their ``counts`` to the services."""
    statement = _ENTRIES
    if "item" in question.only:
        statement = statement.where(bindparam("only_item") == _ITEM)
    keys = (HourEntry.starts_at, HourEntry.id)
    statement = paging.after(statement, keys, (datetime, str), cursor, limit, descending=True)

    def ask(part: Question) -> Sequence[Any]:
        values = {**tail.values(part), "only_item": part.only.get("item")}
        return fast().execute(statement, values).all()

    rows = figures.newest(question, "services", cursor, limit, ask)
    return paging.page_of(rows, limit, lambda row: (row.starts_at, row.id))
