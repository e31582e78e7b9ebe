"""What orders tell the ledger of hours about the services behind its entries, without it knowing an order.

``app.py`` hands these to ``volunteers.hours``: ratings and thanks, the kinds that badges count, and services that were
begun and never ended, which have no record yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment
from core import clock
from core.access import BRANCH
from core.audit import Event
from core.database import fast
from core.identity import ELDER_AGE
from services.orders.models import Offer, OfferState, ServiceOrder, State
from volunteers.hours.evidence import Unrecorded


def average_rating(volunteer: Any, since: Any = None) -> Any:
    """The average of the stars that residents gave for a volunteer's services, as a scalar."""
    own = (
        select(func.avg(ServiceOrder.stars))
        .select_from(Offer)
        .join(ServiceOrder, (ServiceOrder.id == Offer.order_id) & (ServiceOrder.reopened == Offer.round))
        .where(Offer.volunteer_id == volunteer, Offer.state == OfferState.COMPLETED)
    )
    if since is not None:
        own = own.where(Offer.offered_at >= since)
    return own.scalar_subquery()


def thanks(order_id: Any) -> tuple[Any, Any]:
    """Stars and words of the resident for an order, as scalars."""
    found = [select(column).where(ServiceOrder.id == order_id) for column in (ServiceOrder.stars, ServiceOrder.comment)]
    return found[0].scalar_subquery(), found[1].scalar_subquery()


def _order(order_id: Any, *conditions: Any) -> ColumnElement[bool]:
    return exists().where(ServiceOrder.id == order_id, *conditions)


def for_elders(order_id: Any) -> ColumnElement[bool]:
    """Whether a service was for somebody who is an elder by now."""
    today = clock.today()
    born = date(today.year - ELDER_AGE, today.month, min(today.day, 28))
    return _order(order_id, Person.id == ServiceOrder.person_id, Person.birth_date <= born)


def praised(order_id: Any) -> ColumnElement[bool]:
    """Whether a service was given five stars."""
    return _order(order_id, ServiceOrder.stars == 5)


def urgent(order_id: Any) -> ColumnElement[bool]:
    """Whether a service was an urgent one."""
    return _order(order_id, ServiceOrder.urgent)


MARKS = {"elder": for_elders, "praised": praised, "urgent": urgent}


def list_unended(estate_ids: Sequence[str] | None, before: datetime, limit: int) -> list[Unrecorded]:
    """Services that a volunteer checked in for and has not ended, so that no hours stand for them; oldest first."""
    home = aliased(Household)
    sent = (
        select(Event.actor_id)
        .where(Event.subject_kind == "order", Event.subject_id == Offer.order_id, Event.verb == "dispatch")
        .where(Event.actor_id != "system")
        .order_by(Event.at.desc())
        .limit(1)
    )
    wanted = (
        select(Offer.order_id, Offer.estate_id, Offer.volunteer_id, Offer.volunteer_name, ServiceOrder.item,
               Estate.name, Building.name, Unit.number, Offer.checked_in_at,
               sent.correlate(Offer).scalar_subquery())
        .join(ServiceOrder, (ServiceOrder.id == Offer.order_id) & (ServiceOrder.reopened == Offer.round))
        .join(Estate, Estate.id == ServiceOrder.estate_id)
        .outerjoin(home, home.id == ServiceOrder.household_id)
        .outerjoin(Building, Building.id == home.building_id)
        .outerjoin(Unit, Unit.id == home.unit_id)
        .where(Offer.state == OfferState.CHECKED_IN, Offer.checked_in_at < before)
        .where(ServiceOrder.state == State.IN_SERVICE)
    )  # fmt: skip
    if estate_ids is not None:
        wanted = wanted.where(Offer.estate_id.in_(list(estate_ids)))
    rows = fast().execute(wanted.order_by(Offer.checked_in_at, Offer.order_id).limit(limit)).all()
    return [
        Unrecorded(
            "order", order_id, estate_id, volunteer_id, name, item["name"], place_of(estate, building, unit), began,
            charge, f"/orders/{order_id}",
        )
        for order_id, estate_id, volunteer_id, name, item, estate, building, unit, began, charge in rows
    ]  # fmt: skip


def place_of(estate: str, building: str | None, unit: int | None) -> str:
    """Where a service took place, down to the stairwell and no further: the door is nobody else's business."""
    return f"{estate}{building or ''}{f'{unit}单元' if unit else ''}"


def secretary_of(desk_id: Any, today: Any) -> Any:
    """Id and name of who leads a branch, as one text: its secretary before a deputy."""
    held = (Appointment.ends_on.is_(None)) | (Appointment.ends_on >= today)
    found = (
        select(Person.id + "\x1f" + Person.name)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(Appointment.organisation_id == desk_id, Appointment.role.in_(sorted(BRANCH)))
        .where(Appointment.starts_on <= today, held)
        .order_by(Appointment.role.desc(), Appointment.starts_on, Person.id)
        .limit(1)
    )
    return found.scalar_subquery()
