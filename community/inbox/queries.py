"""Reading one's own messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core.access import NotFound
from core.database import db, fast
from core.outbox import Message
from core.web.paging import PAGE, Page, after, page_of


def unread_count(person_id: str) -> int:
    """How many messages a person has not read; one statement, served by the index over unread ones."""
    unread = select(func.count()).select_from(Message)
    return int(fast().execute(unread.where(Message.recipient_id == person_id, Message.read_at.is_(None))).scalar_one())


def list_messages(person_id: str, *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """A person's messages, newest first."""
    statement = select(
        Message.id, Message.title, Message.body, Message.link, Message.created_at, Message.read_at
    ).where(Message.recipient_id == person_id)  # fmt: skip
    keys = [Message.created_at, Message.id]
    rows = fast().execute(after(statement, keys, [datetime, str], cursor, limit, descending=True)).all()
    return page_of(rows, limit, lambda row: [row.created_at, row.id])


def get_message(person_id: str, message_id: str) -> Message:
    """One of a person's own messages. Raises ``NotFound``."""
    found = db.session.get(Message, message_id)
    if found is None or found.recipient_id != person_id:
        raise NotFound
    return found
