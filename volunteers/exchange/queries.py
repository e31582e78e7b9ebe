"""Reading imports of records, and the estates whose records may travel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from community.grid.models import Estate
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import db, fast
from core.web import paging
from volunteers.exchange.models import RecordImport


def list_estates(viewer: Viewer, permission: str) -> list[tuple[str, str]]:
    """Estates at which the viewer holds a permission: id and name."""
    wanted = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths(permission)))
    return [(row.id, row.name) for row in fast().execute(wanted.order_by(Estate.name).limit(500))]


def get_estate(viewer: Viewer, estate_id: str, permission: str) -> Estate:
    """An estate at which the viewer holds a permission. Raises ``NotFound``."""
    found = db.session.get(Estate, estate_id)
    if found is None or not viewer.may_at(permission, found.path):
        raise NotFound
    return found


def list_imports(viewer: Viewer, cursor: str | None = None, limit: int = paging.PAGE) -> paging.Page[Any]:
    """Files of records within reach, the newest first."""
    columns = (
        RecordImport.id, RecordImport.state, RecordImport.origin, RecordImport.filename, RecordImport.summary,
        RecordImport.uploaded_name, RecordImport.created_at, Estate.name.label("estate_name"),
    )  # fmt: skip
    wanted = select(*columns).join(Estate, Estate.id == RecordImport.estate_id)
    wanted = wanted.where(under(Estate.path, viewer.paths("exchange:write")))
    keys = (RecordImport.created_at, RecordImport.id)
    rows = fast().execute(paging.after(wanted, keys, (datetime, str), cursor, limit, descending=True)).all()
    return paging.page_of(rows, limit, lambda row: (row.created_at, row.id))


def get_import(viewer: Viewer, import_id: str) -> tuple[RecordImport, Estate]:
    """A file of records within reach, and its estate. Raises ``NotFound``."""
    row = db.session.execute(
        select(RecordImport, Estate)
        .join(Estate, Estate.id == RecordImport.estate_id)
        .where(RecordImport.id == import_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None or not viewer.may_at("exchange:write", row[1].path):
        raise NotFound
    return row[0], row[1]
