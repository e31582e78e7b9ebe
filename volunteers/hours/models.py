"""The ledger of service hours, append-only, in minutes actually given, and the monthly sums kept beside it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base
from volunteers.hours.running import Numbers

SOURCES = {"order": "服务单", "shift": "值班", "activity": "集体活动", "other": "其他单位的服务"}
"""What an entry was recorded from. Entries of before this was kept have none."""


class HourEntry(Base):
    """Minutes given in one service, travel excluded (MCA order 67). Negative entries reverse an earlier one.

    ``starts_at`` to ``ends_at`` is when the service took place; ``recorded_at`` when it was written down, which should
    be within ten working days after it (``recorded_late`` tells when it was not). Place, content, organising body and
    person in charge are what the order asks to be kept. Triggers refuse changes, and put every new row on the tail.
    """

    __tablename__ = "hour_entry"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    order_id: Mapped[str | None] = mapped_column(String(16))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(Integer)
    content: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"), unique=True)
    corrects_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    recorded_late: Mapped[bool] = mapped_column(Boolean, default=False)
    place: Mapped[str] = mapped_column(String(80), default="", server_default="")
    body_id: Mapped[str | None] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(String(80), default="", server_default="")
    in_charge_id: Mapped[str | None] = mapped_column(String(16))
    in_charge: Mapped[str] = mapped_column(String(60), default="", server_default="")
    source: Mapped[str] = mapped_column(String(10), default="", server_default="")
    source_id: Mapped[str | None] = mapped_column(String(16))
    __table_args__ = (
        CheckConstraint("minutes <> 0 AND minutes BETWEEN -1440 AND 1440", name="minutes"),
        CheckConstraint("ends_at >= starts_at", name="period"),
        CheckConstraint("(reverses_id IS NULL) = (minutes > 0)", name="reversal"),
        CheckConstraint("source IN ('', '" + "', '".join(SOURCES) + "')", name="source"),
        Index("ix_hour_entry_volunteer", "volunteer_id", "starts_at", "id",
              postgresql_include=["minutes", "estate_id"]),
        Index("ix_hour_entry_total", "volunteer_id", "minutes"),
        Index("ix_hour_entry_ends", "volunteer_id", "ends_at"),
        Index("ix_hour_entry_estate", "estate_id", "starts_at"),
        Index("ix_hour_entry_when", "starts_at", "id"),
        Index("ix_hour_entry_order", "order_id", "starts_at"),
        Index("ix_hour_entry_recorded", "estate_id", "recorded_at"),
        Index("ix_hour_entry_late", "estate_id", "starts_at", "id", postgresql_where=text("recorded_late"),
              sqlite_where=text("recorded_late")),
        Index("ix_hour_entry_source", "source", "source_id", postgresql_where=text("source_id IS NOT NULL"),
              sqlite_where=text("source_id IS NOT NULL")),
    )  # fmt: skip


class HourMonth(Base):
    """The sum of a volunteer's entries of one month and estate, as far as they have left the tail.

    ``month`` is its first day, by the day of service in Shanghai. A service counts one, its reversal one less.
    ``watermark`` is when the latest of the entries taken in was recorded. ``running`` are the sums as they grew within
    the month, so that a part of it is read as fast as all of it: minutes before the first day and at the end of each of
    31 days, then the same of services.
    """

    __tablename__ = "hour_month"
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    minutes: Mapped[int] = mapped_column(Integer)
    services: Mapped[int] = mapped_column(Integer)
    watermark: Mapped[datetime]
    running: Mapped[list[int]] = mapped_column(Numbers)
    __table_args__ = (
        Index("ix_hour_month_estate", "estate_id", "month", "volunteer_id", postgresql_include=["minutes", "services"]),
        Index(
            "ix_hour_month_given",
            "volunteer_id",
            "month",
            postgresql_include=["estate_id", "minutes", "services", "running"],
        ),
    )


class HourYear(Base):
    """What the months of a year add up to, by volunteer and estate: one row instead of twelve."""

    __tablename__ = "hour_year"
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    minutes: Mapped[int] = mapped_column(Integer)
    services: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        PrimaryKeyConstraint("volunteer_id", "year", "estate_id", postgresql_include=["minutes", "services"]),
    )


class HourTotal(Base):
    """What a volunteer's months add up to, so that nobody adds them up again for each line of a list."""

    __tablename__ = "hour_total"
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    minutes: Mapped[int] = mapped_column(Integer)
    services: Mapped[int] = mapped_column(Integer)


class HourTail(Base):
    """An entry that no monthly sum has taken in yet: written by a trigger with the entry, taken away by the job.

    Sums of months and tail together are exact at every moment, and writing an entry touches no row of anybody else.
    """

    __tablename__ = "hour_tail"
    entry_id: Mapped[str] = mapped_column(ForeignKey("hour_entry.id"), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(String(16))
    estate_id: Mapped[str] = mapped_column(String(16))
    month: Mapped[date] = mapped_column(Date)
    minutes: Mapped[int] = mapped_column(Integer)
    recorded_at: Mapped[datetime]
    __table_args__ = (
        Index("ix_hour_tail_volunteer", "volunteer_id", "month"),
        Index("ix_hour_tail_estate", "estate_id", "month"),
    )


class HourRollup(Base):
    """The one row that whoever moves the sums holds meanwhile, and how far a rebuild has come."""

    __tablename__ = "hour_rollup"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    rebuilt_to: Mapped[str | None] = mapped_column(String(16))
    proved_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("id = 1", name="id"),)


class HourReminder(Base):
    """That somebody was reminded of a matter at a step (a number of working days), so that nobody is told twice."""

    __tablename__ = "hour_reminder"
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    step: Mapped[int] = mapped_column(Integer, primary_key=True)
    sent_at: Mapped[datetime]
