"""What is said to whom about a month's public notice: one function a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from core.outbox import Draft
from core.web.formats import date_zh


def opened(people: Iterable[str], notice_id: str, month: date, closes_on: date) -> list[Draft]:
    """To the volunteers on it: the month's hours are on notice, look whether yours are right."""
    title = f"{month.month}月服务时长开始公示，到{date_zh(closes_on)}为止"
    body = "看看自己的对不对，不对就提出来，支部会核实"
    link = f"/notices/hours/{notice_id}"
    return [Draft(person, "notice.opened", title, body, link, matter=notice_id) for person in people]


def waits(people: Iterable[str], notice_id: str, month: date, count: int) -> list[Draft]:
    """To the branch: the period is over, but objections wait for an answer."""
    title = f"{month.month}月时长公示期满，还有{count}条异议没答复"
    link = f"/hours/desk/notices/{notice_id}"
    return [Draft(person, "notice.waits", title, "答复完才能结束公示", link, matter=notice_id) for person in people]
