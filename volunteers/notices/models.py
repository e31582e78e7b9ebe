"""A month's hours on public notice (公示), and what stood on it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class State(StrEnum):
    """States of a notice."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


STATE_NAMES = {State.DRAFT: "未开始", State.OPEN: "公示中", State.CLOSED: "已确认", State.WITHDRAWN: "已撤下"}
_STANDS = text("state <> 'withdrawn'")


class HourNotice(Base):
    """The notice of an estate's hours of one month. Closed, it confirms the month; the entries stay as they are.

    ``period_days`` are working days; ``closes_on`` is the last of them, known from the opening on.
    """

    __tablename__ = "hour_notice"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    month: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(String(80))
    period_days: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime | None]
    closes_on: Mapped[date | None] = mapped_column(Date)
    closed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("period_days >= 3", name="period_days"),
        Index("ix_hour_notice_month", "estate_id", "month", unique=True, postgresql_where=_STANDS,
              sqlite_where=_STANDS),
        Index("ix_hour_notice_open", "closes_on", postgresql_where=text("state = 'open'"),
              sqlite_where=text("state = 'open'")),
    )  # fmt: skip


class HourNoticeLine(Base):
    """What stood on a notice for one volunteer when it was opened. Names are never kept here: see the queries."""

    __tablename__ = "hour_notice_line"
    notice_id: Mapped[str] = mapped_column(ForeignKey("hour_notice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    minutes: Mapped[int] = mapped_column(Integer)
    services: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index("ix_hour_notice_line_volunteer", "notice_id", "volunteer_id", unique=True),)
