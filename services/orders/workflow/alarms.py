"""Ringing the alarms of orders: what was decided is written with its event and messages, or not at all.

A ring moves no version: a form that lies open on somebody's desk is not made stale by a reminder. That it rings once is
held by the alarm itself, which must still be the one that was read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, String, bindparam, update

from core import audit, clock, outbox
from core.access import system_viewer
from core.audit import Subject
from core.compound import Compound, Parts, Stale
from core.database import UtcDateTime, begin_write, db, fast, one_writer
from services.orders import alarms, clocks
from services.orders.aggregate import Order
from services.orders.alarms import Ring
from services.orders.clock_queries import get_order_and_setting, list_history
from services.orders.models import OPEN, ServiceOrder
from services.orders.workflow.clocks import recount, resume

PUT_OFF = timedelta(hours=1)
_SET = (
    bindparam("ring_next", type_=UtcDateTime()),
    bindparam("ring_reminded", type_=Integer()),
    bindparam("ring_escalated", type_=Integer()),
)
_KEY = (
    bindparam("ring_id", type_=String()),
    bindparam("ring_version", type_=Integer()),
    bindparam("ring_was", type_=UtcDateTime()),
)
_GUARD = (
    update(ServiceOrder)
    .where(ServiceOrder.id == _KEY[0], ServiceOrder.version == _KEY[1], ServiceOrder.next_alarm_at == _KEY[2])
    .values(next_alarm_at=_SET[0], reminded=_SET[1], escalated=_SET[2])
    .execution_options(synchronize_session=False)
)
_parts: Parts = lambda dialect, gate: [*audit.event_parts(dialect, gate), *outbox.message_parts(dialect, gate)]  # noqa: E731
_RING = Compound(
    "ring_service_order", [*_SET, *_KEY, *audit.EVENT_PARAMETERS, *outbox.MESSAGE_PARAMETERS], _parts, _GUARD
)


def ring(order_id: str) -> str:
    """Hear an order's alarm; what came of it, as a verb, or nothing. Raises ``Stale`` when somebody was first."""
    actor, now = system_viewer(), clock.now()
    order, setting = get_order_and_setting(actor, order_id)
    if order.state not in OPEN or order.next_alarm_at is None or order.next_alarm_at > now:
        return ""
    taken = clocks.course(clocks.of_order(order.row))
    if taken.due != order.due_at:
        recount(actor, order_id)
        return "recount"
    if order.paused and taken.paused is not None:
        until = taken.paused.until or now
        if until <= now:
            resume(actor, order_id)
            return "resume"
        _set(order, Ring(until, order.reminded, order.escalated))
        return ""
    found = alarms.decide(order, setting, list_history(order_id), now)
    (_say if found.verb else _set)(order, found)
    return found.verb


def _values(order: Order, found: Ring) -> dict[str, Any]:
    return {
        "ring_next": found.next_at, "ring_reminded": found.reminded, "ring_escalated": found.escalated,
        "ring_id": order.id, "ring_version": order.version, "ring_was": order.next_alarm_at,
    }  # fmt: skip


def _set(order: Order, found: Ring) -> None:
    connection = fast()
    with one_writer(connection):
        done = connection.execute(_GUARD.returning(ServiceOrder.id), _values(order, found)).first()
    if done is None:
        raise Stale("ring")


def _say(order: Order, found: Ring) -> None:
    actor = system_viewer()
    values = _values(order, found)
    values |= audit.event_values(
        actor.person_id, actor.name, found.verb, Subject("order", order.id, order.estate_id),
        details=dict(found.details),
    )  # fmt: skip
    values["messages"] = outbox.message_values(order.estate_id, found.messages)
    _RING.run(fast(), values)


def put_off(order_id: str) -> None:
    """Hear an order's alarm an hour later: it could not be heard now, and somebody has to look into it."""
    begin_write()
    later = update(ServiceOrder).where(ServiceOrder.id == order_id).values(next_alarm_at=clock.now() + PUT_OFF)
    db.session.execute(later.execution_options(synchronize_session=False))
    db.session.commit()


def look_again() -> None:
    """Have every open order's alarm heard at once, as the calendar changed: the next run of the job recounts them."""
    now: datetime = clock.now()
    every = update(ServiceOrder).where(ServiceOrder.state.in_(OPEN)).values(next_alarm_at=now)
    db.session.execute(every.execution_options(synchronize_session=False))
