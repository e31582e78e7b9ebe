"""The ledger of service hours: append-only, in minutes actually given."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class HourEntry(Base):
    """Minutes given in one service, travel excluded (MCA order 67). Negative entries reverse an earlier one.

    ``starts_at`` to ``ends_at`` is when the service took place; ``recorded_at`` when it was written down, which should
    be within ten working days after it (``recorded_late`` tells when it was not). Triggers refuse changes.
    """

    __tablename__ = "hour_entry"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    order_id: Mapped[str | None] = mapped_column(String(16))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(Integer)
    content: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"), unique=True)
    corrects_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    recorded_late: Mapped[bool] = mapped_column(Boolean, default=False)
    __table_args__ = (
        CheckConstraint("minutes <> 0 AND minutes BETWEEN -1440 AND 1440", name="minutes"),
        CheckConstraint("ends_at >= starts_at", name="period"),
        CheckConstraint("(reverses_id IS NULL) = (minutes > 0)", name="reversal"),
        Index("ix_hour_entry_volunteer", "volunteer_id", "starts_at", "id"),
        Index("ix_hour_entry_total", "volunteer_id", "minutes"),
        Index("ix_hour_entry_ends", "volunteer_id", "ends_at"),
        Index("ix_hour_entry_estate", "estate_id", "starts_at"),
        Index("ix_hour_entry_order", "order_id"),
        Index("ix_hour_entry_recorded", "estate_id", "recorded_at"),
    )
