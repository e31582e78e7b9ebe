"""Reading marks."""

from __future__ import annotations

from sqlalchemy import update

from core import clock
from core.database import db
from core.outbox import Message


def mark_read(message: Message) -> None:
    """Mark a message as read; the first reading counts. Caller commits."""
    if message.read_at is None:
        message.read_at = clock.now()


def mark_all_read(person_id: str) -> None:
    """Mark all of a person's messages as read. Caller commits."""
    unread = update(Message).where(Message.recipient_id == person_id, Message.read_at.is_(None))
    db.session.execute(unread.values(read_at=clock.now()).execution_options(synchronize_session=False))
