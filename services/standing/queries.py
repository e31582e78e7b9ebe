"""Reading standing orders; every function takes the viewer and cuts to what that viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Select, String, bindparam, cast, func, or_, select

from community.grid.models import Building, Estate, Household, Person, Proxy
from community.organisations.models import Appointment, Organisation
from core import clock
from core.access import BRANCH, NotFound, Viewer
from core.audit import Event
from core.database import fast
from services.orders.aggregate import Order
from services.orders.models import Offer, OfferState, ServiceOrder
from services.orders.place_queries import Placing
from services.standing.aggregate import FIELDS, Series, terms_of
from services.standing.models import LIVE, OPEN, HelperState, StandingOrder, StandingVisit, VisitState
from services.standing.plan import BACK

_COLUMNS = [StandingOrder.__table__.c[name] for name in FIELDS]
_TODAY = bindparam("today", type_=Date())
SEPARATOR = "\x1f"
SHOWN = 50


def _leaders() -> Any:
    """Who leads the estate's branch now, as one text."""
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= _TODAY)
    chosen = select(func.aggregate_strings(Appointment.person_id, SEPARATOR)).where(
        Appointment.organisation_id == Estate.branch_id, Appointment.role.in_(sorted(BRANCH)),
        Appointment.starts_on <= _TODAY, held,
    )  # fmt: skip
    return chosen.correlate(Estate).scalar_subquery()


def called_off_days() -> Any:
    """The days of a series, of late and to come, that somebody has called off, as one text."""
    days = select(func.aggregate_strings(cast(StandingVisit.day, String()), SEPARATOR)).where(
        StandingVisit.standing_id == StandingOrder.id, StandingVisit.by_hand, StandingVisit.day >= bindparam("since")
    )
    return days.correlate(StandingOrder).scalar_subquery()


def _whole() -> Select[Any]:
    """A series with how its person lives now."""
    return (
        select(
            *_COLUMNS, Estate.path, Estate.name, Person.name, Person.sex, Person.birth_date,
            (Person.moved_out_on.is_not(None) | (Person.estate_id != StandingOrder.estate_id)).label("gone"),
            Person.household_id, func.coalesce(Household.label, ""), Household.building_id,
            func.coalesce(Organisation.path, Estate.path), Proxy.helper_id, _leaders(), called_off_days(),
        )
        .select_from(StandingOrder)
        .join(Estate, Estate.id == StandingOrder.estate_id)
        .join(Person, Person.id == StandingOrder.person_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .outerjoin(Proxy, (Proxy.household_id == Person.household_id) & (Proxy.helper_id == bindparam("me")))
    )  # fmt: skip


_LIVES = ("estate_path", "estate_name", "person_name", "sex", "birth_date", "is_gone", "household_id",
          "household_label", "building_id", "node_path")  # fmt: skip


def _series(row: Any) -> Series:
    width = len(FIELDS)
    *lives, proxy, leaders, called_off = row[width:]
    return Series(
        dict(zip(FIELDS, row[:width], strict=True)), **dict(zip(_LIVES, lives, strict=True)),
        is_proxy=proxy is not None, leaders=tuple(leaders.split(SEPARATOR)) if leaders else (),
        called_off=frozenset(date.fromisoformat(day) for day in (called_off or "").split(SEPARATOR) if day),
    )  # fmt: skip


def _values(viewer: Viewer) -> dict[str, Any]:
    today = clock.today()
    return {"me": viewer.person_id, "home": viewer.household_id or "", "today": today, "since": today - BACK}


_ONE = _whole().where(StandingOrder.id == bindparam("id"))


def get_series(viewer: Viewer, standing_id: str) -> Series:
    """One series, in one statement. Raises ``NotFound`` outside the viewer's reach."""
    row = fast().execute(_ONE, {"id": standing_id, **_values(viewer)}).first()
    if row is None:
        raise NotFound
    series = _series(row)
    if viewer.person_id != "system" and not series.visible_to(viewer):
        raise NotFound
    return series


_ME: Any = bindparam("me")
_MINE = (
    _whole()
    .where(
        or_(
            StandingOrder.person_id == _ME,
            StandingOrder.placed_by == _ME,
            Person.household_id == bindparam("home"),
            Proxy.helper_id.is_not(None),
        )
    )
    .order_by(StandingOrder.ended_at.is_not(None), StandingOrder.created_at.desc(), StandingOrder.id)
    .limit(SHOWN)
)
_SERVED = (
    _whole()
    .where(
        StandingOrder.state.in_(OPEN),
        or_(
            (StandingOrder.steady_id == _ME) & StandingOrder.steady_state.in_(("asked", "agreed")),
            (StandingOrder.standin_id == _ME) & StandingOrder.standin_state.in_(("asked", "agreed")),
        ),
    )
    .order_by(StandingOrder.created_at, StandingOrder.id)
    .limit(SHOWN)
)


def list_mine(viewer: Viewer) -> list[Series]:
    """Series of the viewer, of their home, of families who named them, and those they set up; ended ones last."""
    return [_series(row) for row in fast().execute(_MINE, _values(viewer))]


def list_served(viewer: Viewer) -> list[Series]:
    """Series for which the viewer, a volunteer, was asked or has agreed to come."""
    return [_series(row) for row in fast().execute(_SERVED, _values(viewer))]


def list_asked(viewer: Viewer) -> list[Series]:
    """Series for which the viewer, a volunteer, is asked to come and has not answered."""
    return [series for series in list_served(viewer) if series.helper(viewer.person_id, (HelperState.ASKED,))]


@dataclass(frozen=True)
class Visit:
    """A day of a series as its page tells it: the order it became with its state, or why it was skipped."""

    day: date
    held_on: date
    state: str
    by_hand: bool
    reason: str
    note: str
    order_id: str | None
    order_state: str | None
    order_version: int | None
    accepted_count: int | None
    starts_at: datetime | None
    made_as: str
    helpers: str

    @property
    def is_taken(self) -> bool:
        """Whether somebody has accepted it, so that it is never moved or called off by the series."""
        return bool(self.accepted_count) or self.order_state in ("accepted", "in_service", "completed", "closed")

    @property
    def is_loose(self) -> bool:
        """Whether it is an order that nobody has accepted yet, and whose time has not come."""
        return self.order_state in ("placed", "dispatched") and not self.is_taken and self.is_ahead

    @property
    def is_ahead(self) -> bool:
        """Whether its time has not come yet."""
        return self.starts_at is None or self.starts_at > clock.now()


def _visits() -> Select[Any]:
    names = select(func.aggregate_strings(Offer.volunteer_name, "、")).where(
        Offer.order_id == StandingVisit.order_id,
        Offer.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)),
    )
    columns: list[Any] = [
        StandingVisit.day, StandingVisit.held_on, StandingVisit.state, StandingVisit.by_hand, StandingVisit.reason,
        StandingVisit.note, StandingVisit.order_id, ServiceOrder.state, ServiceOrder.version,
        ServiceOrder.accepted_count, ServiceOrder.preferred_start, StandingVisit.made_as,
        func.coalesce(names.correlate(StandingVisit).scalar_subquery(), ""),
    ]  # fmt: skip
    return (
        select(*columns).select_from(StandingVisit).outerjoin(ServiceOrder, ServiceOrder.id == StandingVisit.order_id)
    )


_HISTORY = _visits().where(StandingVisit.standing_id == bindparam("id")).order_by(StandingVisit.day.desc())
_COMING = (
    _visits()
    .where(StandingVisit.standing_id == bindparam("id"), StandingVisit.held_on >= _TODAY)
    .order_by(StandingVisit.day)
)


def list_visits(standing_id: str, limit: int = 40) -> list[Visit]:
    """The last days of a series, newest first; the caller has read the series."""
    return [Visit(*row) for row in fast().execute(_HISTORY.limit(limit), {"id": standing_id})]


def list_coming(standing_id: str) -> list[Visit]:
    """The days from today on that were made or skipped already; the caller has read the series."""
    return [Visit(*row) for row in fast().execute(_COMING, {"id": standing_id, "today": clock.today()})]


_EVENTS = (
    select(Event.at, Event.actor_name, Event.verb, Event.from_state, Event.to_state, Event.reason, Event.details)
    .where(Event.subject_kind == "standing_order", Event.subject_id == bindparam("id"))
    .order_by(Event.at.desc(), Event.number.desc())
    .limit(60)
)


def list_events(standing_id: str) -> Sequence[Any]:
    """What was done to a series, newest first; the caller has read the series."""
    return fast().execute(_EVENTS, {"id": standing_id}).all()


TERMS = ("pattern", "starts_on", "until", "start_minute", "end_minute", "holidays", "pause_from", "pause_until")
_TOLD = (
    select(*[StandingOrder.__table__.c[name] for name in (*TERMS, "steady_id", "standin_id")], StandingVisit.note)
    .select_from(StandingOrder)
    .outerjoin(StandingVisit, StandingVisit.order_id == bindparam("order"))
    .where(StandingOrder.id == bindparam("id"))
)


@dataclass(frozen=True)
class Told:
    """What the page of an order says of its series: how it is called (每周二上午), whether the viewer may open it, and
    why nobody of it was asked. Empty for an order by itself; ``may_make``: the viewer may make a series of that."""

    told: str = ""
    note: str = ""
    opens: bool = False
    may_make: bool = False


def find_told(viewer: Viewer, order: Order) -> Told:
    """What to say of the series on the page of an order that the caller has read."""
    near = order.is_ours(viewer)
    if order.standing_id is None:
        return Told(may_make=near or viewer.may_at("orders:place_for", order.estate_path))
    row = fast().execute(_TOLD, {"id": order.standing_id, "order": order.id}).one()
    reads = near or viewer.person_id in (row.steady_id, row.standin_id)
    opens = reads or viewer.may_at("standing:read", order.estate_path)
    return Told(terms_of(row._mapping).told(), row.note or "", opens)


def list_due(limit: int = 200) -> Sequence[str]:
    """Series that the job has to look at, longest waiting first."""
    due = select(StandingOrder.id).where(StandingOrder.state.in_(OPEN), StandingOrder.due_on <= clock.today())
    return fast().scalars(due.order_by(StandingOrder.due_on, StandingOrder.id).limit(limit)).all()


_LAST_VERB = (
    select(Event.verb)
    .where(Event.subject_kind == "order", Event.subject_id == ServiceOrder.id, Event.to_state.is_not(None))
    .order_by(Event.at.desc(), Event.number.desc())
    .limit(1)
    .correlate(ServiceOrder)
    .scalar_subquery()
)
_UNASKED = (
    select(StandingVisit.standing_id, StandingVisit.day, StandingVisit.order_id, StandingVisit.note,
           ServiceOrder.estate_id, ServiceOrder.preferred_start, _LAST_VERB.label("last_verb"))
    .join(ServiceOrder, ServiceOrder.id == StandingVisit.order_id)
    .join(StandingOrder, StandingOrder.id == StandingVisit.standing_id)
    .where(StandingVisit.state == VisitState.MADE, StandingVisit.held_on >= _TODAY, ServiceOrder.state == "placed",
           StandingOrder.state.in_(LIVE))
    .order_by(StandingVisit.held_on, StandingVisit.order_id)
    .limit(1000)
)  # fmt: skip
_FRESH = or_(StandingVisit.note == "", ServiceOrder.updated_at > StandingVisit.written_at)


def list_unasked(standing_id: str | None = None, every: bool = False) -> Sequence[Any]:
    """Visits whose orders wait in the queue, soonest first, with the last step that was taken on each order.

    Those that were left to the branch, and have not changed since, only with ``every`` or for one series.
    """
    wanted = _UNASKED if every or standing_id else _UNASKED.where(_FRESH)
    if standing_id:
        wanted = wanted.where(StandingVisit.standing_id == standing_id)
    return fast().execute(wanted, {"today": clock.today()}).all()


_LED = select(Estate.name, _leaders()).where(Estate.id == bindparam("estate"))


def fresh(row: dict[str, Any], found: Placing) -> Series:
    """A series about to be set up for somebody."""
    name, leaders = fast().execute(_LED, {"estate": found.estate_id, "today": clock.today()}).one()
    return Series(
        row, found.estate_path, name, found.name, found.sex, found.birth_date, False, found.household_id,
        found.label or "", found.building_id, found.node_path, False,
        tuple(leaders.split(SEPARATOR)) if leaders else (), frozenset(),
    )  # fmt: skip


def count_open(household_id: str | None) -> int:
    """How many series of a household are not ended."""
    found = select(func.count()).select_from(StandingOrder).join(Person, Person.id == StandingOrder.person_id)
    wanted = found.where(Person.household_id == household_id, StandingOrder.state.in_(OPEN))
    return int(fast().execute(wanted).scalar_one()) if household_id else 0
