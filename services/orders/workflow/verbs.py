"""The verbs of an order once it is placed: what each asks for, decides and tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core import clock
from core.access import Viewer
from core.workflow import InvalidStep
from services.dispatch.facts import asked_of, need_of, trained_for
from services.dispatch.matching import AWAY, barred
from services.dispatch.terms import Offering
from services.orders import clocks, queries
from services.orders import messages as say
from services.orders.aggregate import LOW_STARS, OfferRow, Order
from services.orders.models import OfferState, State
from services.orders.workflow.clocks import again, run_on
from services.orders.workflow.placing import Refused, check_window
from services.orders.workflow.steps import Answer, Outcome, apply

CALL_BACK_AFTER = timedelta(days=3)
OPEN_CALL_CAP = 200


def dispatch(
    viewer: Viewer, order_id: str, *, volunteers: Sequence[str] = (), open_call: bool = False,
    expires_minutes: int | None = None, answer: Answer | None = None, version: int | None = None,
    reasons: dict[str, list[str]] | None = None, only_placed: bool = False,
) -> Order:  # fmt: skip
    """Offer an order to named volunteers, or to all of the estate who qualify (抢单). Raises ``Refused``.

    ``only_placed``: not when somebody has dispatched it meanwhile; then ``InvalidStep`` is raised.
    """
    helpers: dict[str, Offering] = {}

    def load() -> Order:
        order, found = queries.get_order_to_dispatch(viewer, order_id, None if open_call else list(volunteers))
        helpers.clear()
        helpers.update(found)
        return order

    def decide(order: Order) -> Outcome:
        if only_placed and order.state != State.PLACED:
            raise InvalidStep(order.state, "dispatch", "派单")
        chosen = _qualified(order, helpers) if open_call else _named(order, helpers, volunteers)
        now = clock.now()
        lasts = timedelta(minutes=expires_minutes or order.item["offer_minutes"])
        for who in chosen:
            why = (reasons or {}).get(who.volunteer_id, [])
            order.offers[who.volunteer_id] = OfferRow(
                who.volunteer_id, order.reopened, who.name, OfferState.OFFERED, open_call, why, now, now + lasts
            )
            order.changed.add(who.volunteer_id)
        order.row.update(dispatched_at=order.dispatched_at or now, updated_at=now)
        told = say.offered(order, [who.volunteer_id for who in chosen], open_call)
        return Outcome(State.DISPATCHED, told, details={"volunteers": [w.name for w in chosen], "open": open_call})

    return apply(viewer, "dispatch", load, decide, answer=answer, version=version)


def _busy(order: Order, person_id: str) -> bool:
    held = order.offers.get(person_id)
    return held is not None and (held.is_assigned or held.is_live)


def _bars(order: Order) -> Callable[[Offering], str]:
    """Why the law or somebody's wish keeps a volunteer from an order; nothing when they may be sent."""
    need = need_of(asked_of(order), clock.now())
    trained = trained_for([order.item]).get(need.training, set())
    return lambda who: barred(need, replace(who, trained=who.volunteer_id in trained))


def _qualified(order: Order, helpers: dict[str, Offering]) -> list[Offering]:
    wanted, bar = set(order.item["skills"]), _bars(order)
    fit = [
        who for who in helpers.values()
        if wanted <= who.skills.keys() and not _busy(order, who.volunteer_id) and not bar(who)
    ]  # fmt: skip
    if not fit:
        raise Refused("open", "现在没有符合条件、可接单的志愿者，请改派具体的人，或请社区支援")
    return sorted(fit, key=lambda who: who.volunteer_id)[:OPEN_CALL_CAP]


def _named(order: Order, helpers: dict[str, Offering], volunteers: Sequence[str]) -> list[Offering]:
    if not volunteers:
        raise Refused("volunteers", "请选至少一位志愿者，或改为抢单")
    unknown = [person for person in volunteers if person not in helpers]
    if unknown:
        raise Refused("volunteers", f"有{len(unknown)}人不是本小区可服务的志愿者，请重新选")
    chosen, bar = [helpers[person] for person in dict.fromkeys(volunteers)], _bars(order)
    for who in chosen:
        if _busy(order, who.volunteer_id):
            raise Refused("volunteers", f"{who.name}已经收到这一单，不用再派")
        if why := bar(who):
            raise Refused("volunteers", f"{who.name}{'' if why.startswith('和') else '：'}{why}，请派别人")
    return chosen


def accept(viewer: Viewer, order_id: str, answer: Answer | None = None) -> Order:
    """Accept an offer. The last place taken lapses the other offers. Raises ``AlreadyTaken`` for whoever is late, and
    ``Refused`` for whoever has left or is away since it was offered, and for one more claim (抢单) than the estate lets
    a volunteer hold, so that others have their turn."""
    taker: queries.Taker

    def load() -> Order:
        nonlocal taker
        order, taker = queries.get_order_to_accept(viewer, order_id)
        return order

    def decide(order: Order) -> Outcome:
        now = clock.now()
        own = order.touch(viewer.person_id)
        if taker.standing in AWAY:
            raise Refused("standing", f"您{AWAY[taker.standing]}，不能接单")
        if own.is_open_call and taker.claims >= taker.most:
            raise Refused("claims", f"您手上已有{taker.claims}单抢来的单，做完一单再抢")
        own.state, own.accepted_at = OfferState.ACCEPTED, now
        count = order.accepted_count + 1
        order.row.update(accepted_count=count, updated_at=now)
        full = count >= order.volunteers_needed
        if full:
            _lapse(order)
        return Outcome(State.ACCEPTED if full else State.DISPATCHED, say.accepted(order, viewer.name))

    return apply(viewer, "accept", load, decide, answer=answer)


def _lapse(order: Order) -> None:
    for offer in order.offers.values():
        if offer.state == OfferState.OFFERED:
            order.touch(offer.volunteer_id).state = OfferState.LAPSED


def decline(viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None) -> Order:
    """Decline an offer with a reason. When nobody else can answer any more, the order goes back to the queue."""

    def decide(order: Order) -> Outcome:
        own = order.touch(viewer.person_id)
        own.state, own.reason = OfferState.DECLINED, reason
        order.row["updated_at"] = clock.now()
        _run_out(order)
        if order.live_offers():
            return Outcome(State.DISPATCHED)
        return Outcome(State.PLACED, say.back_in_queue(order, order.leaders, f"{viewer.name}婉拒：{reason}"))

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "decline", load, decide, reason=reason, answer=answer)


def _run_out(order: Order) -> None:
    """Offers past their time are expired, so that none is left as if it could still be answered."""
    for offer in order.offers.values():
        if offer.state == OfferState.OFFERED and not offer.is_live:
            order.touch(offer.volunteer_id).state = OfferState.EXPIRED


def expire(viewer: Viewer, order_id: str, quietly: bool = False) -> Order:
    """Take back offers that ran out (a job does this). The order returns to the queue when none is left; ``quietly``:
    without telling the branch, for somebody else is to be asked at once."""

    def decide(order: Order) -> Outcome:
        _run_out(order)
        order.row["updated_at"] = clock.now()
        if order.live_offers():
            return Outcome(State.DISPATCHED)
        told = [] if quietly else say.back_in_queue(order, order.leaders, "到时间没有人接单")
        return Outcome(State.PLACED, told)

    return apply(viewer, "expire", partial(queries.get_order, viewer, order_id), decide)


def withdraw(viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None) -> Order:
    """Give an accepted order back before it has begun, with a reason."""

    def decide(order: Order) -> Outcome:
        return _leave(order, viewer.person_id, OfferState.WITHDRAWN, f"{viewer.name}来不了：{reason}", reason)

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "withdraw", load, decide, reason=reason, answer=answer)


def no_show(
    viewer: Viewer, order_id: str, volunteer_id: str, reason: str, answer: Answer | None = None,
    version: int | None = None,
) -> Order:  # fmt: skip
    """Record that a volunteer who had accepted did not come; the order returns to the queue."""

    def decide(order: Order) -> Outcome:
        held = order.offers.get(volunteer_id)
        if held is None or held.state != OfferState.ACCEPTED:
            raise Refused("volunteer", "这位志愿者没有接这一单，或已经签到")
        return _leave(order, volunteer_id, OfferState.NO_SHOW, f"{held.volunteer_name}没有到：{reason}", reason)

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "no_show", load, decide, reason=reason, answer=answer, version=version)


def _leave(order: Order, volunteer_id: str, state: OfferState, why: str, reason: str) -> Outcome:
    """Someone who had accepted is out. Before the service has begun the order returns to the queue; afterwards the
    others go on, and it is completed when they all are done."""
    offer = order.touch(volunteer_id)
    offer.state, offer.reason = state, reason
    order.row.update(accepted_count=order.accepted_count - 1, updated_at=clock.now())
    _lapse(order)
    details = {"volunteer": offer.volunteer_name}
    if order.state == State.IN_SERVICE:
        return finish(order, details)
    told = say.looking_again(order, why) + say.back_in_queue(order, order.leaders, why)
    return Outcome(State.PLACED, told, details=details)


def finish(order: Order, details: dict[str, Any], hours: Sequence[dict[str, Any]] = ()) -> Outcome:
    """In service still, or completed when every volunteer who takes part has ended theirs."""
    if any(o.is_assigned and o.state != OfferState.COMPLETED for o in order.offers.values()):
        return Outcome(State.IN_SERVICE, hours=hours, details=details)
    now = clock.now()
    order.row.update(completed_at=now, call_back_due=now + CALL_BACK_AFTER)
    return Outcome(State.COMPLETED, say.completed(order), hours, details)


def check_in(
    viewer: Viewer, order_id: str, *, latitude: float | None = None, longitude: float | None = None, code: str = "",
    volunteer_id: str | None = None, answer: Answer | None = None,
) -> Order:  # fmt: skip
    """Begin the service. The volunteer does it on a phone, place optional; or someone at home or of the staff does it
    for the volunteer with the door code (服务码)."""

    def decide(order: Order) -> Outcome:
        waiting = [o.volunteer_id for o in order.offers.values() if o.state == OfferState.ACCEPTED]
        who = viewer.person_id if viewer.person_id in waiting else volunteer_id or waiting[0]
        if who != viewer.person_id and code != order.door_code:
            raise Refused("code", "服务码不对，请核对这一单的四位服务码")
        if who not in waiting:
            raise Refused("volunteer", "这位志愿者没有接这一单，或已经签到")
        own = order.touch(who)
        now = clock.now()
        own.state, own.checked_in_at, own.latitude, own.longitude = OfferState.CHECKED_IN, now, latitude, longitude
        order.row.update(updated_at=now, **run_on(order, now))
        by = {} if who == viewer.person_id else {"volunteer": own.volunteer_name, "by": "door_code"}
        return Outcome(State.IN_SERVICE, details=by)

    return apply(viewer, "check_in", partial(queries.get_order, viewer, order_id), decide, answer=answer)


def rate(viewer: Viewer, order_id: str, stars: int, comment: str, answer: Answer | None = None) -> Order:
    """Rate a completed order, which closes it; one or two stars call for a call-back."""

    def decide(order: Order) -> Outcome:
        now = clock.now()
        low = stars <= LOW_STARS
        order.row.update(
            stars=stars,
            comment=comment,
            rated_at=now,
            closed_at=now,
            updated_at=now,
            call_back_due=now if low else None,
        )
        told = say.thanked(order, [offer.volunteer_id for offer in order.assigned()])
        if low:
            told += say.low_rating(order, order.leaders)
        return Outcome(State.CLOSED, told, details={"stars": stars, "comment": comment})

    return apply(viewer, "rate", partial(queries.get_order, viewer, order_id), decide, answer=answer)


def call_back(
    viewer: Viewer, order_id: str, solved: bool, satisfied: int | None, note: str, answer: Answer | None = None,
    version: int | None = None,
) -> Order:  # fmt: skip
    """Record a call-back after a low or missing rating; what was not solved is opened again and counts once."""

    def decide(order: Order) -> Outcome:
        now = clock.now()
        order.row.update(solved=solved, satisfied=satisfied, call_back_due=None, updated_at=now)
        details = {"solved": solved, "satisfied": satisfied, "note": note}
        if solved:
            order.row["closed_at"] = order.closed_at or now
            return Outcome(State.CLOSED, say.called_back(order, True), details=details)
        order.past += list(order.offers.values())
        order.offers = {}
        order.row.update(
            reopened=order.reopened + 1, accepted_count=0, completed_at=None, closed_at=None, stars=None, comment="",
            rated_at=None, dispatched_at=None, **again(order, None, now),
        )  # fmt: skip
        return Outcome(State.PLACED, say.called_back(order, False), details=details)

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "call_back", load, decide, answer=answer, version=version)


def _freed(order: Order, state: OfferState) -> list[str]:
    """End every open offer and assignment; whom to tell."""
    _run_out(order)
    freed = [o for o in order.offers.values() if o.is_live or o.state in (OfferState.ACCEPTED, OfferState.CHECKED_IN)]
    for offer in freed:
        held = order.touch(offer.volunteer_id)
        held.state = OfferState.LAPSED if held.state == OfferState.OFFERED else state
    order.row.update(accepted_count=sum(o.is_assigned for o in order.offers.values()), updated_at=clock.now())
    return [offer.volunteer_id for offer in freed]


def cancel(
    viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None, version: int | None = None
) -> Order:
    """Cancel: the resident before the service has begun, the branch also later, always with a reason."""

    def decide(order: Order) -> Outcome:
        told = say.released(order, _freed(order, OfferState.WITHDRAWN), f"已撤单：{reason}")
        order.row.update(clocks.STOPPED)
        by = "您" if order.is_ours(viewer) else "支部"
        return Outcome(State.CANCELLED, told + say.cancelled(order, by, reason))

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "cancel", load, decide, reason=reason, answer=answer, version=version)


def send_back(
    viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None, version: int | None = None
) -> Order:
    """Return an order to the resident with a reason; it can be mended and submitted again."""

    def decide(order: Order) -> Outcome:
        told = say.released(order, _freed(order, OfferState.WITHDRAWN), f"已退单：{reason}")
        order.row.update(clocks.STOPPED)
        return Outcome(State.SENT_BACK, told + say.sent_back(order, reason))

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "send_back", load, decide, reason=reason, answer=answer, version=version)


def resubmit(
    viewer: Viewer, order_id: str, note: str, start: datetime | None, end: datetime | None, answer: Answer | None = None
) -> Order:
    """Submit a returned order again with what was missing. Its deadline runs anew."""
    check_window(start, end)

    def decide(order: Order) -> Outcome:
        now = clock.now()
        order.row.update(note=note, preferred_start=start, preferred_end=end, updated_at=now, **again(order, end, now))
        return Outcome(State.PLACED)

    return apply(viewer, "resubmit", partial(queries.get_order, viewer, order_id), decide, answer=answer)


def reassign(
    viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None, version: int | None = None
) -> Order:
    """Withdraw the present volunteers and return the order to the queue."""

    def decide(order: Order) -> Outcome:
        freed = _freed(order, OfferState.WITHDRAWN)
        told = say.released(order, freed, f"支部已转派：{reason}") + say.looking_again(order, "支部另派志愿者，请稍候")
        return Outcome(State.PLACED, told)

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "reassign", load, decide, reason=reason, answer=answer, version=version)
