"""Deliveries and gateways, and what the rooms above are asked: over which ways a message goes, and to what address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base
from core.ids import new_id
from core.outbox.messages import Message

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))
"""How long a delivery waits after each try that failed; after one more it is dead."""


class Delivery(Base):
    """A message on its way over one channel to one target: the person, one of their devices, or a robot.

    While one is being tried ``claimed_until`` is set. When that has passed without an end, whoever tried is gone, and
    nobody knows whether the gateway has it.
    """

    __tablename__ = "delivery"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    message_id: Mapped[str] = mapped_column(ForeignKey("message.id"))
    estate_id: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(16))
    gateway: Mapped[str] = mapped_column(String(60))
    once: Mapped[str | None] = mapped_column(String(32), unique=True)
    urgent: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")
    provider_id: Mapped[str] = mapped_column(String(100), default="")
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'dead', 'skipped')", name="state"),
        Index("ix_delivery_message", "message_id", "channel", "target", unique=True),
        Index("ix_delivery_due", "gateway", "next_try_at", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index("ix_delivery_waiting", "estate_id", "created_at", "id", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index("ix_delivery_dead", "estate_id", "created_at", "id", postgresql_where=text("state = 'dead'"),
              sqlite_where=text("state = 'dead'")),
        Index("ix_delivery_estate", "estate_id", "created_at", "id"),
        Index("ix_delivery_tried", "channel", "tried_at"),
    )  # fmt: skip


class Gateway(Base):
    """How a way out stands: failures in a row, until when it is left alone, when it last took and last refused."""

    __tablename__ = "gateway"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))
    failures: Mapped[int] = mapped_column(Integer, default=0)
    open_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")


@dataclass(frozen=True)
class Route:
    """One way for a message.

    ``target`` is a person, a device or a robot; ``gateway`` what fails and recovers as one, the channel when it is
    empty; ``once`` is equal for messages of which only one goes this way; before ``not_before`` it waits.
    """

    channel: str
    target: str
    gateway: str = ""
    once: str | None = None
    not_before: datetime | None = None


Routes = Callable[[Sequence[Message]], Mapping[str, Sequence[Route]]]
Addresses = Callable[[Sequence[str]], Mapping[str, Any]]
Forget = Callable[[str], None]


@dataclass
class _Directory:
    """What the rooms above have named."""

    routes: Routes
    addresses: dict[str, Addresses]
    forget: dict[str, Forget]


def _to_mail(messages: Sequence[Message]) -> Mapping[str, Sequence[Route]]:
    return {message.id: [Route("email", message.recipient_id)] for message in messages}


directory = _Directory(_to_mail, {}, {})


def use_routes(find: Routes) -> None:
    """Name the function that says over which ways messages go, by message id. It is asked when deliveries are made
    and again when they are tried: what a person has switched off meanwhile does not go, and what may not disturb now
    waits."""
    directory.routes = find


def use_addresses(find: Addresses, channel: str = "email", forget: Forget | None = None) -> None:
    """Name the function that finds the addresses of a channel by target (the room that knows people calls this), and
    one that forgets an address which is no more; it runs inside a transaction."""
    directory.addresses[channel] = find
    if forget is not None:
        directory.forget[channel] = forget


def matter_key(message: Message, target: str) -> str:
    """Equal for the messages of one step that tell several people of one matter, so that a group chat hears it once."""
    matter = message.matter or message.sms or message.id
    parts = (target, message.estate_id, message.kind, matter, message.created_at.isoformat())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
