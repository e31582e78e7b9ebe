"""Records that leave and records that come: every file is traced, and what comes in comes in once.

A file of another system is read and looked at first; nothing is written before somebody has confirmed it. It then goes
into the ledger of hours as a whole or not at all, and what was left out can be taken back as a workbook with reasons.
"""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import insert, select

from community.grid.models import Estate
from core import audit, clock, moving
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.database import begin_write, db
from core.sealing import sealer
from core.sheets import write_workbook
from core.workflow import InvalidStep, Step, Workflow
from volunteers.exchange.exporting import count_rows
from volunteers.exchange.groups import Asked
from volunteers.exchange.models import RecordImport, RecordOrigin, State
from volunteers.exchange.planning import Plan, plan_records
from volunteers.exchange.reading import RecordFile, read_records
from volunteers.hours.workflow import Brought, bring_in

FILE_COLUMN, LEFT_COLUMN = "record_import.file", "record_import.refused"
TOLD = 200
"""Rows that a page lists; the workbook holds all."""

IMPORTS = Workflow(
    "record_import",
    RecordImport.__table__,  # type: ignore[arg-type]
    (
        Step("upload_records", "上传服务记录", frozenset({None}), frozenset({State.PREVIEWED}), "exchange:write"),
        Step("confirm_records", "导入服务记录", frozenset({State.PREVIEWED}), frozenset({State.DONE}), "exchange:write",
             sets=("summary", "sealed_file", "sealed_refused")),
        Step("drop_records", "丢弃服务记录", frozenset({State.PREVIEWED}), frozenset({State.DROPPED}), "exchange:write",
             sets=("summary", "sealed_file", "sealed_refused")),
    ),
    made=("estate_id", "origin", "filename", "sealed_file", "sealed_refused", "summary", "uploaded_by",
          "uploaded_name", "created_at", "updated_at"),
)  # fmt: skip


def record_export(viewer: Viewer, estates: list[Estate], asked: Asked, reason: str) -> dict[str, int]:
    """Count what an export will hold and keep who took it, an event for each estate. Caller commits, then sends.

    Numbers in full are for whoever may reveal them at each of the estates, with a reason; else ``Forbidden``.
    """
    if asked.full and not all(viewer.may_at("people:reveal", estate.path) for estate in estates):
        raise Forbidden("您没有查看完整号码的权限，请导出遮住号码的")
    total: dict[str, int] = {}
    for estate in estates:
        counted = count_rows(Asked((estate.id,), asked.first, asked.last, asked.until))
        details = {**counted, "count": sum(counted.values()), "full": asked.full}
        subject = Subject("record_list", estate.id, estate.id)
        audit.record(viewer.person_id, viewer.name, "export_records", subject, reason=reason, details=details)
        total = {name: total.get(name, 0) + rows for name, rows in counted.items()}
    return total


def upload(viewer: Viewer, estate: Estate, origin: str, filename: str, data: bytes) -> str:
    """Read a file and keep it for its preview; the import's id. Raises ``SheetError``. Commits by itself."""
    file = read_records(data, filename)
    plan = plan_records(estate.id, file)
    begin_write()
    row = moving.make(
        IMPORTS, viewer, "upload_records", State.PREVIEWED, trail=estate.id, details={"count": len(file.rows)},
        estate_id=estate.id, origin=origin, filename=filename[-200:], sealed_file=_seal(data, FILE_COLUMN),
        sealed_refused=_left(file, plan), summary=_summary(file, plan), uploaded_by=viewer.person_id,
        uploaded_name=viewer.name, created_at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return str(row["id"])


def confirm(viewer: Viewer, row: RecordImport, estate: Estate) -> int:
    """Bring the records in that are still new; how many. Two imports into one estate wait for one another.

    Raises ``InvalidStep`` or ``Stale`` when it was decided upon before. Commits by itself.
    """
    IMPORTS.step("confirm_records", row.state)
    assert row.sealed_file is not None
    file = read_records(_open(row.sealed_file, FILE_COLUMN), row.filename)
    begin_write()
    try:
        db.session.execute(select(Estate.id).where(Estate.id == estate.id).with_for_update())
        plan = plan_records(estate.id, file)
        found = {"id": row.id, "state": row.state, "version": row.version}
        moving.move(
            IMPORTS, viewer, found, "confirm_records", State.DONE, trail=estate.id,
            details={"count": len(plan.taken), "minutes": plan.minutes}, summary=_summary(file, plan),
            sealed_file=None, sealed_refused=_left(file, plan),
        )  # fmt: skip
        _write(viewer, row, estate, plan)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return len(plan.taken)


def _write(viewer: Viewer, row: RecordImport, estate: Estate, plan: Plan) -> None:
    services = [
        Brought(one.volunteer_id, one.row.starts_at, one.row.ends_at, one.row.minutes, one.row.content)
        for one in plan.taken
        if one.row.starts_at and one.row.ends_at
    ]
    entries = bring_in(viewer, estate.id, services, row.origin, row.id)
    origins = [
        {"record_key": one.key, "entry_id": entry, "import_id": row.id, "origin": row.origin}
        for one, entry in zip(plan.taken, entries, strict=True)
    ]
    if origins:
        db.session.execute(insert(RecordOrigin), origins)


def drop(viewer: Viewer, row: RecordImport) -> None:
    """Throw a file away. Caller commits. Raises ``InvalidStep`` or ``Stale``."""
    summary = dict(row.summary) | {"left": []}
    found = {"id": row.id, "state": row.state, "version": row.version}
    moving.move(IMPORTS, viewer, found, "drop_records", State.DROPPED, trail=row.estate_id, summary=summary,
                sealed_file=None, sealed_refused=None)  # fmt: skip


def left_workbook(row: RecordImport) -> bytes:
    """The rows that did not come in, with the reason beside each. Raises ``NotFound`` when there are none."""
    if row.sealed_refused is None:
        raise NotFound
    return _open(row.sealed_refused, LEFT_COLUMN)


def _summary(file: RecordFile, plan: Plan) -> dict[str, Any]:
    return {
        "rows": len(file.rows), "taken": len(plan.taken), "people": len({one.volunteer_id for one in plan.taken}),
        "minutes": plan.minutes, "duplicates": len(plan.duplicates), "refused": len(plan.refused),
        "left": [[row.number, why] for row, why in plan.left[:TOLD]],
    }  # fmt: skip


def _left(file: RecordFile, plan: Plan) -> str | None:
    if not plan.left:
        return None
    width = len(file.headers)
    headers = [*file.headers, "未导入原因", "原行号"]
    rows = [[*row.cells[:width], *[""] * (width - len(row.cells)), why, row.number] for row, why in plan.left]
    return _seal(write_workbook("未导入的记录", headers, rows), LEFT_COLUMN)


def _seal(data: bytes, column: str) -> str:
    return sealer().seal(base64.b64encode(data).decode(), column)


def _open(sealed: str, column: str) -> bytes:
    return base64.b64decode(sealer().open(sealed, column))


__all__ = ["IMPORTS", "InvalidStep", "confirm", "drop", "left_workbook", "record_export", "upload"]
