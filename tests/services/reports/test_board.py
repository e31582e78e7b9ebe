"""The page of figures: what it shows adds up with the rows behind it, odd periods are refused, nothing is made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask

from core import clock, reports
from core.reports import Value
from services.reports import board, charts, wording
from services.reports.asked import Asked, Period, whole_period
from services.reports.queries import Unit
from tests.factories import World, browser
from tests.guards.test_budgets import counted
from tests.services.reports.test_queries import live, lived  # noqa: F401

ALL = {"period": "custom", "from": "2026-10-05", "to": "2026-12-20"}
STATEMENTS = 25
"""For the largest page, sign-in included."""


def asked_of(world: World, body: str = "community") -> Asked:
    found = world.bodies[body]
    period = Period("custom", date(2026, 10, 5), date(2026, 12, 20), date(2026, 12, 20))
    return Asked(Unit(found.id, found.name, found.path), period)


def test_every_figure_is_the_one_that_the_sources_draw(app: Flask, lived: World) -> None:  # noqa: F811
    asked = asked_of(lived)
    with app.app_context():
        drawn = board.draw(asked)
        whole = reports.draw(asked.question(), list(reports.measures()))[""]
        for line in drawn.lines:
            assert line.now == whole.get(line.measure.name, line.now), line.measure.name
        placed = whole["orders.placed"].amount
        assert sum(values["orders.placed"].amount or 0 for _, _, values in drawn.items) == placed
        assert sum(row.values["orders.placed"].amount or 0 for row in drawn.ranking) == placed
        assert sum(bar.value for bar in drawn.bars) == placed


def test_both_ways_of_organising_give_the_same_while_nobody_moved(app: Flask, lived: World) -> None:  # noqa: F811
    asked = asked_of(lived)
    with app.app_context():
        then = board.by_unit(Asked(asked.unit, asked.period, None, "then"), board.RANK_COLUMNS)
        assert then == board.by_unit(asked, board.RANK_COLUMNS)


def test_the_page_and_the_list_behind_a_figure(app: Flask, lived: World) -> None:  # noqa: F811
    client = browser(app, lived["secretary"])
    page = client.get("/reports", query_string=ALL).get_data(as_text=True)
    shown = re.search(r"measure=orders\.response[^>]*>([\d.]+)</a><small>%", page)
    assert shown
    rows: list[str] = []
    query: dict[str, Any] = {**ALL, "measure": "orders.response"}
    while True:
        body = client.get("/reports/behind", query_string=query).get_data(as_text=True)
        rows += re.findall(r"<td[^>]*>\s*(是|否)\s*</td>\s*</tr>", body)
        more = re.search(r"cursor=([\w-]+)[^>]*rel=\"next\"|href=\"[^\"]*cursor=([\w-]+)", body)
        if not more or "下一页" not in body:
            break
        query["cursor"] = more[1] or more[2]
    assert f"{rows.count('是') / len(rows) * 100:.1f}" == shown[1]
    assert f"清单共{len(rows)}条" in body


def test_the_entries_behind_the_hours_add_up(app: Flask, lived: World) -> None:  # noqa: F811
    asked = asked_of(lived)
    with app.app_context():
        for only in ({}, {"item": "errands"}):
            question = asked.question(only=only)
            drawn = reports.draw(question, ["hours.minutes", "hours.services"])[""]
            rows = reports.behind(question, "hours.minutes", None, 500).items
            assert sum(row.minutes for row in rows) == drawn["hours.minutes"].amount
            assert sum(row.counts for row in rows) == drawn["hours.services"].amount
    page = browser(app, lived["secretary"]).get("/reports/behind", query_string={**ALL, "measure": "hours.minutes"})
    assert page.status_code == 200 and "陈" in page.get_data(as_text=True)


def test_a_page_costs_few_statements(app: Flask, lived: World) -> None:  # noqa: F811
    client = browser(app, lived["street_staff"])
    with counted() as seen:
        answer = client.get("/reports", query_string=ALL)
    assert answer.status_code == 200
    assert len(seen) <= STATEMENTS


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"period": "custom", "from": "2026-11-02", "to": "2026-11-01"}, "结束日期不能早于开始日期"),
        ({"period": "custom", "from": "2026-11-02", "to": "2027-11-01"}, "结束日期不能晚于今天"),
        ({"period": "custom", "from": "2001-01-01", "to": "2026-11-01"}, "一次最多统计三年"),
        ({"period": "custom", "from": "1926-01-01", "to": "2026-11-01"}, "2000年以前没有记录"),
        ({"period": "custom", "from": "2026-11-01"}, "请填结束日期"),
        ({"period": "month", "on": "2027-01-01"}, "还没有到这段时间"),
        ({"period": "month", "on": "2026-02-30"}, "日期写成"),
        ({"period": "decade"}, "周期请选"),
        ({"as_of": "2027-01-01"}, "截至日期不能晚于今天"),
    ],
)
def test_periods_that_cannot_be_are_refused(
    app: Flask, world: World, at: Any, query: dict[str, str], text: str
) -> None:
    client = browser(app, world["secretary"])
    for page in ("/reports", "/reports/behind"):
        answer = client.get(page, query_string={**query, "measure": "orders.placed"})
        assert answer.status_code == 422 and text in answer.get_data(as_text=True)


def test_a_unit_outside_the_scope_is_not_found(app: Flask, world: World, at: Any) -> None:
    client = browser(app, world["secretary"])
    for unit in (world.estates["swan"].branch.id, world.bodies["community"].id, "nothing"):
        assert client.get("/reports", query_string={"unit": unit}).status_code == 404
    assert client.get("/reports/behind", query_string={"measure": "nothing"}).status_code == 404
    assert browser(app, world["resident"]).get("/reports").status_code == 403


def test_nothing_due_is_nothing_and_not_zero_percent(app: Flask, world: World, at: Any) -> None:
    page = browser(app, world["cement_secretary"]).get("/reports").get_data(as_text=True)
    assert "0.0%" not in page and "100.0%" not in page
    assert wording.NOTHING in page and "0单" in page
    rate = reports.measures()["orders.response"]
    assert wording.full(rate, Value.of_rate(0, 0)) == wording.NOTHING
    assert wording.delta(rate, Value.of_rate(1, 2), Value.of_rate(0, 0), "上月") is None


def test_masked_where_names_may_not_be_seen(app: Flask, lived: World) -> None:  # noqa: F811
    query = {**ALL, "measure": "orders.placed"}
    seen = browser(app, lived["staff"]).get("/reports/behind", query_string=query).get_data(as_text=True)
    masked = browser(app, lived["street_staff"]).get("/reports/behind", query_string=query).get_data(as_text=True)
    assert "1栋1单元" in seen and "1栋1单元" not in masked
    assert "沈" in seen and "沈阿姨" not in masked


def test_periods_and_those_before_them(at: Callable[[datetime], None]) -> None:
    month = Period("month", date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 31))
    assert month.before() == whole_period("month", date(2026, 2, 10))
    running = Period("month", date(2026, 3, 1), date(2026, 3, 30), date(2026, 3, 31))
    assert running.before().last == date(2026, 2, 28) and running.before_words == "上月同期"
    assert running.year_before().last == date(2025, 3, 30)
    assert whole_period("quarter", date(2026, 11, 5)).last == date(2026, 12, 31)
    leap = Period("custom", date(2024, 2, 29), date(2024, 2, 29), date(2024, 2, 29))
    assert leap.year_before().first == date(2023, 2, 28)
    assert whole_period("week", clock.today()).year_before().first.weekday() == 0


@pytest.mark.parametrize("page", ["/reports", "/reports/people"])
def test_a_year_is_compared_once(page: str, app: Flask, lived: World) -> None:  # noqa: F811
    client = browser(app, lived["staff"])
    for period, told in (("month", True), ("year", False)):
        text = client.get(page, query_string={"period": period}).get_data(as_text=True)
        assert ("去年同期" in text) is told, period
        assert ("上年" in text) is not told
        assert not re.search(r"比(多|少|升|降|持平)", text)


def test_charts_keep_their_labels_apart_and_begin_at_round_numbers() -> None:
    drawn = charts.trend(("a", "b"), ([10, 20, 30], [10, 20, 29]), ("1", "2", "3"), "")
    low, high = sorted(line.label_y for line in drawn.lines)
    assert high - low >= 18
    assert charts.ticks(92, 138)[0] <= 92 and charts.ticks(92, 138)[-1] >= 138
    assert charts.spark([None, 0.5]) == [] and len(charts.spark([0.1, None, 0.5])) == 2
    assert charts.trend(("a",), ([0, 0],), ("1", "2"), "").lines[0].points[0][1] == charts.BOTTOM
