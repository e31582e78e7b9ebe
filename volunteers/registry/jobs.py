"""Jobs of the register: leaves end, verifications run out, sealed records are forgotten. Running twice does no harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from core import clock, jobs, outbox
from core.access import Viewer, system_viewer
from core.database import begin_write, db
from core.workflow import Stale
from volunteers.registry import closed, leaders, workflow
from volunteers.registry import messages as say
from volunteers.registry.models import Volunteer
from volunteers.registry.skills import SKILLS

log = logging.getLogger(__name__)
WARNED_BEFORE = timedelta(days=30)


@jobs.job("end_leaves", "志愿者请假到期恢复", "5 0 * * *")
def end_leaves() -> str:
    """Bring back whoever's leave is over; somebody under 18 without a guardian's consent stays away."""
    found = closed.list_leaves_over(clock.today())
    return f"恢复{_each(found, lambda viewer, one: workflow.come_back(viewer, one, '请假到期'))}人"


@jobs.job("erase_archives", "销毁保存期满的志愿者档案", "40 3 * * *")
def erase_archives() -> str:
    """Forget records whose ten years are over; numbers and hours stay (GB/T 40143-2021)."""
    return f"销毁{_each(closed.list_past_keeping(clock.today()), workflow.erase)}份"


def _each(person_ids: list[str], verb: Callable[[Viewer, Volunteer], None]) -> int:
    """Do it to each in a transaction of its own; how many it was done to."""
    done = 0
    for person_id in person_ids:
        begin_write()
        one = closed.find(person_id)
        try:
            if one is not None:
                verb(system_viewer(), one)
            db.session.commit()
        except (workflow.Refused, Stale) as problem:
            db.session.rollback()
            log.info("volunteer %s stays as it is: %s", person_id, type(problem).__name__)
        else:
            done += 1
    return done


@jobs.job("remind_of_skills", "提醒快到期的技能核实", "30 8 * * *")
def remind_of_skills() -> str:
    """Tell volunteer and branch once, thirty days before a verification runs out."""
    done = 0
    for row in closed.list_expiring(clock.today() + WARNED_BEFORE):
        begin_write()
        skill, branch = SKILLS.get(row.skill, row.skill), leaders.list_leaders(row.estate_id)
        told = say.skill_expires(row.person_id, skill, row.expires_on)
        told += say.skill_lapses(branch, row.person_id, row.name, skill, row.expires_on)
        outbox.write(row.estate_id, told)
        workflow.reminded(row.person_id, row.skill)
        db.session.commit()
        done += 1
    return f"提醒{done}项"
