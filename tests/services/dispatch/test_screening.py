"""Columns of people come to the same verdicts as one pair at a time, and one statement to the same facts as another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask

from core.database import db
from services.dispatch import queries
from services.dispatch.facts import load_for, load_waiting
from services.dispatch.matching import judge
from services.dispatch.pool import Pool
from services.dispatch.screening import Screen
from tests.factories import World
from tests.services.dispatch.oddities import Oddities


@pytest.fixture
def inside(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[World]:
    with app.app_context():
        yield world
        db.session.rollback()


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_is_judged_alike(seed: int, inside: World) -> None:
    Oddities(inside, seed).fill(60, 30)
    estate = inside.estates["banyan"].id
    waiting = queries.list_waiting(estate)
    facts = load_waiting(estate, waiting)
    needs, scale = [facts.need(order) for order in waiting], facts.scale()
    pool = Pool(facts, estate)
    screen = Screen(pool, needs, scale)
    edges = screen.best(10_000)
    found: dict[int, dict[int, int]] = {}
    for order, who, cost in zip(*(column.tolist() for column in edges), strict=True):
        found.setdefault(order, {})[who] = cost
    pairs = 0
    for number, need in enumerate(needs):
        verdicts = [judge(need, facts.offering(row, need), scale) for row in facts.rows]
        expected = {n: verdict.tenths for n, verdict in enumerate(verdicts) if not verdict.ruled_out}
        assert found.get(number, {}) == expected
        pairs += len(expected)
    assert pairs > 100


def test_the_cheapest_few_are_the_first_of_all(inside: World) -> None:
    Oddities(inside, 7).fill(60, 30)
    estate = inside.estates["banyan"].id
    waiting = queries.list_waiting(estate)
    facts = load_waiting(estate, waiting)
    screen = Screen(Pool(facts, estate), [facts.need(order) for order in waiting], facts.scale())
    every, few = screen.best(10_000), screen.best(3)
    for number in range(len(waiting)):
        mine, whole = few.person[few.order == number], every.person[every.order == number]
        assert mine.tolist() == whole[:3].tolist()


def test_one_order_is_read_as_among_many(inside: World) -> None:
    Oddities(inside, 3).fill(40, 20)
    estate = inside.estates["banyan"].id
    waiting = queries.list_waiting(estate)
    many = load_waiting(estate, waiting)
    for order in waiting[:10]:
        alone = load_for(order)
        one = [judge(alone.need(order), who, alone.scale()) for who in alone.offerings(alone.need(order))]
        other = [judge(many.need(order), who, many.scale()) for who in many.offerings(many.need(order))]
        assert [(v.ruled_out, v.tenths, v.reasons) for v in one] == [(v.ruled_out, v.tenths, v.reasons) for v in other]
