"""The state tables of training: a session, and somebody's enrolment in it."""

from __future__ import annotations

from core.workflow import MESSAGES, Step, Workflow
from volunteers.training.models import Enrolment, SessionState, State, TrainingSession

E, S = State, SessionState
_TOLD = (MESSAGES,)


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def _states(*states: State | SessionState | None) -> frozenset[str | None]:
    return frozenset(states)


def _reach(*states: State | SessionState) -> frozenset[str]:
    return frozenset(states)


_PERIOD = ("starts_at", "ends_at", "place", "places", "trainer")
SESSIONS = Workflow(
    "training_session",
    TrainingSession.__table__,  # type: ignore[arg-type]
    (
        Step("plan_session", "安排培训", _states(None), _reach(S.PLANNED), "training:manage"),
        Step("change_session", "修改培训场次", _states(S.PLANNED), _reach(S.PLANNED), "training:manage", sets=_PERIOD,
             writes=_TOLD),
        Step("call_off_session", "取消培训场次", _states(S.PLANNED), _reach(S.CALLED_OFF), "training:manage", True,
             sets=("reason",), writes=_TOLD),
    ),
    made=("course_id", *_PERIOD, "reason", "created_at", "updated_at"),
)  # fmt: skip

_SEAT = _states(E.SIGNED_UP, E.WAITING)
_RESULT = ("passed_on", "expires_on", "note")
ENROLMENTS = Workflow(
    "enrolment",
    Enrolment.__table__,  # type: ignore[arg-type]
    (
        Step("enrol", "报名培训", _states(None), _reach(E.SIGNED_UP, E.WAITING), "training:attend", writes=_TOLD),
        Step("promote", "候补转正", _states(E.WAITING), _reach(E.SIGNED_UP), "training:manage", writes=_TOLD),
        Step("cancel_enrolment", "取消报名", _SEAT, _reach(E.CANCELLED), "training:attend", writes=_TOLD),
        Step("remove_enrolment", "移出名单", _SEAT, _reach(E.CANCELLED), "training:manage", True, sets=("note",),
             writes=_TOLD),
        Step("attend", "培训签到", _states(E.SIGNED_UP, E.WAITING, E.ABSENT), _reach(E.ATTENDED), "training:attend",
             sets=("attended_at",)),
        Step("unattend", "撤销签到", _states(E.ATTENDED), _reach(E.SIGNED_UP), "training:manage",
             sets=("attended_at",)),
        Step("mark_absent", "记缺席", _states(E.SIGNED_UP), _reach(E.ABSENT), "training:manage"),
        Step("pass", "记合格", _states(E.ATTENDED, E.FAILED), _reach(E.PASSED), "training:manage", sets=_RESULT,
             writes=_TOLD),
        Step("fail", "记不合格", _states(E.ATTENDED, E.PASSED), _reach(E.FAILED), "training:manage", sets=_RESULT,
             writes=_TOLD),
    ),
    made=("session_id", "course_id", "person_id", "estate_id", "by_staff", "consent", "queued_at", "attended_at",
          "passed_on", "expires_on", "note", "updated_at"),
)  # fmt: skip
