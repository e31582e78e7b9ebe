"""Which households a volunteer lives in, for the pictures of buildings."""

from __future__ import annotations

from sqlalchemy import select

from community.grid.models import Household, Person
from core.database import fast
from volunteers.registry.models import Volunteer


def volunteer_homes(estate_id: str, building_id: str | None) -> set[str]:
    """Ids of the households of an estate, or of one building, in which an active volunteer lives."""
    wanted = select(Household.id).join(Person, Person.household_id == Household.id)
    wanted = wanted.join(Volunteer, Volunteer.person_id == Person.id)
    wanted = wanted.where(Volunteer.estate_id == estate_id, Volunteer.standing == "active")
    if building_id is not None:
        wanted = wanted.where(Household.building_id == building_id)
    return set(fast().scalars(wanted))
