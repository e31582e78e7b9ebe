"""From lists of who could do what to the optimum over everybody.

Three limits are set only once they were run into, since hardly any is: that a volunteer does one thing at a time, for
how much a week has room, and whom a list left out. Every turn that runs into one sets it and solves again; the last
turn runs into none, so that its optimum is that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby

import numpy as np

from services.dispatch.pool import Numbers
from services.dispatch.screening import Edges, Screen, joined
from services.dispatch.solving import Problem, Solution, solve, solve_apart, total_of

EAGER = 4
"""After so many turns all times and weeks are gates at once, not only those that were run into."""
Clash = Callable[[int, int, int], bool]
"""Whether a volunteer cannot do both of two orders, all by number."""


@dataclass
class Assignment:
    """What is to be assigned, all by number of order, volunteer and week.

    ``spans`` are the times that orders keep, None for those that leave the hour open.
    """

    places: Numbers
    prices: Numbers
    weeks: Numbers
    rooms: Numbers
    left: Numbers
    again: int
    spans: Sequence[tuple[int, int] | None]
    clash: Clash
    _gated: set[int] = field(default_factory=set)
    _merged: dict[tuple[int, int], int] = field(default_factory=dict)
    _apart: set[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=set)

    def __post_init__(self) -> None:
        times = {span: n for n, span in enumerate(dict.fromkeys(span for span in self.spans if span))}
        labels = np.array([times[span] if span else -1 for span in self.spans], np.int64)
        # An order of several places is a gate itself: each of them is for somebody else.
        self._several = self.places > 1
        alone = self._several & (labels < 0)
        self._labels = np.where(alone, len(times) + np.arange(len(labels)), labels)
        self._times, self._fresh = len(times), len(times) + len(labels)
        self._held = np.zeros(self.rooms.shape, bool)

    def solved(self, screen: Screen, count: int) -> tuple[Edges, Numbers, int]:
        """The pairs that came into question, the numbers of those taken, and the total cost. Each order begins with its
        ``count`` cheapest volunteers, and more are let in as long as the prices say that it could be of use."""
        edges = screen.best(count)
        floors = screen.floors(edges, count)
        turn = 0
        while True:
            found = solve(self._problem(edges, turn >= EAGER))
            turn += 1
            broken = self._run_into(edges, found.taken)
            if self._overfill(edges, found.taken) or broken:
                continue
            more = screen.beyond(edges, floors, found.bounds, found.prices, count)
            if len(more.order):
                edges = joined(edges, more)
            elif self._apart:
                return self._solved_apart(screen, edges, floors, found)
            else:
                return edges, found.taken, found.total

    def _solved_apart(
        self, screen: Screen, edges: Edges, floors: Numbers, bound: Solution
    ) -> tuple[Edges, Numbers, int]:  # fmt: skip
        """The optimum when some pairs exclude each other that do not nest. ``bound`` is the optimum without them: what
        costs more, by its prices, than the difference of the two is in no better assignment."""
        while True:
            problem = self._problem(edges, True)
            known = {pair: n for n, pair in enumerate(zip(edges.order.tolist(), edges.person.tolist(), strict=True))}
            pairs = [(known[one], known[other]) for one, other in sorted(self._apart)]
            taken = solve_apart(problem, pairs)
            if self._run_into(edges, taken) or len(self._apart) > len(pairs):
                continue
            total = total_of(problem, taken)
            more = screen.beyond(edges, floors, bound.bounds + (total - bound.total), bound.prices, screen.pool.count)
            if not len(more.order):
                return edges, taken, total
            edges = joined(edges, more)

    def _problem(self, edges: Edges, all_gates: bool) -> Problem:
        labels = self._labels_of(edges)
        if all_gates:
            gates = labels
        else:
            gated = np.isin(self._keys(edges.person, labels), np.fromiter(self._gated, np.int64, len(self._gated)))
            gates = np.where(gated | self._several[edges.order], labels, -1)
        held = self._held | all_gates
        return Problem(edges, self.places, self.prices, self.weeks, gates, self.rooms, held, self.left, self.again)

    def _labels_of(self, edges: Edges) -> Numbers:
        labels = self._labels[edges.order]
        if self._merged:
            people = np.fromiter({person for person, _ in self._merged}, np.int64)
            for n in np.flatnonzero(np.isin(edges.person, people)).tolist():
                pair = int(edges.person[n]), int(labels[n])
                labels[n] = self._merged.get(pair, pair[1])
        return labels

    def _keys(self, person: Numbers, label: Numbers) -> Numbers:
        return person * 2**32 + label

    def _run_into(self, edges: Edges, taken: Numbers) -> bool:
        """Set the limits that these pairs break; whether there were any that nest."""
        people = edges.person[taken]
        busy = np.flatnonzero(np.bincount(people, minlength=1) > 1)
        crowded = taken[np.isin(people, busy)]
        pairs = sorted(zip(edges.person[crowded].tolist(), edges.order[crowded].tolist(), strict=True))
        found = False
        for person, group in groupby(pairs, key=lambda pair: pair[0]):
            for one, other in combinations([order for _, order in group], 2):
                found |= self._part(person, one, other)
        return found

    def _overfill(self, edges: Edges, taken: Numbers) -> bool:
        """Hold the weeks into which these pairs put more than there is room for; whether there were any."""
        given = np.zeros_like(self.rooms)
        np.add.at(given, (self.weeks[edges.order[taken]], edges.person[taken]), 1)
        over = given > self.rooms
        self._held |= over
        return bool(over.any())

    def _part(self, person: int, one: int, other: int) -> bool:
        """Keep two orders apart that one volunteer was given, if they cannot both be done; whether by a gate."""
        first, second = (self._label(person, order) for order in (one, other))
        if not (0 <= self._labels[one] < self._times and 0 <= self._labels[other] < self._times):
            return False
        if first == second:
            self._gated.add(person * 2**32 + first)
            return True
        if not self.clash(person, one, other):
            return False
        if self._all_clash(person, first, second):
            self._merge(person, first, second)
            return True
        self._apart.add(((one, person), (other, person)))
        return False

    def _label(self, person: int, order: int) -> int:
        label = int(self._labels[order])
        return self._merged.get((person, label), label)

    def _members(self, person: int, label: int) -> list[int]:
        """The times that are one gate of a volunteer."""
        merged = [old for (who, old), new in self._merged.items() if who == person and new == label]
        return merged or [label]

    def _all_clash(self, person: int, first: int, second: int) -> bool:
        """Whether no two orders of these times could both be done, so that one gate may stand for both."""
        orders = {label: np.flatnonzero(self._labels == label).tolist()
                  for label in (*self._members(person, first), *self._members(person, second))}  # fmt: skip
        pairs: Iterable[tuple[int, int]] = (
            (one, other)
            for left in self._members(person, first) for right in self._members(person, second)
            for one in orders[left] for other in orders[right]
        )  # fmt: skip
        weeks = {int(self.weeks[order]) for own in orders.values() for order in own}
        return len(weeks) == 1 and all(self.clash(person, one, other) for one, other in pairs)

    def _merge(self, person: int, first: int, second: int) -> None:
        members = [*self._members(person, first), *self._members(person, second)]
        for label in members:
            self._merged[person, label] = self._fresh
        self._gated.add(person * 2**32 + self._fresh)
        self._fresh += 1
