"""Accounts, sign-ins and what went wrong with them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base
from core.ids import new_id

LOGIN_COLUMN = "account.phone"


class Account(Base):
    """A way to sign in, one to a person. The phone is sealed and unique by its keyed index."""

    __tablename__ = "account"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), unique=True)
    phone_sealed: Mapped[str] = mapped_column(String(100))
    phone_key: Mapped[str] = mapped_column(String(32), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change: Mapped[bool] = mapped_column(Boolean, default=False)
    email: Mapped[str] = mapped_column(String(200), default="")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(16))
    password_changed_at: Mapped[datetime | None]


class SignIn(Base):
    """A signed-in browser or program, known by the digest of its secret token."""

    __tablename__ = "sign_in"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("kind IN ('web', 'api')", name="kind"),)


class SignInFailure(Base):
    """A failed sign-in, counted by the keyed index of the phone as typed and of the address it came from."""

    __tablename__ = "sign_in_failure"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    phone_key: Mapped[str] = mapped_column(String(32))
    address_key: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    __table_args__ = (
        Index("ix_sign_in_failure_phone", "phone_key", "at"),
        Index("ix_sign_in_failure_address", "address_key", "at"),
        Index("ix_sign_in_failure_at", "at"),
    )
