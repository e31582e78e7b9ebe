"""Whom each of many orders could be given to, at what cost: the verdicts of ``matching`` for whole columns of people.

Orders that ask for the same at the same time share one look at all volunteers; what differs between them - the way, the
household, whom the resident knows - concerns a handful of people each. Costs are tenths of a point. A test holds every
pair against ``matching.judge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from services.dispatch.costs import ESTATE, NEXT, way_points
from services.dispatch.pool import NONE, Numbers, Pool
from services.dispatch.terms import Need, Scale

OUT = 10**12
"""The cost of somebody who does not come into question; no real one comes near."""


class Edges(NamedTuple):
    """Pairs of an order and a volunteer, both by number, and what each costs; by order, the cheapest first."""

    order: Numbers
    person: Numbers
    cost: Numbers


class _Group(NamedTuple):
    """What orders that ask for the same share: everybody's cost without the way, with the way from another building,
    and all who come from there, the cheapest first."""

    base: Numbers
    far: Numbers
    line: Numbers


class Screen:
    """Orders against all volunteers in reach of their estate."""

    def __init__(self, pool: Pool, needs: Sequence[Need], scale: Scale) -> None:
        self.pool, self._needs, self._scale = pool, needs, scale
        self._standing = pool.standing(scale)
        self._ways = np.array(way_points(scale.weights), np.int64) * 10
        self._far_way = np.where(pool.own, self._ways[ESTATE], self._ways[NEXT])
        self._less = np.zeros(pool.count, np.int64)
        self._mark = np.zeros(pool.count, bool)

    def best(self, count: int) -> Edges:
        """The cheapest ``count`` volunteers of each order, or all of them where there are fewer."""
        return _gathered([
            (number, *self._cheapest(group, self._needs[number], count))
            for group, members in self._groups(range(len(self._needs)))
            for number in members
        ])  # fmt: skip

    def floors(self, listed: Edges, count: int) -> Numbers:
        """What whoever is left out of ``best(count)`` costs at the least, by order; without end where nobody is."""
        numbers = np.arange(len(self._needs))
        first, after = np.searchsorted(listed.order, numbers), np.searchsorted(listed.order, numbers, "right")
        full = after - first >= count
        floors = np.full(len(numbers), OUT)
        floors[full] = listed.cost[after[full] - 1]
        return floors

    def beyond(self, listed: Edges, floors: Numbers, bounds: Numbers, prices: Numbers, most: int) -> Edges:
        """Pairs not listed yet whose cost, with the volunteer's price on top, is below the order's bound: for each
        order the best ``most`` of them."""
        numbers = np.arange(len(self._needs))
        first, after = np.searchsorted(listed.order, numbers), np.searchsorted(listed.order, numbers, "right")
        found = []
        for group, members in self._groups(np.flatnonzero(bounds > floors).tolist()):
            for number in members:
                cost = self._all(group, self._needs[number])
                cost[listed.person[first[number] : after[number]]] = OUT
                gain = cost + prices - bounds[number]
                better = np.flatnonzero(gain < 0)
                better = better[np.argsort(gain[better], kind="stable")[:most]]
                found.append((number, better, cost[better]))
        return _gathered(found)

    def _groups(self, numbers: Iterable[int]) -> Iterator[tuple[_Group, list[int]]]:
        """Orders by what they ask for; those for which there is nobody at all are left out."""
        members: dict[tuple[object, ...], list[int]] = {}
        for number in numbers:
            members.setdefault(_asked(self._needs[number]), []).append(number)
        for found in members.values():
            group = self._group(self._needs[found[0]])
            if group is not None:
                yield group, found

    def _group(self, need: Need) -> _Group | None:
        pool, weights = self.pool, self._scale.weights
        fit = pool.fit(need, self._scale)
        if not fit.any():
            return None
        base = self._standing + pool.taken(need.week) * (weights.load_week * 10)
        for skill in need.skills:
            base += np.where(pool.checked(skill), 0, weights.unverified * 10)
        if need.start is not None:
            base += np.where(pool.has_hours, 0, weights.hours_unknown * 10)
        base[~fit] = OUT
        far = np.where(fit & ~pool.stays, base + self._far_way, OUT)
        people = np.flatnonzero(far < OUT)
        return _Group(base, far, people[np.argsort(far[people], kind="stable")])

    def _cheapest(self, group: _Group, need: Need, count: int) -> tuple[Numbers, Numbers]:
        near, levels = self.pool.near(need)
        inside = group.base[near] < OUT
        near, levels = near[inside], levels[inside]
        known, times = self.pool.known(need)
        gone = self.pool.gone(need)
        mark, less = self._mark, self._less
        mark[near] = True
        other = known[~mark[known]]
        mark[other] = True
        line = group.line[: count + len(near) + len(known) + len(gone)]
        line = line[~mark[line]]
        mark[near] = mark[other] = False
        person = np.concatenate([line, near, other])
        cost = np.concatenate([group.far[line], group.base[near] + self._ways[levels], group.far[other]])
        if len(known):
            less[known] = self._familiar(times)
            cost -= less[person]
            less[known] = 0
        mark[gone] = True
        cost[mark[person]] = OUT
        mark[gone] = False
        chosen = np.lexsort((person, cost))[:count]
        chosen = chosen[cost[chosen] < OUT // 2]
        return person[chosen], cost[chosen]

    def _all(self, group: _Group, need: Need) -> Numbers:
        """Everybody's cost."""
        cost = group.far.copy()
        near, levels = self.pool.near(need)
        cost[near] = group.base[near] + self._ways[levels]
        known, times = self.pool.known(need)
        cost[known] -= self._familiar(times)
        cost[self.pool.gone(need)] = OUT
        return cost

    def _familiar(self, times: Numbers) -> Numbers:
        weights = self._scale.weights
        return np.minimum(times, weights.known_most) * (weights.known_each * 10)


def _asked(need: Need) -> tuple[object, ...]:
    """What an order asks for, apart from where and by whom."""
    return (
        need.skills, need.verified, need.training, need.min_age, need.max_age, need.helper_sex, need.emergency,
        need.urgent, need.start, need.end, need.minutes, need.day,
    )  # fmt: skip


def joined(one: Edges, other: Edges) -> Edges:
    """Two lists as one."""
    order, person, cost = (np.concatenate(pair) for pair in zip(one, other, strict=True))
    line = np.lexsort((person, cost, order))
    return Edges(order[line], person[line], cost[line])


def _gathered(found: Sequence[tuple[int, Numbers, Numbers]]) -> Edges:
    """Lists of single orders as one, by order."""
    found = sorted(found, key=lambda part: part[0])
    numbers = [np.full(len(person), number, np.int64) for number, person, _ in found]
    people, costs = [part[1] for part in found], [part[2] for part in found]
    return Edges(*[np.concatenate([NONE, *column]) for column in (numbers, people, costs)])
