"""People around an order: whom one may order for, and the faces that its page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from community.grid.models import PHONE_COLUMN, Building, Estate, Household, Person, PersonPhone, Proxy
from community.organisations.models import Organisation
from core import identity
from core.access import NotFound, Viewer
from core.database import fast
from core.sealing import sealer
from services.orders.aggregate import Order
from services.orders.models import Offer, OfferState, ServiceOrder
from services.orders.queries import reader
from volunteers.hours import stars
from volunteers.hours import sums as rolled


@dataclass(frozen=True)
class Target:
    """Someone an order can be placed for: ``kind`` is self, home, family or staff."""

    person_id: str
    name: str
    label: str
    kind: str
    estate_id: str


_TARGETS = (
    select(
        Person.id,
        Person.name,
        Person.household_id,
        Household.label,
        Estate.path,
        func.coalesce(Organisation.path, Estate.path).label("node"),
        Proxy.helper_id,
        Estate.id.label("estate_id"),
    )
    .join(Household, Household.id == Person.household_id)
    .join(Estate, Estate.id == Person.estate_id)
    .join(Building, Building.id == Household.building_id)
    .outerjoin(Organisation, Organisation.id == Building.party_group_id)
    .outerjoin(Proxy, (Proxy.household_id == Person.household_id) & (Proxy.helper_id == bindparam("me")))
    .where(
        Person.moved_out_on.is_(None),
        or_(
            Person.household_id.in_([bindparam("home"), bindparam("household")]),
            Person.id == bindparam("person"),
            Proxy.helper_id.is_not(None),
        ),
    )
    .order_by(Person.is_householder.desc(), Person.created_at, Person.id)
    .limit(40)
)


def list_targets(viewer: Viewer, household_id: str = "", person_id: str = "") -> list[Target]:
    """Whom the viewer may order for: themselves, their home, families who named them, and for staff the people of the
    household (or the person) asked about. The viewer stands first."""
    values = {"me": viewer.person_id, "home": viewer.household_id or "", "household": household_id, "person": person_id}
    found = []
    for row in fast().execute(_TARGETS, values):
        if row.id == viewer.person_id:
            kind = "self"
        elif row.household_id == viewer.household_id:
            kind = "home"
        elif row.helper_id is not None:
            kind = "family"
        elif viewer.may_at("orders:place_for", row.node):
            kind = "staff"
        else:
            continue
        found.append(Target(row.id, row.name, row.label, kind, row.estate_id))
    return sorted(found, key=lambda target: ("self", "home", "family", "staff").index(target.kind))


@dataclass(frozen=True)
class Face:
    """Someone who comes, on the resident's page. ``phone`` is masked; ``visits`` are services here before."""

    person_id: str
    party: bool
    birth_date: Any
    phone: str
    building: str
    minutes: int
    visits: int
    level: int


def _first_phone(person_id: Any) -> Any:
    """The sealed number under which a person is reached first."""
    return select(PersonPhone.sealed).where(PersonPhone.person_id == person_id).order_by(PersonPhone.position).limit(1)


def _masked(sealed: str | None) -> str:
    return identity.mask_phone(sealer().open(sealed, PHONE_COLUMN)) if sealed else ""


_PHONE = _first_phone(bindparam("person"))
_WITH_PHONE = reader(_first_phone(ServiceOrder.person_id).correlate(ServiceOrder).scalar_subquery())


def find_phone(order: Order) -> str:
    """The masked number of the resident of an order that the viewer has read, or nothing."""
    return _masked(fast().execute(_PHONE, {"person": order.person_id}).scalar())


def get_order_and_phone(viewer: Viewer, order_id: str) -> tuple[Order, str]:
    """An order that the viewer reads at a desk, and the masked number of its resident, in one statement.

    Raises ``NotFound``.
    """
    order, (sealed,) = _WITH_PHONE(viewer, order_id)
    if not order.reads(viewer):
        raise NotFound
    return order, _masked(sealed)


@cache
def _faces() -> Any:
    phone = _first_phone(Person.id)
    visits = (
        select(func.count())
        .select_from(Offer)
        .join(ServiceOrder, ServiceOrder.id == Offer.order_id)
        .where(Offer.volunteer_id == Person.id, Offer.state == OfferState.COMPLETED)
        .where(ServiceOrder.household_id == bindparam("household"), ServiceOrder.id != bindparam("order"))
    )
    return (
        select(
            Person.id,
            Person.political_status,
            Person.birth_date,
            phone.correlate(Person).scalar_subquery(),
            func.coalesce(Building.name, ""),
            rolled.total(Person.id),
            visits.correlate(Person).scalar_subquery(),
            *stars.columns(Person.estate_id, Person.id),
        )
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .where(Person.id.in_(bindparam("people", expanding=True)))
    )


def list_faces(order: Order, person_ids: Iterable[str]) -> Mapping[str, Face]:
    """The people of an order that the viewer has read, by id, in one statement. Phones come masked."""
    people = sorted(set(person_ids))
    if not people:
        return {}
    rows = fast().execute(_faces(), {"people": people, "household": order.household_id or "", "order": order.id})
    faces = {}
    for person_id, status, born, sealed, building, minutes, visits, *rules in rows:
        faces[person_id] = Face(
            person_id, status in identity.PARTY_CODES, born, _masked(sealed), building, int(minutes), int(visits),
            stars.of(*rules).level(int(minutes)),
        )  # fmt: skip
    return faces


_DUTY = select(Estate.duty_phone).where(Estate.id == bindparam("estate"))


def find_duty_phone(estate_id: str) -> str:
    """The phone on duty of an estate, or nothing."""
    return fast().execute(_DUTY, {"estate": estate_id}).scalar() or ""
