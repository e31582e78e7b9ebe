"""What is said to whom about an application: one function a message."""

from __future__ import annotations

from collections.abc import Iterable

from core.identity import mask_name
from core.outbox import Draft
from volunteers.registry import kinds as _kinds  # noqa: F401


def applied(leaders: Iterable[str], application_id: str, name: str, again: bool) -> list[Draft]:
    """To the branch: somebody wants to become a volunteer, or has added what was missing."""
    title = f"{mask_name(name)}{'补齐了志愿者申请' if again else '申请当志愿者'}，请审核"
    link = f"/volunteers/applications/{application_id}"
    sms = "有人补齐了志愿者申请，请审核" if again else "有人申请当志愿者，请审核"
    body = "资料、技能和时间都在申请里"
    return [Draft(leader, "volunteer.applied", title, body, link, sms, matter=application_id) for leader in leaders]


def approved(person_id: str, number: str) -> list[Draft]:
    """To the applicant: registered, with the number."""
    body = f"您的编号是{number}。支部会照您的时间和技能派单，来不了可以婉拒"
    return [Draft(person_id, "volunteer.approved", "您已经是志愿者了", body, "/tasks")]


def returned(person_id: str, missing: str) -> list[Draft]:
    """To the applicant: what is still missing."""
    return [Draft(person_id, "volunteer.returned", "志愿者申请请再补一点", f"还缺：{missing}", "/volunteer/apply")]


def refused(person_id: str, reason: str) -> list[Draft]:
    """To the applicant: not registered, and why."""
    return [Draft(person_id, "volunteer.refused", "志愿者申请没有批准", f"原因：{reason}", "/volunteer/apply")]
