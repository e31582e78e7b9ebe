"""Opening and withdrawing private calendar feeds. The token is shown once; only its digest is kept."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from core import audit, clock
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import begin_write, db
from core.ids import new_id
from services.calendar.models import FEEDS, CalendarFeed
from services.calendar.queries import digest_of

TOKEN_BYTES = 32


class TooMany(ValueError):
    """The person has as many live feeds as one may have."""


def open_feed(viewer: Viewer, label: str) -> str:
    """A new feed of the viewer's calendar; returns its token. Caller commits. Raises ``TooMany``."""
    taken = select(CalendarFeed.slot).where(
        CalendarFeed.person_id == viewer.person_id, CalendarFeed.withdrawn_at.is_(None)
    )
    free = sorted(set(range(1, FEEDS + 1)) - set(db.session.scalars(taken)))
    if not free:
        raise TooMany(f"最多{FEEDS}个订阅地址，请先停用一个不用的")
    token, feed_id = secrets.token_urlsafe(TOKEN_BYTES), new_id()
    row = {"id": feed_id, "person_id": viewer.person_id, "slot": free[0], "digest": digest_of(token),
           "label": label or "我的日历", "created_at": clock.now()}  # fmt: skip
    try:
        db.session.execute(insert(CalendarFeed), [row])
    except IntegrityError as error:
        raise TooMany("刚才又开了一个订阅地址，请刷新后再试") from error
    _record(viewer, "open_feed", feed_id, row["label"])
    return token


def withdraw_feed(viewer: Viewer, feed_id: str) -> None:
    """End a feed of the viewer: from now on its address answers as if it had never been. Caller commits."""
    ended = db.session.execute(
        update(CalendarFeed)
        .where(CalendarFeed.id == feed_id, CalendarFeed.person_id == viewer.person_id)
        .where(CalendarFeed.withdrawn_at.is_(None))
        .values(withdrawn_at=clock.now())
        .returning(CalendarFeed.label)
        .execution_options(synchronize_session=False)
    ).scalar()
    if ended is None:
        raise NotFound
    _record(viewer, "withdraw_feed", feed_id, ended)


def note_reading(feed: Any) -> None:
    """Keep the day of the last reading: one write a day, however often a program asks."""
    today = clock.today()
    if feed.read_on == today:
        return
    begin_write()
    seen = update(CalendarFeed).where(CalendarFeed.id == feed.id).values(read_on=today)
    db.session.execute(seen.execution_options(synchronize_session=False))
    db.session.commit()


def _record(viewer: Viewer, verb: str, feed_id: str, label: Any) -> None:
    subject = Subject("calendar_feed", feed_id, viewer.estate_id or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details={"label": label})
