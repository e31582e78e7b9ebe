"""What people have agreed to, and the guardians of those under 18."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base
from core.ids import new_id

GUARDIAN_PHONE = "volunteer_guardian.phone"
_STANDS = text("withdrawn_at IS NULL")


class VolunteerConsent(Base):
    """A consent given to one text in one version, until it is withdrawn (个人信息保护法, arts. 14, 15, 29)."""

    __tablename__ = "volunteer_consent"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    kind: Mapped[str] = mapped_column(String(12))
    text_version: Mapped[str] = mapped_column(String(10))
    how: Mapped[str] = mapped_column(String(10))
    given_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    recorded_by_name: Mapped[str] = mapped_column(String(60))
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("kind IN ('general', 'sensitive', 'sharing', 'publishing', 'hours_notice')", name="kind"),
        CheckConstraint("how IN ('online', 'paper', 'phone', 'present')", name="how"),
        Index("ix_volunteer_consent_stands", "person_id", "kind", unique=True, postgresql_where=_STANDS,
              sqlite_where=_STANDS),
        Index("ix_volunteer_consent_person", "person_id", "given_at"),
    )  # fmt: skip


class VolunteerGuardian(Base):
    """A guardian's consent to the service of somebody under 18, until it is withdrawn.

    Under 14 the guardian serves as a volunteer, too, and comes along: ``companion_id``. The phone is sealed.
    """

    __tablename__ = "volunteer_guardian"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(20))
    phone_sealed: Mapped[str | None] = mapped_column(String(100))
    phone_key: Mapped[str | None] = mapped_column(String(32))
    companion_id: Mapped[str | None] = mapped_column(ForeignKey("volunteer.person_id"))
    how: Mapped[str] = mapped_column(String(10))
    given_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    recorded_by_name: Mapped[str] = mapped_column(String(60))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_name: Mapped[str] = mapped_column(String(60), default="")
    withdrawn_reason: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (
        CheckConstraint("how IN ('online', 'paper', 'phone', 'present')", name="how"),
        Index("ix_volunteer_guardian_stands", "person_id", unique=True, postgresql_where=_STANDS, sqlite_where=_STANDS),
        Index("ix_volunteer_guardian_phone", "phone_key", postgresql_where=_STANDS, sqlite_where=_STANDS),
    )
