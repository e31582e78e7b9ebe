"""Quiet hours, over midnight and within a day."""

from __future__ import annotations

from datetime import datetime

import pytest

from community.channels.quiet import DEFAULT, end_of_quiet, told
from core import clock


def local(text: str) -> datetime:
    return clock.from_local(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (DEFAULT, "2026-11-18T20:59", None),
        (DEFAULT, "2026-11-18T21:00", "2026-11-19T08:00"),
        (DEFAULT, "2026-12-31T23:59", "2027-01-01T08:00"),
        (DEFAULT, "2026-11-19T00:00", "2026-11-19T08:00"),
        (DEFAULT, "2026-11-19T07:59", "2026-11-19T08:00"),
        (DEFAULT, "2026-11-19T08:00", None),
        ((12 * 60, 14 * 60 + 30), "2026-11-18T11:59", None),
        ((12 * 60, 14 * 60 + 30), "2026-11-18T12:00", "2026-11-18T14:30"),
        ((12 * 60, 14 * 60 + 30), "2026-11-18T14:30", None),
        ((0, 0), "2026-11-18T00:00", None),
        ((600, 600), "2026-11-18T10:00", None),
    ],
)
def test_the_end_of_quiet(hours: tuple[int, int], now: str, end: str | None) -> None:
    assert end_of_quiet(hours, local(now)) == (local(end) if end else None)


def test_hours_in_words() -> None:
    assert told(DEFAULT) == "21:00–8:00"
