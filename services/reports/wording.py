"""How figures are said: amounts, rates with both numbers, and changes in words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.reports import Measure, Value
from core.web.formats import hours_decimal, minutes_zh, percent, thousands

NOTHING = "无"
"""What stands where there was nothing to measure: never 0 % or 100 %."""


def unit_of(measure: Measure) -> str:
    """The unit that a figure is shown in: minutes of service are told in hours."""
    return "小时" if in_hours(measure) else measure.unit


def in_hours(measure: Measure) -> bool:
    """Whether a figure is kept in minutes and told in hours."""
    return measure.kind == "sum" and measure.unit == "分钟"


def told(measure: Measure, value: Value | None) -> str:
    """A figure without its unit; a rate with its sign."""
    number = value.number(measure.kind) if value is not None else None
    if number is None:
        return NOTHING
    if measure.kind == "rate":
        return percent(number)
    if in_hours(measure):
        return hours_decimal(int(number))
    if measure.kind == "duration":
        return minutes_zh(round(number))
    return thousands(int(number)) if number == int(number) else f"{number:,.1f}"


def full(measure: Measure, value: Value | None) -> str:
    """A figure with its unit: 95.4%, 412单, 1,286小时."""
    text = told(measure, value)
    return text if measure.kind in ("rate", "duration") or text == NOTHING else text + unit_of(measure)


def parts(measure: Measure, value: Value | None) -> str:
    """Both numbers of a rate, 62/65; nothing for other figures."""
    if measure.kind != "rate" or value is None:
        return ""
    return f"{thousands(value.numerator)}/{thousands(value.denominator)}"


class Percent(float):
    """A share from 0 to 1 as it is shown, to a tenth of a percent."""

    def __str__(self) -> str:
        return percent(float(self))


def cell(measure: Measure, value: Value | None) -> int | float | str:
    """A figure for the cell of a table: a number where it is one, rounded as pages show it."""
    number = value.number(measure.kind) if value is not None else None
    if number is None:
        return NOTHING
    if measure.kind == "rate":
        return Percent(Decimal(percent(number).removesuffix("%")) / 100)
    if in_hours(measure):
        return float(hours_decimal(int(number)).replace(",", ""))
    return int(number) if number == int(number) else round(number, 1)


@dataclass(frozen=True)
class Delta:
    """A change in words, and whether it is good (none: neither, or no change)."""

    text: str
    is_up: bool | None
    is_good: bool | None


def delta(measure: Measure, now: Value | None, then: Value | None, against: str) -> Delta | None:
    """The change against another period: 比上月升1.2, 比上月多11人. None when either had nothing to measure."""
    new, old = (value.number(measure.kind) if value is not None else None for value in (now, then))
    if new is None or old is None:
        return None
    if measure.kind == "rate":
        gap = round(new * 100, 1) - round(old * 100, 1)
        text = f"{'升' if gap > 0 else '降'}{abs(gap):.1f}" if round(gap, 1) else "持平"
    else:
        gap = new - old
        size = full(measure, Value(abs(gap)))
        text = f"{'多' if gap > 0 else '少'}{size}" if gap and size != "0分钟" else "持平"
    is_up = None if text == "持平" else gap > 0
    good = None if is_up is None or not measure.better else is_up == (measure.better == "up")
    return Delta(f"比{against}{text}", is_up, good)
