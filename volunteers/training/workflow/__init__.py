"""The workflow of training: its state tables (``steps``), courses with their sessions, and enrolments."""

from volunteers.training.workflow.courses import (
    Occasion,
    Plan,
    add_course,
    call_off_session,
    change_course,
    change_session,
    plan_session,
)
from volunteers.training.workflow.enrolments import EARLY, cancel, check_in, enter, expiry, judge, remove, sign_up, tick
from volunteers.training.workflow.reminding import remind
from volunteers.training.workflow.steps import ENROLMENTS, SESSIONS, Refused

__all__ = [
    "EARLY", "ENROLMENTS", "SESSIONS", "Occasion", "Plan", "Refused", "add_course", "call_off_session", "cancel",
    "change_course", "change_session", "check_in", "enter", "expiry", "judge", "plan_session", "remind", "remove",
    "sign_up", "tick",
]  # fmt: skip
