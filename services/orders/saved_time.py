"""Using saved time (时间储蓄) for an order: a mark that puts it first, never a price, and its return when it was not
needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate
from community.policies import queries as policies
from core.access import Forbidden, NotFound, Viewer, system_viewer
from core.database import begin_write, db, fast
from core.workflow import InvalidStep, Stale
from services.orders import queries
from services.orders.aggregate import Order
from services.orders.models import Offer, OfferState, ServiceOrder, State
from volunteers.timebank import workflow as timebank
from volunteers.timebank.models import TimeEntry
from volunteers.timebank.queries import balance_column, used_for
from volunteers.timebank.rules import TIME_BANK

USABLE = (State.PLACED, State.DISPATCHED, State.ACCEPTED, State.SENT_BACK)


@dataclass(frozen=True)
class Saved:
    """What of the resident's saved time concerns an order: the balance, what it would take, what it has taken."""

    balance: int
    asks: int
    used: int

    @property
    def can_use(self) -> bool:
        """Whether it can be used now."""
        return not self.used and self.balance >= self.asks


def find(order: Order) -> Saved | None:
    """Saved time for an order that the viewer has read; None where there is nothing to show."""
    row = fast().execute(
        select(policies.column(TIME_BANK, Estate.id), balance_column(order.person_id), used_for(order.id))
        .where(Estate.id == order.estate_id)
    ).one()  # fmt: skip
    runs = policies.read(TIME_BANK, row[0])["runs"]
    found = Saved(int(row[1]), int(order.item["usual_minutes"]), int(row[2]))
    if found.used or (runs and found.balance and order.state in USABLE):
        return found
    return None


def use(viewer: Viewer, order_id: str) -> int:
    """Use the resident's saved time for their order; minutes taken. Caller commits.

    Raises ``NotFound``, ``Forbidden``, ``InvalidStep``, ``volunteers.timebank.workflow.Refused``, ``Stale``.
    """
    order = queries.get_order(viewer, order_id)
    if not order.visible_to(viewer):
        raise NotFound
    if not (order.is_ours(viewer) or order.leads(viewer)):
        raise Forbidden
    if order.state not in USABLE:
        raise InvalidStep(order.state, "spend_time", "用时间储蓄")
    minutes = int(order.item["usual_minutes"])
    timebank.spend(viewer, order.person_id, order.estate_id, minutes, order.id)
    return minutes


def _unsettled(limit: int) -> Sequence[Any]:
    """Saved time that stands for orders which were cancelled, or took less time than was set aside."""
    reversal = aliased(TimeEntry)
    gone = select(reversal.id).where(reversal.reverses_id == TimeEntry.id).exists()
    longest = select(func.max(Offer.minutes)).where(
        Offer.order_id == ServiceOrder.id, Offer.round == ServiceOrder.reopened, Offer.state == OfferState.COMPLETED
    )
    actual = func.coalesce(longest.correlate(ServiceOrder).scalar_subquery(), 0)
    done = ServiceOrder.state.in_((State.COMPLETED, State.CLOSED))
    found = (
        select(TimeEntry, ServiceOrder.state, actual.label("actual"))
        .join(ServiceOrder, ServiceOrder.id == TimeEntry.order_id)
        .where(TimeEntry.kind == "used", ~gone)
        .where(or_(ServiceOrder.state == State.CANCELLED, done & (actual < -TimeEntry.minutes)))
    )
    return db.session.execute(found.order_by(TimeEntry.recorded_at).limit(limit)).all()


def settle(limit: int = 200) -> int:
    """Give back what was set aside for orders that were cancelled or took less; how many. A commit each."""
    done = 0
    for entry, state, actual in _unsettled(limit):
        begin_write()
        viewer = system_viewer()
        why = "这一单已撤，退回" if state == State.CANCELLED else f"实际服务{actual}分钟，多的退回"
        try:
            timebank.reverse(viewer, entry, why)
            if state != State.CANCELLED and actual:
                timebank.spend(viewer, entry.holder_id, entry.estate_id, int(actual), entry.order_id)
            db.session.commit()
        except (timebank.Refused, Forbidden, Stale):
            db.session.rollback()
        else:
            done += 1
    return done
