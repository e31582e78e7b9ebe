"""What one order counts for: a vector of small whole numbers, a pure function of its row and of the moment.

Every report of orders is a sum of such vectors. An order belongs to the period in which it was placed. Rates are kept
as both their numbers (接诉即办, rules.md 3):

* on time: completed by the deadline, as pauses and extensions have left it, ÷ completed or past the deadline; one that
  was missed before it was extended stays missed;
* response: dispatched within two hours ÷ dispatched or waiting longer than that;
* resolution: confirmed solved at a call-back ÷ valid call-backs;
* satisfaction: four or five at the call-back, else in the rating ÷ valid answers;
* repeated: the same household had ordered the same service within the thirty days before;
* unreachable: called back and no answer about satisfaction was had, counted apart.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    type_coerce,
)
from sqlalchemy.orm import aliased

from core.database import UtcDateTime, dialect_name
from services.orders.models import ServiceOrder, State

RESPONSE_LIMIT = timedelta(hours=2)
VECTOR = (
    "placed", "dispatched", "accepted", "completed", "closed", "cancelled", "sent_back", "on_time", "due", "responded",
    "to_respond", "solved", "asked", "satisfied", "rated", "unreachable", "reopened",
    "repeated",
)  # fmt: skip
"""The names of an order's numbers, each 0 or 1 but for ``reopened``."""

NOW = bindparam("now", type_=UtcDateTime())
RESPONDED_SINCE = bindparam("now_response", type_=UtcDateTime())
"""``now`` less ``RESPONSE_LIMIT``."""


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def seconds(later: Any, earlier: Any) -> ColumnElement[Any]:
    """Seconds between two columns, good to a millisecond."""
    if dialect_name() == "postgresql":
        return func.extract("epoch", later - earlier)
    days = func.julianday(type_coerce(later, String())) - func.julianday(type_coerce(earlier, String()))
    return func.round(days * 86400, 3)  # days are floating numbers


def _again() -> ColumnElement[bool]:
    """Whether the household had ordered the same service within the thirty days before."""
    before = aliased(ServiceOrder)
    earlier = and_(before.household_id == ServiceOrder.household_id, before.item_code == ServiceOrder.item_code)
    if dialect_name() == "postgresql":
        lately = before.placed_at >= ServiceOrder.placed_at - literal_column("INTERVAL '30 days'")
    else:
        since = func.strftime("%Y-%m-%d %H:%M:%f000", type_coerce(ServiceOrder.placed_at, String()), "-30 days")
        lately = type_coerce(before.placed_at, String()) >= since
    lately = and_(before.placed_at < ServiceOrder.placed_at, lately)
    return exists().where(earlier, lately).correlate(ServiceOrder)


def vector() -> list[ColumnElement[int]]:
    """The columns of ``VECTOR`` over ``ServiceOrder``; they take the parameters ``now`` and ``now_response``."""
    order = ServiceOrder
    done = order.completed_at.is_not(None)
    dropped = order.state.in_((State.CANCELLED, State.SENT_BACK))
    due = or_(done, and_(order.due_at < NOW, ~dropped))
    in_time = seconds(order.dispatched_at, order.placed_at) <= RESPONSE_LIMIT.total_seconds()
    waits = and_(order.dispatched_at.is_(None), order.placed_at < RESPONDED_SINCE, ~dropped)
    answered = func.coalesce(order.satisfied, order.stars)
    columns = [
        case((order.id.is_not(None), 1), else_=0), _flag(order.dispatched_at.is_not(None)),
        _flag(or_(order.accepted_count > 0, done)), _flag(done), _flag(order.state == State.CLOSED),
        _flag(order.state == State.CANCELLED), _flag(order.state == State.SENT_BACK),
        _flag(and_(done, order.completed_at <= order.due_at, order.missed_at.is_(None))), _flag(due),
        _flag(and_(order.dispatched_at.is_not(None), in_time)), _flag(or_(order.dispatched_at.is_not(None), waits)),
        _flag(order.solved.is_(True)), _flag(order.solved.is_not(None)),
        _flag(answered >= 4), _flag(answered.is_not(None)),
        _flag(and_(order.solved.is_not(None), order.satisfied.is_(None), order.stars.is_(None))),
        type_coerce(order.reopened, Integer()), _flag(_again()),
    ]  # fmt: skip
    return [column.label(name) for name, column in zip(VECTOR, columns, strict=True)]
