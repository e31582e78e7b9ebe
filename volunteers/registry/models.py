"""Volunteers: who they are, what they can do, when they have time."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText
from core.ids import new_id

CERTIFICATE_COLUMN = "volunteer_skill.certificate"


class Standing(StrEnum):
    """How a volunteer stands: serving, stopped by the branch, away for a while, left, or left and forgotten."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ON_LEAVE = "on_leave"
    LEFT = "left"
    ERASED = "erased"


class Volunteer(Base):
    """The role of volunteer that a person of the roll has taken on; its id is the person's.

    ``number`` is our own, ``national_no`` the one of the national register (MZ/T 061-2015) once it is known. ``team``
    is what an imported roll said; teams are ``volunteers.teams``. ``categories`` are the kinds of service they are
    ready for (MCA order 67). ``is_on_call``: may be called when a neighbour is in need (应急可叫), which only they
    themselves switch on. ``reach`` is how far from home they help. ``guardian_consent`` tells, for those under 18,
    that a guardian's consent stands (志愿服务条例); ``volunteers.consents`` keeps who gave it. The record of whoever
    left stays until ``keep_until`` with a named custodian (GB/T 40143-2021).
    """

    __tablename__ = "volunteer"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    number: Mapped[str] = mapped_column(String(12), unique=True)
    national_no: Mapped[str] = mapped_column(String(30), default="")
    team: Mapped[str] = mapped_column(String(60), default="")
    standing: Mapped[str] = mapped_column(String(10), default="active")
    is_available: Mapped[bool] = mapped_column(Boolean, default=True)
    is_on_call: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    weekly_cap: Mapped[int] = mapped_column(Integer, default=6)
    reach: Mapped[str] = mapped_column(String(10), default="estate", server_default="estate")
    guardian_consent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    joined_on: Mapped[date] = mapped_column(Date)
    unclear_skills: Mapped[str] = mapped_column(String(200), default="")
    unclear_hours: Mapped[str] = mapped_column(String(200), default="")
    categories: Mapped[list[Any]] = mapped_column(JsonText, default=list, server_default="[]")
    leave_from: Mapped[date | None] = mapped_column(Date)
    leave_until: Mapped[date | None] = mapped_column(Date)
    left_on: Mapped[date | None] = mapped_column(Date)
    keep_until: Mapped[date | None] = mapped_column(Date)
    custodian: Mapped[str] = mapped_column(String(60), default="", server_default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("standing IN ('" + "', '".join(Standing) + "')", name="standing"),
        CheckConstraint("weekly_cap BETWEEN 1 AND 50", name="weekly_cap"),
        CheckConstraint("reach IN ('building', 'estate', 'community')", name="reach"),
        Index("ix_volunteer_estate", "estate_id", "standing", "person_id"),
        Index("ix_volunteer_on_call", "estate_id", postgresql_where=text("is_on_call"),
              sqlite_where=text("is_on_call")),
        Index("ix_volunteer_leave", "leave_until", postgresql_where=text("standing = 'on_leave'"),
              sqlite_where=text("standing = 'on_leave'")),
        Index("ix_volunteer_keep", "keep_until", postgresql_where=text("standing = 'left'"),
              sqlite_where=text("standing = 'left'")),
    )  # fmt: skip


class VolunteerSkill(Base):
    """A skill a volunteer declares, by its code in the catalogue; verified when somebody checked it.

    ``evidence`` is what they looked at; the number of a certificate is sealed. A verification ends with ``expires_on``.
    """

    __tablename__ = "volunteer_skill"
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    skill: Mapped[str] = mapped_column(String(30), primary_key=True)
    verified_on: Mapped[date | None] = mapped_column(Date)
    verified_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    evidence: Mapped[str] = mapped_column(String(200), default="", server_default="")
    certificate_sealed: Mapped[str | None] = mapped_column(String(200))
    expires_on: Mapped[date | None] = mapped_column(Date)
    reminded_on: Mapped[date | None] = mapped_column(Date)
    __table_args__ = (
        Index("ix_volunteer_skill_skill", "skill", "person_id"),
        Index("ix_volunteer_skill_expiry", "expires_on", postgresql_where=text("reminded_on IS NULL"),
              sqlite_where=text("reminded_on IS NULL")),
    )  # fmt: skip


class VolunteerWindow(Base):
    """A weekly window in which a volunteer has time: weekday 0 is Monday, minutes of the Shanghai day."""

    __tablename__ = "volunteer_window"
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"), primary_key=True)
    weekday: Mapped[int] = mapped_column(Integer, primary_key=True)
    start_minute: Mapped[int] = mapped_column(Integer, primary_key=True)
    end_minute: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("start_minute >= 0 AND end_minute > start_minute AND end_minute <= 1440", name="minutes"),
    )


class VolunteerDayOff(Base):
    """Days on which a volunteer has no time whatever the weekly hours say; both days included."""

    __tablename__ = "volunteer_day_off"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(60), default="")
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        Index("ix_volunteer_day_off_person", "person_id", "last_day"),
    )


REACH_NAMES = {"building": "只去本楼栋", "estate": "本小区", "community": "本社区，邻近小区也去"}
STANDING_NAMES = {"active": "可服务", "suspended": "已暂停", "on_leave": "请假中", "left": "已退出", "erased": "已销毁"}
IS_OPEN = text("standing = 'active'")
