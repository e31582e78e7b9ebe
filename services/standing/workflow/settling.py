"""Bringing what was made already into line with what is agreed now, inside a transaction of ``held``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update

from core import clock
from core.database import fast
from services.orders import workflow as orders
from services.standing import queries
from services.standing.aggregate import Series, fingerprint
from services.standing.models import StandingVisit, VisitState
from services.standing.plan import BACK, Occurrence, occurrences
from services.standing.queries import Visit
from services.standing.workflow.steps import acting

FAR = timedelta(days=40)
"""Further ahead than any visit is made."""


@dataclass(frozen=True)
class Settled:
    """``kept``: somebody has accepted them, so they stay although the agreement is another now; ``withdrawn``: nobody
    had, so their orders were called off."""

    kept: Sequence[Visit] = ()
    withdrawn: Sequence[Visit] = ()


def settle(series: Series, why: str) -> Settled:
    """Withdraw the coming orders that no longer fit and that nobody has taken."""
    today = clock.today()
    plan: dict[object, Occurrence] = {}
    if series.is_open:
        found = occurrences(series.terms, today - BACK, today + FAR, series.called_off)
        plan = {occurrence.day: occurrence for occurrence in found}
    kept, withdrawn = [], []
    for visit in queries.list_coming(series.id):
        if not visit.is_ahead or visit.day < series.settle_from or _fits(series, visit, plan.get(visit.day)):
            continue
        if visit.is_loose:
            withdraw(series, visit, why)
            withdrawn.append(visit)
        elif visit.order_state in ("accepted", "dispatched"):
            kept.append(visit)
    return Settled(kept, withdrawn)


def _fits(series: Series, visit: Visit, wanted: Occurrence | None) -> bool:
    if wanted is None or wanted.skipped:
        return False
    return wanted.on == visit.held_on and fingerprint(series.row, wanted.on) == visit.made_as


def withdraw(series: Series, visit: Visit, why: str, by_hand: bool = False) -> None:
    """Call off the order of a visit that nobody has taken; its orders are locked, so it is still as it was read."""
    assert visit.order_id is not None
    orders.cancel(acting(), visit.order_id, why, version=visit.order_version)
    fast().execute(
        update(StandingVisit)
        .where(StandingVisit.standing_id == series.id, StandingVisit.day == visit.day)
        .values(state=VisitState.SKIPPED, order_id=None, by_hand=by_hand, reason=why[:200], note="",
                written_at=clock.now())
    )  # fmt: skip
