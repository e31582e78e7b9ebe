"""Jobs of emergency calls."""

from __future__ import annotations

import logging

from core import jobs
from core.access import system_viewer
from core.workflow import InvalidStep, Stale
from services.sos import queries, workflow

log = logging.getLogger(__name__)


@jobs.job("escalate_emergencies", "没人应的求助再往上通知", "* * * * *")
def escalate_emergencies() -> str:
    """Tell the next level of every call that nobody has answered in time; each call is a step of its own."""
    done = 0
    for call_id in queries.list_due():
        try:
            workflow.escalate(system_viewer(), call_id)
        except (InvalidStep, Stale):
            log.info("emergency call %s had moved on before its next wave", call_id)
        else:
            done += 1
    return f"再通知{done}次"
