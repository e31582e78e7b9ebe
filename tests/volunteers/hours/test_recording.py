"""Hours recorded outside an order: every person checked, each who is refused named, the form kept, late with reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from tests.conftest import MOMENT
from tests.factories import World, volunteer
from tests.services.orders.site import Site
from tests.volunteers.making import at_once, give, moment
from volunteers.hours.forms import read_people
from volunteers.hours.models import HourEntry
from volunteers.hours.recording import PeopleRefused, Refused, Service, record
from volunteers.hours.workflow import Origin
from volunteers.registry.models import Volunteer

PAGE = "/hours/desk/record"


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def filled(site: Site, **values: Any) -> dict[str, Any]:
    """The form as one fills it in: a clean-up of the first two volunteers on Saturday morning."""
    fields = {
        "content": "周末大扫除", "place": "1栋楼下", "starts_at": "2026-11-14T08:30", "ends_at": "2026-11-14T10:30",
        "minutes": "110", "people": [site.id("volunteer1"), site.id("volunteer2")],
    } | values  # fmt: skip
    return site.filled("secretary", PAGE, "/record", **fields)


def entries(app: Flask) -> list[HourEntry]:
    with app.app_context():
        return list(db.session.scalars(select(HourEntry).order_by(HourEntry.volunteer_id)))


def test_a_collective_activity_of_several_people(site: Site) -> None:
    answer = site.post("secretary", PAGE, filled(site, others="陈三 45", note="树叶多"))
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/hours/desk")
    found = {entry.volunteer_id: entry for entry in entries(site.app)}
    assert {site.id("volunteer1"): 110, site.id("volunteer2"): 110, site.id("volunteer3"): 45} == {
        who: entry.minutes for who, entry in found.items()
    }
    one = found[site.id("volunteer1")]
    assert (one.place, one.body, one.in_charge, one.source) == ("1栋楼下", "榕树园党支部", "王书记", "activity")
    assert (one.body_id, one.in_charge_id) == (site.world.estates["banyan"].branch.id, site.id("secretary"))
    assert (one.starts_at, one.ends_at, one.recorded_late) == (moment(11, 14, 8, 30), moment(11, 14, 10, 30), False)
    with site.app.app_context():
        told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "hours.credited")))
        event = db.session.scalars(select(Event).where(Event.verb == "record_hours")).one()
    assert told == set(found)
    assert (event.details["people"], event.details["minutes"]) == (3, 265)
    assert "周末大扫除" in site.get("volunteer1", "/hours").text


def test_everyone_who_is_refused_is_named_and_nothing_is_written(site: Site) -> None:
    give(site.app, site.world, {"start": moment(11, 14, 9), "minutes": 60})
    with site.app.app_context():
        begin_write()
        late = update(Volunteer).where(Volunteer.person_id == site.id("volunteer2"))
        late = late.values(joined_on=date(2026, 11, 16))
        gone = update(Volunteer).where(Volunteer.person_id == site.id("volunteer3"))
        for statement in (late, gone.values(standing="left", left_on=date(2026, 11, 13))):
            db.session.execute(statement.execution_options(synchronize_session=False))
        db.session.commit()
    people = [site.id(f"volunteer{n}") for n in (1, 2, 3, 4)]
    answer = site.post("secretary", PAGE, filled(site, people=people, others="陈四 130"))
    assert answer.status_code == 422
    for words in (
        "陈一：11月14日09:00到10:00已记入“助老购物”", "陈二：2026年11月16日才登记", "陈三：2026年11月13日已退出",
        "陈四：填了130分钟，比开始到结束的120分钟还长", "现在一个人都没有记",
    ):  # fmt: skip
        assert words in answer.text, words
    assert 'value="周末大扫除"' in answer.text and answer.text.count("checked") >= 4
    assert len(entries(site.app)) == 1


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"ends_at": "2026-11-14T08:30"}, "结束时间要晚于开始时间"),
        ({"ends_at": "2026-11-15T08:31"}, "一次服务最长24小时"),
        ({"starts_at": "2026-11-18T09:00", "ends_at": "2026-11-18T10:01"}, "服务还没有结束"),
        ({"starts_at": "2026-12-14T08:30", "ends_at": "2026-12-14T10:30"}, "服务还没有结束"),
        ({"minutes": "0"}, "1到1440分钟"), ({"minutes": "1441"}, "1到1440分钟"), ({"minutes": "一百"}, "没填好"),
        ({"content": " "}, "请写做了什么"), ({"place": ""}, "请写在哪里"), ({"starts_at": "昨天"}, "时间写成"),
        ({"people": []}, "请选至少一位志愿者"), ({"others": "张三"}, "“张三”不在本小区志愿者里"),
        ({"others": "陈三\n陈三 30"}, "陈三写了两次"), ({"people": ["0" * 16]}, "不是本小区的志愿者"),
        ({"in_charge": ""}, "请写负责人"),
        ({"starts_at": "2026-11-02T08:30", "ends_at": "2026-11-02T10:30"}, "应在11月16日前记录（10个工作日内）"),
    ],
)  # fmt: skip
def test_wrong_input_says_why_and_keeps_the_form(site: Site, values: dict[str, Any], text: str) -> None:
    answer = site.post("secretary", PAGE, filled(site, **values))
    assert answer.status_code == 422
    assert text in answer.text
    assert values.get("place", "1栋楼下") in answer.text
    assert entries(site.app) == []


def test_late_with_a_reason_is_marked(site: Site) -> None:
    fields = filled(site, starts_at="2026-11-02T08:30", ends_at="2026-11-02T10:30", late_reason="签到表刚收齐")
    assert site.post("secretary", PAGE, fields).status_code == 303
    assert {(entry.recorded_late, entry.note) for entry in entries(site.app)} == {(True, "补记原因：签到表刚收齐")}


def test_the_tenth_working_day_is_in_time(site: Site) -> None:
    """3 November is a Tuesday: the tenth working day after it is Tuesday the 17th, MOMENT is Wednesday the 18th."""
    clock.set_now(moment(11, 17, 23, 59))
    fields = filled(site, starts_at="2026-11-03T08:30", ends_at="2026-11-03T10:30")
    assert site.post("secretary", PAGE, fields).status_code == 303
    assert not any(entry.recorded_late for entry in entries(site.app))


def test_who_may_record_and_where(site: Site) -> None:
    fields = filled(site)
    for name, status in (("staff", 403), ("volunteer1", 403), ("grid_worker", 403)):
        token = site.filled(name, "/me/password", "/me/password")["csrf_token"]
        assert site.post(name, PAGE, fields | {"csrf_token": token}).status_code == status
    token = site.filled("cement_secretary", PAGE, "/record")["csrf_token"]
    answer = site.post("cement_secretary", PAGE, fields | {"csrf_token": token})
    assert answer.status_code == 422 and "不是本小区的志愿者" in answer.text
    elsewhere = f"{PAGE}?estate={site.world.estates['banyan'].id}"
    assert site.post("cement_secretary", elsewhere, fields | {"csrf_token": token}).status_code == 404
    assert entries(site.app) == []


def test_lists_of_names_numbers_and_minutes(site: Site) -> None:
    class One:
        def __init__(self, id_: str, name: str, number: str) -> None:
            self.id, self.name, self.number = id_, name, number

    roll = [One("a", "陈一", "V11111111"), One("b", "王明", "V22222222"), One("c", "王明", "V33333333")]
    found, wrong = read_people("陈一 45分钟\n\nv33333333，30\n王明 20\n李四60", roll)
    assert found == {"a": 45, "c": 30}
    assert wrong == ["有2位王明，请改写编号：V22222222、V33333333", "“李四60”不在本小区志愿者里，请核对姓名或编号"]
    assert read_people("陈一：90\n王明", roll[:2]) == ({"a": 90, "b": None}, [])


def test_two_who_share_a_name_are_told_apart(site: Site) -> None:
    with site.app.app_context():
        begin_write()
        volunteer("陈三", site.world.estates["banyan"])
        db.session.commit()
    answer = site.post("secretary", PAGE, filled(site, others="陈三 30"))
    assert answer.status_code == 422 and "有2位陈三，请改写编号" in answer.text


def service(world: World, **values: Any) -> Service:
    known: dict[str, Any] = {
        "estate_id": world.estates["banyan"].id, "starts_at": moment(11, 14, 8), "ends_at": moment(11, 14, 10),
        "content": "值班", "origin": Origin("岗亭", None, "x", None, "y", "shift", "s1"),
    }  # fmt: skip
    return Service(**(known | values))


def test_the_same_person_is_never_credited_twice_at_once(app: Flask, world: World, at: object) -> None:
    who = world["volunteer1"].id

    def act() -> int:
        begin_write()
        done = record(world["secretary"].viewer(), service(world), {who: 60})
        db.session.commit()
        return len(done)

    answers = at_once(app, [act] * 4)
    assert sorted(map(str, answers))[0] == "1" and sum(isinstance(a, PeopleRefused) for a in answers) == 3
    assert len(entries(app)) == 1


def test_adjoining_times_do_not_meet(app: Flask, world: World, at: object) -> None:
    who = world["volunteer1"].id
    with app.app_context():
        begin_write()
        viewer = world["secretary"].viewer()
        record(viewer, service(world), {who: 120})
        after = service(world, starts_at=moment(11, 14, 10), ends_at=moment(11, 14, 11))
        assert record(viewer, after, {who: 60})
        with pytest.raises(PeopleRefused) as caught:
            record(viewer, service(world, starts_at=moment(11, 14, 9, 59), ends_at=moment(11, 14, 12)), {who: 30})
        assert caught.value.why[0][0] == "陈一"
        with pytest.raises(Refused, match="一次最多记"):
            record(viewer, after, {f"{n}": 1 for n in range(301)})


def test_recording_is_at_the_present_moment_of_the_clock(site: Site) -> None:
    assert site.post("secretary", PAGE, filled(site)).status_code == 303
    assert {entry.recorded_at for entry in entries(site.app)} == {MOMENT}
