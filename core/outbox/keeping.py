"""Clearing away: what was read long ago goes, what could not be delivered stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, exists, select

from core import clock
from core.database import begin_write, db
from core.outbox import workflow
from core.outbox.deliveries import Delivery
from core.outbox.messages import Message

KEPT = timedelta(days=180)
"""How long a message stays after it was read."""
PATIENCE = timedelta(days=3)
"""How long a delivery waits for a gateway that does not recover."""
CHUNK = 1000


def give_up() -> int:
    """Deliveries that have waited for days are dead letters from now on; how many."""
    return workflow.bury_older(clock.now() - PATIENCE)


def forget_old() -> int:
    """Delete messages that were read more than 180 days ago, with their deliveries, unless one of these is a dead
    letter or still on its way. Commits by itself, some at a time; how many."""
    held = exists().where(Delivery.message_id == Message.id, Delivery.state.in_(["dead", "pending"]))
    old = select(Message.id).where(Message.read_at < clock.now() - KEPT, Message.state == "sent", ~held)
    count = 0
    while True:
        begin_write()
        ids = db.session.scalars(old.order_by(Message.read_at).limit(CHUNK)).all()
        db.session.execute(delete(Delivery).where(Delivery.message_id.in_(ids)))
        db.session.execute(delete(Message).where(Message.id.in_(ids)))
        db.session.commit()
        count += len(ids)
        if len(ids) < CHUNK:
            return count
