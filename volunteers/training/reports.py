"""What can be counted of training: sessions held, who came and who passed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case

from community.grid.models import Estate, Person
from core.dated import Days, Rows
from core.reports import Measure, Source, declare
from volunteers.training.models import Course, Enrolment, SessionState, State, TrainingSession

CAME = (State.ATTENDED, State.PASSED, State.FAILED)
EXPECTED = (State.SIGNED_UP, State.ABSENT, *CAME)
CUTS = frozenset({"unit", "month"})
_BOOK = "培训记录"


def _in(days: Days) -> ColumnElement[bool]:
    held = and_(TrainingSession.starts_at >= days.start, TrainingSession.starts_at < days.end)
    return and_(held, TrainingSession.state == SessionState.PLANNED)


def _held(days: Days) -> ColumnElement[int]:
    return case((_in(days), 1), else_=0)


def _came(days: Days) -> ColumnElement[int]:
    return case((and_(_in(days), Enrolment.state.in_(CAME)), 1), else_=0)


def _expected(days: Days) -> ColumnElement[int]:
    return case((and_(_in(days), Enrolment.state.in_(EXPECTED)), 1), else_=0)


def _passed(days: Days) -> ColumnElement[int]:
    return case((Enrolment.passed_on.between(days.first, days.last), 1), else_=0)


_COURSES = TrainingSession.__table__.join(Course.__table__, Course.id == TrainingSession.course_id)
_TAKEN = (
    Enrolment.__table__.outerjoin(TrainingSession.__table__, TrainingSession.id == Enrolment.session_id)
    .outerjoin(Course.__table__, Course.id == Enrolment.course_id)
    .join(Estate.__table__, Estate.id == Enrolment.estate_id)
    .outerjoin(Person.__table__, Person.id == Enrolment.person_id)
)
_SHOWN = (Course.name.label("course_name"), TrainingSession.starts_at)
_WHO = (Person.name.label("name"), Estate.name.label("estate_name"), *_SHOWN)
declare(
    Source("training", rows=Rows(_COURSES, Course.path, TrainingSession.id, {"training.sessions": _held}, _SHOWN,
                                 when=TrainingSession.starts_at)),
    [Measure("training.sessions", "培训场次", "培训", "场", "期内开始、没有取消的培训，按办班单位", _BOOK, CUTS,
             better="up")],
)  # fmt: skip
declare(
    Source("trained", rows=Rows(
        _TAKEN, Estate.path, Enrolment.id, {"training.came": _came, "training.turnout": (_came, _expected)}, _WHO,
        when=TrainingSession.starts_at,
    )),
    [
        Measure("training.came", "参训人次", "培训", "人次", "期内的培训，签到的人次；按志愿者所在小区", _BOOK, CUTS,
                better="up"),
        Measure("training.turnout", "到课率", "培训", "%", "签到的 ÷ 报了名、没有退出的", _BOOK, CUTS, "rate",
                "签到", "报名", "up"),
    ],
)  # fmt: skip
declare(
    Source("passed", rows=Rows(_TAKEN, Estate.path, Enrolment.id, {"training.passed": _passed},
                               (*_WHO, Enrolment.passed_on), when=Enrolment.passed_on)),
    [Measure("training.passed", "培训合格人次", "培训", "人次", "期内登记合格的", _BOOK, CUTS, better="up")],
)  # fmt: skip
