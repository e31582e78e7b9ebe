"""Offering a visit to those who agreed to come: the steady volunteer first, then the stand-in, each once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from community.policies.queries import by_estate
from core import clock
from core.access import NotFound, Viewer, system_viewer
from core.database import begin_write, db
from core.outbox import write
from core.workflow import InvalidStep, Stale
from services.orders import queries as order_queries
from services.orders import workflow as orders
from services.orders.aggregate import Order
from services.orders.rules import OFFERS
from services.orders.workflow import Refused
from services.standing import messages as say
from services.standing import people, queries
from services.standing.aggregate import Helper, Series
from services.standing.models import StandingVisit
from services.standing.rules import STANDING as RULES
from services.standing.workflow.making import advance
from services.standing.workflow.steps import acting

log = logging.getLogger(__name__)
OWN_STEPS = ("place", "decline", "withdraw", "expire")
"""After these the series asks the next one; what the branch has taken back is the branch's to give out again."""
ANSWERED = {"declined": "这次婉拒了", "withdrawn": "这次来不了", "no_show": "这次没有到"}
SOONEST, NEAR = timedelta(minutes=15), timedelta(hours=1)
Away = Callable[[Sequence[str], date], Mapping[str, str]]
AWAY: list[Away] = []
"""Further reasons why volunteers cannot come on a day, by id: capabilities that know of days off append to it."""


def offer_waiting(standing_id: str | None = None, every: bool = False) -> tuple[int, int]:
    """Offer what waits (of one series, or of all) to whoever is next; how many were offered, and left to the branch.

    ``every``: those left before are looked at again, since somebody may have time now.
    """
    rows = [row for row in queries.list_unasked(standing_id, every) if row.last_verb in OWN_STEPS]
    rules = by_estate(RULES, [row.estate_id for row in rows])
    hours = by_estate(OFFERS, [row.estate_id for row in rows])
    offered = left = 0
    for row in rows:
        if is_quiet(hours[row.estate_id].values) and row.preferred_start - clock.now() > timedelta(hours=12):
            continue
        try:
            done = _offer(row, rules[row.estate_id].values["answer_hours"])
        except (Stale, InvalidStep, NotFound):
            log.info("order %s had moved on before it was offered", row.order_id)
        else:
            offered, left = offered + done, left + (not done)
    return offered, left


def catch_up(standing_id: str) -> None:
    """Make and offer at once what is due of a series just changed; what fails is left to the next job."""
    try:
        advance(standing_id)
        offer_waiting(standing_id)
    except Exception:
        log.exception("standing order %s is left to the job", standing_id)
        db.session.rollback()


def is_quiet(values: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Whether volunteers are not to be disturbed now, by what the estate decided."""
    local = clock.local(now or clock.now())
    minute, begins, ends = local.hour * 60 + local.minute, values["quiet_from"], values["quiet_until"]
    return bool(begins <= minute < ends if begins <= ends else minute >= begins or minute < ends)


def _offer(row: Any, answer_hours: int) -> bool:
    series = queries.get_series(system_viewer(), row.standing_id)
    actor = acting()
    order = order_queries.get_order(actor, row.order_id)
    whys = []
    for who in series.agreed():
        why = _why_not(order, who)
        if not why:
            try:
                _dispatch(actor, order, who, answer_hours)
            except Refused as refused:
                why = str(refused)
            else:
                return True
        whys.append(f"{'固定志愿者' if who.role == 'steady' else '替补'}{who.name}{why}")
    _leave(series, row, "；".join(whys) or "没有固定志愿者")
    return False


def _why_not(order: Order, who: Helper) -> str:
    """Why somebody who agreed is not asked this time; nothing when they can be."""
    before = order.offers.get(who.volunteer_id)
    if before is not None:
        return {"declined": "这次婉拒了", "withdrawn": "这次来不了", "no_show": "这次没有到"}.get(
            before.state, "这次没有答复"
        )
    if order.preferred_start - clock.now() < SOONEST:
        return "来不及问"
    found = people.find_availability(who.volunteer_id, order.id)
    standing, is_available, clashes = found or ("left", False, 0)
    if standing != "active":
        return "现在不是可服务的志愿者"
    if not is_available:
        return "暂不接单"
    if clashes:
        return "那个时间已有任务"
    day = clock.local(order.preferred_start).date()
    return next(filter(None, (away([who.volunteer_id], day).get(who.volunteer_id, "") for away in AWAY)), "")


def _dispatch(actor: Viewer, order: Order, who: Helper, answer_hours: int) -> None:
    left = order.preferred_start - clock.now()
    lasts = min(timedelta(hours=answer_hours), max(left - NEAR, SOONEST))
    why = "一直由您上门" if who.role == "steady" else "固定志愿者这次来不了，请您替补"
    orders.dispatch(
        actor, order.id, volunteers=[who.volunteer_id], expires_minutes=int(lasts.total_seconds()) // 60,
        reasons={who.volunteer_id: [why]}, only_placed=True,
    )  # fmt: skip


def _leave(series: Series, row: Any, why: str) -> None:
    """Leave a visit in the queue with a note; the branch is told once, when somebody should have come."""
    begin_write()
    noted = (
        update(StandingVisit)
        .where(StandingVisit.order_id == row.order_id, StandingVisit.note == row.note)
        .values(note=why[:200], written_at=clock.now())
        .returning(StandingVisit.day)
    )
    first = db.session.execute(noted.execution_options(synchronize_session=False)).first()
    if first is not None and row.note != why[:200] and series.agreed():
        day = clock.local(row.preferred_start).date()
        write(series.estate_id, say.needs_a_hand(series, row.order_id, day, why))
    db.session.commit()
