"""When volunteers are busy with orders, for whoever plans their time otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import bindparam, select

from core.database import UtcDateTime, fast
from services.orders.models import Offer, OfferState, ServiceOrder
from volunteers.rota.spans import Span

_HELD = (
    select(Offer.volunteer_id, ServiceOrder.preferred_start, ServiceOrder.preferred_end, ServiceOrder.item)
    .join(ServiceOrder, (ServiceOrder.id == Offer.order_id) & (ServiceOrder.reopened == Offer.round))
    .where(
        Offer.volunteer_id.in_(bindparam("people", expanding=True)),
        Offer.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN)),
        ServiceOrder.preferred_start < bindparam("until", type_=UtcDateTime()),
        ServiceOrder.preferred_end > bindparam("since", type_=UtcDateTime()),
    )
)


def accepted_orders(people: Collection[str], start: datetime, end: datetime) -> Mapping[str, list[Span]]:
    """The orders with a wished time that people have accepted and not done, by person, in one statement."""
    found: dict[str, list[Span]] = {}
    if people:
        for person_id, begins, ends, item in fast().execute(
            _HELD, {"people": list(people), "since": start, "until": end}
        ):
            found.setdefault(person_id, []).append(Span(begins, ends, item["name"]))
    return found
