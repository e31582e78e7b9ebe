"""Jobs of orders."""

from __future__ import annotations

import logging
from collections import Counter

from core import clock, jobs
from core.workflow import InvalidStep, Stale
from services.orders import saved_time
from services.orders.clock_queries import list_to_ring
from services.orders.workflow import alarms

log = logging.getLogger(__name__)
RINGS, ROUNDS = 200, 20
"""Alarms heard at a time, and how often one run goes on: the next minute does the rest."""


@jobs.job("order_clocks", "提醒快到时限的单，超时逐级告诉", "* * * * *")
def order_clocks() -> str:
    """Hear the alarms that are due, each order by itself; after a standstill each says only the latest thing."""
    heard: Counter[str] = Counter()
    for _ in range(ROUNDS):
        found = list_to_ring(clock.now(), RINGS)
        for order_id in found:
            heard[_hear(order_id)] += 1
        if len(found) < RINGS:
            break
    told = f"提醒{heard['remind']}单，上报{heard['escalate']}单，恢复计时{heard['resume']}单，重算{heard['recount']}单"
    return told + (f"，没办成{heard['failed']}单" if heard["failed"] else "")


def _hear(order_id: str) -> str:
    """What came of an order's alarm. One that cannot be heard is put off and must not silence the others."""
    try:
        return alarms.ring(order_id)
    except (InvalidStep, Stale):
        log.info("order %s had moved on before its alarm was heard", order_id)
    except Exception:
        log.exception("the alarm of order %s could not be heard", order_id)
        alarms.put_off(order_id)
        return "failed"
    return ""


@jobs.job("settle_saved_time", "退回没用上的储蓄时间", "*/15 * * * *")
def settle_saved_time() -> str:
    """Give saved time back for orders that were cancelled or took less than was set aside."""
    return f"退回{saved_time.settle()}单"
