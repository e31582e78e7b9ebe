"""Private calendar feeds."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

FEEDS = 3
_LIVE_SQL = text("withdrawn_at IS NULL")


class CalendarFeed(Base):
    """A secret address at which a calendar program reads one person's calendar, kept as a digest only.

    ``slot`` numbers a person's live feeds: its index is why there are never more than three.
    """

    __tablename__ = "calendar_feed"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    slot: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(30))
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    read_on: Mapped[date | None] = mapped_column(Date)
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 3", name="slot"),
        Index("ix_calendar_feed_live", "person_id", "slot", unique=True, postgresql_where=_LIVE_SQL,
              sqlite_where=_LIVE_SQL),
    )  # fmt: skip
