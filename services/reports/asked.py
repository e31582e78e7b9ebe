"""What a page of figures is asked for: a unit, a period, as of which day, and how units were organised.

All of it stands in the address, so that a page can be kept, sent on and handed over as a paper with the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from core import clock
from core.access import Viewer
from core.reports import Dimension, Question
from core.web.formats import date_zh
from services.reports import queries
from services.reports.queries import Unit

Kind = Literal["week", "month", "quarter", "year", "custom"]
KIND_NAMES: Mapping[str, str] = {"week": "周", "month": "月", "quarter": "季度", "year": "年", "custom": "自定日期"}
MAX_DAYS = 3 * 366
FIRST_YEAR = 2000
A_YEAR_OF_WEEKS = timedelta(days=364)


class Refused(ValueError):
    """What was asked for cannot be drawn; ``field`` names the control and the text says what to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Period:
    """Days, both included. ``end`` is when the whole week, month, quarter or year ends, which may be still to come."""

    kind: Kind
    first: date
    last: date
    end: date

    @property
    def is_over(self) -> bool:
        """Whether nothing of the period is still to come."""
        return self.last == self.end

    @property
    def title(self) -> str:
        """The period by name: 2026年11月."""
        match self.kind:
            case "month":
                return f"{self.first.year}年{self.first.month}月"
            case "quarter":
                return f"{self.first.year}年第{(self.first.month + 2) // 3}季度"
            case "year":
                return f"{self.first.year}年"
        return self.days

    @property
    def days(self) -> str:
        """The days: 2026年11月1日至22日."""
        start = date_zh(self.first, full=True)
        if self.first == self.last:
            return start
        if self.first.year != self.last.year:
            return f"{start}至{date_zh(self.last, full=True)}"
        month = "" if self.first.month == self.last.month else f"{self.last.month}月"
        return f"{start}至{month}{self.last.day}日"

    def before(self) -> Period:
        """The period before. One that is not over is set against as many days of it, else they would not compare."""
        if self.kind == "custom":
            length = self.last - self.first
            last = self.first - timedelta(days=1)
            return Period("custom", last - length, last, last)
        whole = whole_period(self.kind, self.first - timedelta(days=1))
        return whole if self.is_over else replace(whole, last=min(whole.first + (self.last - self.first), whole.end))

    def year_before(self) -> Period:
        """The same days a year before; weeks keep their weekdays."""
        if self.kind == "week":
            return Period("week", *(day - A_YEAR_OF_WEEKS for day in (self.first, self.last, self.end)))
        first, last, end = (_year_before(day) for day in (self.first, self.last, self.end))
        if self.kind != "custom":
            end = whole_period(self.kind, first).end
            last = end if self.is_over else last
        return Period(self.kind, first, last, end)

    @property
    def before_words(self) -> str:
        """How the period before is called: 上月, or 上月同期 while this one runs."""
        name = {"week": "上周", "month": "上月", "quarter": "上季度", "year": "上年", "custom": "前一段"}[self.kind]
        return name if self.is_over or self.kind == "custom" else name + "同期"

    @property
    def year_before_words(self) -> str:
        """How the same days a year before are called; nothing when they are the period before."""
        return "" if self.kind == "year" else "去年同期"


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def whole_period(kind: str, day: date) -> Period:
    """The whole week, month, quarter or year that a day lies in."""
    match kind:
        case "week":
            first = day - timedelta(days=day.weekday())
            return Period("week", first, first + timedelta(days=6), first + timedelta(days=6))
        case "quarter":
            first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
            end = clock.month_end((first + timedelta(days=80)).replace(day=1))
            return Period("quarter", first, end, end)
        case "year":
            return Period("year", date(day.year, 1, 1), date(day.year, 12, 31), date(day.year, 12, 31))
    end = clock.month_end(day)
    return Period("month", day.replace(day=1), end, end)


@dataclass(frozen=True)
class Asked:
    """A unit and a period, and which of two readings of the past."""

    unit: Unit
    period: Period
    as_of: date | None = None
    organised: Literal["then", "now"] = "now"

    def question(
        self, by: Dimension = "total", period: Period | None = None, only: Mapping[str, str] | None = None
    ) -> Question:
        """The question to the sources, of another period when one is named."""
        days = period or self.period
        return Question(self.unit.path, days.first, days.last, by, self.as_of, self.organised, dict(only or {}))

    def address(self, **changes: str) -> dict[str, Any]:
        """The arguments of an address that asks the same, changed here and there; an empty one is left out."""
        found = {"unit": self.unit.id, "period": self.period.kind}
        if self.period.kind == "custom":
            found |= {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        else:
            found["on"] = self.period.first.isoformat()
        if self.as_of:
            found["as_of"] = self.as_of.isoformat()
        if self.organised != "now":
            found["organised"] = self.organised
        return {name: value for name, value in (found | changes).items() if value}

    def days(self, first: date, last: date, **changes: str) -> dict[str, Any]:
        """The arguments of an address for other days."""
        days = {"from": first.isoformat(), "to": last.isoformat(), "on": ""}
        return self.address(**({"period": "custom"} | days | changes))


def read(viewer: Viewer, given: Mapping[str, str]) -> Asked:
    """What an address asks for. Raises ``Refused`` for days that cannot be, ``NotFound`` for a unit outside scope."""
    unit = queries.get_unit(viewer, given.get("unit", "")[:16] or None)
    organised: Literal["then", "now"] = "then" if given.get("organised") == "then" else "now"
    as_of = _day(given, "as_of")
    if as_of is not None and as_of > clock.today():
        raise Refused("as_of", "截至日期不能晚于今天")
    return Asked(unit, read_period(given), as_of if as_of != clock.today() else None, organised)


def read_period(given: Mapping[str, str]) -> Period:
    """The period of an address, this month when it names none. Raises ``Refused``."""
    today, kind = clock.today(), given.get("period", "month")
    if kind == "custom":
        return _custom(given, today)
    if kind not in KIND_NAMES:
        raise Refused("period", "周期请选周、月、季度、年或自定日期")
    day = _day(given, "on") or today
    if day.year < FIRST_YEAR:
        raise Refused("on", f"{FIRST_YEAR}年以前没有记录，请换一个日期")
    whole = whole_period(kind, day)
    if whole.first > today:
        raise Refused("on", "还没有到这段时间，请换一个日期")
    return replace(whole, last=min(whole.last, today))


def _custom(given: Mapping[str, str], today: date) -> Period:
    first, last = _day(given, "from"), _day(given, "to")
    if first is None:
        raise Refused("from", "请填开始日期")
    if last is None:
        raise Refused("to", "请填结束日期")
    if last < first:
        raise Refused("to", "结束日期不能早于开始日期")
    if last > today:
        raise Refused("to", "结束日期不能晚于今天")
    if first.year < FIRST_YEAR:
        raise Refused("from", f"{FIRST_YEAR}年以前没有记录，请换一个开始日期")
    if (last - first).days > MAX_DAYS:
        raise Refused("from", "一次最多统计三年，请缩短日期")
    return Period("custom", first, last, last)


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text[:20])
    except ValueError:
        raise Refused(name, "日期写成 2026-11-22 这样，或从日历里选") from None
