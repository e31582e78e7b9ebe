"""Jobs of training."""

from __future__ import annotations

from core import jobs
from volunteers.training import workflow


@jobs.job("remind_trainings", "提醒快到期的培训", "20 8 * * *")
def remind_trainings() -> str:
    """Tell volunteers and branches of trainings that lapse soon."""
    return f"提醒{workflow.remind()}项"
