"""Volunteers around a series: who can be named, who has time, who is still there; and who may order for whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import aliased

from community.grid.models import Person, Proxy
from core import clock
from core.access import Viewer
from core.database import fast
from services.orders.models import Offer, OfferState, ServiceOrder
from services.orders.place_queries import Placing
from volunteers.registry.models import Volunteer, VolunteerSkill


def _availability() -> Select[Any]:
    other = aliased(ServiceOrder)
    clashes = (
        select(func.count())
        .select_from(Offer)
        .join(other, other.id == Offer.order_id)
        .where(Offer.volunteer_id == Volunteer.person_id, Offer.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN)))
        .where(other.id != ServiceOrder.id, other.preferred_start < ServiceOrder.preferred_end)
        .where(other.preferred_end > ServiceOrder.preferred_start)
    )
    return (
        select(Volunteer.standing, Volunteer.is_available, clashes.correlate(Volunteer, ServiceOrder).scalar_subquery())
        .join(ServiceOrder, ServiceOrder.estate_id == Volunteer.estate_id)
        .where(Volunteer.person_id == bindparam("volunteer"), ServiceOrder.id == bindparam("order"))
    )


_AVAILABILITY = _availability()


def find_availability(volunteer_id: str, order_id: str) -> tuple[str, bool, int] | None:
    """Of a volunteer of the order's estate: standing, whether they take orders, and accepted orders at its time."""
    row = fast().execute(_AVAILABILITY, {"volunteer": volunteer_id, "order": order_id}).first()
    return (row[0], bool(row[1]), int(row[2])) if row is not None else None


_REGISTERED = select(Volunteer.person_id, Volunteer.standing, Volunteer.estate_id).where(
    Volunteer.person_id.in_(bindparam("people", expanding=True))
)


def on_register(estate_id: str, volunteer_ids: Sequence[str]) -> set[str]:
    """Those of the volunteers who are still on the estate's register."""
    if not volunteer_ids:
        return set()
    rows = fast().execute(_REGISTERED, {"people": list(volunteer_ids)})
    return {person_id for person_id, standing, at in rows if standing != "left" and at == estate_id}


def orders_for(person_id: str, household_id: str | None) -> bool:
    """Whether somebody lives in a household, or may order for it as family."""
    lives = select(Person.id).where(Person.id == person_id, Person.household_id == household_id)
    named = select(Proxy.helper_id).where(Proxy.helper_id == person_id, Proxy.household_id == household_id)
    return bool(household_id) and fast().execute(lives.union(named)).first() is not None


def list_choices(viewer: Viewer, found: Placing) -> list[Any]:
    """Volunteers who can be named for a person and a service, as (person_id, name, skilled, served).

    The branch names anybody of its estate; others name who has served this person within a year, whose names they
    know. Those who have the skills come first, then those who were here before.
    """
    skills = sorted(set((found.item or {}).get("skills", ())))
    has = select(func.count()).where(VolunteerSkill.person_id == Volunteer.person_id, VolunteerSkill.skill.in_(skills))
    served = (
        select(func.count())
        .select_from(Offer)
        .join(ServiceOrder, ServiceOrder.id == Offer.order_id)
        .where(Offer.volunteer_id == Volunteer.person_id, ServiceOrder.person_id == found.person_id)
        .where(Offer.state == OfferState.COMPLETED, Offer.offered_at >= clock.now() - timedelta(days=365))
    )
    skilled = (has.correlate(Volunteer).scalar_subquery() == len(skills)).label("skilled")
    known = served.correlate(Volunteer).scalar_subquery()
    wanted = (
        select(Volunteer.person_id, Person.name, skilled, known.label("served"))
        .join(Person, Person.id == Volunteer.person_id)
        .where(Volunteer.estate_id == found.estate_id, Volunteer.standing == "active")
        .where(Person.id != found.person_id, func.coalesce(Person.household_id, "") != (found.household_id or "-"))
        .order_by(skilled.desc(), known.desc(), Person.pinyin, Person.id)
        .limit(500)
    )
    if not viewer.may_at("standing:approve", found.estate_path):
        wanted = wanted.where(known > 0)
    return list(fast().execute(wanted).all())
