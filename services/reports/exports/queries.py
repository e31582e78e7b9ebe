"""Reading exports: a person's own, and those that a job has to look after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import select

from core.access import NotFound, Viewer
from core.config import Settings
from core.database import fast
from services.reports.exports.models import ExportJob

SHOWN = 50
_ALL = select(*ExportJob.__table__.c)


def folder() -> Path:
    """Where files lie; nobody else may look into it."""
    settings: Settings = current_app.extensions["linju.settings"]
    place = settings.var_dir / "exports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def list_own(viewer: Viewer) -> Sequence[Any]:
    """The viewer's exports, newest first."""
    mine = _ALL.where(ExportJob.maker_id == viewer.person_id)
    return fast().execute(mine.order_by(ExportJob.created_at.desc(), ExportJob.id).limit(SHOWN)).all()


def get_own(viewer: Viewer, export_id: str) -> Any:
    """An export of the viewer's own, of a unit still within reach. Raises ``NotFound``."""
    row = fast().execute(_ALL.where(ExportJob.id == export_id, ExportJob.maker_id == viewer.person_id)).first()
    if row is None or not viewer.may_at("reports:export", row.path):
        raise NotFound
    return row


def get(export_id: str) -> Any:
    """An export as it stands, for the job that makes it."""
    return fast().execute(_ALL.where(ExportJob.id == export_id)).one()


def list_queued(limit: int = 20) -> Sequence[Any]:
    """What waits, oldest first."""
    waiting = _ALL.where(ExportJob.state == "queued").order_by(ExportJob.created_at, ExportJob.id)
    return fast().execute(waiting.limit(limit)).all()


def list_broken(now: datetime, after: timedelta) -> Sequence[Any]:
    """What was being made when its process ended: running without progress for a while."""
    return fast().execute(_ALL.where(ExportJob.state == "running", ExportJob.updated_at < now - after)).all()


def list_over(now: datetime) -> Sequence[Any]:
    """Files whose days are over."""
    return fast().execute(_ALL.where(ExportJob.state == "done", ExportJob.expires_at < now).limit(500)).all()
