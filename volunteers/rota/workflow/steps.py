"""The state tables of rotas: a shift, and a person's place in it.

Nobody is assigned by force (志愿服务条例): staff invite, or enter somebody whose consent they note. Whoever accepted is
asked again when the time changes, and everybody who is touched is told.
"""

from __future__ import annotations

from core.workflow import MESSAGES, Extra, Step, Workflow
from volunteers.hours.workflow import ENTRY_PARAMETERS, entry_parts
from volunteers.rota.models import COMING, Shift, ShiftPlace, ShiftState, State

S, P = ShiftState, State
TOLD = (MESSAGES,)


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Taken(Refused):
    """Somebody else was first."""


def _states(*states: State | ShiftState | None) -> frozenset[str | None]:
    return frozenset(states)


def _reach(*states: State | ShiftState) -> frozenset[str]:
    return frozenset(states)


_SHAPE = ("day", "starts_at", "ends_at", "needs", "places", "note")
SHIFTS = Workflow(
    "shift",
    Shift.__table__,  # type: ignore[arg-type]
    (
        Step("plan_shift", "排一班", _states(None), _reach(S.PLANNED), "rota:manage"),
        Step("change_shift", "修改班次", _states(S.PLANNED), _reach(S.PLANNED), "rota:manage", sets=_SHAPE),
        Step("call_off_shift", "取消班次", _states(S.PLANNED), _reach(S.CALLED_OFF), "rota:manage", True,
             sets=("reason",)),
        Step("restore_shift", "恢复班次", _states(S.CALLED_OFF), _reach(S.PLANNED), "rota:manage", sets=("reason",)),
    ),
    made=("rota_id", "pattern_id", *_SHAPE, "code", "reason", "created_at", "updated_at"),
)  # fmt: skip

_OPEN = (P.INVITED, P.ASKED, P.WAITING)
_LEFT = ("reason", "is_leader", "confirm_by")
PLACES = Workflow(
    "shift_place",
    ShiftPlace.__table__,  # type: ignore[arg-type]
    (
        Step("sign_up", "报名", _states(None), _reach(P.SIGNED_UP, P.WAITING), "rota:serve", writes=TOLD),
        Step("invite", "邀请", _states(None), _reach(P.INVITED), "rota:manage", writes=TOLD),
        Step("enter", "排入班次", _states(None), _reach(P.SIGNED_UP), "rota:manage", writes=TOLD),
        Step("ask_stand_in", "请人顶班", _states(None), _reach(P.ASKED), "rota:serve", writes=TOLD),
        Step("swap_in", "换班进入", _states(None), _reach(P.SIGNED_UP), "rota:serve", writes=TOLD),
        Step("join", "答应邀请", _states(P.INVITED), _reach(P.SIGNED_UP, P.WAITING), "rota:serve", writes=TOLD),
        Step("take_over", "顶班", _states(P.ASKED), _reach(P.SIGNED_UP), "rota:serve", writes=TOLD),
        Step("decline", "婉拒", _states(P.INVITED, P.ASKED), _reach(P.DECLINED), "rota:serve", sets=("reason",),
             writes=TOLD),
        Step("offer_place", "轮到候补", _states(P.WAITING), _reach(P.TO_CONFIRM), "rota:manage",
             sets=("confirm_by",), writes=TOLD),
        Step("retime", "改了时间，请再确认", _states(*COMING), _reach(P.TO_CONFIRM), "rota:manage",
             sets=("confirm_by",), writes=TOLD),
        Step("confirm", "确认", _states(P.TO_CONFIRM), _reach(P.SIGNED_UP), "rota:serve", sets=("confirm_by",),
             writes=TOLD),
        Step("withdraw", "退出", _states(*COMING), _reach(P.WITHDRAWN), "rota:serve", True, sets=_LEFT, writes=TOLD),
        Step("leave_queue", "不等了", _states(P.WAITING), _reach(P.WITHDRAWN), "rota:serve", sets=_LEFT, writes=TOLD),
        Step("release", "移出班次", _states(P.INVITED, P.WAITING, *COMING), _reach(P.WITHDRAWN), "rota:manage", True,
             sets=_LEFT, writes=TOLD),
        Step("hand_over", "由别人顶班", _states(*COMING), _reach(P.REPLACED), "rota:serve", sets=_LEFT, writes=TOLD),
        Step("lapse", "过时作废", _states(*_OPEN, P.TO_CONFIRM), _reach(P.LAPSED), "rota:manage", sets=_LEFT,
             writes=TOLD),
        Step("call_off_place", "随班次取消", _states(*_OPEN, *COMING), _reach(P.CALLED_OFF), "rota:manage", True,
             sets=_LEFT, writes=TOLD),
        Step("name_leader", "指定班长", _states(P.SIGNED_UP, P.TO_CONFIRM, P.PRESENT),
             _reach(P.SIGNED_UP, P.TO_CONFIRM, P.PRESENT), "rota:manage", sets=("is_leader",), writes=TOLD),
        Step("check_in", "签到", _states(*COMING), _reach(P.PRESENT), "rota:serve",
             sets=("checked_in_at", "confirm_by")),
        Step("undo_check_in", "撤销签到", _states(P.PRESENT), _reach(P.SIGNED_UP), "rota:manage",
             sets=("checked_in_at",)),
        Step("check_out", "离岗", _states(P.PRESENT), _reach(P.DONE), "rota:serve",
             sets=("checked_in_at", "checked_out_at", "minutes", "entry_id"), writes=("hours",)),
        Step("no_show", "记未到", _states(*COMING), _reach(P.NO_SHOW), "rota:manage", True,
             sets=("reason", "confirm_by"), writes=TOLD),
        Step("reinstate", "撤销未到", _states(P.NO_SHOW), _reach(P.SIGNED_UP), "rota:manage", True, sets=("reason",),
             writes=TOLD),
    ),
    made=("shift_id", "person_id", "need", "is_leader", "by_staff", "consent", "queued_at", "confirm_by", "for_id",
          "back_id", "checked_in_at", "checked_out_at", "minutes", "entry_id", "reason", "updated_at"),
    extras={"hours": Extra(ENTRY_PARAMETERS, entry_parts)},
)  # fmt: skip
