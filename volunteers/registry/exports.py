"""The register as a table file for other programs. Taking it leaves a trace."""

from __future__ import annotations

import csv
import io

from core import audit, clock
from core.access import Viewer
from core.audit import EVERYWHERE, Subject
from core.web.formats import hours_decimal
from volunteers.registry.models import STANDING_NAMES
from volunteers.registry.queries import Wanted, every_volunteer, team_names
from volunteers.registry.skills import SKILLS

HEADERS = ("编号", "姓名", "小区", "队伍", "状态", "技能", "累计小时", "每周最多单数", "登记日期")
_FORMULA = ("=", "+", "-", "@", "\t")


def table(viewer: Viewer, wanted: Wanted) -> tuple[bytes, str]:
    """The volunteers of a list as CSV, marked UTF-8 as spreadsheets want it, and a file name. Caller commits."""
    rows = every_volunteer(viewer, wanted)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADERS)
    for row in rows:
        skills = "、".join(SKILLS.get(code, code) for code in (row.skills or "").split(",") if code)
        teams = "、".join(team_names(row))
        cells = [row.number, row.name, row.estate_name, teams, STANDING_NAMES[row.standing], skills,
                 hours_decimal(row.total_minutes), row.weekly_cap, row.joined_on.isoformat()]  # fmt: skip
        writer.writerow([_plain(str(cell)) for cell in cells])
    subject = Subject("volunteer_list", viewer.person_id, viewer.estate_id or EVERYWHERE)
    details = {"rows": len(rows), "q": wanted.q, "skill": wanted.skill, "standing": wanted.standing}
    audit.record(viewer.person_id, viewer.name, "export", subject, details=details)
    return "\ufeff".encode() + text.getvalue().encode(), f"volunteers-{clock.today():%Y%m%d}.csv"


def _plain(cell: str) -> str:
    """No cell is taken for a formula."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
