"""What clocks and their alarms need to know: the estate's rules, who holds which post, which orders are to be rung."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Date, bindparam, func, or_, select

from community.accounts.models import Account
from community.grid.models import Person
from community.organisations.models import Appointment, Organisation, OrganisationKind
from community.policies.queries import column, read
from core.access import ABOVE, BRANCH, Role, Viewer
from core.audit import Event
from core.database import UtcDateTime, fast
from services.orders.aggregate import Order
from services.orders.clock_rules import CLOCKS
from services.orders.models import OPEN, ServiceOrder
from services.orders.queries import RECORD, UNIT, Desk, reader
from services.orders.rules import OFFERS

_NODES = (OrganisationKind.BRANCH, OrganisationKind.COMMUNITY, OrganisationKind.SUBDISTRICT)


@dataclass(frozen=True)
class Holder:
    """Someone who holds a post of the branch, or above it, and can sign in."""

    role: str
    person_id: str
    name: str


@dataclass(frozen=True)
class Setting:
    """What an estate decided about clocks and quiet hours, and who is in charge of the order."""

    rules: dict[str, Any]
    quiet: dict[str, Any]
    holders: tuple[Holder, ...]

    def among(self, person_ids: Collection[str]) -> list[Holder]:
        """Those of these people who hold a post and can sign in, each once."""
        found = {holder.person_id: holder for holder in self.holders if holder.person_id in person_ids}
        return sorted(found.values(), key=lambda holder: holder.person_id)

    def of(self, *roles: Role) -> list[Holder]:
        """Who holds one of these posts, each person once."""
        found = {holder.person_id: holder for holder in self.holders if holder.role in roles}
        return sorted(found.values(), key=lambda holder: holder.person_id)


def _posts() -> Any:
    """The posts of the desk that has the order, and of the community and subdistrict over it, as one text."""
    today = bindparam("today", type_=Date())
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today)
    text = Appointment.role + UNIT + Person.id + UNIT + Person.name
    found = (
        select(func.aggregate_strings(text, RECORD))
        .select_from(Organisation)
        .join(Appointment, Appointment.organisation_id == Organisation.id)
        .join(Person, Person.id == Appointment.person_id)
        .join(Account, (Account.person_id == Person.id) & Account.disabled_at.is_(None))
        .where(Organisation.kind.in_(_NODES), Appointment.role.in_(sorted(BRANCH | ABOVE)))
        .where(func.substr(Desk.path, 1, func.length(Organisation.path)) == Organisation.path)
        .where(Appointment.starts_on <= today, held)
    )
    return found.correlate(Desk).scalar_subquery()


_WITH_SETTING = reader(column(CLOCKS, ServiceOrder.estate_id), column(OFFERS, ServiceOrder.estate_id), _posts())


def get_order_and_setting(viewer: Viewer, order_id: str) -> tuple[Order, Setting]:
    """One order with its offers and what its estate decided, in one statement. Raises ``NotFound``."""
    order, (rules, quiet, posts) = _WITH_SETTING(viewer, order_id)
    holders = tuple(Holder(*part.split(UNIT)) for part in posts.split(RECORD)) if posts else ()
    return order, Setting(read(CLOCKS, rules), read(OFFERS, quiet), holders)


_TO_RING = (
    select(ServiceOrder.id)
    .where(ServiceOrder.next_alarm_at <= bindparam("now", type_=UtcDateTime()), ServiceOrder.state.in_(OPEN))
    .order_by(ServiceOrder.next_alarm_at)
    .limit(bindparam("count"))
)


def list_to_ring(now: datetime, count: int) -> list[str]:
    """Orders whose alarm is due, longest due first; only these are touched, however many are open."""
    return list(fast().scalars(_TO_RING, {"now": now, "count": count}))


_HISTORY = (
    select(Event.at, Event.actor_id, Event.verb, Event.to_state, Event.details)
    .where(Event.subject_kind == "order", Event.subject_id == bindparam("id"))
    .order_by(Event.at, Event.number)
)


def list_history(order_id: str) -> Sequence[Any]:
    """What happened to an order, oldest first, for the alarms."""
    return fast().execute(_HISTORY, {"id": order_id}).all()
