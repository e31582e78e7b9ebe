"""Reading what dispatch decides on; every function takes the viewer and cuts to what that viewer may dispatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.queries import under
from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.database import db, fast
from core.sealing import sealer
from core.web.formats import relative_day
from services.dispatch.facts import TRAINED, Asked, asked_of, load_for, load_waiting
from services.dispatch.matching import judge
from services.dispatch.models import REASON_COLUMN, DispatchPlan, PairExclusion
from services.dispatch.reading import WAITING
from services.dispatch.rules import Weights
from services.dispatch.terms import Need, Verdict
from services.dispatch.times import DAY, Span, clock_of, free_from, minute_of, moment_of, needed, open_spans
from services.orders.aggregate import Order
from services.orders.models import ServiceOrder

__all__ = [
    "TRAINED", "Candidate", "DayBar", "Judged", "candidates", "compare", "day_bars", "get_estate", "get_pair",
    "get_plan", "judged", "kept_apart", "list_estates", "list_pairs", "list_plans", "list_waiting", "orders_of",
    "reason_of",
]  # fmt: skip

MOST = 5000
"""So many waiting orders of an estate go into one plan."""
AHEAD = timedelta(days=7)
"""So far ahead the next free hour is looked for when the resident wished for no time."""


@dataclass(frozen=True)
class Candidate:
    """A volunteer proposed for an order, with reasons a person understands. ``when``: from when they are free."""

    volunteer_id: str
    name: str
    score: int
    reasons: list[str]
    party: bool
    place: str
    stars: int
    when: str
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """An order with everybody in reach judged for it, the best first; ``need`` is what was asked for."""

    need: Need
    ranked: list[Verdict]
    out: list[Verdict]


def ranked(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those not ruled out, the cheapest first; ties by id."""
    fit = [verdict for verdict in verdicts if not verdict.ruled_out]
    return sorted(fit, key=lambda verdict: (verdict.tenths, verdict.volunteer.volunteer_id))


def judged(viewer: Viewer, order: Order) -> Judged:
    """Everybody in reach judged for an order, in one statement. Raises ``Forbidden``."""
    if not order.leads(viewer) and viewer.person_id != "system":
        raise Forbidden
    asked = asked_of(order)
    facts = load_for(asked, order.desk_path if order.is_elsewhere else "")
    need, scale = facts.need(asked), facts.scale()
    verdicts = [judge(need, who, scale) for who in facts.offerings(need)]
    out = sorted((v for v in verdicts if v.ruled_out), key=lambda v: (v.barred, v.volunteer.name))
    return Judged(need, ranked(verdicts), out)


def candidates(viewer: Viewer, order: Order, limit: int = 20) -> tuple[list[Candidate], list[tuple[str, str, str]]]:
    """Volunteers for an order, best first, and those ruled out as (id, name, why); one statement. Raises
    ``Forbidden``."""
    found = judged(viewer, order)
    out = [(v.volunteer.volunteer_id, v.volunteer.name, v.ruled_out) for v in found.out]
    return [_candidate(verdict) for verdict in found.ranked[:limit]], out


def _candidate(verdict: Verdict) -> Candidate:
    who = verdict.volunteer
    return Candidate(
        who.volunteer_id, who.name, verdict.score, verdict.reasons, who.party,
        who.building_name if who.estate_id == verdict.need.estate_id else who.estate_name,
        who.level, verdict.when or next_free(verdict), verdict,
    )  # fmt: skip


def next_free(verdict: Verdict) -> str:
    """When a volunteer is free next, for an order that wishes for no time: ``明天 9:00 有空``."""
    who, need = verdict.volunteer, verdict.need
    if need.start is not None or not who.hours:
        return ""
    start = minute_of(clock.now())
    end = start + AHEAD // timedelta(minutes=1)
    found = free_from(start, end, need.minutes, who.hours, who.off, who.busy, 0)
    return f"{relative_day(moment_of(found))} {clock_of(found)} 有空" if found is not None else ""


@dataclass(frozen=True)
class DayBar:
    """A volunteer's day beside an order, in minutes after midnight: free by their hours, kept by tasks, and the time
    that would be given to the order; ``when`` names it."""

    name: str
    when: str
    free: list[Span]
    busy: list[Span]
    slot: Span | None


def day_bars(order: Order, found: Sequence[Candidate]) -> list[DayBar]:
    """The days of candidates as they were read with them, on the day that the resident wished for (or else today)."""
    return [_bar(candidate) for candidate in found]


def _bar(candidate: Candidate) -> DayBar:
    who, need, at = candidate.verdict.volunteer, candidate.verdict.need, candidate.verdict.free
    midnight = (need.start // DAY if need.start is not None else need.day) * DAY
    free = open_spans(midnight, midnight + DAY, who.hours, who.off) if who.hours else []
    slot = None
    if at is not None and need.start is not None and need.end is not None:
        slot = at - midnight, at - midnight + needed(need.start, need.end, need.minutes)
    return DayBar(
        candidate.name, candidate.when, [(first - midnight, last - midnight) for first, last in free],
        [(max(0, first - midnight), min(DAY, last - midnight)) for first, last in who.busy
         if last > midnight and first < midnight + DAY], slot,
    )  # fmt: skip


# Plans


def get_estate(viewer: Viewer, estate_id: str) -> Any:
    """An estate in which the viewer dispatches: id, name, path; without an id the only or first one. Raises
    ``NotFound``."""
    found = select(Estate.id, Estate.name, Estate.path).where(under(Estate.path, viewer.paths("orders:dispatch")))
    if estate_id:
        found = found.where(Estate.id == estate_id)
    row = fast().execute(found.order_by(Estate.name).limit(1)).first()
    if row is None:
        raise NotFound
    return row


def list_estates(viewer: Viewer) -> Sequence[Any]:
    """Estates in which the viewer dispatches, by name: id, name, and how many orders wait there."""
    waiting = select(func.count()).select_from(ServiceOrder).where(ServiceOrder.estate_id == Estate.id, WAITING)
    found = select(Estate.id, Estate.name, waiting.correlate(Estate).scalar_subquery().label("waiting"))
    return fast().execute(found.where(under(Estate.path, viewer.paths("orders:dispatch"))).order_by(Estate.name)).all()


_ASKED = (
    ServiceOrder.id, ServiceOrder.estate_id, ServiceOrder.version, ServiceOrder.person_id, ServiceOrder.household_id,
    ServiceOrder.item, ServiceOrder.preferred_start, ServiceOrder.preferred_end, ServiceOrder.urgent,
    ServiceOrder.helper_sex, ServiceOrder.due_at, (ServiceOrder.volunteers_needed - ServiceOrder.accepted_count),
)  # fmt: skip


def list_waiting(estate_id: str, order_ids: Sequence[str] | None = None, limit: int = MOST) -> list[Asked]:
    """Orders of an estate that wait on its own desk to be dispatched, the nearest deadline first, in one statement. The
    caller has read the estate for the viewer."""
    own = select(Estate.branch_id).where(Estate.id == estate_id).scalar_subquery()
    found = select(*_ASKED).where(ServiceOrder.estate_id == estate_id, WAITING, ServiceOrder.desk_id == own)
    if order_ids is not None:
        found = found.where(ServiceOrder.id.in_(order_ids))
    rows = fast().execute(found.order_by(ServiceOrder.due_at, ServiceOrder.id).limit(limit))
    return [Asked(*row) for row in rows]


def get_plan(viewer: Viewer, plan_id: str) -> DispatchPlan:
    """A plan of an estate in which the viewer dispatches. Raises ``NotFound``."""
    found = select(DispatchPlan, Estate.path).join(Estate, Estate.id == DispatchPlan.estate_id)
    row = db.session.execute(found.where(DispatchPlan.id == plan_id)).first()
    if row is None or not viewer.may_at("orders:dispatch", row[1]):
        raise NotFound
    plan: DispatchPlan = row[0]
    return plan


def list_plans(estate_id: str, limit: int = 10) -> Sequence[Any]:
    """The latest plans of an estate that the caller has read for the viewer: id, when and by whom made and applied."""
    found = select(DispatchPlan.id, DispatchPlan.made_at, Person.name, DispatchPlan.applied_at, DispatchPlan.applied_by,
                   DispatchPlan.result)  # fmt: skip
    found = found.join(Person, Person.id == DispatchPlan.made_by).where(DispatchPlan.estate_id == estate_id)
    return fast().execute(found.order_by(DispatchPlan.made_at.desc(), DispatchPlan.id).limit(limit)).all()


_PLANNED = (
    ServiceOrder.id, ServiceOrder.state, ServiceOrder.version, ServiceOrder.item, ServiceOrder.household_label,
    ServiceOrder.salutation, ServiceOrder.note, ServiceOrder.preferred_start, ServiceOrder.preferred_end,
    ServiceOrder.due_at, ServiceOrder.urgent, ServiceOrder.code,
)  # fmt: skip


def orders_of(plan: DispatchPlan) -> Mapping[str, Any]:
    """The orders of a plan that the viewer has read, as they stand now, and what has come to wait since; by id."""
    named = ServiceOrder.id.in_(list(plan.body["versions"]))
    fresh = (ServiceOrder.estate_id == plan.estate_id) & WAITING
    found = select(*_PLANNED).where(or_(named, fresh)) if plan.applied_at is None else select(*_PLANNED).where(named)
    return {row.id: row for row in fast().execute(found.order_by(ServiceOrder.due_at, ServiceOrder.id))}


@dataclass(frozen=True)
class Changed:
    """A waiting order, who is best for it as the estate weighs now, and who would be."""

    row: Any
    before: Verdict | None
    after: Verdict | None

    @property
    def differs(self) -> bool:
        """Whether somebody else would be."""
        if self.before is None or self.after is None:
            return self.before is not self.after
        return self.before.volunteer.volunteer_id != self.after.volunteer.volunteer_id


def compare(viewer: Viewer, estate_id: str, weights: Weights, limit: int) -> list[Changed]:
    """What other weights would do to the best candidate of each waiting order of an estate, the nearest deadline first.

    Raises ``NotFound`` where the viewer does not dispatch.
    """
    # numpy is loaded by whoever asks this, not by every process.
    from services.dispatch import planning

    estate = get_estate(viewer, estate_id)
    waiting = list_waiting(estate.id, limit=limit)
    facts = load_waiting(estate.id, waiting)
    rows = {
        row.id: row for row in fast().execute(select(*_PLANNED).where(ServiceOrder.id.in_([o.id for o in waiting])))
    }
    before, after = (planning.best_of(estate.id, waiting, facts, facts.scale(own)) for own in (None, weights))
    return [Changed(rows[order.id], one, other) for order, one, other in zip(waiting, before, after, strict=True)]


# Pairs kept apart


def _pairs() -> Any:
    helper = aliased(Person)
    return (
        select(
            PairExclusion.id, PairExclusion.estate_id, PairExclusion.side, PairExclusion.reason, PairExclusion.at,
            PairExclusion.lifted_at, PairExclusion.lifted_by, PairExclusion.lift_reason, PairExclusion.order_id,
            Person.name.label("resident"), helper.name.label("volunteer"), Estate.path,
            Estate.name.label("estate_name"),
        )
        .join(Person, Person.id == PairExclusion.person_id)
        .join(helper, helper.id == PairExclusion.volunteer_id)
        .join(Estate, Estate.id == PairExclusion.estate_id)
    )  # fmt: skip


def list_pairs(viewer: Viewer, limit: int = 200) -> Sequence[Any]:
    """Pairs kept apart within the viewer's reach, those that stand first, newest first."""
    found = _pairs().where(under(Estate.path, viewer.paths("orders:dispatch")))
    order = (PairExclusion.lifted_at.is_not(None), PairExclusion.at.desc(), PairExclusion.id)
    return fast().execute(found.order_by(*order).limit(limit)).all()


def get_pair(viewer: Viewer, pair_id: str) -> Any:
    """A pair kept apart, for whoever dispatches there. Raises ``NotFound``."""
    row = fast().execute(_pairs().where(PairExclusion.id == pair_id)).first()
    if row is None or not viewer.may_at("orders:dispatch", row.path):
        raise NotFound
    return row


def reason_of(pair: Any) -> str:
    """Why a pair is kept apart; for the branch alone."""
    return sealer().open(pair.reason, REASON_COLUMN)


def kept_apart(order: Order, side: str) -> set[str]:
    """Volunteers whom this side of the order, the viewer's own, has asked not to meet again."""
    found = select(PairExclusion.volunteer_id).where(
        PairExclusion.person_id == order.person_id, PairExclusion.side == side, PairExclusion.lifted_at.is_(None)
    )
    return set(fast().scalars(found))
