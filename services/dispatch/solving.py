"""The cheapest assignment of orders to volunteers, exactly.

Each order has places and a price for every place left empty. A volunteer has room for so many orders in all and so many
in a week, does one at a time, and a second and each further order costs more, so that work is spread before it is
heaped. Limits of this nested kind make an assignment problem: each order that a volunteer has room for is a column, and
a limit in between is a gate with columns and rows of its own - whoever takes a gate's column sends the gate's row on to
a column further up. scipy solves that to the optimum; equal costs are broken by the order of rows and columns, which is
that of deadlines and ids.

The prices of the optimum tell which pair that was not listed could still improve it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from services.dispatch.pool import Mask, Numbers
from services.dispatch.screening import Edges

ENDLESS = 10**14


@dataclass(frozen=True)
class Problem:
    """What is to be assigned.

    By order: ``needs``, the places wanted, ``prices``, what an empty one costs, and ``weeks``, by number. By edge:
    ``gates``, labels of which a volunteer goes through each but once (-1: no gate). ``rooms`` by week and volunteer and
    ``left`` by volunteer: for how many orders there is room; ``held``: where the room of a week is looked at, and not
    only that of all weeks. ``again``: what a volunteer's second order costs more; the third costs that twice, and so
    on. Costs are whole numbers.
    """

    edges: Edges
    needs: Numbers
    prices: Numbers
    weeks: Numbers
    gates: Numbers
    rooms: Numbers
    held: Mask
    left: Numbers
    again: int


class Solution(NamedTuple):
    """The edges taken, the total, and prices: what one more place of each order would cost, and what room for one more
    order of each volunteer is worth."""

    taken: Numbers
    total: int
    bounds: Numbers
    prices: Numbers


class _Network(NamedTuple):
    """Nodes are the volunteers, then those of their weeks and times that hold fewer than could come.

    ``node``: where each edge leads; ``above``: where a node leads on to (-1: it is a volunteer); ``room``: how many it
    holds; ``owner``: whose it is.
    """

    node: Numbers
    above: Numbers
    room: Numbers
    owner: Numbers


def solve(problem: Problem) -> Solution:
    """The cheapest assignment over the edges of a problem."""
    net = _network(problem)
    taken = _match(problem, net)
    bounds, prices = _prices(problem, net, taken)
    return Solution(taken, total_of(problem, taken), bounds, prices)


def solve_apart(problem: Problem, apart: Sequence[tuple[int, int]]) -> Numbers:
    """The edges of the cheapest assignment in which of each pair of edges one at most is taken.

    Such pairs need not nest, so this is a mixed integer program; it is asked for only when an optimum without them
    turned out to hold one.
    """
    # Loaded by whoever needs it, which is hardly ever.
    from scipy.optimize import Bounds, LinearConstraint, milp

    edges, net, count = problem.edges, _network(problem), len(problem.edges.order)
    orders, people, gates = len(problem.needs), int((net.above < 0).sum()), np.flatnonzero(net.above >= 0)
    slot, kth = _repeated(net.room[:people])
    first, second, top = _chain(net)
    # Each place of an order is filled or left empty; each volunteer's orders take the room that they have.
    balance = _rows([
        (edges.order, np.arange(count), 1), (np.arange(orders), count + np.arange(orders), 1),
        (orders + top, np.arange(count), 1), (orders + slot, count + orders + np.arange(len(slot)), -1),
    ], (orders + people, count + orders + len(slot)))  # fmt: skip
    one, other = (np.array([pair[side] for pair in apart], np.int64) for side in (0, 1))
    through = [(np.searchsorted(gates, nodes[inside]), np.flatnonzero(inside), 1)
               for nodes in (first, second) for inside in (nodes >= people,)]  # fmt: skip
    pairs = len(gates) + np.arange(len(apart))
    limits = _rows([*through, (pairs, one, 1), (pairs, other, 1)], (len(gates) + len(apart), balance.shape[1]))
    solved = milp(
        np.concatenate([edges.cost, problem.prices, kth * problem.again]),
        constraints=[
            LinearConstraint(balance, *[np.concatenate([problem.needs, np.zeros(people)])] * 2),
            LinearConstraint(limits, -np.inf, np.concatenate([net.room[gates], np.ones(len(apart))])),
        ],
        integrality=np.repeat([1, 0], [count, orders + len(slot)]),
        bounds=Bounds(0, np.concatenate([np.ones(count), problem.needs, np.ones(len(slot))])),
        options={"mip_rel_gap": 0},
    )  # fmt: skip
    if not solved.success:
        raise RuntimeError(f"no plan found: {solved.message}")
    return np.flatnonzero(solved.x[:count] > 0.5)


def _chain(net: _Network) -> tuple[Numbers, Numbers, Numbers]:
    """By edge: the node it leads to, the one above (-1: none), and the volunteer's at the top."""
    first = net.node
    second = net.above[first]
    third = np.where(second >= 0, net.above[second], -1)
    return first, second, np.where(third >= 0, third, np.where(second >= 0, second, first))


def _rows(parts: Sequence[tuple[Numbers, Numbers, int]], shape: tuple[int, int]) -> csr_array:
    rows, columns = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    signs = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    return csr_array((signs.astype(np.float64), (rows, columns)), shape=shape)


def total_of(problem: Problem, taken: Numbers) -> int:
    """What an assignment costs."""
    edges = problem.edges
    load = np.bincount(edges.person[taken], minlength=len(problem.left))
    empty = problem.needs - np.bincount(edges.order[taken], minlength=len(problem.needs))
    again = problem.again * (load * (load - 1) // 2).sum()
    return int(edges.cost[taken].sum() + (empty * problem.prices).sum() + again)


def room_of(problem: Problem) -> Numbers:
    """For how many orders each volunteer has room, in all weeks. Whoever may get no more offers today may get one
    urgent order still; what is not urgent was ruled out for them."""
    room: Numbers = np.minimum(np.maximum(problem.left, 1), problem.rooms.sum(axis=0))
    return room


def _network(problem: Problem) -> _Network:
    edges = problem.edges
    owner, person = np.unique(edges.person, return_inverse=True)
    claims = problem.needs[edges.order]
    weeks = len(problem.rooms)
    weekly, week = np.unique(edges.person * weeks + problem.weeks[edges.order], return_inverse=True)
    holder = np.searchsorted(owner, weekly // weeks)
    hold = problem.rooms[weekly % weeks, weekly // weeks]
    room = room_of(problem)[owner]
    tight = problem.held[weekly % weeks, weekly // weeks]
    tight = tight & (hold < _sums(week, claims, len(weekly))) & (hold < room[holder])
    room = np.minimum(room, _sums(person, claims, len(owner)))
    place = np.full(len(weekly), -1)
    place[tight] = len(owner) + np.arange(tight.sum())
    upper = np.where(place[week] >= 0, place[week], person)
    most = int(problem.gates.max(initial=0)) + 2
    times, time = np.unique(edges.person * most + problem.gates + 1, return_inverse=True)
    crowded = (_sums(time, claims, len(times)) > 1) & (times % most > 0)
    gate = np.full(len(times), -1)
    gate[crowded] = len(owner) + tight.sum() + np.arange(crowded.sum())
    node = np.where(gate[time] >= 0, gate[time], upper)
    one = np.zeros(len(times), np.int64)
    one[time] = np.arange(len(time))
    above = np.concatenate([np.full(len(owner), -1), holder[tight], upper[one[crowded]]])
    rooms = np.concatenate([room, hold[tight], np.ones(crowded.sum(), np.int64)])
    whose = np.concatenate([np.arange(len(owner)), holder[tight], person[one[crowded]]])
    return _Network(node, above, rooms, owner[whose])


def _sums(where: Numbers, what: Numbers, count: int) -> Numbers:
    return np.bincount(where, what, count).astype(np.int64)


def _match(problem: Problem, net: _Network) -> Numbers:
    """The edges of the optimum, by number."""
    edges, needs = problem.edges, problem.needs
    places, gates = int(needs.sum()), np.flatnonzero(net.above >= 0)
    first = np.cumsum(needs) - needs
    place_edge, nth = _repeated(needs[edges.order])
    gate_row, kth = _repeated(net.room[gates])
    gate_rows = places + np.arange(len(gate_row))
    column = np.cumsum(net.room) - net.room
    columns = int(net.room.sum())
    ways = [
        _ways(problem, net, column, first[edges.order[place_edge]] + nth, net.node[place_edge], edges.cost[place_edge]),
        _ways(problem, net, column, gate_rows, net.above[gates[gate_row]], np.zeros(len(gate_row), np.int64)),
        (gate_rows, column[gates[gate_row]] + kth, np.zeros(len(gate_row), np.int64)),
        (np.arange(places), columns + np.arange(places), np.repeat(problem.prices, needs)),
    ]
    rows, cells, costs = (np.concatenate(part) for part in zip(*ways, strict=True))
    if not places:
        return np.empty(0, np.int64)
    # The solver takes a weight of nought for no way at all; one row one way, so a like amount on each changes nothing.
    weights = (costs - costs.min() + 1).astype(np.float64)
    graph = csr_array((weights, (rows, cells)), shape=(places + len(gate_row), columns + places))
    found_row, found = min_weight_full_bipartite_matching(graph)
    found = found[np.argsort(found_row)][:places]
    order = np.repeat(np.arange(len(needs)), needs)
    served = found < columns
    owner = np.repeat(net.owner, net.room)[found[served]]
    return _edges_of(edges, order[served], owner, len(problem.left))


def _ways(
    problem: Problem, net: _Network, column: Numbers, row: Numbers, node: Numbers, cost: Numbers
) -> tuple[Numbers, Numbers, Numbers]:  # fmt: skip
    """From rows to each column of a node; a volunteer's second column and each further one costs more."""
    way, kth = _repeated(net.room[node])
    more = np.where(net.above[node[way]] < 0, kth * problem.again, 0)
    return row[way], column[node[way]] + kth, cost[way] + more


def _repeated(times: Numbers) -> tuple[Numbers, Numbers]:
    """Each number so many times, and the how-manieth each is."""
    which = np.repeat(np.arange(len(times)), times)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)


def _edges_of(edges: Edges, order: Numbers, person: Numbers, people: int) -> Numbers:
    keys = edges.order * people + edges.person
    line = np.argsort(keys)
    return np.sort(line[np.searchsorted(keys[line], order * people + person)])


def _prices(problem: Problem, net: _Network, taken: Numbers) -> tuple[Numbers, Numbers]:
    """Shortest ways through what the optimum leaves open (Bellman and Ford): by order the cost of one more place, by
    volunteer that of one more order."""
    edges, gates = problem.edges, np.flatnonzero(net.above >= 0)
    flow = np.bincount(net.node[taken], minlength=len(net.room))
    for node in gates[::-1].tolist():
        flow[net.above[node]] += flow[node]
    # Room that the listed pairs could not fill is there for others.
    most = np.where(net.above < 0, room_of(problem)[net.owner], net.room)
    rest = np.where((net.above < 0) & (flow < most), flow * problem.again, ENDLESS)
    open_gates, used_gates = gates[flow[gates] < net.room[gates]], gates[flow[gates] > 0]
    free = np.ones(len(edges.order), bool)
    free[taken] = False
    first = np.flatnonzero(np.diff(edges.order, prepend=-1))
    listed = edges.order[first]
    bounds = problem.prices.astype(np.int64)
    while True:
        onward = np.where(free, edges.cost + rest[net.node], ENDLESS)
        if len(first):
            bounds[listed] = np.minimum(problem.prices[listed], np.minimum.reduceat(onward, first))
        now = rest.copy()
        np.minimum.at(now, net.node[taken], bounds[edges.order[taken]] - edges.cost[taken])
        now[open_gates] = np.minimum(now[open_gates], now[net.above[open_gates]])
        np.minimum.at(now, net.above[used_gates], now[used_gates])
        if (now == rest).all():
            break
        rest = now
    prices = np.zeros(len(problem.left), np.int64)
    people = net.above < 0
    prices[net.owner[people]] = rest[people]
    return bounds, prices
