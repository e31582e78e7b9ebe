"""Records that came from other systems: files between preview and confirmation, and where an entry came from."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class State(StrEnum):
    """States of a file of records."""

    PREVIEWED = "previewed"
    DONE = "done"
    DROPPED = "dropped"


STATE_NAMES: dict[str, str] = {State.PREVIEWED: "等待确认", State.DONE: "已导入", State.DROPPED: "已丢弃"}


class RecordImport(Base):
    """A file of service records of another system. It is sealed while it waits, and gone once it is decided upon."""

    __tablename__ = "record_import"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    origin: Mapped[str] = mapped_column(String(40))
    filename: Mapped[str] = mapped_column(String(200))
    sealed_file: Mapped[str | None] = mapped_column(Text)
    sealed_refused: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[dict[str, Any]] = mapped_column(JsonText)
    uploaded_by: Mapped[str] = mapped_column(String(16))
    uploaded_name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        Index("ix_record_import_estate", "estate_id", "created_at", "id"),
    )


class RecordOrigin(Base):
    """Which record of another system an entry of the ledger came from; ``record_key`` lets each in only once."""

    __tablename__ = "record_origin"
    record_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("hour_entry.id"), unique=True)
    import_id: Mapped[str] = mapped_column(ForeignKey("record_import.id"))
    origin: Mapped[str] = mapped_column(String(40))
    __table_args__ = (Index("ix_record_origin_import", "import_id"),)
