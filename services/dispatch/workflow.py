"""Best assignment of all waiting orders at once, and applying it.

Orders × volunteers with capacities, several different volunteers to an order and a price for leaving an order unserved
that grows with urgency, solved to the optimum by scipy (never greedily); equal costs are broken by id.
"""

from __future__ import annotations

from collections import Counter
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
AGAIN = 4.0
"""What a second and each further order of one volunteer costs more, so that work is spread before it is heaped."""
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
    """The cheapest assignment: as many different volunteers to each order as it still needs, to each volunteer as many
    orders as the week has room for, or a price for every place left unserved."""
    fit = {order.id: [v for v in verdicts[order.id] if not v.ruled_out] for order in waiting}
    people = {v.volunteer.volunteer_id: v.volunteer for found in fit.values() for v in found}
    rank = {person: n for n, person in enumerate(sorted(people))}
    pairs = [(n, verdict) for n, order in enumerate(waiting) for verdict in fit[order.id]]
    needs = [order.volunteers_needed - order.accepted_count for order in waiting]
    prices = [UNSERVED + (OVERDUE_MORE if order.overdue or order.urgent else 0.0) for order in waiting]
    rooms = [people[person].weekly_cap - people[person].week_orders for person in rank]
    edges = [(n, rank[v.volunteer.volunteer_id], v.cost + TIE * rank[v.volunteer.volunteer_id]) for n, v in pairs]
    chosen, total = _cheapest(edges, needs, prices, rooms) if waiting else ([], 0.0)
    taken = [pair for pair, is_chosen in zip(pairs, chosen, strict=True) if is_chosen]
    got = Counter(n for n, _ in taken)
    return {
        "assignments": [_row(waiting[n], verdict) for n, verdict in taken],
        "unassigned": [
            {"order": order.id, "why": "合适的人都已排满" if fit[order.id] else "没有符合条件的志愿者"}
            for n, order in enumerate(waiting) if got[n] < needs[n]
        ],
        "total_cost": round(total, 2),
    }  # fmt: skip


def _row(order: Order, verdict: Verdict) -> dict[str, Any]:
    who = verdict.volunteer
    return {"order": order.id, "volunteer": who.volunteer_id, "name": who.name, "reasons": verdict.reasons}


def _cheapest(
    edges: Sequence[tuple[int, int, float]], needs: Sequence[int], prices: Sequence[float], rooms: Sequence[int]
) -> tuple[list[bool], float]:
    """Which edges (order, volunteer, cost) to take, and the total cost.

    A flow from orders through volunteers, written as a linear program: such a one has whole numbers at its corners, and
    the simplex method ends in a corner. The variables are the edges, each volunteer's first order, further ones at
    ``AGAIN`` each, and each order's places left unserved.
    """
    # Loaded by whoever plans, not by every process: together they are 50 MB.
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    count, orders_, people = len(edges), len(needs), len(rooms)
    order = np.array([edge[0] for edge in edges], dtype=int)
    person = np.array([edge[1] for edge in edges], dtype=int) + orders_
    rows = np.concatenate([order, person, *[orders_ + np.arange(people)] * 2, np.arange(orders_)])
    columns = np.concatenate([*[np.arange(count)] * 2, count + np.arange(2 * people + orders_)])
    signs = np.concatenate([np.ones(2 * count), -np.ones(2 * people), np.ones(orders_)])
    costs = [*(edge[2] for edge in edges), *[0.0] * people, *[AGAIN] * people, *prices]
    most = [*[1] * count, *[1] * people, *[room - 1 for room in rooms], *needs]
    balance = csr_array((signs, (rows, columns)), shape=(orders_ + people, count + 2 * people + orders_))
    solved = linprog(
        costs, A_eq=balance, b_eq=[*needs, *[0] * people], bounds=[(0, high) for high in most], method="highs-ds"
    )
    if not solved.success:
        raise RuntimeError(f"no plan found: {solved.message}")
    return [bool(amount > 0.5) for amount in solved.x[:count]], float(solved.fun)


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
