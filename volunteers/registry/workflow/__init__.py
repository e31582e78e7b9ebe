"""The workflow of the register: standing, what volunteers offer, and what of it was verified."""

from volunteers.registry.workflow.offers import (
    GUARDIAN_AGE,
    LEAST_AGE,
    Offer,
    change,
    check_age,
    give_back,
    note_guardian,
    register,
    renew,
    set_available,
    set_on_call,
    take_off,
    write_offer,
)
from volunteers.registry.workflow.standing import (
    ERASED,
    ON_LEAVING,
    VERB_TO,
    VOLUNTEERS,
    HandOverFirst,
    Refused,
    come_back,
    erase,
    leave,
    next_standings,
    suspend,
    take_leave,
)
from volunteers.registry.workflow.verifying import Evidence, reminded, unverify, verify

__all__ = [
    "ERASED", "GUARDIAN_AGE", "LEAST_AGE", "ON_LEAVING", "VERB_TO", "VOLUNTEERS", "Evidence", "HandOverFirst", "Offer",
    "Refused", "change", "check_age", "come_back", "erase", "give_back", "leave", "next_standings", "note_guardian",
    "register", "reminded", "renew", "set_available", "set_on_call", "suspend", "take_leave", "take_off", "unverify",
    "verify", "write_offer",
]  # fmt: skip
