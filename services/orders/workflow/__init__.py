"""The workflow of orders: its state table (``steps``) and its verbs."""

from services.orders.workflow.clocks import extend, pause, recount, resume, take_up
from services.orders.workflow.desk import note, transfer, undo
from services.orders.workflow.ending import complete, complete_for
from services.orders.workflow.placing import Origin, Refused, Wish, entitled, place, place_once
from services.orders.workflow.steps import ORDERS, AlreadyTaken, allowed
from services.orders.workflow.verbs import (
    accept,
    call_back,
    cancel,
    check_in,
    decline,
    dispatch,
    expire,
    no_show,
    rate,
    reassign,
    resubmit,
    send_back,
    withdraw,
)

__all__ = [
    "ORDERS", "AlreadyTaken", "Origin", "Refused", "Wish", "accept", "allowed", "call_back", "cancel", "check_in",
    "complete", "complete_for", "decline", "dispatch", "entitled", "expire", "extend", "no_show", "note", "pause",
    "place", "place_once", "rate", "reassign", "recount", "resubmit", "resume", "send_back", "take_up", "transfer",
    "undo", "withdraw",
]  # fmt: skip
