"""The hours of the week in which a volunteer has time, and reading them out of free text."""

import re
from typing import NamedTuple

from core.identity import is_nothing, narrow

__all__ = ["ALL_DAY", "PARTS_OF_DAY", "Window", "merge_windows", "parse_hours"]

ALL_DAY = (8 * 60, 21 * 60)
PARTS_OF_DAY = {
    "早上": (7 * 60, 9 * 60),
    "早晨": (7 * 60, 9 * 60),
    "上午": (8 * 60, 12 * 60),
    "中午": (12 * 60, 14 * 60),
    "下午": (14 * 60, 18 * 60),
    "傍晚": (17 * 60, 19 * 60),
    "晚上": (18 * 60 + 30, 21 * 60),
    "晚间": (18 * 60 + 30, 21 * 60),
    "白天": (8 * 60, 18 * 60),
    "全天": ALL_DAY,
    "整天": ALL_DAY,
}
"""What a part of the day means, in minutes after midnight: a convention of ours, shown wherever it is applied."""

_ANY_TIME = re.compile(r"随叫随到|随时(都?可以?|都?行|有空)?|任何时间|时间不限|不限(时间)?|都可以|全周")
_DAY_NAMES = (
    {name: day for day, name in enumerate("一二三四五六")}
    | {"日": 6, "天": 6, "末": 6}
    | {str(day + 1): day for day in range(7)}
)
_GROUPS = {
    "工作日": range(5), "平时": range(5), "平日": range(5), "上班日": range(5),
    "周末": range(5, 7), "双休日": range(5, 7), "每天": range(7), "每日": range(7), "天天": range(7), "全周": range(7),
}  # fmt: skip
_DAY = "(?:周|星期|礼拜)"
_SPAN = re.compile(rf"{_DAY}([一二三四五六日天1-7])(?:至|到|-|~|—){_DAY}?([一二三四五六日天1-7])")
_GROUP = re.compile("|".join(_GROUPS))
_LIST = re.compile(rf"{_DAY}([一二三四五六日天1-7](?:[、,和及]?[一二三四五六日天1-7](?![\d点时:]))*)")
_CLOCK = r"(上午|下午|晚上|中午|早上)?(\d{1,2})(?:[:点时](\d{1,2}|半)?分?)?"
_TIMES = re.compile(rf"{_CLOCK}(?:至|到|-|~|—){_CLOCK}")
_AFTER = re.compile(rf"{_CLOCK}(?:以后|之后|后)")
_PART = re.compile("|".join(PARTS_OF_DAY))
_FILLER = re.compile(r"^(?:的|都|有空|有时间|可以?|行|均可|时间|时段|服务|每|、|,|和|及|\s|\(|\))+")


class Window(NamedTuple):
    """A stretch of every week: `weekday` 0 is Monday, the ends are minutes after midnight."""

    weekday: int
    start_minute: int
    end_minute: int


def parse_hours(text: str) -> tuple[list[Window], str]:
    """The weekly windows of a free text, overlapping ones joined, and what was not understood, joined by ；.

    Clauses are divided by ；, 。 or a new line. A clause is understood to its last word or not at all.
    """
    windows: list[Window] = []
    unclear = []
    for clause in re.split(r"[;。|\n]+", narrow(text)):
        if is_nothing(clause):
            continue
        found = _parse_clause(re.sub(r"\s+", "", clause))
        windows += found
        if not found:
            unclear.append(clause.strip())
    return merge_windows(windows), "；".join(unclear)


def merge_windows(windows: list[Window]) -> list[Window]:
    """Windows in the order of the week, those that overlap or touch joined."""
    merged: list[Window] = []
    for window in sorted(windows):
        last = merged[-1] if merged else None
        if last and last.weekday == window.weekday and window.start_minute <= last.end_minute:
            merged[-1] = last._replace(end_minute=max(last.end_minute, window.end_minute))
        else:
            merged.append(window)
    return merged


def _parse_clause(clause: str) -> list[Window]:
    """Days, then times, then perhaps other days: 周六上午、周三晚上. Empty when anything is left over."""
    windows: list[Window] = []
    days: list[int] = []
    fresh: list[int] = []
    untimed = False
    rest = clause
    while rest:
        if found := _ANY_TIME.match(rest):
            windows += [Window(day, *ALL_DAY) for day in range(7)]
        elif day_match := _match_days(rest):
            found, fresh = day_match
            days = [*days, *fresh] if untimed else fresh
            untimed = True
        elif time_match := _match_times(rest):
            found, (start, end) = time_match
            if not start < end <= 24 * 60:
                return []
            windows += [Window(day, start, end) for day in days or range(7)]
            untimed = False
        elif not (found := _FILLER.match(rest)):
            return []
        rest = rest[found.end() :]
    return [*windows, *(Window(day, *ALL_DAY) for day in days)] if untimed else windows


def _match_days(text: str) -> tuple[re.Match[str], list[int]] | None:
    if found := _SPAN.match(text):
        first, last = _DAY_NAMES[found[1]], _DAY_NAMES[found[2]]
        return found, [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    if found := _GROUP.match(text):
        return found, list(_GROUPS[found.group()])
    if found := _LIST.match(text):
        return found, [_DAY_NAMES[char] for char in found[1] if char in _DAY_NAMES]
    return None


def _match_times(text: str) -> tuple[re.Match[str], tuple[int, int]] | None:
    if found := _TIMES.match(text):
        start = _minutes(found[1], found[2], found[3])
        return found, (start, _minutes(found[4] or found[1], found[5], found[6]))
    if found := _AFTER.match(text):
        return found, (_minutes(found[1], found[2], found[3]), ALL_DAY[1])
    if found := _PART.match(text):
        return found, PARTS_OF_DAY[found.group()]
    return None


def _minutes(part: str | None, hour: str, minute: str | None) -> int:
    hours = int(hour) + (12 if part in ("下午", "晚上", "中午") and int(hour) < (11 if part == "中午" else 12) else 0)
    return hours * 60 + (30 if minute == "半" else int(minute or 0))
