"""What people choose about messages, the devices they want them on, and the robots of group chats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.channels.robots import VENDORS
from core.database import Base, JsonText
from core.ids import new_id

WEBHOOK_COLUMN = "robot.webhook"
SECRET_COLUMN = "robot.secret"
DEVICE_COLUMN = "push_device.subscription"


class MessageChoice(Base):
    """What a person chose: by group and channel, on or off, and when not to be disturbed (minutes after midnight).

    Nothing chosen about a group means its default; no hours mean those of the estate; two equal ones, none at all.
    """

    __tablename__ = "message_choice"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    chosen: Mapped[dict[str, Any]] = mapped_column(JsonText)
    quiet_from: Mapped[int | None] = mapped_column(Integer)
    quiet_until: Mapped[int | None] = mapped_column(Integer)
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint(
            "(quiet_from IS NULL AND quiet_until IS NULL)"
            " OR (quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439)",
            name="quiet",
        ),
    )


class PushDevice(Base):
    """A browser that a person wants notes on. What it is spoken to with is sealed; one device is one person's."""

    __tablename__ = "push_device"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    endpoint_key: Mapped[str] = mapped_column(String(32), unique=True)
    host: Mapped[str] = mapped_column(String(60))
    sealed: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]


class Robot(Base):
    """A robot of a group chat, of the body whose matters it tells of: those of all estates below it.

    ``kinds`` are the kinds of messages it posts. Its address and secret are sealed.
    """

    __tablename__ = "robot"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    vendor: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(30))
    webhook_sealed: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[str] = mapped_column(Text, default="")
    kinds: Mapped[list[Any]] = mapped_column(JsonText)
    is_enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(16))
    __table_args__ = (
        CheckConstraint("vendor IN ('" + "', '".join(VENDORS) + "')", name="vendor"),
        Index("ix_robot_enabled", "is_enabled"),
    )
