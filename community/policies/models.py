"""What estates have decided for themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class Policy(Base):
    """An estate's values for one topic, those that differ from the defaults or were once set. No row: all defaults."""

    __tablename__ = "policy"
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(30), primary_key=True)
    chosen: Mapped[dict[str, Any]] = mapped_column(JsonText)
    version: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime]
