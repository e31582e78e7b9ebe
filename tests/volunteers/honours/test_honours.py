"""Awards recorded and struck out, the honour roll by consent, and badges by their rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from core.audit import Event
from core.database import begin_write, db
from services.orders.models import ServiceOrder
from tests.factories import World
from tests.services.orders.site import Site
from tests.volunteers.making import born, give, moment, submit
from volunteers.honours.badges import BADGES, list_badges
from volunteers.honours.models import Honour


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def path(site: Site, name: str = "volunteer1") -> str:
    return f"/volunteers/{site.id(name)}/honours"


AWARD = {"name": "年度优秀志愿者", "body": "东街道", "awarded_on": "2026-03-05"}


def test_an_award_stands_on_ones_page(site: Site) -> None:
    assert submit(site, "secretary", path(site) + "/award", **AWARD).status_code == 303
    page = site.get("volunteer1", "/hours").text
    assert "年度优秀志愿者" in page and "2026年3月5日，东街道" in page
    with site.app.app_context():
        assert db.session.scalars(select(Event).where(Event.verb == "award")).one().details["body"] == "东街道"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": ""}, "请写荣誉名称"), ({"body": " "}, "请写授予单位"), ({"awarded_on": ""}, "请填授予日期"),
        ({"awarded_on": "2026-11-19"}, "不能在今天以后"), ({"awarded_on": "去年"}, "日期写成"),
        ({"name": "奖" * 61}, "最多60个字"),
    ],
)  # fmt: skip
def test_wrong_awards_say_why(site: Site, values: dict[str, str], text: str) -> None:
    answer = submit(site, "secretary", path(site) + "/award", **AWARD | values)
    assert answer.status_code == 422 and text in answer.text


def test_a_mistake_is_struck_out_and_stays_on_the_trail(site: Site) -> None:
    submit(site, "secretary", path(site) + "/award", **AWARD)
    with site.app.app_context():
        honour = db.session.scalars(select(Honour.id)).one()
    bare = site.send("secretary", path(site), "/strike", reason="")
    assert bare.status_code == 422 and "请写明原因" in bare.text
    assert site.send("secretary", path(site), "/strike", reason="同名的人").status_code == 303
    assert "年度优秀志愿者" not in site.get("volunteer1", "/hours").text
    with site.app.app_context():
        kept = db.session.get_one(Honour, honour)
        assert (kept.struck_reason, kept.struck_at is not None) == ("同名的人", True)
    assert submit(site, "secretary", f"/honours/{honour}/strike", reason="再删").status_code == 409


def test_who_may(site: Site) -> None:
    assert site.get("staff", path(site)).status_code == 200
    assert submit(site, "staff", path(site) + "/award", **AWARD).status_code == 403
    assert submit(site, "cement_secretary", path(site) + "/award", **AWARD).status_code == 404
    assert site.get("volunteer1", path(site)).status_code == 403


# The honour roll


def agree(site: Site, *names: str) -> None:
    for name in names:
        assert submit(site, name, "/consents/publishing", on="1").status_code == 303


def ranked(page: str) -> list[tuple[str, str]]:
    cells = re.findall(r'roll__rank num">(\d+)</span>.*?row-item__title">(.*?)</span>', page, re.S)
    return [(rank, name) for rank, name in cells]


def test_the_roll_ranks_by_what_was_given_and_by_consent(site: Site) -> None:
    give(site.app, site.world, {"start": moment(10, 1), "minutes": 100}, {"start": moment(10, 2), "minutes": 100},
         {"start": moment(10, 3), "minutes": 300, "name": "volunteer2"},
         {"start": moment(10, 4), "minutes": 900, "name": "volunteer3"},
         {"start": moment(9, 4), "minutes": 300, "name": "volunteer4"})  # fmt: skip
    assert "还没有人上榜" in site.get("resident", "/honours").text
    agree(site, "volunteer1", "volunteer2", "volunteer4")
    assert sorted(ranked(site.get("resident", "/honours").text)) == [("1", "陈二"), ("1", "陈四"), ("3", "陈一")]
    assert ranked(site.get("resident", "/honours?by=services").text)[0] == ("1", "陈一")
    assert ranked(site.get("resident", "/honours?period=2026-10").text) == [("1", "陈二"), ("2", "陈一")]
    assert ranked(site.get("resident", "/honours?period=2025").text) == []
    assert "这是您" in site.get("volunteer1", "/honours").text
    for _pressed_twice in range(2):
        assert submit(site, "volunteer2", "/consents/publishing", on="").status_code == 303
    assert "陈二" not in site.get("resident", "/honours").text


def test_the_roll_is_the_estates(site: Site) -> None:
    give(site.app, site.world, {"start": moment(10, 1), "minutes": 100})
    agree(site, "volunteer1")
    assert "陈一" not in site.get("far_resident", "/honours").text
    banyan = site.world.estates["banyan"].id
    assert site.get("far_resident", f"/honours?estate={banyan}").status_code == 404
    assert "陈一" in site.get("staff", f"/honours?estate={banyan}").text
    assert site.get("outsider", f"/honours?estate={banyan}").status_code == 404
    assert site.get("", "/honours").location.startswith("/sign-in")


def test_children_are_not_on_the_roll(site: Site) -> None:
    give(site.app, site.world, {"start": moment(10, 1), "minutes": 100})
    agree(site, "volunteer1")
    born(site.app, site.world, "volunteer1", date(2009, 11, 30))
    assert "陈一" not in site.get("resident", "/honours").text


@pytest.mark.parametrize("period", ["2026-13", "x", "99999", "2026-10-01", "", "0000"])
def test_odd_periods_are_this_year(site: Site, period: str) -> None:
    assert "2026年" in site.get("resident", f"/honours?period={period}").text


# Badges


def badges(site: Site, name: str = "volunteer1") -> dict[str, tuple[int, datetime | None]]:
    with site.app.app_context():
        return {one.badge.code: (one.have, one.at) for one in list_badges(site.id(name))}


def test_badges_are_earned_on_the_day_they_were_reached(site: Site) -> None:
    assert all(value == (0, None) for value in badges(site).values())
    start = moment(10, 1, 8)
    give(site.app, site.world, *[{"start": start + timedelta(days=n), "source": "activity"} for n in range(12)])
    found = badges(site)
    assert found["first"] == (12, start)
    assert found["ten"] == found["together"] == (12, start + timedelta(days=9))
    assert found["hundred"] == (12, None) and found["evenings"] == (0, None)
    page = site.get("volunteer1", "/hours").text
    assert "12/100次" in page and "2026年10月" in page and "未获得" in page
    for badge in BADGES:
        assert badge.text in page


def test_what_was_voided_earns_nothing(site: Site) -> None:
    start = moment(10, 1, 20)
    ids = give(site.app, site.world, *[{"start": start + timedelta(days=n)} for n in range(10)])
    assert badges(site)["ten"][1] == badges(site)["evenings"][1] == start + timedelta(days=9)
    desk = f"/volunteers/{site.id('volunteer1')}/hours"
    assert site.send("secretary", desk, f"/hours/{ids[0]}", minutes="0", reason="没有来").status_code == 303
    assert badges(site)["ten"] == (9, None)
    assert badges(site)["first"] == (9, start + timedelta(days=1))


def test_badges_of_services_for_elders_praised_and_urgent(site: Site) -> None:
    order = site.completed("volunteer1")
    site.verb("resident", order, "rate", stars="5")
    with site.app.app_context():
        begin_write()
        db.session.execute(update(ServiceOrder).values(urgent=True).execution_options(synchronize_session=False))
        db.session.commit()
    found = badges(site)
    assert found["elders"] == (1, None) and found["praised"][0] == 1 and found["urgent"][0] == 1
    born(site.app, site.world, "resident", date(1990, 5, 1))
    assert badges(site)["elders"] == (0, None)


def test_thanks_stand_beside_the_service(site: Site) -> None:
    order = site.completed("volunteer1")
    site.verb("resident", order, "rate", stars="4", words="米很新鲜")
    page = site.get("volunteer1", "/hours").text
    assert "评4星" in page and "米很新鲜" in page
