"""Orders that a volunteer has accepted and not done yet: what somebody who goes has to hand over."""

from __future__ import annotations

from sqlalchemy import select

from core.database import db
from services.orders.models import Offer, OfferState, ServiceOrder, State
from volunteers.registry.commitments import Commitment

_HELD = (OfferState.ACCEPTED, OfferState.CHECKED_IN)
_OPEN = (State.DISPATCHED, State.ACCEPTED, State.IN_SERVICE, State.PLACED)


def accepted_orders(volunteer_id: str) -> list[Commitment]:
    """The volunteer's accepted orders that are still open, with the page on which each can be reassigned."""
    held = (
        select(ServiceOrder.id, ServiceOrder.item, ServiceOrder.household_label, ServiceOrder.preferred_start)
        .join(Offer, (Offer.order_id == ServiceOrder.id) & (Offer.round == ServiceOrder.reopened))
        .where(Offer.volunteer_id == volunteer_id, Offer.state.in_(_HELD), ServiceOrder.state.in_(_OPEN))
    )
    return [
        Commitment(f"{item['name']}，{label}".rstrip("，"), start, f"/orders/{id_}")
        for id_, item, label, start in db.session.execute(held)
    ]
