"""Plans for dispatching many orders at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class DispatchPlan(Base):
    """A best assignment as it was proposed: pairs of order and volunteer with reasons, and what stays and why."""

    __tablename__ = "dispatch_plan"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    made_by: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime]
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    applied_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_dispatch_plan_estate", "estate_id", "made_at"),)
