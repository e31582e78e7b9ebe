"""Changing an estate's services list. Orders keep the item as it was when they were placed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update

from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.workflow import Stale
from services.catalogue.models import ServiceItem

STEP = 10


class NameTaken(ValueError):
    """The list has a service of this name already."""


def add(viewer: Viewer, estate_id: str, values: dict[str, Any]) -> ServiceItem:
    """Put a service at the end of the list. Caller commits. Raises ``NameTaken``."""
    _check_name(estate_id, values["name"], None)
    last = select(func.coalesce(func.max(ServiceItem.position), 0)).where(ServiceItem.estate_id == estate_id)
    id_ = new_id()
    item = ServiceItem(
        id=id_, estate_id=estate_id, code=f"own_{id_[-10:]}", position=(db.session.scalar(last) or 0) + STEP,
        is_active=True, version=1, updated_at=clock.now(), **values,
    )  # fmt: skip
    db.session.add(item)
    db.session.flush()
    _record(viewer, item, "add_item", {"name": item.name})
    return item


def change(viewer: Viewer, item: ServiceItem, values: dict[str, Any], version: int) -> None:
    """Change a service as it was seen in ``version``. Caller commits. Raises ``Stale`` and ``NameTaken``."""
    if item.version != version:
        raise Stale(item.id)
    _check_name(item.estate_id, values["name"], item.id)
    changed = {name: value for name, value in values.items() if getattr(item, name) != value}
    if changed:
        details = {name: [getattr(item, name), value] for name, value in changed.items()}
        _move(item, changed)
        _record(viewer, item, "change_item", details)


def set_active(viewer: Viewer, item: ServiceItem, active: bool) -> None:
    """Withdraw a service from the list, or restore it; orders placed before go on. Caller commits."""
    if item.is_active != active:
        _move(item, {"is_active": active})
        _record(viewer, item, "restore_item" if active else "withdraw_item", {"name": item.name})


def shift(viewer: Viewer, item: ServiceItem, up: bool) -> None:
    """Move a service one place up or down among those that can be ordered. Caller commits."""
    listed = select(ServiceItem).where(ServiceItem.estate_id == item.estate_id, ServiceItem.is_active)
    items = list(db.session.scalars(listed.order_by(ServiceItem.position, ServiceItem.code).with_for_update()))
    places = [found.id for found in items]
    if item.id not in places:
        return
    here = places.index(item.id)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(items):
        return
    items[here], items[there] = items[there], items[here]
    for number, found in enumerate(items, 1):
        if found.position != number * STEP:
            found.position = number * STEP
    db.session.flush()
    _record(viewer, item, "move_item", {"name": item.name, "to": there + 1})


def _check_name(estate_id: str, name: str, own_id: str | None) -> None:
    same = select(ServiceItem.id).where(ServiceItem.estate_id == estate_id, ServiceItem.name == name)
    if any(found != own_id for found in db.session.scalars(same)):
        raise NameTaken("服务清单里已经有这个名称，请换一个，或恢复停用的那一项")


def _move(item: ServiceItem, values: dict[str, Any]) -> None:
    moved = db.session.execute(
        update(ServiceItem)
        .where(ServiceItem.id == item.id, ServiceItem.version == item.version)
        .values(**values, version=item.version + 1, updated_at=clock.now())
        .returning(ServiceItem.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise Stale(item.id)


def _record(viewer: Viewer, item: ServiceItem, verb: str, details: dict[str, Any]) -> None:
    subject = Subject("service_item", item.id, item.estate_id)
    audit.record(viewer.person_id, viewer.name, verb, subject, details=details)
