"""What placing an order needs to know: for whom, where they live, what they ask for, whether it is placed already."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased

from community.grid.models import Building, Estate, Household, Person, Proxy
from community.organisations.models import Organisation
from community.policies import queries as policies
from core import clock
from core.access import Viewer
from core.database import UtcDateTime, fast
from core.idempotency import KEPT, IdempotencyKey, opened
from services.catalogue.models import ServiceItem
from services.orders.clock_rules import CLOCKS


def _place_statement() -> Any:
    group = aliased(Organisation)
    chosen = select(
            Person.id, Person.name, Person.sex, Person.birth_date, Person.household_id, Person.moved_out_on, Estate.id,
            Estate.path, Household.building_id, Household.label, func.coalesce(group.path, Estate.path),
    )  # fmt: skip
    return (
        chosen.join(Estate, Estate.id == Person.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Building, Building.id == Household.building_id)
        .outerjoin(group, group.id == Building.party_group_id)
    )


_ITEM = (ServiceItem.id, ServiceItem.code, ServiceItem.name, ServiceItem.category, ServiceItem.icon, ServiceItem.skills,
         ServiceItem.usual_minutes, ServiceItem.volunteers_needed, ServiceItem.deadline_minutes, ServiceItem.clock,
         ServiceItem.offer_minutes, ServiceItem.who_may_order, ServiceItem.verified, ServiceItem.training,
         ServiceItem.min_age, ServiceItem.max_age, ServiceItem.personal_care)  # fmt: skip
_PLACING = (
    _place_statement()
    .add_columns(Proxy.helper_id, *_ITEM, policies.column(CLOCKS, Person.estate_id))
    .outerjoin(Proxy, (Proxy.household_id == Person.household_id) & (Proxy.helper_id == bindparam("viewer")))
    .outerjoin(
        ServiceItem,
        (ServiceItem.estate_id == Person.estate_id) & (ServiceItem.code == bindparam("item")) & ServiceItem.is_active,
    )
)
_BY_PERSON = _PLACING.where(Person.id == bindparam("person"))
_BY_HOUSEHOLD = _PLACING.where(Person.household_id == bindparam("household"), Person.moved_out_on.is_(None)).order_by(
    Person.is_householder.desc(), Person.created_at, Person.id
)


@dataclass(frozen=True)
class Placing:
    """All that placing an order needs to know, read in one statement."""

    person_id: str
    name: str
    sex: int
    birth_date: Any
    household_id: str | None
    moved_out_on: Any
    estate_id: str
    estate_path: str
    building_id: str | None
    label: str | None
    node_path: str
    helper_id: str | None
    item: dict[str, Any] | None
    rules: dict[str, Any] | None
    """What the estate chose for its clocks."""


def find_placing(viewer: Viewer, item: str, person_id: str | None, household_id: str | None) -> Placing | None:
    """The person (or the head of a household), where they live, and the item by code or None when there is none."""
    values = {"viewer": viewer.person_id, "item": item}
    if household_id and not person_id:
        row = fast().execute(_BY_HOUSEHOLD.limit(1), values | {"household": household_id}).first()
    else:
        row = fast().execute(_BY_PERSON, values | {"person": person_id or viewer.person_id}).first()
    if row is None:
        return None
    item_row = dict(zip((c.key for c in _ITEM), row[12:-1], strict=True)) if row[12] else None
    person = dict(zip((f.name for f in fields(Placing)), row[:12], strict=False))
    return Placing(**person, item=item_row, rules=row[-1])


_PLACED = select(IdempotencyKey.answer).where(
    IdempotencyKey.account_id == bindparam("account"),
    IdempotencyKey.key == bindparam("key"),
    IdempotencyKey.created_at > bindparam("since", type_=UtcDateTime()),
)


def find_placed(viewer: Viewer, key: str) -> str | None:
    """The id of the order that a form of the viewer, known by its key, placed within the last 24 hours."""
    values = {"account": viewer.account_id, "key": key, "since": clock.now() - KEPT}
    found: str | None = fast().execute(_PLACED, values).scalar()
    return opened(found) if found else None
