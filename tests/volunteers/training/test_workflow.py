"""Courses, seats and waiting, attendance and results, expiry and its reminders."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from community.organisations.models import Organisation
from core import clock
from core.access import Forbidden, NotFound
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep, ReasonMissing, Stale
from tests.conftest import MOMENT
from tests.factories import Someone, World, volunteer
from volunteers.hours.models import HourEntry
from volunteers.training import queries, workflow
from volunteers.training.models import Enrolment, TrainingReminder
from volunteers.training.workflow import Occasion, Plan, Refused

Clock = Callable[[datetime], None]
SOON = MOMENT + timedelta(days=2)
PLAN = Plan("急救培训", "心肺复苏、海姆立克", 120, "榕树园党支部", 2, 24)


class School:
    """A course of the branch, and whoever does something in it, by name."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world
        self.course = self.do("secretary", workflow.add_course, self.body("banyan"), "first_aid", PLAN)

    def body(self, estate: str) -> Organisation:
        """The branch of an estate."""
        with self.app.app_context():
            return db.session.get_one(Organisation, self.world.estates[estate].branch.id)

    def do(self, name: str, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do something as somebody, a second later, and commit it."""
        clock.set_now(clock.now() + timedelta(seconds=1))
        with self.app.app_context():
            viewer = self.world[name].viewer()
            begin_write()
            try:
                done = act(viewer, *arguments, **named)
            except BaseException:
                db.session.rollback()
                raise
            db.session.commit()
            return done

    def session(self, places: int = 1, start: datetime = SOON) -> str:
        """A session; its id."""
        occasion = Occasion(start, start + timedelta(hours=2), "会议室", places, "李医生")
        return str(self.do("secretary", workflow.plan_session, self.course, occasion))

    def sign_up(self, name: str, session: str) -> str:
        """Sign up; the state reached."""
        return str(self.do(name, workflow.sign_up, session))

    def row(self, name: str, session: str) -> Any:
        """Somebody's latest enrolment."""
        with self.app.app_context():
            rows = select(Enrolment).where(Enrolment.session_id == session, Enrolment.person_id == self.world[name].id)
            return db.session.scalars(rows.order_by(Enrolment.queued_at.desc())).first()

    def kinds(self, name: str) -> list[str]:
        """What somebody was told, oldest first."""
        with self.app.app_context():
            rows = select(Message.kind).where(Message.recipient_id == self.world[name].id)
            kinds = db.session.scalars(rows.order_by(Message.created_at, Message.id))
            return [kind.removeprefix("training.") for kind in kinds]

    def graduate(self, name: str, start: datetime) -> str:
        """Somebody passes in a session that has been; its id."""
        session = self.session(5, start)
        self.do("secretary", workflow.enter, session, [self.world[name].id], "当面说的")
        row = self.row(name, session)
        self.do("secretary", workflow.tick, session, {row.id}, False)
        self.do("secretary", workflow.judge, session, {row.id: ("passed", "")})
        return session


@pytest.fixture
def school(app: Flask, world: World, at: Clock) -> School:
    """The course."""
    return School(app, world)


def test_a_course_or_session_without_places_is_refused(school: School) -> None:
    with pytest.raises(Refused, match="没有名额的课开不了"):
        school.do("secretary", workflow.add_course, school.body("banyan"), "", replace(PLAN, places=0))
    with pytest.raises(Refused, match="没有名额的场次"):
        school.session(0)
    with pytest.raises(Refused, match="这个编号已经"):
        school.do("secretary", workflow.add_course, school.body("cement"), "first_aid", PLAN)
    with pytest.raises(Refused, match="最多提前一年"):
        school.session(1, SOON + timedelta(days=400))
    with pytest.raises(NotFound):
        school.do("outsider", workflow.plan_session, school.course, Occasion(SOON, SOON + timedelta(hours=1), "x", 1))
    with pytest.raises(Stale):
        school.do("secretary", workflow.change_course, school.course, PLAN, 7)


def test_a_full_session_leads_to_the_waiting_list(school: School) -> None:
    session = school.session()
    assert school.sign_up("volunteer1", session) == "signed_up"
    assert school.sign_up("volunteer2", session) == "waiting"
    assert school.sign_up("volunteer3", session) == "waiting"
    with pytest.raises(Refused, match="已在这一场"):
        school.sign_up("volunteer1", session)
    with pytest.raises(Refused, match="要换请先取消"):
        school.sign_up("volunteer1", school.session(5, SOON + timedelta(days=3)))
    with pytest.raises(NotFound):
        school.sign_up("far_volunteer", session)
    with pytest.raises(Forbidden):
        school.sign_up("resident", session)
    school.do("volunteer1", workflow.cancel, school.row("volunteer1", session).id)
    assert [school.row(f"volunteer{n}", session).state for n in (1, 2, 3)] == ["cancelled", "signed_up", "waiting"]
    assert school.kinds("volunteer2") == ["promoted"] and school.kinds("volunteer3") == []


def test_the_last_seat_goes_to_one(school: School) -> None:
    session, ended = school.session(), []
    with school.app.app_context():
        begin_write()
        crowd = [volunteer(f"学员{n}", school.world.estates["banyan"]) for n in range(6)]
        db.session.commit()
    start = threading.Barrier(len(crowd))

    def one(who: Someone) -> None:
        with school.app.app_context():
            viewer = who.viewer()
            start.wait()
            begin_write()
            ended.append(workflow.sign_up(viewer, session))
            db.session.commit()

    threads = [threading.Thread(target=one, args=(who,)) for who in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["signed_up"] + ["waiting"] * 5


def test_changes_and_cancellations_reach_everybody_once(school: School) -> None:
    session = school.session()
    school.sign_up("volunteer1", session)
    school.sign_up("volunteer2", session)
    later = Occasion(SOON + timedelta(hours=3), SOON + timedelta(hours=5), "广场", 1)
    assert school.do("secretary", workflow.change_session, session, later, 1) == 2
    with pytest.raises(Stale):
        school.do("secretary", workflow.change_session, session, later, 1)
    more = Occasion(later.starts_at, later.ends_at, "广场", 2)
    assert school.do("secretary", workflow.change_session, session, more, 2) == 0
    assert school.kinds("volunteer1") == ["changed"] and school.kinds("volunteer2") == ["changed", "promoted"]
    with pytest.raises(Refused, match="不能少于2个"):
        school.do("secretary", workflow.change_session, session, later, 3)
    with pytest.raises(ReasonMissing):
        school.do("secretary", workflow.call_off_session, session, " ")
    assert school.do("secretary", workflow.call_off_session, session, "老师病了") == 2
    assert school.kinds("volunteer1") == ["changed", "called_off"]
    assert school.row("volunteer1", session).state == "cancelled"
    with pytest.raises(Refused, match="取消"):
        school.sign_up("volunteer3", session)


def test_staff_put_people_on_the_list_with_their_consent(school: School) -> None:
    session = school.session()
    people = [school.world[name].id for name in ("volunteer1", "volunteer2")]
    with pytest.raises(Refused, match="怎么同意的"):
        school.do("secretary", workflow.enter, session, people, "")
    done = school.do("secretary", workflow.enter, session, people, "群里接龙")
    assert done == {"陈一": "signed_up", "陈二": "waiting"}
    assert school.row("volunteer1", session).consent == "群里接龙" and school.kinds("volunteer1") == ["entered"]
    with pytest.raises(NotFound):
        school.do("secretary", workflow.enter, session, [school.world["far_volunteer"].id], "群里接龙")
    row = school.row("volunteer1", session)
    assert school.do("secretary", workflow.remove, row.id, "换下一场") == session
    assert school.kinds("volunteer1") == ["entered", "removed"]
    assert school.row("volunteer2", session).state == "signed_up"


def test_attendance_by_list_and_by_code(school: School, at: Clock) -> None:
    session = school.session(3)
    for name in ("volunteer1", "volunteer2", "volunteer3"):
        school.sign_up(name, session)
    ids = {name: school.row(name, session).id for name in ("volunteer1", "volunteer2", "volunteer3")}
    with pytest.raises(Refused, match="还没到时间"):
        school.do("secretary", workflow.tick, session, {ids["volunteer1"]}, False)
    with pytest.raises(Refused, match="现在不在这段时间"):
        school.do("volunteer2", workflow.check_in, session)
    at(SOON - timedelta(minutes=10))
    school.do("volunteer2", workflow.check_in, session)
    with pytest.raises(Refused, match="已经签到"):
        school.do("volunteer2", workflow.check_in, session)
    with pytest.raises(Refused, match="不在这一场"):
        school.do("volunteer4", workflow.check_in, session)
    assert school.do("secretary", workflow.tick, session, {ids["volunteer1"], ids["volunteer2"]}, False) == 2
    assert school.do("secretary", workflow.tick, session, {ids["volunteer2"]}, True) == 1
    assert [school.row(f"volunteer{n}", session).state for n in (1, 2, 3)] == ["absent", "attended", "absent"]
    with pytest.raises(Refused, match="不能取消"):
        school.do("secretary", workflow.call_off_session, session, "x")


def test_results_expiry_and_who_is_trained(school: School, at: Clock) -> None:
    session = school.session(3)
    for name in ("volunteer1", "volunteer2", "volunteer3"):
        school.sign_up(name, session)
    one, two, three = (school.row(f"volunteer{n}", session).id for n in (1, 2, 3))
    with pytest.raises(Refused, match="还没有开始"):
        school.do("secretary", workflow.judge, session, {one: ("passed", "")})
    at(SOON + timedelta(hours=2))
    school.do("secretary", workflow.tick, session, {one, two}, True)
    with pytest.raises(Refused, match="先点名"):
        school.do("secretary", workflow.judge, session, {three: ("passed", "")})
    assert school.do("secretary", workflow.judge, session, {one: ("passed", ""), two: ("failed", "按压太浅")}) == 2
    assert school.do("secretary", workflow.judge, session, {one: ("passed", "")}) == 0
    assert school.kinds("volunteer1") == ["passed"] and school.kinds("volunteer2") == ["failed"]
    row = school.row("volunteer1", session)
    assert (row.passed_on, row.expires_on) == (date(2026, 11, 20), date(2028, 11, 20))
    with school.app.app_context():
        mine, theirs = school.world["volunteer1"].id, school.world["volunteer2"].id
        assert queries.holders(["first_aid", "ppe"]) == {"first_aid": {mine}, "ppe": set()}
        assert queries.trained([mine, theirs], "first_aid") == {mine}
        assert queries.trained([mine], "first_aid", date(2028, 11, 20)) == {mine}
        assert queries.trained([mine], "first_aid", date(2028, 11, 21)) == set()
        assert queries.holders(["first_aid"], date(2028, 11, 21)) == {"first_aid": set()}
        assert db.session.scalar(select(func.count()).select_from(HourEntry)) == 0
    school.do("secretary", workflow.judge, session, {two: ("passed", "补考"), one: ("failed", "记错了")})
    with school.app.app_context():
        assert queries.holders(["first_aid"]) == {"first_aid": {theirs}}
    with pytest.raises(InvalidStep):
        school.do("secretary", workflow.remove, one, "晚了")


@pytest.mark.parametrize(
    ("day", "months", "until"),
    [
        (date(2026, 11, 20), 24, date(2028, 11, 20)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 1), 0, None),
    ],
)
def test_months_of_a_pass(day: date, months: int, until: date | None) -> None:
    assert workflow.expiry(day, months) == until


def remind(school: School) -> int:
    with school.app.app_context():
        return workflow.remind()


def test_a_lapse_is_told_30_and_7_days_ahead_once_each(school: School, at: Clock) -> None:
    session = school.graduate("volunteer1", MOMENT - timedelta(days=10))
    end = school.row("volunteer1", session).expires_on
    noon = datetime(end.year, end.month, end.day, 4, tzinfo=MOMENT.tzinfo)
    told = []
    for days in (40, 30, 29, 8, 7, 6, 0, -1):
        at(noon - timedelta(days=days))
        told.append((remind(school), remind(school)))
    assert told == [(0, 0), (1, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0)]
    assert school.kinds("volunteer1").count("lapsing") == 2
    assert school.kinds("secretary").count("lapsing_of") == school.kinds("deputy").count("lapsing_of") == 2
    with school.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(TrainingReminder)) == 2


def test_after_a_pause_of_the_job_one_reminder_will_do(school: School, at: Clock) -> None:
    session = school.graduate("volunteer1", MOMENT - timedelta(days=10))
    end = school.row("volunteer1", session).expires_on
    at(datetime(end.year, end.month, end.day, 4, tzinfo=MOMENT.tzinfo) - timedelta(days=5))
    assert (remind(school), remind(school)) == (1, 0)
    assert "还有5天到期" in _titles(school, "volunteer1")[-1]


def _titles(school: School, name: str) -> list[str]:
    with school.app.app_context():
        rows = select(Message.title).where(Message.recipient_id == school.world[name].id).order_by(Message.created_at)
        return list(db.session.scalars(rows))


def test_training_again_renews_and_nobody_is_reminded(school: School, at: Clock) -> None:
    session = school.graduate("volunteer1", MOMENT - timedelta(days=10))
    end = school.row("volunteer1", session).expires_on
    at(datetime(end.year, end.month, end.day, 4, tzinfo=MOMENT.tzinfo) - timedelta(days=50))
    school.graduate("volunteer1", clock.now() - timedelta(days=1))
    at(clock.now() + timedelta(days=45))
    assert remind(school) == 0
    with school.app.app_context():
        viewer = school.world["secretary"].viewer()
        assert queries.list_lapsing(*queries.window(), viewer) == []
        (one,) = queries.list_own(school.world["volunteer1"].viewer()).passes
        assert one.expires_on > end
        assert school.world["volunteer1"].id in queries.holders(["first_aid"], end + timedelta(days=100))["first_aid"]


def test_who_sees_a_course(school: School) -> None:
    with school.app.app_context():
        community = db.session.get_one(Organisation, school.world.bodies["community"].id)
    wide = school.do("staff", workflow.add_course, community, "", PLAN)
    with school.app.app_context():
        for name, courses in (("secretary", 2), ("cement_secretary", 1), ("outsider", 0), ("staff", 2)):
            assert len(queries.list_courses(school.world[name].viewer())) == courses, name
        with pytest.raises(NotFound):
            queries.get_course(school.world["outsider"].viewer(), wide)
        with pytest.raises(NotFound):
            queries.get_course(school.world["cement_secretary"].viewer(), wide, "training:manage")
        code = queries.get_course(school.world["staff"].viewer(), wide).code
        assert code.startswith("px") and code in queries.names(school.world["secretary"].viewer())


def test_rows_agree_with_their_history(school: School) -> None:
    school.graduate("volunteer1", MOMENT - timedelta(days=10))
    with school.app.app_context():
        found: dict[str, tuple[str | None, int]] = {}
        events = select(Event.subject_id, Event.to_state).where(Event.subject_kind == "enrolment")
        for id_, state in db.session.execute(events.order_by(Event.day, Event.number)):
            found[id_] = (state, found.get(id_, (None, 0))[1] + 1)
        rows = db.session.execute(select(Enrolment.id, Enrolment.state, Enrolment.version))
        assert {row.id: (row.state, row.version) for row in rows} == found
