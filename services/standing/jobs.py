"""Jobs of standing orders."""

from __future__ import annotations

import logging

from core import jobs
from core.database import db
from services.standing import queries, workflow

log = logging.getLogger(__name__)
BATCH, ROUNDS = 200, 50


@jobs.job("make_standing", "排好定期服务的单", "7 * * * *")
def make_standing() -> str:
    """Make the visits of the days ahead, each in its own commit, and offer them."""
    series = made = failed = 0
    tried: set[str] = set()
    for _ in range(ROUNDS):
        due = [standing_id for standing_id in queries.list_due(BATCH + failed) if standing_id not in tried]
        for standing_id in due:
            tried.add(standing_id)
            series += 1
            try:
                made += workflow.advance(standing_id)
            except Exception:
                # The next run tries again; one series does not hold the others up.
                log.exception("standing order %s could not be advanced", standing_id)
                db.session.rollback()
                failed += 1
        if not due:
            break
    offered, left = workflow.offer_waiting(every=True)
    told = f"看了{series}个定期服务，排了{made}单，派出{offered}单，留给支部{left}单"
    return told + (f"，{failed}个没办成，下一次再试" if failed else "")


@jobs.job("offer_standing", "把定期服务的单派给固定志愿者", "*/5 * * * *")
def offer_standing() -> str:
    """Ask the next one after a refusal, a withdrawal or silence."""
    offered, left = workflow.offer_waiting()
    return f"派出{offered}单，留给支部{left}单"
