"""The desk's list of standing orders: within reach, newest first, with filters, bounded counts and an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, cast, func, literal_column, or_, select

from community.grid.models import Building, Estate, Household, Person
from community.organisations.queries import under
from core import audit, clock, identity
from core.access import Viewer
from core.audit import EVERYWHERE, Subject
from core.database import fast
from core.web import paging
from services.orders.own import count_up_to
from services.standing.aggregate import terms_of
from services.standing.models import OPEN, HelperState, StandingOrder, StandingState, StandingVisit
from services.standing.plan import HOLIDAYS, Occurrence, clock_words, next_visit
from services.standing.queries import SEPARATOR
from services.standing.wording import STATES, day_words

TABS: Mapping[str, tuple[str, tuple[StandingState, ...]]] = {
    "open": ("全部在办", OPEN),
    "proposed": ("待同意", (StandingState.PROPOSED,)),
    "active": ("进行中", (StandingState.ACTIVE,)),
    "paused": ("暂停", (StandingState.PAUSED,)),
    "ended": ("已结束", (StandingState.ENDED,)),
}
EXPORT_ROWS = 5000
HEADINGS = ("小区", "服务", "日子", "时间", "状态", "住址", "称呼", "需要", "开始", "最后一天", "遇放假", "固定志愿者",
            "替补", "下一次", "谁定的")  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the list shows, as the address says it."""

    tab: str = "open"
    building: str = ""
    alone: bool = False
    q: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address or a form; what is not understood is left out."""
        tab = args.get("tab", "open")
        plain = {name: args.get(name, "").strip().replace("\0", "") for name in ("building", "q")}
        return cls(tab if tab in TABS else "open", plain["building"][:16], bool(args.get("alone")), plain["q"][:60])

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parts of the address that say this, with changes; defaults are left out."""
        values = {"tab": self.tab if self.tab != "open" else "", "building": self.building,
                  "alone": "1" if self.alone else "", "q": self.q}  # fmt: skip
        return {key: value for key, value in (values | changes).items() if value}


def _within(viewer: Viewer) -> ColumnElement[bool]:
    reach = select(Estate.id).where(under(Estate.path, viewer.paths("standing:read")))
    return StandingOrder.estate_id.in_(reach)


def _wanted(viewer: Viewer, filters: Filters) -> ColumnElement[bool]:
    found = _within(viewer) & StandingOrder.state.in_(TABS[filters.tab][1])
    if filters.building:
        found &= Household.building_id == filters.building
    if filters.alone:
        found &= StandingOrder.steady_state != HelperState.AGREED
    if filters.q:
        found &= or_(
            Person.name.startswith(filters.q, autoescape=True),
            Person.initials.startswith(filters.q.lower(), autoescape=True),
            Household.label.contains(filters.q, autoescape=True),
            StandingOrder.item_name.contains(filters.q, autoescape=True),
        )
    return found


def _rows() -> Select[Any]:
    called_off = select(func.aggregate_strings(_text(StandingVisit.day), SEPARATOR)).where(
        StandingVisit.standing_id == StandingOrder.id, StandingVisit.by_hand, StandingVisit.day >= bindparam("today")
    )
    columns: list[Any] = [
        *StandingOrder.__table__.columns, Estate.name.label("estate_name"), Person.name.label("person_name"),
        Person.sex, Person.birth_date, func.coalesce(Household.label, "").label("household_label"),
        called_off.correlate(StandingOrder).scalar_subquery().label("called_off"),
    ]  # fmt: skip
    return (
        select(*columns)
        .select_from(StandingOrder)
        .join(Estate, Estate.id == StandingOrder.estate_id)
        .join(Person, Person.id == StandingOrder.person_id)
        .outerjoin(Household, Household.id == Person.household_id)
    )


def _text(day: Any) -> Any:
    return cast(day, String())


@dataclass(frozen=True)
class Row:
    """A series in the list; ``columns`` are those of the table."""

    columns: Mapping[str, Any]
    told: str
    clock_words: str
    salutation: str
    following: Occurrence | None

    @property
    def next_day(self) -> str:
        """The day of the next visit in words, or nothing."""
        return day_words(self.following.on) if self.following else ""

    def __getattr__(self, name: str) -> Any:
        try:
            return self.columns[name]
        except KeyError:
            raise AttributeError(name) from None


def _row(found: Any) -> Row:
    columns = found._mapping
    terms, born = terms_of(columns), columns["birth_date"]
    age = identity.age_on(born, clock.today()) if born else None
    called_off = [date.fromisoformat(day) for day in (columns["called_off"] or "").split(SEPARATOR) if day]
    live = columns["state"] in (StandingState.ACTIVE, StandingState.PAUSED)
    called = identity.honorific(columns["person_name"], columns["sex"], age)
    hours = clock_words(columns["start_minute"], columns["end_minute"])
    return Row(columns, terms.told(), hours, called, next_visit(terms, called_off) if live else None)


@dataclass(frozen=True)
class Board:
    """A page of the list, a count for each tab (up to 100), and the buildings to filter by."""

    page: paging.Page[Row]
    counts: Mapping[str, int]
    buildings: Sequence[tuple[str, str]]
    estates: int


def get_board(viewer: Viewer, filters: Filters, cursor: str | None, limit: int = paging.PAGE) -> Board:
    """Standing orders within ``standing:read``, newest first, in two statements."""
    keys = (StandingOrder.created_at, StandingOrder.id)
    wanted = _rows().where(_wanted(viewer, filters))
    rows = fast().execute(
        paging.after(wanted, keys, (datetime, str), cursor, limit, descending=True), {"today": clock.today()}
    )  # fmt: skip
    page = paging.page_of([_row(row) for row in rows], limit, lambda row: (row.created_at, row.id))
    *counts, buildings, estates = fast().execute(_head(viewer)).one()
    pairs = [part.partition(SEPARATOR) for part in (buildings or "").split("\x1e") if part]
    return Board(page, dict(zip(TABS, counts, strict=True)), [(value, name) for value, _, name in pairs], estates)


def _head(viewer: Viewer) -> Select[Any]:
    one: Any = literal_column("1")
    reach = select(Estate.id).where(under(Estate.path, viewer.paths("standing:read")))
    counts = [
        count_up_to(select(one).select_from(StandingOrder).where(_within(viewer), StandingOrder.state.in_(states)))
        for _, states in TABS.values()
    ]
    buildings = select(Building.id, Building.name).where(Building.estate_id.in_(reach))
    listed = buildings.order_by(Building.number, Building.name).limit(200).subquery()
    return select(
        *counts,
        select(func.aggregate_strings(listed.c.id + SEPARATOR + listed.c.name, "\x1e")).scalar_subquery(),
        select(func.count()).select_from(reach.limit(2).subquery()).scalar_subquery(),
    )


def record_export(viewer: Viewer, filters: Filters) -> None:
    """Write down that the list was taken out, with its filters. Caller commits."""
    subject = Subject("standing_list", viewer.estate_id or viewer.person_id, viewer.estate_id or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, "export_standing", subject, details=filters.address())


def export(viewer: Viewer, filters: Filters) -> Iterator[str]:
    """The filtered list as lines of CSV, at most ``EXPORT_ROWS``, with a mark of its encoding for spreadsheets."""
    wanted = _rows().where(_wanted(viewer, filters)).order_by(StandingOrder.created_at.desc()).limit(EXPORT_ROWS)
    yield "\ufeff" + _line(HEADINGS)
    for found in fast().execute(wanted, {"today": clock.today()}):
        yield _line(_cells(_row(found)))


def _cells(row: Row) -> list[str]:
    following = row.following.on.isoformat() if row.following else ""
    return [
        row.estate_name, row.item_name, row.told, row.clock_words, STATES[row.state][0], row.household_label,
        row.salutation, row.note, row.starts_on.isoformat(), row.until.isoformat() if row.until else "",
        HOLIDAYS[row.holidays], row.steady_name if row.steady_state == HelperState.AGREED else "",
        row.standin_name if row.standin_state == HelperState.AGREED else "", following, row.placed_by_name,
    ]  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    """One line of CSV; a cell that a spreadsheet would calculate is disarmed."""
    out = io.StringIO()
    csv.writer(out).writerow(["'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells])
    return out.getvalue()
