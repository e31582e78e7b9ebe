"""Messages written with the change they tell of, and delivered after it is committed.

A row is one matter to one person. It stands in the person's inbox on the site from the commit on; the job then carries
it to the channels that person has (e-mail), trying again with growing pauses. What cannot be delivered stays as a dead
letter that staff see and may send again.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol

from sqlalchemy import CheckConstraint, ColumnElement, Index, Integer, String, Text, bindparam, select, text, update
from sqlalchemy import insert as core_insert
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.compound import Part
from core.config import Settings
from core.database import Base, JsonRows, UtcDateTime, begin_write, db, json_rows
from core.ids import new_id

log = logging.getLogger(__name__)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8))
BATCH = 200


class Message(Base):
    """One matter to one person."""

    __tablename__ = "message"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    recipient_id: Mapped[str] = mapped_column(String(16))
    estate_id: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    body: Mapped[str] = mapped_column(Text, default="")
    link: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime]
    last_error: Mapped[str] = mapped_column(String(300), default="")
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'dead')", name="state"),
        Index("ix_message_recipient", "recipient_id", "created_at", "id"),
        Index("ix_message_unread", "recipient_id", postgresql_where=text("read_at IS NULL"),
              sqlite_where=text("read_at IS NULL")),
        Index("ix_message_pending", "next_try_at", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index("ix_message_dead", "estate_id", "created_at", postgresql_where=text("state = 'dead'"),
              sqlite_where=text("state = 'dead'")),
    )  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A message to be written: made by a capability's ``messages`` functions, one function a message.

    ``title`` and ``body`` stand in the inbox; ``sms`` is the short text (70 characters at most, no full name, no ID)
    for text messages and robots, the title when it is empty. An ``urgent`` one passes quiet hours. There is one message
    of a kind to a person in a matter; ``matter`` tells several of one kind, written at once, apart.
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
    "created_at": UtcDateTime(),
}


def message_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The part of a compound that writes messages, given as rows in the parameter ``messages``."""
    rows = json_rows(dialect, MESSAGE_PARAMETERS[0], dict(_COLUMNS))
    names = [*_COLUMNS, "state", "attempts", "next_try_at", "last_error"]
    picked = [rows.c[name] for name in _COLUMNS]
    chosen = select(*picked, text("'pending'"), text("0"), rows.c.created_at, text("''")).where(gate)
    return [core_insert(Message).from_select(names, chosen)]


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
            "created_at": at,
        }
        for d in unique.values()
    ]


def write(estate_id: str, drafts: Sequence[Draft]) -> None:
    """Write messages in the present transaction of ``db.session``."""
    for row in message_values(estate_id, drafts):
        db.session.add(Message(**row, state="pending", attempts=0, next_try_at=row["created_at"], last_error=""))


class Channel(Protocol):
    """A way out of the house. Delivering the same message twice must do no harm."""

    def deliver(self, message: Message, address: str) -> None:
        """Hand the message over. Raises any exception when that failed."""


class EmailChannel:
    """E-mail through the SMTP server of the settings; the message id stays the same on every try."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def deliver(self, message: Message, address: str) -> None:
        s = self._settings
        mail = EmailMessage()
        mail["Subject"] = message.title
        mail["From"] = s.smtp_sender
        mail["To"] = address
        mail["Message-ID"] = f"<{message.id}@linju>"
        link = f"\n\n{s.public_url}{message.link}" if s.public_url and message.link else ""
        mail.set_content((message.body or message.title) + link + "\n")
        with smtplib.SMTP(s.smtp_host, s.smtp_port, timeout=10) as server:
            if s.smtp_starttls:
                server.starttls()
            if s.smtp_user:
                server.login(s.smtp_user, s.smtp_password)
            server.send_message(mail)


Addresses = Callable[[Sequence[str]], dict[str, str]]
_addresses: list[Addresses] = []


def use_addresses(find: Addresses) -> None:
    """Name the function that finds e-mail addresses of people by id (the room that knows people calls this)."""
    _addresses[:] = [find]


def deliver_due(channel: Channel | None) -> tuple[int, int]:
    """Deliver what is due, one commit a message; returns (delivered, failed)."""
    due = select(Message).where(Message.state == "pending", Message.next_try_at <= clock.now())
    messages = db.session.scalars(due.order_by(Message.next_try_at).limit(BATCH)).all()
    people = sorted({m.recipient_id for m in messages})
    found = _addresses[0](people) if _addresses and channel is not None and people else {}
    db.session.commit()
    done = failed = 0
    for message in messages:
        address = found.get(message.recipient_id)
        if not _claim(message):
            continue
        try:
            if channel is not None and address:
                channel.deliver(message, address)
        except Exception as error:
            failed += 1
            _set_back(message, error)
        else:
            done += 1
            _settle(message, state="sent", last_error="")
    return done, failed


def _claim(message: Message) -> bool:
    """Take the message for ten minutes, so that a second runner passes it by."""
    begin_write()
    taken = db.session.execute(
        update(Message)
        .where(Message.id == message.id, Message.state == "pending", Message.attempts == message.attempts)
        .where(Message.next_try_at <= clock.now())
        .values(attempts=Message.attempts + 1, next_try_at=clock.now() + timedelta(minutes=10))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.commit()
    return taken is not None


def _settle(message: Message, **values: Any) -> None:
    begin_write()
    db.session.execute(
        update(Message).where(Message.id == message.id).values(**values).execution_options(synchronize_session=False)
    )
    db.session.commit()


def _set_back(message: Message, error: Exception) -> None:
    tries = message.attempts + 1
    why = f"{type(error).__name__}: {error}"[:300]
    log.warning("message %s not delivered (try %d): %s", message.id, tries, type(error).__name__)
    if tries > len(PAUSES):
        _settle(message, state="dead", last_error=why)
    else:
        _settle(message, next_try_at=clock.now() + PAUSES[tries - 1], last_error=why)


def send_again(message_id: str, estate_ids: Sequence[str] | None = None) -> bool:
    """Give a dead letter another round of tries; False when there is none of that id (in those estates)."""
    statement = update(Message).where(Message.id == message_id, Message.state == "dead")
    if estate_ids is not None:
        statement = statement.where(Message.estate_id.in_(estate_ids))
    statement = statement.values(state="pending", attempts=0, next_try_at=clock.now()).returning(Message.id)
    return db.session.execute(statement.execution_options(synchronize_session=False)).first() is not None
