"""Emergency calls, who was told of them, and who answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Float, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class State(StrEnum):
    """States of an emergency call."""

    RAISED = "raised"
    ANSWERED = "answered"
    ON_SITE = "on_site"
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"
    CANCELLED = "cancelled"


class Kind(StrEnum):
    """As what somebody is told: ``OUTSIDER`` is a contact unknown here, whom a human or a text message has to reach."""

    STAFF = "staff"
    FAMILY = "family"
    VOLUNTEER = "volunteer"
    OUTSIDER = "outsider"


class Coming(StrEnum):
    """How far somebody who answered has got."""

    SEEN = "seen"
    ON_WAY = "on_way"
    ARRIVED = "arrived"
    LEFT = "left"


OPEN = (State.RAISED, State.ANSWERED, State.ON_SITE)
OPEN_SQL = text("state IN ('raised', 'answered', 'on_site')")
_DUE_SQL = text("next_wave_at IS NOT NULL")


class EmergencyCall(Base):
    """Somebody at home needs help at once (一键求助). A household has one open call at most.

    ``level`` is how far up the line has been told, ``wave`` how often; ``next_wave_at`` is empty once somebody is
    there. Until ``slip_until`` it may be called off as a slip. ``place`` is at home, downstairs or elsewhere.
    Nobody stands in ``person_id`` for a home without anybody on the roll. The position is kept only while the call is
    open (个人信息保护法: whereabouts are sensitive, here asked for to save lives and for no longer).
    """

    __tablename__ = "emergency_call"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    household_id: Mapped[str] = mapped_column(ForeignKey("household.id"))
    building_id: Mapped[str] = mapped_column(ForeignKey("building.id"))
    household_label: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    person_name: Mapped[str] = mapped_column(String(60))
    salutation: Mapped[str] = mapped_column(String(20))
    raised_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    raised_by_name: Mapped[str] = mapped_column(String(60))
    raised_as: Mapped[str] = mapped_column(String(10))
    raised_at: Mapped[datetime]
    slip_until: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(10))
    place_note: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    level: Mapped[int] = mapped_column(Integer)
    wave: Mapped[int] = mapped_column(Integer)
    next_wave_at: Mapped[datetime | None]
    lead_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    lead_name: Mapped[str] = mapped_column(String(60))
    answered_at: Mapped[datetime | None]
    on_site_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text)
    after_care: Mapped[str] = mapped_column(Text)
    after_care_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("raised_as IN ('self', 'family', 'staff')", name="raised_as"),
        CheckConstraint("place IN ('home', 'downstairs', 'other')", name="place"),
        CheckConstraint("level BETWEEN 0 AND 3", name="level"),
        Index("uq_emergency_call_open", "household_id", unique=True, postgresql_where=OPEN_SQL, sqlite_where=OPEN_SQL),
        Index("ix_emergency_call_open", "estate_id", "raised_at", postgresql_where=OPEN_SQL, sqlite_where=OPEN_SQL),
        Index("ix_emergency_call_due", "next_wave_at", postgresql_where=_DUE_SQL, sqlite_where=_DUE_SQL),
        Index("ix_emergency_call_raised", "estate_id", "raised_at", "id"),
        Index("ix_emergency_call_household", "household_id", "raised_at"),
    )


class EmergencyNotice(Base):
    """That somebody was told of a call, in which wave and as what: the course of the call, never changed."""

    __tablename__ = "emergency_notice"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("emergency_call.id"))
    estate_id: Mapped[str] = mapped_column(String(16))
    wave: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    contact_id: Mapped[str | None] = mapped_column(String(16))
    told_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("kind IN ('" + "', '".join(Kind) + "')", name="kind"),
        CheckConstraint("person_id IS NOT NULL OR contact_id IS NOT NULL", name="whom"),
        Index("ix_emergency_notice_call", "call_id", "wave"),
        Index("ix_emergency_notice_person", "person_id", "call_id"),
    )


class EmergencyResponse(Base):
    """Somebody who answered a call, and how far they have got. ``shares``: the caller may see name and phone."""

    __tablename__ = "emergency_response"
    call_id: Mapped[str] = mapped_column(ForeignKey("emergency_call.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    estate_id: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10))
    shares: Mapped[bool] = mapped_column(Boolean)
    answered_at: Mapped[datetime]
    on_way_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("kind IN ('staff', 'family', 'volunteer')", name="kind"),
        CheckConstraint("state IN ('" + "', '".join(Coming) + "')", name="state"),
        Index("ix_emergency_response_person", "person_id"),
    )
