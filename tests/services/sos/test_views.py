"""The pages: asking for help with and without script, following, coming, the desk; who sees what."""

from __future__ import annotations

import csv
import io
import re
import time

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from community.accounts.models import Account
from community.grid.models import Person
from core.database import begin_write, db
from services.orders.models import ServiceOrder
from services.sos import workflow
from services.sos.models import EmergencyCall
from tests.services.orders.site import Forms, statements
from tests.services.sos.scene import STRANGER_PHONE, Scene

NUMBERS = ('href="tel:120"', 'href="tel:110"', 'href="tel:119"')
EVIL = '<script>alert("x")</script>'


def has_numbers(page: str) -> bool:
    return all(number in page for number in NUMBERS)


def press(scene: Scene, name: str = "resident", page: str = "/sos", **values: str) -> str:
    """Press the button; the address that follows."""
    answer = scene.send(name, page, "/sos", **values)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


# Asking


def test_one_page_one_button_one_call(scene: Scene) -> None:
    scene.contact("女儿", scene.world["far_resident"])
    scene.contact("外甥")
    page = scene.get("resident", "/sos").text
    assert has_numbers(page) and "会同时通知女儿、网格员、楼栋长" in page and "请他们给外甥打电话" in page
    assert 'data-countdown="10"' in page and "马上求助" in page and "按错了，取消" in page
    address = press(scene)
    shown = scene.get("resident", address)
    assert shown.status_code == 200 and has_numbers(shown.text) and "求助已发出，正在等人应" in shown.text
    assert scene.get("resident", "/sos").location == address
    assert len(scene.messages("grid_worker")) == 1


def test_the_second_press_leads_to_the_same_call(scene: Scene) -> None:
    fields = scene.filled("resident", "/sos", "/sos", note="摔倒了", place="downstairs")
    first, second = (scene.post("resident", "/sos", fields).location for _ in range(2))
    assert first == second
    assert "求助已经发出，不用再按" in scene.get("resident", first).text


def test_nothing_odd_in_a_form_stands_in_the_way_of_help(scene: Scene) -> None:
    fields = {"place": "月球", "note": "救" * 900, "latitude": "x", "longitude": "999", "person": "nobody"}
    address = scene.post("resident", "/sos", fields).location
    call = scene.call(address.rpartition("/")[2])
    assert (call.place, len(call.note), call.latitude) == ("home", 300, None)


def test_whoever_cannot_be_helped_here_finds_the_numbers_and_what_to_do(scene: Scene) -> None:
    nobody = scene.get("", "/sos")
    assert nobody.status_code == 200 and has_numbers(nobody.text) and "登录" in nobody.text
    late = scene.post("", "/sos", {})
    assert late.status_code == 401 and has_numbers(late.text) and "没有发出" in late.text
    for answer in (scene.get("secretary", "/sos"), scene.post("secretary", "/sos", {})):
        assert has_numbers(answer.text) and "没有住址" in answer.text
    assert scene.post("secretary", "/sos", {}).status_code == 422
    assert has_numbers(scene.get("neighbour", f"/sos?household={scene.world['resident'].household_id}").text)
    with scene.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(EmergencyCall)) == 0


def test_a_form_without_its_token_shows_the_numbers_too(scene: Scene) -> None:
    scene.app.config["WTF_CSRF_ENABLED"] = True
    answer = scene.post("resident", "/sos", {})
    assert answer.status_code == 400 and has_numbers(answer.text)


def test_help_does_not_wait_for_a_first_password_to_be_changed(scene: Scene) -> None:
    with scene.app.app_context():
        begin_write()
        db.session.execute(update(Account).values(must_change=True))
        db.session.commit()
    assert scene.get("resident", "/orders/mine").location == "/me/password"
    address = press(scene)
    assert "求助已发出" in scene.get("resident", address).text
    assert scene.send("resident", address, "/remark", words="门没锁").location == address
    assert scene.get("grid_worker", "/emergency").location == "/me/password"


def test_relatives_find_the_home_they_look_after_and_staff_theirs(scene: Scene) -> None:
    home = scene.world["resident"].household_id
    scene.proxy("far_resident")
    assert f"/sos?household={home}" in scene.get("far_resident", "/sos").text
    page = f"/sos?household={home}"
    assert "要替沈同志求助吗" in scene.get("far_resident", page).text
    address = press(scene, "far_resident", page)
    assert "求助已发出" in scene.get("far_resident", address).text
    assert f"/sos?household={home}" in scene.get("grid_worker", f"/households/{home}").text
    assert "周远代为求助" in scene.get("grid_worker", address).text


def test_what_is_not_dangerous_can_be_ordered(scene: Scene) -> None:
    page = scene.get("resident", "/sos").text
    assert "点紧急帮助单" in page and "/orders/new?item=emergency" in page
    with scene.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ServiceOrder)) == 0


# Following


def test_the_caller_sees_who_has_answered_by_the_name_they_agreed_to(scene: Scene) -> None:
    scene.on_call("volunteer1")
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.answer(viewer, call_id, True), "grid_worker")
    scene.do(lambda viewer: workflow.on_way(viewer, call_id), "volunteer1")
    page = scene.get("resident", f"/emergency/{call_id}").text
    assert "网格员郑网格已看到，正在赶来" in page and f"tel:{scene.world['grid_worker'].phone}" in page
    assert "志愿者陈某在路上了" in page and "陈一" not in page and scene.world["volunteer1"].phone not in page


def test_what_has_not_changed_is_not_sent_again(scene: Scene, app: Flask) -> None:
    call_id = scene.raised()
    address = f"/emergency/{call_id}/news"
    first = scene.get("resident", address)
    assert first.status_code == 200 and "<html" not in first.text and "正在等人应" in first.text
    held = {"If-None-Match": first.headers["ETag"]}
    with statements(app) as sent:
        again = scene.client("resident").get(address, headers=held)
    assert again.status_code == 304 and again.data == b"" and len(sent) == 2
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "steward")
    assert scene.client("resident").get(address, headers=held).status_code == 200
    assert scene.get("outsider", address).status_code == 404
    assert scene.get("neighbour", address).status_code == 404


def test_without_script_the_page_loads_itself_anew(scene: Scene) -> None:
    call_id = scene.raised()
    for name in ("resident", "steward"):
        page = scene.get(name, f"/emergency/{call_id}").text
        bare = "".join(re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL))
        assert 'http-equiv="refresh"' in bare and "刷新" in bare
    scene.do(lambda viewer: workflow.false_alarm(viewer, call_id), "resident")
    assert 'http-equiv="refresh"' not in scene.get("resident", f"/emergency/{call_id}").text


def test_i_am_fine_is_taken_kindly(scene: Scene) -> None:
    address = press(scene)
    scene.later(120)
    assert scene.post("resident", f"{address}/false_alarm", {"false_alarm-reason": "按错了"}).status_code == 303
    page = scene.get("resident", address).text
    assert "没事就好" in page and "按错了不要紧" in page and "我没事了" not in page
    assert scene.call(address.rpartition("/")[2]).outcome == "按错了"


def test_a_word_more_reaches_everybody(scene: Scene) -> None:
    address = press(scene)
    assert scene.send("resident", address, "/remark", words="门没锁").status_code == 303
    for name in ("resident", "grid_worker", "steward"):
        assert "门没锁" in scene.get(name, address).text
    empty = scene.send("resident", address, "/remark", words="")
    assert empty.status_code == 422 and "请写要补充的话" in empty.text and has_numbers(empty.text)


# Coming


def test_who_comes_goes_through_it_by_pressing_buttons(scene: Scene) -> None:
    scene.on_call("volunteer1")
    address = press(scene)
    page = scene.get("volunteer1", address).text
    assert has_numbers(page) and "1栋1单元101" in page and "先点“我看到了”" in page
    assert f"{address}/numbers/person" not in page
    assert scene.send("volunteer1", address, "/answer", shares="y").status_code == 303
    for verb, text in (("on_way", "路上小心"), ("arrive", "您已到场")):
        assert text in scene.client("volunteer1").get(scene.send("volunteer1", address, f"/{verb}").location).text
    empty = scene.send("volunteer1", address, "/close", outcome="")
    assert empty.status_code == 422 and "怎么处理的" in empty.text
    assert scene.send("volunteer1", address, "/close", outcome="扶起来了，没受伤").status_code == 303
    assert "扶起来了，没受伤" in scene.get("resident", address).text
    for name in ("volunteer1", "steward", "secretary"):
        assert "扶起来了" in scene.get(name, address).text
    assert scene.messages("steward", "emergency.ended") == ["求助已处理：1栋1单元101，沈同志"]


def test_whoever_was_merely_told_learns_no_more_than_that_it_is_over(scene: Scene) -> None:
    scene.on_call("volunteer1")
    call_id = scene.raised(note="心口痛")
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "grid_worker")
    assert "心口痛" in scene.get("volunteer1", f"/emergency/{call_id}").text
    scene.do(lambda viewer: workflow.close(viewer, call_id, "心绞痛送医"), "grid_worker")
    page = scene.get("volunteer1", f"/emergency/{call_id}").text
    assert "已处理" in page and "心绞痛" not in page and "心口痛" not in page and "199****" not in page


def test_a_number_to_ring_is_shown_once_and_written_down(scene: Scene) -> None:
    contact = scene.contact("外甥")
    address = press(scene)
    page = scene.get("steward", address).text
    assert "139****1111" in page and STRANGER_PHONE not in page and "没有账号" in page
    rung = scene.send("steward", address, f"/numbers/{contact}")
    assert rung.status_code == 200 and f"tel:{STRANGER_PHONE}" in rung.text
    assert STRANGER_PHONE not in scene.get("steward", address).text
    assert scene.events(address.rpartition("/")[2])[-1] == "reveal"
    assert scene.post("resident", f"{address}/numbers/{contact}", {}).status_code == 403
    assert scene.post("steward", f"{address}/numbers/nobody", {}).status_code == 404


def test_difficulties_are_for_those_with_the_right_and_reading_is_written_down(scene: Scene) -> None:
    with scene.app.app_context():
        begin_write()
        ill = update(Person).where(Person.id == scene.id("resident"))
        db.session.execute(ill.values(care=["失能"], note="青霉素过敏"))
        db.session.commit()
    address = press(scene)
    for name in ("steward", "grid_worker"):
        assert "青霉素过敏" not in scene.get(name, address).text
    assert f"{address}/care" not in scene.get("steward", address).text
    assert scene.post("steward", f"{address}/care", {}).status_code == 404
    shown = scene.send("grid_worker", address, "/care").text
    assert "失能" in shown and "青霉素过敏" in shown and "已留痕" in shown
    assert scene.events(address.rpartition("/")[2])[-1] == "view_care"


def test_too_late_shows_how_it_stands(scene: Scene) -> None:
    address = press(scene)
    fields = scene.filled("steward", address, "/answer")
    scene.send("resident", address, "/false_alarm")
    late = scene.post("steward", f"{address}/answer", fields)
    assert late.status_code == 409 and "刚才有变化" in late.text and "按错了" in late.text


def test_what_people_write_is_shown_as_text(scene: Scene) -> None:
    call_id = scene.raised(note=EVIL, place_note=EVIL)
    scene.do(lambda viewer: workflow.remark(viewer, call_id, EVIL), "resident")
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    scene.do(lambda viewer: workflow.close(viewer, call_id, EVIL), "steward")
    for name, path in (
        ("resident", f"/emergency/{call_id}"), ("steward", f"/emergency/{call_id}"), ("secretary", "/emergency"),
        ("secretary", f"/emergency?q={EVIL}"),
    ):  # fmt: skip
        assert EVIL not in scene.get(name, path).text, path


# The desk


def test_every_page_of_staff_says_that_somebody_is_in_need(scene: Scene) -> None:
    assert "data-strip" in scene.get("secretary", "/desk").text
    assert "strip__line" not in scene.get("secretary", "/desk").text
    scene.on_call("volunteer1")
    call_id = scene.raised()
    seen = (
        ("secretary", "/desk"), ("secretary", "/volunteers"), ("grid_worker", "/items"), ("staff", "/estates"),
        ("street_staff", "/inbox"), ("steward", "/estates"), ("volunteer1", "/tasks"), ("resident", "/"),
    )  # fmt: skip
    for name, path in seen:
        page = scene.client(name).get(path, follow_redirects=True).text
        assert f"/emergency/{call_id}" in page and "还没有人应" in page, (name, path)
    unseen = (
        ("outsider", "/desk"), ("cement_secretary", "/desk"), ("volunteer2", "/tasks"), ("admin", "/jobs"),
        ("neighbour", "/"),
    )  # fmt: skip
    for name, path in unseen:
        assert f"/emergency/{call_id}" not in scene.get(name, path).text, (name, path)
    scene.do(lambda viewer: workflow.false_alarm(viewer, call_id), "resident")
    assert "strip__line" not in scene.get("secretary", "/desk").text


def test_the_strip_costs_nothing_in_quiet_times_and_else_one_statement(scene: Scene, app: Flask) -> None:
    spent = []
    for _ in range(2):
        for name, path in (("secretary", "/volunteers"), ("volunteer1", "/tasks"), ("resident", "/orders/mine")):
            with statements(app) as sent:
                assert scene.get(name, path).status_code == 200
            spent.append(len(sent))
        scene.raised("far_resident")
    assert [busy - quiet for quiet, busy in zip(spent[:3], spent[3:], strict=True)] == [1, 1, 0]


def test_a_page_left_open_hears_of_it_and_keeps_nobody_signed_in(scene: Scene) -> None:
    first = scene.get("secretary", "/emergency/strip")
    held = {"If-None-Match": first.headers["ETag"]}
    assert scene.client("secretary").get("/emergency/strip", headers=held).status_code == 304
    scene.raised()
    assert scene.client("secretary").get("/emergency/strip", headers=held).status_code == 200
    long_ago = int(time.time()) - 29 * 60
    for path, kept in (("/emergency/strip", True), ("/emergency", False)):
        with scene.client("secretary").session_transaction() as session:
            session["seen"] = long_ago
        assert scene.get("secretary", path).status_code == 200
        with scene.client("secretary").session_transaction() as session:
            assert (session["seen"] == long_ago) == kept, path


def test_the_list_is_cut_to_reach_and_filtered(scene: Scene) -> None:
    scene.give_group()
    call_id = scene.raised()
    far = scene.raised("far_resident")
    for name in ("secretary", "grid_worker", "own_steward", "staff", "street_staff"):
        page = scene.get(name, "/emergency").text
        assert call_id in page and far not in page, name
    assert call_id not in scene.get("other_steward", "/emergency").text
    assert call_id not in scene.get("cement_secretary", "/emergency").text
    assert far in scene.get("outsider", "/emergency").text
    assert call_id in scene.get("secretary", "/emergency?tab=open&q=101").text
    assert call_id not in scene.get("secretary", "/emergency?tab=closed").text
    assert call_id not in scene.get("secretary", "/emergency?q=999").text
    for tab in ("all", "open", "closed", "false_alarm", "cancelled", "care", "x"):
        assert scene.get("secretary", f"/emergency?tab={tab}&cursor=x").status_code in (200, 400)
    assert scene.get("volunteer1", "/emergency").status_code == 403


def test_the_list_is_taken_out_and_that_is_written_down(scene: Scene) -> None:
    call_id = scene.raised(note="=1+1")
    scene.later(100)
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    answer = scene.send("secretary", "/emergency", "/emergency/export")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert len(rows) == 1 and rows[0]["说明"] == "'=1+1" and rows[0]["应答人"] == "何楼长"
    assert (rows[0]["应答用时(分)"], rows[0]["状态"]) == ("2", "有人到场")
    assert scene.post("steward", "/emergency/export", {}).status_code == 403
    assert "导出求助记录" in scene.get("secretary", "/audit").text


def test_after_care_and_a_visit(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    scene.do(lambda viewer: workflow.close(viewer, call_id, "没大事"), "steward")
    address = f"/emergency/{call_id}"
    assert call_id in scene.get("secretary", "/emergency?tab=care").text
    page = scene.get("secretary", address).text
    assert f"/services?household={scene.world['resident'].household_id}" in page
    assert scene.send("secretary", address, "/after_care", note="已能下楼").status_code == 303
    assert "已能下楼" in scene.get("grid_worker", address).text
    assert call_id not in scene.get("secretary", "/emergency?tab=care").text
    assert Forms(scene.get("steward", address).text).found[-1][0] != f"{address}/after_care"


def test_several_false_alarms_are_a_hint_and_no_reproach(scene: Scene) -> None:
    for _ in range(3):
        call_id = scene.raised()
        scene.do(lambda viewer, call_id=call_id: workflow.false_alarm(viewer, call_id), "resident")
    assert "90天里误报了3次" in scene.get("secretary", f"/emergency/{call_id}").text
    assert "误报" not in scene.get("resident", f"/emergency/{call_id}").text


def test_the_course_is_told_line_by_line_to_staff_alone(scene: Scene) -> None:
    scene.contact("外甥")
    scene.on_call("volunteer1")
    call_id = scene.raised()
    scene.tick(180)
    scene.do(lambda viewer: workflow.stand_down(viewer, _seen(viewer, call_id), "开会"), "deputy")
    page = scene.get("secretary", f"/emergency/{call_id}").text
    for text in ("第1次：通知", "外甥沈**没有账号，请人打电话", "第2次（到书记、副书记和全部应急志愿者）",
                 "支部副书记王副来不了：开会"):  # fmt: skip
        assert text in page
    assert "第1次：通知" not in scene.get("volunteer1", f"/emergency/{call_id}").text


def _seen(viewer: object, call_id: str) -> str:
    workflow.answer(viewer, call_id)  # type: ignore[arg-type]
    return call_id


@pytest.mark.parametrize("name", ["resident", "steward", "secretary"])
def test_the_pages_carry_no_script_of_their_own(scene: Scene, name: str) -> None:
    call_id = scene.raised()
    for path in ("/sos", f"/emergency/{call_id}", f"/emergency/{call_id}/news"):
        answer = scene.client(name).get(path)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", answer.text)
