"""Reading a year's days from lines as people paste them: ``2027-02-06 春节 休``, or ``2月6日至12日 春节 休``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from community.workdays.models import DayKind

LONGEST = 31
"""Days that one line may span: longer is a slip of the pen."""
_OFF, _ON = ("放假", "休息", "休假", "休"), ("补班", "上班", "调班", "班")
_WORD = re.compile("|".join((*_OFF, *_ON)))
_DATE = r"(?:(\d{4})\s*[-/.年])?\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
_UNTIL = r"(?:(\d{4})\s*[-/.年])?\s*(?:(\d{1,2})\s*[-/.月])?\s*(\d{1,2})\s*日?"
_LINE = re.compile(rf"^{_DATE}(?:\s*(?:至|到|—+|–|~|-)\s*{_UNTIL})?")
_SPACES = re.compile(r"[\s　，,、：:；;（）()]+")


@dataclass(frozen=True)
class Entry:
    """A day as one line gives it."""

    day: date
    kind: DayKind
    name: str


@dataclass(frozen=True)
class Refused:
    """A line that could not be taken, and what to mend."""

    number: int
    text: str
    why: str


def read_lines(text: str, year: int) -> tuple[list[Entry], list[Refused]]:
    """The days of a year's list, and the lines refused. Empty lines are nothing; a day given twice is refused."""
    found: dict[date, int] = {}
    entries: list[Entry] = []
    refused: list[Refused] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            days = list(_read(line.strip(), year))
        except ValueError as error:
            refused.append(Refused(number, line.strip()[:80], str(error)))
            continue
        twice = next((found[entry.day] for entry in days if entry.day in found), None)
        if twice is not None:
            refused.append(Refused(number, line.strip()[:80], f"和第{twice}行的日子重复，请删去一行"))
            continue
        found |= {entry.day: number for entry in days}
        entries += days
    return entries, refused


def _read(line: str, year: int) -> Iterator[Entry]:
    line = line.translate(str.maketrans("０１２３４５６７８９－／．", "0123456789-/."))
    match = _LINE.match(line)
    if match is None:
        raise ValueError(f"开头要写日期，例如 {year}-02-06")
    first = _day(match[1], match[2], match[3], year)
    last = _day(match[4] or match[1], match[5] or match[2], match[6], year) if match[6] else first
    if last < first:
        raise ValueError("后一天要晚于前一天")
    if (last - first).days >= LONGEST:
        raise ValueError(f"一行最多{LONGEST}天，请分成几行")
    works, name = _meaning(line[match.end() :])
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        yield Entry(day, kind_of(day, works, name), name)


def _day(year_text: str | None, month: str, day: str, year: int) -> date:
    if year_text and int(year_text) != year:
        raise ValueError(f"这里只录{year}年的日子")
    try:
        return date(year, int(month), int(day))
    except ValueError:
        raise ValueError(f"没有{int(month)}月{int(day)}日这一天") from None


def _meaning(rest: str) -> tuple[bool, str]:
    """Whether the day is worked, and the holiday's name: the last word tells the one, what is left the other."""
    words = [word for word in _SPACES.split(re.sub(r"(?:周|星期)[一二三四五六日天]", " ", rest)) if word]
    said = [word for word in words if _WORD.fullmatch(word)]
    if not said:
        raise ValueError("末尾要写“休”或“班”")
    if len({word in _ON for word in said}) > 1:
        raise ValueError("“休”和“班”只能写一个")
    name = "".join(word for word in words if not _WORD.fullmatch(word))
    if len(name) > 40:
        raise ValueError("节日名最多40个字")
    return said[0] in _ON, name


def kind_of(day: date, works: bool, name: str) -> DayKind:
    """What such a day is: off with a name a holiday, worked on a weekend made up."""
    if works:
        return DayKind.MAKE_UP if day.weekday() >= 5 else DayKind.WORKING
    return DayKind.HOLIDAY if name else DayKind.DAY_OFF
