"""Estates and the buildings in them: how they come to be and what they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from community.grid.addresses import Address, parse_block
from community.grid.models import Estate
from community.organisations.models import Organisation, OrganisationKind
from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db, fast, remembered
from core.ids import new_id

UNASSIGNED = "未归属"
"""The root of estates that no community has been named for."""

NAME_LENGTH = 60
on_new_estate: list[Callable[[str], Any]] = []
"""Called with the id of every new estate, in the same transaction. ``app.py`` puts in what other rooms give to it."""


def find_estate(name: str) -> Estate | None:
    """The estate of this name, if there is one."""
    return db.session.scalar(select(Estate).where(Estate.name == name))


def ensure_estate(name: str, community: Organisation | None, actor: Viewer) -> Estate:
    """The estate of this name; a new one gets its party branch under ``community``, else under a root of its own.

    Caller commits. Raises ``ValueError`` (Chinese) for a name that is empty or too long.
    """
    if not name or len(name) > NAME_LENGTH:
        raise ValueError(f"小区名称要1到{NAME_LENGTH}个字")
    found = find_estate(name)
    if found is not None:
        return found
    branch = add_organisation(OrganisationKind.BRANCH, f"{name}党支部", community or _unassigned())
    db.session.flush()
    estate = Estate(
        id=new_id(), name=name, branch_id=branch.id, path=branch.path, duty_phone="", created_at=clock.now()
    )
    db.session.add(estate)
    db.session.flush()
    subject = Subject("estate", estate.id, estate.id)
    audit.record(actor.person_id, actor.name, "add_estate", subject, details={"name": name})
    for hook in on_new_estate:
        hook(estate.id)
    return estate


def add_organisation(kind: OrganisationKind, name: str, parent: Organisation | None) -> Organisation:
    """A new node of the organisation tree under ``parent``, or a root. Caller flushes."""
    id_ = new_id()
    path = f"{parent.path if parent else ''}{id_}/"
    node = Organisation(id=id_, kind=kind, name=name, parent_id=parent.id if parent else None, path=path, code="")
    db.session.add(node)
    return node


def _unassigned() -> Organisation:
    root = select(Organisation).where(Organisation.parent_id.is_(None), Organisation.name == UNASSIGNED)
    found = db.session.scalar(root)
    if found is None:
        found = add_organisation(OrganisationKind.COMMUNITY, UNASSIGNED, None)
        db.session.flush()
    return found


def block_of(building_name: str) -> tuple[str, str]:
    """What tells a building of this name from others however it is written; see ``Address.block_key``."""
    found = parse_block(building_name)
    return found.block_key if found else ("", building_name)


def door_label(building_name: str, address: Address) -> str:
    """A household's address under the name that the estate gives the building: 3号楼2单元502, 樟树屋场5号."""
    unit = f"{address.unit}单元" if address.unit is not None else ""
    return f"{building_name}{unit}{address.door}{'号' if address.is_hamlet else ''}"


def floor_of(door: str) -> int:
    """The floor that a door's number tells: 5 for 502, 11 for 1103, 1 for shops, -1 for cellars, else 0."""
    if found := re.fullmatch(r"[A-Z]?(\d{1,2})\d\d[A-Z]?", door):
        return int(found[1])
    if door.startswith(("车库", "杂屋", "地下室")):
        return -1
    return 1 if door.startswith(("商铺", "门面", "铺面", "架空层")) else 0


def list_below(path: str) -> Sequence[str]:
    """The ids of all estates below a path, for a statement over their rows: told, and not looked up by it, PostgreSQL
    knows how many there are."""
    below = select(Estate.id).where(Estate.path.like(path + "%"))
    return remembered(("estates", path), lambda: fast().execute(below).scalars().all())
