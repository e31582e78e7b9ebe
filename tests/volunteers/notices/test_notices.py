"""A month's hours on notice: names only by consent and never of children, objections answered, then confirmed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text

from core import clock, jobs
from core.audit import Event
from core.database import db
from core.outbox import Message
from tests.factories import World
from tests.services.orders.site import Site
from tests.volunteers.making import born, decide, give, moment, submit
from volunteers.consents.models import VolunteerConsent as Consent
from volunteers.disputes.models import Dispute
from volunteers.notices.models import HourNotice, HourNoticeLine
from volunteers.notices.workflow import NOTICES

DESK = "/hours/desk/notices"


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    """October: the first volunteer gave three hours, the second two, the third one."""
    site = Site(app, world)
    for n, minutes in ((1, 180), (2, 120), (3, 60)):
        give(app, world, {"start": moment(10, 10, 9), "minutes": minutes, "name": f"volunteer{n}"})
    give(app, world, {"start": moment(11, 2), "minutes": 30})
    return site


def drafted(site: Site) -> str:
    answer = site.send("secretary", DESK, "/notices/draft", month="2026-10-01")
    assert answer.status_code == 303, answer.text
    return str(answer.location.rpartition("/")[2])


def opened(site: Site) -> str:
    id_ = drafted(site)
    assert site.send("secretary", f"{DESK}/{id_}", "/open").status_code == 303
    return id_


def find(site: Site, id_: str) -> HourNotice:
    with site.app.app_context():
        return db.session.get_one(HourNotice, id_)


def public(site: Site, id_: str, name: str = "") -> str:
    answer = site.get(name, f"/notices/hours/{id_}")
    assert answer.status_code == 200
    return str(answer.text)


def names(page: str) -> list[str]:
    return [re.sub(r"\s|<.*?>", "", cell) for cell in re.findall(r'<th scope="row">(.*?)</th>', page, re.S)]


def agree(site: Site, name: str, on: bool = True, kind: str = "hours_notice") -> None:
    assert submit(site, name, f"/consents/{kind}", on="1" if on else "").status_code == 303


def test_a_draft_is_nobody_elses_business(site: Site) -> None:
    id_ = drafted(site)
    page = site.get("secretary", f"{DESK}/{id_}").text
    assert "陈一" in page and "某志愿者" in page and "开始公示3个工作日" in page
    for name in ("", "volunteer1", "secretary"):
        assert site.get(name, f"/notices/hours/{id_}").status_code == 404
    with site.app.app_context():
        assert db.session.scalars(select(HourNoticeLine)).all() == []


def test_what_the_public_reads(site: Site) -> None:
    agree(site, "volunteer1")
    id_ = opened(site)
    page = public(site, id_)
    assert names(page) == ["陈*", "某志愿者", "某志愿者"]
    assert not any(name in page for name in ("陈一", "陈二", "陈三"))
    assert all(figure in page for figure in (">3</td>", ">2</td>", ">1</td>"))
    found = find(site, id_)
    assert (found.state, found.closes_on, found.period_days) == ("open", date(2026, 11, 23), 3)
    with site.app.app_context():
        told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "notice.opened")))
    assert told == {site.id(f"volunteer{n}") for n in (1, 2, 3)}
    assert "这是您" in public(site, id_, "volunteer2") and "这是您" not in page
    assert f"/notices/hours/{id_}" in site.get("volunteer1", "/hours").text
    assert f"/notices/hours/{id_}" in site.get("resident", "/notices/hours").text
    assert f"/notices/hours/{id_}" not in site.get("far_resident", "/notices/hours").text


def test_consent_is_withdrawn_at_once_and_kept_with_its_dates(site: Site) -> None:
    agree(site, "volunteer1")
    id_ = opened(site)
    assert names(public(site, id_))[0] == "陈*"
    clock.set_now(moment(11, 19))
    agree(site, "volunteer1", on=False)
    assert names(public(site, id_))[0] == "某志愿者"
    agree(site, "volunteer1")
    agree(site, "volunteer1")
    with site.app.app_context():
        rows = db.session.scalars(select(Consent).order_by(Consent.given_at)).all()
        verbs = db.session.scalars(select(Event.verb).where(Event.verb.endswith("_consent"))).all()
    assert [row.withdrawn_at is None for row in rows] == [False, True]
    assert rows[0].withdrawn_at == moment(11, 19)
    assert sorted(verbs) == ["give_consent", "give_consent", "withdraw_consent"]


def test_children_are_never_named(site: Site) -> None:
    agree(site, "volunteer1")
    born(site.app, site.world, "volunteer1", date(2008, 11, 30))
    id_ = opened(site)
    assert names(public(site, id_))[0] == "某志愿者"
    assert "未满18岁的志愿者" in site.get("volunteer1", "/hours").text
    assert submit(site, "volunteer1", "/consents/publishing", on="1").status_code == 403
    clock.set_now(moment(12, 1))
    assert names(public(site, id_))[0] == "陈*"


def test_it_stands_three_working_days_and_every_objection_is_answered_first(site: Site) -> None:
    id_ = opened(site)
    early = site.send("secretary", f"{DESK}/{id_}", "/close")
    assert early.status_code == 303
    assert "公示要到11月23日才满3个工作日" in site.get("secretary", f"{DESK}/{id_}").text
    answer = submit(site, "resident", f"/notices/hours/{id_}/object", line="1", text="那天他只来了两个小时")
    assert answer.status_code == 303
    clock.set_now(moment(11, 24, 8))
    site.send("secretary", f"{DESK}/{id_}", "/close")
    assert "还有1条异议没有答复" in site.get("secretary", f"{DESK}/{id_}").text
    with site.app.app_context():
        dispute = db.session.execute(
            select(Dispute.id, Dispute.volunteer_id, Dispute.notice_id, Dispute.entry_id)
        ).one()
        assert jobs.run("close_notices", "a").outcome == "结束0个公示，1个等支部答复异议"  # type: ignore[union-attr]
        assert jobs.run("close_notices", "b").outcome == "结束0个公示，1个等支部答复异议"  # type: ignore[union-attr]
        waits = db.session.scalars(select(Message).where(Message.kind == "notice.waits")).all()
    assert len(waits) == 2
    assert (dispute.volunteer_id, dispute.notice_id, dispute.entry_id) == (site.id("volunteer1"), id_, None)
    page = f"/hours/desk/disputes/{dispute.id}"
    assert "10月10日 周六 助老购物 180分钟" in site.get("secretary", page).text
    unpicked = site.send("secretary", page, "/correct", minutes="120", answer="签到表是两个小时")
    assert unpicked.status_code == 422 and "请选更正哪一条" in unpicked.text
    picked = re.search(r'name="correct-entry"\s+value="(\w+)"', site.get("secretary", page).text)
    assert picked is not None
    done = site.send("secretary", page, "/correct", minutes="120", answer="签到表是两个小时", entry=picked[1])
    assert done.status_code == 303
    line = public(site, id_)
    assert "公示后更正为2小时" in line and ">3</td>" in line
    with site.app.app_context():
        told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "hours.corrected")))
        answered = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "dispute.answered")))
        assert (told, answered) == ({site.id("volunteer1")}, {site.id("resident")})
        assert jobs.run("close_notices", "c").outcome == "结束1个公示，0个等支部答复异议"  # type: ignore[union-attr]
    found = find(site, id_)
    assert (found.state, found.closed_at) == ("closed", moment(11, 24, 8))


def confirmed(site: Site) -> str:
    id_ = opened(site)
    clock.set_now(moment(11, 24, 8))
    assert site.send("secretary", f"{DESK}/{id_}", "/close").status_code == 303
    assert find(site, id_).state == "closed"
    return id_


def test_a_confirmed_month_is_marked_and_a_later_correction_too(site: Site) -> None:
    id_ = confirmed(site)
    page = site.get("volunteer1", "/hours").text
    assert page.count("已公示") == 1
    clock.set_now(moment(11, 25))
    entry = re.search(r"/hours/(\w+)/dispute", site.get("volunteer1", "/hours").text.split("10月10日")[1])
    assert entry is not None
    desk = f"/volunteers/{site.id('volunteer1')}/hours"
    assert site.send("secretary", desk, f"/hours/{entry[1]}", minutes="100", reason="复核").status_code == 303
    page = site.get("volunteer1", "/hours").text
    assert page.count("公示后更正") == 2 and page.count("已公示") == 1
    assert "公示后更正为1.7小时" in public(site, id_)
    with site.app.app_context():
        dates = db.session.scalars(select(HourNoticeLine.minutes).order_by(HourNoticeLine.position)).all()
    assert list(dates) == [180, 120, 60]


def test_objections_by_phone_and_who_may_object(site: Site) -> None:
    id_ = opened(site)
    path = f"{DESK}/{id_}/phone"
    missing = submit(site, "secretary", path, caller="", text="少算了")
    assert missing.status_code == 422 and "请写打电话的人怎么称呼" in missing.text
    assert submit(site, "secretary", path, caller="3栋孙阿姨", text="少算了").status_code == 303
    assert "3栋孙阿姨（电话）" in site.get("secretary", f"{DESK}/{id_}").text
    assert submit(site, "far_resident", f"/notices/hours/{id_}/object", text="看着不对").status_code == 303
    assert site.get("", f"/notices/hours/{id_}/object").location.startswith("/sign-in")
    wrong = submit(site, "resident", f"/notices/hours/{id_}/object", text="看着不对", line="9")
    assert wrong.status_code == 422 and "公示里没有第9行" in wrong.text
    assert submit(site, "resident", f"/notices/hours/{id_}/object", text="").status_code == 422
    with site.app.app_context():
        assert len(db.session.scalars(select(Dispute)).all()) == 2
    assert site.get("volunteer1", path).status_code == 403
    assert site.get("cement_secretary", path).status_code == 404


def test_no_objection_after_the_end(site: Site) -> None:
    id_ = confirmed(site)
    path = f"/notices/hours/{id_}/object"
    assert site.get("resident", path).status_code == 404
    late = submit(site, "resident", path, text="晚了")
    assert late.status_code == 422 and "公示已经结束" in late.text


def test_a_month_is_put_on_notice_once_and_taken_down_with_a_reason(site: Site) -> None:
    id_ = opened(site)
    assert 'value="2026-10-01"' not in site.get("secretary", DESK).text
    again = submit(site, "secretary", f"{DESK}/draft", month="2026-10-01")
    assert again.status_code == 422
    bare = site.send("secretary", f"{DESK}/{id_}", "/withdraw", reason="")
    assert bare.status_code == 422 and "请写明原因" in bare.text
    assert site.send("secretary", f"{DESK}/{id_}", "/withdraw", reason="漏了一次活动").status_code == 303
    assert site.get("", f"/notices/hours/{id_}").status_code == 404
    assert drafted(site) != id_


@pytest.mark.parametrize("month", ["2026-11-01", "2026-12-01", "2026-09-01", "x", ""])
def test_months_that_cannot_be_put_on_notice(site: Site, month: str) -> None:
    answer = submit(site, "secretary", f"{DESK}/draft", month=month)
    assert answer.status_code == 422
    with site.app.app_context():
        assert db.session.scalars(select(HourNotice)).all() == []


def test_the_estate_decides_how_long(site: Site) -> None:
    decide(site.app, site.world, "hours", answer_days=5, notice_days=5)
    assert find(site, opened(site)).closes_on == date(2026, 11, 25)


def test_the_states_are_those_of_the_table(site: Site) -> None:
    id_ = confirmed(site)
    for verb in ("open", "close", "withdraw"):
        assert submit(site, "secretary", f"{DESK}/{id_}/{verb}", reason="x").status_code == 409
    with site.app.app_context():
        events = db.session.execute(
            select(Event.verb, Event.to_state).where(Event.subject_id == id_).order_by(Event.day, Event.number)
        ).all()
        assert [tuple(event) for event in events] == [
            ("draft_notice", "draft"), ("open_notice", "open"), ("close_notice", "closed")
        ]  # fmt: skip
        assert db.session.execute(text("SELECT state, version FROM hour_notice")).one() == ("closed", 3)
    assert NOTICES.verbs("closed") == ()


def test_the_desk_is_the_branchs(site: Site) -> None:
    id_ = drafted(site)
    assert site.get("cement_secretary", f"{DESK}/{id_}").status_code == 404
    assert site.get("staff", f"{DESK}/{id_}").status_code == 200
    assert submit(site, "staff", f"{DESK}/{id_}/open").status_code == 403
    assert submit(site, "cement_secretary", f"{DESK}/{id_}/open").status_code == 404
