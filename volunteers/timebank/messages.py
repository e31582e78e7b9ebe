"""What is said to whom about saved time: one function a message."""

from __future__ import annotations

from collections.abc import Iterable

from core.outbox import Draft
from core.web.formats import minutes_zh


def asked(people: Iterable[str], transfer_id: str, giver: str, to_name: str, minutes: int) -> list[Draft]:
    """To the branch: a volunteer wants to give saved time away."""
    title = f"{giver}想把{minutes_zh(minutes)}储蓄时间送给{to_name}，请核实"
    link = f"/hours/desk/timebank/{transfer_id}"
    return [Draft(person, "timebank.asked", title, "", link, matter=transfer_id) for person in people]


def confirmed(giver_id: str, transfer_id: str, to_name: str, minutes: int) -> Draft:
    """To the giver: it is done."""
    title = f"{minutes_zh(minutes)}已转给{to_name}"
    return Draft(giver_id, "timebank.confirmed", title, "", "/timebank", matter=transfer_id)


def received(person_id: str, transfer_id: str, giver: str, minutes: int) -> Draft:
    """To the receiver: somebody has given you time."""
    title = f"{giver}送给您{minutes_zh(minutes)}储蓄时间"
    body = "需要帮忙时点单，在服务单里点“用时间储蓄”，支部会优先安排"
    return Draft(person_id, "timebank.received", title, body, "/timebank", matter=transfer_id)


def refused(giver_id: str, transfer_id: str, to_name: str, answer: str) -> Draft:
    """To the giver: the branch does not confirm it."""
    return Draft(giver_id, "timebank.refused", f"没有转给{to_name}", answer, "/timebank", matter=transfer_id)


def reversed_(person_id: str, entry_id: str, minutes: int, reason: str) -> Draft:
    """To a holder: an entry of yours was reversed."""
    title = f"时间储蓄冲销{minutes_zh(abs(minutes))}"
    return Draft(person_id, "timebank.reversed", title, reason, "/timebank", matter=entry_id)
