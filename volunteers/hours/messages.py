"""What is said to whom about hours: one function a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from core.outbox import Draft
from core.web.formats import date_zh, minutes_zh
from volunteers.hours.evidence import Unrecorded


def credited(volunteer_id: str, entry_id: str, content: str, began: datetime, minutes: int) -> Draft:
    """To a volunteer: hours were recorded for you."""
    title = f"记入{minutes_zh(minutes)}：{content}"
    body = f"{date_zh(began)}的服务。记得不对，在“服务时长”里点“这条不对”"
    return Draft(volunteer_id, "hours.credited", title, body, "/hours", matter=entry_id)


def corrected(volunteer_id: str, entry_id: str, content: str, was: int, minutes: int, reason: str) -> Draft:
    """To a volunteer: an entry of yours was corrected."""
    title = f"时长已更正：{content}，{was}分钟改为{minutes}分钟" if minutes else f"时长已作废：{content}，{was}分钟"
    return Draft(volunteer_id, "hours.corrected", title, reason, "/hours", matter=entry_id)


def unrecorded(one: Unrecorded, people: Iterable[str], elapsed: int, last: date) -> list[Draft]:
    """To who is in charge and the branch: a service has no record yet, or no longer in time."""
    if elapsed < 10:
        title = f"还没记时长：{one.volunteer_name}{one.content}，{last.month}月{last.day}日前要记"
    else:
        title = f"时长漏录：{one.volunteer_name}{one.content}，已到10个工作日"
    body = f"{date_zh(one.began)}开始的服务，没有结束，也没有时长。请联系志愿者点“完成”，或者由支部核实补记"
    return [Draft(person, "hours.unrecorded", title, body, one.url, matter=one.key) for person in people]


def not_ended(one: Unrecorded, last: date) -> list[Draft]:
    """To the volunteer: a service of yours has no end, so no hours stand for it."""
    if one.volunteer_id is None:
        return []
    title = f"别忘了点“完成”：{one.content}"
    body = f"{date_zh(one.began)}开始的服务还没有结束，时长没有记上。请在{last.month}月{last.day}日前补上"
    return [Draft(one.volunteer_id, "hours.not_ended", title, body, one.url, matter=one.key)]


def dispute_due(people: Iterable[str], dispute_id: str, volunteer_name: str, due: datetime) -> list[Draft]:
    """To the branch: a dispute has not been answered in time."""
    title = f"时长异议该答复了：{volunteer_name}，期限{date_zh(due)}"
    link = f"/hours/desk/disputes/{dispute_id}"
    return [Draft(person, "hours.dispute_due", title, "", link, matter=dispute_id) for person in people]


def differ(people: Iterable[str], lines: Sequence[str]) -> list[Draft]:
    """To the branch and administrators: monthly sums do not equal the entries."""
    title = f"时长明细和汇总有{len(lines)}处不符，请核查"
    body = "\n".join([*lines[:20], "可能有人绕过系统改了数据库，请联系管理员"])
    return [Draft(person, "hours.differ", title, body, "/hours/desk") for person in people]
