"""The desk's list of emergency calls within reach, newest first, with filters and an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, true

from community.grid.models import Building, Estate
from community.grid.queries import PATH
from community.organisations.models import Organisation
from community.organisations.queries import under
from core import audit
from core.access import Role, Viewer
from core.audit import Subject
from core.database import fast
from core.web import paging
from core.web.formats import iso
from services.sos.messages import PLACES
from services.sos.models import EmergencyCall, State
from services.sos.queries import IS_OPEN
from services.sos.wording import STATE_NAMES

TABS: Mapping[str, str] = {
    "all": "全部", "open": "进行中", "closed": "已处理", "false_alarm": "误报", "cancelled": "按错撤回",
    "care": "待回访",
}  # fmt: skip
EXPORT_ROWS = 5000
_STEWARDS = frozenset({Role.BUILDING_STEWARD, Role.UNIT_STEWARD})


@dataclass(frozen=True)
class Filters:
    """What the list shows, as the address says it."""

    tab: str = "all"
    estate: str = ""
    q: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address or a form; what is not understood is left out."""
        tab = args.get("tab", "all")
        return cls(
            tab if tab in TABS else "all", args.get("estate", "")[:16].replace("\0", ""),
            args.get("q", "").strip().replace("\0", "")[:60],
        )  # fmt: skip

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parts of the address that say this, with changes; defaults are left out."""
        values: dict[str, Any] = {"tab": "" if self.tab == "all" else self.tab, "estate": self.estate, "q": self.q}
        return {key: value for key, value in (values | changes).items() if value}


def within(viewer: Viewer, permission: str) -> ColumnElement[bool]:
    """Calls in reach: by estate, and for stewards by building."""
    paths = viewer.paths(permission)
    wide = {post.path for post in viewer.posts if post.role not in _STEWARDS}
    reach = [EmergencyCall.estate_id.in_(select(Estate.id).where(under(Estate.path, [p for p in paths if p in wide])))]
    if narrow := [path for path in paths if path not in wide]:
        buildings = (
            select(Building.id)
            .join(Estate, Estate.id == Building.estate_id)
            .outerjoin(Organisation, Organisation.id == Building.party_group_id)
            .where(under(PATH, narrow))
        )
        reach.append(EmergencyCall.building_id.in_(buildings))
    return or_(false(), *reach)


def _in_tab(tab: str) -> ColumnElement[bool] | Any:
    match tab:
        case "all":
            return true()
        case "open":
            return IS_OPEN
        case "care":
            return (EmergencyCall.state == State.CLOSED) & EmergencyCall.after_care_at.is_(None)
    return EmergencyCall.state == tab


_COLUMNS: tuple[Any, ...] = (
    EmergencyCall.id,
    EmergencyCall.state,
    EmergencyCall.household_label,
    EmergencyCall.salutation,
    EmergencyCall.raised_by_name,
    EmergencyCall.raised_as,
    EmergencyCall.raised_at,
    EmergencyCall.place,
    EmergencyCall.place_note,
    EmergencyCall.note,
    EmergencyCall.wave,
    EmergencyCall.lead_name,
    EmergencyCall.answered_at,
    EmergencyCall.on_site_at,
    EmergencyCall.ended_at,
    EmergencyCall.outcome,
    EmergencyCall.after_care,
    EmergencyCall.after_care_at,
    Estate.name.label("estate_name"),
)


def _wanted(viewer: Viewer, filters: Filters, permission: str = "emergency:read") -> Select[Any]:
    found: Select[Any] = select(*_COLUMNS).join(Estate, Estate.id == EmergencyCall.estate_id)
    found = found.where(within(viewer, permission), _in_tab(filters.tab))
    if filters.estate:
        found = found.where(EmergencyCall.estate_id == filters.estate)
    if filters.q:
        found = found.where(EmergencyCall.household_label.contains(filters.q, autoescape=True))
    return found


def list_calls(viewer: Viewer, filters: Filters, cursor: str | None, limit: int = paging.PAGE) -> paging.Page[Any]:
    """Calls within ``emergency:read``, newest first, in one statement."""
    keys = (EmergencyCall.raised_at, EmergencyCall.id)
    statement = paging.after(_wanted(viewer, filters), keys, (datetime, str), cursor, limit, descending=True)
    return paging.page_of(fast().execute(statement).all(), limit, lambda row: (row.raised_at, row.id))


def list_estates(viewer: Viewer) -> list[tuple[str, str]]:
    """Estates to filter by, for those who see several: id and name."""
    wanted = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths("emergency:read")))
    return [(row.id, row.name) for row in fast().execute(wanted.order_by(Estate.name).limit(200))]


def minutes_between(start: datetime, end: datetime | None) -> str:
    """How long something took, in whole minutes, at least one."""
    return "" if end is None else str(max(1, round((end - start).total_seconds() / 60)))


HEADINGS = ("小区", "住址", "称呼", "求助时间", "谁求助", "在哪里", "说明", "状态", "通知次数", "应答人",
            "应答用时(分)", "到场用时(分)", "结束时间", "结果", "回访")  # fmt: skip


def record_export(viewer: Viewer, filters: Filters) -> None:
    """Write down that the list was taken out, with its filters. Caller commits."""
    subject = Subject("emergency_list", viewer.estate_id or viewer.person_id, viewer.estate_id or "")
    audit.record(viewer.person_id, viewer.name, "export_emergencies", subject, details=filters.address())


def export(viewer: Viewer, filters: Filters) -> Iterator[str]:
    """The filtered list as lines of CSV, at most ``EXPORT_ROWS``, with a mark of its encoding for spreadsheets."""
    newest = (EmergencyCall.raised_at.desc(), EmergencyCall.id.desc())
    statement = _wanted(viewer, filters, "emergency:export").order_by(*newest).limit(EXPORT_ROWS)
    yield "\ufeff" + _line(HEADINGS)
    for row in fast().execute(statement):
        yield _line(_cells(row))


def _cells(row: Any) -> list[str]:
    where = "，".join(filter(None, (PLACES[row.place], row.place_note)))
    return [
        row.estate_name, row.household_label, row.salutation, _written(row.raised_at),
        row.raised_by_name if row.raised_as != "self" else "本人或同住", where, row.note, STATE_NAMES[row.state],
        str(row.wave + 1), row.lead_name, minutes_between(row.raised_at, row.answered_at),
        minutes_between(row.raised_at, row.on_site_at), _written(row.ended_at), row.outcome, row.after_care,
    ]  # fmt: skip


def _written(moment: datetime | None) -> str:
    return iso(moment)[:16].replace("T", " ")


def _line(cells: Any) -> str:
    """One line of CSV; a cell that a spreadsheet would calculate is disarmed."""
    out = io.StringIO()
    csv.writer(out).writerow(["'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells])
    return out.getvalue()
