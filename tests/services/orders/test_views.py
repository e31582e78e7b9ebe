"""The pages of orders: every verb through its form, who sees what, and what happens to forms that come too late."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.ids import new_id
from services.dispatch import jobs
from services.orders import workflow
from services.orders.models import ServiceOrder
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Forms, Site, statements

NEW = "/orders/new?item=elder_shopping"
EVIL = '<script>alert("x")</script>'


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def id_of(location: str) -> str:
    return location.rpartition("/")[2]


# First pages


@pytest.mark.parametrize(
    ("name", "to"),
    [("", "/sign-in"), ("secretary", "/desk"), ("staff", "/desk"), ("grid_worker", "/desk"), ("admin", "/accounts")],
)
def test_the_first_page_leads_on(site: Site, name: str, to: str) -> None:
    answer = site.get(name, "/")
    assert (answer.status_code, answer.location) == (302, to)


def test_a_resident_finds_greeting_door_services_and_orders(site: Site) -> None:
    order_id = site.placed()
    page = site.get("resident", "/").text
    for words in ("沈", "1栋1单元", "助老购物", "一键求助", "支部正在找志愿者", f"/orders/{order_id}"):
        assert words in page


def test_whom_to_call_in_need(site: Site) -> None:
    page = site.get("resident", "/sos").text
    assert all(f'href="tel:{number}"' in page for number in ("120", "110", "119"))


# Placing


def test_place_an_order(site: Site) -> None:
    day = clock.today() + timedelta(days=1)
    answer = site.send("resident", NEW, "/orders/new", note="5斤米", day=day.isoformat(), slot="1400-1600",
                       attention=["腿脚不便"])  # fmt: skip
    assert answer.status_code == 303
    order = site.order(id_of(answer.location))
    assert (order.note, order.attention, order.state) == ("5斤米", ["腿脚不便"], "placed")
    assert clock.local(order.preferred_start).hour == 14
    assert site.get("resident", answer.location).status_code == 200


def test_one_form_places_one_order(site: Site) -> None:
    fields = site.filled("resident", NEW, "/orders/new", note="5斤米")
    first, second = (site.post("resident", "/orders/new", fields) for _ in range(2))
    assert first.location == second.location
    fresh = site.send("resident", NEW, "/orders/new", note="5斤米")
    assert fresh.location != first.location


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"later": "2020-01-01"}, "日期要在今天到90天之内"),
        ({"later": "昨天"}, "日期写成"),
        ({"day": "2026-13-99", "slot": "1400-1600"}, "请从列出的几项里选"),
        ({"day": "2026-11-18", "slot": "0830-1030", "note": "过"}, None),
        ({"slot": "1400-1600"}, "请先选哪天"),
        ({"person": ""}, "请选给谁点单"),
        ({"person": "nobody"}, "请从列出的几项里选"),
        ({"note": "字" * 501}, "最多500个字"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    site: Site, at: Callable[[datetime], None], values: dict[str, str], text: str | None
) -> None:
    if text is None:
        at(MOMENT + timedelta(hours=2))
        text = "今天这个时段已经过去"
    values = {"note": "留着的字", **values}
    answer = site.send("resident", NEW, "/orders/new", **values)
    assert answer.status_code == 422
    assert text in answer.text
    assert Forms(answer.text).of("/orders/new")["note"][0].strip() == values["note"]


def test_an_unknown_service_leads_to_the_list(site: Site) -> None:
    assert site.get("resident", "/orders/new?item=gold").location == "/services"


def test_staff_order_for_a_household_in_reach(site: Site, world: World) -> None:
    home = world["neighbour"].household_id
    page = f"{NEW}&household={home}"
    answer = site.send("grid_worker", page, "/orders/new", note="代点", volunteers_needed="2")
    order = site.order(id_of(answer.location))
    assert (order.placed_as, order.person_name, order.volunteers_needed) == ("staff", "李小满", 2)
    assert site.get("outsider", page).status_code == 404
    assert site.get("resident", page).text.count("李小满") == 0


# The page of an order


def test_each_sees_what_is_theirs(site: Site) -> None:
    order_id = site.placed(note="要紧", attention=("腿脚不便",), volunteers_needed=2)
    site.offered(order_id, "volunteer1", "volunteer2")
    site.do(lambda viewer: workflow.accept(viewer, order_id), "volunteer1")
    code = site.order(order_id).door_code
    pages = {
        name: site.get(name, f"/orders/{order_id}") for name in ("resident", "volunteer1", "volunteer2", "secretary")
    }
    assert {name: code in page.text for name, page in pages.items()} == {
        "resident": True, "volunteer1": True, "volunteer2": False, "secretary": False,
    }  # fmt: skip
    assert "沈桂兰" not in pages["volunteer2"].text
    for name in ("outsider", "neighbour", "volunteer4", "far_resident"):
        assert site.get(name, f"/orders/{order_id}").status_code == 404, name
    assert site.get("", f"/orders/{order_id}").status_code == 302


def test_what_people_write_is_shown_as_text(site: Site) -> None:
    order_id = site.placed(note=EVIL, attention=(EVIL,))
    site.offered(order_id, "volunteer1")
    for name, path in (
        ("resident", f"/orders/{order_id}"), ("secretary", f"/orders/{order_id}"), ("secretary", "/desk"),
        ("volunteer1", "/tasks"), ("volunteer1", f"/orders/{order_id}"), ("secretary", f"/desk?q={EVIL}"),
    ):  # fmt: skip
        assert EVIL not in site.get(name, path).text, path


def test_words_of_danger_ask_the_desk_to_call_first(site: Site) -> None:
    order_id = site.placed(note="今天头晕")
    assert "提到“头晕”" in site.get("secretary", f"/orders/{order_id}").text


# Verbs


def test_from_dispatch_to_rating(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = site.placed()
    answer = site.verb("secretary", order_id, "dispatch", volunteers=site.id("volunteer1"), back="/desk?tab=placed")
    assert (answer.status_code, answer.location) == (303, "/desk?tab=placed")
    assert site.verb("volunteer1", order_id, "accept").status_code == 303
    assert site.verb("volunteer1", order_id, "check_in", latitude="28.2", longitude="112.9").status_code == 303
    assert site.order(order_id).offers[site.id("volunteer1")].latitude == 28.2
    at(MOMENT + timedelta(minutes=40))
    assert "40" in Forms(site.get("volunteer1", f"/orders/{order_id}").text).of("/complete")["complete-minutes"]
    assert site.verb("volunteer1", order_id, "complete", minutes="35", note="放门口了").status_code == 303
    assert "放门口了" in site.get("resident", f"/orders/{order_id}").text
    assert site.verb("resident", order_id, "rate", stars="5", good=["准时"], words="谢谢").status_code == 303
    order = site.order(order_id)
    assert (order.state, order.stars, order.comment, order.minutes) == ("closed", 5, "准时。谢谢", 35)


def test_decline_and_withdraw_with_a_reason(site: Site) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1", "volunteer2")
    assert "请选一个原因" in site.verb("volunteer1", order_id, "decline").text
    other = site.verb("volunteer1", order_id, "decline", pick="其他", words="家里来客人")
    assert other.status_code == 303
    assert site.order(order_id).offers[site.id("volunteer1")].reason == "家里来客人"
    site.verb("volunteer2", order_id, "accept")
    assert site.verb("volunteer2", order_id, "withdraw", pick="临时有事").status_code == 303
    assert site.order(order_id).state == "placed"


def test_decline_from_the_list_of_tasks(site: Site) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    answer = site.send("volunteer1", "/tasks", f"/orders/{order_id}/decline", pick="太远")
    assert (answer.status_code, answer.location) == (303, "/tasks")


def test_check_in_by_the_code_from_home(site: Site) -> None:
    order_id = site.accepted("volunteer1")
    code = site.order(order_id).door_code
    wrong = site.verb("resident", order_id, "check_in", code=f"{(int(code) + 1) % 10000:04d}")
    assert wrong.status_code == 422
    assert "服务码不对" in wrong.text
    assert site.verb("resident", order_id, "check_in", code=code).status_code == 303
    assert site.order(order_id).state == "in_service"


def test_cancel_send_back_and_resubmit(site: Site) -> None:
    order_id = site.placed()
    assert site.verb("secretary", order_id, "send_back", reason="").status_code == 422
    assert site.verb("secretary", order_id, "send_back", reason="请写清买什么").status_code == 303
    assert "请写清买什么" in site.get("resident", f"/orders/{order_id}").text
    assert site.verb("resident", order_id, "resubmit", note="").status_code == 422
    assert site.verb("resident", order_id, "resubmit", note="米5斤").status_code == 303
    assert site.order(order_id).note == "米5斤"
    assert site.verb("resident", order_id, "cancel", pick="不需要了").status_code == 303
    assert "已撤单" in site.get("resident", f"/orders/{order_id}").text


def test_an_order_cancelled_while_it_is_offered(site: Site) -> None:
    """The volunteer has the offer open; whoever presses then is told, and the offer is gone everywhere."""
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    page = f"/orders/{order_id}"
    fields = site.filled("volunteer1", page, "/accept")
    assert site.verb("resident", order_id, "cancel", pick="不需要了").status_code == 303
    answer = site.post("volunteer1", f"{page}/accept", fields)
    assert answer.status_code == 409 and "已撤单" in answer.text and "已被接" not in answer.text
    order = site.order(order_id)
    assert (order.state, order.offers[site.id("volunteer1")].state) == ("cancelled", "lapsed")
    assert f'action="{page}/accept' not in site.get("volunteer1", "/tasks").text
    assert page not in site.get("secretary", "/desk?tab=dispatched").text


def test_a_volunteer_who_leaves_with_an_offer_unanswered(site: Site, at: Callable[[datetime], None]) -> None:
    """They cannot take it any more, and when its time is over the order waits for the branch again."""
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    fields = site.filled("volunteer1", f"/orders/{order_id}", "/accept")
    assert site.send("volunteer1", "/volunteer", "/volunteer/quit", reason="搬走了").status_code == 303
    answer = site.post("volunteer1", f"/orders/{order_id}/accept", fields)
    assert answer.status_code == 422 and "您已退出，不能接单" in answer.text
    assert site.order(order_id).accepted_count == 0
    at(MOMENT + timedelta(days=2))
    with site.app.app_context():
        assert jobs.expire_offers() == "收回1单，自动改派0单"
    assert site.order(order_id).state == "placed"
    assert "陈一" not in site.get("secretary", f"/orders/{order_id}/candidates").text


def test_reassign_and_no_show(site: Site) -> None:
    order_id = site.accepted("volunteer1")
    assert site.verb("secretary", order_id, "reassign", reason="病了").status_code == 303
    site.offered(order_id, "volunteer2")
    site.do(lambda viewer: workflow.accept(viewer, order_id), "volunteer2")
    missing = site.verb("secretary", order_id, "no_show", volunteer="", reason="等了一小时")
    assert missing.status_code == 422
    assert "等了一小时" in missing.text
    gone = site.verb("secretary", order_id, "no_show", volunteer=site.id("volunteer2"), reason="没有到")
    assert gone.status_code == 303
    assert site.order(order_id).offers[site.id("volunteer2")].state == "no_show"


def test_call_back_opens_again_what_was_not_solved(site: Site) -> None:
    order_id = site.completed()
    assert site.verb("resident", order_id, "rate", stars="1").status_code == 303
    assert f"/desk?order={order_id}" in site.get("secretary", "/desk?tab=call_back").text
    assert site.verb("secretary", order_id, "call_back", solved="").status_code == 422
    assert site.verb("secretary", order_id, "call_back", solved="no", satisfied="1", note="没修好").status_code == 303
    order = site.order(order_id)
    assert (order.state, order.reopened) == ("placed", 1)


def test_open_call_and_several_at_once(site: Site) -> None:
    order_id = site.placed()
    answer = site.verb("secretary", order_id, "dispatch", volunteers=None, open_call="1")
    assert answer.status_code == 303
    assert all(offer.is_open_call for offer in site.order(order_id).offers.values())
    none = site.placed()
    refused = site.verb("secretary", none, "dispatch", volunteers=None)
    assert refused.status_code == 422
    assert "请选至少一位志愿者" in refused.text


@pytest.mark.parametrize("minutes", ["0", "1441", "abc", "", "9" * 30])
def test_impossible_minutes_are_refused_and_the_note_kept(site: Site, minutes: str) -> None:
    order_id = site.accepted("volunteer1")
    site.verb("volunteer1", order_id, "check_in")
    answer = site.verb("volunteer1", order_id, "complete", minutes=minutes, note="量了血压")
    assert answer.status_code == 422
    assert "量了血压" in answer.text


# Too late, twice, by the wrong person


def test_whoever_is_late_is_told_and_sees_the_order(site: Site) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1", "volunteer2")
    late = site.filled("volunteer2", f"/orders/{order_id}", "/accept")
    site.verb("volunteer1", order_id, "accept")
    answer = site.post("volunteer2", f"/orders/{order_id}/accept", late)
    assert answer.status_code == 409
    assert "名额已满" in answer.text


def test_a_stale_desk_page_is_told_what_changed(site: Site) -> None:
    order_id = site.placed()
    page = f"/orders/{order_id}"
    stale = site.filled("secretary", page, "/dispatch", volunteers=site.id("volunteer1"))
    site.do(lambda viewer: workflow.dispatch(viewer, order_id, volunteers=[site.id("volunteer2")]), "deputy")
    answer = site.post("secretary", f"{page}/dispatch", stale)
    assert answer.status_code == 409
    assert "王副派给陈二" in answer.text
    assert set(site.order(order_id).offers) == {site.id("volunteer2")}


def test_the_same_step_twice_is_no_fault(site: Site) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    fields = site.filled("volunteer1", f"/orders/{order_id}", "/accept")
    for _ in range(2):
        assert site.post("volunteer1", f"/orders/{order_id}/accept", fields).status_code == 303
    assert "刚才已经办好了" in site.get("volunteer1", f"/orders/{order_id}").text


@pytest.mark.parametrize("verb", ["accept", "cancel", "rate", "complete", "check_in", "resubmit"])
def test_verbs_of_others_are_refused(site: Site, verb: str) -> None:
    order_id = site.placed()
    token = site.filled("neighbour", "/services", "/preferences/size")["csrf_token"]
    fields = {"csrf_token": token, "cancel-pick": "不需要了", "rate-stars": "5", "complete-minutes": "5",
              "resubmit-note": "x", "resubmit-day": "any"}  # fmt: skip
    assert site.post("neighbour", f"/orders/{order_id}/{verb}", fields).status_code == 404
    assert site.post("neighbour", f"/orders/{order_id}/dispatch", fields).status_code == 403


def test_a_way_back_never_leads_off_the_site(site: Site) -> None:
    order_id = site.placed()
    answer = site.verb("secretary", order_id, "dispatch", volunteers=site.id("volunteer1"), back="//evil.example")
    assert answer.location == f"/orders/{order_id}"


# Lists


def test_tasks_show_the_next_offers_and_hours(site: Site) -> None:
    site.accepted("volunteer1", note="第一单")
    site.offered(site.placed(note="第二单"), "volunteer1")
    page = site.get("volunteer1", "/tasks").text
    for words in ("第一单", "第二单", "到达签到", "接单", "婉拒", "服务时长"):
        assert words in page
    assert site.get("resident", "/tasks").status_code == 403


def test_a_volunteer_takes_a_break(site: Site) -> None:
    answer = site.send("volunteer1", "/tasks", "/tasks/available")
    assert answer.status_code == 303
    assert 'aria-checked="false"' in site.get("volunteer1", "/tasks").text


def test_the_desk_filters_and_keeps_to_its_estates(site: Site) -> None:
    mine, urgent = site.placed(note="米"), site.placed(note="急事", urgent=True)
    far = site.placed("far_resident")
    page = site.get("secretary", "/desk").text
    assert page.index(f"order={urgent}") < page.index(f"order={mine}")
    assert far not in page
    assert site.get("secretary", f"/desk?order={far}").status_code == 404
    assert "这里没有单了" in site.get("secretary", "/desk?late=1").text
    assert mine in site.get("secretary", f"/desk?q={site.order(mine).code}").text
    assert mine in site.get("secretary", "/desk?q=1单元&tab=placed").text
    assert site.get("secretary", "/desk?tab=nonsense&cursor=broken").status_code in (200, 400)
    assert site.get("resident", "/desk").status_code == 403


def test_export_is_disarmed_scoped_and_written_down(site: Site, app: Flask) -> None:
    site.placed(note="=1+1")
    site.placed("far_resident", note="别人的")
    answer = site.send("secretary", "/desk", "/desk/export")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert "'=1+1" in rows[1]
    with app.app_context():
        taken = select(func.count()).select_from(Event).where(Event.verb == "export_orders")
        assert db.session.scalar(taken) == 1


def test_own_orders_page_by_page(site: Site) -> None:
    made = [site.placed(note=str(n)) for n in range(25)]
    first = site.get("resident", "/orders/mine").text
    following = first.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    both = first + site.get("resident", following).text
    assert all(f"/orders/{order_id}" in both for order_id in made)
    assert "这里还没有单" in site.get("resident", "/orders/mine?group=rate").text


def test_the_job_takes_back_what_nobody_answered(site: Site, app: Flask, at: Callable[[datetime], None]) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    at(MOMENT + timedelta(days=2))
    with app.app_context():
        assert jobs.expire_offers() == "收回1单，自动改派0单"
        assert jobs.expire_offers() == "收回0单，自动改派0单"
    assert site.order(order_id).state == "placed"


def copies(app: Flask, order_id: str, count: int) -> None:
    """More orders like this one."""
    with app.app_context():
        begin_write()
        table = ServiceOrder.__table__
        row = dict(db.session.execute(select(table).where(table.c.id == order_id)).mappings().one())
        rows = [{**row, "id": new_id(), "code": f"{count}-{n}"} for n in range(count)]
        db.session.execute(table.insert(), rows)  # type: ignore[attr-defined]
        db.session.commit()


@pytest.mark.parametrize(
    ("name", "path"), [("secretary", "/desk?order="), ("resident", "/orders/mine?of="), ("resident", "/?of=")]
)
def test_lists_cost_the_same_however_long(site: Site, app: Flask, name: str, path: str) -> None:
    first = site.placed()
    for more in (10, 490):
        copies(app, first, more)
        with statements(app) as sent:
            assert site.get(name, path + first).status_code == 200
        assert len(sent) <= 6, sent


def test_tasks_cost_the_same_however_many(site: Site, app: Flask) -> None:
    for count in (1, 6):
        for _ in range(count):
            site.offered(site.placed(), "volunteer1")
        with statements(app) as sent:
            assert site.get("volunteer1", "/tasks").status_code == 200
        assert len(sent) <= 6, sent
