"""The pages of rotas: the board, posts, laying, shifts, people, presence, a volunteer's own; refusals and reach."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from core import clock, passes
from core.audit import Event
from core.database import begin_write, db
from core.ids import new_id
from tests.guards.test_budgets import cost
from tests.services.orders.site import Forms, Site
from tests.volunteers.rota.duty import GUARD, SOON, Duty
from volunteers.rota import workflow
from volunteers.rota.models import Rota, RotaPattern, Shift, ShiftPlace, ShiftState, State

Clock = Callable[[datetime], None]


@pytest.fixture
def site(duty: Duty) -> Site:
    """Browsers for the people of the gate."""
    return Site(duty.app, duty.world)


@pytest.fixture
def shift(duty: Duty) -> str:
    """A shift with one place, which 陈一 has."""
    made = duty.shift()
    duty.sign_up("volunteer1", made)
    return made


def send(site: Site, who: str, page: str, action: str, /, **values: Any) -> Any:
    """Fill in a form of a page and send it: the one that posts to ``action``, or without one back to the page."""
    if action:
        return site.send(who, page, action, **values)
    fields: dict[str, Any] = next(fields for address, fields in Forms(site.get(who, page).text).found if not address)
    return site.post(who, page, fields | values)


# The desk


def test_the_board_shows_the_week(site: Site, duty: Duty, shift: str) -> None:
    page = site.get("secretary", "/rota").text
    assert "门岗值守" in page and "陈一" in page and "满1/1" in page and "人齐了" in page
    assert "没有人，0/1" in _board_after(duty, site)
    assert "陈一" not in site.get("secretary", "/rota?week=2026-12-07").text
    assert "还没有值守的岗位" in site.get("outsider", "/rota").text
    assert site.get("secretary", "/rota?week=x").status_code == 200
    assert site.get("volunteer1", "/rota").status_code == 403


def _board_after(duty: Duty, site: Site) -> str:
    duty.shift(SOON + timedelta(hours=5))
    return site.get("secretary", "/rota").text


def test_who_has_not_come_is_on_the_board(site: Site, duty: Duty, shift: str, at: Clock) -> None:
    assert "现在还没到岗" not in site.get("secretary", "/rota").text
    at(SOON + timedelta(minutes=11))
    assert "陈一，门岗值守，10:00的班" in site.get("secretary", "/rota").text


def test_the_board_costs_six_statements_whatever_its_size(site: Site, duty: Duty) -> None:
    costs = []
    for number in (1, 12):
        _fill(duty, number)
        costs.append(cost(lambda: site.get("secretary", "/rota?week=2026-11-23")))
    assert costs[0] == costs[1] <= 6


def _fill(duty: Duty, posts: int) -> None:
    now = clock.now()
    with duty.app.app_context():
        begin_write()
        body = duty.world.estates["banyan"]
        people = [duty.id(f"volunteer{n}") for n in (1, 2, 3, 4)]
        for number in range(posts):
            rota = new_id()
            db.session.execute(
                insert(Rota),
                [{"id": rota, "organisation_id": body.branch.id, "path": body.branch.path, "estate_id": body.id,
                  "name": f"岗{number}{rota[-3:]}", "purpose": "", "place": "门口", "counters": [], "is_open": True,
                  "is_active": True, "version": 1, "created_at": now, "updated_at": now}],
            )  # fmt: skip
            for day in range(7):
                start = datetime.fromisoformat("2026-11-23T00:00:00+00:00") + timedelta(days=day, hours=number % 8)
                made = new_id()
                db.session.execute(
                    insert(Shift),
                    [{"id": made, "rota_id": rota, "pattern_id": None, "day": start.date(), "state": ShiftState.PLANNED,
                      "version": 1, "starts_at": start, "ends_at": start + timedelta(hours=1), "places": 4, "code": "1",
                      "needs": [{"key": "1", "role": "员", "places": 4, "skill": "", "training": "", "min_age": None}],
                      "note": "", "reason": "", "created_at": now, "updated_at": now}],
                )  # fmt: skip
                db.session.execute(
                    insert(ShiftPlace),
                    [{"id": new_id(), "shift_id": made, "person_id": person, "need": "1", "state": State.SIGNED_UP,
                      "version": 1, "queued_at": now, "updated_at": now} for person in people],
                )  # fmt: skip
        db.session.commit()


def test_the_week_is_taken_out_with_a_trace(site: Site, duty: Duty, shift: str) -> None:
    answer = send(site, "secretary", "/rota", "/rota/export")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[0][0] == "岗位" and rows[1][:7] == [
        "门岗值守", "2026-11-20", "10:00", "14:00", "值班员", "1", "陈一"]  # fmt: skip
    with duty.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Event).where(Event.verb == "export_rota")) == 1


def test_a_post_is_made_its_week_written_and_laid(site: Site, duty: Duty) -> None:
    bad = send(site, "secretary", "/rota/posts/new", "", name="", place="西门")
    assert bad.status_code == 422 and "请填岗位名称" in bad.text and "西门" in bad.text
    body = duty.world.estates["banyan"].branch.id
    made = send(
        site, "secretary", "/rota/posts/new", "", organisation_id=body, name="西门岗", place="西门", counters="车，人"
    )
    assert made.status_code == 303
    post = made.location.split("/")[3]
    empty = send(site, "secretary", made.location, "", **{"need1-role": ""})
    assert empty.status_code == 422 and "没有位置的班不能排" in empty.text
    none = send(site, "secretary", made.location, "", **{"need1-places": ""})
    assert none.status_code == 422 and "写这个角色要几个人" in none.text
    short = send(site, "secretary", made.location, "", start="08:00", end="08:10")
    assert short.status_code == 422 and "至少30分钟" in short.text
    fine = send(site, "secretary", made.location, "", weekdays=["0", "5"], start="20:00", end="06:00")
    assert fine.status_code == 303
    page = f"/rota/posts/{post}"
    assert "20:00–6:00" in site.get("secretary", page).text
    preview = site.get("secretary", f"{page}/lay?first=2026-11-23&weeks=2&skip=every")
    assert "会排4班" in preview.text
    assert site.get("secretary", f"{page}/lay?first=2026-11-23&weeks=99&skip=every").status_code == 422
    laid = send(site, "secretary", f"{page}/lay?first=2026-11-23&weeks=2&skip=every", "/lay")
    assert laid.status_code == 303
    assert "没有要新排的班" in site.get("secretary", f"{page}/lay?first=2026-11-23&weeks=2&skip=every").text
    with duty.app.app_context():
        shifts = list(db.session.scalars(select(Shift).where(Shift.rota_id == post)))
        assert len(shifts) == 4 and {int((s.ends_at - s.starts_at).total_seconds()) for s in shifts} == {36000}
        pattern = db.session.scalars(select(RotaPattern.id).where(RotaPattern.weekday == 0)).one()
    moved = send(site, "secretary", f"/rota/patterns/{pattern}", "", start="19:00")
    assert moved.status_code == 303
    assert "没人的2班跟着改了" in site.get("secretary", moved.location).text
    stale = send(site, "secretary", f"/rota/patterns/{pattern}", "", start="18:00", version="1")
    assert stale.status_code == 409 and "别人改过这一页" in stale.text
    gone = send(site, "secretary", page, f"/rota/patterns/{pattern}/drop")
    assert gone.status_code == 303 and "没人的2班已去掉" in site.get("secretary", page).text


def test_a_shift_is_changed_called_off_and_restored(site: Site, duty: Duty, shift: str) -> None:
    page = f"/rota/shifts/{shift}"
    assert "位置都给他们留着" in site.get("secretary", page + "/edit").text
    assert send(site, "secretary", page + "/edit", "", start="11:00", end="15:00").status_code == 303
    assert duty.state("volunteer1", shift) == "to_confirm"
    stale = send(site, "secretary", page + "/edit", "", start="12:00", end="15:00", version="1")
    assert stale.status_code == 409 and duty.shift_row(shift).version == 2
    site.get("secretary", page)
    refused = site.post("secretary", page + "/delete", send_token(site, page))
    assert refused.status_code == 422 and "里有1人，不能删除" in refused.text
    assert "请写明原因" in send(site, "secretary", page, "/call-off", reason=" ").text
    assert send(site, "secretary", page, "/call-off", reason="下雨").status_code == 303
    assert "这一班已取消：下雨" in site.get("secretary", page).text
    assert "下雨" in site.get("volunteer1", page).text
    assert send(site, "secretary", page, "/restore").status_code == 303
    assert site.get("outsider", page).status_code == 404


def send_token(site: Site, page: str, name: str = "secretary") -> dict[str, Any]:
    """The token of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', site.get(name, page).text)
    return {"csrf_token": found[1] if found else ""}


def test_people_are_found_invited_and_entered(site: Site, duty: Duty) -> None:
    shift = duty.shift()
    page = f"/rota/shifts/{shift}/people?need=1"
    text = site.get("secretary", page).text
    assert "陈一" in text and "赵远" not in text
    assert "请至少勾选一个人" in send(site, "secretary", page, "", how="invite").text
    entered = send(site, "secretary", page, "", people=[duty.id("volunteer2")], how="enter", words="")
    assert entered.status_code == 422 and "本人怎么同意的" in entered.text
    fine = send(site, "secretary", page, "", people=[duty.id("volunteer1"), duty.id("volunteer2")], how="invite")
    assert fine.status_code == 303 and "已邀请2人" in site.get("secretary", fine.location).text
    done = send(site, "secretary", page, "", people=[duty.id("volunteer3")], how="enter", words="电话里说好了")
    assert done.status_code == 303 and "电话里说好了" in site.get("secretary", done.location).text
    assert send(site, "secretary", page, "", people=[duty.id("far_volunteer")]).status_code == 422
    assert duty.states(shift) == {"invited": 2, "signed_up": 1}
    assert site.get("cement_secretary", page).status_code == 404


def test_presence_is_ticked_at_the_desk(site: Site, duty: Duty, shift: str, at: Clock) -> None:
    page, place = f"/rota/shifts/{shift}", duty.place("volunteer1", shift)
    at(SOON + timedelta(minutes=5))
    assert "请先勾选到了的人" in send(site, "secretary", page, f"/rota/shifts/{shift}/arrive").text
    assert send(site, "secretary", page, f"/rota/shifts/{shift}/arrive", here=[place]).status_code == 303
    assert duty.state("volunteer1", shift) == "present"
    at(SOON + timedelta(hours=4))
    times = {"out-since": "2026-11-20T13:00", "out-until": "2026-11-20T12:00"}
    bad = site.post("secretary", f"/rota/places/{place}/out", send_token(site, page) | times)
    assert bad.status_code == 422 and "离岗时间要晚于到岗时间" in bad.text
    assert site.post("secretary", f"/rota/places/{place}/out", send_token(site, page)).status_code == 303
    assert site.post("secretary", f"/rota/places/{place}/out", send_token(site, page)).status_code == 409
    assert [one.minutes for one in duty.hours("volunteer1")] == [235]
    assert "更正时长" in site.get("secretary", page).text
    logged = send(site, "secretary", page, "/log", words="钥匙在抽屉", **{"count-0": "120", "count-1": "x"})
    assert logged.status_code == 422 and "“人员”填一个数" in logged.text and "钥匙在抽屉" in logged.text
    assert send(site, "secretary", page, "/log", words="钥匙在抽屉", **{"count-0": "120"}).status_code == 303
    assert "120" in site.get("secretary", page).text


def test_no_show_needs_a_reason(site: Site, duty: Duty, shift: str, at: Clock) -> None:
    page = f"/rota/shifts/{shift}"
    at(SOON + timedelta(hours=1))
    assert "请写明原因" in send(site, "secretary", page, "/no-show", reason="").text
    assert send(site, "secretary", page, "/no-show", reason="电话没人接").status_code == 303
    assert "电话没人接" in site.get("secretary", page).text
    assert send(site, "secretary", page, "/reinstate", reason="走错门").status_code == 303


def test_shares_compare_with_an_equal_share(site: Site, duty: Duty) -> None:
    for number in range(4):
        duty.sign_up("volunteer1", duty.shift(SOON + timedelta(days=number)))
    duty.sign_up("volunteer2", duty.shift(SOON + timedelta(days=5)))
    page = site.get("secretary", "/rota/shares?from=2026-11-16&to=2026-12-06").text
    assert "2人，平均每人2.5班" in page and "多2班" in page and "少2班" in page
    assert "这段时间没有人值班" in site.get("secretary", "/rota/shares?from=2026-01-01&to=2026-01-31").text


# A volunteer's own


def test_free_places_are_listed_and_taken(site: Site, duty: Duty) -> None:
    shift = duty.shift()
    page = site.get("volunteer1", "/rota/free").text
    assert "10:00–14:00 门岗值守" in page and "缺1人" in page
    answer = send(site, "volunteer1", "/rota/free", "/sign-up")
    assert answer.status_code == 303 and answer.location == "/rota/free"
    assert "报好了" in site.get("volunteer1", "/rota/free").text
    assert "现在没有适合您的空位" in site.get("volunteer2", "/rota/free").text
    assert "排候补" in site.get("volunteer2", "/rota/free?all=1").text
    send(site, "volunteer2", "/rota/free?all=1", "/sign-up")
    assert duty.states(shift) == {"signed_up": 1, "waiting": 1}
    assert "门岗值守" in site.get("volunteer1", "/rota/mine").text
    assert "接下来没有班" in site.get("volunteer3", "/rota/mine").text
    assert site.get("resident", "/rota/free").status_code == 403
    assert site.get("resident", f"/rota/shifts/{shift}").status_code == 404
    assert site.get("far_volunteer", f"/rota/shifts/{shift}").status_code == 404


def test_a_clash_is_told_on_the_page(site: Site, duty: Duty, shift: str) -> None:
    other = duty.shift(SOON + timedelta(hours=2))
    assert "那段时间已有" in site.get("volunteer1", "/rota/free?all=1").text
    answer = send(site, "volunteer1", f"/rota/shifts/{other}", "/sign-up")
    assert answer.status_code == 422 and "那段时间已有" in answer.text


def test_names_of_others_are_seen_by_who_serves_with_them(site: Site, duty: Duty, shift: str) -> None:
    assert "陈一" not in site.get("volunteer2", f"/rota/shifts/{shift}").text
    duty.sign_up("volunteer2", shift)
    assert "陈一" not in site.get("volunteer2", f"/rota/shifts/{shift}").text
    assert "陈一" in site.get("volunteer1", f"/rota/shifts/{shift}").text


def test_answers_of_a_volunteer(site: Site, duty: Duty, shift: str) -> None:
    page = f"/rota/shifts/{shift}"
    duty.sign_up("volunteer2", shift)
    assert "请写明原因" in send(site, "volunteer1", page, "/withdraw", reason="").text
    assert send(site, "volunteer1", page, "/withdraw", reason="有事").status_code == 303
    assert "前确认，过了就让给下一位" in site.get("volunteer2", page).text
    assert send(site, "volunteer2", page, "/confirm").status_code == 303
    assert send(site, "volunteer2", page, "/withdraw", reason="有事").status_code == 303
    assert site.post("volunteer2", f"/rota/places/{duty.place('volunteer2', shift)}/confirm",
                     send_token(site, page, "volunteer2")).status_code == 409  # fmt: skip
    assert site.post("volunteer2", f"/rota/places/{duty.place('volunteer2', shift)}/dance",
                     send_token(site, page, "volunteer2")).status_code == 404  # fmt: skip


def test_stand_ins_by_name_by_number_and_swaps(site: Site, duty: Duty, shift: str) -> None:
    other = duty.shift(SOON + timedelta(days=1))
    duty.sign_up("volunteer2", other)
    page, place = f"/rota/places/{duty.place('volunteer1', shift)}/stand-in", duty.place("volunteer2", other)
    text = site.get("volunteer1", page).text
    assert "陈二顶班" in text and "和陈二换班" in text
    assert "请选一位" in send(site, "volunteer1", page, "").text
    number = "V" + duty.world["volunteer3"].phone[3:]
    assert send(site, "volunteer1", page, "", number=number).status_code == 303
    assert send(site, "volunteer1", f"/rota/shifts/{shift}", "/take-back").status_code == 303
    assert send(site, "volunteer1", page, "", person=f"s-{place}").status_code == 303
    assert "答应换班" in site.get("volunteer2", f"/rota/shifts/{shift}").text
    assert send(site, "volunteer2", f"/rota/shifts/{shift}", "/take-over").status_code == 303
    assert duty.state("volunteer1", other) == duty.state("volunteer2", shift) == "signed_up"
    assert site.get("volunteer2", page).status_code == 404


def test_the_code_of_the_post_leads_to_the_check_in(site: Site, duty: Duty, shift: str, at: Clock) -> None:
    at(SOON)
    assert site.get("volunteer1", f"/rota/shifts/{shift}/code").status_code == 404
    shown = site.get("secretary", f"/rota/shifts/{shift}/code").text
    assert "<svg viewBox" in shown and duty.shift_row(shift).code in shown
    with duty.app.app_context():
        good, wrong = passes.issue("shift", shift, 15), passes.issue("training", shift, 15)
    assert site.get("volunteer1", f"/rota/check-in/{wrong.text}").status_code == 404
    assert site.get("volunteer1", f"/rota/check-in/{good.text}x").status_code == 404
    assert "不在这一班的名单里" in site.get("volunteer2", f"/rota/check-in/{good.text}").text
    at(SOON + timedelta(minutes=16))
    late = site.get("volunteer1", f"/rota/check-in/{good.text}")
    assert late.status_code == 422 and "这个码过期了" in late.text
    with duty.app.app_context():
        good = passes.issue("shift", shift, 15)
    answer = send(site, "volunteer1", f"/rota/check-in/{good.text}", good.text)
    assert answer.status_code == 303 and duty.state("volunteer1", shift) == "present"
    again = site.post("volunteer1", f"/rota/check-in/{good.text}", send_token(site, "/me", "volunteer1"))
    assert again.status_code == 422 and "已经签到" in again.text
    at(SOON + timedelta(hours=3))
    assert send(site, "volunteer1", f"/rota/shifts/{shift}", "/out").status_code == 303
    assert "记了2小时44分" in site.get("volunteer1", f"/rota/shifts/{shift}").text


def test_a_wrong_code_is_told_at_its_field(site: Site, duty: Duty, shift: str, at: Clock) -> None:
    at(SOON)
    page = f"/rota/shifts/{shift}"
    wrong = "0000" if duty.shift_row(shift).code != "0000" else "1111"
    answer = send(site, "volunteer1", page, "/check-in", code=wrong)
    assert answer.status_code == 422 and "签到码不对" in answer.text
    assert send(site, "volunteer1", page, "/check-in", code=duty.shift_row(shift).code).status_code == 303


def test_the_leader_ticks_on_a_phone(site: Site, duty: Duty, at: Clock) -> None:
    shift = duty.shift(needs=[replace(GUARD, places=2)])
    for name in ("volunteer1", "volunteer2"):
        duty.sign_up(name, shift)
    duty.do("secretary", workflow.name_leader, duty.place("volunteer1", shift))
    at(SOON)
    assert "签到二维码和签到码" in site.get("volunteer1", f"/rota/shifts/{shift}").text
    assert site.get("volunteer1", f"/rota/shifts/{shift}/code").status_code == 200
    assert send(site, "volunteer1", f"/rota/shifts/{shift}", "/arrive").status_code == 303
    assert duty.state("volunteer2", shift) == "present"
    refused = site.post("volunteer2", f"/rota/places/{duty.place('volunteer1', shift)}/arrive",
                        send_token(site, "/me", "volunteer2"))  # fmt: skip
    assert refused.status_code == 404
