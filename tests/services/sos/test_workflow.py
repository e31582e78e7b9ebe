"""What can happen to a call: who may, what it does, the search that goes on until somebody comes, and races."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from core import audit, jobs
from core.access import Forbidden, NotFound, system_viewer
from core.database import begin_write, db
from core.workflow import InvalidStep, ReasonMissing, Stale
from services.sos import queries, workflow
from services.sos.models import EmergencyCall, EmergencyNotice
from services.sos.workflow import EMERGENCIES, Refused, Wish
from tests.conftest import MOMENT
from tests.services.sos.scene import Scene

GRID, STEWARD = "网格员 郑网格", "楼栋长 何楼长"
BRANCH = ["支部书记 王书记", "支部副书记 王副"]


# Raising


def test_a_call_says_where_and_what(scene: Scene) -> None:
    call_id = scene.raised(place="downstairs", place_note="花坛边", note="摔倒了", latitude=27.8, longitude=113.1)
    call = scene.call(call_id)
    assert (call.state, call.salutation, call.raised_as, call.wave, call.level) == ("raised", "沈同志", "self", 0, 0)
    assert (call.latitude, call.next_wave_at) == (27.8, MOMENT + timedelta(minutes=3))
    assert scene.events(call_id) == ["raise"]


def test_two_presses_make_one_call_whoever_presses(scene: Scene) -> None:
    first = scene.raised()
    call, is_new = scene.do(lambda viewer: workflow.raise_call(viewer, Wish()), "resident")
    assert (call.id, is_new) == (first, False)
    home = scene.world["resident"].household_id
    assert scene.raised("grid_worker", household_id=home) == first
    assert len(scene.messages("steward")) == 1


def test_pressed_at_the_same_moment_makes_one_call(scene: Scene) -> None:
    start, found = threading.Barrier(4), []

    def press() -> None:
        with scene.app.app_context():
            viewer = scene.world["resident"].viewer()
            start.wait()
            found.append(workflow.raise_call(viewer, Wish()))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({call.id for call, _ in found}) == 1 and sorted(is_new for _, is_new in found) == [False] * 3 + [True]
    with scene.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(EmergencyCall)) == 1
        assert list(audit.verify()) == []


def test_family_and_staff_call_for_a_home_and_others_do_not(scene: Scene) -> None:
    home = scene.world["resident"].household_id
    scene.proxy("far_resident")
    assert scene.call(scene.raised("far_resident", household_id=home)).raised_as == "family"
    for name, refusal in (("neighbour", NotFound), ("outsider", NotFound), ("staff", Forbidden), ("admin", NotFound)):
        with pytest.raises(refusal):
            scene.raised(name, household_id=home)


def test_without_a_home_one_is_told_what_to_do(scene: Scene) -> None:
    with pytest.raises(Refused, match="120"):
        scene.raised("grid_worker")


# Answering


def test_two_answer_both_are_written_down_and_the_first_leads(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.answer(viewer, call_id, True), "grid_worker")
    scene.later(20)
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "steward")
    call = scene.call(call_id)
    assert (call.state, call.lead_name, call.next_wave_at) == ("answered", "郑网格", MOMENT + timedelta(minutes=15))
    assert [response.name for response in call.answered()] == ["郑网格", "何楼长"]
    assert scene.messages("resident") == ["网格员郑网格已看到您的求助，正在赶来", "楼栋长何某已看到您的求助，正在赶来"]


def test_a_crowd_answers_at_the_same_moment(scene: Scene) -> None:
    names = ("grid_worker", "steward", "volunteer1", "volunteer2")
    scene.on_call("volunteer1", "volunteer2")
    call_id = scene.raised()
    start, errors = threading.Barrier(len(names)), []

    def one(name: str) -> None:
        with scene.app.app_context():
            viewer = scene.world[name].viewer()
            start.wait()
            try:
                workflow.answer(viewer, call_id)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call = scene.call(call_id)
    assert errors == [] and len(call.responses) == 4
    assert call.lead_id in call.responses and call.version == 5
    assert scene.events(call_id) == ["raise"] + ["answer"] * 4


def test_from_seen_to_there_to_done(scene: Scene) -> None:
    call_id = scene.raised(latitude=27.8, longitude=113.1)
    for seconds, verb in ((60, workflow.answer), (90, workflow.on_way), (400, workflow.arrive)):
        scene.later(seconds)
        scene.do(lambda viewer, verb=verb: verb(viewer, call_id), "grid_worker")
    assert scene.call(call_id).state == "on_site"
    scene.later(1200)
    with pytest.raises(ReasonMissing):
        scene.do(lambda viewer: workflow.close(viewer, call_id, " "), "grid_worker")
    scene.do(lambda viewer: workflow.close(viewer, call_id, "血压高，陪着去了医院"), "grid_worker")
    call = scene.call(call_id)
    assert (call.state, call.outcome, call.latitude, call.longitude) == ("closed", "血压高，陪着去了医院", None, None)
    assert call.on_site_at == MOMENT + timedelta(seconds=400)
    assert scene.messages("steward")[-1] == scene.messages("resident")[-1] == "求助已处理：1栋1单元101，沈同志"
    scene.do(lambda viewer: workflow.after_care(viewer, call_id, "好多了"), "secretary")
    assert scene.call(call_id).after_care == "好多了"
    assert scene.events(call_id) == ["raise", "answer", "on_way", "arrive", "close", "after_care"]


def test_relatives_who_have_seen_it_are_no_reason_to_stop_looking(scene: Scene) -> None:
    scene.contact("女儿", scene.world["far_resident"])
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.answer(viewer, call_id, True), "far_resident")
    assert scene.call(call_id).state == "raised"
    assert scene.messages("resident") == ["女儿周远已看到您的求助"]
    scene.tick(180)
    assert scene.told(call_id, 1) == BRANCH
    scene.do(lambda viewer: workflow.on_way(viewer, call_id), "far_resident")
    call = scene.call(call_id)
    assert (call.state, call.lead_name) == ("answered", "周远")


def test_who_cannot_come_after_all_starts_the_search_again(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "grid_worker")
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "steward")
    scene.later(300)
    with pytest.raises(ReasonMissing):
        scene.do(lambda viewer: workflow.stand_down(viewer, call_id, ""), "grid_worker")
    scene.do(lambda viewer: workflow.stand_down(viewer, call_id, "在区里开会"), "grid_worker")
    assert scene.call(call_id).lead_name == "何楼长"
    scene.later(310)
    scene.do(lambda viewer: workflow.stand_down(viewer, call_id, "车坏了"), "steward")
    call = scene.call(call_id)
    assert (call.state, call.lead_id, call.answered_at) == ("raised", None, None)
    assert scene.messages("resident")[-2:] == ["网格员郑某来不了，还有人在赶来", "楼栋长何某来不了，正在找别人"]
    scene.tick(320)
    assert scene.told(call_id, 1) == BRANCH
    scene.do(lambda viewer: workflow.on_way(viewer, call_id), "steward")
    assert scene.call(call_id).lead_name == "何楼长"


# Looking for somebody


def test_every_three_minutes_one_level_further_until_somebody_answers(scene: Scene) -> None:
    scene.on_call("volunteer1")
    call_id = scene.raised()
    assert scene.tick(179) == "再通知0次"
    expected = [
        (180, [*BRANCH, "志愿者 陈一"]), (360, ["社区工作人员 吕社工"]), (540, ["街道工作人员 施街道"]),
        (720, ["街道工作人员 施街道"]), (900, ["街道工作人员 施街道"]),
    ]  # fmt: skip
    for wave, (seconds, told) in enumerate(expected, 1):
        assert scene.tick(seconds) == "再通知1次"
        assert scene.tick(seconds + 60) == "再通知0次"
        assert scene.told(call_id, wave) == sorted(told)
    assert len(scene.messages("street_staff", "emergency.needed")) == 3
    assert len(scene.messages("volunteer1", "emergency.needed")) == 2
    assert scene.call(call_id).level == 3
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "street_staff")
    assert scene.call(call_id).next_wave_at is None
    assert scene.tick(5000) == "再通知0次"


def test_who_answered_and_does_not_get_there_is_no_reason_to_wait_for_ever(scene: Scene) -> None:
    call_id = scene.raised()
    scene.later(60)
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "grid_worker")
    assert scene.tick(60 + 899) == "再通知0次"
    assert scene.tick(60 + 900) == "再通知1次"
    assert scene.told(call_id, 1) == BRANCH and scene.call(call_id).state == "answered"
    scene.do(lambda viewer: workflow.on_way(viewer, call_id), "deputy")
    assert scene.call(call_id).next_wave_at == MOMENT + timedelta(minutes=31)
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "deputy")
    assert scene.tick(9000) == "再通知0次"


def test_the_rhythm_is_kept_although_the_job_comes_late(scene: Scene) -> None:
    call_id = scene.raised()
    scene.tick(180 + 55)
    assert scene.call(call_id).next_wave_at == MOMENT + timedelta(seconds=360)


def test_after_a_standstill_what_was_missed_is_told_once(scene: Scene) -> None:
    call_id = scene.raised()
    assert scene.tick(7205) == "再通知1次"
    assert scene.told(call_id, 1) == sorted([*BRANCH, "社区工作人员 吕社工", "街道工作人员 施街道"])
    call = scene.call(call_id)
    assert (call.wave, call.level, call.next_wave_at) == (1, 3, MOMENT + timedelta(seconds=7380))
    assert scene.tick(7210) == "再通知0次"


def test_a_short_standstill_reaches_as_far_as_it_should_have(scene: Scene) -> None:
    call_id = scene.raised()
    scene.tick(180 + 200)
    assert scene.told(call_id, 1) == sorted([*BRANCH, "社区工作人员 吕社工"])


def test_who_said_that_they_cannot_is_not_asked_again(scene: Scene) -> None:
    scene.on_call("volunteer1")
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.answer(viewer, call_id), "volunteer1")
    scene.do(lambda viewer: workflow.stand_down(viewer, call_id, "发烧"), "volunteer1")
    scene.tick(10)
    assert scene.told(call_id, 1) == BRANCH


def test_the_job_is_on_the_timetable_and_two_runners_do_it_once(scene: Scene) -> None:
    assert next(job for job in jobs.timetable() if job.name == "escalate_emergencies").crontab == "* * * * *"
    call_id = scene.raised()
    scene.later(180)
    with scene.app.app_context():
        first = workflow.escalate(system_viewer(), call_id)
        with pytest.raises(InvalidStep):
            workflow.escalate(system_viewer(), call_id)
    assert first.wave == 1


# All is well


@pytest.mark.parametrize(("seconds", "state"), [(30, "cancelled"), (61, "false_alarm")])
def test_a_slip_is_called_off_at_once_and_later_a_false_alarm(scene: Scene, seconds: int, state: str) -> None:
    call_id = scene.raised()
    scene.later(seconds)
    scene.do(lambda viewer: workflow.fine(viewer, call_id), "resident")
    assert scene.call(call_id).state == state
    assert scene.messages("steward")[-1] == "没事了，不用再去：1栋1单元101，沈同志"
    with pytest.raises(InvalidStep):
        scene.do(lambda viewer: workflow.answer(viewer, call_id), "steward")
    assert scene.tick(400) == "再通知0次"
    assert scene.raised() != call_id


def test_only_a_slip_of_the_moment_is_called_off(scene: Scene) -> None:
    call_id = scene.raised()
    scene.later(61)
    with pytest.raises(InvalidStep):
        scene.do(lambda viewer: workflow.call_off(viewer, call_id), "resident")
    with pytest.raises(Forbidden):
        scene.do(lambda viewer: workflow.call_off(viewer, call_id), "grid_worker")


def test_with_somebody_there_it_is_they_who_end_it(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    with pytest.raises(InvalidStep):
        scene.do(lambda viewer: workflow.fine(viewer, call_id, "好了"), "resident")


def test_several_false_alarms_make_the_branch_look_in(scene: Scene) -> None:
    for n in range(3):
        call_id = scene.raised()
        scene.do(lambda viewer, call_id=call_id: workflow.false_alarm(viewer, call_id, "按错了"), "resident")
        assert len(scene.messages("secretary", "emergency.look_in")) == (1 if n == 2 else 0)
    assert scene.messages("deputy", "emergency.look_in") == ["建议上门看看：1栋1单元101，沈同志"]
    assert scene.messages("resident", "emergency.look_in") == []


# Rights and history


def test_each_may_do_what_is_theirs(scene: Scene) -> None:
    scene.on_call("volunteer1")
    call_id = scene.raised()
    may = {
        name: set(workflow.allowed(scene.call(call_id, name), _viewer(scene, name)))
        for name in ("resident", "volunteer1", "grid_worker", "secretary")
    }
    assert may == {
        "resident": {"call_off", "false_alarm", "remark"},
        "volunteer1": {"answer", "on_way", "arrive", "remark"},
        "grid_worker": {"answer", "on_way", "arrive", "remark", "false_alarm"},
        "secretary": {"answer", "on_way", "arrive", "remark", "false_alarm"},
    }
    for name in ("volunteer2", "outsider", "neighbour", "far_volunteer", "cement_secretary", "admin"):
        with pytest.raises(NotFound):
            scene.call(call_id, name)


def _viewer(scene: Scene, name: str) -> Any:
    with scene.app.app_context():
        return scene.world[name].viewer()


def test_a_steward_sees_the_building_and_no_other(scene: Scene) -> None:
    scene.give_group()
    call_id = scene.raised()
    assert scene.call(call_id, "own_steward").told_title == "楼栋长"
    with pytest.raises(NotFound):
        scene.call(call_id, "other_steward")


def test_every_pair_of_state_and_verb_is_in_the_table_or_refused() -> None:
    for state in ("raised", "answered", "on_site", "closed", "false_alarm", "cancelled"):
        for verb, step in EMERGENCIES.steps.items():
            if state in step.leaves:
                assert EMERGENCIES.step(verb, state) is step
            else:
                with pytest.raises(InvalidStep):
                    EMERGENCIES.step(verb, state)


def test_a_page_that_is_out_of_date_ends_nothing(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    with pytest.raises(Stale):
        scene.do(lambda viewer: workflow.close(viewer, call_id, "好了", version=1), "steward")


def test_history_and_state_agree_and_notices_stay(scene: Scene) -> None:
    call_id = scene.raised()
    scene.do(lambda viewer: workflow.remark(viewer, call_id, "门没锁"), "resident")
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "steward")
    scene.do(lambda viewer: workflow.close(viewer, call_id, "没大事"), "steward")
    assert scene.call(call_id).version == len(scene.events(call_id)) == 4
    with scene.app.app_context():
        assert list(audit.verify()) == []
        begin_write()
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(EmergencyNotice.__table__.delete())  # type: ignore[attr-defined]
        db.session.rollback()


def test_numbers_and_difficulties_are_shown_to_those_who_come_and_written_down(scene: Scene) -> None:
    scene.contact("外甥")
    scene.on_call("volunteer1")
    call_id = scene.raised()

    def look(name: str, act: Callable[[Any, Any], Any]) -> Any:
        with scene.app.app_context():
            viewer = scene.world[name].viewer()
            call = queries.get_call(viewer, call_id)
            begin_write()
            try:
                return act(viewer, call)
            finally:
                db.session.commit()

    with pytest.raises(Forbidden):
        look("volunteer1", lambda viewer, call: workflow.reveal(viewer, call, "person"))
    scene.do(lambda viewer: workflow.on_way(viewer, call_id), "volunteer1")
    whose, number = look("volunteer1", lambda viewer, call: workflow.reveal(viewer, call, "person"))
    assert (whose, number) == ("沈同志", scene.world["resident"].phone)
    with pytest.raises(NotFound):
        look("volunteer1", workflow.view_care)
    assert look("grid_worker", workflow.view_care)[0][0] == "沈同志"
    assert scene.events(call_id) == ["raise", "on_way", "reveal", "view_care"]
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "volunteer1")
    scene.do(lambda viewer: workflow.close(viewer, call_id, "没大事"), "volunteer1")
    with pytest.raises(Forbidden):
        look("volunteer1", lambda viewer, call: workflow.reveal(viewer, call, "person"))
