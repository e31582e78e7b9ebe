"""Reading orders; every function takes the viewer and cuts to what that viewer may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.orm import aliased

from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment, Organisation
from community.policies import queries as policies
from core import clock
from core.access import ABOVE, BRANCH, NotFound, Viewer
from core.audit import Event
from core.database import db, fast
from core.web import paging
from services.dispatch.facts import skills_of
from services.dispatch.models import PairExclusion
from services.dispatch.terms import Offering
from services.orders.aggregate import OFFER_FIELDS, ORDER_FIELDS, Order
from services.orders.evidence import place_of, secretary_of
from services.orders.models import OPEN, Offer, OfferState, ServiceOrder
from services.orders.rules import OFFERS
from volunteers.hours.queries import credited_until
from volunteers.registry.models import Volunteer, VolunteerSkill

_ORDER = [ServiceOrder.__table__.c[name] for name in ORDER_FIELDS]
_OFFER = [Offer.__table__.c[name] for name in OFFER_FIELDS]
UNIT, RECORD = "\x1f", "\x1e"


Desk = aliased(Organisation, name="desk")


def _leaders() -> Any:
    """Who leads the desk that has the order now, as one text: told when an order needs them."""
    today = bindparam("today", type_=Date())
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today)
    chosen = select(func.aggregate_strings(Appointment.person_id, UNIT)).where(
        Appointment.organisation_id == ServiceOrder.desk_id, Appointment.role.in_(sorted(BRANCH | ABOVE)),
        Appointment.starts_on <= today, held,
    )  # fmt: skip
    return chosen.correlate(ServiceOrder).scalar_subquery().label("leaders")


_ONE = (
    select(*_ORDER, Estate.path, Estate.name, Desk.path, Desk.name, _leaders(), *_OFFER)
    .join(Estate, Estate.id == ServiceOrder.estate_id)
    .join(Desk, Desk.id == ServiceOrder.desk_id)
    .outerjoin(Offer, Offer.order_id == ServiceOrder.id)
    .where(ServiceOrder.id == bindparam("id"))
    .order_by(Offer.offered_at, Offer.volunteer_id)
)


def get_order(viewer: Viewer, order_id: str) -> Order:
    """One order with its offers, in one statement. Raises ``NotFound`` outside the viewer's reach."""
    return _one(viewer, _ONE, {"id": order_id})[0]


def _one(viewer: Viewer, statement: Select[Any], values: dict[str, Any], extra: int = 0) -> tuple[Order, Any]:
    """An order and the extra column that the statement ends with, if any."""
    rows = fast().execute(statement, values | {"today": clock.today()}).all()
    return _order_of(viewer, [row[:-1] for row in rows] if extra else rows), rows[0][-1]


def _order_of(viewer: Viewer, rows: Sequence[Any]) -> Order:
    """The order of these rows. Raises ``NotFound`` when there is none, or none that the viewer may know of."""
    if not rows:
        raise NotFound
    order = Order.from_rows(rows)
    if not order.visible_to(viewer) and viewer.person_id != "system":
        raise NotFound
    return order


Reader = Callable[[Viewer, str], tuple[Order, Sequence[Any]]]


def reader(*columns: Any) -> Reader:
    """A function that reads one order with these columns about it or its estate, in one statement, built once."""
    statement, count = _ONE.add_columns(*columns), len(columns)

    def read(viewer: Viewer, order_id: str) -> tuple[Order, Sequence[Any]]:
        rows = fast().execute(statement, {"id": order_id, "today": clock.today()}).all()
        if not rows:
            raise NotFound
        return Order.from_rows([row[:-count] for row in rows]), rows[0][-count:]

    return read


@dataclass(frozen=True)
class Ending:
    """What the record of a service needs besides the order: until when the volunteer's time is credited already, the
    place, and who is in charge: whoever dispatched it last, else the secretary of the branch."""

    credited_until: datetime | None
    place: str
    in_charge_id: str | None
    in_charge: str


def _completing() -> Select[Any]:
    until = credited_until(bindparam("volunteer", type_=Person.id.type)).scalar_subquery()
    sent = (
        select(Event.actor_id + UNIT + Event.actor_name)
        .where(Event.subject_kind == "order", Event.subject_id == bindparam("id"), Event.verb == "dispatch")
        .where(Event.actor_id != "system")
        .order_by(Event.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    home = [
        select(column).join(Household, on).where(Household.id == ServiceOrder.household_id).scalar_subquery()
        for column, on in (
            (Building.name, Household.building_id == Building.id),
            (Unit.number, Household.unit_id == Unit.id),
        )
    ]
    charge = func.coalesce(sent, secretary_of(ServiceOrder.desk_id, bindparam("today", type_=Date())))
    return _ONE.add_columns(until.label("until"), *home, charge.label("charge"))


_COMPLETING = _completing()


def get_order_to_complete(viewer: Viewer, order_id: str, volunteer_id: str) -> tuple[Order, Ending]:
    """An order and what its record needs, in one statement. Raises ``NotFound``."""
    values = {"id": order_id, "volunteer": volunteer_id, "today": clock.today()}
    rows = fast().execute(_COMPLETING, values).all()
    order = _order_of(viewer, [row[:-4] for row in rows])
    until, building, unit, charge = rows[0][-4:]
    id_, _, name = (charge or "").partition(UNIT)
    return order, Ending(until, place_of(order.estate_name, building, unit), id_ or None, name)


def _accepting() -> Select[Any]:
    held = aliased(Offer)
    claims = select(func.count()).select_from(held).where(
        held.volunteer_id == bindparam("volunteer", type_=Person.id.type), held.is_open_call,
        held.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN)),
    )  # fmt: skip
    chosen = policies.column(OFFERS, ServiceOrder.estate_id)
    standing = select(Volunteer.standing).where(Volunteer.person_id == bindparam("volunteer")).scalar_subquery()
    return _ONE.add_columns(
        standing.label("standing"), chosen.label("chosen"), claims.scalar_subquery().label("claims")
    )  # fmt: skip


_ACCEPTING = _accepting()


@dataclass(frozen=True)
class Taker:
    """Who is about to accept: how they stand as a volunteer, how many claims (抢单) they hold, and may hold."""

    standing: str
    claims: int
    most: int


def get_order_to_accept(viewer: Viewer, order_id: str) -> tuple[Order, Taker]:
    """An order and what speaks against the viewer accepting it, in one statement. Raises ``NotFound``."""
    values = {"id": order_id, "volunteer": viewer.person_id, "today": clock.today()}
    rows = fast().execute(_ACCEPTING, values).all()
    order = _order_of(viewer, [row[:-3] for row in rows])
    standing, chosen, claims = rows[0][-3:]
    return order, Taker(standing or "", int(claims), int(policies.read(OFFERS, chosen)["claims_held"]))


def _reached() -> ColumnElement[bool]:
    """Volunteers of the order's estate, those of its community who go to neighbouring estates, and those below the desk
    that it was transferred to."""
    near, body, twin, pool = aliased(Estate), aliased(Organisation), aliased(Organisation), aliased(Estate)
    siblings = select(near.id).join(twin, twin.id == near.branch_id).join(body, body.parent_id == twin.parent_id)
    siblings = siblings.where(body.id == Estate.branch_id).correlate(Estate)
    handed = select(pool.id).where(pool.path.startswith(Desk.path), Desk.path != Estate.path).correlate(Desk, Estate)
    return or_(
        Volunteer.estate_id == ServiceOrder.estate_id,
        (Volunteer.reach == "community") & Volunteer.estate_id.in_(siblings),
        Volunteer.estate_id.in_(handed),
    )


def _helpers(named: bool) -> Select[Any]:
    checked = case((VolunteerSkill.verified_on.is_(None), ""), else_="!")
    skills = select(func.aggregate_strings(VolunteerSkill.skill + checked, ";"))
    skills = skills.where(VolunteerSkill.person_id == Volunteer.person_id)
    apart = select(PairExclusion.id).where(
        PairExclusion.person_id == ServiceOrder.person_id, PairExclusion.volunteer_id == Volunteer.person_id,
        PairExclusion.lifted_at.is_(None),
    )  # fmt: skip
    parts = (
        Person.id, Person.name, func.coalesce(Person.household_id, ""),
        func.coalesce(skills.correlate(Volunteer).scalar_subquery(), ""),
        func.coalesce(cast(Person.birth_date, String), ""), cast(Person.sex, String),
        case((Volunteer.guardian_consent, "y"), else_=""),
        case((apart.correlate(ServiceOrder, Volunteer).exists(), "y"), else_=""),
    )  # fmt: skip
    text = reduce(lambda left, right: left + UNIT + right, parts)
    found = select(func.aggregate_strings(text, RECORD)).select_from(Volunteer)
    found = found.join(Person, Person.id == Volunteer.person_id).where(_reached(), Volunteer.standing == "active")
    if named:
        found = found.where(Volunteer.person_id.in_(bindparam("volunteers", expanding=True)))
    else:
        found = found.where(Volunteer.is_available)
    return _ONE.add_columns(found.correlate(ServiceOrder, Desk, Estate).scalar_subquery().label("helpers"))


_TO_NAMED, _TO_ALL = _helpers(True), _helpers(False)


def get_order_to_dispatch(
    viewer: Viewer, order_id: str, volunteer_ids: Sequence[str] | None
) -> tuple[Order, dict[str, Offering]]:
    """An order with the active volunteers named, or with all in reach who take orders, in one statement. Of them is
    read what can bar somebody from an order, whoever sends them."""
    values: dict[str, Any] = {"id": order_id}
    if volunteer_ids is not None:
        values["volunteers"] = list(volunteer_ids)
    order, text = _one(viewer, _TO_ALL if volunteer_ids is None else _TO_NAMED, values, extra=1)
    helpers = {}
    for record in (text or "").split(RECORD) if text else ():
        person_id, name, household_id, skills, born, sex, guardian, apart = record.split(UNIT)
        helpers[person_id] = Offering(
            person_id, name, order.estate_id, household_id=household_id or None, skills=skills_of(skills), sex=int(sex),
            born=date.fromisoformat(born) if born else None, guardian=bool(guardian), excluded=bool(apart),
        )  # fmt: skip
    return order, helpers


def within(viewer: Viewer, permission: str) -> ColumnElement[bool]:
    """Orders of estates in which the viewer holds a permission."""
    paths = viewer.paths(permission)
    if not paths:
        return false()
    reach = or_(*[Estate.path.startswith(path, autoescape=True) for path in paths])
    return ServiceOrder.estate_id.in_(select(Estate.id).where(reach))


def _on_desk(viewer: Viewer) -> ColumnElement[bool]:
    """Orders on desks within the viewer's reach."""
    paths = viewer.paths("orders:read")
    if not paths:
        return false()
    reach = or_(*[Organisation.path.startswith(path, autoescape=True) for path in paths])
    return ServiceOrder.desk_id.in_(select(Organisation.id).where(reach))


def handed_over(viewer: Viewer) -> ColumnElement[bool]:
    """Open orders that other branches have transferred to the desks within reach."""
    return _on_desk(viewer) & ServiceOrder.state.in_(OPEN)


def readable(viewer: Viewer, mine: bool = False) -> ColumnElement[bool]:
    """Orders this viewer may know of; ``mine``: only those as resident, as placer or as volunteer."""
    offered = select(Offer.order_id).where(Offer.volunteer_id == viewer.person_id)
    own = [ServiceOrder.person_id == viewer.person_id, ServiceOrder.placed_by == viewer.person_id]
    if viewer.household_id and not mine:
        own.append(ServiceOrder.household_id == viewer.household_id)
    if viewer.is_volunteer:
        own.append(ServiceOrder.id.in_(offered))
    return or_(*own) if mine else or_(*own, within(viewer, "orders:read"))


@dataclass(frozen=True)
class Wanted:
    """Which orders a list shows."""

    states: Sequence[str] = ()
    mine: bool = False
    estate_id: str | None = None
    updated_since: datetime | None = None


def list_orders(viewer: Viewer, wanted: Wanted, cursor: str | None, limit: int) -> paging.Page[Order]:
    """Orders with their offers, newest deadline first, in one statement."""
    found = select(ServiceOrder.id, ServiceOrder.due_at)
    if wanted.states:
        found = found.where(ServiceOrder.state.in_(wanted.states))
    if wanted.estate_id:
        found = found.where(ServiceOrder.estate_id == wanted.estate_id)
    if wanted.updated_since:
        found = found.where(ServiceOrder.updated_at >= wanted.updated_since)
    parts = [found.where(readable(viewer, wanted.mine))]
    if not wanted.mine and viewer.paths("orders:dispatch"):
        parts.append(found.where(handed_over(viewer)))
    reached = union(*parts).subquery() if len(parts) > 1 else parts[0].subquery()
    inner = select(reached.c.id, reached.c.due_at)
    keys = (reached.c.due_at, reached.c.id)
    page = paging.after(inner, keys, (datetime, str), cursor, limit, descending=True).subquery()
    statement = (
        select(*_ORDER, Estate.path, Estate.name, Desk.path, Desk.name, literal_column("''"), *_OFFER)
        .join(page, page.c.id == ServiceOrder.id)
        .join(Estate, Estate.id == ServiceOrder.estate_id)
        .join(Desk, Desk.id == ServiceOrder.desk_id)
        .outerjoin(Offer, (Offer.order_id == ServiceOrder.id) & (Offer.state != OfferState.LAPSED))
        .order_by(ServiceOrder.due_at.desc(), ServiceOrder.id.desc(), Offer.offered_at, Offer.volunteer_id)
    )
    rows = fast().execute(statement).all()
    orders = [Order.from_rows(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]
    return paging.page_of(orders, limit, lambda order: (order.row["due_at"], order.row["id"]))


_EVENTS = (
    select(Event.at, Event.actor_id, Event.actor_name, Event.verb, Event.from_state, Event.to_state, Event.reason,
           Event.details, Event.id)
    .where(Event.subject_kind == "order", Event.subject_id == bindparam("id"))
    .order_by(Event.at, Event.number)
)  # fmt: skip


def list_events(viewer: Viewer, order_id: str) -> Sequence[Any]:
    """What happened to an order, oldest first, in one statement; internal notes only for the staff.

    Raises ``NotFound`` outside the viewer's reach.
    """
    own = select(ServiceOrder.id).where(ServiceOrder.id == order_id)
    staff = own.where(or_(within(viewer, "orders:read"), _on_desk(viewer))).exists()
    seen = own.where(readable(viewer)).exists()
    open_to_all = (Event.verb != "note") & seen
    rows = fast().execute(_EVENTS.where(or_(staff, open_to_all)), {"id": order_id}).all()
    if not rows:
        raise NotFound
    return rows


def list_expired(limit: int = 200) -> Sequence[Any]:
    """Orders with an offer that ran out unanswered, as (id, estate)."""
    late = select(Offer.order_id, Offer.estate_id).where(
        Offer.state == OfferState.OFFERED, Offer.expires_at <= clock.now()
    )
    return db.session.execute(late.distinct().limit(limit)).all()
