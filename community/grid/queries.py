"""Reading the grid: estates, buildings, households; every function takes the viewer and cuts to their subtrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.orm import defer

from community.grid.models import PHONE_COLUMN, Building, Estate, Household, Person, PersonPhone, RollImport, Unit
from community.grid.permissions import shows_names
from community.organisations.models import Appointment, Organisation
from community.organisations.queries import under
from core import clock
from core.access import NotFound, Role, Viewer
from core.audit import Event
from core.database import db, fast
from core.identity import PARTY_CODES, age_on, mask_name, mask_phone
from core.sealing import sealer
from core.web.paging import PAGE, Page, after, page_of

MARKS: dict[str, Callable[[str, str | None], set[str]]] = {}
"""What other rooms know of households, by the mark's name in the legend (``order``, ``vol``): a function of an estate
and, for one building, that building; it gives the ids of the households that carry the mark, in one statement."""

HISTORY = 30
"""Events that a page shows of one household or person."""

PATH = func.coalesce(Organisation.path, Estate.path)
"""Where a building stands in the organisation tree: at its party group, else at the estate's branch."""


@dataclass
class Resident:
    """Someone living in a household, as lists show them; names are masked for those who may not see them."""

    id: str
    name: str
    relation: str
    is_householder: bool
    is_party: bool
    age: int | None
    care: list[str]
    phone: str = ""


@dataclass
class Home:
    """A household in a picture or a list."""

    id: str
    building_id: str
    unit: int
    door: str
    floor: int
    label: str
    occupancy: str
    is_vacant: bool
    party: bool = False
    hard: bool = False
    people: list[Resident] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """A building in its estate, and where it stands in the organisation tree."""

    id: str
    name: str
    kind: str
    path: str
    group_name: str
    estate_id: str
    estate_name: str
    estate_path: str

    @property
    def estate(self) -> EstatePlace:
        """The estate that the building stands in."""
        return EstatePlace(self.estate_id, self.estate_name, self.estate_path)


@dataclass(frozen=True)
class EstatePlace:
    """An estate by name and place in the organisation tree."""

    id: str
    name: str
    path: str


def place_of(estate: Estate) -> EstatePlace:
    """The same of a stored estate."""
    return EstatePlace(estate.id, estate.name, estate.path)


@dataclass(frozen=True)
class PostHeld:
    """A post somebody holds in an estate or at a building's party group."""

    role: Role
    person_name: str
    path: str


# Estates


def list_estates(viewer: Viewer, *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Estates within reach by name, each with its branch, the body above it and how many buildings it has."""
    paths = viewer.paths("people:read")
    above = Organisation.__table__.alias("above")
    count = select(func.count()).where(Building.estate_id == Estate.id).scalar_subquery()
    statement = (
        select(Estate.id, Estate.name, Organisation.name.label("branch"), above.c.name.label("community"),
               count.label("buildings"))
        .join(Organisation, Organisation.id == Estate.branch_id)
        .outerjoin(above, above.c.id == Organisation.parent_id)
        .where(or_(under(Estate.path, paths), _holds_group(paths)))
    )  # fmt: skip
    rows = fast().execute(after(statement, [Estate.name], [str], cursor, limit)).all()
    return page_of(rows, limit, lambda row: [row.name])


def _holds_group(paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether one of these paths lies below the estate's branch: that of a steward's building."""
    groups = Organisation.__table__.alias("groups")
    return (
        exists()
        .where(groups.c.parent_id == Estate.branch_id, groups.c.path.in_(paths))
        .correlate(Estate)
    )  # fmt: skip


def get_estate(viewer: Viewer, estate_id: str, permission: str = "people:read") -> Estate:
    """An estate within reach; for a steward that of their building. Raises ``NotFound``."""
    found = db.session.get(Estate, estate_id)
    if found is None or not any(_touches(found.path, path) for path in viewer.paths(permission)):
        raise NotFound
    return found


def _touches(estate_path: str, held: str) -> bool:
    return estate_path.startswith(held) or held.startswith(estate_path)


def list_importable(viewer: Viewer) -> list[tuple[str, str]]:
    """Estates that the viewer may import rolls into: id and name."""
    wanted = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths("people:import")))
    return [(row.id, row.name) for row in fast().execute(wanted.order_by(Estate.name).limit(500))]


# Buildings


def list_buildings(viewer: Viewer, estate_id: str) -> list[Block]:
    """The buildings of an estate within reach, by number and name."""
    return _blocks(viewer, Building.estate_id == estate_id)


def get_building(viewer: Viewer, building_id: str) -> tuple[Block, list[Block]]:
    """A building within reach and its neighbours in the estate, itself among them. Raises ``NotFound``."""
    estate = select(Building.estate_id).where(Building.id == building_id).scalar_subquery()
    blocks = _blocks(viewer, Building.estate_id == estate)
    found = next((block for block in blocks if block.id == building_id), None)
    if found is None:
        raise NotFound
    return found, blocks


def _blocks(viewer: Viewer, which: ColumnElement[bool]) -> list[Block]:
    rows = fast().execute(
        select(Building.id, Building.name, Building.kind, PATH, func.coalesce(Organisation.name, ""), Estate.id,
               Estate.name, Estate.path)
        .join(Estate, Estate.id == Building.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(which)
        .order_by(Building.number, Building.name)
    )  # fmt: skip
    blocks = [Block(*row) for row in rows]
    return [block for block in blocks if viewer.may_at("people:read", block.path)]


_HOME = (Household.id, Household.building_id, Unit.number, Household.door, Household.floor, Household.label,
         Household.occupancy, Household.is_vacant)  # fmt: skip


def list_homes(viewer: Viewer, estate_id: str) -> list[Home]:
    """All households of an estate with their marks, in one statement; ``hard`` only where the viewer may see it."""
    lived = (
        select(
            Person.household_id,
            func.max(case((Person.political_status.in_(PARTY_CODES), 1), else_=0)).label("party"),
            func.max(case((Person.care != [], 1), else_=0)).label("hard"),
        )
        .where(Person.estate_id == estate_id, Person.moved_out_on.is_(None))
        .group_by(Person.household_id)
        .subquery()
    )
    rows = fast().execute(
        select(*_HOME, PATH, func.coalesce(lived.c.party, 0), func.coalesce(lived.c.hard, 0))
        .join(Unit, Unit.id == Household.unit_id)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Household.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .outerjoin(lived, lived.c.household_id == Household.id)
        .where(Household.estate_id == estate_id)
    )
    homes = []
    for row in rows:
        if viewer.may_at("people:read", row[8]):
            home = Home(*row[:8])
            home.party, home.hard = bool(row[9]), bool(row[10]) and viewer.may_at("people:care", row[8])
            homes.append(home)
    return homes


def list_homes_of(viewer: Viewer, block: Block) -> list[Home]:
    """The households of a building with the people living in each, in one statement."""
    return list(_homes(viewer, block.path, Household.building_id == block.id).values())


def _homes(viewer: Viewer, path: str, which: ColumnElement[bool]) -> dict[str, Home]:
    statement = (
        select(*_HOME, *_RESIDENT)
        .join(Unit, Unit.id == Household.unit_id)
        .outerjoin(Person, (Person.household_id == Household.id) & Person.moved_out_on.is_(None))
        .outerjoin(PersonPhone, (PersonPhone.person_id == Person.id) & (PersonPhone.position == 0))
        .where(which)
        .order_by(Unit.number, Household.door, Person.is_householder.desc(), Person.birth_date, Person.id)
    )
    homes: dict[str, Home] = {}
    for row in fast().execute(statement):
        home = homes.setdefault(row[0], Home(*row[:8]))
        if row.person_id is not None:
            someone = resident(viewer, path, row)
            home.people.append(someone)
            home.party |= someone.is_party
            home.hard |= bool(someone.care)
    return homes


_RESIDENT = (
    Person.id.label("person_id"), Person.name, Person.relation, Person.is_householder, Person.political_status,
    Person.birth_date, Person.care, PersonPhone.sealed,
)  # fmt: skip


def resident(viewer: Viewer, path: str, row: Any) -> Resident:
    """A row of people as this viewer may see it. The phone stays sealed until ``open_phones`` masks it."""
    name = row.name if shows_names(viewer, path) else mask_name(row.name)
    care = row.care if viewer.may_at("people:care", path) else []
    age = age_on(row.birth_date, clock.today()) if row.birth_date else None
    party = row.political_status in PARTY_CODES
    return Resident(row.person_id, name, row.relation, row.is_householder, party, age, care, row.sealed or "")


def masked_phone(sealed: str) -> str:
    """A sealed phone as pages show it: 138****2046."""
    return mask_phone(sealer().open(sealed, PHONE_COLUMN)) if sealed else ""


def marks_of(estate_id: str, building_id: str | None = None) -> dict[str, set[str]]:
    """The households that carry each mark of another room."""
    return {name: find(estate_id, building_id) for name, find in MARKS.items()}


def list_posts(estate_path: str) -> list[PostHeld]:
    """The posts held today at an estate's branch and its party groups, volunteers left out; strongest first."""
    today = clock.today()
    rows = fast().execute(
        select(Appointment.role, Person.name, Organisation.path)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .join(Person, Person.id == Appointment.person_id)
        .where(Organisation.path.startswith(estate_path, autoescape=True), Appointment.role != Role.VOLUNTEER)
        .where(Appointment.starts_on <= today, or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today))
        .order_by(Appointment.starts_on, Person.id)
    )
    rank = {role: n for n, role in enumerate(Role)}
    return sorted((PostHeld(Role(role), name, path) for role, name, path in rows), key=lambda post: -rank[post.role])


# Households


@dataclass(frozen=True)
class HouseholdPage:
    """A household within reach: its row, its building, and the people living in it."""

    household: Household
    block: Block
    people: list[Resident]


def get_household(viewer: Viewer, household_id: str, permission: str = "people:read") -> HouseholdPage:
    """A household with its people, phones masked. Raises ``NotFound``."""
    row = db.session.execute(
        select(Household, Building.id, Building.name, Building.kind, PATH, func.coalesce(Organisation.name, ""),
               Estate.id, Estate.name, Estate.path)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Household.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(Household.id == household_id)
    ).first()  # fmt: skip
    if row is None or not viewer.may_at(permission, row[4]):
        raise NotFound
    home = _homes(viewer, row[4], Household.id == household_id)[household_id]
    for someone in home.people:
        someone.phone = masked_phone(someone.phone)
    return HouseholdPage(row[0], Block(*row[1:]), home.people)


def list_events(subjects: Sequence[tuple[str, str]]) -> list[Event]:
    """The last events of these subjects (kind and id), newest first."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for kind, id_ in subjects:
        kinds[kind].append(id_)
    which = [(Event.subject_kind == kind) & Event.subject_id.in_(ids) for kind, ids in kinds.items()]
    newest = select(Event).where(or_(*which)).order_by(Event.at.desc(), Event.id.desc()).limit(HISTORY)
    return list(db.session.scalars(newest))


def list_households(
    viewer: Viewer, *, building: str | None, q: str, cursor: str | None, limit: int
) -> Page[dict[str, Any]]:
    """Households for programs, by building and door, names and phones always masked: one statement."""
    homes = (
        select(Household.id, Household.label, Household.building_id, Unit.number.label("unit"), Household.door,
               Building.name.label("building"))
        .join(Unit, Unit.id == Household.unit_id)
        .join(Building, Building.id == Household.building_id)
        .join(Estate, Estate.id == Household.estate_id)
        .outerjoin(Organisation, Organisation.id == Building.party_group_id)
        .where(under(PATH, viewer.paths("people:read")))
    )  # fmt: skip
    if building:
        homes = homes.where(Household.building_id == building)
    if q:
        named = exists().where(
            Person.household_id == Household.id, Person.moved_out_on.is_(None),
            or_(Person.name.startswith(q, autoescape=True), Person.initials.startswith(q.lower(), autoescape=True)),
        )  # fmt: skip
        homes = homes.where(or_(Household.label.contains(q, autoescape=True), Household.door == q, named))
    keys = [Household.building_id, Unit.number, Household.door, Household.id]
    cut = after(homes, keys, [str, int, str, str], cursor, limit).subquery()
    rows = fast().execute(
        select(cut, Person.id.label("person_id"), Person.name, PersonPhone.sealed)
        .outerjoin(Person, (Person.household_id == cut.c.id) & Person.moved_out_on.is_(None))
        .outerjoin(PersonPhone, (PersonPhone.person_id == Person.id) & (PersonPhone.position == 0))
        .order_by(cut.c.building_id, cut.c.unit, cut.c.door, cut.c.id, Person.is_householder.desc(), Person.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        item = found.setdefault(row.id, {"id": row.id, "label": row.label, "building": row.building, "unit": row.unit,
                                         "door": row.door, "people": [], "key": list(row[2:5])})  # fmt: skip
        if row.person_id:
            item["people"].append({"id": row.person_id, "name": mask_name(row.name), "phone": masked_phone(row.sealed)})
    page = page_of(list(found.values()), limit, lambda item: [*item["key"], item["id"]])
    return Page([{k: v for k, v in item.items() if k != "key"} for item in page.items], page.next_cursor)


# Imports


def list_imports(viewer: Viewer, *, cursor: str | None = None, limit: int = 20) -> Page[Any]:
    """Rolls uploaded into estates within reach, newest first, without the files."""
    statement = (
        select(RollImport.id, RollImport.filename, RollImport.uploaded_at, RollImport.state, RollImport.summary,
               Estate.name.label("estate_name"), Person.name.label("by"))
        .join(Estate, Estate.id == RollImport.estate_id)
        .outerjoin(Person, Person.id == RollImport.uploaded_by)
        .where(under(Estate.path, viewer.paths("people:import")))
    )  # fmt: skip
    keys = [RollImport.uploaded_at, RollImport.id]
    rows = fast().execute(after(statement, keys, [datetime, str], cursor, limit, descending=True)).all()
    return page_of(rows, limit, lambda row: [row.uploaded_at, row.id])


def get_import(viewer: Viewer, import_id: str) -> tuple[RollImport, Estate]:
    """An uploaded roll within reach; its sealed contents are fetched when first used. Raises ``NotFound``."""
    contents = defer(RollImport.sealed_file), defer(RollImport.sealed_refused)
    wanted = select(RollImport, Estate).join(Estate, Estate.id == RollImport.estate_id).options(*contents)
    row = db.session.execute(wanted.where(RollImport.id == import_id)).first()
    if row is None or not viewer.may_at("people:import", row[1].path):
        raise NotFound
    return row[0], row[1]


def list_leavers(estate_id: str, person_ids: Sequence[str]) -> Sequence[Any]:
    """Of these people those who still live in the estate, with their doors."""
    wanted = select(Person.id, Person.name, Household.label).join(Household, Household.id == Person.household_id)
    wanted = wanted.where(Person.id.in_(person_ids), Person.estate_id == estate_id, Person.moved_out_on.is_(None))
    return fast().execute(wanted.order_by(Household.label, Person.id)).all()
