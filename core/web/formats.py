"""How times, amounts and names are written on a page: the Jinja filters.

The wording follows the interface guide (文案): near days by name, the year only when it is not this one,
a 24-hour clock without a leading zero, no space between a number and its unit.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from flask import Flask

from core import clock
from core.identity import mask_name, mask_phone

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_NEAR = {-1: "昨天", 0: "今天", 1: "明天"}
_SOON = timedelta(minutes=10)


class Remaining(NamedTuple):
    """What is left until a deadline, ready for the ``sla`` component."""

    kind: Literal["ok", "soon", "late"]
    text: str


def _day(value: datetime | date) -> date:
    return clock.local(value).date() if isinstance(value, datetime) else value


def clock_time(value: datetime | None) -> str:
    """The Shanghai time of day, ``9:05`` or ``15:00``; nothing for ``None``."""
    if value is None:
        return ""
    moment = clock.local(value)
    return f"{moment.hour}:{moment.minute:02d}"


def date_zh(value: datetime | date | None, full: bool = False) -> str:
    """``11月22日 周日`` in this year, ``2025年11月22日`` in another; ``full`` always writes the year."""
    if value is None:
        return ""
    day = _day(value)
    if full or day.year != clock.today().year:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.month}月{day.day}日 {WEEKDAYS[day.weekday()]}"


def relative_day(value: datetime | date | None) -> str:
    """昨天, 今天, 明天, the weekday for the five days after tomorrow, otherwise the date."""
    if value is None:
        return ""
    day = _day(value)
    distance = (day - clock.today()).days
    if distance in _NEAR:
        return _NEAR[distance]
    return WEEKDAYS[day.weekday()] if 1 < distance < 7 else date_zh(day)


def when(value: datetime | date | None) -> str:
    """The day in words and, for a moment, the time: ``今天 15:00``, ``周二 9:30``, ``2025年11月22日 8:00``."""
    if isinstance(value, datetime):
        return f"{relative_day(value)} {clock_time(value)}"
    return relative_day(value)


def time_range(start: datetime | None, end: datetime | None) -> str:
    """``今天 14:00–16:00``; both days when they differ; either end may be missing."""
    if start is None or end is None:
        return f"{when(end)} 之前" if end else when(start)
    if _day(start) == _day(end):
        return f"{when(start)}–{clock_time(end)}"
    return f"{when(start)}–{when(end)}"


def minutes_zh(minutes: int | None) -> str:
    """Minutes in words: ``45分钟``, ``1小时``, ``1小时30分``. A correction may be negative."""
    if minutes is None:
        return ""
    sign, (hours, rest) = "-" if minutes < 0 else "", divmod(abs(minutes), 60)
    if not hours:
        return f"{sign}{rest}分钟"
    return f"{sign}{hours}小时{rest}分" if rest else f"{sign}{hours}小时"


def hours_decimal(minutes: int | None) -> str:
    """Minutes as hours to one decimal, half up, thousands parted by a comma: 48750 is ``812.5``, 60 is ``1``."""
    hours = (Decimal(minutes or 0) / 60).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{hours:,}".removesuffix(".0")


def thousands(value: int | None) -> str:
    """A whole number with a comma between the thousands."""
    return f"{value or 0:,}"


def percent(rate: float | None) -> str:
    """A share from 0 to 1 as a percentage with one decimal; a dash when there is nothing to divide by."""
    return "—" if rate is None else f"{Decimal(str(rate)) * 100:.1f}%"


def _amount(gap: timedelta) -> str:
    minutes = max(1, int(gap.total_seconds()) // 60)
    if minutes < 60:
        return f"{minutes}分"
    return f"{minutes // 60}小时" if minutes < 24 * 60 else f"{minutes // (24 * 60)}天"


def remaining(due: datetime, now: datetime | None = None, soon: timedelta = _SOON) -> Remaining:
    """How a deadline stands: ``剩 17分``, ``超时 3小时``, ``超时 2天``, in the largest whole unit, at least one minute.

    ``kind`` is ``late`` from the moment due, ``soon`` in the last ``soon`` before it (ten minutes), else ``ok``.
    """
    gap = due - (now or clock.now())
    if gap <= timedelta(0):
        return Remaining("late", f"超时 {_amount(-gap)}")
    return Remaining("soon" if gap < soon else "ok", f"剩 {_amount(gap)}")


def iso(value: datetime | date | None) -> str:
    """For the ``datetime`` attribute of ``<time>``: Shanghai time with its offset, or the day."""
    if value is None:
        return ""
    return clock.local(value).isoformat(timespec="minutes") if isinstance(value, datetime) else value.isoformat()


def register(app: Flask) -> None:
    """Add the filters to the application's templates."""
    for function in (
        clock_time, date_zh, hours_decimal, iso, mask_name, mask_phone, minutes_zh,
        percent, relative_day, remaining, thousands, time_range, when,
    ):  # fmt: skip
        app.add_template_filter(function)
