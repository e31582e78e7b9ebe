"""Certificates of service (志愿服务记录证明, MCA order 67), those withdrawn, and certificates for many at once."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class Certificate(Base):
    """What was certified: the confirmed minutes of a volunteer in a period, on the day of issue.

    ``digest`` is that of the entries then counted, ``contents`` what was done as it was printed; both are empty on
    certificates older than them.
    """

    __tablename__ = "certificate"
    number: Mapped[str] = mapped_column(String(24), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    body_name: Mapped[str] = mapped_column(String(80))
    person_name: Mapped[str] = mapped_column(String(60))
    from_day: Mapped[date] = mapped_column(Date)
    to_day: Mapped[date] = mapped_column(Date)
    total_minutes: Mapped[int] = mapped_column(Integer)
    services: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    contents: Mapped[list[Any] | None] = mapped_column(JsonText)
    __table_args__ = (
        CheckConstraint("to_day >= from_day", name="period"),
        CheckConstraint("total_minutes > 0", name="total_minutes"),
        Index("ix_certificate_volunteer", "volunteer_id", "issued_at"),
    )


class CertificateWithdrawal(Base):
    """That a certificate no longer holds, why and by whom. A certificate is withdrawn once and stays so."""

    __tablename__ = "certificate_withdrawal"
    number: Mapped[str] = mapped_column(ForeignKey("certificate.number"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime]
    withdrawn_by: Mapped[str] = mapped_column(String(16))


class BatchState(StrEnum):
    """States of a batch."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


BATCH_NAMES: dict[str, str] = {
    BatchState.QUEUED: "排队中",
    BatchState.RUNNING: "正在开具",
    BatchState.DONE: "已开完",
    BatchState.CANCELLED: "已停止",
}
UNDER_WAY = (BatchState.QUEUED, BatchState.RUNNING)


class CertificateBatch(Base):
    """Certificates for many volunteers of an estate over one period. ``whom`` says in words who was chosen."""

    __tablename__ = "certificate_batch"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    whom: Mapped[str] = mapped_column(String(80))
    body_name: Mapped[str] = mapped_column(String(80))
    from_day: Mapped[date] = mapped_column(Date)
    to_day: Mapped[date] = mapped_column(Date)
    people: Mapped[int] = mapped_column(Integer)
    asked_by: Mapped[str] = mapped_column(String(16))
    asked_name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(BatchState) + "')", name="state"),
        CheckConstraint("to_day >= from_day", name="period"),
        Index("ix_certificate_batch_estate", "estate_id", "created_at", "id"),
        Index("ix_certificate_batch_open", "created_at", postgresql_where=text("state IN ('queued', 'running')"),
              sqlite_where=text("state IN ('queued', 'running')")),
    )  # fmt: skip


class CertificateItem(Base):
    """Somebody in a batch: not looked at yet, certified under ``number``, or left out for having no hours."""

    __tablename__ = "certificate_item"
    batch_id: Mapped[str] = mapped_column(ForeignKey("certificate_batch.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    number: Mapped[str | None] = mapped_column(ForeignKey("certificate.number"), unique=True)
    left_out: Mapped[str] = mapped_column(String(60), default="", server_default="")
    __table_args__ = (Index("ix_certificate_item_position", "batch_id", "position"),)
