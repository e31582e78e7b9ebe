"""Reading services lists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from community.grid.models import Estate
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import db, fast
from services.catalogue.models import ServiceItem

_OPEN = (
    select(ServiceItem.__table__)
    .where(ServiceItem.estate_id == bindparam("estate"), ServiceItem.is_active)
    .order_by(ServiceItem.position, ServiceItem.code)
)


def list_open(estate_id: str | None) -> Sequence[ServiceItem]:
    """What can be ordered in an estate, in the list's order; rows of the table's columns."""
    rows: Sequence[ServiceItem] = fast().execute(_OPEN, {"estate": estate_id}).all()  # type: ignore[assignment]
    return rows


def list_all(estate_id: str) -> Sequence[ServiceItem]:
    """An estate's whole list, withdrawn items last."""
    order = (ServiceItem.is_active.desc(), ServiceItem.position, ServiceItem.code)
    return db.session.scalars(select(ServiceItem).where(ServiceItem.estate_id == estate_id).order_by(*order)).all()


def asking_for(course: str, viewer: Viewer) -> Sequence[str]:
    """Items that ask for a training, by its code, as far as the viewer sees services lists: names, with the estate."""
    named = ServiceItem.name + "（" + Estate.name + "）"
    found = select(named).join(Estate, Estate.id == ServiceItem.estate_id)
    found = found.where(ServiceItem.training == course, ServiceItem.is_active)
    found = found.where(under(Estate.path, viewer.paths("catalogue:read"))).order_by(Estate.name, ServiceItem.position)
    return fast().scalars(found.limit(50)).all()


def get_item(viewer: Viewer, item_id: str, permission: str) -> ServiceItem:
    """An item of an estate in which the viewer holds the permission. Raises ``NotFound``."""
    row = db.session.execute(
        select(ServiceItem, Estate.path)
        .join(Estate, Estate.id == ServiceItem.estate_id)
        .where(ServiceItem.id == item_id)
    ).first()
    if row is None or not viewer.may_at(permission, row[1]):
        raise NotFound
    item: ServiceItem = row[0]
    return item


def list_estates(viewer: Viewer, limit: int = 200) -> Sequence[Estate]:
    """The estates whose lists the viewer may read, by name."""
    within = select(Estate).where(under(Estate.path, viewer.paths("catalogue:read")))
    return db.session.scalars(within.order_by(Estate.name).limit(limit)).all()


def get_estate(viewer: Viewer, estate_id: str) -> Estate:
    """An estate whose list the viewer may edit; without an id the only or first one. Raises ``NotFound``."""
    within = select(Estate).where(under(Estate.path, viewer.paths("catalogue:edit")))
    if estate_id:
        within = within.where(Estate.id == estate_id)
    found = db.session.scalars(within.order_by(Estate.name).limit(1)).first()
    if found is None:
        raise NotFound
    return found
