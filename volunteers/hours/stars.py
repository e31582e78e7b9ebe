"""Star levels by hours given (2012 measures: 100, 300, 600, 1000, 1500 hours); some cities differ."""

from __future__ import annotations

THRESHOLDS = (100, 300, 600, 1000, 1500)
NAMES = ("未定星级", "一星级", "二星级", "三星级", "四星级", "五星级")


def star_level(minutes: int) -> int:
    """0 to 5 for a total of minutes."""
    return sum(minutes >= hours * 60 for hours in THRESHOLDS)


def next_threshold(minutes: int) -> int | None:
    """Minutes at which the next star is reached; None with five stars."""
    return next((hours * 60 for hours in THRESHOLDS if minutes < hours * 60), None)
