"""Open figures: for residents, for everybody when the estate says so, without names and without small numbers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from community.policies import workflow as policies
from core import reports
from core.database import begin_write, db
from core.reports import Value
from services.orders import workflow as orders
from services.orders.workflow import Wish
from services.reports import opened
from services.reports.rules import OPEN
from tests.factories import World, browser


def decide(app: Flask, world: World, **values: bool) -> None:
    with app.app_context():
        begin_write()
        policies.change(world["secretary"].viewer(), world.estates["banyan"].id, OPEN, {**OPEN.defaults, **values}, 0)
        db.session.commit()


def test_residents_see_them_and_strangers_do_not(app: Flask, world: World, at: Any) -> None:
    address = f"/open/{world.estates['banyan'].id}"
    for name, status in (
        ("resident", 200),
        ("secretary", 200),
        ("staff", 200),
        ("far_resident", 404),
        ("outsider", 404),
    ):
        assert browser(app, world[name]).get(address).status_code == status, name
    assert browser(app, None).get(address).status_code == 404
    assert address in browser(app, world["resident"]).get("/").get_data(as_text=True)


def test_an_estate_opens_them_to_everybody_and_closes_parts(app: Flask, world: World, at: Any) -> None:
    decide(app, world, public=True, rates=False)
    page = browser(app, None).get(f"/open/{world.estates['banyan'].id}").get_data(as_text=True)
    assert "点单" in page and "响应率" not in page


def test_small_numbers_are_not_told(app: Flask, world: World, at: Any) -> None:
    with app.app_context():
        resident = world["resident"].viewer()
        for item, count in (("elder_shopping", 4), ("errands", 2)):
            for _ in range(count):
                orders.place(resident, Wish(item))
        found = opened.get_open(resident, world.estates["banyan"].id)
        figures = {one.measure.name: one for one in found.figures}
        assert figures["orders.placed"].year == "6单" and figures["orders.placed"].month == "0单"
        # Two alone would be told by the total, so that they take the others along.
        assert found.items == [("其他几项合计", 6)]


@pytest.mark.parametrize(
    ("name", "value", "people", "text"),
    [
        ("orders.placed", Value(2), None, opened.FEW),
        ("orders.placed", Value(0), None, "0单"),
        ("orders.placed", Value(3), None, "3单"),
        ("orders.response", Value.of_rate(1, 2), None, opened.FEW),
        ("orders.response", Value.of_rate(0, 0), None, "无"),
        ("orders.response", Value.of_rate(2, 4), None, "50.0%"),
        ("hours.minutes", Value(600), 2, opened.FEW),
        ("hours.minutes", Value(600), 3, "10小时"),
    ],
)
def test_a_figure_as_everybody_may_see_it(name: str, value: Value, people: float | None, text: str) -> None:
    assert opened.told(reports.measures()[name], value, people) == text
