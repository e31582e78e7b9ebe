"""Sums kept for reports. They hold nothing that the rows do not say; a job fills them behind the writers' backs."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class _Vector:
    """The columns of ``counting.VECTOR``."""

    placed: Mapped[int] = mapped_column(Integer, default=0)
    dispatched: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    completed: Mapped[int] = mapped_column(Integer, default=0)
    closed: Mapped[int] = mapped_column(Integer, default=0)
    cancelled: Mapped[int] = mapped_column(Integer, default=0)
    sent_back: Mapped[int] = mapped_column(Integer, default=0)
    on_time: Mapped[int] = mapped_column(Integer, default=0)
    due: Mapped[int] = mapped_column(Integer, default=0)
    responded: Mapped[int] = mapped_column(Integer, default=0)
    to_respond: Mapped[int] = mapped_column(Integer, default=0)
    solved: Mapped[int] = mapped_column(Integer, default=0)
    asked: Mapped[int] = mapped_column(Integer, default=0)
    satisfied: Mapped[int] = mapped_column(Integer, default=0)
    rated: Mapped[int] = mapped_column(Integer, default=0)
    unreachable: Mapped[int] = mapped_column(Integer, default=0)
    reopened: Mapped[int] = mapped_column(Integer, default=0)
    repeated: Mapped[int] = mapped_column(Integer, default=0)


class _Sums(_Vector):
    """The vector and the hours: minutes and services of the day of service."""

    minutes: Mapped[int] = mapped_column(Integer, default=0)
    services: Mapped[int] = mapped_column(Integer, default=0)


class OrderCount(_Vector, Base):
    """What of an order has been counted, and where: under which path the estate stood when it was first counted."""

    __tablename__ = "order_count"
    order_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(170))
    item: Mapped[str] = mapped_column(String(30))
    day: Mapped[date] = mapped_column(Date)
    to_dispatch: Mapped[int | None] = mapped_column(Integer)
    to_accept: Mapped[int | None] = mapped_column(Integer)
    to_complete: Mapped[int | None] = mapped_column(Integer)
    __table_args__ = (Index("ix_order_count_estate", "estate_id", "day"),)


class Rollup(_Sums, Base):
    """Sums of a node of the tree as it was organised then, for a day or a month, and an item or all (``""``)."""

    __tablename__ = "rollup"
    node_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    grain: Mapped[str] = mapped_column(String(1), primary_key=True)
    item: Mapped[str] = mapped_column(String(30), primary_key=True)
    period: Mapped[date] = mapped_column(Date, primary_key=True)
    __table_args__ = (CheckConstraint("grain IN ('d', 'm')", name="grain"),)


class RollupKnown(_Sums, Base):
    """The same sums by the day on which they came to be known: what a past day knew is the sum up to that day."""

    __tablename__ = "rollup_known"
    node_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    grain: Mapped[str] = mapped_column(String(1), primary_key=True)
    item: Mapped[str] = mapped_column(String(30), primary_key=True)
    period: Mapped[date] = mapped_column(Date, primary_key=True)
    known_on: Mapped[date] = mapped_column(Date, primary_key=True)
    __table_args__ = (CheckConstraint("grain IN ('d', 'm')", name="grain"),)


class _Times:
    """Of what, when, how long to which step."""

    node_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    grain: Mapped[str] = mapped_column(String(1), primary_key=True)
    item: Mapped[str] = mapped_column(String(30), primary_key=True)
    period: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=1)
    step: Mapped[str] = mapped_column(String(12), primary_key=True, sort_order=3)
    bucket: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=3)
    orders: Mapped[int] = mapped_column(Integer, sort_order=3)


class TimeRollup(_Times, Base):
    """How many orders took how long to a step, by buckets (``times.bucket``); nodes and periods as in ``Rollup``, and
    weeks by their Mondays."""

    __tablename__ = "rollup_time"
    __table_args__ = (
        CheckConstraint("grain IN ('d', 'w', 'm')", name="grain"),
        # A histogram of every estate is some ten thousand rows: they are read from the index alone.
        PrimaryKeyConstraint("node_id", "grain", "item", "period", "step", "bucket", postgresql_include=["orders"]),
    )


class TimeRollupKnown(_Times, Base):
    """The same by the day on which it came to be known, in whose order each period has its changes: what came later
    than a day is read at once."""

    __tablename__ = "rollup_time_known"
    known_on: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=2)
    __table_args__ = (CheckConstraint("grain IN ('d', 'w', 'm')", name="grain"),)


class RollMark(Base):
    """Up to when an estate's changes are counted, for each stream (``orders`` or ``hours``)."""

    __tablename__ = "roll_mark"
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    stream: Mapped[str] = mapped_column(String(10), primary_key=True)
    upto: Mapped[datetime]


class RollPath(Base):
    """Where an estate stood in the tree, for what was recorded after ``since``."""

    __tablename__ = "roll_path"
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(170))


class _Active:
    """People (or households) of a kind active at a node in a period, whose active period before it was ``prev``."""

    node_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    grain: Mapped[str] = mapped_column(String(1), primary_key=True)
    who: Mapped[str] = mapped_column(String(1), primary_key=True)
    item: Mapped[str] = mapped_column(String(30), primary_key=True)
    period: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=1)
    prev: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=3)
    people: Mapped[int] = mapped_column(Integer, sort_order=3)


class Active(_Active, Base):
    """How many were active at a node in a period (a day, a week by its Monday, or a month) whose active period before
    it was ``prev``; the first day of year 1 stands for none, the last of year 9999 for whatever it was, so that all who
    were active in a period are in one row. ``who``: volunteers (``v``) who gave hours, residents (``r``) and households
    (``h``) for whose orders they were given. ``item`` is one or all (``""``)."""

    __tablename__ = "active"
    __table_args__ = (
        CheckConstraint("grain IN ('d', 'w', 'm')", name="grain"),
        Index("ix_active_prev", "node_id", "grain", "who", "item", "prev", "period", postgresql_include=["people"]),
    )


class ActiveKnown(_Active, Base):
    """What each day changed in these numbers: as a past day knew them, they are the sum of the changes up to it."""

    __tablename__ = "active_known"
    known_on: Mapped[date] = mapped_column(Date, primary_key=True, sort_order=2)
    __table_args__ = (CheckConstraint("grain IN ('d', 'w', 'm')", name="grain"),)


class ActiveSeen(Base):
    """When somebody was active last, of what is counted, and when that was last recorded, by the path under which an
    estate stood, and item. A sweep needs no more of most people's past. The subject is a person or a household."""

    __tablename__ = "active_seen"
    subject_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    who: Mapped[str] = mapped_column(String(1), primary_key=True)
    path: Mapped[str] = mapped_column(String(170), primary_key=True)
    item: Mapped[str] = mapped_column(String(30), primary_key=True)
    last: Mapped[date] = mapped_column(Date)
    known_on: Mapped[date] = mapped_column(Date)
    __table_args__ = (Index("ix_active_seen_path", "path"), Index("ix_active_seen_who", "who", "subject_id"))
