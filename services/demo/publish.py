"""What the demo has published: a monthly report that somebody subscribed to, frozen as it would have been."""

from __future__ import annotations

from sqlalchemy import insert

from community.grid.models import Estate
from core import clock
from core.database import begin_write, db
from services.reports.issues import queries, workflow
from services.reports.issues.jobs import finished
from services.reports.issues.models import ReportSubscription


def publish(estate: Estate, person_id: str) -> None:
    """Subscribe a person to an estate's reports and make those of the last month and quarter. Commits."""
    begin_write()
    rows = [
        {"person_id": person_id, "unit_id": estate.branch_id, "kind": kind, "created_at": clock.now()}
        for kind in queries.KIND_NAMES
    ]
    db.session.execute(insert(ReportSubscription), rows)
    db.session.commit()
    for period in finished():
        for body in queries.list_due(period.kind, period.first):
            workflow.issue(body, period)
