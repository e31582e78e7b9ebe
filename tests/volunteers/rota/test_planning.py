"""Shifts planned, changed, called off, deleted; weeks laid forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.access import NotFound
from core.database import db
from core.workflow import Stale
from tests.volunteers.rota.duty import GUARD, SOON, Duty
from volunteers.rota import workflow
from volunteers.rota.models import RotaPattern, Shift
from volunteers.rota.needs import Need
from volunteers.rota.workflow import Refused
from volunteers.rota.workflow.laying import EVERY_DAY, NO_HOLIDAYS, WORKING_DAYS, Weekly, is_holiday

Clock = Callable[[datetime], None]
MONDAY = date(2026, 11, 23)


def slot(start: datetime = SOON, hours: float = 4, needs: Any = (GUARD,), note: str = "") -> workflow.Slot:
    return workflow.Slot(start, start + timedelta(hours=hours), list(needs), note)


def change(duty: Duty, shift: str, new: workflow.Slot) -> int:
    return int(duty.do("secretary", workflow.change_shift, shift, new, duty.shift_row(shift).version))


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (slot(needs=()), "没有位置的班"),
        (slot(needs=[replace(GUARD, places=0)]), "没有位置的班"),
        (slot(needs=[replace(GUARD, places=500)]), "最多200个"),
        (slot(hours=0), "至少30分钟"),
        (slot(hours=-2), "至少30分钟"),
        (slot(hours=25), "最多24小时"),
        (slot(SOON + timedelta(days=500)), "最多提前一年"),
        (slot(SOON - timedelta(days=50)), "30天以内"),
    ],
)
def test_impossible_shifts_are_refused(new: workflow.Slot, why: str, duty: Duty) -> None:
    with pytest.raises(Refused, match=why):
        duty.do("secretary", workflow.plan_shift, duty.post, new)


def test_one_slot_has_one_shift(duty: Duty) -> None:
    duty.shift()
    with pytest.raises(Refused, match="同一时间已有一班"):
        duty.shift()
    with pytest.raises(NotFound):
        duty.do("outsider", workflow.plan_shift, duty.post, slot(SOON + timedelta(days=1)))


def test_another_time_asks_everybody_again_once_and_moves_nobody(duty: Duty) -> None:
    shift = duty.shift()
    duty.sign_up("volunteer1", shift)
    duty.sign_up("volunteer2", shift)
    duty.do("secretary", workflow.invite, shift, "1", [duty.id("volunteer3")])
    assert change(duty, shift, slot(SOON + timedelta(hours=1))) == 3
    assert (duty.state("volunteer1", shift), duty.state("volunteer2", shift)) == ("to_confirm", "waiting")
    assert duty.kinds("volunteer1") == ["retimed"] and duty.kinds("volunteer2") == ["changed"]
    assert duty.kinds("volunteer3") == ["invited", "changed"]
    assert "原来是" in duty.messages("volunteer1")[0].body and duty.row("volunteer1", shift).confirm_by is None
    # The place stays theirs however long they take, and is nobody else's.
    assert duty.sign_up("volunteer4", shift) == "waiting"
    duty.do("volunteer1", workflow.confirm, duty.place("volunteer1", shift))
    assert duty.state("volunteer1", shift) == "signed_up"
    assert change(duty, shift, slot(SOON + timedelta(hours=1))) == 0
    assert duty.kinds("volunteer1") == ["retimed"]
    with pytest.raises(Stale):
        duty.do("secretary", workflow.change_shift, shift, slot(), 1)


def test_confirming_another_time_looks_for_clashes_anew(duty: Duty) -> None:
    first, second = duty.shift(), duty.shift(SOON + timedelta(hours=4))
    duty.sign_up("volunteer1", first)
    duty.sign_up("volunteer1", second)
    change(duty, first, slot(SOON + timedelta(hours=2)))
    with pytest.raises(Refused, match="那段时间已有"):
        duty.do("volunteer1", workflow.confirm, duty.place("volunteer1", first))
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", first), "撞了")
    assert duty.state("volunteer1", second) == "signed_up"


def test_nobody_loses_a_place_by_a_smaller_role(duty: Duty) -> None:
    shift = duty.shift(needs=[replace(GUARD, places=2), Need("2", "记录员", 1)])
    duty.sign_up("volunteer1", shift)
    duty.sign_up("volunteer2", shift)
    duty.sign_up("volunteer3", shift, "2")
    with pytest.raises(Refused, match="不能少于2个"):
        change(duty, shift, slot(needs=[GUARD, Need("2", "记录员", 1)]))
    with pytest.raises(Refused, match="不能去掉"):
        change(duty, shift, slot(needs=[replace(GUARD, places=2)]))
    assert change(duty, shift, slot(needs=[replace(GUARD, places=2), Need("2", "记录员", 3)], note="带手电")) == 3
    assert duty.kinds("volunteer1") == ["changed"]
    assert duty.states(shift) == {"signed_up": 3}


def test_more_places_are_offered_to_who_waits(duty: Duty) -> None:
    shift = duty.shift()
    for name in ("volunteer1", "volunteer2", "volunteer3"):
        duty.sign_up(name, shift)
    change(duty, shift, slot(needs=[replace(GUARD, places=2)]))
    assert [duty.state(name, shift) for name in ("volunteer1", "volunteer2", "volunteer3")] == [
        "signed_up", "to_confirm", "waiting"]  # fmt: skip


def test_a_shift_with_people_is_not_deleted_but_called_off(duty: Duty) -> None:
    shift = duty.shift()
    duty.sign_up("volunteer1", shift)
    duty.sign_up("volunteer2", shift)
    with pytest.raises(Refused, match="里有2人，不能删除"):
        duty.do("secretary", workflow.delete_shift, shift)
    with pytest.raises(NotFound):
        duty.do("cement_secretary", workflow.call_off_shift, shift, "下雨")
    assert duty.do("secretary", workflow.call_off_shift, shift, "下雨") == 2
    assert duty.states(shift) == {"called_off": 2}
    assert duty.kinds("volunteer1") == ["called_off"] and duty.kinds("volunteer2") == ["called_off"]
    assert "下雨" in duty.messages("volunteer1")[0].body
    assert (duty.shift_row(shift).state, duty.shift_row(shift).reason) == ("called_off", "下雨")
    with pytest.raises(Refused, match="取消"):
        duty.sign_up("volunteer3", shift)
    duty.do("secretary", workflow.restore_shift, shift)
    assert duty.sign_up("volunteer1", shift) == "signed_up"
    assert duty.verbs("shift", shift) == ["plan_shift", "call_off_shift", "restore_shift"]


def test_a_shift_that_anybody_was_in_is_kept(duty: Duty) -> None:
    shift, empty = duty.shift(), duty.shift(SOON + timedelta(days=1))
    duty.sign_up("volunteer1", shift)
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")
    with pytest.raises(Refused, match="留着备查"):
        duty.do("secretary", workflow.delete_shift, shift)
    assert duty.do("secretary", workflow.delete_shift, empty) == duty.post
    assert duty.verbs("shift", empty) == ["plan_shift", "delete_shift"]


def test_another_place_of_the_post_is_told_once_to_everybody_ahead(duty: Duty) -> None:
    for number in range(3):
        duty.sign_up("volunteer1", duty.shift(SOON + timedelta(days=number)))
    new = workflow.Post("门岗值守", "看门", "西门岗亭", ["车辆"], True)
    assert duty.do("secretary", workflow.change_post, duty.post, new, 1) == 1
    assert duty.kinds("volunteer1") == ["moved"]
    with pytest.raises(Stale):
        duty.do("secretary", workflow.change_post, duty.post, new, 1)
    with pytest.raises(Refused, match="后面的班次里还有1人"):
        duty.do("secretary", workflow.change_post, duty.post, new, 2, is_active=False)


def weekly(weekday: int = 0, start: int = 480, minutes: int = 240) -> Weekly:
    return Weekly(weekday, start, minutes, [GUARD])


def laid(duty: Duty) -> int:
    with duty.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Shift)) or 0


def lay(duty: Duty, first: date = MONDAY, weeks: int = 2, skip: str = EVERY_DAY) -> int:
    return int(duty.do("secretary", workflow.lay, duty.post, first, weeks, skip))


def test_weeks_are_laid_once(duty: Duty) -> None:
    duty.do("secretary", workflow.add_patterns, duty.post, [weekly(day) for day in range(7)])
    with pytest.raises(Refused, match="已有一班"):
        duty.do("secretary", workflow.add_patterns, duty.post, [weekly(3)])
    assert lay(duty) == 14
    assert lay(duty) == 0
    assert lay(duty, MONDAY + timedelta(days=7)) == 7
    assert laid(duty) == 21
    # What was called off is not laid anew, and what was moved leaves no twin behind.
    with duty.app.app_context():
        shifts = list(db.session.scalars(select(Shift.id).order_by(Shift.starts_at)))
    duty.do("secretary", workflow.call_off_shift, shifts[0], "下雪")
    change(duty, shifts[1], slot(clock.day_bounds(MONDAY + timedelta(days=1))[0] + timedelta(hours=15)))
    assert lay(duty) == 0


def test_a_shift_made_by_hand_in_the_slot_counts(duty: Duty) -> None:
    duty.do("secretary", workflow.add_patterns, duty.post, [weekly()])
    duty.shift(clock.day_bounds(MONDAY)[0] + timedelta(hours=8))
    assert lay(duty, weeks=1) == 0


def test_a_preview_writes_nothing_and_says_what_would_be(duty: Duty) -> None:
    duty.do("secretary", workflow.add_patterns, duty.post, [weekly(2), weekly(0)])
    with duty.app.app_context():
        found = workflow.propose(duty.post, date(2026, 11, 16), 1, EVERY_DAY)
        assert [(one.day.isoformat(), one.what) for one in found] == [("2026-11-16", "past"), ("2026-11-18", "past")]
    assert laid(duty) == 0
    lay(duty, weeks=1)
    with duty.app.app_context():
        assert [one.what for one in workflow.propose(duty.post, MONDAY, 2, EVERY_DAY)] == ["there"] * 2 + ["new"] * 2
        with pytest.raises(Refused):
            workflow.propose(duty.post, MONDAY, 13, EVERY_DAY)


def test_holidays_are_skipped_when_asked(duty: Duty, at: Clock) -> None:
    at(datetime.fromisoformat("2026-09-20T02:00:00+00:00"))
    duty.do("secretary", workflow.add_patterns, duty.post, [weekly(day) for day in range(7)])
    with duty.app.app_context():
        first = date(2026, 9, 28)
        skipped = {one.day.day for one in workflow.propose(duty.post, first, 2, NO_HOLIDAYS) if one.what == "holiday"}
        assert skipped == {1, 2, 3, 4, 5, 6, 7}
        off = {one.day.isoformat() for one in workflow.propose(duty.post, first, 2, WORKING_DAYS) if one.what != "new"}
        assert off == {f"2026-10-0{day}" for day in range(1, 8)} | {"2026-10-11"}
    assert is_holiday(date(2026, 10, 3)) and not is_holiday(date(2026, 10, 11))
    assert lay(duty, first, 2, NO_HOLIDAYS) == 7


def test_changing_what_repeats_leaves_shifts_with_people_alone(duty: Duty) -> None:
    duty.do("secretary", workflow.add_patterns, duty.post, [weekly()])
    lay(duty, weeks=3)
    with duty.app.app_context():
        pattern = db.session.scalars(select(RotaPattern.id)).one()
        shifts = list(db.session.scalars(select(Shift.id).order_by(Shift.starts_at)))
    duty.sign_up("volunteer1", shifts[1])
    assert duty.do("secretary", workflow.change_pattern, pattern, weekly(2, 840), 1) == (2, 1)
    starts = [clock.local(duty.shift_row(shift).starts_at).strftime("%a %H:%M") for shift in shifts]
    assert starts == ["Wed 14:00", "Mon 08:00", "Wed 14:00"]
    assert duty.state("volunteer1", shifts[1]) == "signed_up" and duty.messages("volunteer1") == []
    with pytest.raises(Stale):
        duty.do("secretary", workflow.change_pattern, pattern, weekly(), 1)
    assert lay(duty, weeks=3) == 1
    assert duty.do("secretary", workflow.drop_pattern, pattern) == (3, 1)
    assert laid(duty) == 1
    with pytest.raises(NotFound):
        duty.do("secretary", workflow.drop_pattern, pattern)
