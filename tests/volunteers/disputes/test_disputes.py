"""Disputes: raised by the volunteer, answered by a correction, a new record or a reason, never by an edit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core import clock, jobs
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Site
from tests.volunteers.making import decide, give, moment, submit
from volunteers.disputes import queries, workflow
from volunteers.disputes.models import Dispute
from volunteers.disputes.workflow import DISPUTES, Claim
from volunteers.hours.models import HourEntry
from volunteers.hours.queries import total_minutes

DESK = "/hours/desk/disputes"


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def disputed(site: Site, **values: str) -> tuple[str, str]:
    """An entry of an hour and what the volunteer says of it; both ids."""
    (entry,) = give(site.app, site.world, {"start": moment(11, 16, 9), "minutes": 60})
    fields = {"kind": "minutes", "minutes": "90", "text": "做到了10点半"} | values
    answer = submit(site, "volunteer1", f"/hours/{entry}/dispute", **fields)
    assert answer.status_code == 303, answer.text
    return entry, answer.location.rpartition("/")[2]


def told(site: Site, kind: str) -> dict[str, str]:
    with site.app.app_context():
        rows = db.session.execute(select(Message.recipient_id, Message.title).where(Message.kind == kind))
        return {row[0]: row[1] for row in rows}


def find(site: Site, dispute_id: str) -> Dispute:
    with site.app.app_context():
        return db.session.get_one(Dispute, dispute_id)


def minutes(site: Site) -> int:
    with site.app.app_context():
        return total_minutes(site.id("volunteer1"))


def test_the_branch_is_told_with_a_deadline(site: Site) -> None:
    _, dispute = disputed(site)
    found = find(site, dispute)
    assert (found.state, found.claimed_minutes, found.kind) == ("raised", 90, "minutes")
    assert clock.local(found.due_at) == clock.local(moment(11, 25, 18))
    assert set(told(site, "dispute.raised")) == {site.id("secretary"), site.id("deputy")}
    page = site.get("volunteer1", "/hours").text
    assert "有异议，待答复" in page and f"/disputes/{dispute}" in page
    assert "支部正在核实" in site.get("volunteer1", f"/disputes/{dispute}").text
    assert "做到了10点半" in site.get("secretary", f"{DESK}/{dispute}").text
    assert dispute in site.get("staff", DESK).text


def test_the_estate_decides_how_soon(site: Site) -> None:
    decide(site.app, site.world, "hours", answer_days=1, notice_days=3)
    _, dispute = disputed(site)
    assert clock.local(find(site, dispute).due_at) == clock.local(moment(11, 19, 18))


def test_answered_by_a_correction(site: Site) -> None:
    entry, dispute = disputed(site)
    answer = site.send("secretary", f"{DESK}/{dispute}", "/correct", minutes="90", answer="核实了，做到10:30")
    assert answer.status_code == 303
    found = find(site, dispute)
    with site.app.app_context():
        rows = {row.minutes: row for row in db.session.scalars(select(HourEntry))}
    assert set(rows) == {60, -60, 90}
    assert (rows[-60].reverses_id, rows[90].corrects_id, found.correction_id) == (entry, entry, rows[90].id)
    assert (found.state, found.answer, found.answered_by_name) == ("corrected", "核实了，做到10:30", "王书记")
    assert told(site, "dispute.answered")[site.id("volunteer1")].startswith("您的异议已更正")
    for name, path in (("volunteer1", f"/disputes/{dispute}"), ("secretary", f"{DESK}/{dispute}")):
        page = site.get(name, path).text
        assert "1小时30分" in page and "核实了，做到10:30" in page and "提出异议" in page and "更正" in page
    assert minutes(site) == 90


def test_answered_by_moving_it_to_another_time(site: Site) -> None:
    _, dispute = disputed(site, kind="date", start="2026-11-15T09:00")
    page = f"{DESK}/{dispute}"
    give(site.app, site.world, {"start": moment(11, 14, 9), "minutes": 60})
    met = site.send("secretary", page, "/correct", minutes="60", starts_at="2026-11-14T09:30", answer="改到14日")
    assert met.status_code == 422 and "已记入“助老购物”" in met.text and "改到14日" in met.text
    future = site.send("secretary", page, "/correct", minutes="60", starts_at="2026-11-30T09:30", answer="x")
    assert future.status_code == 422 and "已经过去的时间" in future.text
    same = site.send("secretary", page, "/correct", minutes="60", answer="x")
    assert same.status_code == 422 and "不用更正" in same.text
    done = site.send("secretary", page, "/correct", minutes="60", starts_at="2026-11-15T09:00", answer="改到15日")
    assert done.status_code == 303
    with site.app.app_context():
        new = db.session.get_one(HourEntry, find(site, dispute).correction_id)
        assert (new.starts_at, new.ends_at) == (moment(11, 15, 9), moment(11, 15, 10))


def test_answered_by_voiding_it(site: Site) -> None:
    _, dispute = disputed(site)
    assert site.send("secretary", f"{DESK}/{dispute}", "/correct", minutes="0", answer="记重了").status_code == 303
    assert minutes(site) == 0
    assert "整条作废" in site.get("volunteer1", f"/disputes/{dispute}").text


def test_answered_with_a_reason(site: Site) -> None:
    _, dispute = disputed(site)
    empty = site.send("secretary", f"{DESK}/{dispute}", "/explain", answer=" ")
    assert empty.status_code == 422 and "请写明核实的情况和理由" in empty.text
    assert site.send("secretary", f"{DESK}/{dispute}", "/explain", answer="问过居民，10点走的").status_code == 303
    assert find(site, dispute).state == "explained" and minutes(site) == 60
    assert "记录没有改" in site.get("volunteer1", f"/disputes/{dispute}").text
    assert dispute in site.get("secretary", f"{DESK}?group=done").text
    assert dispute not in site.get("secretary", DESK).text


def test_a_service_that_was_missing(site: Site) -> None:
    fields = {"start": "2026-10-20T19:00", "minutes": "45", "text": "帮沈阿姨修灯，楼长知道"}
    answer = submit(site, "volunteer1", "/hours/missing", **fields)
    dispute = answer.location.rpartition("/")[2]
    page = f"{DESK}/{dispute}"
    assert "2026-10-20T19:00" in site.get("secretary", page).text
    wrong = site.send("secretary", page, "/record", content="修灯", place="", answer="楼长证实")
    assert wrong.status_code == 422 and "请写在哪里" in wrong.text
    assert site.send("secretary", page, "/record", content="修灯", place="2栋", answer="楼长证实").status_code == 303
    with site.app.app_context():
        entry = db.session.scalars(select(HourEntry)).one()
        assert (entry.minutes, entry.recorded_late, entry.content, entry.place) == (45, True, "修灯", "2栋")
        assert "本人提出少记" in entry.note
    assert find(site, dispute).correction_id == entry.id
    again = submit(site, "volunteer1", "/hours/missing", **fields)
    dispute = again.location.rpartition("/")[2]
    twice = site.send("secretary", f"{DESK}/{dispute}", "/record", content="修灯", place="2栋", answer="x")
    assert twice.status_code == 422 and "陈一：10月20日19:00到19:45已记入“修灯”" in twice.text


def test_taken_back(site: Site) -> None:
    _, dispute = disputed(site)
    assert site.send("volunteer1", f"/disputes/{dispute}", "/drop").status_code == 303
    assert find(site, dispute).state == "withdrawn"
    assert "您已撤回" in site.get("volunteer1", f"/disputes/{dispute}").text
    token = site.filled("volunteer1", "/me/password", "/me/password")["csrf_token"]
    assert site.post("volunteer1", f"/disputes/{dispute}/drop", {"csrf_token": token}).status_code == 409


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"kind": ""}, "请选哪里不对"), ({"text": ""}, "请写明哪里不对"), ({"minutes": "1441"}, "0到1440分钟"),
        ({"start": "2026-12-01T09:00"}, "已经过去的时间"), ({"kind": "missing"}, "没填好"),
    ],
)  # fmt: skip
def test_wrong_claims_say_why(site: Site, values: dict[str, str], text: str) -> None:
    (entry,) = give(site.app, site.world, {"start": moment(11, 16, 9)})
    fields = {"kind": "minutes", "minutes": "90", "text": "做到了10点半"} | values
    answer = submit(site, "volunteer1", f"/hours/{entry}/dispute", **fields)
    assert answer.status_code == 422 and text in answer.text
    with site.app.app_context():
        assert db.session.scalars(select(Dispute)).all() == []


def test_one_at_a_time_about_one_entry(site: Site) -> None:
    entry, _ = disputed(site)
    again = submit(site, "volunteer1", f"/hours/{entry}/dispute", kind="other", text="又错了")
    assert again.status_code == 422 and "您已经提过" in again.text


def test_a_corrected_entry_is_disputed_no_more(site: Site) -> None:
    entry, dispute = disputed(site)
    site.send("secretary", f"{DESK}/{dispute}", "/correct", minutes="90", answer="核实了")
    answer = site.get("volunteer1", f"/hours/{entry}/dispute")
    assert answer.status_code == 303


def test_an_entry_corrected_meanwhile_is_corrected_from_where_it_stands(site: Site) -> None:
    entry, dispute = disputed(site)
    page = f"/volunteers/{site.id('volunteer1')}/hours"
    assert site.send("secretary", page, f"/hours/{entry}", minutes="70", reason="先改").status_code == 303
    assert site.send("secretary", f"{DESK}/{dispute}", "/correct", minutes="90", answer="再核").status_code == 303
    assert minutes(site) == 90
    with site.app.app_context():
        assert len(db.session.scalars(select(HourEntry)).all()) == 5


def test_whose_business_it_is(site: Site) -> None:
    entry, dispute = disputed(site)
    assert site.get("volunteer2", f"/hours/{entry}/dispute").status_code == 404
    assert site.get("volunteer2", f"/disputes/{dispute}").status_code == 404
    assert site.get("resident", f"/disputes/{dispute}").status_code == 404
    assert site.get("outsider", f"{DESK}/{dispute}").status_code == 404
    assert site.get("cement_secretary", f"{DESK}/{dispute}").status_code == 404
    assert "更正并答复" not in site.get("staff", f"{DESK}/{dispute}").text
    fields = site.filled("secretary", f"{DESK}/{dispute}", "/explain", answer="x")
    token = site.filled("outsider", "/me/password", "/me/password")["csrf_token"]
    answer = site.post("outsider", f"{DESK}/{dispute}/explain", fields | {"csrf_token": token})
    assert answer.status_code == 404 and find(site, dispute).state == "raised"


def test_every_pair_of_state_and_verb(site: Site) -> None:
    """Open disputes can be answered or taken back, closed ones nothing; each step is on the trail."""
    entries = give(site.app, site.world, *[{"start": moment(11, n, 9)} for n in range(1, 5)])
    with site.app.app_context():
        volunteer, secretary = (site.world[name].viewer() for name in ("volunteer1", "secretary"))
        ids = []
        for entry in entries:
            begin_write()
            claim = Claim(site.world.estates["banyan"].id, "other", "不对", "x", volunteer.person_id, entry)
            ids.append(workflow.raise_(volunteer, claim))
            db.session.commit()
        ends = (("uphold", "corrected"), ("explain", "explained"), ("drop", "withdrawn"))
        for id_, (verb, state) in zip(ids, ends, strict=False):
            _do(verb, queries.get_dispute(secretary if verb != "drop" else volunteer, id_), volunteer, secretary)
            db.session.commit()
            found = queries.get_dispute(secretary, id_)
            assert found.state == state
            for other, _ in ends:
                with pytest.raises(InvalidStep):
                    _do(other, found, volunteer, secretary)
                db.session.rollback()
            events = db.session.execute(
                select(Event.from_state, Event.to_state).where(Event.subject_id == id_).order_by(Event.number)
            ).all()
            assert [tuple(event) for event in events] == [(None, "raised"), ("raised", state)]
        assert set(DISPUTES.verbs("raised")) == {"uphold", "explain", "drop"}


def _do(verb: str, found: queries.Found, volunteer: object, secretary: object) -> None:
    begin_write()
    if verb == "uphold":
        assert found.entry_id is not None
        entry = db.session.get_one(HourEntry, found.entry_id)
        workflow.uphold(secretary, found, entry, 61, None, "核实了")  # type: ignore[arg-type]
    elif verb == "explain":
        workflow.explain(secretary, found, "没有错")  # type: ignore[arg-type]
    else:
        workflow.drop(volunteer, found)  # type: ignore[arg-type]


def test_overdue_disputes_are_reminded_of_once(site: Site) -> None:
    _, dispute = disputed(site)
    clock.set_now(moment(11, 25, 18, 1))
    with site.app.app_context():
        for slot in ("a", "b"):
            jobs.run("remind_hours", slot)
    with site.app.app_context():
        rows = db.session.scalars(select(Message).where(Message.kind == "hours.dispute_due")).all()
    assert {row.recipient_id for row in rows} == {site.id("secretary"), site.id("deputy")} and len(rows) == 2
    assert all(dispute in row.link for row in rows)


def test_the_queue_is_by_deadline_and_paged(site: Site) -> None:
    entries = give(site.app, site.world, *[{"start": moment(10, 1, 0) + timedelta(hours=2 * n), "minutes": 5}
                                           for n in range(55)])  # fmt: skip
    with site.app.app_context():
        volunteer = site.world["volunteer1"].viewer()
        for n, entry in enumerate(entries):
            clock.set_now(MOMENT + timedelta(minutes=n))
            begin_write()
            claim = Claim(site.world.estates["banyan"].id, "other", f"第{n}条", "x", volunteer.person_id, entry)
            workflow.raise_(volunteer, claim)
            db.session.commit()
    first = site.get("secretary", DESK).text
    following = first.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = site.get("secretary", following).text
    assert first.count('scope="row"') + second.count('scope="row"') == 55
