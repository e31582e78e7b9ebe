"""Places and the people who live in them: estate, building, unit, household, person."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText
from core.ids import new_id

ID_COLUMN = "person.id_number"
PHONE_COLUMN = "person_phone.number"
PHONE_TAIL = "person_phone.tail"
CONTACT_COLUMN = "household_contact.phone"


class Estate(Base):
    """A residential estate (小区): a place, led by the branch at ``branch_id``; ``path`` is the branch's path."""

    __tablename__ = "estate"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    branch_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), unique=True)
    path: Mapped[str] = mapped_column(String(170), index=True)
    duty_phone: Mapped[str] = mapped_column(String(30), default="")
    created_at: Mapped[datetime]


class GridCell(Base):
    """A grid cell (网格) with its 20-digit code (CJ/T 349-2010: object 6, county 6, street 3, community 3, grid 2)."""

    __tablename__ = "grid_cell"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    area: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (CheckConstraint("length(code) = 20", name="code"),)


class Building(Base):
    """A building (楼栋) or hamlet (屋场) under the name the estate gives it; its party group leads it."""

    __tablename__ = "building"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    name: Mapped[str] = mapped_column(String(30))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10), default="building")
    party_group_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    grid_cell_id: Mapped[str | None] = mapped_column(ForeignKey("grid_cell.id"))
    __table_args__ = (
        CheckConstraint("kind IN ('building', 'hamlet')", name="kind"),
        Index("ix_building_estate", "estate_id", "number", "name", unique=True),
    )


class Unit(Base):
    """A stairwell (单元) of a building; number 0 stands for a building without units."""

    __tablename__ = "unit"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    building_id: Mapped[str] = mapped_column(ForeignKey("building.id"))
    number: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index("ix_unit_building", "building_id", "number", unique=True),)


class Household(Base):
    """A dwelling with the people living in it (户); a vacant flat is a household without people."""

    __tablename__ = "household"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    building_id: Mapped[str] = mapped_column(ForeignKey("building.id"))
    unit_id: Mapped[str] = mapped_column(ForeignKey("unit.id"))
    door: Mapped[str] = mapped_column(String(12))
    floor: Mapped[int] = mapped_column(Integer, default=0)
    label: Mapped[str] = mapped_column(String(60))
    occupancy: Mapped[str] = mapped_column(String(12), default="")
    is_vacant: Mapped[bool] = mapped_column(Boolean, default=False)
    is_focal: Mapped[bool] = mapped_column(Boolean, default=False)
    floor_area: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    residents_count: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        CheckConstraint("floor_area IS NULL OR floor_area >= 0", name="floor_area"),
        Index("ix_household_unit", "unit_id", "door", unique=True),
        Index("ix_household_building", "estate_id", "building_id", "unit_id", "door"),
        Index("ix_household_label", "estate_id", "label"),
    )


class Person(Base):
    """Someone on the roll of an estate. ``household_id`` is empty for staff and relatives who live elsewhere.

    The ID number is sealed; ``id_key`` finds it again, and may be shared: rolls do give two people one number, which
    ``id_contested`` marks until somebody has looked at their papers. ``moved_out_on`` closes the stay, nothing is
    deleted.
    """

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str | None] = mapped_column(ForeignKey("estate.id"))
    household_id: Mapped[str | None] = mapped_column(ForeignKey("household.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    pinyin: Mapped[str] = mapped_column(String(120), default="")
    initials: Mapped[str] = mapped_column(String(30), default="")
    sex: Mapped[int] = mapped_column(Integer, default=0)
    birth_date: Mapped[date | None] = mapped_column(Date)
    id_sealed: Mapped[str | None] = mapped_column(String(120))
    id_key: Mapped[str | None] = mapped_column(String(32))
    id_contested: Mapped[bool] = mapped_column(Boolean, default=False)
    is_owner: Mapped[bool] = mapped_column(Boolean, default=False)
    relation: Mapped[str] = mapped_column(String(20), default="")
    is_householder: Mapped[bool] = mapped_column(Boolean, default=False)
    political_status: Mapped[str] = mapped_column(String(2), default="")
    care: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    moved_out_on: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("sex IN (0, 1, 2, 9)", name="sex"),
        Index("ix_person_id_key", "estate_id", "id_key", postgresql_where=text("id_key IS NOT NULL"),
              sqlite_where=text("id_key IS NOT NULL")),
        Index("ix_person_number", "id_key", postgresql_where=text("id_key IS NOT NULL"),
              sqlite_where=text("id_key IS NOT NULL")),
        Index("ix_person_name", "estate_id", "pinyin", "id"),
        Index("ix_person_initials", "estate_id", "initials"),
        Index("ix_person_full_name", "estate_id", "name"),
    )  # fmt: skip


class PersonPhone(Base):
    """One of a person's phone numbers, sealed; keyed indexes find the whole number and its last four digits."""

    __tablename__ = "person_phone"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    estate_id: Mapped[str | None] = mapped_column(ForeignKey("estate.id"))
    sealed: Mapped[str] = mapped_column(String(100))
    number_key: Mapped[str] = mapped_column(String(32))
    tail_key: Mapped[str] = mapped_column(String(32))
    __table_args__ = (
        Index("ix_person_phone_number", "estate_id", "number_key"),
        Index("ix_person_phone_tail", "estate_id", "tail_key"),
    )


class Proxy(Base):
    """A family member whom a resident has named to order for the household (代点单)."""

    __tablename__ = "proxy"
    household_id: Mapped[str] = mapped_column(ForeignKey("household.id"), primary_key=True)
    helper_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    relation: Mapped[str] = mapped_column(String(20))
    named_at: Mapped[datetime]
    __table_args__ = (Index("ix_proxy_helper", "helper_id"),)


class HouseholdContact(Base):
    """Whom to reach when a household is in need (紧急联系人), in the order of ``position``.

    The phone is sealed; ``login_key`` is its keyed index as accounts have it, so that a contact who is given an account
    later is found. ``person_id`` is filled when name and phone are those of somebody known here. Nobody is kept without
    having agreed (个人信息保护法): ``agreed_at`` says when that was stated, ``stated_by`` by whom.
    """

    __tablename__ = "household_contact"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    household_id: Mapped[str] = mapped_column(ForeignKey("household.id"))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(20))
    phone_sealed: Mapped[str] = mapped_column(String(100))
    login_key: Mapped[str] = mapped_column(String(32))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    agreed_at: Mapped[datetime]
    stated_by: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]
    __table_args__ = (Index("ix_household_contact_household", "household_id", "position"),)


class RollImport(Base):
    """An uploaded roll between preview and confirmation, and its result. The file is sealed while it waits.

    ``target`` is what within the estate it is meant for, such as a team, in the words of the reader of its kind.
    """

    __tablename__ = "roll_import"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    filename: Mapped[str] = mapped_column(String(200))
    uploaded_by: Mapped[str] = mapped_column(String(16))
    uploaded_at: Mapped[datetime]
    sealed_file: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), default="previewed")
    summary: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    sealed_refused: Mapped[str | None] = mapped_column(Text)
    target: Mapped[str] = mapped_column(String(16), default="", server_default="")
    finished_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("state IN ('previewed', 'done', 'dropped')", name="state"),)
