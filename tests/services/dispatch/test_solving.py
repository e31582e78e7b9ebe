"""The optimum: against all ways there are on small cases, against another solver on larger ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from services.dispatch.assigning import Assignment
from services.dispatch.screening import OUT, Edges
from services.dispatch.solving import Problem, solve

AGAIN = 40


@dataclass
class Dense:
    """Every pair's cost in a table, as ``Screen`` would find them; ``OUT`` where a pair does not come into question."""

    costs: Any
    asked: list[int] = field(default_factory=list)

    @property
    def pool(self) -> Any:
        """Of which only the size is asked."""
        return SimpleNamespace(count=self.costs.shape[1])

    def best(self, count: int) -> Edges:
        """The cheapest few of each row."""
        lines = [np.lexsort((np.arange(len(row)), row))[:count] for row in self.costs]
        lines = [line[self.costs[n][line] < OUT] for n, line in enumerate(lines)]
        order = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
        person = np.concatenate([np.empty(0, np.int64), *lines]).astype(np.int64)
        return Edges(order, person, self.costs[order, person])

    def floors(self, listed: Edges, count: int) -> Any:
        """What those left out cost at least."""
        own = [listed.cost[listed.order == n] for n in range(len(self.costs))]
        return np.array([costs.max() if len(costs) >= count else OUT for costs in own])

    def beyond(self, listed: Edges, floors: Any, bounds: Any, prices: Any, most: int) -> Edges:
        """Pairs that could still be of use."""
        found = []
        for n in np.flatnonzero(bounds > floors).tolist():
            known = set(listed.person[listed.order == n].tolist())
            gain = self.costs[n] + prices - bounds[n]
            found += [(n, p, int(self.costs[n, p])) for p in np.argsort(gain, kind="stable").tolist()
                      if gain[p] < 0 and p not in known][:most]  # fmt: skip
        self.asked.append(len(found))
        return Edges(*[np.array([pair[side] for pair in found], np.int64) for side in range(3)])


@dataclass
class Case:
    """Something to assign, at random."""

    rng: Random
    orders: int
    people: int
    weeks: int = 2
    clashes: float = 0.4
    density: float = 0.7

    def __post_init__(self) -> None:
        rng, orders, people = self.rng, self.orders, self.people
        self.costs = np.array(
            [
                [rng.randrange(-50, 300) if rng.random() < self.density else OUT for _ in range(people)]
                for _ in range(orders)
            ]
        ).reshape(orders, people)
        self.places = np.array([rng.choice((1, 1, 1, 2, 3)) for _ in range(orders)])
        self.prices = np.array([rng.randrange(1000, 6000) for _ in range(orders)])
        self.week = np.array([rng.randrange(self.weeks) for _ in range(orders)])
        self.rooms = np.array([[rng.randrange(1, 4) for _ in range(people)] for _ in range(self.weeks)])
        self.left = np.array([rng.randrange(0, 5) for _ in range(people)])
        # Times of two hours that begin on the hour: neighbours touch, others overlap or lie apart.
        starts = [rng.randrange(0, 6) for _ in range(orders)]
        timed = [rng.random() < self.clashes for _ in range(orders)]
        self.spans = [
            (start * 60 + 10_080 * week, start * 60 + 10_080 * week + 120) if is_timed else None
            for start, week, is_timed in zip(starts, self.week.tolist(), timed, strict=True)
        ]

    def clash(self, _person: int, one: int, other: int) -> bool:
        """Whether two times overlap."""
        first, second = self.spans[one], self.spans[other]
        return first is not None and second is not None and first[0] < second[1] and second[0] < first[1]

    def assignment(self) -> Assignment:
        """As the planner puts it."""
        return Assignment(
            self.places, self.prices, self.week, self.rooms, self.left, AGAIN, self.spans, self.clash
        )  # fmt: skip

    def solved(self, count: int) -> tuple[list[tuple[int, int]], int]:
        """The pairs taken, and the total."""
        edges, taken, total = self.assignment().solved(Dense(self.costs), count)  # type: ignore[arg-type]
        pairs = list(zip(edges.order[taken].tolist(), edges.person[taken].tolist(), strict=True))
        self.check(pairs, total)
        return pairs, total

    def check(self, pairs: list[tuple[int, int]], total: int) -> None:
        """No rule is broken, and the total is what the pairs come to."""
        assert len(set(pairs)) == len(pairs)
        loads = [[order for order, who in pairs if who == person] for person in range(self.people)]
        for person, own in enumerate(loads):
            assert self._fits(person, own)
        got = [sum(order == n for order, _ in pairs) for n in range(self.orders)]
        assert all(count <= places for count, places in zip(got, self.places, strict=True))
        cost = sum(int(self.costs[pair]) for pair in pairs)
        cost += sum((int(self.places[n]) - got[n]) * int(self.prices[n]) for n in range(self.orders))
        cost += sum(AGAIN * len(own) * (len(own) - 1) // 2 for own in loads)
        assert cost == total

    def _fits(self, person: int, own: list[int]) -> bool:
        weeks = [sum(self.week[order] == week for order in own) for week in range(self.weeks)]
        return (
            len(own) <= max(1, self.left[person])
            and all(count <= self.rooms[week, person] for week, count in enumerate(weeks))
            and not any(self.clash(person, one, other) for one, other in combinations(own, 2))
        )

    def tried(self) -> int:
        """The least total of all ways there are, tried one by one."""
        ways = []
        for order in range(self.orders):
            able = [person for person in range(self.people) if self.costs[order, person] < OUT]
            ways.append([team for n in range(self.places[order] + 1) for team in combinations(able, n)])
        best = None
        for teams in product(*ways):
            loads = [[n for n, team in enumerate(teams) if person in team] for person in range(self.people)]
            if not all(self._fits(person, own) for person, own in enumerate(loads)):
                continue
            total = sum(int(self.costs[n, person]) for n, team in enumerate(teams) for person in team)
            total += sum((int(self.places[n]) - len(team)) * int(self.prices[n]) for n, team in enumerate(teams))
            total += sum(AGAIN * len(own) * (len(own) - 1) // 2 for own in loads)
            best = total if best is None else min(best, total)
        assert best is not None
        return best

    def programmed(self) -> int:
        """The least total according to a mixed integer program over every pair: all rules as rows, nothing nested."""
        pairs = [(n, p) for n in range(self.orders) for p in range(self.people) if self.costs[n, p] < OUT]
        most = max(self.places.max(), 6)
        steps = [(p, k) for p in range(self.people) for k in range(most * 2)]
        size = len(pairs) + self.orders + len(steps)
        rows: list[tuple[dict[int, float], float, float]] = []
        mine: dict[tuple[str, int, int], dict[int, float]] = {}
        for n, (order, person) in enumerate(pairs):
            mine.setdefault(("order", order, 0), {})[n] = 1
            mine.setdefault(("person", person, 0), {})[n] = 1
            mine.setdefault(("week", person, int(self.week[order])), {})[n] = 1
        for order in range(self.orders):
            row = mine.get(("order", order, 0), {}) | {len(pairs) + order: 1}
            rows.append((row, self.places[order], self.places[order]))
        for person in range(self.people):
            own = mine.get(("person", person, 0), {})
            rows.append((dict(own), 0, max(1, self.left[person])))
            own = own | {len(pairs) + self.orders + n: -1 for n, (p, _) in enumerate(steps) if p == person}
            rows.append((own, 0, 0))
            rows += [(mine.get(("week", person, week), {}), 0, self.rooms[week, person]) for week in range(self.weeks)]
        number = {pair: n for n, pair in enumerate(pairs)}
        for one, other in combinations(range(self.orders), 2):
            if self.clash(0, one, other):
                rows += [({number[one, p]: 1, number[other, p]: 1}, 0, 1) for p in range(self.people)
                         if (one, p) in number and (other, p) in number]  # fmt: skip
        matrix = lil_array((len(rows), size))
        for n, (row, _, _) in enumerate(rows):
            for column, value in row.items():
                matrix[n, column] = value
        costs = [*[self.costs[pair] for pair in pairs], *self.prices, *[AGAIN * k for _, k in steps]]
        found = milp(
            np.array(costs, float), integrality=np.repeat([1, 0], [len(pairs), size - len(pairs)]),
            constraints=LinearConstraint(matrix.tocsr(), [row[1] for row in rows], [row[2] for row in rows]),
            bounds=Bounds(0, np.array([*[1] * len(pairs), *self.places, *[1] * len(steps)])),
            options={"mip_rel_gap": 0},
        )  # fmt: skip
        assert found.success
        return round(found.fun)


@pytest.mark.parametrize("seed", range(80))
def test_as_cheap_as_the_best_of_all_ways(seed: int) -> None:
    rng = Random(seed)
    case = Case(rng, rng.randrange(1, 5), rng.randrange(1, 5), clashes=rng.choice((0, 0.4, 1)))
    assert case.solved(rng.choice((1, 2, 4)))[1] == case.tried()


@pytest.mark.parametrize("seed", range(20))
def test_as_cheap_as_another_solver_finds(seed: int) -> None:
    rng = Random(100 + seed)
    case = Case(rng, 40, rng.choice((12, 25, 60)), clashes=rng.choice((0, 0.3, 0.9)), density=rng.choice((0.2, 0.6)))
    assert case.solved(5)[1] == case.programmed()


def test_a_large_one_as_another_solver_finds_it() -> None:
    case = Case(Random(5), 300, 400, clashes=0.0, density=0.05)
    assert case.solved(10)[1] == case.programmed()


def test_whoever_was_left_out_is_let_in_when_it_is_of_use() -> None:
    """Ten orders that all begin with the same volunteer; another nine could do as well, a little farther off."""
    case = Case(Random(0), 10, 10, clashes=0.0, density=1.0)
    case.costs = np.tile(np.arange(10) * 10, (10, 1))
    case.places, case.rooms, case.left = np.ones(10, int), np.ones((2, 10), int), np.ones(10, int)
    edges, taken, total = case.assignment().solved(Dense(case.costs), 1)  # type: ignore[arg-type]
    assert sorted(edges.person[taken].tolist()) == list(range(10))
    assert total == 450


def test_a_week_that_is_full_sends_what_is_over_to_somebody_else() -> None:
    """All four are cheapest by far with the first volunteer, who has room for one in each of two weeks."""
    case = Case(Random(0), 4, 3, clashes=0.0, density=1.0, weeks=2)
    case.costs = np.tile([0, 500, 600], (4, 1))
    case.places, case.week = np.ones(4, int), np.array([0, 0, 0, 1])
    case.rooms, case.left = np.array([[1, 3, 3], [1, 3, 3]]), np.full(3, 4)
    pairs, total = case.solved(3)
    assert sorted(person for order, person in pairs if order < 3) != [0, 0, 0]
    assert sum(person == 0 for _, person in pairs) == 2
    assert total == case.programmed()


def test_the_same_way_each_time_whatever_costs_the_same() -> None:
    """All pairs cost the same: orders of the nearest deadline get the first volunteers, each time."""
    case = Case(Random(0), 6, 8, clashes=0.0, density=1.0)
    case.costs[:] = 70
    case.places, case.rooms, case.left = np.ones(6, int), np.full((2, 8), 3), np.full(8, 3)
    first = case.solved(4)[0]
    assert first == [(n, n) for n in range(6)] or len({person for _, person in first}) == 6
    assert all(case.solved(4)[0] == first for _ in range(5))


def test_nothing_to_do() -> None:
    none = np.empty(0, np.int64)
    rooms = np.empty((0, 3), int)
    problem = Problem(
        Edges(none, none, none), none, none, none, none, rooms, rooms > 0, np.ones(3, int), AGAIN
    )  # fmt: skip
    assert solve(problem).total == 0


def test_nobody_there() -> None:
    case = Case(Random(1), 3, 2, density=0.0)
    assert case.solved(5) == ([], int((case.places * case.prices).sum()))
