"""Reading what dispatch decides on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, String, bindparam, cast, func, select
from sqlalchemy.orm import aliased

from community.grid.models import Building, Estate, Household, Person
from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.database import UtcDateTime, db, fast
from services.dispatch.matching import Need, Offering, Verdict, judge
from services.dispatch.models import DispatchPlan
from services.orders.aggregate import Order
from services.orders.models import Offer, OfferState, ServiceOrder, State
from volunteers.hours.models import HourEntry
from volunteers.hours.stars import star_level
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow

_PARTY = ("01", "02")
_HELD = (OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)
_BUSY = (OfferState.ACCEPTED, OfferState.CHECKED_IN)


@dataclass(frozen=True)
class Candidate:
    """A volunteer proposed for an order, with reasons a person understands."""

    volunteer_id: str
    name: str
    score: int
    reasons: list[str]
    party: bool
    place: str
    stars: int


def _own(*columns: Any) -> Select[Any]:
    """A correlated select over the offers of the volunteer in question."""
    found = select(*columns).select_from(Offer).where(Offer.volunteer_id == Volunteer.person_id)
    return found.correlate(Volunteer, ServiceOrder)


def _statement() -> Select[Any]:
    """Every volunteer of the estate of every order asked for, a row a pair."""
    week, month = bindparam("week", type_=UtcDateTime()), bindparam("month", type_=UtcDateTime())
    since, year = bindparam("since", type_=UtcDateTime()), bindparam("year", type_=UtcDateTime())
    other, home = aliased(ServiceOrder), aliased(Household)
    skills = select(func.aggregate_strings(VolunteerSkill.skill, ","))
    skills = skills.where(VolunteerSkill.person_id == Volunteer.person_id)
    part = func.aggregate_strings(
        _text(VolunteerWindow.weekday) + ":" + _text(VolunteerWindow.start_minute) + ":"
        + _text(VolunteerWindow.end_minute), ";",
    )  # fmt: skip
    windows = select(part).where(VolunteerWindow.person_id == Volunteer.person_id)
    in_week = _own(func.count()).where(Offer.state.in_(_HELD), Offer.accepted_at >= week)
    minutes = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(
        HourEntry.volunteer_id == Volunteer.person_id, HourEntry.starts_at >= month
    )
    ever = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(HourEntry.volunteer_id == Volunteer.person_id)
    served = (
        _own(func.count())
        .join(other, other.id == Offer.order_id)
        .where(Offer.state == OfferState.COMPLETED, other.person_id == ServiceOrder.person_id, Offer.offered_at >= year)
    )
    declines = _own(func.count()).where(Offer.state == OfferState.DECLINED, Offer.offered_at >= since)
    clashes = (
        _own(func.count())
        .join(other, other.id == Offer.order_id)
        .where(Offer.state.in_(_BUSY), other.id != ServiceOrder.id)
        .where(other.preferred_start < ServiceOrder.preferred_end, other.preferred_end > ServiceOrder.preferred_start)
    )
    held = _own(Offer.state).where(Offer.order_id == ServiceOrder.id, Offer.round == ServiceOrder.reopened)
    live = Household
    chosen = select(
            ServiceOrder.id, Person.id, Person.name, Person.political_status, Person.household_id, live.building_id,
            func.coalesce(Building.name, ""), live.unit_id, skills.scalar_subquery(), windows.scalar_subquery(),
            Volunteer.is_available, Volunteer.weekly_cap, in_week.scalar_subquery(), minutes.scalar_subquery(),
            served.scalar_subquery(), declines.scalar_subquery(), clashes.scalar_subquery(), held.scalar_subquery(),
            home.unit_id.label("order_unit"), ever.scalar_subquery().label("ever"),
    )  # fmt: skip
    return (
        chosen.select_from(ServiceOrder)
        .join(Volunteer, (Volunteer.estate_id == ServiceOrder.estate_id) & (Volunteer.standing == "active"))
        .join(Person, Person.id == Volunteer.person_id)
        .outerjoin(live, live.id == Person.household_id)
        .outerjoin(Building, Building.id == live.building_id)
        .outerjoin(home, home.id == ServiceOrder.household_id)
        .where(ServiceOrder.id.in_(bindparam("orders", expanding=True)))
    )


def _text(column: Any) -> Any:
    return cast(column, String())


_PAIRS = _statement()


def judge_orders(orders: Sequence[Order]) -> dict[str, list[Verdict]]:
    """Every active volunteer of the estate judged for each order, by order id, in one statement."""
    if not orders:
        return {}
    now = clock.now()
    today = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {
        "orders": [order.id for order in orders],
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "since": now - timedelta(days=90),
        "year": now - timedelta(days=365),
    }
    by_id = {order.id: order for order in orders}
    verdicts: dict[str, list[Verdict]] = {order.id: [] for order in orders}
    for row in fast().execute(_PAIRS, values):
        need = _need(by_id[row[0]], row.order_unit)
        verdicts[row[0]].append(judge(need, _offering(row)))
    return verdicts


def _need(order: Order, unit_id: str | None) -> Need:
    return Need(
        order.id, tuple(order.item["skills"]), order.person_id, order.household_id, order.building_id, unit_id,
        order.preferred_start, order.preferred_end,
    )  # fmt: skip


def _offering(row: Any) -> Offering:
    windows = tuple(
        (int(day), int(opens), int(closes))
        for day, opens, closes in (part.split(":") for part in (row[9] or "").split(";") if part)
    )
    skills = frozenset((row[8] or "").split(",")) - {""}
    return Offering(
        row[1], row[2], row[3] in _PARTY, row[4], row[5], row[6], row[7], skills, windows, bool(row[10]), row[11],
        int(row[12]), int(row[13]), int(row[14]), int(row[15]), int(row[16]), row[17], int(row.ever),
    )  # fmt: skip


def ranked(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those not ruled out, cheapest first; ties in a fixed order."""
    fit = [verdict for verdict in verdicts if not verdict.ruled_out]
    return sorted(fit, key=lambda v: (v.cost, v.volunteer.volunteer_id))


def candidates(viewer: Viewer, order: Order, limit: int = 20) -> tuple[list[Candidate], list[tuple[str, str, str]]]:
    """Volunteers for an order, best first, and those ruled out as (id, name, why). Raises ``Forbidden``."""
    if not order.leads(viewer):
        raise Forbidden
    verdicts = judge_orders([order])[order.id]
    found = [
        Candidate(
            who.volunteer_id,
            who.name,
            verdict.score,
            verdict.reasons,
            who.party,
            who.building_name,
            star_level(who.total_minutes),
        )
        for verdict in ranked(verdicts)[:limit]
        for who in (verdict.volunteer,)
    ]
    out = [(v.volunteer.volunteer_id, v.volunteer.name, v.ruled_out) for v in verdicts if v.ruled_out]
    return found, out


def list_waiting(viewer: Viewer, estate_id: str, order_ids: Sequence[str] | None) -> list[Order]:
    """Orders of an estate that wait to be dispatched, most urgent first. Raises ``NotFound`` out of reach."""
    path = fast().execute(select(Estate.path).where(Estate.id == estate_id)).scalar()
    if path is None or not viewer.may_at("orders:dispatch", path):
        raise NotFound
    table = ServiceOrder.__table__
    statement = select(table).where(table.c.estate_id == estate_id, table.c.state == State.PLACED)
    statement = statement.where(table.c.paused_at.is_(None))
    if order_ids is not None:
        statement = statement.where(table.c.id.in_(order_ids))
    rows = fast().execute(statement.order_by(table.c.due_at, table.c.id).limit(500)).mappings().all()
    return [Order(dict(row), path) for row in rows]


def get_plan(viewer: Viewer, plan_id: str) -> DispatchPlan:
    """A plan of an estate in which the viewer dispatches. Raises ``NotFound``."""
    found = select(DispatchPlan, Estate.path).join(Estate, Estate.id == DispatchPlan.estate_id)
    row = db.session.execute(found.where(DispatchPlan.id == plan_id)).first()
    if row is None or not viewer.may_at("orders:dispatch", row[1]):
        raise NotFound
    plan: DispatchPlan = row[0]
    return plan
