"""The pages of dispatch: a plan looked at, adjusted and sent; everybody explained; weights tried; pairs kept apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from services.orders import workflow as orders
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Forms, Site


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[Site]:
    return Site(app, world)


def fields_with(site: Site, name: str, page: str, field: str) -> dict[str, Any]:
    """What the form of a page that has this control holds."""
    return dict(next(fields for _, fields in Forms(site.get(name, page).text).found if field in fields))


def send(site: Site, name: str, page: str, field: str, **values: Any) -> TestResponse:
    """Fill that form in and send it to its own page."""
    return site.post(name, page, fields_with(site, name, page, field) | values)


def planned(site: Site, *picked: str) -> str:
    """The page of a new plan."""
    fields = site.filled("secretary", "/dispatch/plan", "/dispatch/plan")
    answer = site.post("secretary", "/dispatch/plan", fields | {"order": list(picked)})
    assert answer.status_code == 303
    return str(answer.location)


def test_a_plan_is_looked_at_and_sent(site: Site) -> None:
    first, second = site.placed(), site.placed()
    page = planned(site)
    text = site.get("secretary", page).text
    assert "自动派单预览" in text and text.count("checked") == 2 and "派出勾选的单" in text
    assert site.order(first).state == "placed"
    sent = site.send("secretary", page, "/apply")
    assert (sent.status_code, sent.location) == (303, page)
    result = site.get("secretary", page).text
    assert "派出了2单" in result
    assert {site.order(first).state, site.order(second).state} == {"dispatched"}
    again = site.post("secretary", page + "/apply", {"order": [first], "csrf_token": ""})
    assert again.status_code in (400, 409)


def test_a_plan_that_was_sent_says_so(site: Site) -> None:
    site.placed()
    page = planned(site)
    fields = site.filled("secretary", page, "/apply")
    assert site.post("secretary", page + "/apply", fields).status_code == 303
    again = site.post("secretary", page + "/apply", fields)
    assert again.status_code == 409 and "已经派过" in again.text


def test_adjusting_ticks_and_people(site: Site) -> None:
    first, second = site.placed(), site.placed()
    page = planned(site)
    options = re.findall(rf'name="to-{first}".*?</select>', site.get("secretary", page).text, re.S)[0]
    people = re.findall(r'value="(\w+)"', options)
    assert len(people) == 3
    site.send("secretary", page, "/apply", order=[first], **{f"to-{first}": people[2]})
    assert list(site.order(first).offers) == [people[2]]
    assert site.order(second).state == "placed"


def test_nothing_ticked_is_sent_back(site: Site) -> None:
    site.placed()
    page = planned(site)
    answer = site.send("secretary", page, "/apply", order=None)
    assert answer.status_code == 422 and "还没有勾选" in answer.text


def test_only_picked_orders_are_planned(site: Site) -> None:
    first, second = site.placed(note="只派这单"), site.placed()
    text = site.get("secretary", planned(site, first)).text
    assert f'value="{first}"' in text and f'name="order" value="{second}"' not in text


def test_what_stays_and_what_changed_is_shown(site: Site, at: Callable[[datetime], None]) -> None:
    stays = str(site.do(lambda viewer: orders.place(viewer, orders.Wish("legal")).id, "resident"))
    gone, goes = site.placed(), site.placed()
    page = planned(site)
    text = site.get("secretary", page).text
    assert "需要您选人" in text and "没有人登记会法律咨询" in text and f"/orders/{stays}/candidates" in text
    assert "重新生成" in text and "banner--amber" not in text
    opened = site.filled("secretary", page, "/apply")
    site.do(lambda viewer: orders.cancel(viewer, gone, "不用了"), "resident")
    site.placed()
    at(MOMENT + timedelta(hours=2))
    text = site.get("secretary", page).text
    assert "一个多小时以前" in text and "又来了1单" in text and "有1单刚才有变化" in text
    assert f'value="{goes}"' in text
    assert sorted(opened["order"]) == sorted([gone, goes])
    site.post("secretary", page + "/apply", opened)
    result = site.get("secretary", page).text
    assert "派出了1单，1处没派" in result and "别人已经先处理了" in result


def test_plans_made_before_are_listed(site: Site) -> None:
    site.placed()
    page = planned(site)
    listed = site.get("secretary", "/dispatch/plan").text
    assert page in listed and "没有派出" in listed
    site.send("secretary", page, "/apply")
    assert "派出1单" in site.get("secretary", "/dispatch/plan").text
    for name, status in (("outsider", 404), ("staff", 403), ("resident", 403)):
        assert site.get(name, page).status_code == status


def test_everybody_is_explained_and_anybody_may_be_sent(site: Site) -> None:
    order_id = site.placed()
    page = f"/orders/{order_id}/candidates"
    text = site.get("secretary", page).text
    assert "看全部4人" in text and "逐项看代价" in text and "同单元" in text
    assert "不会助老购物" in text and "仍要派单" in text
    assert "陈四" in site.get("secretary", page + "?q=四").text
    assert "陈一" not in site.get("secretary", page + "?q=四").text
    assert "没有叫“钱”的志愿者" in site.get("secretary", page + "?q=钱").text
    # Somebody who is not recommended, by name.
    answer = site.send("secretary", page + "?q=四", "/dispatch")
    assert answer.status_code == 303 and list(site.order(order_id).offers) == [site.id("volunteer4")]
    assert site.get("staff", page).status_code == 403
    assert site.get("outsider", page).status_code == 404


def test_weights_are_tried_before_they_are_saved(site: Site) -> None:
    order_id = site.completed("volunteer2")
    site.verb("resident", order_id, "rate", stars="5")
    site.placed()
    page = f"/policies/{site.world.estates['banyan'].id}/matching"
    assert page in site.get("secretary", "/policies").text
    fields = fields_with(site, "secretary", page, "load_week")
    tried = site.post("secretary", page, fields | {"try": "1", "known_each": "0", "load_week": "50"})
    assert tried.status_code == 200 and "1单里有1单会换人" in tried.text and "陈二" in tried.text
    assert 'name="load_week" type="number" value="50"' in tried.text or 'value="50"' in tried.text
    same = site.post("secretary", page, fields | {"try": "1"})
    assert "1单都不换人" in same.text
    wrong = site.post("secretary", page, fields | {"load_week": "5000"})
    assert wrong.status_code == 422 and "填0到50" in wrong.text
    saved = site.post("secretary", page, fields | {"load_week": "7"})
    assert saved.status_code == 303
    assert site.post("secretary", page, fields | {"load_week": "8"}).status_code == 409
    assert 'value="7"' in site.get("secretary", page).text
    assert site.get("outsider", page).status_code == 404


def test_a_pair_is_kept_apart_and_only_the_branch_reads_why(site: Site) -> None:
    order_id = site.completed("volunteer1")
    page = f"/orders/{order_id}/keep-apart"
    assert site.get("resident", page).status_code == 403
    site.verb("resident", order_id, "rate", stars="2")
    assert page in site.get("resident", f"/orders/{order_id}").text
    assert send(site, "resident", page, "reason", reason="").status_code == 422
    done = send(site, "resident", page, "reason", reason="来得太晚")
    assert done.status_code == 303
    assert send(site, "volunteer1", page, "reason", reason="家里有狗").status_code == 303
    for name in ("resident", "volunteer1"):
        told = site.get(name, f"/orders/{order_id}").text
        assert "太晚" not in told and "有狗" not in told
    pairs = site.get("secretary", "/pairs").text
    assert "来得太晚" in pairs and "家里有狗" in pairs
    assert "来得太晚" not in site.get("secretary", "/audit").text
    lifts = re.findall(r"/pairs/\w+/lift", pairs)
    assert len(lifts) == 2
    assert send(site, "secretary", lifts[0], "reason", reason="").status_code == 422
    assert send(site, "secretary", lifts[0], "reason", reason="谈好了").status_code == 303
    assert "谈好了" in site.get("secretary", "/pairs").text
    assert site.get("outsider", lifts[1]).status_code == 404
    assert "来得太晚" not in site.get("outsider", "/pairs").text
    for name, status in (("neighbour", 404), ("volunteer2", 404), ("secretary", 403)):
        assert site.get(name, page).status_code == status


def test_an_order_for_personal_care_asks_for_the_sex_of_the_helper(site: Site, app: Flask) -> None:
    assert "希望来的志愿者" not in site.get("resident", "/orders/new?item=elder_shopping").text
    item = re.findall(r"/items/(\w+)", site.get("secretary", "/items").text)
    page = next(f"/items/{id_}" for id_ in item if "上门量血压" in site.get("secretary", f"/items/{id_}").text)
    send(site, "secretary", page, "usual_minutes", personal_care="y", min_age="18", verified=["blood_pressure"])
    form = "/orders/new?item=blood_pressure"
    assert "希望来的志愿者" in site.get("resident", form).text
    placed = site.send("resident", form, "/orders/new", helper_sex="2", note="量")
    assert placed.status_code == 303
    order_id = placed.location.rpartition("/")[2]
    assert site.order(order_id).helper_sex == 2
    assert "希望是女志愿者" in site.get("secretary", f"/orders/{order_id}").text
    assert "居民希望女志愿者" in site.get("secretary", f"/orders/{order_id}/candidates").text


def test_forms_have_the_controls_that_the_plan_needs(site: Site) -> None:
    order_id = site.placed(volunteers_needed=2)
    form = Forms(site.get("secretary", planned(site)).text)
    assert len(form.of("/apply")[f"to-{order_id}"]) == 2
