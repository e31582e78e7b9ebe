"""Ratings of volunteers by those they served, as a group of the records that travel (评价情况, MCA order 67)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from community.grid.models import Person
from services.orders.models import Offer, ServiceOrder
from volunteers.exchange.groups import WHO, Asked, Group, local_minute
from volunteers.registry.models import Volunteer


def _rows(asked: Asked) -> Select[Any]:
    found: Select[Any] = (
        select(
            Volunteer.number, Person.name, ServiceOrder.item, Offer.completed_at, ServiceOrder.stars,
            ServiceOrder.comment, ServiceOrder.rated_at,
        )
        .join(Offer, Offer.order_id == ServiceOrder.id)
        .join(Volunteer, Volunteer.person_id == Offer.volunteer_id)
        .join(Person, Person.id == Offer.volunteer_id)
        .where(ServiceOrder.estate_id.in_(asked.estates), ServiceOrder.stars.is_not(None),
               Offer.completed_at.is_not(None), Offer.round == ServiceOrder.reopened,
               asked.within(Offer.completed_at), ServiceOrder.rated_at <= asked.until)
        .order_by(ServiceOrder.estate_id, ServiceOrder.rated_at, ServiceOrder.id, Offer.volunteer_id)
    )  # fmt: skip
    return found


def _values(row: Any, full: bool) -> Sequence[Any]:
    """What somebody wrote may name people, so it travels only with the numbers in full."""
    return (
        row.number, row.name, row.item["name"], local_minute(row.completed_at), row.stars, "服务对象",
        row.comment if full else "", local_minute(row.rated_at),
    )  # fmt: skip


RATING = Group("rating", "评价", WHO | {
    "content": "服务名称", "served_at": "服务时间", "stars": "星级", "rated_by": "评价人", "comment": "评价内容",
    "rated_at": "评价时间",
}, _rows, _values)  # fmt: skip
