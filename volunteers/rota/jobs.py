"""Jobs of rotas."""

from __future__ import annotations

import logging

from core import jobs
from core.access import NotFound, system_viewer
from core.database import begin_write, db
from core.workflow import InvalidStep, Stale
from volunteers.rota import queries, sums, workflow

log = logging.getLogger(__name__)


@jobs.job("tend_shifts", "让出没有确认的班次", "* * * * *")
def tend_shifts() -> str:
    """Places not confirmed in time go to the next one; whoever waited until the beginning is told. A commit each."""
    done = 0
    for place_id in queries.list_due():
        begin_write()
        try:
            done += workflow.lapse(system_viewer(), place_id)
        except (InvalidStep, NotFound, Stale):
            db.session.rollback()
            log.info("a place had moved on before it lapsed")
        else:
            db.session.commit()
    return f"让出{done}个"


@jobs.job("roll_shifts", "汇总值班", "*/10 * * * *")
def roll_shifts() -> str:
    """Make the sums of days that are over, and of those on which something was written since. A commit each batch."""
    done = 0
    while moved := sums.fold():
        done += moved
    return f"汇总{done}处"
