"""What codes in figures are called."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from community.grid.models import Estate
from core.database import fast
from services.catalogue.models import ServiceItem
from volunteers.hours.stars import NAMES
from volunteers.teams.reports import list_names

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


def key_names(by: str, path: str) -> dict[str, str]:
    """The names of a dimension's keys below a path; a key that names itself is not among them."""
    match by:
        case "item":
            return item_names(path)
        case "team":
            return list_names(path)
        case "tier":
            return {str(level): name for level, name in enumerate(NAMES)}
    return {}
