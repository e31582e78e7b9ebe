"""Writing messages, in the statement of the change or in the session's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ColumnElement, Index, String, Text, bindparam, select, text
from sqlalchemy import insert as core_insert
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.compound import Part
from core.database import Base, UtcDateTime, db
from core.ids import new_id
from core.outbox import kinds
from core.rows import JsonRows, json_rows


class Message(Base):
    """One matter to one person. ``sent`` when its deliveries are made, whatever became of them."""

    __tablename__ = "message"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    recipient_id: Mapped[str] = mapped_column(String(16))
    estate_id: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text, default="")
    link: Mapped[str] = mapped_column(String(200), default="")
    sms: Mapped[str] = mapped_column(String(200), default="", server_default="")
    urgent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    matter: Mapped[str] = mapped_column(String(40), default="", server_default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent')", name="state"),
        Index("ix_message_recipient", "recipient_id", "created_at", "id"),
        Index("ix_message_unread", "recipient_id", postgresql_where=text("read_at IS NULL"),
              sqlite_where=text("read_at IS NULL")),
        Index("ix_message_pending", "created_at", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index("ix_message_read", "read_at", postgresql_where=text("read_at IS NOT NULL"),
              sqlite_where=text("read_at IS NOT NULL")),
    )  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A message to be written: made by a capability's ``messages`` functions, one function a message.

    ``kind`` is one that the capability has declared. ``title`` and ``body`` stand in the inbox; ``sms`` is the short
    text (70 characters at most, no full name, no ID) for text messages, lock screens and robots. When it is empty the
    title goes by text message, a lock screen shows the kind, and a group chat hears nothing. An ``urgent`` one passes
    quiet hours. There is one message of a kind to a person in a matter, and one post into a group chat; ``matter``
    tells several of one kind apart.
    """

    recipient_id: str
    kind: str
    title: str
    body: str = ""
    link: str = ""
    sms: str = ""
    urgent: bool = False
    matter: str = ""


MESSAGE_PARAMETERS = (bindparam("messages", type_=JsonRows()),)
_COLUMNS: dict[str, Any] = {
    "id": String(),
    "recipient_id": String(),
    "estate_id": String(),
    "kind": String(),
    "title": String(),
    "body": Text(),
    "link": String(),
    "sms": String(),
    "urgent": Boolean(),
    "matter": String(),
    "created_at": UtcDateTime(),
}


def message_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The part of a compound that writes messages, given as rows in the parameter ``messages``."""
    rows = json_rows(dialect, MESSAGE_PARAMETERS[0], dict(_COLUMNS))
    # As short as can be said: psycopg parses statements of more than 4 KiB anew each time.
    every = [text("r.*")] if dialect == "postgresql" else [rows.c[name] for name in _COLUMNS]
    chosen = select(*every).select_from(rows).where(gate)
    return [core_insert(Message).from_select([*_COLUMNS], chosen, include_defaults=False)]


def message_values(estate_id: str, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """The rows for the parameter ``messages``; one message to a person in one matter, however often it was drafted."""
    at = clock.now()
    unique = {(draft.recipient_id, draft.kind, draft.matter): draft for draft in drafts}
    return [
        {
            "id": new_id(),
            "recipient_id": d.recipient_id,
            "estate_id": estate_id,
            "kind": d.kind,
            "title": d.title[:120],
            "body": d.body,
            "link": d.link,
            "sms": d.sms[:200],
            "urgent": d.urgent or kinds.find(d.kind)[1].urgent,
            "matter": d.matter[:40],
            "created_at": at,
        }
        for d in unique.values()
    ]


def write(estate_id: str, drafts: Sequence[Draft]) -> None:
    """Write messages in the present transaction of ``db.session``."""
    for row in message_values(estate_id, drafts):
        db.session.add(Message(**row))
