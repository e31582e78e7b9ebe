"""The time bank (时间储蓄): hours saved for later, as an append-only ledger of its own, and gifts under way."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

KINDS = {"saved": "存入", "given": "赠出", "received": "收到赠予", "used": "使用", "reversed": "冲销"}


class TimeEntry(Base):
    """One movement of a holder's saved minutes. ``number`` counts a holder's entries from 1, ``balance`` stands after.

    Each number is taken once, so of two who spend at one moment one is refused; a balance is never negative; a trigger
    refuses an entry whose number or balance does not follow from the one before, and any change.
    """

    __tablename__ = "time_entry"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    number: Mapped[int] = mapped_column(Integer)
    minutes: Mapped[int] = mapped_column(Integer)
    balance: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    month: Mapped[date | None] = mapped_column(Date)
    transfer_id: Mapped[str | None] = mapped_column(ForeignKey("time_transfer.id"))
    order_id: Mapped[str | None] = mapped_column(String(16))
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("time_entry.id"), unique=True)
    note: Mapped[str] = mapped_column(String(200), server_default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(16))
    __table_args__ = (
        CheckConstraint("minutes <> 0", name="minutes"),
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint(
            "(kind IN ('saved', 'received') AND minutes > 0 AND reverses_id IS NULL) OR "
            "(kind IN ('given', 'used') AND minutes < 0 AND reverses_id IS NULL) OR "
            "(kind = 'reversed' AND reverses_id IS NOT NULL)", name="kind",
        ),
        Index("ix_time_entry_holder", "holder_id", "number", unique=True),
        Index("ix_time_entry_order", "order_id", postgresql_where=text("order_id IS NOT NULL"),
              sqlite_where=text("order_id IS NOT NULL")),
        Index("ix_time_entry_estate", "estate_id", "recorded_at", "id"),
    )  # fmt: skip


class TransferState(StrEnum):
    """States of a gift."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


TRANSFER_NAMES = {
    TransferState.REQUESTED: "待支部确认", TransferState.CONFIRMED: "已转入", TransferState.REFUSED: "没有同意",
    TransferState.WITHDRAWN: "已撤回",
}  # fmt: skip


class TimeTransfer(Base):
    """Saved minutes that a volunteer gives to a relative in need; the branch confirms who that is and their consent."""

    __tablename__ = "time_transfer"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    giver_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    giver_name: Mapped[str] = mapped_column(String(60))
    to_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    to_name: Mapped[str] = mapped_column(String(60))
    relation: Mapped[str] = mapped_column(String(20))
    whereabouts: Mapped[str] = mapped_column(String(60), server_default="")
    minutes: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, server_default="")
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    requested_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(16))
    answer: Mapped[str] = mapped_column(String(200), server_default="")
    consented_on: Mapped[date | None] = mapped_column(Date)
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(TransferState) + "')", name="state"),
        CheckConstraint("minutes > 0", name="minutes"),
        CheckConstraint("state <> 'confirmed' OR (to_id IS NOT NULL AND consented_on IS NOT NULL)", name="consent"),
        Index("ix_time_transfer_giver", "giver_id", "requested_at", "id"),
        Index("ix_time_transfer_open", "estate_id", "requested_at", "id",
              postgresql_where=text("state = 'requested'"), sqlite_where=text("state = 'requested'")),
    )  # fmt: skip
