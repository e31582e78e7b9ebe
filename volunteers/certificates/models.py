"""Certificates of service (志愿服务记录证明, MCA order 67)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Certificate(Base):
    """What was certified: the confirmed minutes of a volunteer in a period, on the day of issue."""

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
    __table_args__ = (
        CheckConstraint("to_day >= from_day", name="period"),
        CheckConstraint("total_minutes > 0", name="total_minutes"),
        Index("ix_certificate_volunteer", "volunteer_id", "issued_at"),
    )
