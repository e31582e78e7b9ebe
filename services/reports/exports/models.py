"""Exports made in the background."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class ExportState(StrEnum):
    """States of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


STATE_NAMES = {
    ExportState.QUEUED: "排队中",
    ExportState.RUNNING: "正在做",
    ExportState.DONE: "做好了",
    ExportState.FAILED: "没做成",
    ExportState.CANCELLED: "已取消",
    ExportState.EXPIRED: "已过期",
}


class ExportJob(Base):
    """A file somebody asked for: of which list, with which filter, how far it has come, and where it lies."""

    __tablename__ = "export_job"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    maker_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    maker_name: Mapped[str] = mapped_column(String(60))
    unit_id: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(170))
    title: Mapped[str] = mapped_column(String(120))
    format: Mapped[str] = mapped_column(String(10))
    filter: Mapped[dict[str, Any]] = mapped_column(JsonText)
    sees_names: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    rows_done: Mapped[int] = mapped_column(Integer, default=0)
    rows_total: Mapped[int] = mapped_column(Integer)
    file_name: Mapped[str] = mapped_column(String(60), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(ExportState) + "')", name="state"),
        CheckConstraint("rows_done >= 0", name="rows_done"),
        Index("ix_export_job_maker", "maker_id", "created_at"),
        Index(
            "ix_export_job_open", "state", "created_at", sqlite_where=text("state IN ('queued', 'running', 'done')"),
            postgresql_where=text("state IN ('queued', 'running', 'done')"),
        ),
    )  # fmt: skip
