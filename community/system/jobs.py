"""The jobs that keep the ground in order."""

from __future__ import annotations

import time
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete

from community.accounts.models import SignInFailure
from core import audit, clock, idempotency, jobs, outbox
from core.channels import configured
from core.config import Settings
from core.database import begin_write, db

FAILURES_KEPT = timedelta(days=1)
SECONDS = 45
"""How long one run carries messages at most: the next minute goes on."""


@jobs.job("deliver_messages", "送出消息", "* * * * *")
def deliver_messages() -> str:
    """Carry what is due over every channel that the settings open."""
    settings: Settings = current_app.extensions["linju.settings"]
    channels = configured(settings)
    done = failed = 0
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        delivered, refused = outbox.deliver_due(channels)
        done, failed = done + delivered, failed + refused
        if not delivered + refused:
            break
    return f"送达{done}条，没送到{failed}条"


@jobs.job("forget_messages", "清除180天前读过的消息", "40 3 * * *")
def forget_messages() -> str:
    """Clear away what was read long ago; what could not be delivered for days becomes a dead letter."""
    return f"清除{outbox.forget_old()}条，放弃{outbox.give_up()}条"


@jobs.job("seal_audit", "封存前一天的操作记录", "10 0 * * *")
def seal_audit() -> str:
    """Seal the chains of the days that are over."""
    begin_write()
    count = audit.seal_finished_days()
    db.session.commit()
    return f"封存{count}条链"


@jobs.job("forget_keys", "清除过期的防重复标记", "5 * * * *")
def forget_keys() -> str:
    """Delete idempotency keys older than 24 hours."""
    begin_write()
    count = idempotency.forget_old()
    db.session.commit()
    return f"清除{count}个"


@jobs.job("forget_job_runs", "清除30天前的任务记录", "20 3 * * *")
def forget_job_runs() -> str:
    """Delete ledger rows of jobs older than 30 days."""
    begin_write()
    count = jobs.forget_old_runs()
    db.session.commit()
    return f"清除{count}条"


@jobs.job("forget_sign_in_failures", "清除前一天的登录失败记录", "30 3 * * *")
def forget_sign_in_failures() -> str:
    """Delete failed sign-ins that no longer count."""
    begin_write()
    old = delete(SignInFailure).where(SignInFailure.at < clock.now() - FAILURES_KEPT)
    count = int(getattr(db.session.execute(old), "rowcount", 0))
    db.session.commit()
    return f"清除{count}条"
