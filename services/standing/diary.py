"""Series on calendars: the visits that are still to be made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, cast, func, select

from community.grid.models import Household, Person
from core import clock
from core.access import Viewer
from core.database import fast
from core.diary import Asked, Entry
from services.standing.aggregate import terms_of
from services.standing.models import LIVE, HelperState, StandingOrder, StandingVisit, VisitState
from services.standing.plan import BACK, occurrences
from services.standing.queries import SEPARATOR, TERMS, called_off_days


def _planned(where: ColumnElement[bool]) -> Select[Any]:
    made = select(func.aggregate_strings(cast(StandingVisit.day, String()), SEPARATOR)).where(
        StandingVisit.standing_id == StandingOrder.id, StandingVisit.state == VisitState.MADE,
        StandingVisit.held_on >= bindparam("since"),
    )  # fmt: skip
    called_off = called_off_days()
    columns: list[Any] = [
        StandingOrder.id, StandingOrder.item_name, StandingOrder.steady_name, StandingOrder.steady_state,
        *[StandingOrder.__table__.c[name] for name in TERMS], func.coalesce(Household.label, "").label("label"),
        made.correlate(StandingOrder).scalar_subquery().label("made"), called_off.label("called_off"),
    ]  # fmt: skip
    return (
        select(*columns)
        .select_from(StandingOrder)
        .join(Person, Person.id == StandingOrder.person_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .where(StandingOrder.state.in_(LIVE), where)
        .order_by(StandingOrder.created_at, StandingOrder.id)
        .limit(500)
    )


_COMES = (StandingOrder.steady_id == bindparam("volunteer")) & (StandingOrder.steady_state == HelperState.AGREED)
_AT = StandingOrder.estate_id == bindparam("estate")
_PLANNED = {
    (True, False, False): _planned(_COMES),
    (False, True, False): _planned(_AT),
    (True, True, False): _planned(_AT & _COMES),
    (False, True, True): _planned(_AT & (Household.building_id == bindparam("building"))),
    (True, True, True): _planned(_AT & _COMES & (Household.building_id == bindparam("building"))),
}


def planned(viewer: Viewer, asked: Asked) -> Iterator[Entry]:
    """For calendars: the visits of series that are not made yet; those made are orders and told as such."""
    today = clock.today()
    first = max(asked.first, today)
    if asked.last < first:
        return
    key = bool(asked.volunteer_id), bool(asked.estate_id), bool(asked.building_id)
    values = {"volunteer": asked.volunteer_id, "estate": asked.estate_id, "building": asked.building_id,
              "since": today - BACK}  # fmt: skip
    for row in fast().execute(_PLANNED[key], values):
        terms = terms_of(row._mapping)
        done, called_off = (
            {date.fromisoformat(day) for day in (text or "").split(SEPARATOR) if day}
            for text in (row.made, row.called_off)
        )
        for found in occurrences(terms, first, asked.last, called_off):
            if found.skipped or found.day in done:
                continue
            start, end = terms.period(found.on)
            people = row.steady_name if row.steady_state == HelperState.AGREED else ""
            yield Entry(found.on, row.item_name, "visit", start, end, row.label, people, f"/standing/{row.id}",
                        "定期", "wait", "i-refresh")  # fmt: skip
