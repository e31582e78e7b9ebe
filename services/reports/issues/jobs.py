"""The job that freezes the reports of finished months and quarters."""

from __future__ import annotations

from datetime import timedelta

from core import clock, jobs
from services.reports.asked import Period, whole_period
from services.reports.issues import queries, workflow


def finished() -> list[Period]:
    """The last whole month and the last whole quarter."""
    today = clock.today()
    return [
        whole_period(kind, whole_period(kind, today).first - timedelta(days=1)) for kind in ("month", "quarter")
    ]  # fmt: skip


@jobs.job("issue_reports", "生成月报和季报", "30 4 * * *")
def issue_reports() -> str:
    """Freeze what is due and not made yet: on the first of a month, or on the first day that the machine runs again."""
    made = 0
    for period in finished():
        for body in queries.list_due(period.kind, period.first):
            made += workflow.issue(body, period) is not None
    return f"生成{made}份"
