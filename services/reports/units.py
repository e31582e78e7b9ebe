"""The units that figures can be drawn for: bodies of the tree within the viewer's reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from community.grid.models import Estate
from community.organisations.models import Organisation
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import fast

KINDS = ("district", "subdistrict", "community", "branch")
SHOWN = 200


@dataclass(frozen=True)
class Node:
    """A unit in the picker; ``depth`` is how far below the viewer's own it stands."""

    id: str
    name: str
    kind: str
    path: str
    depth: int


_BODIES = select(Organisation.id, Organisation.name, Organisation.kind, Organisation.path).where(
    Organisation.kind.in_(KINDS)
)


def list_units(viewer: Viewer, wanted: str = "") -> list[Node]:
    """Units within reach in the order of the tree, those whose name holds ``wanted``; at most ``SHOWN``."""
    reach = viewer.paths("reports:read")
    found = _BODIES.where(under(Organisation.path, reach))
    if wanted:
        found = found.where(Organisation.name.contains(wanted, autoescape=True))
    top = min((path.count("/") for path in reach), default=1)
    rows = fast().execute(found.order_by(Organisation.path).limit(SHOWN)).all()
    return [Node(row.id, row.name, row.kind, row.path, row.path.count("/") - top) for row in rows]


_CHILDREN = _BODIES.where(Organisation.parent_id == bindparam("parent")).order_by(Organisation.name)


def children(path: str) -> list[Node]:
    """The units right below the one at a path, by name."""
    rows = fast().execute(_CHILDREN, {"parent": path.rstrip("/").rpartition("/")[2]}).all()
    return [Node(row.id, row.name, row.kind, row.path, 0) for row in rows]


_AT = select(Organisation.id, Organisation.name, Organisation.kind, Organisation.path).where(
    Organisation.id == bindparam("id")
)


def get_body(viewer: Viewer, unit_id: str, permission: str = "reports:read") -> Any:
    """A body within reach: id, name, kind, path. Raises ``NotFound``."""
    row = fast().execute(_AT, {"id": unit_id}).first()
    if row is None or not viewer.may_at(permission, row.path):
        raise NotFound
    return row


_ESTATE = select(Estate.id, Estate.name, Estate.path).where(Estate.id == bindparam("id"))


def find_estate(estate_id: str) -> Any:
    """An estate by id: id, name, path; None when there is none."""
    return fast().execute(_ESTATE, {"id": estate_id}).first()


_ESTATE_OF = select(Estate.id).where(Estate.path == bindparam("path"))


def estate_at(path: str) -> str | None:
    """The estate whose branch stands at a path, if it is one's."""
    found: str | None = fast().execute(_ESTATE_OF, {"path": path}).scalar()
    return found


def list_paths(ids: Sequence[str]) -> dict[str, str]:
    """Paths of bodies by id."""
    rows = fast().execute(select(Organisation.id, Organisation.path).where(Organisation.id.in_(ids))).all()
    return {row.id: row.path for row in rows}
