"""Which households wait for help, for the pictures of buildings."""

from __future__ import annotations

from sqlalchemy import select

from core.database import fast
from services.orders.models import OPEN, ServiceOrder


def homes_with_orders(estate_id: str, building_id: str | None) -> set[str]:
    """Ids of the households of an estate, or of one building, with an order that is not done yet."""
    wanted = select(ServiceOrder.household_id).where(
        ServiceOrder.estate_id == estate_id, ServiceOrder.state.in_(OPEN), ServiceOrder.household_id.is_not(None)
    )
    if building_id is not None:
        wanted = wanted.where(ServiceOrder.building_id == building_id)
    return {household_id for household_id in fast().scalars(wanted) if household_id}
