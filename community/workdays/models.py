"""The calendar of working days: one for the whole installation, as the State Council's notices are national."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Date, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class DayKind(StrEnum):
    """What a day is that is not simply what its weekday says."""

    HOLIDAY = "holiday"
    MAKE_UP = "make_up"
    WORKING = "working"
    DAY_OFF = "day_off"


WORKED = frozenset({DayKind.MAKE_UP, DayKind.WORKING})
KIND_NAMES = {
    DayKind.HOLIDAY: "放假",
    DayKind.MAKE_UP: "补班",
    DayKind.WORKING: "上班",
    DayKind.DAY_OFF: "休息",
}
"""放假 is a public holiday, 补班 a weekend worked in its stead; the other two are what staff decide besides."""
FIRST_YEAR, LAST_YEAR = 2004, 2100
SEED, STAFF = "seed", "staff"


class CalendarYear(Base):
    """A year of the calendar. Until it is entered, its days count by their weekday. Every change moves ``version``."""

    __tablename__ = "calendar_year"
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entered: Mapped[bool] = mapped_column(Boolean)
    source: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime]
    updated_by_name: Mapped[str] = mapped_column(String(60), default="")
    __table_args__ = (
        CheckConstraint(f"year BETWEEN {FIRST_YEAR} AND {LAST_YEAR}", name="year"),
        CheckConstraint("source IN ('seed', 'staff')", name="source"),
    )


class CalendarDay(Base):
    """A day that stands out. ``source`` tells the State Council's notice from what staff changed."""

    __tablename__ = "calendar_day"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    year: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40), default="")
    source: Mapped[str] = mapped_column(String(10))
    __table_args__ = (
        CheckConstraint("kind IN ('" + "', '".join(DayKind) + "')", name="kind"),
        CheckConstraint("source IN ('seed', 'staff')", name="source"),
        Index("ix_calendar_day_year", "year", "day"),
    )
