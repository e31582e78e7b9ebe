"""The workflow of rotas: its state tables (``steps``), posts and shifts, repeated weeks, and who is in a shift."""

from volunteers.rota.workflow.laying import (
    SKIPS,
    Weekly,
    add_patterns,
    change_pattern,
    drop_pattern,
    lay,
    propose,
    weekly_of,
)
from volunteers.rota.workflow.planning import (
    Post,
    Slot,
    add_post,
    call_off_shift,
    change_post,
    change_shift,
    delete_shift,
    keyed,
    plan_shift,
    restore_shift,
)
from volunteers.rota.workflow.presence import (
    check_in,
    check_in_by_code,
    check_out,
    no_show,
    reinstate,
    undo_check_in,
    write_log,
)
from volunteers.rota.workflow.signing import (
    confirm,
    decline,
    enter,
    invite,
    join,
    lapse,
    leave_queue,
    name_leader,
    release,
    sign_up,
    withdraw,
)
from volunteers.rota.workflow.steps import PLACES, SHIFTS, Refused, Taken
from volunteers.rota.workflow.swapping import ask, take_back, take_over

__all__ = [
    "PLACES", "SHIFTS", "SKIPS", "Post", "Refused", "Slot", "Taken", "Weekly", "add_patterns", "add_post", "ask",
    "call_off_shift", "change_pattern", "change_post", "change_shift", "check_in", "check_in_by_code", "check_out",
    "confirm", "decline", "delete_shift", "drop_pattern", "enter", "invite", "join", "keyed", "lapse", "lay",
    "leave_queue", "name_leader", "no_show", "plan_shift", "propose", "reinstate", "release", "restore_shift",
    "sign_up", "take_back", "take_over", "undo_check_in", "weekly_of", "withdraw", "write_log",
]  # fmt: skip
