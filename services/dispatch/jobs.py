"""Offers that ran out unanswered: back to the desk, or on to the next best by themselves, as the estate has decided."""

from __future__ import annotations

import logging

from community.policies import queries as policies
from core import clock, jobs, outbox
from core.access import system_viewer
from core.database import begin_write, db
from core.workflow import InvalidStep, Stale
from services.dispatch.queries import judged
from services.orders import messages as say
from services.orders import queries, workflow
from services.orders.aggregate import Order
from services.orders.models import State
from services.orders.rules import OFFERS, is_quiet
from services.orders.workflow import Refused

log = logging.getLogger(__name__)


@jobs.job("expire_offers", "收回没有答复的派单", "* * * * *")
def expire_offers() -> str:
    """Take back offers that ran out unanswered; each order is a step of its own, and running twice does no harm."""
    done = onwards = 0
    for order_id, estate_id in queries.list_expired():
        decided = policies.of(OFFERS, estate_id).values
        automatic = decided["on_expiry"] == "next"
        try:
            order = workflow.expire(system_viewer(), order_id, quietly=automatic)
        except (InvalidStep, Stale):
            log.info("order %s had moved on before its offers were taken back", order_id)
            continue
        done += 1
        if automatic and order.state == State.PLACED:
            if go_on(order, int(decided["automatic_rounds"])):
                onwards += 1
            else:
                tell_desk(order)
    return f"收回{done}单，自动改派{onwards}单"


def go_on(order: Order, most_rounds: int) -> bool:
    """Offer an order to the next best; False when it is night, the rounds are used up, or nobody is left."""
    rounds = len({offer.offered_at for offer in order.offers.values()})
    if rounds > most_rounds or (not order.urgent and is_quiet(order.estate_id, clock.now())):
        return False
    # Whoever kept silent is not asked the same thing twice.
    fresh = [v for v in judged(system_viewer(), order).ranked if v.volunteer.volunteer_id not in order.offers]
    chosen = fresh[: order.volunteers_needed - order.accepted_count]
    people = [verdict.volunteer.volunteer_id for verdict in chosen]
    reasons = {verdict.volunteer.volunteer_id: verdict.reasons for verdict in chosen}
    if not people:
        return False
    try:
        workflow.dispatch(system_viewer(), order.id, volunteers=people, reasons=reasons, only_placed=True)
    except (InvalidStep, Stale, Refused):
        log.info("order %s had moved on before it was offered again", order.id)
        return True
    return True


def tell_desk(order: Order) -> None:
    """Nobody was found by itself: the branch is to dispatch."""
    begin_write()
    outbox.write(order.estate_id, say.back_in_queue(order, order.leaders, "几位志愿者都没有答复，请派给别人"))
    db.session.commit()
