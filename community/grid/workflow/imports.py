"""A roll uploaded through the web: looked at first, then confirmed or dropped. The file is sealed while it waits."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from sqlalchemy import update

from community.grid.importing import read_file, table_of
from community.grid.models import Estate, RollImport
from community.grid.roll_files import Result, RollFile, too_many_rows
from community.grid.search import get_person
from community.grid.workflow.people import move_out
from core import audit, clock
from core.access import NotFound, Viewer
from core.audit import Subject
from core.database import begin_write, db
from core.ids import new_id
from core.sealing import sealer
from core.sheets import SheetError
from core.workflow import Stale

ROWS = 20_000
"""Rows that an upload may have; longer rolls come in by the command line."""

TOLD = 200
"""Refused and doubtful rows that a page lists; the workbook holds all."""

FILE_COLUMN = "roll_import.file"
REFUSED_COLUMN = "roll_import.refused"
_TOO_MANY = f"一次最多导入{ROWS:,}行，请按楼栋分成几份，或请管理员用命令行导入"


def upload(viewer: Viewer, estate: Estate, filename: str, data: bytes, target: str = "") -> str:
    """Read a file and keep it for its preview; returns the import's id. Raises ``SheetError``. Commits by itself.

    ``target`` is what within the estate the roll is for, when it is not for the estate as a whole.
    """
    if too_many_rows(data, ROWS):
        raise SheetError(_TOO_MANY)
    file = _read(data, filename, target)
    if file.size > ROWS:
        raise SheetError(_TOO_MANY)
    summary = _summary(file, file.plan(estate), estate, filename)
    row = RollImport(
        id=new_id(), estate_id=estate.id, filename=filename[-200:], uploaded_by=viewer.person_id,
        uploaded_at=clock.now(), sealed_file=_seal(data, FILE_COLUMN), state="previewed", summary=summary,
        sealed_refused=_seal(file.refused_workbook(), REFUSED_COLUMN) if file.refused else None, finished_at=None,
        target=target,
    )  # fmt: skip
    begin_write()
    db.session.add(row)
    audit.record(viewer.person_id, viewer.name, "upload_roll", Subject("roll_import", row.id, estate.id))
    db.session.commit()
    return row.id


def _read(data: bytes, filename: str, target: str) -> RollFile:
    file = read_file(data, filename)
    return file.aimed(target) if target else file


def _seal(data: bytes, column: str) -> str:
    return sealer().seal(base64.b64encode(data).decode(), column)


def open_file(sealed: str, column: str) -> bytes:
    """Bytes that were sealed."""
    return base64.b64decode(sealer().open(sealed, column))


def _summary(file: RollFile, result: Result, estate: Estate, filename: str) -> dict[str, Any]:
    told = file.kind == "residents" and file.hint and file.hint != PurePath(filename).stem
    hint = file.hint if told and file.hint not in estate.name else ""
    return {
        "kind": file.kind, "title": file.title, "counts": file.counts(), "result": result.counts(),
        "households": [result.households_created, result.households_updated], "hint": hint,
        "refused_count": len(file.refused), "refused": [[r.sheet, r.row, r.message] for r in file.refused[:TOLD]],
        "doubts": [list(note) for note in file.doubts[:TOLD]], "skipped": [list(note) for note in file.skipped[:TOLD]],
        "changes": [list(change) for change in result.changes], "leavers": result.leavers,
    }  # fmt: skip


def confirm(viewer: Viewer, row: RollImport, estate: Estate, leaving: Sequence[str]) -> None:
    """Bring the roll in, and close the stay of those of ``leaving`` whom it still no longer names. Commits by itself.

    Raises ``Stale`` when it was confirmed or dropped before.
    """
    if row.state != "previewed" or row.sealed_file is None:
        raise Stale("roll_import")
    file = _read(open_file(row.sealed_file, FILE_COLUMN), row.filename, row.target)
    begin_write()
    try:
        result = file.save(estate, viewer)
        gone = 0
        for person_id in set(leaving) & set(result.leavers):
            page = get_person(viewer, person_id, "people:import")
            move_out(viewer, page, page.person.version, clock.today())
            gone += 1
        summary = _summary(file, result, estate, row.filename) | {"moved_out": gone, "leavers": []}
        _finish(row, "done", summary)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def drop(viewer: Viewer, row: RollImport) -> None:
    """Throw an uploaded roll away. Caller commits. Raises ``Stale`` when it was confirmed or dropped before."""
    emptied: dict[str, Any] = {name: [] for name in ("changes", "refused", "doubts", "skipped", "leavers")}
    _finish(row, "dropped", dict(row.summary) | emptied)
    audit.record(viewer.person_id, viewer.name, "drop_roll", Subject("roll_import", row.id, row.estate_id))


def _finish(row: RollImport, state: str, summary: dict[str, Any]) -> None:
    table = table_of(RollImport)
    values = {"state": state, "summary": summary, "sealed_file": None, "finished_at": clock.now()}
    if state == "dropped":
        values["sealed_refused"] = None
    waiting = update(table).where(table.c.id == row.id, table.c.state == "previewed")
    done = db.session.execute(waiting.values(**values))
    if getattr(done, "rowcount", 0) != 1:
        raise Stale("roll_import")


def refused_workbook(row: RollImport) -> bytes:
    """The rows that were not taken, to be mended. Raises ``NotFound`` when there are none."""
    if row.sealed_refused is None:
        raise NotFound
    return open_file(row.sealed_refused, REFUSED_COLUMN)
