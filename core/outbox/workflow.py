"""The states of messages and deliveries, and of the gateways that they go through. What changes here is committed
here, a delivery at a time.

A delivery is pending until it is sent, dead (to be sent again by hand) or skipped (no longer wanted). Whoever tries it
claims it first, by a conditional UPDATE, so that two job runners never send one delivery both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core import clock
from core.channels.parcels import discreet
from core.database import begin_write, db, dialect_name
from core.ids import new_id
from core.outbox.deliveries import PAUSES, Delivery, Gateway, Route, directory
from core.outbox.messages import Message

log = logging.getLogger(__name__)
BATCH = 200
LEASE = timedelta(minutes=10)
TROUBLED = 3
"""So many failures in a row, and a gateway is left alone for a while."""
ALONE = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
_UNSYNCED = {"synchronize_session": False}


@dataclass(frozen=True)
class Held:
    """A delivery as it was read, before or after it was claimed."""

    id: str
    gateway: str
    channel: str
    attempts: int
    next_try_at: datetime
    is_probe: bool = False
    """Tried ahead of its time, to see whether a gateway answers again: such a try does not count against it."""


def spread(channels: Sequence[str]) -> int:
    """Make the deliveries of messages that have none yet, over the channels that are open; how many messages it took.

    A channel for which the person has no address is left out: then the inbox is all there is.
    """
    waiting = select(Message).where(Message.state == "pending").order_by(Message.created_at).limit(BATCH)
    messages = db.session.scalars(waiting).all()
    if not messages:
        db.session.commit()
        return 0
    routes = _reachable(messages, channels)
    db.session.commit()
    begin_write()
    taken = db.session.scalars(
        update(Message)
        .where(Message.id.in_([message.id for message in messages]), Message.state == "pending")
        .values(state="sent")
        .returning(Message.id)
        .execution_options(**_UNSYNCED)
    ).all()
    known = {message.id: message for message in messages}
    rows = [_row(known[id_], route) for id_ in sorted(taken) for route in routes[id_]]
    if rows:
        maker: Any = postgresql.insert if dialect_name() == "postgresql" else sqlite.insert
        db.session.execute(maker(Delivery.__table__).on_conflict_do_nothing(), rows)
    db.session.commit()
    return len(messages)


def _reachable(messages: Sequence[Message], channels: Sequence[str]) -> dict[str, list[Route]]:
    found = directory.routes(messages)
    wanted = {m.id: [route for route in found.get(m.id, ()) if route.channel in channels] for m in messages}
    addresses: dict[str, Mapping[str, Any]] = {}
    for channel in channels:
        targets = sorted({r.target for routes in wanted.values() for r in routes if r.channel == channel})
        find = directory.addresses.get(channel)
        addresses[channel] = find(targets) if find and targets else {}
    return {id_: [r for r in routes if r.target in addresses[r.channel]] for id_, routes in wanted.items()}


def _row(message: Message, route: Route) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": new_id(), "message_id": message.id, "estate_id": message.estate_id, "channel": route.channel,
        "target": route.target, "gateway": (route.gateway or route.channel)[:60], "once": route.once,
        "urgent": message.urgent, "state": "pending", "attempts": 0, "created_at": now,
        "next_try_at": max(now, route.not_before or now), "last_error": "", "provider_id": "",
    }  # fmt: skip


def claim(held: Held) -> Held | None:
    """Take a delivery for some minutes, so that a second runner passes it by; None when somebody was first."""
    now = clock.now()
    values = {"next_try_at": now + LEASE, "claimed_until": now + LEASE, "tried_at": now}
    attempts = held.attempts + (0 if held.is_probe else 1)
    taken = _change(held, Delivery.next_try_at == held.next_try_at, attempts=attempts, **values)
    return replace(held, attempts=attempts) if taken else None


def _change(held: Held, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Change a delivery that is still pending and as it was read, and commit."""
    begin_write()
    done = db.session.execute(
        update(Delivery)
        .where(Delivery.id == held.id, Delivery.state == "pending", Delivery.attempts == held.attempts, *conditions)
        .values(**values)
        .returning(Delivery.id)
        .execution_options(**_UNSYNCED)
    ).first()
    db.session.commit()
    return done is not None


def settle(held: Held, provider_id: str) -> None:
    """The gateway took it. A gateway that had failed again and again is trusted anew, and what waits for it is due."""
    _change(held, state="sent", provider_id=provider_id[:100], last_error="", claimed_until=None)
    answered(held.gateway, held.channel)


def skip(held: Held, why: str) -> None:
    """It is no longer wanted, or has nowhere to go."""
    _change(held, state="skipped", last_error=why[:300], claimed_until=None)


def drop_address(held: Held) -> None:
    """The address is no more: it is forgotten, and the delivery with it."""
    begin_write()
    target = db.session.scalar(select(Delivery.target).where(Delivery.id == held.id))
    forget = directory.forget.get(held.channel)
    if forget is not None and target:
        forget(target)
    skip(held, "地址已失效，已经移除")


def postpone(held: Held, until: datetime) -> None:
    """It may not disturb before that moment. No try is counted."""
    _change(held, Delivery.next_try_at == held.next_try_at, next_try_at=until, claimed_until=None)


def busy(held: Held, seconds: int, why: str) -> None:
    """The gateway takes no more for a while; the try does not count."""
    until = clock.now() + timedelta(seconds=seconds)
    attempts = held.attempts if held.is_probe else held.attempts - 1
    _change(held, attempts=attempts, next_try_at=until, claimed_until=None, last_error=discreet(why))
    _mark(held.gateway, held.channel, open_until=until, failed_at=clock.now(), last_error=discreet(why))


def set_back(held: Held, error: Exception) -> None:
    """It failed: the next try comes later than the one before did, until there is none and it is dead."""
    why = discreet(str(error)) or type(error).__name__
    log.warning("delivery %s by %s failed (try %d): %s", held.id, held.channel, held.attempts, type(error).__name__)
    if held.is_probe:
        _change(held, next_try_at=max(held.next_try_at, clock.now()), claimed_until=None, last_error=why)
    elif held.attempts > len(PAUSES):
        bury(held, why)
    else:
        pause = PAUSES[held.attempts - 1]
        _change(held, next_try_at=clock.now() + pause, claimed_until=None, last_error=why)
    failed(held.gateway, held.channel, why)


def bury(held: Held, why: str) -> None:
    """It is a dead letter from now on."""
    _change(held, state="dead", claimed_until=None, last_error=why[:300])


def answered(gateway: str, channel: str) -> None:
    """A gateway took something. When it had been left alone, all that failed there is due at once."""
    begin_write()
    before = db.session.scalar(select(Gateway.failures).where(Gateway.name == gateway)) or 0
    if before >= TROUBLED:
        waiting = update(Delivery).where(Delivery.gateway == gateway, Delivery.state == "pending")
        waiting = waiting.where(Delivery.attempts > 0, Delivery.claimed_until.is_(None))
        now = clock.now()
        again = waiting.where(Delivery.next_try_at > now).values(next_try_at=now)
        db.session.execute(again.execution_options(**_UNSYNCED))
    _mark(gateway, channel, failures=0, open_until=None, sent_at=clock.now(), last_error="")


def failed(gateway: str, channel: str, why: str) -> None:
    """A gateway failed. After several times in a row it is left alone, longer and longer."""
    begin_write()
    now = clock.now()
    failures = (db.session.scalar(select(Gateway.failures).where(Gateway.name == gateway)) or 0) + 1
    until = now + ALONE[min(failures - TROUBLED, len(ALONE) - 1)] if failures >= TROUBLED else None
    _mark(gateway, channel, failures=failures, open_until=until, failed_at=now, last_error=discreet(why))


def _mark(gateway: str, channel: str, **values: Any) -> None:
    begin_write()
    maker: Any = postgresql.insert if dialect_name() == "postgresql" else sqlite.insert
    row = maker(Gateway).values(**{"name": gateway, "channel": channel, "failures": 0, "last_error": "", **values})
    db.session.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
    db.session.commit()


def bury_older(moment: datetime) -> int:
    """What has waited since before a moment is dead; how many."""
    begin_write()
    old = update(Delivery).where(Delivery.state == "pending", Delivery.created_at < moment)
    old = old.where(or_(Delivery.claimed_until.is_(None), Delivery.claimed_until < clock.now()))
    buried = old.values(state="dead", last_error="等了三天没有送出").returning(Delivery.id)
    count = len(db.session.execute(buried.execution_options(**_UNSYNCED)).all())
    db.session.commit()
    return count


def send_again(delivery_id: str, estate_ids: Sequence[str] | None = None) -> bool:
    """Give a dead letter another round of tries; False when there is none of that id (in those estates).

    Caller commits.
    """
    return _revive(estate_ids, Delivery.id == delivery_id) == 1


def send_all_again(channel: str, estate_ids: Sequence[str] | None = None) -> int:
    """Give every dead letter of a channel another round of tries; how many. Caller commits."""
    return _revive(estate_ids, Delivery.channel == channel)


def _revive(estate_ids: Sequence[str] | None, *which: ColumnElement[bool]) -> int:
    statement = update(Delivery).where(Delivery.state == "dead", *which)
    if estate_ids is not None:
        statement = statement.where(Delivery.estate_id.in_(estate_ids))
    now = clock.now()
    # It begins its life anew, so that it is not buried for its age at once.
    again = {"state": "pending", "attempts": 0, "next_try_at": now, "created_at": now, "claimed_until": None}
    statement = statement.values(**again)
    return len(db.session.execute(statement.returning(Delivery.id).execution_options(**_UNSYNCED)).all())
