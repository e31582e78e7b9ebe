"""Orders and the offers made for them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Float, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class State(StrEnum):
    """States of an order."""

    PLACED = "placed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    SENT_BACK = "sent_back"


class OfferState(StrEnum):
    """What became of an offer to one volunteer; from ``ACCEPTED`` on it is an assignment."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    NO_SHOW = "no_show"


WAITING = (State.PLACED, State.DISPATCHED)
OPEN = (State.PLACED, State.DISPATCHED, State.ACCEPTED, State.IN_SERVICE)
_OPEN_SQL = text("state IN ('placed', 'dispatched', 'accepted', 'in_service')")
_DONE_SQL = text("state = 'completed'")
_RATED_SQL = text("stars IS NOT NULL")
_CALL_BACK_SQL = text("call_back_due IS NOT NULL")
_WISHED_SQL = text("preferred_start IS NOT NULL")
_ALARM_SQL = text("next_alarm_at IS NOT NULL AND state IN ('placed', 'dispatched', 'accepted', 'in_service')")


class ServiceOrder(Base):
    """A resident's order (点单). What it needs of item, household and person is copied when it is placed.

    ``desk_id`` is the organisation whose desk has it: the estate's own branch, or where it was transferred to.
    ``helper_sex`` is the sex wished of the volunteer for personal care, as in GB/T 2261.1; 0 is either.
    """

    __tablename__ = "service_order"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    desk_id: Mapped[str] = mapped_column(String(16), server_default="")
    code: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    item_code: Mapped[str] = mapped_column(String(30))
    item: Mapped[dict[str, Any]] = mapped_column(JsonText)
    household_id: Mapped[str | None] = mapped_column(ForeignKey("household.id"))
    building_id: Mapped[str | None] = mapped_column(String(16))
    household_label: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str] = mapped_column(String(60))
    salutation: Mapped[str] = mapped_column(String(20))
    placed_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    placed_by_name: Mapped[str] = mapped_column(String(60))
    placed_as: Mapped[str] = mapped_column(String(10))
    door_code: Mapped[str] = mapped_column(String(4))
    placed_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
    attention: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    preferred_start: Mapped[datetime | None]
    preferred_end: Mapped[datetime | None]
    volunteers_needed: Mapped[int] = mapped_column(Integer)
    accepted_count: Mapped[int] = mapped_column(Integer)
    urgent: Mapped[bool] = mapped_column(Boolean)
    helper_sex: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    minutes: Mapped[int] = mapped_column(Integer, default=0)
    stars: Mapped[int | None] = mapped_column(Integer)
    comment: Mapped[str] = mapped_column(Text, default="")
    rated_at: Mapped[datetime | None]
    call_back_due: Mapped[datetime | None]
    solved: Mapped[bool | None] = mapped_column(Boolean)
    satisfied: Mapped[int | None] = mapped_column(Integer)
    reopened: Mapped[int] = mapped_column(Integer, default=0)
    clock: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    paused_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]
    next_alarm_at: Mapped[datetime | None]
    reminded: Mapped[int] = mapped_column(Integer, default=0)
    escalated: Mapped[int] = mapped_column(Integer, default=0)
    updated_at: Mapped[datetime]
    standing_id: Mapped[str | None] = mapped_column(String(16))
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("placed_as IN ('self', 'family', 'staff')", name="placed_as"),
        CheckConstraint("volunteers_needed BETWEEN 1 AND 20", name="volunteers_needed"),
        CheckConstraint("accepted_count BETWEEN 0 AND volunteers_needed", name="accepted_count"),
        CheckConstraint("helper_sex IN (0, 1, 2)", name="helper_sex"),
        CheckConstraint("stars IS NULL OR stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("satisfied IS NULL OR satisfied BETWEEN 1 AND 5", name="satisfied"),
        Index("ix_service_order_code", "estate_id", "code", unique=True),
        Index("ix_service_order_open", "estate_id", "due_at", "id", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
        Index("ix_service_order_desk", "desk_id", "due_at", "id", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
        Index("ix_service_order_desk_placed", "desk_id", "placed_at", "id"),
        Index("ix_service_order_desk_call_back", "desk_id", "call_back_due", postgresql_where=_CALL_BACK_SQL,
              sqlite_where=_CALL_BACK_SQL),
        Index("ix_service_order_desk_done", "desk_id", "due_at", "id", postgresql_where=_DONE_SQL,
              sqlite_where=_DONE_SQL),
        Index("ix_service_order_due", "estate_id", "due_at", "id"),
        Index("ix_service_order_wished", "estate_id", "preferred_start", postgresql_where=_WISHED_SQL,
              sqlite_where=_WISHED_SQL),
        Index("ix_service_order_placed", "estate_id", "placed_at", "id"),
        Index("ix_service_order_when", "placed_at", "id"),
        Index("ix_service_order_person", "person_id", "placed_at", "id"),
        Index("ix_service_order_placed_by", "placed_by", "placed_at", "id"),
        Index("ix_service_order_household", "household_id", "placed_at"),
        Index("ix_service_order_updated", "estate_id", "updated_at", "id"),
        Index("ix_service_order_rated", "id", "stars", postgresql_where=_RATED_SQL, sqlite_where=_RATED_SQL),
        Index("ix_service_order_call_back", "estate_id", "call_back_due", postgresql_where=_CALL_BACK_SQL,
              sqlite_where=_CALL_BACK_SQL),
        Index("ix_service_order_alarm", "next_alarm_at", postgresql_where=_ALARM_SQL, sqlite_where=_ALARM_SQL),
    )  # fmt: skip


_LIVE_SQL = text("state IN ('offered', 'accepted', 'checked_in')")


class Offer(Base):
    """An order offered to one volunteer, and the assignment it becomes once accepted.

    ``round`` is how often the order had been reopened when it was offered: earlier rounds are history.
    """

    __tablename__ = "offer"
    order_id: Mapped[str] = mapped_column(ForeignKey("service_order.id"), primary_key=True)
    volunteer_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    estate_id: Mapped[str] = mapped_column(String(16))
    volunteer_name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10))
    is_open_call: Mapped[bool] = mapped_column(Boolean)
    reasons: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    minutes: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text, default="")
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(OfferState) + "')", name="state"),
        CheckConstraint("minutes IS NULL OR minutes BETWEEN 1 AND 1440", name="minutes"),
        Index("ix_offer_live", "volunteer_id", "state", postgresql_where=_LIVE_SQL, sqlite_where=_LIVE_SQL),
        Index("ix_offer_volunteer", "volunteer_id", "offered_at"),
        Index("ix_offer_expiry", "expires_at", postgresql_where=text("state = 'offered'"),
              sqlite_where=text("state = 'offered'")),
    )  # fmt: skip
