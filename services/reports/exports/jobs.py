"""The jobs that make exports and clear them away."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import timedelta

from core import clock, jobs
from core.workflow import Stale
from services.reports.exports import making, queries, workflow

log = logging.getLogger(__name__)
SECONDS = 40
"""How long one run takes up further exports: the next minute goes on."""
BROKEN_AFTER = timedelta(minutes=15)


@jobs.job("make_exports", "做好排队的导出", "* * * * *")
def make_exports() -> str:
    """Make what waits, oldest first; what was broken off with its process is given up."""
    for job in queries.list_broken(clock.now(), BROKEN_AFTER):
        with suppress(Stale):
            workflow.fail(job, "interrupted")
    done = failed = 0
    began = time.monotonic()
    for job in queries.list_queued():
        if time.monotonic() - began > SECONDS:
            break
        try:
            done += making.make(job) >= 0
        except Exception:
            log.exception("export %s failed", job.id)
            failed += 1
    return f"做好{done}份，没做成{failed}份"


@jobs.job("forget_exports", "清除过期的导出文件", "20 3 * * *")
def forget_exports() -> str:
    """Delete files whose days are over."""
    count = 0
    for job in queries.list_over(clock.now()):
        (queries.folder() / job.file_name).unlink(missing_ok=True)
        with suppress(Stale):
            workflow.expire(job)
            count += 1
    return f"清除{count}份"
