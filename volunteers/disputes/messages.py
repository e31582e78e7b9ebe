"""What is said to whom about a dispute of hours: one function a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.outbox import Draft
from core.web.formats import date_zh


def raised(people: Iterable[str], dispute_id: str, who: str, what: str, claim: str, due: datetime) -> list[Draft]:
    """To the branch: somebody says that a record is wrong."""
    title = f"{who}对时长有异议：{what}，{date_zh(due)}前答复"
    link = f"/hours/desk/disputes/{dispute_id}"
    return [Draft(person, "dispute.raised", title, claim, link, matter=dispute_id) for person in people]


def answered(person_id: str, dispute_id: str, what: str, corrected: bool, answer: str) -> Draft:
    """To whoever raised it: the branch has answered."""
    title = f"您的异议已{'更正' if corrected else '答复'}：{what}"
    return Draft(person_id, "dispute.answered", title, answer, f"/disputes/{dispute_id}", matter=dispute_id)
