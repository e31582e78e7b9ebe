"""The state table of exports, and how one is asked for, made, cancelled and cleared away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, update

from core import audit, clock
from core.access import Viewer, system_viewer
from core.audit import EVERYWHERE, Subject
from core.database import begin_write, db, fast
from core.ids import new_id
from core.workflow import MESSAGES, Change, Step, Workflow
from services.reports import messages, units
from services.reports.asked import Asked
from services.reports.exports.models import ExportJob, ExportState

S = ExportState
KEPT = timedelta(days=7)
_EXPORT = "reports:export"
_MADE = ("maker_id", "maker_name", "unit_id", "path", "title", "format", "filter", "sees_names", "rows_done",
         "rows_total", "file_name", "error", "created_at", "updated_at", "expires_at")  # fmt: skip

EXPORTS = Workflow(
    "export_job",
    cast(Table, ExportJob.__table__),
    [
        Step("ask_export", "申请导出", frozenset({None}), frozenset({S.QUEUED}), _EXPORT),
        Step("start_export", "开始导出", frozenset({S.QUEUED}), frozenset({S.RUNNING}), _EXPORT),
        Step("finish_export", "完成导出", frozenset({S.RUNNING}), frozenset({S.DONE}), _EXPORT,
             sets=("file_name", "rows_done", "expires_at"), writes=(MESSAGES,)),
        Step("fail_export", "导出没做成", frozenset({S.RUNNING}), frozenset({S.FAILED}), _EXPORT, sets=("error",),
             writes=(MESSAGES,)),
        Step("cancel_export", "取消导出", frozenset({S.QUEUED, S.RUNNING}), frozenset({S.CANCELLED}), _EXPORT),
        Step("expire_export", "清除过期导出", frozenset({S.DONE}), frozenset({S.EXPIRED}), _EXPORT,
             sets=("file_name",)),
    ],
    made=_MADE,
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What is to be exported: title, format, filter as in the address, whether with names, and about how many rows."""

    title: str
    format: str
    filter: Mapping[str, str]
    sees_names: bool
    rows: int


def ask(viewer: Viewer, asked: Asked, wish: Wish) -> str:
    """Queue an export; returns its id."""
    now = clock.now()
    row: dict[str, Any] = {
        "id": new_id(), "version": 1, "maker_id": viewer.person_id, "maker_name": viewer.name, "unit_id": asked.unit.id,
        "path": asked.unit.path, "title": wish.title[:120], "format": wish.format, "filter": dict(wish.filter),
        "sees_names": wish.sees_names, "rows_done": 0, "rows_total": wish.rows, "file_name": "", "error": "",
        "created_at": now, "updated_at": now, "expires_at": None,
    }  # fmt: skip
    details = {"filter": dict(wish.filter), "format": wish.format, "rows": wish.rows}
    subject = Subject("export", row["id"], units.estate_at(asked.unit.path) or EVERYWHERE)
    EXPORTS.apply(fast(), Change("ask_export", subject, None, S.QUEUED, viewer.person_id, viewer.name, details=details),
                  row)  # fmt: skip
    return str(row["id"])


def _step(job: Any, verb: str, to: ExportState, viewer: Viewer, row: Mapping[str, Any], **more: Any) -> None:
    subject = Subject("export", job.id, units.estate_at(job.path) or EVERYWHERE)
    change = Change(verb, subject, job.state, to, viewer.person_id, viewer.name, **more)
    EXPORTS.apply(fast(), change, {"id": job.id, "version": job.version, "updated_at": clock.now(), **row})


def start(job: Any) -> None:
    """Take a queued export up. Raises ``Stale`` when somebody was first."""
    _step(job, "start_export", S.RUNNING, system_viewer(), {})


def finish(job: Any, file_name: str, rows: int) -> None:
    """The file lies ready. Raises ``Stale`` when the export was cancelled meanwhile."""
    row = {"file_name": file_name, "rows_done": rows, "expires_at": clock.now() + KEPT}
    _step(job, "finish_export", S.DONE, system_viewer(), row, details={"rows": rows},
          messages=[messages.export_done(job.maker_id, job.id, job.title, rows)])  # fmt: skip


def fail(job: Any, why: str) -> None:
    """It could not be made."""
    _step(job, "fail_export", S.FAILED, system_viewer(), {"error": why[:500]},
          messages=[messages.export_failed(job.maker_id, job.id, job.title)])  # fmt: skip


def cancel(viewer: Viewer, job: Any) -> None:
    """Its maker wants it no more; whoever writes it stops at the next rows. Raises ``InvalidStep`` or ``Stale``."""
    _step(job, "cancel_export", S.CANCELLED, viewer, {})


def expire(job: Any) -> None:
    """The file is gone after its days."""
    _step(job, "expire_export", S.EXPIRED, system_viewer(), {"file_name": ""})


_PROGRESS = (
    update(ExportJob)
    .where(ExportJob.id == bindparam("job"), ExportJob.state == "running")
    .values(rows_done=bindparam("done"), updated_at=bindparam("now", type_=ExportJob.__table__.c.updated_at.type))
)


def tell_progress(job_id: str, done: int) -> bool:
    """Note how many rows are written; whether the export is still wanted."""
    begin_write()
    result: Any = db.session.execute(_PROGRESS, {"job": job_id, "done": done, "now": clock.now()})
    db.session.commit()
    return bool(result.rowcount)


def record(viewer: Viewer, asked: Asked, wish: Wish) -> None:
    """Write down that something was handed over at once: who, what, with which filter, how many rows."""
    subject = Subject("report", asked.unit.id, units.estate_at(asked.unit.path) or EVERYWHERE)
    details = {"filter": dict(wish.filter), "format": wish.format, "rows": wish.rows, "title": wish.title}
    audit.record(viewer.person_id, viewer.name, "export_report", subject, details=details, connection=fast())
