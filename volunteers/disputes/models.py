"""Disputes about recorded hours: a volunteer's own, and objections during a month's public notice."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class State(StrEnum):
    """States of a dispute."""

    RAISED = "raised"
    CORRECTED = "corrected"
    EXPLAINED = "explained"
    WITHDRAWN = "withdrawn"


STATE_NAMES = {
    State.RAISED: "待答复", State.CORRECTED: "已更正", State.EXPLAINED: "已说明", State.WITHDRAWN: "已撤回",
}  # fmt: skip
KINDS = {"minutes": "分钟数不对", "date": "日期或时间不对", "missing": "少记了一次", "other": "别的不对"}
_OPEN = text("state = 'raised'")


class Dispute(Base):
    """Somebody says that a record is wrong, or missing; the branch checks and answers (MCA order 67).

    ``entry_id`` is the entry in question, none for a service that was not recorded. ``notice_id`` is set for an
    objection to a month on public notice. ``correction_id`` is the entry that answered it: the new one, or the
    reversal when nothing took its place. A ``caller`` raised it by phone, and ``raised_by`` wrote it down.
    """

    __tablename__ = "hour_dispute"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    volunteer_id: Mapped[str | None] = mapped_column(ForeignKey("volunteer.person_id"))
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"))
    notice_id: Mapped[str | None] = mapped_column(ForeignKey("hour_notice.id"))
    kind: Mapped[str] = mapped_column(String(10))
    claim: Mapped[str] = mapped_column(Text)
    claimed_minutes: Mapped[int | None] = mapped_column(Integer)
    claimed_start: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    raised_at: Mapped[datetime]
    raised_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    raised_by_name: Mapped[str] = mapped_column(String(60))
    caller: Mapped[str] = mapped_column(String(60), server_default="")
    due_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(16))
    answered_by_name: Mapped[str] = mapped_column(String(60), server_default="")
    answer: Mapped[str] = mapped_column(Text, server_default="")
    correction_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"))
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("kind IN ('" + "', '".join(KINDS) + "')", name="kind"),
        CheckConstraint("claimed_minutes IS NULL OR claimed_minutes BETWEEN 0 AND 1440", name="claimed_minutes"),
        CheckConstraint("state <> 'corrected' OR correction_id IS NOT NULL", name="correction"),
        Index("ix_hour_dispute_open", "estate_id", "due_at", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_hour_dispute_estate", "estate_id", "raised_at", "id"),
        Index("ix_hour_dispute_volunteer", "volunteer_id", "raised_at", "id"),
        Index("ix_hour_dispute_raised_by", "raised_by", "raised_at", "id"),
        Index("ix_hour_dispute_notice", "notice_id", "raised_at"),
        Index("ix_hour_dispute_entry", "entry_id", "raised_by", unique=True, postgresql_where=_OPEN,
              sqlite_where=_OPEN),
    )  # fmt: skip
