"""The pages, as the resident, the volunteer and the branch use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.audit import Event
from core.database import db
from core.outbox import Message
from services.standing import workflow
from services.standing.models import StandingOrder
from tests.factories import World
from tests.services.orders.site import Forms, Site, statements
from tests.services.standing.making import NEXT, TUESDAY, Making


class Pages(Site):
    """Browsers, and somebody who sets up series behind the scenes."""

    def __init__(self, app: Flask, world: World) -> None:
        super().__init__(app, world)
        self.town = Making(app, world)

    def series(self, *args: Any, **values: Any) -> str:
        """A series set up without a page, its visits made and offered."""
        with self.app.app_context():
            found = self.town.series(*args, **values)
            workflow.catch_up(found)
            return found

    def row(self, standing_id: str) -> Any:
        """What the database holds."""
        with self.app.app_context():
            return db.session.get_one(StandingOrder, standing_id)

    def new(self, name: str, address: str = "/standing/new", **values: Any) -> Any:
        """Fill in the form and send it."""
        fields = self.filled(name, address, "/standing/new", **(FILLED | values))
        return self.post(name, address, fields)


FILLED = {"item": "blood_pressure", "weekdays": ["1"], "slot": "510-630"}


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Pages:
    app.config["WTF_CSRF_ENABLED"] = False
    return Pages(app, world)


def test_a_resident_proposes_and_the_branch_agrees(site: Pages) -> None:
    answer = site.new("resident", note="量两次")
    assert answer.status_code == 303
    address = answer.location
    page = site.get("resident", address).text
    assert "每周二上午，" in page and "等支部同意" in page and "11月24日 周二" in page
    standing = address.rpartition("/")[2]
    assert site.row(standing).state == "proposed"
    with site.app.app_context():
        asked = db.session.scalars(select(Message).where(Message.kind == "standing.proposed")).all()
        assert {message.recipient_id for message in asked} == {site.id("secretary"), site.id("deputy")}
        assert not site.town.orders(standing)
    answer = site.send("secretary", address, f"{address}/approve", **{"approve_series-steady": site.id("volunteer1")})
    assert answer.status_code == 303 and site.row(standing).state == "active"
    with site.app.app_context():
        assert site.town.days(standing) == [TUESDAY]
    # The volunteer is asked, not appointed.
    assert "想请您固定上门" in site.get("volunteer1", "/standing").text
    assert site.get("volunteer2", address).status_code == 404
    assert site.send("volunteer1", address, f"{address}/agree").status_code == 303
    assert site.row(standing).steady_state == "agreed"
    with site.app.app_context():
        (order,) = site.town.orders(standing)
        assert site.town.order(order.id).state == "dispatched"
    assert "派单" in site.get("volunteer1", "/tasks").text
    page = site.get("resident", f"/orders/{order.id}").text
    assert "定期服务，每周二上午" in page and f'href="{address}"' in page


def test_the_days_are_shown_before_anything_is_saved(site: Pages) -> None:
    answer = site.new("resident", preview="1", weekdays=["3"], starts_on="2026-12-24", weeks="1")
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.text)
    assert "12月24日 周四" in text and "2027年1月28日" in text and "还没有保存" in text
    with site.app.app_context():
        assert not db.session.scalars(select(StandingOrder)).all()
    # What was filled in is there still, and can be saved now.
    fields = Forms(answer.text).of("/standing/new")
    assert fields["weekdays"] == ["3"] and fields["starts_on"] == ["2026-12-24"]
    assert site.post("resident", "/standing/new", fields).status_code == 303


def test_skipped_holidays_are_marked_in_the_preview(site: Pages) -> None:
    answer = site.new("secretary", f"/standing/new?person={site.id('resident')}", preview="1", weekdays=["4"],
                      starts_on="2026-12-25", holidays="skip", person=site.id("resident"))  # fmt: skip
    assert "元旦放假" in answer.text and "不上门" in answer.text and answer.status_code == 200


WRONG = [
    ({"weekdays": []}, "请选周几"),
    ({"item": ""}, "请选要做什么"),
    ({"slot": None}, "请选哪个时段"),
    ({"starts_on": "2026-11-17"}, "开始日期要在今天或以后"),
    ({"starts_on": "2028-11-17"}, "最远到一年以后"),
    ({"starts_on": "17.11."}, "日期写成"),
    ({"ends": "until", "until": "2026-11-10"}, "结束那天要在开始那天之后"),
    ({"ends": "until"}, "请填最后一天"),
    ({"ends": "until", "until": "2026-11-20"}, "一次也轮不到"),
    ({"ends": "until", "until": "2039-11-20"}, "最多排五年"),
    ({"ends": "times"}, "请填做几次"),
    ({"ends": "times", "times": "521"}, "次数要在1到520之间"),
    ({"ends": "times", "times": "500"}, "最多排五年"),
    ({"every": "month_day", "day": "31", "months": "12", "starts_on": "2027-02-01"}, "一次也轮不到"),
    ({"every": "month_weekday", "nth": "5", "weekday": "0", "ends": "until", "until": "2026-11-29"}, "一次也轮不到"),
    ({"starts_on": "2027-02-05", "weekdays": ["4"], "ends": "times", "times": "1"}, "这些日子都轮空"),
    ({"weeks": "9"}, "请从列出的几项里选"),
    ({"every": "year"}, "请从列出的几项里选"),
    ({"steady": "nobody"}, "请从列出的几项里选"),
    ({"item": "emergency"}, "请从列出的几项里选"),
]


@pytest.mark.parametrize(("values", "text"), WRONG)
def test_what_does_not_go_comes_back_with_what_to_do(values: dict[str, Any], text: str, site: Pages) -> None:
    for preview in ({}, {"preview": "1"}):
        answer = site.new("resident", **values, **preview, note="请量两次")
        assert answer.status_code == 422 and text in answer.text and "请量两次" in answer.text
    with site.app.app_context():
        assert not db.session.scalars(select(StandingOrder)).all()


def test_the_same_form_twice_makes_one_series(site: Pages) -> None:
    fields = site.filled("resident", "/standing/new", "/standing/new", **FILLED)
    first, second = (site.post("resident", "/standing/new", fields) for _ in range(2))
    assert first.location == second.location
    with site.app.app_context():
        assert len(db.session.scalars(select(StandingOrder)).all()) == 1


def test_an_order_becomes_a_series(site: Pages) -> None:
    start = datetime.fromisoformat("2026-11-20T14:00+08:00")
    order = site.accepted("volunteer1", note="买米", preferred_start=start, preferred_end=start.replace(hour=16))
    page = site.get("resident", f"/orders/{order}")
    link = re.search(r'href="(/standing/new\?order=\w+)"', page.text)
    assert link
    fields = Forms(site.get("resident", link[1]).text).of("/standing/new")
    assert (fields["item"], fields["weekdays"], fields["slot"]) == (["elder_shopping"], ["4"], ["840-960"])
    assert fields["note"][0].strip() == "买米"
    assert site.post("resident", link[1], fields).status_code == 303
    assert site.get("far_resident", link[1]).status_code == 404


def test_a_series_is_changed_and_what_is_taken_is_named(site: Pages) -> None:
    standing = site.series(steady="volunteer1")
    with site.app.app_context():
        (order,) = site.town.orders(standing)
        site.town.accept("volunteer1", order.id)
    address = f"/standing/{standing}/edit"
    page = site.get("resident", address).text
    assert "11月24日那次已有人接单" in page
    shown = site.send("secretary", address, address, weekdays=["2"], preview="1")
    assert shown.status_code == 200 and "已有人接单（陈一），不改动" in shown.text and "11月25日" in shown.text
    saved = site.send("secretary", address, address, weekdays=["2"])
    assert saved.status_code == 303
    assert "11月24日那次已有人接单，不改动" in site.get("secretary", saved.location).text
    with site.app.app_context():
        assert site.town.days(standing) == [TUESDAY, date(2026, 11, 25)]


def test_a_resident_who_changes_the_days_waits_for_the_branch_again(site: Pages) -> None:
    standing = site.series()
    address = f"/standing/{standing}/edit"
    assert site.send("resident", address, address, note="带上血压计").status_code == 303
    assert site.row(standing).state == "active"
    assert site.send("resident", address, address, weekdays=["0", "1", "2"]).status_code == 303
    assert site.row(standing).state == "proposed"
    with site.app.app_context():
        assert site.town.days(standing) == [TUESDAY], "what fits the new days and was made already stays"


def test_two_who_change_at_once(site: Pages) -> None:
    standing = site.series()
    address = f"/standing/{standing}/edit"
    fields = site.filled("secretary", address, address, weekdays=["2"])
    assert site.send("deputy", address, address, weekdays=["3"]).status_code == 303
    late = site.post("secretary", address, fields)
    assert late.status_code == 409 and "有变化" in late.text
    again = Forms(late.text).of("/edit")
    assert again["weekdays"] == ["2"] and site.post("secretary", address, again).status_code == 303
    assert site.row(standing).pattern["weekdays"] == [2]


def test_skip_pause_resume_end_on_the_page(site: Pages) -> None:
    standing = site.series()
    address = f"/standing/{standing}"
    fields = {"skip_visit-day": NEXT.isoformat(), "skip_visit-pick": "那天不在家"}
    answer = site.send("resident", address, f"{address}/skip", **fields)
    assert answer.status_code == 303 and "那天不在家" in site.get("resident", address).text
    assert site.send("resident", address, f"{address}/restore").status_code == 303
    refused = site.send("resident", address, f"{address}/pause", **{"pause_series-pause_until": "2026-11-01"})
    assert refused.status_code == 422 and "请选一个原因" in refused.text
    fields = {"pause_series-pause_until": "2026-11-01", "pause_series-pick": "住院或外出"}
    refused = site.send("resident", address, f"{address}/pause", **fields)
    assert refused.status_code == 422 and "暂停的最后一天要在第一天之后" in refused.text
    fields["pause_series-pause_until"] = "2026-12-20"
    assert site.send("resident", address, f"{address}/pause", **fields).status_code == 303
    assert "暂停中到12月20日" in site.get("resident", address).text
    assert site.send("secretary", address, f"{address}/resume").status_code == 303
    stale = site.post(
        "secretary", f"{address}/pause", fields | {"pause_series-version": "1", "pause_series-pause_from": "2026-11-20"}
    )
    assert stale.status_code == 409
    assert site.send("resident", address, f"{address}/end", **{"end_series-pick": "不需要了"}).status_code == 303
    page = site.get("resident", address).text
    assert "已结束" in page and "再定一个" in page
    assert site.post("resident", f"{address}/end", {"end_series-pick": "不需要了"}).status_code == 409


@pytest.mark.parametrize(
    ("name", "reads", "changes"),
    [
        ("resident", 200, 200), ("neighbour", 404, 404), ("far_resident", 404, 404), ("volunteer1", 200, 403),
        ("volunteer2", 404, 404), ("secretary", 200, 200), ("deputy", 200, 200), ("grid_worker", 200, 200),
        ("steward", 200, 200), ("staff", 200, 403), ("street_staff", 200, 403), ("outsider", 404, 404),
        ("cement_secretary", 404, 404), ("admin", 404, 404),
    ],
)  # fmt: skip
def test_who_may(name: str, reads: int, changes: int, site: Pages) -> None:
    standing = site.series(steady="volunteer1")
    assert site.get(name, f"/standing/{standing}").status_code == reads
    assert site.get(name, f"/standing/{standing}/edit").status_code == changes


def test_the_branch_names_anybody_others_whom_they_know(site: Pages) -> None:
    address = f"/standing/new?person={site.id('resident')}"
    assert "陈一" in site.get("secretary", address).text
    for name in ("grid_worker", "resident"):
        assert "陈一" not in site.get(name, "/standing/new" if name == "resident" else address).text
    order = site.completed("volunteer1")
    assert "陈一（来过1次）" in site.get("resident", f"/standing/new?order={order}").text
    fields = {"steady": site.id("volunteer1"), "item": "elder_shopping"}
    answer = site.new("resident", f"/standing/new?order={order}", **fields)
    assert answer.status_code == 303
    row = site.row(answer.location.rpartition("/")[2])
    assert (row.steady_name, row.steady_state) == ("陈一", "named")
    with site.app.app_context():
        assert not db.session.scalars(select(Message).where(Message.kind == "standing.asked")).all()


def test_a_home_has_so_many_series_and_no_more(site: Pages) -> None:
    for _ in range(5):
        assert site.new("resident").status_code == 303
    refused = site.new("resident")
    assert refused.status_code == 422 and "已有5个定期服务" in refused.text
    assert site.new("secretary", f"/standing/new?person={site.id('resident')}").status_code == 303


def test_a_volunteer_who_does_not_want_to(site: Pages) -> None:
    with site.app.app_context():
        agreement = site.town.agreement(steady_id=site.id("volunteer1"))
        standing = str(workflow.set_up(site.town.viewer("secretary"), agreement).id)
    address = f"/standing/{standing}"
    assert site.send("volunteer1", address, f"{address}/leave").status_code == 422
    answer = site.send("volunteer1", address, f"{address}/leave", **{"leave_series-pick": "身体不适"})
    assert answer.status_code == 303 and answer.location == "/standing"
    assert site.row(standing).steady_state == "declined"
    assert site.get("volunteer1", address).status_code == 404
    assert "不方便" in site.get("secretary", address).text
    assert site.post("volunteer1", f"{address}/agree", {}).status_code == 404


def test_the_desk_filters_searches_and_exports(site: Pages) -> None:
    first = site.series(steady="volunteer1", note="=cmd()")
    second = site.series("secretary", person_id=site.id("neighbour"), item_code="errands")
    site.post("secretary", f"/standing/{second}/end", {"end_series-pick": "不需要了"})
    page = site.get("secretary", "/desk/standing").text
    assert f"/standing/{first}" in page and f"/standing/{second}" not in page
    ended = site.get("secretary", "/desk/standing?tab=ended").text
    assert f"/standing/{second}" in ended and f"/standing/{first}" not in ended
    here = f"building={site.world.estates['banyan'].building_id}"
    asked = {"q=沈": True, "q=李": False, "q=量血压": True, "alone=1": False, here: True, "building=x": False}
    for query, found in asked.items():
        assert (f"/standing/{first}" in site.get("secretary", f"/desk/standing?{query}").text) is found, query
    assert f"/standing/{first}" not in site.get("outsider", "/desk/standing").text
    assert site.get("resident", "/desk/standing").status_code == 403
    sheet = site.post("secretary", "/desk/standing/export", {"tab": "open"}).get_data(as_text=True)
    assert sheet.startswith("\ufeff小区,") and "'=cmd()" in sheet and "陈一" in sheet and "每周二上午" in sheet
    with site.app.app_context():
        assert db.session.scalars(select(Event).where(Event.verb == "export_standing")).one()


def test_lists_cost_the_same_for_any_number_of_rows(site: Pages) -> None:
    spent = {}
    for size in (2, 60):
        for _ in range(size):
            with site.app.app_context():
                site.town.series(person_id=site.id("neighbour"))
        for name, address in (("secretary", "/desk/standing"), ("neighbour", "/standing")):
            with statements(site.app) as sent:
                assert site.get(name, address).status_code == 200
            spent[name, size] = len(sent)
    assert spent["secretary", 2] == spent["secretary", 60] <= 6
    assert spent["neighbour", 2] == spent["neighbour", 60] <= 6
    page = site.get("secretary", "/desk/standing").text
    following = re.search(r'href="(/desk/standing\?cursor=[^"]+)"', page)
    assert following and site.get("secretary", following[1]).status_code == 200
    assert site.get("secretary", "/desk/standing?cursor=x").status_code == 400
