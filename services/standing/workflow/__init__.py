"""The workflow of standing orders: its state table (``steps``), what is agreed, how it lives, and its visits."""

from services.standing.workflow.agreeing import Agreement, approve, change, check, set_up, set_up_once, turn_down
from services.standing.workflow.living import agree, end, leave, pause, restore, resume, skip
from services.standing.workflow.making import advance
from services.standing.workflow.offering import AWAY, catch_up, offer_waiting
from services.standing.workflow.settling import Settled
from services.standing.workflow.steps import STANDING, allowed

__all__ = [
    "AWAY", "STANDING", "Agreement", "Settled", "advance", "agree", "allowed", "approve", "catch_up", "change", "check",
    "end", "leave", "offer_waiting", "pause", "restore", "resume", "set_up", "set_up_once", "skip", "turn_down",
]  # fmt: skip
