"""Standing orders (定期服务) and their visits."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class StandingState(StrEnum):
    """States of a standing order."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class HelperState(StrEnum):
    """Where a volunteer stands who was named for a series: nobody comes regularly without having agreed."""

    NONE = ""
    NAMED = "named"
    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"
    GONE = "gone"


class VisitState(StrEnum):
    """What became of one day of a series."""

    MADE = "made"
    SKIPPED = "skipped"


LIVE = (StandingState.ACTIVE, StandingState.PAUSED)
OPEN = (StandingState.PROPOSED, *LIVE)
_OPEN_SQL = text("state IN ('proposed', 'active', 'paused')")
_HELPER_STATES = "('" + "', '".join(HelperState) + "')"


class StandingOrder(Base):
    """A series of visits to one person: what, how often, by whom as a rule.

    ``pattern`` is a recurrence (``services.standing.recurrence``), ``until`` its last day even when a number of times
    was asked for. ``settle_from``: visits of earlier days stay as an earlier pattern made them. ``made_until`` is the
    watermark of the job, ``due_on`` the day on which it looks again.
    """

    __tablename__ = "standing_order"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    item_code: Mapped[str] = mapped_column(String(30))
    item_name: Mapped[str] = mapped_column(String(30))
    note: Mapped[str] = mapped_column(Text, default="")
    attention: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    pattern: Mapped[dict[str, Any]] = mapped_column(JsonText)
    starts_on: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    times: Mapped[int | None] = mapped_column(Integer)
    start_minute: Mapped[int] = mapped_column(Integer)
    end_minute: Mapped[int] = mapped_column(Integer)
    holidays: Mapped[str] = mapped_column(String(5))
    steady_id: Mapped[str | None] = mapped_column(ForeignKey("volunteer.person_id"))
    steady_name: Mapped[str] = mapped_column(String(60), default="")
    steady_state: Mapped[str] = mapped_column(String(10), default="")
    standin_id: Mapped[str | None] = mapped_column(ForeignKey("volunteer.person_id"))
    standin_name: Mapped[str] = mapped_column(String(60), default="")
    standin_state: Mapped[str] = mapped_column(String(10), default="")
    pause_from: Mapped[date | None] = mapped_column(Date)
    pause_until: Mapped[date | None] = mapped_column(Date)
    settle_from: Mapped[date] = mapped_column(Date)
    made_until: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    placed_by: Mapped[str] = mapped_column(String(16))
    placed_by_name: Mapped[str] = mapped_column(String(60))
    placed_as: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(StandingState) + "')", name="state"),
        CheckConstraint("placed_as IN ('self', 'family', 'staff')", name="placed_as"),
        CheckConstraint("holidays IN ('skip', 'next', 'keep')", name="holidays"),
        CheckConstraint("start_minute >= 0 AND end_minute > start_minute AND end_minute <= 1440", name="minutes"),
        CheckConstraint("until IS NULL OR until >= starts_on", name="until"),
        CheckConstraint("times IS NULL OR times BETWEEN 1 AND 520", name="times"),
        CheckConstraint("pause_until IS NULL OR pause_until >= pause_from", name="pause"),
        CheckConstraint(f"steady_state IN {_HELPER_STATES} AND standin_state IN {_HELPER_STATES}", name="helpers"),
        CheckConstraint("steady_id IS NULL OR standin_id IS NULL OR steady_id <> standin_id", name="two_helpers"),
        Index("ix_standing_order_estate", "estate_id", "created_at", "id"),
        Index("ix_standing_order_person", "person_id", "created_at", "id"),
        Index("ix_standing_order_due", "due_on", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
        Index("ix_standing_order_steady", "steady_id", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
        Index("ix_standing_order_standin", "standin_id", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
    )  # fmt: skip


_MADE_SQL = text("state = 'made'")


class StandingVisit(Base):
    """One day of a series, by the day of its pattern: its key is why no visit is ever made twice.

    ``held_on`` is the day it is held on, another one when a holiday moved it. A day skipped by hand stays skipped; one
    skipped by a rule is made after all when the rule no longer holds. ``note`` tells the branch why nobody was asked;
    ``made_as`` is the fingerprint of the terms that the order was made from.
    """

    __tablename__ = "standing_visit"
    standing_id: Mapped[str] = mapped_column(ForeignKey("standing_order.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    estate_id: Mapped[str] = mapped_column(String(16))
    held_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("service_order.id"), unique=True)
    by_hand: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    made_as: Mapped[str] = mapped_column(String(16), default="")
    written_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('made', 'skipped')", name="state"),
        CheckConstraint("(state = 'made') = (order_id IS NOT NULL)", name="order"),
        Index("ix_standing_visit_made", "held_on", postgresql_where=_MADE_SQL, sqlite_where=_MADE_SQL),
    )
