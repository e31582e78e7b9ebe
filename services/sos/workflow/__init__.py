"""The workflow of emergency calls: its state table (``steps``) and its verbs."""

from services.sos.workflow.raising import Refused, Wish, raise_call
from services.sos.workflow.steps import EMERGENCIES, allowed
from services.sos.workflow.verbs import (
    after_care,
    answer,
    arrive,
    call_off,
    close,
    escalate,
    false_alarm,
    fine,
    on_way,
    remark,
    reveal,
    stand_down,
    view_care,
)

__all__ = [
    "EMERGENCIES", "Refused", "Wish", "after_care", "allowed", "answer", "arrive", "call_off", "close", "escalate",
    "false_alarm", "fine", "on_way", "raise_call", "remark", "reveal", "stand_down", "view_care",
]  # fmt: skip
