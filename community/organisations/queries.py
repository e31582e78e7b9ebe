"""Reading organisations, the posts held in them, and who belongs to a viewer's subtrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, exists, false, or_, select

from community.grid.models import Estate, Household, Person
from community.organisations.models import KIND_NAMES, Appointment, Organisation, OrganisationKind
from core import clock
from core.access import ABOVE, BRANCH, ROLE_NAMES, NotFound, Post, Role, Viewer
from core.database import db, fast
from core.web.paging import Page, after, page_of

FOUND = 20
"""How many people a search by name shows."""


def under(column: Any, paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether a stored path lies in one of these subtrees."""
    return or_(false(), *[column.startswith(path, autoescape=True) for path in paths])


def along(column: Any, paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether a stored path lies in one of these subtrees, or is that of a body above one of them."""
    above = sorted({node for path in paths for node in _above(path)})
    return or_(under(column, paths), column.in_(above))


def is_along(path: str, paths: Sequence[str]) -> bool:
    """The same for a path at hand."""
    return any(path.startswith(one) or one.startswith(path) for one in paths)


def list_leaders(path: str) -> list[str]:
    """Ids of those who lead at a node of the tree: whoever holds a leading post at the nearest body that has any."""
    today = clock.today()
    held = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today)
    rows = db.session.execute(
        select(Organisation.path, Appointment.person_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .where(Organisation.path.in_(_above(path)), Appointment.role.in_(sorted(BRANCH | ABOVE)))
        .where(Appointment.starts_on <= today, held)
        .order_by(Appointment.person_id)
    ).all()
    nearest = max((row.path for row in rows), key=len, default="")
    return list(dict.fromkeys(row.person_id for row in rows if row.path == nearest))


def people_within(paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether a person belongs to these subtrees: by the estate, or without one by a post held there.

    The statement must join ``Estate`` to ``Person`` (outer).
    """
    posted = (
        exists()
        .where(Appointment.person_id == Person.id, Organisation.id == Appointment.organisation_id)
        .where(under(Organisation.path, paths))
        .correlate(Person)
    )
    return or_(under(Estate.path, paths), Person.estate_id.is_(None) & posted)


def posts_of(person_id: str) -> list[Post]:
    """The posts a person holds today."""
    today = clock.today()
    rows = fast().execute(
        select(Appointment.role, Organisation.id, Organisation.path, Organisation.name)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .where(Appointment.person_id == person_id, Appointment.starts_on <= today)
        .where(or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today))
    )
    return [Post(Role(role), id_, path, name) for role, id_, path, name in rows]


@dataclass(frozen=True)
class Held:
    """A post in a list of posts."""

    id: str
    role: Role
    person_id: str
    person_name: str
    starts_on: date
    ends_on: date | None

    @property
    def title(self) -> str:
        """The post in Chinese."""
        return ROLE_NAMES[self.role]

    @property
    def is_over(self) -> bool:
        """Whether the term has ended."""
        return self.ends_on is not None and self.ends_on < clock.today()


@dataclass(frozen=True)
class Body:
    """An organisation in the tree, with the posts held in it, present ones apart from ended ones."""

    id: str
    name: str
    kind: str
    path: str
    held: list[Held] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)

    @property
    def kind_name(self) -> str:
        """The kind in Chinese."""
        return KIND_NAMES[OrganisationKind(self.kind)]

    @property
    def depth(self) -> int:
        """How many organisations stand above this one, as far as the tree goes."""
        return self.path.count("/") - 1


def list_bodies(viewer: Viewer, *, cursor: str | None = None, limit: int = 50) -> Page[Body]:
    """Organisations within reach in the order of the tree, a page of them, each with its posts."""
    wanted = select(Organisation.id, Organisation.name, Organisation.kind, Organisation.path)
    wanted = wanted.where(under(Organisation.path, viewer.paths("accounts:appoint")))
    rows = fast().execute(after(wanted, [Organisation.path], [str], cursor, limit)).all()
    page = page_of(rows, limit, lambda row: [row.path])
    bodies = {row.id: Body(row.id, row.name, row.kind, row.path) for row in page.items}
    for organisation_id, held in _held(list(bodies)):
        (bodies[organisation_id].ended if held.is_over else bodies[organisation_id].held).append(held)
    return Page(list(bodies.values()), page.next_cursor)


def _held(organisation_ids: Sequence[str]) -> list[tuple[str, Held]]:
    statement = (
        select(Appointment.organisation_id, Appointment.id, Appointment.role, Appointment.person_id, Person.name,
               Appointment.starts_on, Appointment.ends_on)
        .join(Person, Person.id == Appointment.person_id)
        .where(Appointment.organisation_id.in_(organisation_ids))
        .order_by(Appointment.starts_on, Appointment.id)
    )  # fmt: skip
    rank = {role: n for n, role in enumerate(Role)}
    rows = [(row[0], Held(row[1], Role(row[2]), *row[3:])) for row in fast().execute(statement)]
    return sorted(rows, key=lambda row: -rank[row[1].role])


def list_choices(viewer: Viewer, permission: str = "accounts:appoint") -> list[tuple[str, str]]:
    """Organisations within reach, for a form: id and name with the kind, in the order of the tree, 500 at most."""
    wanted = select(Organisation.id, Organisation.name, Organisation.kind)
    wanted = wanted.where(under(Organisation.path, viewer.paths(permission)))
    rows = fast().execute(wanted.order_by(Organisation.path).limit(500))
    return [(id_, f"{name}（{KIND_NAMES[OrganisationKind(kind)]}）") for id_, name, kind in rows]


def get_organisation(viewer: Viewer, organisation_id: str, permission: str = "accounts:appoint") -> Organisation:
    """An organisation within reach. Raises ``NotFound``."""
    found = db.session.get(Organisation, organisation_id)
    if found is None or not viewer.may_at(permission, found.path):
        raise NotFound
    return found


def get_post(viewer: Viewer, post_id: str) -> tuple[Appointment, Organisation, str]:
    """A post within reach, where it is held and the holder's name. Raises ``NotFound``."""
    found = db.session.get(Appointment, post_id)
    if found is None:
        raise NotFound
    return found, get_organisation(viewer, found.organisation_id), db.session.get_one(Person, found.person_id).name


def estate_at(path: str) -> str | None:
    """The estate whose branch stands at or above a node of the tree."""
    rows = db.session.execute(select(Estate.id, Estate.path).where(Estate.path.in_(_above(path)))).all()
    return max(rows, key=lambda row: len(row.path)).id if rows else None


def _above(path: str) -> list[str]:
    parts = path.rstrip("/").split("/")
    return ["/".join(parts[: n + 1]) + "/" for n in range(len(parts))]


def holds(person_id: str, organisation_id: str, role: Role, starts_on: date) -> bool:
    """Whether the person holds this very post on a day, or has held it from that day on."""
    same = select(Appointment.id).where(
        Appointment.person_id == person_id, Appointment.organisation_id == organisation_id, Appointment.role == role
    )
    open_then = or_(Appointment.ends_on.is_(None), Appointment.ends_on >= starts_on, Appointment.starts_on == starts_on)
    return db.session.execute(same.where(open_then).limit(1)).first() is not None


_PERSON = (
    select(Person.id, Person.name, Person.estate_id, Estate.name.label("estate_name"), Household.label)
    .outerjoin(Estate, Estate.id == Person.estate_id)
    .outerjoin(Household, Household.id == Person.household_id)
)


def search_people(viewer: Viewer, q: str, permission: str = "accounts:appoint") -> Sequence[Any]:
    """People within reach whose name, or its pinyin initials, begins with ``q``."""
    if not q:
        return []
    begins = or_(Person.name.startswith(q, autoescape=True), Person.initials.startswith(q.lower(), autoescape=True))
    wanted = _PERSON.where(begins, Person.moved_out_on.is_(None), people_within(viewer.paths(permission)))
    return fast().execute(wanted.order_by(Person.pinyin, Person.id).limit(FOUND)).all()


def find_person(viewer: Viewer, person_id: str, permission: str = "accounts:appoint") -> Any:
    """One such person by id, or None outside the viewer's reach."""
    wanted = _PERSON.where(Person.id == person_id, people_within(viewer.paths(permission)))
    return fast().execute(wanted).first()
