"""Applications to become a volunteer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText

PHONE_COLUMN = "volunteer_application.phone"
NUMBER_COLUMN = "volunteer_application.id_number"
GUARDIAN_COLUMN = "volunteer_application.guardian_phone"


class State(StrEnum):
    """States of an application."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


STATE_NAMES = {
    State.SUBMITTED: "待审核", State.RETURNED: "已退回补充", State.APPROVED: "已批准", State.REFUSED: "未批准",
    State.WITHDRAWN: "已撤回",
}  # fmt: skip
VIA_NAMES = {"self": "本人申请", "staff": "支部登记", "roll": "名册导入"}
LIVE = (State.SUBMITTED, State.RETURNED)
_LIVE_SQL = text("state IN ('submitted', 'returned')")
_WAITING_SQL = text("state = 'submitted'")


class VolunteerApplication(Base):
    """What somebody of the roll offers and agrees to when asking to be registered (MCA order 67).

    What their record already holds is not asked again; what it lacked stands here sealed until the branch decides, and
    goes into the record with the approval. The guardian of somebody under 18 is named here and, once approved, in
    ``volunteer_guardian``.
    """

    __tablename__ = "volunteer_application"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    via: Mapped[str] = mapped_column(String(6))
    applied_by: Mapped[str] = mapped_column(String(16))
    applied_by_name: Mapped[str] = mapped_column(String(60))
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_name: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text)
    skills: Mapped[list[Any]] = mapped_column(JsonText)
    windows: Mapped[list[Any]] = mapped_column(JsonText)
    weekly_cap: Mapped[int] = mapped_column(Integer)
    reach: Mapped[str] = mapped_column(String(10))
    categories: Mapped[list[Any]] = mapped_column(JsonText)
    consents: Mapped[list[Any]] = mapped_column(JsonText)
    consents_version: Mapped[str] = mapped_column(String(10))
    consents_how: Mapped[str] = mapped_column(String(10))
    national_no: Mapped[str] = mapped_column(String(30))
    id_sealed: Mapped[str | None] = mapped_column(String(120))
    id_key: Mapped[str | None] = mapped_column(String(32))
    phone_sealed: Mapped[str | None] = mapped_column(String(100))
    guardian_name: Mapped[str] = mapped_column(String(60))
    guardian_relation: Mapped[str] = mapped_column(String(20))
    guardian_phone_sealed: Mapped[str | None] = mapped_column(String(100))
    guardian_how: Mapped[str] = mapped_column(String(10))
    companion_id: Mapped[str | None] = mapped_column(ForeignKey("volunteer.person_id"))
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint("via IN ('self', 'staff', 'roll')", name="via"),
        CheckConstraint("weekly_cap BETWEEN 1 AND 50", name="weekly_cap"),
        CheckConstraint("reach IN ('building', 'estate', 'community')", name="reach"),
        Index("ix_volunteer_application_live", "person_id", unique=True, postgresql_where=_LIVE_SQL,
              sqlite_where=_LIVE_SQL),
        Index("ix_volunteer_application_queue", "estate_id", "applied_at", "id", postgresql_where=_WAITING_SQL,
              sqlite_where=_WAITING_SQL),
        Index("ix_volunteer_application_estate", "estate_id", "state", "applied_at", "id"),
        Index("ix_volunteer_application_person", "person_id", "applied_at"),
    )  # fmt: skip
