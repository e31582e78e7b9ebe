"""The services list of each estate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText
from core.ids import new_id


class ServiceItem(Base):
    """A service that residents of an estate can order. Orders keep a copy of the item as it was.

    Who may do it: ``skills``, of which those in ``verified`` must have been checked; a valid ``training`` of that code;
    an age from ``min_age`` to ``max_age``. For ``personal_care`` a helper of one's own sex can be wished for.
    """

    __tablename__ = "service_item"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    code: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(30))
    category: Mapped[str] = mapped_column(String(20))
    icon: Mapped[str] = mapped_column(String(20), default="i-c-more")
    description: Mapped[str] = mapped_column(Text, default="")
    hint: Mapped[str] = mapped_column(String(100), default="")
    skills: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    usual_minutes: Mapped[int] = mapped_column(Integer, default=60)
    volunteers_needed: Mapped[int] = mapped_column(Integer, default=1)
    deadline_minutes: Mapped[int] = mapped_column(Integer)
    clock: Mapped[str] = mapped_column(String(16), default="around_the_clock")
    offer_minutes: Mapped[int] = mapped_column(Integer, default=120)
    who_may_order: Mapped[str] = mapped_column(String(10), default="everyone")
    verified: Mapped[list[Any]] = mapped_column(JsonText, default=list, server_default="[]")
    training: Mapped[str] = mapped_column(String(30), default="", server_default="")
    min_age: Mapped[int | None] = mapped_column(Integer)
    max_age: Mapped[int | None] = mapped_column(Integer)
    personal_care: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("clock IN ('around_the_clock', 'working_hours', 'working_days')", name="clock"),
        CheckConstraint("who_may_order IN ('everyone', 'elders', 'staff')", name="who_may_order"),
        CheckConstraint("deadline_minutes > 0 AND usual_minutes > 0", name="minutes"),
        CheckConstraint("volunteers_needed BETWEEN 1 AND 20", name="volunteers_needed"),
        CheckConstraint("min_age IS NULL OR min_age BETWEEN 14 AND 100", name="min_age"),
        CheckConstraint("max_age IS NULL OR max_age BETWEEN 14 AND 120", name="max_age"),
        Index("ix_service_item_code", "estate_id", "code", unique=True),
        Index("ix_service_item_list", "estate_id", "is_active", "position"),
    )


CLOCK_NAMES = {"around_the_clock": "全天计时", "working_hours": "工作时间计时", "working_days": "按工作日计时"}
WHO_NAMES = {"everyone": "全体居民", "elders": "60岁以上老人", "staff": "由工作人员代点"}
