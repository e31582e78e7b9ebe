"""What calendars show of orders, and whose feed a token opens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, func, literal_column, or_, select, union_all

from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.queries import under
from core import clock
from core.access import NotFound, Viewer
from core.database import fast
from core.diary import Asked, Entry
from services.calendar.models import CalendarFeed
from services.orders.models import Offer, OfferState, ServiceOrder, State
from volunteers.registry.models import Volunteer

_ZERO, _ONE, _TWO = (literal_column(number, Integer()) for number in "012")
AHEAD = timedelta(days=130)
"""Longest time between an offer and its visit: orders are placed 90 days ahead at most."""
MOST = 1500
HELD = (OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)
_GIVEN_BACK = (OfferState.WITHDRAWN, OfferState.NO_SHOW)
STATES = {
    "placed": ("待派单", "wait", "i-clock"), "dispatched": ("待接单", "run", "i-send"),
    "accepted": ("已接单", "run", "i-half"), "in_service": ("服务中", "run", "i-ring"),
    "completed": ("已完成", "done", "i-check"), "closed": ("已完成", "done", "i-check"),
}  # fmt: skip
OFFERED = ("待接单", "soon", "i-half")


def of_orders(viewer: Viewer, asked: Asked) -> Iterable[Entry]:
    """Orders as entries: one volunteer's own, offered to them or accepted; or those of an estate that have a time."""
    return _of_volunteer(asked) if asked.volunteer_id and not asked.estate_id else _of_estate(asked)


_COLUMNS: tuple[Any, ...] = (
    ServiceOrder.id, ServiceOrder.version, ServiceOrder.state, ServiceOrder.item, ServiceOrder.household_label,
    ServiceOrder.preferred_start, ServiceOrder.preferred_end, ServiceOrder.due_at, ServiceOrder.updated_at,
    ServiceOrder.reopened, Building.name.label("building"), Unit.number.label("unit"),
)  # fmt: skip


def _where(found: Select[Any]) -> Select[Any]:
    """With the building and the stairwell of the order's household."""
    return (
        found.outerjoin(Household, Household.id == ServiceOrder.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .outerjoin(Unit, Unit.id == Household.unit_id)
    )


_WHEN = func.coalesce(ServiceOrder.preferred_start, Offer.checked_in_at, ServiceOrder.due_at)
_LIVE_OFFER = and_(
    Offer.state == OfferState.OFFERED, Offer.expires_at > bindparam("now"), ServiceOrder.reopened == Offer.round
)
_MINE = (
    _where(
        select(*_COLUMNS, Offer.state.label("offer_state"), Offer.round, Offer.checked_in_at, Offer.completed_at)
        .select_from(Offer)
        .join(ServiceOrder, ServiceOrder.id == Offer.order_id)
    )
    .where(Offer.volunteer_id == bindparam("volunteer"), Offer.offered_at >= bindparam("offered_since"))
    .where(bindparam("begin") <= _WHEN, bindparam("end") > _WHEN)
    .where(or_(_LIVE_OFFER, Offer.accepted_at.is_not(None)))
    .order_by(Offer.round.desc(), ServiceOrder.id)
    .limit(MOST)
)  # fmt: skip


def _of_volunteer(asked: Asked) -> Iterator[Entry]:
    begin, end = asked.bounds
    values = {"volunteer": asked.volunteer_id, "now": clock.now(), "begin": begin, "end": end,
              "offered_since": begin - AHEAD}  # fmt: skip
    seen: set[str] = set()
    for row in fast().execute(_MINE, values):
        if row.id in seen:
            continue
        called_off = row.offer_state in _GIVEN_BACK or row.state == State.CANCELLED or row.offer_state == "lapsed"
        wanted = asked.cancelled_since is not None and row.updated_at >= asked.cancelled_since
        if called_off and not wanted:
            continue
        seen.add(row.id)
        offered = row.offer_state == OfferState.OFFERED
        look = OFFERED if offered else STATES.get(_own_state(row), STATES["accepted"])
        began = row.preferred_start or row.checked_in_at
        ended = row.preferred_end if row.preferred_start else row.completed_at
        yield _entry(row, look, (began, ended), kind="offer" if offered else "order", cancelled=called_off)


def _own_state(row: Any) -> str:
    """The order's state as far as it is the volunteer's: what they have done is done."""
    return {"completed": "completed", "checked_in": "in_service"}.get(row.offer_state, "accepted")


def _entry(
    row: Any, look: tuple[str, str, str], period: tuple[Any, Any], people: str = "", kind: str = "order",
    cancelled: bool = False,
) -> Entry:  # fmt: skip
    start, end = period
    area = f"{row.building}{f'{row.unit}单元' if row.unit else ''}" if row.building else ""
    state, tone, icon = look
    return Entry(
        clock.local(start or row.due_at).date(), row.item["name"], kind, start, end, row.household_label,
        people, f"/orders/{row.id}", state, tone, icon, "" if kind == "offer" else row.id, row.version,
        row.updated_at, cancelled, area,
    )  # fmt: skip


def _estate_orders() -> Select[Any]:
    names = select(func.aggregate_strings(Offer.volunteer_name, "、")).where(
        Offer.order_id == ServiceOrder.id, Offer.round == ServiceOrder.reopened, Offer.state.in_(HELD)
    )
    return (
        _where(select(*_COLUMNS, names.correlate(ServiceOrder).scalar_subquery().label("helpers")))
        .where(ServiceOrder.estate_id == bindparam("estate"), ServiceOrder.preferred_start.is_not(None))
        .where(ServiceOrder.preferred_start >= bindparam("begin"), ServiceOrder.preferred_start < bindparam("end"))
        .where(ServiceOrder.state.not_in((State.CANCELLED, State.SENT_BACK)))
        .order_by(ServiceOrder.preferred_start, ServiceOrder.id)
        .limit(MOST)
    )


_ESTATE = _estate_orders()
_OF_BUILDING = _ESTATE.where(ServiceOrder.building_id == bindparam("building"))


def _of_estate(asked: Asked) -> Iterator[Entry]:
    begin, end = asked.bounds
    values: dict[str, Any] = {"estate": asked.estate_id, "begin": begin, "end": end}
    statement = _OF_BUILDING if asked.building_id else _ESTATE
    if asked.building_id:
        values["building"] = asked.building_id
    if asked.volunteer_id:
        theirs = select(Offer.order_id).where(
            Offer.volunteer_id == asked.volunteer_id, Offer.state.in_((*HELD, OfferState.OFFERED)),
            Offer.offered_at >= begin - AHEAD,
        )  # fmt: skip
        statement = statement.where(ServiceOrder.id.in_(theirs))
    for row in fast().execute(statement, values):
        yield _entry(row, STATES[row.state], (row.preferred_start, row.preferred_end), row.helpers or "")


Choice = tuple[str, str]
ESTATES, NARROWED = 500, 1500


@dataclass(frozen=True)
class Picks:
    """Whose calendar a desk looks at, and what else it can be, as (id, name): estates, and buildings and volunteers of
    this one."""

    estate: Choice
    estates: list[Choice]
    buildings: list[Choice]
    volunteers: list[Choice]


def get_picks(viewer: Viewer, wanted: str) -> Picks:
    """The estate wanted, or the first by name, among those whose orders the viewer reads, in one statement.

    Raises ``NotFound``.
    """
    reach = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths("orders:read")))
    reach = reach.order_by(Estate.name, Estate.id)
    chosen = reach.where(Estate.id == wanted) if wanted else reach
    here = chosen.with_only_columns(Estate.id).limit(1).scalar_subquery()
    estates = reach.limit(ESTATES).subquery()
    parts = (
        select(estates.c.id, estates.c.name, _ZERO.label("number"), _ZERO.label("kind")),
        select(Building.id, Building.name, Building.number, _ONE).where(Building.estate_id == here),
        select(Person.id, Person.name, _ZERO, _TWO)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .where(Volunteer.estate_id == here, Volunteer.standing != "left"),
    )
    every = union_all(*parts).subquery()
    order = (every.c.kind, every.c.number, every.c.name, every.c.id)
    rows = fast().execute(select(every).order_by(*order).limit(ESTATES + NARROWED)).all()
    found = [[(row.id, row.name) for row in rows if row.kind == kind] for kind in range(len(parts))]
    estate = next((one for one in found[0] if one[0] == wanted or not wanted), None)
    if estate is None:
        raise NotFound
    return Picks(estate, *found)


def digest_of(token: str) -> str:
    """What the database keeps of a feed's token."""
    return hashlib.sha256(b"calendar feed\0" + token.encode("utf-8", "replace")).hexdigest()


_LIVE = CalendarFeed.withdrawn_at.is_(None)
_OPENED = (
    select(CalendarFeed.id, CalendarFeed.person_id, CalendarFeed.created_at, CalendarFeed.read_on, Person.name)
    .join(Person, Person.id == CalendarFeed.person_id)
    .join(Volunteer, Volunteer.person_id == CalendarFeed.person_id)
    .where(CalendarFeed.digest == bindparam("digest"), _LIVE, Volunteer.standing != "left")
)


def get_opened(token: str) -> Any:
    """Whose calendar a token opens: id, person_id, created_at, read_on, name. Raises ``NotFound``, whether it never
    was or was withdrawn, and for a volunteer who has left."""
    row = fast().execute(_OPENED, {"digest": digest_of(token)}).first()
    if row is None:
        raise NotFound
    return row


def list_feeds(viewer: Viewer) -> Sequence[Any]:
    """The viewer's live feeds: id, label, created_at, read_on."""
    wanted = select(CalendarFeed.id, CalendarFeed.label, CalendarFeed.created_at, CalendarFeed.read_on)
    mine = wanted.where(CalendarFeed.person_id == viewer.person_id, _LIVE).order_by(CalendarFeed.slot)
    return fast().execute(mine).all()


def day_of(text: str | None) -> date:
    """A day from an address, within a few years of today; today for anything else."""
    today = clock.today()
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return today
    return day if abs((day - today).days) < 366 * 3 else today
