"""What is said about the calendar."""

from __future__ import annotations

from collections.abc import Iterable

from core.outbox import Draft
from core.outbox.kinds import Group, Kind, declare

declare(
    Group("calendar", "工作日历", "哪一年的节假日还没有录入", "staff"), [Kind("workdays.not_entered", "日历还没有录入")]
)


def not_entered(year: int, people: Iterable[str]) -> list[Draft]:
    """To those who can enter it: a year that is near, or has begun, counts by weekdays."""
    title = f"{year}年的节假日还没有录入"
    body = "在录入之前，时限按周一到周五计算，碰上放假和补班会算错。国务院的放假通知出来以后，请到“工作日历”里粘贴录入"
    return [
        Draft(person, "workdays.not_entered", title, body, f"/workdays?year={year}", matter=str(year))
        for person in people
    ]
