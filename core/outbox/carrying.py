"""Carrying what is due: a turn for each gateway, healthy ones first, so that one which fails holds up no other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core import clock
from core.channels import PERSONAL
from core.channels.parcels import Busy, Channel, Gone, Parcel, Refused, Unsure
from core.database import db
from core.outbox import kinds, workflow
from core.outbox.deliveries import Delivery, Gateway, Route, directory
from core.outbox.messages import Message
from core.outbox.workflow import BATCH, TROUBLED, Held

TURN_SECONDS = 20
ROUNDS = 20
"""Batches of new messages that one run makes deliveries of at most: the next one goes on."""
MINUTE = timedelta(minutes=1)
UNFINISHED = "上一次没有做完，可能已经送出。请先核实，确定没收到再重发"


@dataclass(frozen=True)
class Way:
    """A gateway for which something waits."""

    name: str
    channel: str
    is_due: bool
    failures: int
    open_until: datetime | None


@dataclass(frozen=True)
class Letter:
    """A delivery with its message, where it goes now, and whether an earlier try of it never ended."""

    held: Held
    message: Message
    target: str
    route: Route | None
    is_unfinished: bool


def deliver_due(channels: Mapping[str, Channel]) -> tuple[int, int]:
    """Make deliveries of new messages and try those that are due, one commit each; returns (delivered, failed)."""
    for _ in range(ROUNDS):
        if workflow.spread(list(channels)) < BATCH:
            break
    done = failed = 0
    for way in _ways(list(channels)):
        for succeeded in _turn(way, channels[way.channel]):
            done, failed = done + succeeded, failed + (not succeeded)
    return done, failed


def _ways(channels: Sequence[str]) -> list[Way]:
    """Gateways that may be spoken to now and for which something is due; one that has failed again and again is also
    asked ahead of time, whether it answers."""
    now = clock.now()
    waiting = (
        select(Delivery.gateway, Delivery.channel, func.min(Delivery.next_try_at), Gateway.failures, Gateway.open_until)
        .outerjoin(Gateway, Gateway.name == Delivery.gateway)
        .where(Delivery.state == "pending", Delivery.channel.in_(channels))
        .group_by(Delivery.gateway, Delivery.channel, Gateway.failures, Gateway.open_until)
    )
    found = [Way(n, c, first <= now, failures or 0, until) for n, c, first, failures, until in
             db.session.execute(waiting)]  # fmt: skip
    db.session.commit()
    able = [way for way in found if way.open_until is None or way.open_until <= now]
    wanted = [way for way in able if way.is_due or way.failures >= TROUBLED]
    return sorted(wanted, key=lambda way: (way.failures, way.name))


def _turn(way: Way, channel: Channel) -> list[bool]:
    """Try what is due at one gateway, within its limits; for each try whether it succeeded."""
    letters = _letters(way, _allowance(way, channel))
    addresses = _addresses(way.channel, letters)
    db.session.commit()
    results: list[bool] = []
    began = time.monotonic()
    for letter in letters:
        if time.monotonic() - began > TURN_SECONDS:
            break
        result = _carry(letter, channel, addresses.get(letter.target))
        results += [] if result is None else [result]
        if result is False and _is_shut(way):
            break
    return results


def _is_shut(way: Way) -> bool:
    until = db.session.scalar(select(Gateway.open_until).where(Gateway.name == way.name))
    db.session.commit()
    return until is not None and until > clock.now()


def _allowance(way: Way, channel: Channel) -> int:
    """How many parcels the gateway may be given now: one when it is being probed; one place is kept for a test."""
    if way.failures >= TROUBLED:
        return 1
    if not channel.per_minute:
        return BATCH
    lately = select(func.count()).select_from(Delivery)
    lately = lately.where(Delivery.channel == way.channel, Delivery.tried_at > clock.now() - MINUTE)
    tried = db.session.scalar(lately.where(Delivery.gateway == way.name)) or 0
    return min(BATCH, max(channel.per_minute - 1 - tried, 0))


def _letters(way: Way, limit: int) -> list[Letter]:
    """The next deliveries of a gateway, urgent ones first, with the way that each takes as things stand now."""
    now = clock.now()
    due = select(Delivery, Message).join(Message, Message.id == Delivery.message_id)
    due = due.where(Delivery.state == "pending", Delivery.gateway == way.name)
    if way.is_due:
        due = due.where(Delivery.next_try_at <= now)
    else:
        due = due.where(Delivery.attempts > 0, Delivery.claimed_until.is_(None))
    order = (Delivery.urgent.desc(), Delivery.next_try_at, Delivery.id)
    rows = db.session.execute(due.order_by(*order).limit(limit).execution_options(populate_existing=True)).all()
    routes = directory.routes([message for _, message in rows]) if rows else {}
    return [
        Letter(
            Held(row.id, row.gateway, row.channel, row.attempts, row.next_try_at, not way.is_due), message, row.target,
            next((r for r in routes.get(message.id, ()) if (r.channel, r.target) == (row.channel, row.target)), None),
            row.claimed_until is not None,
        )
        for row, message in rows
    ]  # fmt: skip


def _addresses(channel: str, letters: Sequence[Letter]) -> Mapping[str, Any]:
    find = directory.addresses.get(channel)
    targets = sorted({letter.target for letter in letters if letter.route})
    return find(targets) if find and targets else {}


def _carry(letter: Letter, channel: Channel, address: Any) -> bool | None:
    """Try one delivery; None when there was nothing to try."""
    held, message, route = letter.held, letter.message, letter.route
    if route is None:
        workflow.skip(held, "已关闭这类提醒")
    elif address is None:
        workflow.skip(held, "没有可用的地址")
    elif message.read_at is not None and held.channel in PERSONAL:
        workflow.skip(held, "已在站内看过")
    elif letter.is_unfinished and not (channel.repeats or message.urgent):
        workflow.bury(held, UNFINISHED)
        return False
    elif route.not_before is not None and route.not_before > clock.now():
        workflow.postpone(held, route.not_before)
    else:
        return _try(letter, channel, address)
    return None


def _try(letter: Letter, channel: Channel, address: Any) -> bool | None:
    held = workflow.claim(letter.held)
    if held is None:
        return None
    try:
        provider_id = channel.deliver(parcel_of(held, letter.message), address)
    except Gone:
        workflow.drop_address(held)
        return None
    except Refused as error:
        workflow.bury(held, str(error))
    except Busy as error:
        workflow.busy(held, error.seconds, str(error))
    except Exception as error:
        if isinstance(error, Unsure) and not (channel.repeats or letter.message.urgent):
            workflow.bury(held, f"{error}。可能已经送出，请先核实，确定没收到再重发")
            workflow.failed(held.gateway, held.channel, str(error))
        else:
            workflow.set_back(held, error)
    else:
        workflow.settle(held, provider_id)
        return True
    return False


def parcel_of(held: Held, message: Message) -> Parcel:
    """What a channel is given of a message. Titles may name people, so a lock screen shows only what kind it is."""
    text = message.sms or (kinds.find(message.kind)[1].title if held.channel == "push" else message.title)
    return Parcel(held.id, message.id, message.title, message.body, message.link, text, message.urgent)


def try_out(channel: Channel, gateway: str, kind: str, parcel: Parcel, address: Any) -> str:
    """Send a parcel at once, outside the row of deliveries, and keep how it went; the problem, or nothing."""
    try:
        channel.deliver(parcel, address)
    except Exception as error:
        told = str(error) or type(error).__name__
        workflow.failed(gateway, kind, told)
        return told
    workflow.answered(gateway, kind)
    return ""
