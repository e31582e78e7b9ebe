"""Pausing, answering, extending and taking up: who is told what, what the pages say, and two who do it at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from community.workdays import workflow as calendar_workflow
from community.workdays.models import DayKind
from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep, Stale
from services.orders import clocks, jobs, workflow
from services.orders.aggregate import Order
from services.orders.models import OfferState, ServiceOrder, State
from services.orders.workflow import Refused
from services.reports import queries as reports
from tests.conftest import MOMENT
from tests.factories import World, caller
from tests.services.orders.site import Site

# Wednesday 18 November 2026, ten in the morning; legal advice takes five working days, until Wednesday the 25th at six.
DUE = clock.from_local(datetime(2026, 11, 25, 18))


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    app.config["WTF_CSRF_ENABLED"] = False
    return Site(app, world)


def advice(site: Site) -> str:
    """An order that runs by working days."""
    program = caller(site.app, site.world["resident"])
    return str(program.post("/orders", {"service_item": "legal", "note": "合同"}).json["id"])


def told(site: Site, kind: str) -> set[str]:
    """Who has a message of a kind, by the town's names."""
    with site.app.app_context():
        ids = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == kind)))
    return {name for name, who in site.world.people.items() if who.id in ids}


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def pause(site: Site, order_id: str, reason: str = "请说清是什么合同") -> Order:
    found: Order = site.do(lambda viewer: workflow.pause(viewer, order_id, reason), "secretary")
    return found


def test_a_pause_stops_the_clock_and_says_why_and_until_when(site: Site) -> None:
    order_id = advice(site)
    order = pause(site, order_id)
    assert order.state == State.PLACED and order.paused and not order.overdue
    # Saturday at ten at the latest; five working days from then on.
    assert order.due_at == clock.from_local(datetime(2026, 11, 27, 18))
    assert order.next_alarm_at == MOMENT + timedelta(days=3)
    assert told(site, "order.paused") == {"resident"}
    page = text_of(site.get("resident", f"/orders/{order_id}").text)
    assert "等您回复后接着办" in page and "请说清是什么合同" in page and "回复支部" in page
    desk = text_of(site.get("secretary", f"/orders/{order_id}").text)
    assert "已暂停，等居民" in desk and "暂停，等居民，最晚到11月21日 周六 10:00：请说清是什么合同（王书记）" in desk
    assert caller(site.app, site.world["resident"]).get(f"/orders/{order_id}").json["paused_at"] is not None


def test_the_resident_answers_and_the_clock_runs_on(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = advice(site)
    pause(site, order_id)
    at(MOMENT + timedelta(days=1))
    answer = site.verb("resident", order_id, "resume", words="租房合同")
    assert answer.status_code == 303
    order = site.order(order_id)
    assert not order.paused and order.due_at == DUE + timedelta(days=1)
    assert told(site, "order.answered") == {"secretary", "deputy"}
    assert "恢复计时：租房合同" in text_of(site.get("secretary", f"/orders/{order_id}").text)
    with pytest.raises(InvalidStep):
        site.do(lambda viewer: workflow.resume(viewer, order_id), "secretary")


def test_paused_and_resumed_at_once_is_as_if_nothing_had_been(site: Site) -> None:
    order_id = advice(site)
    pause(site, order_id)
    order = site.do(lambda viewer: workflow.resume(viewer, order_id, "问清了"), "secretary")
    assert order.due_at == DUE
    assert told(site, "order.resumed") == {"resident"}


def test_without_an_answer_it_resumes_by_itself_as_if_the_job_had_been_in_time(
    site: Site, at: Callable[[datetime], None]
) -> None:
    order_id = advice(site)
    promised = pause(site, order_id).due_at
    at(MOMENT + timedelta(days=4))
    with site.app.app_context():
        assert "恢复计时1单" in jobs.order_clocks()
    order = site.order(order_id)
    assert not order.paused and order.due_at == promised
    assert {"resident", "secretary", "deputy"} <= told(site, "order.resumed")


def test_an_order_cancelled_while_it_is_paused(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = advice(site)
    pause(site, order_id)
    site.do(lambda viewer: workflow.cancel(viewer, order_id, "不用了"), "resident")
    order = site.order(order_id)
    assert (order.state, order.paused_at, order.next_alarm_at) == (State.CANCELLED, None, None)
    at(MOMENT + timedelta(days=9))
    with site.app.app_context():
        assert jobs.order_clocks() == "提醒0单，上报0单，恢复计时0单，重算0单"
    for verb in ("pause", "resume", "extend", "take_up"):
        act: Any = getattr(workflow, verb)
        with pytest.raises(InvalidStep):
            site.do(lambda viewer, act=act: act(viewer, order_id, "有事"), "secretary")
    for name in ("resident", "secretary"):
        assert site.get(name, f"/orders/{order_id}").status_code == 200


def test_one_sent_back_while_paused_begins_anew(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = advice(site)
    pause(site, order_id)
    site.do(lambda viewer: workflow.send_back(viewer, order_id, "写清楚"), "secretary")
    at(MOMENT + timedelta(days=1))
    site.do(lambda viewer: workflow.resubmit(viewer, order_id, "租房合同", None, None), "resident")
    order = site.order(order_id)
    assert (order.paused, order.due_at) == (False, DUE + timedelta(days=1))


def test_a_service_that_begins_ends_the_pause(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = site.accepted("volunteer1")
    before = site.order(order_id).due_at
    pause(site, order_id, "在家吗")
    assert told(site, "order.held_up") == {"volunteer1"}
    at(MOMENT + timedelta(hours=2))
    site.do(lambda viewer: workflow.check_in(viewer, order_id), "volunteer1")
    order = site.order(order_id)
    assert (order.state, order.paused) == (State.IN_SERVICE, False)
    assert order.due_at == before + timedelta(hours=2)


def test_an_extension_is_told_to_both_and_from_the_second_on_to_the_community(site: Site) -> None:
    order_id = site.accepted("volunteer1")
    before = site.order(order_id).due_at
    answer = site.verb("secretary", order_id, "extend", reason="等配件", minutes="120")
    assert answer.status_code == 303
    assert site.order(order_id).due_at == before + timedelta(hours=2)
    assert told(site, "order.extended") == {"resident", "volunteer1"}
    assert told(site, "order.extended_again") == set()
    later = before + timedelta(days=2)
    site.do(lambda viewer: workflow.extend(viewer, order_id, "还没到货", until=later), "secretary")
    assert site.order(order_id).due_at == later
    assert told(site, "order.extended_again") == {"staff"}
    with pytest.raises(Refused, match="最多延期2次"):
        site.do(lambda viewer: workflow.extend(viewer, order_id, "再等", minutes=5), "secretary")
    page = text_of(site.get("resident", f"/orders/{order_id}").text)
    assert "时限延长2小时：等配件" in page and "还没到货" in page
    desk = text_of(site.get("secretary", f"/orders/{order_id}").text)
    assert "延期2小时：等配件（王书记）" in desk


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"minutes": "60", "reason": ""}, "请写明原因"),
        ({"reason": "有事"}, "请填一样"),
        ({"minutes": "60", "until": "2026-11-30T10:00", "reason": "有事"}, "请填一样"),
        ({"until": "2026-11-18T12:00", "reason": "有事"}, "要晚于现在的时限"),
        ({"until": "2027-06-01T10:00", "reason": "有事"}, "一次最多延15天"),
        ({"minutes": "999999", "reason": "有事"}, "1分钟到90天"),
        ({"until": "明天", "reason": "有事"}, "时间写成"),
    ],
)
def test_extensions_that_do_not_go_come_back_with_why(site: Site, values: dict[str, str], text: str) -> None:
    order_id = advice(site)
    answer = site.verb("secretary", order_id, "extend", **values)
    assert answer.status_code == 422 and text in answer.text
    assert site.order(order_id).due_at == DUE


def test_what_was_late_before_it_was_extended_stays_late_in_the_report(
    site: Site, at: Callable[[datetime], None]
) -> None:
    order_id = site.placed()
    at(MOMENT + timedelta(days=2))
    assert site.order(order_id).overdue
    site.do(lambda viewer: workflow.extend(viewer, order_id, "说好了后天", minutes=2880), "secretary")
    order = site.order(order_id)
    assert not order.overdue and order.missed_at == MOMENT + timedelta(days=1)
    site.offered(order_id, "volunteer1")
    for step in (workflow.accept, workflow.check_in):
        site.do(lambda viewer, step=step: step(viewer, order_id), "volunteer1")
    site.do(lambda viewer: workflow.complete(viewer, order_id, 1, ""), "volunteer1")
    on_time = rate(site)
    assert on_time == (0, 1) and site.order(order_id).overdue


def test_one_extended_in_time_and_one_that_waits_are_not_late(site: Site, at: Callable[[datetime], None]) -> None:
    extended, waiting = site.accepted("volunteer1"), site.placed()
    site.do(lambda viewer: workflow.extend(viewer, extended, "等配件", minutes=2880), "secretary")
    pause(site, waiting)
    at(MOMENT + timedelta(days=2))
    site.do(lambda viewer: workflow.check_in(viewer, extended), "volunteer1")
    site.do(lambda viewer: workflow.complete(viewer, extended, 1, ""), "volunteer1")
    assert rate(site) == (1, 1)
    late = site.get("secretary", "/desk?tab=all&late=1").text
    assert waiting not in late


def rate(site: Site) -> tuple[int, int]:
    """On time ÷ due, of the estate in November."""

    def read(viewer: Any) -> Any:
        return reports.service(reports.get_unit(viewer, None), date(2026, 11, 1), date(2026, 11, 30), "month")[1]

    found: tuple[int, int] = site.do(read, "secretary").rates["on_time"]
    return found


def test_two_secretaries_at_once(site: Site) -> None:
    """Both opened the page; the second one's form is stale, and the page says what the first one did."""
    order_id = advice(site)
    page = f"/orders/{order_id}"
    second = site.filled("deputy", page, f"/orders/{order_id}/extend", reason="等居民找合同", minutes="1440")
    assert site.verb("secretary", order_id, "pause", reason="请补充").status_code == 303
    late = site.post("deputy", f"/orders/{order_id}/extend", second)
    assert late.status_code == 409 and "王书记暂停计时" in late.text
    assert site.order(order_id).paused
    with pytest.raises(Stale):
        site.do(lambda viewer: workflow.resume(viewer, order_id, version=1), "deputy")


def test_whoever_takes_it_up_is_named_and_the_other_is_told(site: Site, at: Callable[[datetime], None]) -> None:
    order_id = site.placed()
    with pytest.raises(InvalidStep):
        site.do(lambda viewer: workflow.take_up(viewer, order_id), "secretary")
    at(MOMENT + timedelta(days=2))
    assert "我来处理" in site.get("staff", f"/orders/{order_id}").text
    assert site.verb("staff", order_id, "take_up", words="我打电话问").status_code == 303
    assert told(site, "order.taken_up") == {"secretary", "deputy"}
    assert "吕社工接手处理：我打电话问" in text_of(site.get("secretary", f"/orders/{order_id}").text)


def test_the_account_on_the_page_across_spring_festival(site: Site, at: Callable[[datetime], None]) -> None:
    """Friday the 13th at half past four: that day, the Saturday made up, nine days off, Tuesday."""
    at(clock.from_local(datetime(2026, 2, 13, 16, 30)))
    program = caller(site.app, site.world["resident"])
    order_id = program.post("/orders", {"service_item": "policy_question"}).json["id"]
    assert site.order(order_id).due_at == clock.from_local(datetime(2026, 2, 24, 16, 30))
    page = text_of(site.get("secretary", f"/orders/{order_id}").text)
    for line in (
        "2月13日 周五 16:30–18:00 工作日 计1小时30分",
        "2月14日 周六 9:00–12:00、14:00–18:00 补班（春节） 计7小时",
        "2月15日 周日–2月23日 周一 春节放假 不计",
        "2月24日 周二 9:00–12:00、14:00–16:30 工作日 计5小时30分",
        "2月24日 周二 16:30 时限到",
    ):
        assert line in page, line
    assert "还没有录入" not in page


def test_a_year_that_is_not_entered_is_warned_of_and_recounted_when_it_is(
    site: Site, at: Callable[[datetime], None]
) -> None:
    at(clock.from_local(datetime(2026, 12, 30, 10)))
    order_id = advice(site)
    # Thursday, Friday 1 January, Monday, Tuesday, Wednesday.
    assert site.order(order_id).due_at == clock.from_local(datetime(2027, 1, 6, 18))
    for name in ("resident", "secretary", "staff"):
        page = site.get(name, f"/orders/{order_id}").text
        assert "2027年的节假日还没有录入，按周一到周五计算" in page
        assert ("去录入" in page) is (name == "staff")

    def enter(viewer: Any) -> None:
        begin_write()
        calendar_workflow.set_day(viewer, date(2027, 1, 1), DayKind.HOLIDAY, "元旦", 0)
        calendar_workflow.enter(viewer, 2027, True, 1)
        db.session.commit()

    site.do(enter, "staff")
    with site.app.app_context():
        assert "重算1单" in jobs.order_clocks()
        assert "重算0单" in jobs.order_clocks()
        verbs = list(db.session.scalars(select(Event.verb).where(Event.subject_id == order_id)))
    assert verbs.count("recount") == 1
    assert site.order(order_id).due_at == clock.from_local(datetime(2027, 1, 7, 18))
    assert told(site, "order.recounted") == {"resident", "secretary", "deputy"}
    page = text_of(site.get("secretary", f"/orders/{order_id}").text)
    assert "2027年1月1日 元旦放假 不计" in page and "还没有录入" not in page


def test_working_hours_are_those_of_the_estate(site: Site) -> None:
    banyan = site.world.estates["banyan"].id
    rules = site.get("secretary", f"/policies/{banyan}/clocks")
    assert rules.status_code == 200
    form = {
        "morning_from": "08:30", "morning_until": "11:30", "afternoon_from": "13:30", "afternoon_until": "17:30",
        "remind": "y", "deputy_after": "30", "secretary_after": "60", "community_after": "120", "again_after": "480",
        "urgent_after": "10", "urgent_again": "30", "wait_days": "3", "extensions": "2", "extension_days": "15",
        "version": "0",
    }  # fmt: skip
    wrong = site.post("secretary", f"/policies/{banyan}/clocks", form | {"afternoon_from": "11:00"})
    assert wrong.status_code == 422 and "下午上班不能早于上午下班" in wrong.text
    assert site.post("secretary", f"/policies/{banyan}/clocks", form).status_code == 303
    program = caller(site.app, site.world["resident"])
    order_id = program.post("/orders", {"service_item": "policy_question"}).json["id"]
    # Ten o'clock: 90 minutes, 240, then 420 on Thursday and 90 on Friday.
    assert site.order(order_id).due_at == clock.from_local(datetime(2026, 11, 20, 10))
    assert "8:30–11:30、13:30–17:30" in site.get("secretary", f"/orders/{order_id}").text


def test_an_order_from_before_clocks_were_kept(site: Site) -> None:
    order_id = site.accepted("volunteer1")
    with site.app.app_context():
        begin_write()
        db.session.execute(ServiceOrder.__table__.update().values(clock={}, next_alarm_at=MOMENT))
        db.session.commit()
        assert jobs.order_clocks().startswith("提醒0单")
    before = site.order(order_id).due_at
    assert "时限怎么算的" in site.get("secretary", f"/orders/{order_id}").text
    order = site.do(lambda viewer: workflow.extend(viewer, order_id, "等配件", minutes=60), "secretary")
    assert order.due_at == before + timedelta(hours=1)
    assert clocks.of_order(order.row).marks and order.offers[site.id("volunteer1")].state == OfferState.ACCEPTED
