"""A plan as its page shows it: beside each order to whom, why and at what load; what stays, and what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core import clock
from services.dispatch.models import DispatchPlan
from services.orders.models import State

STALE = timedelta(hours=1)
"""A plan older than this is shown as old."""


@dataclass(frozen=True)
class Pick:
    """A volunteer proposed for an order. ``options``: who could go instead, as (id, words), the one proposed first."""

    volunteer: str
    name: str
    party: bool
    reasons: Sequence[str]
    taken: int
    then: int
    cap: int
    sure: bool
    options: list[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """An order of a plan as it stands now (``row``). ``changed``: by somebody else meanwhile."""

    row: Any
    picks: list[Pick]
    stays: str
    changed: bool


@dataclass(frozen=True)
class Preview:
    """The lines of a plan; how many orders have come since; whether it is old."""

    lines: list[Line]
    fresh: int
    is_old: bool

    @property
    def going(self) -> list[Line]:
        """Those that would go."""
        return [line for line in self.lines if line.picks and not line.changed]

    @property
    def people(self) -> int:
        """How many volunteers they would go to."""
        return len({pick.volunteer for line in self.going for pick in line.picks})

    @property
    def changed(self) -> int:
        """How many have changed since."""
        return sum(line.changed for line in self.lines)

    @property
    def staying(self) -> int:
        """How many are left to the branch."""
        return sum(not line.picks and not line.changed for line in self.lines)


def preview(plan: DispatchPlan, rows: Mapping[str, Any]) -> Preview:
    """A plan beside its orders as they stand, by id in the order in which they are to be shown."""
    body, versions = plan.body, plan.body["versions"]
    chosen: dict[str, list[dict[str, Any]]] = {}
    for row in body["assignments"]:
        chosen.setdefault(row["order"], []).append(row)
    why = {row["order"]: row["why"] for row in body["unassigned"]}
    given: dict[str, int] = {}
    lines = []
    for order_id, row in rows.items():
        if order_id in versions:
            picks = [_pick(pick, body["others"].get(order_id, ()), given) for pick in chosen.get(order_id, ())]
            changed = row.state != State.PLACED or row.version != versions[order_id]
            lines.append(Line(row, picks, why.get(order_id, ""), changed))
    return Preview(lines, sum(order_id not in versions for order_id in rows), clock.now() - plan.made_at > STALE)


def _pick(row: dict[str, Any], others: Sequence[Any], given: dict[str, int]) -> Pick:
    before = row["taken"] + given.get(row["volunteer"], 0)
    given[row["volunteer"]] = given.get(row["volunteer"], 0) + 1
    options = [(row["volunteer"], row["name"]), *[(id_, f"{name}（{words}）") for id_, name, words in others]]
    return Pick(
        row["volunteer"], row["name"], row["party"], row["reasons"], before, before + 1, row["cap"], row["sure"],
        options,
    )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What applying a plan came to, order by order: (order, names of those who got it) and (order, why not)."""

    sent: list[tuple[Any, str]]
    left: list[tuple[Any, str]]


def outcome(plan: DispatchPlan, rows: Mapping[str, Any]) -> Outcome:
    """The result of a plan that was applied, in words."""
    result = plan.result or {"dispatched": [], "left_out": []}
    names = {row["volunteer"]: row["name"] for row in plan.body["assignments"]}
    names |= {id_: name for others in plan.body["others"].values() for id_, name, _ in others}
    sent = [
        (rows[row["order"]], "、".join(names.get(person, "") for person in row["volunteers"]))
        for row in result["dispatched"] if row["order"] in rows
    ]  # fmt: skip
    left = [(rows[row["order"]], row["why"]) for row in result["left_out"] if row["order"] in rows]
    return Outcome(sent, left)
