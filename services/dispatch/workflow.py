"""Best assignment of all waiting orders at once, and applying it.

Orders × volunteers with capacities, several volunteers to an order and a price for leaving an order unserved that grows
with urgency, solved to the optimum by scipy (never greedily); equal costs are broken by id, the same way each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.database import db
from core.ids import new_id
from core.workflow import InvalidStep, Stale
from services.dispatch.matching import Verdict
from services.dispatch.models import DispatchPlan
from services.dispatch.queries import judge_orders, list_waiting
from services.orders import workflow as orders
from services.orders.aggregate import Order

UNSERVED = 400.0
OVERDUE_MORE = 200.0
IMPOSSIBLE = 1e6
TIE = 1e-6


class AlreadyApplied(ValueError):
    """The plan was applied before."""


def propose(viewer: Viewer, estate_id: str, order_ids: Sequence[str] | None) -> DispatchPlan:
    """Assign the waiting orders of an estate (or those named) and keep the plan. Caller commits."""
    waiting = list_waiting(viewer, estate_id, order_ids)
    body = assign(waiting, judge_orders(waiting))
    missing = sorted(set(order_ids or ()) - {order.id for order in waiting})
    body["unassigned"] += [{"order": order, "why": "这一单已不在待派"} for order in missing]
    plan = DispatchPlan(id=new_id(), estate_id=estate_id, made_by=viewer.person_id, made_at=clock.now(), body=body)
    db.session.add(plan)
    return plan


def assign(waiting: Sequence[Order], verdicts: dict[str, list[Verdict]]) -> dict[str, Any]:
    """The cheapest assignment: a row for each place of an order, a column for each free slot of a volunteer and one for
    leaving the place unserved."""
    places = [order for order in waiting for _ in range(order.volunteers_needed - order.accepted_count)]
    people = sorted({v.volunteer.volunteer_id for found in verdicts.values() for v in found if not v.ruled_out})
    room = {v.volunteer.volunteer_id: v.volunteer for found in verdicts.values() for v in found}
    slots = [p for p in people for _ in range(min(len(waiting), room[p].weekly_cap - room[p].week_orders))]
    if not places:
        return {"assignments": [], "unassigned": [], "total_cost": 0.0}
    fit = {o.id: {v.volunteer.volunteer_id: v for v in verdicts[o.id] if not v.ruled_out} for o in waiting}
    # Loaded by whoever plans, not by every process: together they are 50 MB.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    costs = np.full((len(places), len(slots) + len(places)), IMPOSSIBLE)
    for row, order in enumerate(places):
        for column, person in enumerate(slots):
            if person in fit[order.id]:
                # A second slot of one person costs a little more, so that work is spread before it is heaped.
                again = column > 0 and slots[column - 1] == person
                costs[row, column] = fit[order.id][person].cost + (4.0 if again else 0.0) + TIE * column
        costs[row, len(slots) + row] = UNSERVED + (OVERDUE_MORE if order.overdue or order.urgent else 0.0)
    rows, columns = linear_sum_assignment(costs)
    return _explain(places, slots, fit, costs, list(zip(rows.tolist(), columns.tolist(), strict=True)))


def _explain(
    places: Sequence[Order], slots: Sequence[str], fit: dict[str, dict[str, Verdict]], costs: Any,
    chosen: Sequence[tuple[int, int]],
) -> dict[str, Any]:  # fmt: skip
    taken: set[tuple[str, str]] = set()
    assignments: list[dict[str, Any]] = []
    unassigned: dict[str, str] = {}
    for row, column in chosen:
        order = places[row]
        person = slots[column] if column < len(slots) else None
        if person is None or (order.id, person) in taken:
            unassigned[order.id] = "没有符合条件的志愿者" if not fit[order.id] else "合适的人都已排满"
            continue
        taken.add((order.id, person))
        verdict = fit[order.id][person]
        assignments.append(
            {"order": order.id, "volunteer": person, "name": verdict.volunteer.name, "reasons": verdict.reasons}
        )
    total = float(sum(costs[row, column] for row, column in chosen))
    return {
        "assignments": assignments,
        "unassigned": [{"order": order, "why": why} for order, why in unassigned.items()],
        "total_cost": round(total, 2),
    }


def apply(viewer: Viewer, plan: DispatchPlan) -> dict[str, Any]:
    """Dispatch a plan. What changed meanwhile is left out and named. Raises ``AlreadyApplied``; the caller marks it."""
    if plan.applied_at is not None:
        raise AlreadyApplied("这份方案已经派过了，请重新生成")
    by_order: dict[str, list[dict[str, Any]]] = {}
    for row in plan.body["assignments"]:
        by_order.setdefault(row["order"], []).append(row)
    done, left_out = [], []
    for order_id, rows in by_order.items():
        people = [row["volunteer"] for row in rows]
        reasons = {row["volunteer"]: row["reasons"] for row in rows}
        try:
            found = orders.dispatch(viewer, order_id, volunteers=people, reasons=reasons, only_placed=True)
        except orders.Refused as error:
            left_out.append({"order": order_id, "why": str(error)})
        except (InvalidStep, Stale):
            left_out.append({"order": order_id, "why": "别人已经先处理了这一单"})
        except (NotFound, Forbidden):
            left_out.append({"order": order_id, "why": "这一单不在您的范围内"})
        else:
            done.append({"order": found.id, "volunteers": people})
    return {"dispatched": done, "left_out": left_out}
