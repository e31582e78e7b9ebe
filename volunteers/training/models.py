"""Training (志愿者培训): courses, their sessions, who takes part and with what result."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class SessionState(StrEnum):
    """States of a session."""

    PLANNED = "planned"
    CALLED_OFF = "called_off"


class State(StrEnum):
    """States of an enrolment."""

    SIGNED_UP = "signed_up"
    WAITING = "waiting"
    ATTENDED = "attended"
    ABSENT = "absent"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


SEATED = (State.SIGNED_UP, State.ATTENDED, State.ABSENT, State.PASSED, State.FAILED)
STATE_NAMES: dict[str, str] = {
    State.SIGNED_UP: "已报名",
    State.WAITING: "候补",
    State.ATTENDED: "已到",
    State.ABSENT: "缺席",
    State.PASSED: "合格",
    State.FAILED: "不合格",
    State.CANCELLED: "已取消",
}
_LIVE_SQL = text("state <> 'cancelled'")


class Course(Base):
    """A course. It belongs to a body and is seen in its subtree; ``code`` is what service items and shifts ask for.

    What is recorded of a training is its name, content, length, body and date (志愿服务记录与证明出具办法). ``places``
    is how many a session usually takes; ``valid_months`` how long a pass holds, 0 for good.
    """

    __tablename__ = "course"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    path: Mapped[str] = mapped_column(String(170), index=True)
    estate_id: Mapped[str | None] = mapped_column(ForeignKey("estate.id"))
    code: Mapped[str] = mapped_column(String(30), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    content: Mapped[str] = mapped_column(Text, default="")
    minutes: Mapped[int] = mapped_column(Integer)
    body_name: Mapped[str] = mapped_column(String(60))
    places: Mapped[int] = mapped_column(Integer)
    valid_months: Mapped[int] = mapped_column(Integer)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 60000", name="minutes"),
        CheckConstraint("places BETWEEN 1 AND 500", name="places"),
        CheckConstraint("valid_months BETWEEN 0 AND 120", name="valid_months"),
    )


class TrainingSession(Base):
    """A session of a course: when, where, with whom, for how many."""

    __tablename__ = "training_session"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(80))
    places: Mapped[int] = mapped_column(Integer)
    trainer: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(SessionState) + "')", name="state"),
        CheckConstraint("places BETWEEN 1 AND 500", name="places"),
        CheckConstraint("ends_at > starts_at", name="period"),
        Index("ix_training_session_course", "course_id", "starts_at"),
        Index("ix_training_session_starts", "starts_at"),
    )


class Enrolment(Base):
    """Somebody in a session, from signing up to the result. ``expires_on`` is the last day on which a pass holds."""

    __tablename__ = "enrolment"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("training_session.id"))
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    by_staff: Mapped[bool] = mapped_column(Boolean, default=False)
    consent: Mapped[str] = mapped_column(String(100), default="")
    queued_at: Mapped[datetime]
    attended_at: Mapped[datetime | None]
    passed_on: Mapped[date | None] = mapped_column(Date)
    expires_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(200), default="")
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("state <> 'passed' OR passed_on IS NOT NULL", name="passed"),
        Index("ix_enrolment_once", "session_id", "person_id", unique=True, postgresql_where=_LIVE_SQL,
              sqlite_where=_LIVE_SQL),
        Index("ix_enrolment_session", "session_id", "queued_at", "id"),
        Index("ix_enrolment_person", "person_id", "queued_at", "id"),
        Index("ix_enrolment_holders", "course_id", "person_id", postgresql_where=text("state = 'passed'"),
              sqlite_where=text("state = 'passed'")),
        Index("ix_enrolment_expiry", "expires_on", postgresql_where=text("state = 'passed'"),
              sqlite_where=text("state = 'passed'")),
    )  # fmt: skip


class TrainingReminder(Base):
    """That a lapse was told of, so many days ahead: once each."""

    __tablename__ = "training_reminder"
    enrolment_id: Mapped[str] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    days: Mapped[int] = mapped_column(Integer, primary_key=True)
    told_at: Mapped[datetime]
