"""Jobs of the calendar."""

from __future__ import annotations

from community.workdays import messages, queries, workflow
from core import calendar, clock, jobs, outbox
from core.access import system_viewer
from core.audit import EVERYWHERE
from core.database import begin_write, db

ASK_FROM_MONTH = 11
"""The State Council's notice for the next year comes out in November, at times in late October."""


@jobs.job("seed_calendar", "录入日历库新认识的年份", "40 2 * * *")
def seed_calendar() -> str:
    """Enter the years that an upgrade of the library brought; years that staff have touched stay theirs."""
    begin_write()
    fresh = workflow.seed_new_years(system_viewer())
    db.session.commit()
    return f"录入{'、'.join(map(str, fresh))}年" if fresh else "没有新的年份"


@jobs.job("ask_for_calendar", "提醒录入节假日", "0 9 * * 1")
def ask_for_calendar() -> str:
    """Each Monday, tell those who can enter it of a year that is near, or running, and not entered."""
    today = clock.today()
    near = [today.year, *([today.year + 1] if today.month >= ASK_FROM_MONTH else [])]
    missing = [year for year in near if not calendar.is_known_year(year)]
    people = queries.list_editors() if missing else []
    begin_write()
    for year in missing:
        outbox.write(EVERYWHERE, messages.not_entered(year, people))
    db.session.commit()
    return f"提醒{len(people)}人录入{'、'.join(map(str, missing))}年" if missing else "都录入了"
