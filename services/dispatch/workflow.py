"""Plans: making one, applying it as it was adjusted; and pairs that ask not to meet again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from core import audit, clock
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.database import begin_write, db
from core.ids import new_id
from core.sealing import sealer
from core.workflow import InvalidStep, ReasonMissing, Stale
from services.dispatch import queries
from services.dispatch.facts import Asked, load_waiting
from services.dispatch.matching import judge
from services.dispatch.models import REASON_COLUMN, DispatchPlan, PairExclusion
from services.dispatch.terms import Need, Offering, Task, Verdict
from services.dispatch.times import kept
from services.orders import workflow as orders
from services.orders.aggregate import ASSIGNED, Order
from services.orders.models import OfferState, State

Row = dict[str, Any]
Picks = Mapping[str, Sequence[str]]
GONE, TAKEN = "这一单已不在待派", "别人已经先处理了这一单，或居民改过"


class AlreadyApplied(ValueError):
    """The plan was applied before."""


def propose(
    viewer: Viewer, estate_id: str, order_ids: Sequence[str] | None, limit: int = queries.MOST
) -> DispatchPlan:  # fmt: skip
    """Assign the waiting orders of an estate (or those named) in the best way and keep the plan. Caller commits.

    Raises ``NotFound`` where the viewer does not dispatch.
    """
    # numpy and scipy are 50 MB: loaded by whoever plans, not by every process.
    from services.dispatch import planning

    estate = queries.get_estate(viewer, estate_id)
    with planning.undisturbed():
        waiting = queries.list_waiting(estate.id, order_ids, limit)
        facts = load_waiting(estate.id, waiting)
        body = body_of(waiting, planning.assign(estate.id, waiting, facts))
        missing = sorted(set(order_ids or ()) - body["versions"].keys())
        body["unassigned"] += [{"order": order, "why": GONE} for order in missing]
        plan = DispatchPlan(id=new_id(), estate_id=estate.id, made_by=viewer.person_id, made_at=clock.now(), body=body)
        db.session.add(plan)
        db.session.flush()
    return plan


def body_of(waiting: Sequence[Asked], best: Any) -> Row:
    """A plan as it is kept: who goes where and why, who else could, what stays and why."""
    rows, left, others = [], [], {}
    for order, chosen, rest, why in zip(waiting, best.chosen, best.others, best.stays, strict=True):
        rows += [_row(order, verdict) for verdict in chosen]
        if rest:
            others[order.id] = [_other(verdict) for verdict in rest]
        if why:
            left.append({"order": order.id, "why": why})
    return {
        "assignments": rows, "unassigned": left, "others": others, "total_cost": round(best.total, 1),
        "versions": {order.id: order.version for order in waiting},
    }  # fmt: skip


def _row(order: Asked, verdict: Verdict) -> Row:
    who, need = verdict.volunteer, verdict.need
    return {
        "order": order.id, "volunteer": who.volunteer_id, "name": who.name, "reasons": verdict.reasons,
        "cost": verdict.cost, "party": who.party, "taken": who.weeks.get(need.week, 0), "cap": who.weekly_cap,
        "sure": verdict.is_sure,
    }  # fmt: skip


def _other(verdict: Verdict) -> list[Any]:
    who = verdict.volunteer
    return [who.volunteer_id, who.name, "，".join(verdict.reasons[:3])]


def picks_of(plan: DispatchPlan) -> dict[str, list[str]]:
    """To whom a plan would give each order."""
    found: dict[str, list[str]] = {}
    for row in plan.body["assignments"]:
        found.setdefault(row["order"], []).append(row["volunteer"])
    return found


def apply(viewer: Viewer, plan: DispatchPlan, picks: Picks | None = None) -> Row:
    """Dispatch a plan, or of its orders those picked to the volunteers picked; commits on the way.

    Each order is a step of its own. What changed meanwhile is left out and named: the order itself, or a volunteer whom
    something rules out by now. Raises ``AlreadyApplied``.
    """
    wanted = picks_of(plan) if picks is None else picks
    _claim(viewer, plan)
    check, done = _Check(plan, list(wanted)), list[Row]()
    for order_id, people in wanted.items():
        fit = check.fit(order_id, people)
        if not fit:
            continue
        reasons = {verdict.volunteer.volunteer_id: verdict.reasons for verdict in fit}
        try:
            orders.dispatch(
                viewer, order_id, volunteers=list(reasons), reasons=reasons, only_placed=True,
                version=plan.body["versions"][order_id],
            )  # fmt: skip
        except orders.Refused as error:
            check.leave(order_id, str(error))
        except (InvalidStep, Stale):
            check.leave(order_id, TAKEN)
        except (NotFound, Forbidden):
            check.leave(order_id, "这一单不在您的范围内")
        else:
            check.take(fit)
            done.append({"order": order_id, "volunteers": list(reasons)})
    result = {"dispatched": done, "left_out": check.left_out}
    _close(viewer, plan, result)
    return result


def _claim(viewer: Viewer, plan: DispatchPlan) -> None:
    """Whoever is first applies a plan; it is marked before the first order goes out."""
    begin_write()
    mine = update(DispatchPlan).where(DispatchPlan.id == plan.id, DispatchPlan.applied_at.is_(None))
    mine = mine.values(applied_at=clock.now(), applied_by=viewer.name).returning(DispatchPlan.id)
    claimed = db.session.execute(mine.execution_options(synchronize_session=False)).first()
    db.session.commit()
    if claimed is None:
        raise AlreadyApplied("这份方案已经派过了，请重新生成")


def _close(viewer: Viewer, plan: DispatchPlan, result: Row) -> None:
    begin_write()
    kept_so = update(DispatchPlan).where(DispatchPlan.id == plan.id).values(result=result)
    db.session.execute(kept_so.execution_options(synchronize_session=False))
    details = {name: len(rows) for name, rows in result.items()}
    subject = Subject("dispatch_plan", plan.id, plan.estate_id)
    audit.record(viewer.person_id, viewer.name, "apply_plan", subject, details=details)
    db.session.commit()


class _Check:
    """A plan's choices held against what is true now, one after the other; what was given so far counts."""

    def __init__(self, plan: DispatchPlan, order_ids: Sequence[str]) -> None:
        self.left_out: list[Row] = []
        self._plan = plan
        waiting = queries.list_waiting(plan.estate_id, order_ids)
        self._asked = {order.id: order for order in waiting}
        self._facts = load_waiting(plan.estate_id, waiting)
        self._scale = self._facts.scale()
        self._rows = {row.id: row for row in self._facts.rows}
        self._given: dict[str, list[Need]] = {}
        self._offered: dict[str, dict[str, str]] = {}
        for row in plan.body["assignments"]:
            self._offered.setdefault(row["order"], {})[row["volunteer"]] = row["name"]
        for order_id, others in plan.body["others"].items():
            self._offered.setdefault(order_id, {}).update({person: name for person, name, _ in others})

    def leave(self, order_id: str, why: str) -> None:
        """Leave an order out, or one of those who should have gone."""
        self.left_out.append({"order": order_id, "why": why})

    def take(self, verdicts: Sequence[Verdict]) -> None:
        """These go."""
        for verdict in verdicts:
            self._given.setdefault(verdict.volunteer.volunteer_id, []).append(verdict.need)

    def fit(self, order_id: str, people: Sequence[str]) -> list[Verdict]:
        """Those who can go to an order still; the others are left out with the reason."""
        asked, offered = self._asked.get(order_id), self._offered.get(order_id, {})
        if asked is None or asked.version != self._plan.body["versions"].get(order_id):
            self.leave(order_id, TAKEN)
            return []
        need, fit = self._facts.need(asked), []
        for person in dict.fromkeys(people):
            row, name = self._rows.get(person), offered.get(person)
            if name is None or row is None:
                self.leave(order_id, f"{name}已不是可派的志愿者" if name else "选的人不在这一单的候选人里")
                continue
            verdict = judge(need, self._with_given(self._facts.offering(row, need)), self._scale)
            if verdict.ruled_out:
                self.leave(order_id, f"{name}：{verdict.ruled_out}")
            else:
                fit.append(verdict)
        return fit

    def _with_given(self, who: Offering) -> Offering:
        given = self._given.get(who.volunteer_id)
        if not given:
            return who
        weeks = Counter(who.weeks) + Counter(need.week for need in given)
        spans = [kept(need.start, need.end) for need in given]
        tasks = sorted([*who.tasks, *[Task(*span, asked=True) for span in spans if span]])
        return replace(who, weeks=weeks, tasks=tasks, offers_today=who.offers_today + len(given))


# Pairs kept apart


def keep_apart(viewer: Viewer, order: Order, volunteer_id: str, reason: str) -> bool:
    """Ask that the resident of an order and a volunteer do not meet again; False when that was asked before.

    The resident asks once the order is closed, of whoever served; a volunteer asks of an order that they took. Caller
    commits. Raises ``Forbidden`` for anybody else, ``ReasonMissing``.
    """
    side = side_of(viewer, order)
    served = {offer.volunteer_id for offer in [*order.offers.values(), *order.past] if offer.is_assigned}
    who = viewer.person_id if side == "volunteer" else volunteer_id
    if side is None or who not in served:
        raise Forbidden("只有这一单的居民和服务过的志愿者可以提出")
    if not reason.strip():
        raise ReasonMissing("请写明原因，只有支部看得到")
    pair = {
        "id": new_id(), "estate_id": order.estate_id, "person_id": order.person_id, "volunteer_id": who, "side": side,
        "asked_by": viewer.person_id, "order_id": order.id, "reason": sealer().seal(reason, REASON_COLUMN),
        "at": clock.now(),
    }  # fmt: skip
    standing = select(PairExclusion.id).where(
        PairExclusion.person_id == order.person_id, PairExclusion.volunteer_id == who, PairExclusion.side == side,
        PairExclusion.lifted_at.is_(None),
    )  # fmt: skip
    if db.session.scalar(standing) is not None:
        return False
    try:
        db.session.execute(insert(PairExclusion), [pair])
    except IntegrityError:
        db.session.rollback()
        return False
    subject = Subject("pair_exclusion", pair["id"], order.estate_id)
    audit.record(viewer.person_id, viewer.name, "keep_apart", subject, details={"by": side})
    return True


def side_of(viewer: Viewer, order: Order) -> str | None:
    """As whom the viewer may ask not to meet again: the resident of a closed order, or a volunteer who took it."""
    if order.is_ours(viewer):
        return "resident" if order.state == State.CLOSED else None
    own = [*[order.offers.get(viewer.person_id)], *[o for o in order.past if o.volunteer_id == viewer.person_id]]
    took = any(offer is not None and offer.state in (*ASSIGNED, OfferState.WITHDRAWN) for offer in own)
    return "volunteer" if took else None


def lift(viewer: Viewer, pair: Any, reason: str) -> None:
    """Let a pair meet again, with a reason. Caller commits. Raises ``ReasonMissing``, ``Stale`` when it was lifted."""
    if not reason.strip():
        raise ReasonMissing("请写明原因")
    standing = update(PairExclusion).where(PairExclusion.id == pair.id, PairExclusion.lifted_at.is_(None))
    values = {"lifted_at": clock.now(), "lifted_by": viewer.name, "lift_reason": reason}
    done = db.session.execute(
        standing.values(**values).returning(PairExclusion.id).execution_options(synchronize_session=False)
    ).first()
    if done is None:
        raise Stale("pair_exclusion")
    subject = Subject("pair_exclusion", pair.id, pair.estate_id)
    audit.record(viewer.person_id, viewer.name, "lift_exclusion", subject, reason=reason)
