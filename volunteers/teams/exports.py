"""The list of teams with what they did this year, as a table file. Taking it leaves a trace."""

from __future__ import annotations

import csv
import io

from core import audit, clock
from core.access import Viewer
from core.audit import EVERYWHERE, Subject
from core.web.formats import hours_decimal
from volunteers.teams.figures import Figures, figures_of, this_year
from volunteers.teams.models import KIND_NAMES, Kind
from volunteers.teams.queries import Wanted, every_team, leaders_of

HEADERS = (
    "名称",
    "类型",
    "设在",
    "所属总队",
    "队长",
    "现有人数",
    "成立日期",
    "撤销日期",
    "今年服务人数",
    "今年小时",
    "今年次数",
)
_FORMULA = ("=", "+", "-", "@", "\t")


def table(viewer: Viewer, wanted: Wanted) -> tuple[bytes, str]:
    """The teams of a list as CSV, marked UTF-8 as spreadsheets want it, and a file name. Caller commits."""
    rows = every_team(viewer, wanted)
    done = figures_of([row.id for row in rows], *this_year())
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADERS)
    for row in rows:
        figures = done.get(row.id, Figures())
        cells = [row.name, KIND_NAMES[Kind(row.kind)], row.home or "", row.parent_name or "", leaders_of(viewer, row),
                 row.people, row.founded_on.isoformat(), row.ended_on.isoformat() if row.ended_on else "",
                 figures.people, hours_decimal(figures.minutes), figures.services]  # fmt: skip
        writer.writerow([_plain(str(cell)) for cell in cells])
    subject = Subject("team_list", viewer.person_id, viewer.estate_id or EVERYWHERE)
    details = {"rows": len(rows), "q": wanted.q, "kind": wanted.kind}
    audit.record(viewer.person_id, viewer.name, "export_teams", subject, details=details)
    return "\ufeff".encode() + text.getvalue().encode(), f"teams-{clock.today():%Y%m%d}.csv"


def _plain(cell: str) -> str:
    """No cell is taken for a formula."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
