"""What is said to whom about a registration: one function a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from core.outbox import Draft
from core.web.formats import date_zh
from volunteers.registry import kinds as _kinds  # noqa: F401


def suspended(person_id: str, reason: str) -> list[Draft]:
    """To the volunteer: the branch has stopped their service for now."""
    return [
        Draft(person_id, "volunteer.suspended", "您的志愿服务已暂停", f"原因：{reason}。有疑问请联系支部", "/volunteer")
    ]


def consent_withdrawn(leaders: Iterable[str], person_id: str, name: str, what: str, held: int) -> list[Draft]:
    """To the branch: a consent was withdrawn, so the service is suspended; what they hold has to be handed over."""
    title = f"{name}：{what}已撤回，已暂停服务"
    rest = f"手上还有{held}项没做完，请尽快交接" if held else "不再给他派单，记录保留"
    return [Draft(leader, "volunteer.consent_withdrawn", title, rest, f"/volunteers/{person_id}") for leader in leaders]


def guardian_named(person_id: str, name: str) -> list[Draft]:
    """To a guardian who has an account: the consent is on record, and can be taken back."""
    body = "随时可以撤回，撤回后马上停止派单"
    return [Draft(person_id, "volunteer.guardian_named", f"已记下您同意{name}当志愿者", body, "/wards")]


def on_leave(leaders: Iterable[str], person_id: str, name: str, until: date) -> list[Draft]:
    """To the branch: a volunteer is away until a day."""
    title = f"{name}请假到{date_zh(until)}"
    body = "这期间不派单，到期自动恢复"
    return [Draft(leader, "volunteer.on_leave", title, body, f"/volunteers/{person_id}") for leader in leaders]


def granted_leave(person_id: str, until: date) -> list[Draft]:
    """To the volunteer: the branch has noted their leave."""
    body = "这期间不给您派单，到期自动恢复，也可以自己提前恢复"
    return [Draft(person_id, "volunteer.granted_leave", f"已登记请假，到{date_zh(until)}", body, "/volunteer")]


def back(person_id: str) -> list[Draft]:
    """To the volunteer: they serve again."""
    return [Draft(person_id, "volunteer.back", "您的志愿服务已恢复", "支部会照您的时间和技能派单", "/volunteer")]


def left(leaders: Iterable[str], person_id: str, name: str, reason: str) -> list[Draft]:
    """To the branch: a volunteer has left by themselves."""
    title = f"{name}已退出志愿者"
    return [Draft(leader, "volunteer.left", title, reason, f"/volunteers/{person_id}") for leader in leaders]


def farewell(person_id: str, keep_until: date) -> list[Draft]:
    """To whoever has left: what is kept, and how to come back."""
    body = f"服务时长保留到{date_zh(keep_until, True)}，时段和未核实的技能已删除。想回来可以再申请"
    return [Draft(person_id, "volunteer.farewell", "您已退出志愿者，谢谢您的付出", body, "/volunteer/apply")]


def skill_expires(person_id: str, skill: str, on: date) -> list[Draft]:
    """To the volunteer: a verification is about to end."""
    title = f"“{skill}”的核实{date_zh(on)}到期"
    return [Draft(person_id, "volunteer.skill_expires", title, "请带新证件到支部重新核实", "/volunteer", matter=skill)]


def skill_lapses(leaders: Iterable[str], person_id: str, name: str, skill: str, on: date) -> list[Draft]:
    """To the branch: the same of a volunteer of theirs."""
    title, link = f"{name}“{skill}”的核实{date_zh(on)}到期", f"/volunteers/{person_id}"
    matter = f"{person_id}-{skill}"
    return [Draft(leader, "volunteer.skill_lapses", title, "请核对新证件后重新核实", link, matter=matter)
            for leader in leaders]  # fmt: skip
