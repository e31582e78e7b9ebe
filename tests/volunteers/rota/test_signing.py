"""Coming into a shift and leaving it: places, waiting, invitations, confirmations, stand-ins and swaps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from community.grid.models import Person
from community.organisations.models import Organisation
from core import clock, jobs
from core.access import Forbidden, NotFound
from core.audit import Event
from core.database import begin_write, db
from core.workflow import InvalidStep, ReasonMissing
from services.orders import workflow as orders
from services.orders.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import Someone, volunteer
from tests.volunteers.rota.duty import GUARD, SOON, Duty
from volunteers.registry.models import Volunteer, VolunteerSkill
from volunteers.rota import jobs as rota_jobs
from volunteers.rota import workflow
from volunteers.rota.models import Rota, ShiftPlace
from volunteers.rota.needs import Need
from volunteers.rota.workflow import Refused, Taken

Clock = Callable[[datetime], None]


def tend(duty: Duty) -> None:
    """The job that lets places go."""
    with duty.app.app_context():
        rota_jobs.tend_shifts()


def test_a_place_is_taken_then_one_waits(duty: Duty) -> None:
    shift = duty.shift()
    assert duty.sign_up("volunteer1", shift) == "signed_up"
    assert duty.sign_up("volunteer2", shift) == "waiting"
    assert duty.sign_up("volunteer3", shift) == "waiting"
    with pytest.raises(Refused, match="不用再报"):
        duty.sign_up("volunteer1", shift)
    assert duty.states(shift) == {"signed_up": 1, "waiting": 2}
    assert duty.verbs("shift_place", duty.place("volunteer1", shift)) == ["sign_up"]


def test_who_may_sign_up(duty: Duty) -> None:
    shift = duty.shift()
    with pytest.raises(NotFound):
        duty.sign_up("far_volunteer", shift)
    with pytest.raises(Forbidden):
        duty.sign_up("resident", shift)
    with pytest.raises(NotFound):
        duty.sign_up("volunteer1", shift, "9")
    with duty.app.app_context():
        begin_write()
        db.session.execute(update(Rota).values(is_open=False))
        db.session.commit()
    with pytest.raises(Refused, match="由支部邀请"):
        duty.sign_up("volunteer1", shift)


def test_age_and_skill_must_suit_the_role(duty: Duty) -> None:
    needs = [
        Need("1", "护士", 1, skill="blood_pressure"),
        Need("2", "搬运", 1, min_age=18),
        Need("3", "消毒", 1, training="ppe"),
    ]
    shift = duty.shift(needs=needs)
    with pytest.raises(Refused, match="要会量血压"):
        duty.sign_up("volunteer4", shift)
    with pytest.raises(Refused, match="先登记出生日期"):
        duty.sign_up("volunteer4", shift, "2")
    with pytest.raises(Refused, match="有效的培训证"):
        duty.sign_up("volunteer4", shift, "3")
    with duty.app.app_context():
        begin_write()
        born = update(Person).where(Person.id == duty.id("volunteer4"))
        db.session.execute(born.values(birth_date=date(2010, 1, 1)))
        db.session.add(VolunteerSkill(person_id=duty.id("volunteer4"), skill="blood_pressure"))
        db.session.commit()
    with pytest.raises(Refused, match="要满18岁"):
        duty.sign_up("volunteer4", shift, "2")
    assert duty.sign_up("volunteer4", shift) == "signed_up"
    night = duty.shift(SOON + timedelta(days=3, hours=12), 8)
    with pytest.raises(Refused, match="未满18岁的不排夜班"):
        duty.sign_up("volunteer4", night)


def test_no_two_shifts_at_once_and_rest_after_nights(duty: Duty) -> None:
    duty.sign_up("volunteer1", duty.shift())
    other = duty.do("secretary", workflow.add_post, *_second_post(duty))
    with pytest.raises(Refused, match="那段时间已有“门岗值守”"):
        duty.sign_up("volunteer1", duty.shift(SOON + timedelta(hours=2), post=other))
    assert duty.sign_up("volunteer1", duty.shift(SOON + timedelta(hours=4), post=other)) == "signed_up"
    night = SOON + timedelta(days=3, hours=12)
    duty.sign_up("volunteer2", duty.shift(night, 8))
    with pytest.raises(Refused, match="夜班前后要休息12小时"):
        duty.sign_up("volunteer2", duty.shift(night + timedelta(hours=10)))
    duty.sign_up("volunteer2", duty.shift(night + timedelta(days=1), 8))
    with pytest.raises(Refused, match="已有2个夜班"):
        duty.sign_up("volunteer2", duty.shift(night + timedelta(days=2), 8))


def _second_post(duty: Duty) -> tuple[Any, workflow.Post]:
    with duty.app.app_context():
        body = db.session.get_one(Organisation, duty.world.estates["banyan"].branch.id)
    return body, workflow.Post("巡逻", "", "小区", [], True)


def test_an_accepted_order_is_in_the_way(duty: Duty) -> None:
    shift = duty.shift()
    with duty.app.app_context():
        resident, secretary, helper = (duty.viewer(name) for name in ("resident", "secretary", "volunteer1"))
        wish = Wish(
            "elder_shopping", preferred_start=SOON + timedelta(hours=1), preferred_end=SOON + timedelta(hours=3)
        )
        order = orders.place(resident, wish)
        orders.dispatch(secretary, order.id, volunteers=[helper.person_id])
        orders.accept(helper, order.id)
    with pytest.raises(Refused, match="那段时间已有“助老购物”"):
        duty.sign_up("volunteer1", shift)
    assert duty.sign_up("volunteer2", shift) == "signed_up"


def test_a_free_place_is_offered_in_order_and_has_to_be_confirmed(duty: Duty, at: Clock) -> None:
    shift = duty.shift()
    for name in ("volunteer1", "volunteer2", "volunteer3"):
        duty.sign_up(name, shift)
    with pytest.raises(ReasonMissing):
        duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), " ")
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "临时有事")
    assert duty.states(shift) == {"withdrawn": 1, "to_confirm": 1, "waiting": 1}
    assert duty.row("volunteer1", shift).reason == "临时有事"
    asked = duty.row("volunteer2", shift)
    assert (asked.state, asked.confirm_by) == ("to_confirm", clock.now() + timedelta(minutes=120))
    assert duty.kinds("volunteer2") == ["place_free"] and duty.kinds("volunteer3") == []
    assert duty.kinds("secretary") == ["left"]
    # Whoever comes new does not jump the queue.
    assert duty.sign_up("volunteer4", shift) == "waiting"
    tend(duty)
    assert duty.state("volunteer2", shift) == "to_confirm"
    at(asked.confirm_by + timedelta(seconds=1))
    with pytest.raises(Refused, match="确认的时间过了"):
        duty.do("volunteer2", workflow.confirm, asked.id)
    tend(duty)
    tend(duty)
    assert (duty.state("volunteer2", shift), duty.state("volunteer3", shift)) == ("lapsed", "to_confirm")
    assert duty.kinds("volunteer2") == ["place_free", "lapsed"]
    duty.do("volunteer3", workflow.confirm, duty.place("volunteer3", shift))
    assert duty.state("volunteer3", shift) == "signed_up"
    assert duty.states(shift) == {"withdrawn": 1, "lapsed": 1, "signed_up": 1, "waiting": 1}


def test_the_time_to_confirm_does_not_begin_at_night_nor_end_after_the_beginning(duty: Duty, at: Clock) -> None:
    shift = duty.shift()
    for name in ("volunteer1", "volunteer2"):
        duty.sign_up(name, shift)
    at(MOMENT.replace(hour=15))  # 23:00 in Shanghai
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")
    assert clock.local(duty.row("volunteer2", shift).confirm_by).strftime("%d %H:%M") == "19 10:00"
    duty.do("volunteer2", workflow.confirm, duty.place("volunteer2", shift))
    duty.sign_up("volunteer3", shift)
    at(SOON - timedelta(minutes=30))
    duty.do("volunteer2", workflow.withdraw, duty.place("volunteer2", shift), "有事")
    assert duty.row("volunteer3", shift).confirm_by == SOON


def test_waiting_ends_with_the_beginning(duty: Duty, at: Clock) -> None:
    shift = duty.shift()
    duty.sign_up("volunteer1", shift)
    duty.sign_up("volunteer2", shift)
    duty.do("secretary", workflow.invite, shift, "1", [duty.id("volunteer3")], "来吗")
    duty.sign_up("volunteer4", shift)
    duty.do("volunteer4", workflow.leave_queue, duty.place("volunteer4", shift))
    at(SOON)
    tend(duty)
    tend(duty)
    assert duty.states(shift) == {"signed_up": 1, "lapsed": 2, "withdrawn": 1}
    assert duty.kinds("volunteer2") == ["lapsed"]
    assert duty.kinds("volunteer3") == ["invited", "lapsed"]
    assert duty.kinds("volunteer4") == []
    with pytest.raises(Refused, match="已经开始"):
        duty.sign_up("volunteer4", shift)
    with pytest.raises(Refused, match="已经开始"):
        duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")


def test_invitations_are_answered_freely(duty: Duty) -> None:
    shift = duty.shift()
    people = [duty.id(name) for name in ("volunteer1", "volunteer2", "volunteer3")]
    assert duty.do("secretary", workflow.invite, shift, "1", people, "周末门岗") == 3
    assert duty.kinds("volunteer1") == ["invited"]
    with pytest.raises(Refused, match="已邀请您"):
        duty.sign_up("volunteer1", shift)
    assert duty.do("volunteer2", workflow.join, duty.place("volunteer2", shift)) == "signed_up"
    assert duty.do("volunteer1", workflow.join, duty.place("volunteer1", shift)) == "waiting"
    duty.do("volunteer3", workflow.decline, duty.place("volunteer3", shift), "要上班")
    assert duty.kinds("secretary") == ["declined"]
    with pytest.raises(NotFound):
        duty.do("volunteer1", workflow.decline, duty.place("volunteer3", shift))
    with pytest.raises(InvalidStep):
        duty.do("volunteer3", workflow.join, duty.place("volunteer3", shift))
    with pytest.raises(NotFound):
        duty.do("secretary", workflow.invite, shift, "1", [duty.id("far_volunteer")])
    with pytest.raises(NotFound):
        duty.do("outsider", workflow.invite, shift, "1", [duty.id("far_volunteer")])


def test_staff_enter_people_with_their_consent_noted(duty: Duty) -> None:
    shift = duty.shift()
    one, two = duty.id("volunteer1"), duty.id("volunteer2")
    with pytest.raises(Refused, match="本人怎么同意的"):
        duty.do("secretary", workflow.enter, shift, "1", [one], " ")
    with pytest.raises(Taken, match="已经满了"):
        duty.do("secretary", workflow.enter, shift, "1", [one, two], "电话里说好了")
    assert duty.states(shift) == {}
    duty.do("secretary", workflow.enter, shift, "1", [one], "电话里说好了")
    row = duty.row("volunteer1", shift)
    assert (row.state, row.by_staff, row.consent) == ("signed_up", True, "电话里说好了")
    assert duty.kinds("volunteer1") == ["entered"]
    duty.sign_up("volunteer2", shift)
    assert duty.do("secretary", workflow.release, row.id, "换成白天班") == shift
    assert duty.kinds("volunteer1") == ["entered", "released"]
    assert duty.state("volunteer2", shift) == "to_confirm"


def test_somebody_stands_in_when_they_accept(duty: Duty) -> None:
    shift = duty.shift()
    duty.sign_up("volunteer1", shift)
    mine = duty.place("volunteer1", shift)
    with pytest.raises(NotFound):
        duty.do("volunteer2", workflow.ask, mine, duty.id("volunteer2"))
    duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer2"))
    assert (duty.state("volunteer1", shift), duty.state("volunteer2", shift)) == ("signed_up", "asked")
    with pytest.raises(Refused, match="已经请了一位"):
        duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer3"))
    duty.do("volunteer2", workflow.decline, duty.place("volunteer2", shift))
    assert duty.kinds("volunteer1") == ["stand_in_declined"]
    duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer3"))
    duty.do("volunteer1", workflow.take_back, mine)
    assert duty.kinds("volunteer3") == ["stand_in_asked", "stand_in_over"]
    duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer3"))
    duty.do("volunteer3", workflow.take_over, duty.place("volunteer3", shift))
    assert (duty.state("volunteer1", shift), duty.state("volunteer3", shift)) == ("replaced", "signed_up")
    assert duty.kinds("volunteer1")[-1] == "stood_in" and duty.kinds("secretary") == ["stood_in_of"]
    assert duty.row("volunteer1", shift).reason == "由陈三顶班"


def test_whoever_leaves_frees_who_was_asked(duty: Duty) -> None:
    shift = duty.shift()
    duty.sign_up("volunteer1", shift)
    duty.do("volunteer1", workflow.ask, duty.place("volunteer1", shift), duty.id("volunteer2"))
    asked = duty.place("volunteer2", shift)
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")
    assert duty.state("volunteer2", shift) == "lapsed"
    with pytest.raises(Refused, match="已经收回"):
        duty.do("volunteer2", workflow.take_over, asked)


def test_two_swap_their_shifts(duty: Duty) -> None:
    first, second = duty.shift(), duty.shift(SOON + timedelta(days=1))
    duty.sign_up("volunteer1", first)
    duty.sign_up("volunteer2", second)
    mine, theirs = duty.place("volunteer1", first), duty.place("volunteer2", second)
    with pytest.raises(Refused, match="不能换了"):
        duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer3"), theirs)
    duty.do("volunteer1", workflow.ask, mine, duty.id("volunteer2"), theirs)
    duty.do("volunteer2", workflow.take_over, duty.place("volunteer2", first))
    assert (duty.state("volunteer1", first), duty.state("volunteer2", first)) == ("replaced", "signed_up")
    assert (duty.state("volunteer2", second), duty.state("volunteer1", second)) == ("replaced", "signed_up")
    assert duty.states(first) == duty.states(second) == {"replaced": 1, "signed_up": 1}
    assert "您改值" in duty.messages("volunteer1", "rota.stood_in")[0].body


def test_a_stand_in_must_fit(duty: Duty) -> None:
    shift = duty.shift(needs=[replace(GUARD, skill="blood_pressure")])
    duty.sign_up("volunteer1", shift)
    with pytest.raises(Refused, match="要会量血压"):
        duty.do("volunteer1", workflow.ask, duty.place("volunteer1", shift), duty.id("volunteer4"))
    with pytest.raises(Refused, match="不是这里的志愿者"):
        duty.do("volunteer1", workflow.ask, duty.place("volunteer1", shift), duty.id("far_volunteer"))


def test_who_stopped_serving_cannot_sign_up(duty: Duty) -> None:
    shift = duty.shift()
    with duty.app.app_context():
        begin_write()
        db.session.execute(
            update(Volunteer).where(Volunteer.person_id == duty.id("volunteer1")).values(standing="left")
        )
        db.session.commit()
    with pytest.raises(Forbidden):
        duty.sign_up("volunteer1", shift)


def _crowd(duty: Duty, count: int) -> list[Someone]:
    with duty.app.app_context():
        begin_write()
        found = [volunteer(f"义工{n}", duty.world.estates["banyan"]) for n in range(count)]
        db.session.commit()
    return found


def test_the_last_places_go_to_as_many_as_there_are(duty: Duty) -> None:
    shift, crowd, ended = duty.shift(needs=[replace(GUARD, places=2)]), _crowd(duty, 8), []
    start = threading.Barrier(len(crowd))

    def one(who: Someone) -> None:
        with duty.app.app_context():
            viewer = who.viewer()
            start.wait()
            begin_write()
            ended.append(workflow.sign_up(viewer, shift, "1"))
            db.session.commit()

    threads = [threading.Thread(target=one, args=(who,)) for who in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["signed_up"] * 2 + ["waiting"] * 6
    assert duty.states(shift) == {"signed_up": 2, "waiting": 6}


def test_nobody_gets_two_shifts_at_once_by_haste(duty: Duty) -> None:
    other = duty.do("secretary", workflow.add_post, *_second_post(duty))
    shifts, ended = [duty.shift(), duty.shift(post=other)], []
    start = threading.Barrier(2)

    def one(shift: str) -> None:
        with duty.app.app_context():
            viewer = duty.viewer("volunteer1")
            start.wait()
            begin_write()
            try:
                ended.append(workflow.sign_up(viewer, shift, "1"))
                db.session.commit()
            except Refused:
                db.session.rollback()
                ended.append("refused")

    threads = [threading.Thread(target=one, args=(shift,)) for shift in shifts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["refused", "signed_up"]


def test_the_job_is_on_the_timetable(duty: Duty) -> None:
    assert {"tend_shifts", "remind_trainings"} <= {job.name for job in jobs.timetable()}


def test_rows_agree_with_their_history(duty: Duty) -> None:
    """The state of each place is the one that its last event reached, and its version counts them."""
    shift = duty.shift()
    for name in ("volunteer1", "volunteer2"):
        duty.sign_up(name, shift)
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")
    duty.do("volunteer2", workflow.confirm, duty.place("volunteer2", shift))
    with duty.app.app_context():
        found: dict[str, tuple[str | None, int]] = {}
        events = select(Event.subject_id, Event.to_state).where(Event.subject_kind == "shift_place")
        for id_, state in db.session.execute(events.order_by(Event.day, Event.number)):
            found[id_] = (state, found.get(id_, (None, 0))[1] + 1)
        rows = db.session.execute(select(ShiftPlace.id, ShiftPlace.state, ShiftPlace.version))
        assert {row.id: (row.state, row.version) for row in rows} == found
