"""What the desk looks at: the week's board, who is missing, whether shifts are shared fairly, the list to take out.

Shifts and what came of them are counted, not who uses the site (政务移动互联网应用程序规范化管理办法).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from community.grid.models import Estate, Person
from community.organisations.queries import along
from core import audit, clock
from core.access import Viewer
from core.audit import EVERYWHERE, Subject
from core.database import fast
from core.identity import mask_name
from volunteers.registry.models import Volunteer
from volunteers.rota import queries
from volunteers.rota.models import COMING, HOLDING, STATE_NAMES, Rota, Shift, ShiftPlace, ShiftState, State
from volunteers.rota.needs import read as read_needs
from volunteers.rota.queries import READ
from volunteers.rota.rules import ROTA
from volunteers.rota.spans import is_night

GRACE = timedelta(minutes=10)
"""How long after the beginning somebody counts as missing."""
SHOWN = 60
EXPORT_ROWS = 5000


def monday_of(text: str) -> date:
    """The Monday of the week of a day as an address gives it; of the present week when it gives none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = clock.today()
    if not date(2020, 1, 1) <= day <= date(2100, 1, 1):
        day = clock.today()
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True)
class Line:
    """A post on the board: its shifts by day of the week, 0 to 6."""

    post: Any
    days: list[list[Any]]


@dataclass(frozen=True)
class Board:
    """A week: a line a post, the days, and sums over what is planned."""

    monday: date
    days: list[date]
    lines: list[Line]
    missing: Sequence[Any]
    needed: int = 0
    taken: int = 0
    to_confirm: int = 0
    short: list[Any] = field(default_factory=list)


def get_board(viewer: Viewer, monday: date, body: str = "") -> Board:
    """The week's board of staff: posts in use within reach × days, in three statements."""
    posts = [post for post in queries.list_posts(viewer) if post.is_active and (not body or post.body == body)][:SHOWN]
    first, last = clock.day_bounds(monday)[0], clock.day_bounds(monday + timedelta(days=6))[1]
    wanted = queries.shift_rows().where(Shift.rota_id.in_([post.id for post in posts]))
    wanted = wanted.where(Shift.starts_at >= first, Shift.starts_at < last)
    rows = fast().execute(wanted.order_by(Shift.starts_at, Shift.id)).all() if posts else []
    lines = []
    for post in posts:
        own = [row for row in rows if row.rota_id == post.id]
        lines.append(Line(post, [[row for row in own if _weekday(row) == n] for n in range(7)]))
    planned = [row for row in rows if row.state == ShiftState.PLANNED]
    now = clock.now()
    short = [row for row in planned if row.starts_at > now and row.taken < row.places]
    return Board(
        monday, [monday + timedelta(days=n) for n in range(7)], lines, list_missing(viewer),
        sum(row.places for row in planned), sum(row.taken for row in planned), sum(row.to_confirm for row in planned),
        short,
    )  # fmt: skip


def _weekday(row: Any) -> int:
    return clock.local(row.starts_at).weekday()


def list_missing(viewer: Viewer) -> Sequence[Any]:
    """Who should be there now and is not yet: name, post, shift."""
    now = clock.now()
    statement = (
        select(Person.name, Rota.name.label("post"), Shift.id.label("shift_id"), Shift.starts_at, Estate.path)
        .select_from(ShiftPlace)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .join(Person, Person.id == ShiftPlace.person_id)
        .join(Volunteer, Volunteer.person_id == ShiftPlace.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(along(Rota.path, viewer.paths(READ)), ShiftPlace.state.in_(COMING))
        .where(Shift.state == ShiftState.PLANNED, Shift.starts_at <= now - GRACE, Shift.ends_at > now)
        .order_by(Shift.starts_at, Person.pinyin)
        .limit(50)
    )
    return [row for row in fast().execute(statement) if viewer.may_at(READ, row.path)]


@dataclass(frozen=True)
class Share:
    """What one person's part in a period comes to; ``even`` is an equal share of all shifts."""

    name: str
    team: str
    shifts: int
    nights: int
    came: int
    no_shows: int
    minutes: int
    even: float

    @property
    def told(self) -> str:
        """How the part compares with an equal share."""
        difference = self.shifts - self.even
        if abs(difference) < 1:
            return "相当"
        return f"多{difference:.0f}班" if difference > 0 else f"少{-difference:.0f}班"


def list_shares(viewer: Viewer, first: date, last: date, rota_id: str = "") -> list[Share]:
    """Everybody within reach who had a shift in a period, most shifts first, 300 at most."""
    since, until = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    statement = (
        select(Person.id, Person.name, Volunteer.team, Shift.starts_at, Shift.ends_at, ShiftPlace.state,
               ShiftPlace.minutes)
        .select_from(ShiftPlace)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .join(Rota, Rota.id == Shift.rota_id)
        .join(Person, Person.id == ShiftPlace.person_id)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .where(along(Rota.path, viewer.paths(READ)), along(Estate.path, viewer.paths(READ)))
        .where(ShiftPlace.state.in_((*HOLDING, State.NO_SHOW)), Shift.state == ShiftState.PLANNED)
        .where(Shift.starts_at >= since, Shift.starts_at < until)
        .order_by(Person.pinyin, Person.id)
        .limit(20_000)
    )  # fmt: skip
    if rota_id:
        statement = statement.where(Rota.id == rota_id)
    people: dict[str, list[Any]] = {}
    for row in fast().execute(statement):
        people.setdefault(row.id, []).append(row)
    even = sum(map(len, people.values())) / len(people) if people else 0.0
    shares = [_share(rows, even) for rows in people.values()]
    return sorted(shares, key=lambda share: -share.shifts)[:300]


def _share(rows: list[Any], even: float) -> Share:
    night = (ROTA.defaults["night_from"], ROTA.defaults["night_until"])
    return Share(
        rows[0].name, rows[0].team, len(rows), sum(is_night(row.starts_at, row.ends_at, *night) for row in rows),
        sum(row.state in (State.PRESENT, State.DONE) for row in rows), sum(row.state == State.NO_SHOW for row in rows),
        sum(row.minutes for row in rows), even,
    )  # fmt: skip


HEADINGS = ("岗位", "日期", "开始", "结束", "角色", "位置", "姓名", "状态", "到岗", "离岗", "分钟", "原因")


def export(viewer: Viewer, monday: date) -> tuple[bytes, str]:
    """The week with everybody in it as CSV, marked UTF-8, and a file name; that it was taken out is kept. Caller
    commits."""
    first, last = clock.day_bounds(monday)[0], clock.day_bounds(monday + timedelta(days=6))[1]
    statement = (
        select(Rota.name, Rota.path, Shift.starts_at, Shift.ends_at, Shift.needs, Shift.state.label("shift_state"),
               ShiftPlace.need, Person.name.label("person"), Estate.path.label("estate_path"), ShiftPlace.state,
               ShiftPlace.checked_in_at, ShiftPlace.checked_out_at, ShiftPlace.minutes, ShiftPlace.reason)
        .select_from(Shift)
        .join(Rota, Rota.id == Shift.rota_id)
        .outerjoin(ShiftPlace, ShiftPlace.shift_id == Shift.id)
        .outerjoin(Person, Person.id == ShiftPlace.person_id)
        .outerjoin(Volunteer, Volunteer.person_id == ShiftPlace.person_id)
        .outerjoin(Estate, Estate.id == Volunteer.estate_id)
        .where(along(Rota.path, viewer.paths(READ)), Shift.starts_at >= first, Shift.starts_at < last)
        .order_by(Shift.starts_at, Rota.name, Shift.id, ShiftPlace.queued_at)
        .limit(EXPORT_ROWS)
    )  # fmt: skip
    rows = fast().execute(statement).all()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    for row in rows:
        writer.writerow([_plain(cell) for cell in _cells(viewer, row)])
    subject = Subject("rota_list", viewer.person_id, viewer.estate_id or EVERYWHERE)
    details = {"rows": len(rows), "week": monday.isoformat()}
    audit.record(viewer.person_id, viewer.name, "export_rota", subject, details=details)
    return "\ufeff".encode() + text.getvalue().encode(), f"rota-{monday:%Y%m%d}.csv"


def _cells(viewer: Viewer, row: Any) -> list[str]:
    needs = read_needs(row.needs)
    role = needs[row.need].role if row.need in needs else "、".join(need.role for need in needs.values())
    seen = row.person and (viewer.may_at(READ, row.path) or viewer.may_at(READ, row.estate_path))
    name = (row.person if seen else mask_name(row.person)) if row.person else ""
    state = (
        STATE_NAMES[row.state] if row.state else ("班次取消" if row.shift_state == ShiftState.CALLED_OFF else "没有人")
    )
    return [
        row.name, clock.local(row.starts_at).date().isoformat(), _time(row.starts_at), _time(row.ends_at), role,
        str(sum(need.places for need in needs.values())), name, state, _time(row.checked_in_at),
        _time(row.checked_out_at), str(row.minutes or ""), row.reason or "",
    ]  # fmt: skip


def _time(moment: datetime | None) -> str:
    return clock.local(moment).strftime("%H:%M") if moment else ""


def _plain(cell: str) -> str:
    """No cell is taken for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
