"""The week of a volunteer as a form shows it: four parts to a day, and in words what does not fit them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from volunteers.registry.availability import ALL_DAY, PARTS_OF_DAY, Window, merge_windows

PARTS = ("上午", "中午", "下午", "晚上")
DAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


def key(weekday: int, part: int) -> str:
    """How a part of a day is called in a form: ``0-2`` is Monday afternoon."""
    return f"{weekday}-{part}"


KEYS = frozenset(key(day, part) for day in range(7) for part in range(len(PARTS)))


def windows_of(keys: Collection[str]) -> list[Window]:
    """The windows of the parts that were ticked; a whole day is one window."""
    found: list[Window] = []
    for day in range(7):
        parts = [part for part in range(len(PARTS)) if key(day, part) in keys]
        if len(parts) == len(PARTS):
            found.append(Window(day, *ALL_DAY))
        else:
            found += [Window(day, *PARTS_OF_DAY[PARTS[part]]) for part in parts]
    return merge_windows(found)


def split(windows: Iterable[Window]) -> tuple[list[str], list[Window]]:
    """The parts that windows fill exactly, and the windows that no parts make up."""
    keys: list[str] = []
    rest: list[Window] = []
    for window in windows:
        inside = [part for part, name in enumerate(PARTS) if _within(PARTS_OF_DAY[name], window)]
        own = [key(window.weekday, part) for part in inside]
        if windows_of(own) == [window]:
            keys += own
        else:
            rest.append(window)
    return keys, rest


def _within(part: tuple[int, int], window: Window) -> bool:
    return window.start_minute <= part[0] and part[1] <= window.end_minute


def in_words(windows: Sequence[Window]) -> str:
    """Windows as a text that ``parse_hours`` reads again: 周六9:00至11:30；周日14:00至16:00."""
    return "；".join(f"{DAYS[w.weekday]}{_clock(w.start_minute)}至{_clock(w.end_minute)}" for w in windows)


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02d}"
