"""Plans for dispatching many orders at once, and pairs that are not to meet again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText

REASON_COLUMN = "pair_exclusion.reason"
_STANDS_SQL = text("lifted_at IS NULL")


class DispatchPlan(Base):
    """A best assignment as it was proposed: pairs of order and volunteer with reasons, and what stays and why.

    ``result`` is what applying it came to: which orders were dispatched, which were left out and why.
    """

    __tablename__ = "dispatch_plan"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    made_by: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime]
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[str | None] = mapped_column(String(60))
    result: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    __table_args__ = (Index("ix_dispatch_plan_estate", "estate_id", "made_at"),)


class PairExclusion(Base):
    """A resident and a volunteer who are not to be brought together again, at the wish of one of them.

    The reason is sealed: only the branch reads it. The branch may lift the wish, with a reason of its own.
    """

    __tablename__ = "pair_exclusion"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    side: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[str] = mapped_column(String(16))
    order_id: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(60))
    lift_reason: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (
        CheckConstraint("side IN ('resident', 'volunteer')", name="side"),
        Index("ix_pair_exclusion_standing", "person_id", "volunteer_id", "side", unique=True,
              postgresql_where=_STANDS_SQL, sqlite_where=_STANDS_SQL),
        Index("ix_pair_exclusion_volunteer", "volunteer_id", "person_id"),
        Index("ix_pair_exclusion_estate", "estate_id", "at"),
    )  # fmt: skip
