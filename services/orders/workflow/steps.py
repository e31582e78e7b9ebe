"""What can happen to an order, and the only place where it does.

States and refusals are those of the public contract. A dispatch is always an offer that may be declined (志愿服务条例:
no forced assignment); whoever accepts first has the place; each completed service is credited in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import Boolean, ColumnElement, Float, Integer, String, Text, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from core import idempotency
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.compound import Part
from core.database import UtcDateTime, fast
from core.outbox import Draft
from core.rows import JsonRows, json_rows
from core.workflow import MESSAGES, Change, Extra, InvalidStep, Stale, Step, Workflow
from services.orders import clocks
from services.orders.aggregate import OFFER_FIELDS, ORDER_FIELDS, Order
from services.orders.models import OPEN, Offer, ServiceOrder, State
from volunteers.hours.workflow import ENTRY_PARAMETERS, entry_parts

S = State
RETRIES = 4
BY_SYSTEM = ("expire", "recount")
TAKEN = (S.ACCEPTED, S.IN_SERVICE, S.COMPLETED, S.CLOSED)


def _states(*states: State | None) -> frozenset[str | None]:
    return frozenset(states)


def _reach(*states: State) -> frozenset[str]:
    return frozenset(states)


TOLD, OFFERED, CREDITED = (MESSAGES,), (MESSAGES, "offers"), (MESSAGES, "offers", "hours")
RATED = ("stars", "comment", "rated_at", "closed_at", "call_back_due")
CLOCK, STOPPED = ("clock", "due_at", "missed_at", "paused_at", "next_alarm_at"), tuple(clocks.STOPPED)
WISHED = ("note", "attention", "preferred_start", "preferred_end", *clocks.COLUMNS)
REOPENED = ("solved", "satisfied", "reopened", "accepted_count", "completed_at", "dispatched_at", *clocks.COLUMNS)
COUNT = ("accepted_count",)
LEFT = (*COUNT, "completed_at", "call_back_due")
STEPS = (
    Step("place", "点单", _states(None), _reach(S.PLACED), "orders:place"),
    Step("dispatch", "派单", _states(S.PLACED, S.DISPATCHED), _reach(S.DISPATCHED), "orders:dispatch",
         sets=("dispatched_at",), writes=OFFERED),
    Step("accept", "接单", _states(S.DISPATCHED), _reach(S.DISPATCHED, S.ACCEPTED), "orders:serve", sets=COUNT,
         writes=OFFERED),
    Step("decline", "婉拒", _states(S.DISPATCHED), _reach(S.DISPATCHED, S.PLACED), "orders:serve", True,
         writes=OFFERED),
    Step("expire", "收回过时的派单", _states(S.DISPATCHED), _reach(S.DISPATCHED, S.PLACED), "orders:dispatch",
         writes=OFFERED),
    Step("withdraw", "退出", _states(S.PLACED, S.DISPATCHED, S.ACCEPTED, S.IN_SERVICE),
         _reach(S.PLACED, S.IN_SERVICE, S.COMPLETED), "orders:serve", True, sets=LEFT, writes=OFFERED),
    Step("no_show", "记未到", _states(S.PLACED, S.DISPATCHED, S.ACCEPTED, S.IN_SERVICE),
         _reach(S.PLACED, S.IN_SERVICE, S.COMPLETED), "orders:dispatch", True, sets=LEFT, writes=OFFERED),
    Step("check_in", "签到", _states(S.ACCEPTED, S.IN_SERVICE), _reach(S.IN_SERVICE), "orders:serve", sets=CLOCK,
         writes=OFFERED),
    Step("complete", "完成", _states(S.IN_SERVICE), _reach(S.IN_SERVICE, S.COMPLETED), "orders:serve",
         sets=("minutes", "completed_at", "call_back_due"), writes=CREDITED),
    Step("complete_for", "代记完成", _states(S.IN_SERVICE), _reach(S.IN_SERVICE, S.COMPLETED), "orders:dispatch", True,
         sets=("minutes", "completed_at", "call_back_due"), writes=CREDITED),
    Step("rate", "评价", _states(S.COMPLETED), _reach(S.CLOSED), "orders:place", sets=RATED, writes=TOLD),
    Step("call_back", "回访", _states(S.COMPLETED, S.CLOSED), _reach(S.CLOSED, S.PLACED), "orders:dispatch",
         sets=(*RATED, *REOPENED), writes=TOLD),
    Step("cancel", "撤单", _states(S.PLACED, S.DISPATCHED, S.ACCEPTED, S.IN_SERVICE, S.SENT_BACK),
         _reach(S.CANCELLED), "orders:place", True, sets=(*COUNT, *STOPPED), writes=OFFERED),
    Step("send_back", "退单", _states(S.PLACED, S.DISPATCHED), _reach(S.SENT_BACK), "orders:dispatch", True,
         sets=(*COUNT, *STOPPED), writes=OFFERED),
    Step("resubmit", "重新提交", _states(S.SENT_BACK), _reach(S.PLACED), "orders:place", sets=WISHED),
    Step("undo", "撤回派单", _states(S.DISPATCHED), _reach(S.PLACED), "orders:dispatch", writes=OFFERED),
    Step("transfer", "转出", _states(S.PLACED, S.DISPATCHED), _reach(S.PLACED), "orders:dispatch", True,
         sets=("desk_id",), writes=OFFERED),
    Step("reassign", "转派", _states(S.DISPATCHED, S.ACCEPTED, S.IN_SERVICE), _reach(S.PLACED), "orders:dispatch", True,
         sets=COUNT, writes=OFFERED),
    Step("pause", "暂停计时", _states(S.PLACED, S.DISPATCHED, S.ACCEPTED), _reach(), "orders:dispatch", True,
         sets=CLOCK, writes=TOLD),
    Step("resume", "恢复计时", _states(S.PLACED, S.DISPATCHED, S.ACCEPTED), _reach(), "orders:dispatch", sets=CLOCK,
         writes=TOLD),
    Step("extend", "延期", _states(*OPEN), _reach(), "orders:dispatch", True, sets=clocks.COLUMNS, writes=TOLD),
    Step("take_up", "接手", _states(*OPEN), _reach(), "orders:take_up", sets=("escalated",), writes=TOLD),
    Step("recount", "重算时限", _states(*OPEN), _reach(), "orders:dispatch", sets=clocks.COLUMNS, writes=TOLD),
)  # fmt: skip

MADE = tuple(name for name in ORDER_FIELDS if name not in ("id", "state", "version"))
OFFERS = bindparam("offers", type_=JsonRows())
_OFFER_TYPES: dict[str, Any] = {
    "order_id": String(), "estate_id": String(), "volunteer_id": String(), "round": Integer(),
    "volunteer_name": String(), "state": String(), "is_open_call": Boolean(), "reasons": Text(),
    "offered_at": UtcDateTime(), "expires_at": UtcDateTime(), "accepted_at": UtcDateTime(),
    "checked_in_at": UtcDateTime(), "completed_at": UtcDateTime(), "minutes": Integer(), "reason": Text(),
    "latitude": Float(), "longitude": Float(),
}  # fmt: skip


def _offer_parts(dialect: str, gate: ColumnElement[bool]) -> Sequence[Part]:
    """Offers made or changed, written whole by their key."""
    maker: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = json_rows(dialect, OFFERS, _OFFER_TYPES)
    offers = maker(Offer).from_select(list(_OFFER_TYPES), select(*[rows.c[name] for name in _OFFER_TYPES]).where(gate))
    keys = ("order_id", "volunteer_id", "round")
    same = (*keys, "estate_id", "volunteer_name")
    changed = {name: offers.excluded[name] for name in _OFFER_TYPES if name not in same}
    return [offers.on_conflict_do_update(index_elements=list(keys), set_=changed)]


ORDERS = Workflow(
    "service_order",
    ServiceOrder.__table__,  # type: ignore[arg-type]
    STEPS,
    made=MADE,
    extras={"offers": Extra((OFFERS,), _offer_parts), "hours": Extra(ENTRY_PARAMETERS, entry_parts)},
)


class AlreadyTaken(Exception):
    """Every place of the order was taken by others before."""


class Outcome:
    """What a verb does to an order, decided in memory: the state reached, whom to tell, hours to credit."""

    def __init__(self, to_state: str, messages: Sequence[Draft] = (), hours: Sequence[dict[str, Any]] = (),
                 details: dict[str, Any] | None = None) -> None:  # fmt: skip
        self.to_state, self.messages, self.hours, self.details = to_state, messages, hours, details or {}


Load = Callable[[], Order]
Decide = Callable[[Order], Outcome]
Answer = Callable[[Order, Sequence[str]], str]


def allowed(order: Order, viewer: Viewer) -> list[str]:
    """The verbs that this viewer may use on the order now."""
    possible = ORDERS.verbs(order.row["state"])
    own = [v for v in possible if v not in BY_SYSTEM]
    return [v for v in own if order.may(v, viewer) and order.fits(v, viewer)]


def apply(
    viewer: Viewer, verb: str, load: Load, decide: Decide, *, reason: str = "", answer: Answer | None = None,
    version: int | None = None,
) -> Order:  # fmt: skip
    """Apply a verb to an order: read it, check who asks and whether the state allows it, decide, write.

    When somebody was first in between it is read and decided again. ``version`` is the one a form was made from, when
    only that one will do. Raises ``NotFound``, ``Forbidden``, ``InvalidStep``, ``AlreadyTaken``, ``Stale``, or what
    ``decide`` raises.
    """
    for attempt in range(RETRIES):
        order = load()
        if version is not None and order.row["version"] != version:
            raise Stale(verb)
        _check(order, viewer, verb)
        before = order.row["state"]
        outcome = decide(order)
        _write_into(order, outcome)
        try:
            _save(order, before, viewer, verb, reason, outcome, answer)
        except Stale:
            if version is not None or attempt == RETRIES - 1:
                raise
            continue
        return order
    raise AssertionError("unreachable")


def _check(order: Order, viewer: Viewer, verb: str) -> None:
    if not order.visible_to(viewer) and viewer.person_id != "system":
        raise NotFound
    if not order.may(verb, viewer):
        raise Forbidden
    state = order.row["state"]
    if verb == "accept" and state in TAKEN:
        raise AlreadyTaken
    step = ORDERS.step(verb, state)
    if not order.fits(verb, viewer):
        if verb == "accept" and order.row["accepted_count"] >= order.row["volunteers_needed"]:
            raise AlreadyTaken
        raise InvalidStep(state, verb, step.title)


def _write_into(order: Order, outcome: Outcome) -> None:
    order.row["state"] = outcome.to_state
    order.row["version"] += 1


def _save(
    order: Order, before: str | None, viewer: Viewer, verb: str, reason: str, outcome: Outcome, answer: Answer | None
) -> None:
    row = order.row
    change = Change(
        verb=verb,
        subject=Subject("order", row["id"], row["estate_id"]),
        from_state=before,
        to_state=outcome.to_state,
        actor_id=viewer.person_id,
        actor_name=viewer.name,
        reason=reason,
        details=outcome.details,
        messages=outcome.messages,
        answer=answer(order, allowed(order, viewer)) if answer and idempotency.pending() else None,
        status=201 if before is None else 200,
    )
    written = [order.offers[person] for person in sorted(order.changed)]
    offers = [
        {name: getattr(offer, name) for name in OFFER_FIELDS}
        | {"order_id": row["id"], "estate_id": row["estate_id"], "reasons": _plain(offer.reasons)}
        for offer in written
    ]
    values = row if before is None else {**row, "version": row["version"] - 1}
    ORDERS.apply(fast(), change, values, {"offers": offers, "hours": list(outcome.hours)})


def _plain(value: Any) -> str:
    return orjson.dumps(value).decode()


def make(viewer: Viewer, order: Order, outcome: Outcome, answer: Answer | None = None) -> None:
    """Write a new order. Raises ``IntegrityError`` when its code is taken in the estate."""
    _save(order, None, viewer, "place", "", outcome, answer)
