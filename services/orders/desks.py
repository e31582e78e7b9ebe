"""The desks that an order can be handed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, bindparam, func, or_, select

from community.organisations.models import Appointment, Organisation, OrganisationKind
from core import clock
from core.access import ABOVE, BRANCH, Viewer
from core.database import fast
from services.orders.aggregate import Order, own_desk

UNIT = "\x1f"


@dataclass(frozen=True)
class Desk:
    """An organisation that can take an order, and who works there."""

    id: str
    name: str
    path: str
    leaders: tuple[str, ...]


def _statement() -> Any:
    today = bindparam("today", type_=Date())
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today)
    leaders = select(func.aggregate_strings(Appointment.person_id, UNIT)).where(
        Appointment.organisation_id == Organisation.id, Appointment.role.in_(sorted(BRANCH | ABOVE)),
        Appointment.starts_on <= today, held,
    )  # fmt: skip
    return select(
        Organisation.id, Organisation.name, Organisation.path, Organisation.kind,
        leaders.correlate(Organisation).scalar_subquery(),
    ).where(
        or_(
            Organisation.id.in_(bindparam("above", expanding=True)),
            (Organisation.parent_id == bindparam("community")) & (Organisation.kind == OrganisationKind.BRANCH),
        )
    ).order_by(Organisation.path)  # fmt: skip


_DESKS = _statement()
_TAKING = (OrganisationKind.BRANCH, OrganisationKind.COMMUNITY, OrganisationKind.SUBDISTRICT)


def list_desks(viewer: Viewer, order: Order) -> list[Desk]:
    """Where the viewer may hand this order, its present desk left out: branches of the same community, and the bodies
    above. Whoever no longer has it may only fetch it back. Desks where nobody works are not named."""
    above = order.estate_path.rstrip("/").split("/")
    community = above[-2] if len(above) > 1 else ""
    rows = fast().execute(_DESKS, {"above": above, "community": community, "today": clock.today()})
    found = [Desk(row[0], row[1], row[2], tuple(row[4].split(UNIT))) for row in rows if row[4] and row[3] in _TAKING]
    here = order.desk_id or own_desk(order.estate_path)
    home = own_desk(order.estate_path)
    leads = order.leads(viewer)
    return [desk for desk in found if desk.id != here and (leads or desk.id == home)]
