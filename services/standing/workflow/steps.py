"""What can happen to a standing order, and the only place where it does.

Visits made already are brought into line in the same transaction (``held``): the series' row is locked first, then the
orders of its coming visits, then the trail is written, so that nobody waits for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import bindparam, select

from core import clock, idempotency
from core.access import Forbidden, NotFound, Post, Role, Viewer
from core.audit import Subject
from core.database import begin_write, db, fast, joined
from core.outbox import Draft
from core.workflow import MESSAGES, Change, Stale, Step, Workflow
from services.orders.models import ServiceOrder
from services.standing import queries
from services.standing.aggregate import FIELDS, Series
from services.standing.models import StandingOrder, StandingState, StandingVisit

S = StandingState
TOLD = (MESSAGES,)
HELPERS = ("steady_id", "steady_name", "steady_state", "standin_id", "standin_name", "standin_state")
TERMS = ("item_code", "item_name", "note", "attention", "pattern", "starts_on", "until", "times", "start_minute",
         "end_minute", "holidays", "settle_from", "due_on")  # fmt: skip
PAUSE = ("pause_from", "pause_until", "due_on")


def _states(*states: StandingState | None) -> frozenset[str | None]:
    return frozenset(states)


def _reach(*states: StandingState) -> frozenset[str]:
    return frozenset(states)


_OPEN, _LIVE = (S.PROPOSED, S.ACTIVE, S.PAUSED), (S.ACTIVE, S.PAUSED)
STEPS = (
    Step("set_up_series", "定下定期服务", _states(None), _reach(S.PROPOSED, S.ACTIVE), "orders:place", writes=TOLD),
    Step("approve_series", "同意", _states(S.PROPOSED), _reach(*_LIVE), "standing:approve", sets=(*HELPERS, "due_on"),
         writes=TOLD),
    Step("turn_down_series", "不同意", _states(S.PROPOSED), _reach(S.ENDED), "standing:approve", True,
         sets=("ended_at",), writes=TOLD),
    Step("change_series", "修改", _states(*_OPEN), _reach(*_OPEN), "orders:place", sets=(*TERMS, *HELPERS),
         writes=TOLD),
    Step("skip_visit", "跳过一次", _states(*_LIVE), _reach(*_LIVE), "orders:place", writes=TOLD),
    Step("restore_visit", "恢复一次", _states(*_LIVE), _reach(*_LIVE), "orders:place", sets=("due_on",), writes=TOLD),
    Step("pause_series", "暂停", _states(*_LIVE), _reach(S.PAUSED), "orders:place", True, sets=PAUSE, writes=TOLD),
    Step("resume_series", "恢复", _states(S.PAUSED), _reach(S.ACTIVE), "orders:place", sets=PAUSE, writes=TOLD),
    Step("end_series", "结束", _states(*_OPEN), _reach(S.ENDED), "orders:place", True, sets=("ended_at",), writes=TOLD),
    Step("agree_series", "愿意固定上门", _states(*_OPEN), _reach(*_OPEN), "orders:serve", sets=HELPERS, writes=TOLD),
    Step("leave_series", "不固定上门", _states(*_OPEN), _reach(*_OPEN), "orders:serve", True, sets=HELPERS,
         writes=TOLD),
    Step("lose_helper", "固定志愿者不在了", _states(*_OPEN), _reach(*_OPEN), "standing:approve", sets=HELPERS,
         writes=TOLD),
)  # fmt: skip
MADE = tuple(name for name in FIELDS if name not in ("id", "state", "version"))
STANDING = Workflow("standing_order", StandingOrder.__table__, STEPS, made=MADE)  # type: ignore[arg-type]
Answer = Callable[[Series], str]
Tell = Callable[[Series], Sequence[Draft]]


def acting() -> Viewer:
    """The series itself as an actor: it places, offers and withdraws its own orders, on whichever desk they lie."""
    return Viewer("system", "system", "定期服务", (Post(Role.SECRETARY, "", ""),))


def allowed(series: Series, viewer: Viewer) -> list[str]:
    """The verbs that this viewer may use on the series now."""
    return [verb for verb in STANDING.verbs(series.state) if verb != "lose_helper" and series.may(verb, viewer)]


def apply(
    viewer: Viewer, verb: str, series: Series, to_state: str | None = None, changes: Mapping[str, Any] | None = None, *,
    reason: str = "", tell: Tell | None = None, details: Mapping[str, Any] | None = None,
    answer: Answer | None = None,
) -> None:  # fmt: skip
    """Apply a verb to a series as it was read; its row holds the new values when ``tell`` writes the messages.

    Raises ``Forbidden``, ``InvalidStep``, ``ReasonMissing``, or ``Stale`` when somebody was first.
    """
    before: str | None = series.row["state"] or None
    if before is not None and not series.may(verb, viewer):
        raise Forbidden
    version = series.row["version"]
    STANDING.step(verb, before)
    series.row.update(changes or {}, updated_at=clock.now(), state=to_state or before, version=version + bool(before))
    change = Change(
        verb=verb, subject=Subject("standing_order", series.id, series.estate_id), from_state=before,
        to_state=series.state, actor_id=viewer.person_id, actor_name=viewer.name, reason=reason,
        details=dict(details or {}), messages=tell(series) if tell else (),
        answer=answer(series) if answer and idempotency.pending() else None, status=200 if before else 201,
    )  # fmt: skip
    STANDING.apply(fast(), change, {**series.row, "version": version})


_LOCK = select(StandingOrder.version).where(StandingOrder.id == bindparam("id")).with_for_update(key_share=True)
_LOCK_ORDERS = (
    select(ServiceOrder.id)
    .where(
        ServiceOrder.id.in_(
            select(StandingVisit.order_id).where(
                StandingVisit.standing_id == bindparam("id"), StandingVisit.held_on >= bindparam("today")
            )
        )
    )
    .order_by(ServiceOrder.id)
    .with_for_update()
)


@contextmanager
def held(viewer: Viewer, standing_id: str, version: int | None = None, *, orders: bool = True) -> Iterator[Series]:
    """A series in a transaction of its own, locked and read anew; committed at the end, undone by any exception.

    ``orders``: its coming orders are locked, too, so that nobody accepts one meanwhile. Raises ``Stale`` when it is no
    longer in ``version``, and ``NotFound``.
    """
    begin_write()
    try:
        with joined():
            present = fast().execute(_LOCK, {"id": standing_id}).scalar()
            if present is None:
                raise NotFound
            if version is not None and version != present:
                raise Stale("standing_order")
            if orders:
                fast().execute(_LOCK_ORDERS, {"id": standing_id, "today": clock.today()}).all()
            yield queries.get_series(viewer, standing_id)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
