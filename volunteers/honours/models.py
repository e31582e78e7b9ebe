"""Awards of volunteers (表彰奖励: name, date, awarding body; MCA order 67)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Honour(Base):
    """An award that a volunteer has been given, as the branch recorded it. One entered by mistake is struck out."""

    __tablename__ = "honour"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    name: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(String(80))
    awarded_on: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    struck_at: Mapped[datetime | None]
    struck_reason: Mapped[str] = mapped_column(String(200), server_default="")
    __table_args__ = (
        CheckConstraint("name <> '' AND body <> ''", name="named"),
        Index("ix_honour_volunteer", "volunteer_id", "awarded_on", "id"),
    )
