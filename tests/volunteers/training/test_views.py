"""The pages of training: courses and sessions at the desk, a volunteer's own, the code that leads to the check-in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from core import passes
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Forms, Site
from tests.volunteers.training.test_workflow import SOON, School

Clock = Callable[[datetime], None]


@pytest.fixture
def school(app: Flask, world: World, at: Clock) -> School:
    """The course."""
    return School(app, world)


@pytest.fixture
def site(school: School) -> Site:
    """Browsers for its people."""
    return Site(school.app, school.world)


def send(site: Site, who: str, page: str, action: str, /, **values: Any) -> Any:
    """Fill in a form of a page and send it: the one that posts to ``action``, or without one back to the page."""
    if action:
        return site.send(who, page, action, **values)
    fields: dict[str, Any] = next(fields for address, fields in Forms(site.get(who, page).text).found if not address)
    return site.post(who, page, fields | values)


def token(site: Site, who: str) -> dict[str, Any]:
    """The token of a form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', site.get(who, "/me").text)
    return {"csrf_token": found[1] if found else ""}


def test_a_course_is_made_and_changed(site: Site, school: School) -> None:
    body = school.world.estates["banyan"].branch.id
    plan = {
        "organisation_id": body,
        "name": "消防",
        "minutes": "60",
        "body_name": "支部",
        "places": "0",
        "valid_months": "6",
    }
    bad = send(site, "secretary", "/training/courses/new", "", **plan)
    assert bad.status_code == 422 and "没有名额的课开不了" in bad.text and "消防" in bad.text
    assert "编号用小写字母" in send(site, "secretary", "/training/courses/new", "", **plan, code="A 1").text
    taken = send(site, "secretary", "/training/courses/new", "", **plan | {"places": "9"}, code="first_aid")
    assert taken.status_code == 422 and "已经有课程在用" in taken.text
    made = send(site, "secretary", "/training/courses/new", "", **plan | {"places": "9"})
    assert made.status_code == 303 and made.location.endswith("/sessions/new")
    course = made.location.removesuffix("/sessions/new")
    assert "px" in site.get("secretary", course).text
    changed = send(site, "secretary", course + "/edit", "", valid_months="0")
    assert changed.status_code == 303 and "长期有效" in site.get("secretary", course).text
    stale = send(site, "secretary", course + "/edit", "", valid_months="3", version="1")
    assert stale.status_code == 409 and "别人改过" in stale.text
    nothing = send(site, "secretary", made.location, "", places="0", place="会议室")
    assert nothing.status_code == 422 and "没有名额的场次" in nothing.text
    backwards = send(site, "secretary", made.location, "", place="会议室", ends_at="2026-11-01T09:00")
    assert backwards.status_code == 422 and "结束时间要晚于开始时间" in backwards.text
    fine = send(site, "secretary", made.location, "", place="会议室")
    assert fine.status_code == 303 and "还没有人报名" in site.get("secretary", fine.location).text
    assert site.get("outsider", course).status_code == 404
    assert site.get("volunteer1", course).status_code == 403


def test_signing_up_waiting_and_cancelling(site: Site, school: School) -> None:
    school.session(1)
    assert "还有1个名额" in site.get("volunteer1", "/training/mine").text
    assert send(site, "volunteer1", "/training/mine", "/sign-up").status_code == 303
    assert "已报名" in site.get("volunteer1", "/training/mine").text
    assert "名额满了" in site.get("volunteer2", "/training/mine").text
    send(site, "volunteer2", "/training/mine", "/sign-up")
    assert "候补" in site.get("volunteer2", "/training/mine").text
    assert send(site, "volunteer1", "/training/mine", "/cancel").status_code == 303
    assert "已报名" in site.get("volunteer2", "/training/mine").text
    assert site.get("resident", "/training/mine").status_code == 403
    assert "现在没有可以报的培训" in site.get("far_volunteer", "/training/mine").text


def test_the_list_of_a_session(site: Site, school: School, at: Clock) -> None:
    session = school.session(2)
    page = f"/training/sessions/{session}"
    empty = send(site, "secretary", page + "/people", "", consent="群里接龙")
    assert empty.status_code == 422 and "请至少勾选一个人" in empty.text
    people = [school.world[name].id for name in ("volunteer1", "volunteer2", "volunteer3")]
    assert "怎么同意的" in send(site, "secretary", page + "/people", "", people=people).text
    done = send(site, "secretary", page + "/people", "", people=people, consent="群里接龙")
    assert done.status_code == 303
    text = site.get("secretary", page).text
    assert "其中陈三排候补" in text and "群里接龙" in text and "到了" not in text
    ids = {name: school.row(name, session).id for name in ("volunteer1", "volunteer2", "volunteer3")}
    at(SOON + timedelta(hours=3))
    ticked = send(site, "secretary", page, "/attendance", present=[ids["volunteer1"]], close="1")
    assert ticked.status_code == 303 and "点到1人，没到的已记缺席" in site.get("secretary", page).text
    result = {f"result-{ids['volunteer1']}": "passed", f"note-{ids['volunteer1']}": "优秀"}
    assert send(site, "secretary", page, "/results", **result).status_code == 303
    assert "记了1人的结果" in site.get("secretary", page).text
    full = send(site, "secretary", page, "/attendance", present=[ids["volunteer3"]])
    assert full.status_code == 422 and "名额满了" in full.text
    mine = site.get("volunteer1", "/training/mine").text
    assert "急救培训" in mine and "有效" in mine
    paper = site.get("volunteer1", f"/training/mine/{ids['volunteer1']}").text
    assert "陈一于2026年11月20日参加由榕树园党支部组织的“急救培训”培训，时长2小时，考核合格" in re.sub(
        r"\s+", "", paper
    )
    assert site.get("volunteer2", f"/training/mine/{ids['volunteer1']}").status_code == 404
    assert "缺席" in site.get("volunteer2", "/training/mine").text


def test_a_session_is_changed_and_called_off(site: Site, school: School) -> None:
    session = school.session(2)
    school.sign_up("volunteer1", session)
    page = f"/training/sessions/{session}"
    changed = send(site, "secretary", page + "/edit", "", place="广场")
    assert changed.status_code == 303 and "告诉了1人" in site.get("secretary", page).text
    assert "请写明原因" in send(site, "secretary", page, "/call-off", reason="").text
    removed = send(site, "secretary", page, "/remove", reason="换下一场")
    assert removed.status_code == 303 and school.row("volunteer1", session).state == "cancelled"
    assert send(site, "secretary", page, "/call-off", reason="老师病了").status_code == 303
    assert "这一场已取消：老师病了" in site.get("secretary", page).text
    assert site.get("cement_secretary", page).status_code == 404


def test_the_code_leads_to_the_check_in_for_a_quarter_of_an_hour(site: Site, school: School, at: Clock) -> None:
    session = school.session(2)
    school.sign_up("volunteer1", session)
    at(SOON)
    assert "<svg viewBox" in site.get("secretary", f"/training/sessions/{session}/code").text
    assert site.get("volunteer1", f"/training/sessions/{session}/code").status_code == 403
    with school.app.app_context():
        good, other = passes.issue("training", session, 15), passes.issue("shift", session, 15)
    forged = good.text[:-2] + ("aa" if good.text[-2:] != "aa" else "bb")
    for text in (other.text, forged, "x"):
        assert site.get("volunteer1", f"/training/check-in/{text}").status_code == 404
    assert "不在这一场的名单里" in site.get("volunteer2", f"/training/check-in/{good.text}").text
    refused = site.post("volunteer2", f"/training/check-in/{good.text}", token(site, "volunteer2"))
    assert refused.status_code == 422
    assert site.get("far_volunteer", f"/training/check-in/{good.text}").status_code == 404
    at(SOON + timedelta(minutes=16))
    late = site.get("volunteer1", f"/training/check-in/{good.text}")
    assert late.status_code == 422 and "这个码过期了" in late.text
    assert site.post("volunteer1", f"/training/check-in/{good.text}", token(site, "volunteer1")).status_code == 422
    with school.app.app_context():
        good = passes.issue("training", session, 15)
    assert send(site, "volunteer1", f"/training/check-in/{good.text}", good.text).status_code == 303
    assert school.row("volunteer1", session).state == "attended"
    assert "您已经签到" in site.get("volunteer1", f"/training/check-in/{good.text}").text


def test_what_lapses_is_listed_within_reach(site: Site, school: School, at: Clock) -> None:
    school.graduate("volunteer1", MOMENT - timedelta(days=690))
    page = site.get("secretary", "/training/lapsing").text
    assert "陈一" in page and "快到期" in page
    assert "没有快到期的" in site.get("cement_secretary", "/training/lapsing").text
    at(MOMENT + timedelta(days=60))
    assert "已过期" in site.get("secretary", "/training/lapsing").text
    assert "已过期" in site.get("volunteer1", "/training/mine").text
