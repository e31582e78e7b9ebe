"""Days off on a volunteer's own calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Date, bindparam, select

from core.access import Viewer
from core.database import fast
from core.diary import Asked, Entry
from volunteers.registry.models import VolunteerDayOff

_OFF = select(VolunteerDayOff.first_day, VolunteerDayOff.last_day).where(
    VolunteerDayOff.person_id == bindparam("person"),
    VolunteerDayOff.first_day <= bindparam("last", type_=Date()),
    VolunteerDayOff.last_day >= bindparam("first", type_=Date()),
)


def days_off(viewer: Viewer, asked: Asked) -> Iterator[Entry]:
    """An entry a day; they stay out of feeds, for they say when nobody is to come."""
    if not asked.volunteer_id or asked.estate_id or asked.cancelled_since is not None:
        return
    values = {"person": asked.volunteer_id, "first": asked.first, "last": asked.last}
    for first, last in fast().execute(_OFF, values):
        day = max(first, asked.first)
        while day <= min(last, asked.last):
            yield Entry(day, "不能来", "off", state="不能来", icon="i-x", url="/volunteer")
            day += timedelta(days=1)


_AWAY = select(VolunteerDayOff.person_id).where(
    VolunteerDayOff.person_id.in_(bindparam("people", expanding=True)),
    VolunteerDayOff.first_day <= bindparam("day", type_=Date()),
    VolunteerDayOff.last_day >= bindparam("day", type_=Date()),
)


def away(people: Sequence[str], day: date) -> Mapping[str, str]:
    """Why volunteers cannot come on a day, by id, for those who have it off."""
    return dict.fromkeys(fast().scalars(_AWAY, {"people": list(people), "day": day}), "那天不能来")
