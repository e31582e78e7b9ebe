"""Services without a record: listed, reminded of on the 7th and 10th working day, mended; and late records."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from core import clock, jobs
from core.audit import Event
from core.database import db
from core.outbox import Message
from services.orders import workflow
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Site
from tests.volunteers.making import give, moment
from volunteers.hours.models import HourEntry

PAGE = "/hours/desk/late"


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def begun(site: Site, name: str = "volunteer1") -> str:
    """A service that a volunteer checked in for and did not end, on Monday 2 November."""
    clock.set_now(moment(11, 2, 10))
    order = site.accepted(name)
    site.do(lambda viewer: workflow.check_in(viewer, order), name)
    return order


def told(site: Site, kind: str) -> list[tuple[str, str]]:
    with site.app.app_context():
        rows = db.session.execute(select(Message.recipient_id, Message.title).where(Message.kind == kind))
        return [(row[0], row[1]) for row in rows]


def remind(site: Site, slot: str) -> str:
    with site.app.app_context():
        done = jobs.run("remind_hours", slot)
        assert done is not None and done.state == "done", done
        return done.outcome


def test_reminders_on_the_seventh_and_tenth_working_day(site: Site) -> None:
    begun(site)
    for day, slot in ((3, "a"), (10, "b")):
        clock.set_now(moment(11, day, 8, 30))
        assert "提醒0次" in remind(site, slot)
    clock.set_now(moment(11, 11, 8, 30))
    assert "提醒1次" in remind(site, "c")
    first = told(site, "hours.unrecorded")
    assert {who for who, _ in first} == {site.id("secretary"), site.id("deputy")}
    assert all("陈一助老购物" in title and "11月16日前要记" in title for _, title in first)
    assert told(site, "hours.not_ended") == [(site.id("volunteer1"), "别忘了点“完成”：助老购物")]
    for day, slot in ((11, "d"), (12, "e"), (13, "f")):
        clock.set_now(moment(11, day, 12))
        assert "提醒0次" in remind(site, slot)
    clock.set_now(moment(11, 16, 8, 30))
    assert "提醒1次" in remind(site, "g")
    assert sum("时长漏录" in title for _, title in told(site, "hours.unrecorded")) == 2
    clock.set_now(moment(12, 20, 8, 30))
    assert "提醒0次" in remind(site, "h")


def test_a_day_without_the_job_is_made_up_for(site: Site) -> None:
    begun(site)
    clock.set_now(moment(11, 20, 8, 30))
    assert "提醒1次" in remind(site, "a")
    assert [title.partition("：")[0] for _, title in told(site, "hours.unrecorded")] == ["时长漏录"] * 2


def test_whoever_dispatched_it_is_reminded_too(site: Site) -> None:
    clock.set_now(moment(11, 2, 10))
    order = site.placed()
    site.do(lambda viewer: workflow.dispatch(viewer, order, volunteers=[site.id("volunteer1")]), "deputy")
    site.do(lambda viewer: workflow.accept(viewer, order), "volunteer1")
    site.do(lambda viewer: workflow.check_in(viewer, order), "volunteer1")
    clock.set_now(moment(11, 11, 8, 30))
    remind(site, "a")
    assert {who for who, _ in told(site, "hours.unrecorded")} == {site.id("deputy"), site.id("secretary")}


def test_the_list_and_how_the_branch_mends_it(site: Site) -> None:
    order = begun(site)
    clock.set_now(moment(11, 18, 10))
    page = site.get("secretary", PAGE).text
    for words in ("陈一", "助老购物", "榕树园1栋1单元", "漏录，已过12个工作日", f"/orders/{order}"):
        assert words in page, words
    assert not re.search(r"1栋1单元\d", page)
    answer = site.verb("secretary", order, "complete_for", minutes="40", reason="电话问过，下午做完的")
    assert answer.status_code == 303
    page = site.get("secretary", PAGE).text
    assert "都记上了" in page and "电话问过，下午做完的" in page
    with site.app.app_context():
        entry = db.session.scalars(select(HourEntry)).one()
        assert (entry.minutes, entry.recorded_late, entry.recorded_by) == (40, True, site.id("secretary"))
        assert (entry.starts_at, entry.ends_at) == (moment(11, 2, 10), moment(11, 2, 10, 40))
        assert (entry.place, entry.body, entry.in_charge) == ("榕树园1栋1单元", "榕树园党支部", "王书记")
        assert (entry.source, entry.source_id, entry.order_id) == ("order", order, order)
    assert (site.id("volunteer1"), "记入40分钟：助老购物") in told(site, "hours.credited")
    assert site.order(order).state == "completed"
    assert "代陈一记完成" in site.get("secretary", f"/orders/{order}").text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"minutes": "0", "reason": "x"}, "1到1440分钟"), ({"minutes": "40", "reason": ""}, "请写明原因"),
        ({"minutes": "", "reason": "x"}, "请填实际服务的分钟数"),
    ],
)  # fmt: skip
def test_completing_for_somebody_wants_minutes_and_a_reason(site: Site, fields: dict[str, str], text: str) -> None:
    order = begun(site)
    answer = site.verb("secretary", order, "complete_for", **fields)
    assert answer.status_code == 422 and text in answer.text
    assert site.order(order).state == "in_service"


def test_late_records_by_day_and_as_a_table(site: Site) -> None:
    late = {"recorded_late": True}
    give(site.app, site.world, {"start": moment(10, 10), "note": "补记原因：=1+1", "minutes": 90, **late},
         {"start": moment(3, 10), **late}, {"start": moment(10, 11)})  # fmt: skip
    page = site.get("secretary", PAGE).text
    assert page.count("1小时30分") == 1 and "补记原因：=1+1" in page
    assert site.get("secretary", f"{PAGE}?first=2026-01-01&last=2026-12-31").text.count('scope="row"') == 2
    answer = site.send("secretary", PAGE, "/late/export")
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    text = answer.data.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("情况,服务日期,志愿者")
    assert "迟录,2026-10-10,陈一" in text and text.count("\r\n") == 2
    with site.app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "export_hours")).one()
    assert event.details == {"kind": "late", "rows": 1}


def test_formulas_in_the_table_are_disarmed(site: Site) -> None:
    give(site.app, site.world, {"start": moment(10, 10), "recorded_late": True, "content": "=cmd()"})
    assert "'=cmd()" in site.send("secretary", PAGE, "/late/export").data.decode("utf-8-sig")


def test_each_branch_sees_its_own(site: Site) -> None:
    begun(site)
    clock.set_now(MOMENT)
    give(site.app, site.world, {"start": moment(10, 10), "recorded_late": True})
    assert "陈一" not in site.get("cement_secretary", PAGE).text
    assert "陈一" in site.get("staff", f"{PAGE}?estate={site.world.estates['banyan'].id}").text
    elsewhere = f"{PAGE}?estate={site.world.estates['swan'].id}"
    assert site.get("secretary", elsewhere).status_code == 404
    assert site.get("volunteer1", PAGE).status_code == 403
