"""The job that issues certificates for many."""

from __future__ import annotations

from core import jobs
from volunteers.certificates import workflow


@jobs.job("issue_certificates", "批量开具服务记录证明", "* * * * *")
def issue_certificates() -> str:
    """Go on with the batches that wait."""
    return f"看了{workflow.carry_on()}人"
