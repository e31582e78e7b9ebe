"""Who was there, the hours of it, who was not, the log, and who is on duty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update

from core import clock
from core.access import NotFound
from core.database import begin_write, db
from core.ids import new_id
from core.workflow import InvalidStep, ReasonMissing
from tests.volunteers.rota.duty import GUARD, SOON, Duty
from volunteers.hours.models import HourEntry
from volunteers.hours.presence import NotYetRegistered
from volunteers.hours.workflow import Overlap, correct
from volunteers.registry.models import Volunteer
from volunteers.rota import queries, workflow
from volunteers.rota.workflow import Refused

Clock = Callable[[datetime], None]
END = SOON + timedelta(hours=4)


@pytest.fixture
def shift(duty: Duty) -> str:
    """A shift that 陈一 has signed up for."""
    made = duty.shift()
    duty.sign_up("volunteer1", made)
    return made


def test_hours_come_from_presence_once(duty: Duty, shift: str, at: Clock) -> None:
    place = duty.place("volunteer1", shift)
    with pytest.raises(Refused, match="9:30起可以签到"):
        duty.do("secretary", workflow.check_in, place)
    at(SOON - timedelta(minutes=20))
    duty.do("secretary", workflow.check_in, place)
    with pytest.raises(InvalidStep):
        duty.do("secretary", workflow.check_in, place)
    at(END - timedelta(minutes=30) - timedelta(seconds=1))
    assert duty.do("secretary", workflow.check_out, place) == (shift, 210)
    with pytest.raises(InvalidStep):
        duty.do("secretary", workflow.check_out, place)
    entries = duty.hours("volunteer1")
    assert [(one.minutes, one.content, one.note) for one in entries] == [(210, "门岗值守", "值班员")]
    assert (entries[0].starts_at, entries[0].ends_at) == (SOON, END - timedelta(minutes=30))
    assert (entries[0].place, entries[0].source, entries[0].source_id) == ("东门岗亭", "shift", shift)
    row = duty.row("volunteer1", shift)
    assert (row.state, row.minutes, row.entry_id) == ("done", 210, entries[0].id)


def test_a_correction_goes_through_the_ledger(duty: Duty, shift: str, at: Clock) -> None:
    place = duty.place("volunteer1", shift)
    at(SOON)
    duty.do("secretary", workflow.check_in, place)
    at(END)
    duty.do("secretary", workflow.check_out, place)
    duty.do("secretary", lambda viewer: correct(viewer, duty_entry(duty), 200, "早走了"))
    assert sum(one.minutes for one in duty.hours("volunteer1")) == 200
    assert len(duty.hours("volunteer1")) == 3


def duty_entry(duty: Duty) -> HourEntry:
    found = duty.hours("volunteer1")[0]
    return db.session.get_one(HourEntry, found.id)


def test_the_real_times_can_be_given_afterwards(duty: Duty, shift: str, at: Clock) -> None:
    place = duty.place("volunteer1", shift)
    at(END + timedelta(days=3))
    duty.do("secretary", workflow.check_in, place)
    since, until = SOON + timedelta(minutes=15), END + timedelta(minutes=10)
    with pytest.raises(Refused, match="离岗时间要晚于"):
        duty.do("secretary", workflow.check_out, place, since=until, until=since)
    with pytest.raises(Refused, match="前后"):
        duty.do("secretary", workflow.check_out, place, until=END + timedelta(days=1))
    assert duty.do("secretary", workflow.check_out, place, since=since, until=until)[1] == 235
    assert not duty.hours("volunteer1")[0].recorded_late


def test_late_records_are_marked(duty: Duty, shift: str, at: Clock) -> None:
    at(END + timedelta(days=20))
    place = duty.place("volunteer1", shift)
    duty.do("secretary", workflow.check_in, place)
    assert duty.do("secretary", workflow.check_out, place)[1] == 240
    assert duty.hours("volunteer1")[0].recorded_late
    at(END + timedelta(days=31))
    other = duty.shift(END + timedelta(days=5))
    duty.do("secretary", workflow.enter, other, "1", [duty.id("volunteer2")], "当面说的")
    assert duty.kinds("volunteer2") == []


def test_no_hours_twice_nor_before_registration(duty: Duty, shift: str, at: Clock) -> None:
    place = duty.place("volunteer1", shift)
    with duty.app.app_context():
        begin_write()
        db.session.add(
            HourEntry(
                id=new_id(), volunteer_id=duty.id("volunteer1"), estate_id=duty.world.estates["banyan"].id,
                starts_at=SOON + timedelta(hours=1), ends_at=SOON + timedelta(hours=2), minutes=60, content="助老购物",
                recorded_at=SOON, recorded_by="x",
            )
        )  # fmt: skip
        db.session.commit()
    at(SOON)
    duty.do("secretary", workflow.check_in, place)
    at(END)
    with pytest.raises(Overlap, match="已记入“助老购物”"):
        duty.do("secretary", workflow.check_out, place)
    assert duty.state("volunteer1", shift) == "present"
    assert duty.do("secretary", workflow.check_out, place, since=SOON + timedelta(hours=2))[1] == 120
    with duty.app.app_context():
        begin_write()
        db.session.execute(update(Volunteer).values(joined_on=date(2026, 12, 1)))
        db.session.commit()
    other = duty.shift(SOON + timedelta(hours=5))
    duty.sign_up("volunteer2", other)
    at(SOON + timedelta(hours=5))
    duty.do("secretary", workflow.check_in, duty.place("volunteer2", other))
    at(SOON + timedelta(hours=6))
    with pytest.raises(NotYetRegistered):
        duty.do("secretary", workflow.check_out, duty.place("volunteer2", other))
    assert duty.hours("volunteer2") == []


def test_one_checks_in_by_the_code_of_the_post(duty: Duty, shift: str, at: Clock) -> None:
    at(SOON - timedelta(minutes=10))
    code = duty.shift_row(shift).code
    with pytest.raises(Refused, match="签到码不对"):
        duty.do("volunteer1", workflow.check_in_by_code, shift, "x" + code[1:])
    with pytest.raises(Refused, match="不在这一班"):
        duty.do("volunteer2", workflow.check_in_by_code, shift, code)
    duty.do("volunteer1", workflow.check_in_by_code, shift, code)
    with pytest.raises(Refused, match="已经签到"):
        duty.do("volunteer1", workflow.check_in_by_code, shift, None)
    at(END + timedelta(minutes=30))
    place = duty.place("volunteer1", shift)
    with pytest.raises(NotFound):
        duty.do("volunteer2", workflow.check_out, place)
    # The times that a volunteer gives for themselves do not count, the clock does.
    minutes = duty.do("volunteer1", workflow.check_out, place, since=SOON - timedelta(hours=5))[1]
    assert minutes == 270


def test_too_late_to_end_it_oneself(duty: Duty, shift: str, at: Clock) -> None:
    at(SOON)
    duty.do("volunteer1", workflow.check_in_by_code, shift, None)
    at(END + timedelta(hours=2))
    with pytest.raises(Refused, match="请班长或支部"):
        duty.do("volunteer1", workflow.check_out, duty.place("volunteer1", shift))
    assert duty.do("secretary", workflow.check_out, duty.place("volunteer1", shift))[1] == 239


def test_the_leader_of_a_shift_ticks_for_the_others(duty: Duty, at: Clock) -> None:
    shift = duty.shift(needs=[replace(GUARD, places=2)])
    duty.sign_up("volunteer1", shift)
    duty.sign_up("volunteer2", shift)
    first, second = duty.place("volunteer1", shift), duty.place("volunteer2", shift)
    duty.do("secretary", workflow.name_leader, second)
    duty.do("secretary", workflow.name_leader, first)
    assert (duty.row("volunteer1", shift).is_leader, duty.row("volunteer2", shift).is_leader) == (True, False)
    assert duty.kinds("volunteer1") == ["leading"]
    at(SOON)
    with pytest.raises(NotFound):
        duty.do("volunteer2", workflow.check_in, first)
    duty.do("volunteer1", workflow.check_in, second)
    duty.do("volunteer1", workflow.undo_check_in, second)
    assert duty.state("volunteer2", shift) == "signed_up"


def test_a_no_show_is_kept_with_its_reason(duty: Duty, shift: str, at: Clock) -> None:
    place = duty.place("volunteer1", shift)
    with pytest.raises(Refused, match="还没有开始"):
        duty.do("secretary", workflow.no_show, place, "没来")
    at(SOON + timedelta(hours=1))
    with pytest.raises(ReasonMissing):
        duty.do("secretary", workflow.no_show, place, "")
    duty.do("secretary", workflow.no_show, place, "电话没人接")
    row = duty.row("volunteer1", shift)
    assert (row.state, row.reason) == ("no_show", "电话没人接")
    assert "电话没人接" in duty.messages("volunteer1", "rota.no_show")[0].body
    duty.do("secretary", workflow.reinstate, place, "在西门，走错了")
    duty.do("secretary", workflow.check_in, place)
    assert duty.verbs("shift_place", place) == ["sign_up", "no_show", "reinstate", "check_in"]
    with pytest.raises(Refused, match="不能取消"):
        duty.do("secretary", workflow.call_off_shift, shift, "下雨")


def test_the_log_counts_and_hands_over(duty: Duty, shift: str, at: Clock) -> None:
    with pytest.raises(Refused, match="还没开始"):
        duty.do("secretary", workflow.write_log, shift, "早", {})
    at(SOON)
    duty.do("volunteer1", workflow.write_log, shift, "钥匙在抽屉", {"车辆": 120, "人员": 300, "船": 9})
    duty.do("secretary", workflow.write_log, shift, "", {"车辆": 80})
    for words, counts in (("", {}), (" ", {"车辆": 0}), ("", {"车辆": 2_000_000})):
        with pytest.raises(Refused):
            duty.do("secretary", workflow.write_log, shift, words, counts)
    with pytest.raises(NotFound):
        duty.do("volunteer2", workflow.write_log, shift, "路过", {})
    after = duty.shift(END)
    with duty.app.app_context():
        log = queries.get_log(queries.get_shift(duty.viewer("secretary"), shift))
        assert log.sums == {"车辆": 200, "人员": 300} and len(log.lines) == 2
        before = queries.get_log(queries.get_shift(duty.viewer("secretary"), after)).before
        assert before is not None and before.words == "钥匙在抽屉"


def test_who_is_on_duty(duty: Duty, shift: str, at: Clock) -> None:
    path, estate = duty.world.estates["banyan"].branch.path, duty.world.estates["banyan"].id
    with duty.app.app_context():
        assert queries.on_duty(path, SOON - timedelta(minutes=1)) == []
        assert queries.on_duty(path, SOON) == [duty.id("volunteer1")]
        assert queries.on_duty(duty.world.estates["cement"].branch.path, SOON) == []
        assert queries.on_duty_in(estate, END) == [] and queries.on_duty_in("x", SOON) == []
    at(SOON)
    other = duty.shift(SOON, 5)
    duty.do("secretary", workflow.enter, other, "1", [duty.id("volunteer2")], "当面")
    duty.do("volunteer2", workflow.check_in_by_code, other, None)
    with duty.app.app_context():
        assert queries.on_duty_in(estate, clock.now()) == [duty.id("volunteer2"), duty.id("volunteer1")]


def test_a_persons_shifts_for_a_calendar(duty: Duty, shift: str) -> None:
    with duty.app.app_context():
        (one,) = queries.entries_of(duty.id("volunteer1"), SOON, END)
        assert (one.shift_id, one.start, one.end) == (shift, SOON, END)
        assert (one.title, one.place, one.state, one.is_off) == ("门岗值守", "东门岗亭", "signed_up", False)
        assert queries.entries_of(duty.id("volunteer1"), END, END + timedelta(days=1)) == []
    before = one.version
    duty.do("secretary", workflow.call_off_shift, shift, "下雨")
    with duty.app.app_context():
        (one,) = queries.entries_of(duty.id("volunteer1"), SOON, END)
        assert one.is_off and one.version > before
