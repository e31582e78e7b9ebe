"""Bodies of the grid and the posts people hold in them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base
from core.ids import new_id


class OrganisationKind(StrEnum):
    """Kinds of bodies, from the district down."""

    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"
    BRANCH = "branch"
    PARTY_GROUP = "party_group"
    TEMPORARY_BRANCH = "temporary_branch"
    PROPERTY_MANAGER = "property_manager"
    OWNERS_COMMITTEE = "owners_committee"
    PARTNER = "partner"


KIND_NAMES = {
    OrganisationKind.DISTRICT: "区县",
    OrganisationKind.SUBDISTRICT: "街道",
    OrganisationKind.COMMUNITY: "社区",
    OrganisationKind.BRANCH: "小区党支部",
    OrganisationKind.PARTY_GROUP: "楼栋党小组",
    OrganisationKind.TEMPORARY_BRANCH: "临时党支部",
    OrganisationKind.PROPERTY_MANAGER: "物业",
    OrganisationKind.OWNERS_COMMITTEE: "业委会",
    OrganisationKind.PARTNER: "共建单位",
}


class Organisation(Base):
    """A node of the organisation tree. ``path`` is the ids from the root down, each followed by a slash."""

    __tablename__ = "organisation"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    path: Mapped[str] = mapped_column(String(170), unique=True)
    code: Mapped[str] = mapped_column(String(12), default="")
    __table_args__ = (
        CheckConstraint("kind IN ('" + "', '".join(OrganisationKind) + "')", name="kind"),
        Index("ix_organisation_parent_name", "parent_id", "name", unique=True),
    )


class Appointment(Base):
    """A post held by a person at an organisation for a term; both days included, no end while it runs."""

    __tablename__ = "appointment"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(16))
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="term"),
        Index("ix_appointment_open", "person_id", "organisation_id", "role", "starts_on", unique=True),
    )
