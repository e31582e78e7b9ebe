"""Stars by the estate's own thresholds, the same on every page, and by ratings where the estate asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from flask import Flask

from community.policies.declared import topics
from core import clock, reports
from core.reports import Question
from tests.factories import World, browser, caller
from tests.services.orders.site import Site
from tests.volunteers.making import decide, give, moment
from volunteers.hours import rollups
from volunteers.hours.rules import STARS
from volunteers.hours.stars import NAMES, Stars, next_threshold, star_level

BEIJING = {"one": 100, "two": 200, "three": 500, "four": 800, "five": 1000, "least_rating": "0"}


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


@pytest.mark.parametrize(
    ("hours", "level", "goal"),
    [(0, 0, 100), (99, 0, 100), (100, 1, 300), (599, 2, 600), (1000, 4, 1500), (1500, 5, None), (9000, 5, None)],
)
def test_the_usual_thresholds(hours: int, level: int, goal: int | None) -> None:
    assert star_level(hours * 60) == level
    assert next_threshold(hours * 60) == (goal * 60 if goal else None)
    assert len(NAMES) == 6


def test_other_thresholds() -> None:
    stars = Stars((1, 2, 3, 4, 5))
    assert [star_level(60 * n, stars) for n in range(7)] == [0, 1, 2, 3, 4, 5, 5]
    assert stars.next_name(60) == "二星级" and stars.next_name(300) == ""


def test_every_page_uses_the_thresholds_of_the_estate(site: Site) -> None:
    give(site.app, site.world, *[{"start": moment(10, n), "minutes": 1440} for n in range(1, 11)])
    who = site.id("volunteer1")
    secretary = browser(site.app, site.world["secretary"])
    pages = {
        "/hours": ("升为二星级志愿者", "volunteer1"), "/tasks": ("升为二星级志愿者", "volunteer1"),
        f"/volunteers/{who}/hours": ("一星级", "secretary"), "/volunteers": ("一星级", "secretary"),
        f"/volunteers/{who}": ("一星级", "secretary"),
    }  # fmt: skip
    for path, (words, name) in pages.items():
        assert words in site.get(name, path).text, path
    decide(site.app, site.world, "stars", **BEIJING)
    for path, (words, name) in pages.items():
        other = words.replace("升为二星级志愿者", "升为三星级志愿者").replace("一星级", "二星级")
        assert other in site.get(name, path).text, path
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 2
    order = site.completed("volunteer1")
    assert "二星级志愿者" in site.get("resident", f"/orders/{order}").text
    waiting = site.placed()
    page = secretary.get(f"/desk?order={waiting}").text
    assert "二星级" in page


def test_only_that_estate_uses_them(site: Site) -> None:
    decide(site.app, site.world, "stars", "swan", **{**BEIJING, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5})
    give(site.app, site.world, {"start": moment(10, 1), "minutes": 600})
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 0


def test_ratings_hold_a_star_back_where_the_estate_asks_for_them(site: Site) -> None:
    give(site.app, site.world, *[{"start": moment(10, n), "minutes": 1440} for n in range(1, 11)])
    order = site.completed("volunteer1")
    site.verb("resident", order, "rate", stars="2")
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 1
    decide(site.app, site.world, "stars", **STARS.defaults | {"least_rating": "40"})
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 0
    assert "平均评分2.0分，没到小区要求的4.0分，先不评星" in site.get("volunteer1", "/hours").text
    assert "未评" in site.get("secretary", "/volunteers").text
    give(site.app, site.world, *[
        {"start": moment(10, n), "minutes": 1440, "name": "volunteer2"} for n in range(1, 11)
    ])  # fmt: skip
    assert caller(site.app, site.world["volunteer2"]).get("/volunteers/me/hours").json["star_level"] == 1


@pytest.mark.parametrize(
    ("rules", "stars"),
    [({}, {"1": 2}), (BEIJING, {"2": 2}), ({"least_rating": "40"}, {"1": 1}), ({"one": 300, "two": 301}, {})],
)
def test_reports_count_stars_by_the_rules_of_the_estate(
    rules: dict[str, object], stars: dict[str, int], site: Site
) -> None:
    for name in ("volunteer1", "volunteer2"):
        give(site.app, site.world, *[{"start": moment(10, n), "minutes": 1440, "name": name} for n in range(1, 11)])
    site.verb("resident", site.completed("volunteer1"), "rate", stars="2")
    decide(site.app, site.world, "stars", **STARS.defaults | rules)
    asked = Question(site.world.bodies["community"].path, clock.today(), clock.today(), "tier")
    with site.app.app_context():
        for folded in (False, True):
            if folded:
                rollups.fold()
            drawn = reports.draw(asked, ["volunteers.starred"])
            assert {key: values["volunteers.starred"].amount for key, values in drawn.items()} == stars
            for tier in ("1", "2", "unheard of"):
                one = replace(asked, by="total", only={"tier": tier})
                listed = reports.behind(one, "volunteers.starred", None, 50).items
                assert len(listed) == stars.get(tier, 0)
                assert {row.star for row in listed} <= {NAMES[int(tier)] if tier in stars else ""}


def test_thresholds_must_rise(site: Site) -> None:
    assert topics()["stars"] is STARS
    path = f"/policies/{site.world.estates['banyan'].id}/stars"
    token = site.filled("secretary", "/me/password", "/me/password")["csrf_token"]
    fields = {name: str(value) for name, value in STARS.defaults.items()} | {"version": "0", "csrf_token": token}
    answer = site.post("secretary", path, fields | {"three": "300"})
    assert answer.status_code == 422
    assert "三星级要比二星级的300小时多" in answer.text
    good = site.post("secretary", path, fields | {name: str(value) for name, value in BEIJING.items()})
    assert good.status_code == 303
    assert "200小时" in site.get("secretary", "/policies").text


def test_values_that_no_longer_rise_are_the_defaults(site: Site) -> None:
    decide(site.app, site.world, "stars", **BEIJING | {"two": 50})
    give(site.app, site.world, *[{"start": moment(10, n), "minutes": 1440} for n in range(1, 6)])
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 1
