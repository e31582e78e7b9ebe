"""Candidates and dispatch plans of the public API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from core import access
from core.access import SIGNED_IN
from core.api.endpoints import call
from core.api.fields import Id, Listing
from core.api.problems import Problem
from services.dispatch import queries, workflow
from services.orders.queries import get_order


class Who(BaseModel):
    """A volunteer."""

    id: str
    name: str


class CandidateBody(BaseModel):
    """A volunteer proposed for an order; ``ruled_out`` says why one is not, ``score`` is 0 to 100."""

    volunteer: Who
    score: int
    reasons: list[str]
    ruled_out: str | None = None


class CandidateListing(Listing[CandidateBody]):
    """Candidates, best first."""


class CandidatesQuery(BaseModel):
    """Whether those ruled out are listed, too."""

    excluded: bool = False


class PlanBody(BaseModel):
    """For which estate, and which of its waiting orders (default: all)."""

    estate: Id
    orders: list[Id] | None = Field(default=None, max_length=queries.MOST)


class AssignmentRow(BaseModel):
    """An order and the volunteer it would be offered to."""

    order: str
    volunteer: str
    name: str
    reasons: list[str]


class LeftRow(BaseModel):
    """An order that stays, and why."""

    order: str
    why: str


class PlanAnswer(BaseModel):
    """A plan, not applied yet."""

    id: str
    made_at: datetime
    assignments: list[AssignmentRow]
    unassigned: list[LeftRow]
    total_cost: float


class DoneRow(BaseModel):
    """An order that was dispatched, and to whom."""

    order: str
    volunteers: list[str]


class AppliedAnswer(BaseModel):
    """What was dispatched and what was left out, since it changed meanwhile."""

    id: str
    dispatched: list[DoneRow]
    left_out: list[LeftRow]


@call("GET", "/orders/{id}/candidates", access=SIGNED_IN, summary="推荐志愿者", query=CandidatesQuery,
      answer=CandidateListing)  # fmt: skip
def candidates(id: str, query: CandidatesQuery) -> dict[str, Any]:
    """Volunteers for an order, best first."""
    viewer = access.viewer()
    found, out = queries.candidates(viewer, get_order(viewer, id), limit=200)
    items: list[dict[str, Any]] = [
        {"volunteer": {"id": c.volunteer_id, "name": c.name}, "score": c.score, "reasons": c.reasons, "ruled_out": None}
        for c in found
    ]
    if query.excluded:
        items += [{"volunteer": {"id": i, "name": n}, "score": 0, "reasons": [], "ruled_out": w} for i, n, w in out]
    return {"items": items, "next_cursor": None}


@call("POST", "/dispatch-plans", access="orders:dispatch", summary="最佳派单方案", body=PlanBody, answer=PlanAnswer,
      status=201, refusals=(404, 409), writes=True)  # fmt: skip
def propose(body: PlanBody) -> dict[str, Any]:
    """The best assignment of an estate's waiting orders."""
    plan = workflow.propose(access.viewer(), body.estate, body.orders)
    names = ("order", "volunteer", "name", "reasons")
    rows = [{name: row[name] for name in names} for row in plan.body["assignments"]]
    left, total = plan.body["unassigned"], plan.body["total_cost"]
    return {"id": plan.id, "made_at": plan.made_at, "assignments": rows, "unassigned": left, "total_cost": total}


@call("POST", "/dispatch-plans/{id}/apply", access="orders:dispatch", summary="按方案派单", answer=AppliedAnswer,
      refusals=(409,))  # fmt: skip
def apply(id: str) -> dict[str, Any]:
    """Dispatch a plan; each order by itself, what changed meanwhile is left out and named."""
    plan = queries.get_plan(access.viewer(), id)
    try:
        result = workflow.apply(access.viewer(), plan)
    except workflow.AlreadyApplied as error:
        raise Problem(409, "already-applied", str(error)) from error
    return {"id": plan.id, **result}
