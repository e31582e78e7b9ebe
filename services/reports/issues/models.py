"""Frozen reports and who wants them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class ReportIssue(Base):
    """A report as it was made: never changed or deleted (triggers refuse). The digest covers the figures."""

    __tablename__ = "report_issue"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    unit_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    unit_name: Mapped[str] = mapped_column(String(80))
    path: Mapped[str] = mapped_column(String(170))
    kind: Mapped[str] = mapped_column(String(10))
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(Integer)
    figures: Mapped[dict[str, Any]] = mapped_column(JsonText)
    made_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64))
    __table_args__ = (
        CheckConstraint("kind IN ('month', 'quarter')", name="kind"),
        CheckConstraint("last >= first", name="period"),
        Index("ix_report_issue_period", "unit_id", "kind", "first", unique=True),
        Index("ix_report_issue_made", "made_at", "id"),
    )


class ReportSubscription(Base):
    """A person who wants the reports of a unit."""

    __tablename__ = "report_subscription"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("kind IN ('month', 'quarter')", name="kind"),
        Index("ix_report_subscription_unit", "unit_id", "kind"),
    )
