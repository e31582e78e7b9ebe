"""The job that ends notices whose period is over."""

from __future__ import annotations

import logging

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from core import clock, jobs, outbox
from core.access import system_viewer
from core.database import begin_write, db
from core.workflow import InvalidStep, Stale
from volunteers.hours import late
from volunteers.hours.models import HourReminder
from volunteers.notices import messages as say
from volunteers.notices import queries, workflow
from volunteers.notices.queries import Notice

log = logging.getLogger(__name__)


@jobs.job("close_notices", "结束期满的时长公示", "15 0 * * *")
def close_notices() -> str:
    """Close what is over and has no unanswered objection; for the others the branch is told once."""
    closed = waiting = 0
    for notice in queries.list_due(clock.today()):
        if notice.unanswered:
            waiting += _tell(notice)
            continue
        begin_write()
        try:
            workflow.close(system_viewer(), notice)
            db.session.commit()
        except (workflow.Refused, InvalidStep, Stale):
            db.session.rollback()
            log.info("notice %s had moved on before it was closed", notice.id)
        else:
            closed += 1
    return f"结束{closed}个公示，{waiting}个等支部答复异议"


def _tell(notice: Notice) -> int:
    leaders = late.leaders_of([notice.estate_id])[notice.estate_id]
    begin_write()
    try:
        mark = {"kind": "notice", "subject_id": notice.id, "step": 1, "sent_at": clock.now()}
        db.session.execute(insert(HourReminder), [mark])
        outbox.write(notice.estate_id, say.waits(leaders, notice.id, notice.month, notice.unanswered))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
    return 1
