"""The best assignment of many orders at once: who goes to whom, who else could, and what stays and why.

Loads numpy and scipy, together 50 MB: to be imported where a plan is made, not by every process.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from services.dispatch.assigning import Assignment, Clash
from services.dispatch.facts import Asked, Facts, calendar_of, days_of, hours_of
from services.dispatch.matching import judge
from services.dispatch.pool import Numbers, Pool
from services.dispatch.screening import Edges, Screen
from services.dispatch.terms import Need, Scale, Verdict
from services.dispatch.times import free_from, kept
from volunteers.registry.skills import SKILLS

OTHERS = 8
"""How many others are kept beside each choice, to change to."""
SMALL = 300
"""Plans of so many orders at most say why each order stays and keep others to change to: those that are looked at."""
NOBODY = "没有符合条件的志愿者"
SHORT = {
    "有任务": "那时有任务", "值班": "那时值班", "等他答复": "等着答复别的单", "到上限": "这周已排满",
    "不能来": "那天不能来",
}  # fmt: skip
"""Reasons by how they end, without their figures, so that like ones are counted together."""


@dataclass(frozen=True)
class Best:
    """The best assignment: verdicts by order, in the order of the orders, and the total in points; for small plans also
    the next best volunteers of each order. ``stays`` says why an order does not get all that it wants."""

    chosen: list[list[Verdict]]
    others: list[list[Verdict]]
    stays: list[str]
    total: float


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection inside: a plan makes a great many small things at once, and none of them is garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def assign(estate_id: str, waiting: Sequence[Asked], facts: Facts, scale: Scale | None = None) -> Best:
    """The cheapest assignment: to each order as many different volunteers as it still wants, to each volunteer what the
    week and the day have room for, one thing at a time; or a price for every place left empty."""
    scale = scale or facts.scale()
    needs = [facts.need(order) for order in waiting]
    pool = Pool(facts, estate_id)
    screen = Screen(pool, needs, scale)
    task = _task(waiting, needs, pool, scale)
    edges, taken, total = task.solved(screen, scale.weights.candidates)
    chosen = _verdicts(edges, taken, facts, needs, scale)
    rest = np.setdiff1d(np.arange(len(edges.order)), taken) if len(waiting) <= SMALL else taken[:0]
    others = _verdicts(edges, _first_few(edges, rest, OTHERS), facts, needs, scale)
    listed = np.bincount(edges.order, minlength=len(needs)).tolist()
    stays = [
        _why(need, count, facts, scale, len(waiting)) if len(given) < order.places else ""
        for order, need, given, count in zip(waiting, needs, chosen, listed, strict=True)
    ]
    return Best(chosen, others, stays, total / 10)


def _why(need: Need, listed: int, facts: Facts, scale: Scale, orders: int) -> str:
    """Why an order stays: what rules out most of those who could do it, or that they are all needed elsewhere."""
    if listed:
        return "合适的人都派了更急或更近的单"
    if orders > SMALL:
        return NOBODY
    able = [facts.offering(row, need) for row in facts.rows]
    able = [who for who in able if all(skill in who.skills for skill in need.skills)]
    counts = Counter(_short(judge(need, who, scale).ruled_out) for who in able)
    if not counts:
        return f"{NOBODY}：没有人登记会{'、'.join(SKILLS.get(s, s) for s in need.skills)}" if need.skills else NOBODY
    return f"{NOBODY}：" + "，".join(f"{count}人{why}" for why, count in counts.most_common(3))


def _short(why: str) -> str:
    """A reason without its figures."""
    for end, short in SHORT.items():
        if why.endswith(end):
            return short
    return "今天已派够了" if why.startswith("今天已派") else why


def best_of(estate_id: str, waiting: Sequence[Asked], facts: Facts, scale: Scale) -> list[Verdict | None]:
    """The best candidate of each order by itself."""
    needs = [facts.need(order) for order in waiting]
    edges = Screen(Pool(facts, estate_id), needs, scale).best(1)
    return [found[0] if found else None for found in _verdicts(edges, np.arange(len(edges.order)), facts, needs, scale)]


def _task(waiting: Sequence[Asked], needs: Sequence[Need], pool: Pool, scale: Scale) -> Assignment:
    weights, now = scale.weights, pool.facts.now
    hours = [(order.due_at - now).total_seconds() / 3600 for order in waiting]
    prices = [weights.price(left, order.urgent) for left, order in zip(hours, waiting, strict=True)]
    weeks = {week: n for n, week in enumerate(dict.fromkeys(need.week for need in needs))}
    return Assignment(
        np.array([order.places for order in waiting], np.int64),
        np.array([int(price * 10 + 0.5) for price in prices], np.int64),
        np.array([weeks[need.week] for need in needs], np.int64),
        np.array([pool.room(week) for week in weeks], np.int64).reshape(-1, pool.count),
        pool.offers_left(scale), weights.again * 10, [kept(need.start, need.end) for need in needs],
        _clash(pool, needs, weights.margin),
    )  # fmt: skip


def _clash(pool: Pool, needs: Sequence[Need], margin: int) -> Clash:
    """Two orders clash for a volunteer when neither fits beside the time that the other keeps."""

    @lru_cache(maxsize=100_000)
    def clash(person: int, one: int, other: int) -> bool:
        row = pool.rows[person]
        hours, off = hours_of(row.hours or ""), days_of(row.off)
        busy = [(task.start, task.end) for task in calendar_of(row.tasks, pool.facts.now)[1]]
        for need, beside in ((needs[one], needs[other]), (needs[other], needs[one])):
            span = kept(beside.start, beside.end)
            if span is None or need.start is None or need.end is None:
                return False
            if free_from(need.start, need.end, need.minutes, hours, off, sorted([*busy, span]), margin) is not None:
                return False
        return True

    return clash


def _first_few(edges: Edges, numbers: Numbers, count: int) -> Numbers:
    """The cheapest few of these edges of each order."""
    order = edges.order[numbers]
    first = np.searchsorted(order, order)
    return numbers[np.arange(len(order)) - first < count]


def _verdicts(
    edges: Edges, numbers: Numbers, facts: Facts, needs: Sequence[Need], scale: Scale
) -> list[list[Verdict]]:  # fmt: skip
    found: list[list[Verdict]] = [[] for _ in needs]
    for order, person in zip(edges.order[numbers].tolist(), edges.person[numbers].tolist(), strict=True):
        need = needs[order]
        found[order].append(judge(need, facts.offering(facts.rows[person], need), scale))
    return found
