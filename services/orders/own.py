"""What a person's own pages show: a resident's home and orders, a volunteer's tasks, the counts in the bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, bindparam, func, literal_column, or_, select

from community.grid.models import Building, Estate, Household, Person, Unit
from core import clock, identity
from core.access import Viewer
from core.database import UtcDateTime, fast
from core.outbox import Message
from core.web import paging
from services.orders import evidence
from services.orders.models import OPEN, Offer, OfferState, ServiceOrder, State
from volunteers.hours import stars
from volunteers.hours import sums as rolled
from volunteers.hours.stars import Stars
from volunteers.registry.models import Volunteer

COUNTED = 100
OWN_PAGE = 20
LIVE = (OfferState.OFFERED, OfferState.ACCEPTED, OfferState.CHECKED_IN)
ASSIGNED = (OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)
NOW = bindparam("now", type_=UtcDateTime())
ME: Any = bindparam("me")


def count_up_to(found: Select[Any]) -> Any:
    """How many rows, counted no further than ``COUNTED``: the cost of a count does not grow with the table."""
    return select(func.count()).select_from(found.limit(COUNTED).subquery()).scalar_subquery()


_MINE = or_(
    ServiceOrder.person_id == ME,
    ServiceOrder.placed_by == ME,
    ServiceOrder.household_id == bindparam("household"),
)
_ONE: Any = literal_column("1")
_BADGES = select(
    count_up_to(select(_ONE).select_from(ServiceOrder).where(_MINE, ServiceOrder.state.in_((*OPEN, State.COMPLETED)))),
    count_up_to(
        select(_ONE).select_from(Offer).where(
            Offer.volunteer_id == ME, Offer.state == OfferState.OFFERED, Offer.expires_at > NOW
        )
    ),
    count_up_to(select(_ONE).select_from(Message).where(Message.recipient_id == ME, Message.read_at.is_(None))),
)  # fmt: skip


@dataclass(frozen=True)
class Badges:
    """What waits for a person: orders under way, offers to answer, messages unread; each counted up to 100."""

    orders: int
    offers: int
    unread: int


def badges(viewer: Viewer) -> Badges:
    """The counts in the bar, in one statement."""
    return Badges(*fast().execute(_BADGES, _values(viewer)).one())


def _values(viewer: Viewer) -> dict[str, Any]:
    return {"me": viewer.person_id, "household": viewer.household_id or "", "now": clock.now()}


@dataclass(frozen=True)
class Home:
    """Whom the home page greets, and the door."""

    called: str
    building: str
    door: str
    duty_phone: str


_HOME = (
    select(Person.name, Person.sex, Person.birth_date, Building.name, Unit.number, Household.door, Estate.duty_phone)
    .outerjoin(Household, Household.id == Person.household_id)
    .outerjoin(Building, Building.id == Household.building_id)
    .outerjoin(Unit, Unit.id == Household.unit_id)
    .outerjoin(Estate, Estate.id == Person.estate_id)
    .where(Person.id == ME)
)


def get_home(viewer: Viewer) -> Home:
    """How to address the viewer, where they live, and the estate's phone on duty."""
    name, sex, born, building, unit, door, phone = fast().execute(_HOME, {"me": viewer.person_id}).one()
    age = identity.age_on(born, clock.today()) if born else None
    where = f"{building or ''}{f'{unit}单元' if unit else ''}"
    return Home(identity.honorific(name, sex, age), where, door or "", phone or "")


def _helpers() -> Any:
    """The names of those who took an order, as one text."""
    found = select(func.aggregate_strings(Offer.volunteer_name, "、")).where(
        Offer.order_id == ServiceOrder.id, Offer.round == ServiceOrder.reopened, Offer.state.in_(ASSIGNED)
    )
    return found.correlate(ServiceOrder).scalar_subquery().label("helpers")


_ROW = (
    ServiceOrder.id, ServiceOrder.state, ServiceOrder.item, ServiceOrder.person_id, ServiceOrder.person_name,
    ServiceOrder.salutation, ServiceOrder.household_label, ServiceOrder.placed_at, ServiceOrder.preferred_start,
    ServiceOrder.preferred_end, ServiceOrder.due_at, ServiceOrder.stars, ServiceOrder.accepted_count,
    ServiceOrder.volunteers_needed, ServiceOrder.reopened, ServiceOrder.paused_at, _helpers(),
)  # fmt: skip
_OWN = select(*_ROW).where(_MINE)
OWN_GROUPS: dict[str, tuple[State, ...]] = {
    "open": (*OPEN, State.SENT_BACK),
    "rate": (State.COMPLETED,),
    "done": (State.CLOSED, State.CANCELLED),
}


def list_own(viewer: Viewer, group: str = "", cursor: str | None = None, limit: int = OWN_PAGE) -> paging.Page[Any]:
    """Orders of the viewer and of those they live with, newest first; ``group`` is a key of ``OWN_GROUPS`` or all."""
    statement = _OWN.where(ServiceOrder.state.in_(OWN_GROUPS[group])) if group in OWN_GROUPS else _OWN
    keys = (ServiceOrder.placed_at, ServiceOrder.id)
    rows = fast().execute(
        paging.after(statement, keys, (datetime, str), cursor, limit, descending=True), _values(viewer)
    )
    return paging.page_of(rows.all(), limit, lambda row: (row.placed_at, row.id))


def list_pending(viewer: Viewer) -> Sequence[Any]:
    """The viewer's orders under way or waiting to be rated, newest first, at most ten."""
    wanted = (*OWN_GROUPS["open"], *OWN_GROUPS["rate"])
    statement = _OWN.where(ServiceOrder.state.in_(wanted)).order_by(ServiceOrder.placed_at.desc()).limit(10)
    return fast().execute(statement, _values(viewer)).all()


_TASKS = (
    select(
        ServiceOrder.id,
        ServiceOrder.version,
        ServiceOrder.item,
        ServiceOrder.household_label,
        ServiceOrder.salutation,
        ServiceOrder.note,
        ServiceOrder.attention,
        ServiceOrder.preferred_start,
        ServiceOrder.preferred_end,
        ServiceOrder.door_code,
        ServiceOrder.urgent,
        ServiceOrder.due_at,
        Offer.state.label("offer_state"),
        Offer.reasons,
        Offer.offered_at,
        Offer.expires_at,
        Offer.accepted_at,
        Offer.checked_in_at,
        Offer.completed_at,
        Offer.minutes,
        Offer.is_open_call,
        ServiceOrder.state,
    )
    .join(ServiceOrder, (ServiceOrder.id == Offer.order_id) & (ServiceOrder.reopened == Offer.round))
    .where(
        Offer.volunteer_id == ME,
        or_(Offer.state.in_(LIVE), Offer.completed_at >= bindparam("day", type_=UtcDateTime())),
    )
    .order_by(func.coalesce(ServiceOrder.preferred_start, ServiceOrder.due_at), ServiceOrder.id)
    .limit(200)
)


@dataclass(frozen=True)
class Tasks:
    """A volunteer's day: what is under way or next, offers to answer, and all tasks by time."""

    next: Any | None
    offers: list[Any]
    agenda: list[Any]


def list_tasks(viewer: Viewer) -> Tasks:
    """What a volunteer has to answer, to do, and did today."""
    now = clock.now()
    rows = fast().execute(_TASKS, {"me": viewer.person_id, "day": clock.day_bounds(clock.today())[0]}).all()
    held = [row for row in rows if row.offer_state in (OfferState.ACCEPTED, OfferState.CHECKED_IN)]
    running = [row for row in held if row.offer_state == OfferState.CHECKED_IN]
    offers = [row for row in rows if row.offer_state == OfferState.OFFERED and row.expires_at > now]
    offers.sort(key=lambda row: row.expires_at)
    agenda = [row for row in rows if row.offer_state != OfferState.OFFERED]
    first = (running or held)[:1]
    return Tasks(first[0] if first else None, offers, agenda)


@dataclass(frozen=True)
class Standing:
    """A volunteer at the head of their page."""

    name: str
    party: bool
    is_available: bool
    minutes: int
    month_minutes: int
    month_services: int
    month_stars: float | None
    stars: Stars


@cache
def _standing() -> Select[Any]:
    """The statement, built at its first use: only then all rooms have told what they know."""
    month = bindparam("month", type_=Date())
    since = bindparam("since", type_=UtcDateTime())
    columns: list[Any] = [
        Person.name, Person.political_status, Volunteer.is_available, rolled.total(ME).label("minutes"),
        rolled.in_month(ME, month).label("month_minutes"), rolled.services_in_month(ME, month).label("services"),
        evidence.average_rating(ME, since).label("rating"),
        *stars.columns(Volunteer.estate_id, Volunteer.person_id),
    ]  # fmt: skip
    found = select(*columns).select_from(Person).join(Volunteer, Volunteer.person_id == Person.id)
    return found.where(Person.id == ME)


def find_standing(viewer: Viewer) -> Standing | None:
    """The volunteer's name, whether they take orders, and hours in all and in this month; None for no volunteer."""
    month = clock.today().replace(day=1)
    row = fast().execute(
        _standing(), {"me": viewer.person_id, "month": month, "since": clock.day_bounds(month)[0]}
    ).first()  # fmt: skip
    if row is None:
        return None
    return Standing(
        row.name, row.political_status in identity.PARTY_CODES, row.is_available, int(row.minutes),
        int(row.month_minutes), int(row.services), float(row.rating) if row.rating is not None else None,
        stars.of_row(row),
    )  # fmt: skip
