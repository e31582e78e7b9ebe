"""What codes in figures are called."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from community.grid.models import Estate
from core.database import fast
from services.catalogue.models import ServiceItem

_ITEMS = (
    select(ServiceItem.code, func.min(ServiceItem.name))
    .join(Estate, Estate.id == ServiceItem.estate_id)
    .where(Estate.path.like(bindparam("path")))
    .group_by(ServiceItem.code)
)


def item_names(path: str) -> dict[str, str]:
    """The names of the items on the services lists below a path, by code."""
    rows = fast().execute(_ITEMS, {"path": path + "%"}).all()
    return {row[0]: row[1] for row in rows}
