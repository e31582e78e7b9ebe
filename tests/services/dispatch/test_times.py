"""Hours, days off, tasks and the way between them, in minutes of Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from core import clock
from services.dispatch.times import (
    DAY,
    date_of,
    day_of,
    free_from,
    joined,
    kept,
    minute_of,
    moment_of,
    needed,
    open_spans,
    week_of,
    weekday_of,
)

NOON = minute_of(clock.from_local(datetime(2026, 11, 18, 12)))
MORNINGS = tuple((day, 8 * 60, 12 * 60) for day in range(7))


@pytest.mark.parametrize("days", [0, 1, 40, 4000, 20_000])
def test_days_and_minutes_agree_with_the_clock(days: int) -> None:
    moment = datetime(2001, 3, 1, 7, 31, tzinfo=UTC) + timedelta(days=days)
    local = clock.local(moment)
    assert moment_of(minute_of(moment)) == moment
    assert minute_of(moment) // DAY == day_of(local.date())
    assert minute_of(moment) % DAY == local.hour * 60 + local.minute
    assert weekday_of(day_of(local.date())) == local.weekday()
    assert date_of(day_of(local.date())) == local.date()
    monday = local.date() - timedelta(days=local.weekday())
    assert {week_of(day_of(monday + timedelta(days=n))) for n in range(7)} == {week_of(day_of(monday))}


def test_a_service_needs_its_usual_time_or_all_that_was_wished() -> None:
    assert needed(0, 120, 40) == 40
    assert needed(0, 120, 5) == 15
    assert needed(0, 120, 180) == 120


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        ([], NOON),
        ([(NOON - 60, NOON)], NOON + 15),
        ([(NOON - 60, NOON - 15)], NOON),
        ([(NOON + 55, NOON + 90)], NOON),
        ([(NOON + 54, NOON + 60)], NOON + 75),
        ([(NOON, NOON + 30), (NOON + 90, NOON + 100)], None),
        ([(NOON - 60, NOON), (NOON - 30, NOON + 20)], NOON + 35),
    ],
)
def test_between_tasks(busy: list[tuple[int, int]], expected: int | None) -> None:
    assert free_from(NOON, NOON + 120, 40, (), (), busy, 15) == expected


def test_a_night_and_hours_that_touch() -> None:
    late = NOON + 10 * 60
    hours = ((3, 8 * 60, 12 * 60), (2, 8 * 60, 21 * 60))
    assert free_from(late, late + 11 * 60, 60, hours, (), (), 15) == NOON + 20 * 60
    touching = ((2, 8 * 60, 12 * 60), (2, 12 * 60, 14 * 60))
    assert free_from(NOON - 30, NOON + 30, 60, touching, (), (), 15) == NOON - 30
    # Whoever has given no hours is not stopped by midnight, either.
    assert free_from(NOON + 690, NOON + 750, 60, (), (), (), 15) == NOON + 690


def test_days_off() -> None:
    today = day_of(date(2026, 11, 18))
    assert open_spans(NOON - 60, NOON + DAY, MORNINGS, [(today, today)]) == [(NOON + DAY - 240, NOON + DAY)]
    assert open_spans(NOON, NOON + DAY, (), [(today, today + 1)]) == []


def test_only_a_short_wish_is_a_promise() -> None:
    assert kept(NOON, NOON + 180) == (NOON, NOON + 180)
    assert kept(NOON, NOON + 181) is None
    assert kept(None, None) is None


@pytest.mark.parametrize("seed", range(40))
def test_free_time_against_trying_every_minute(seed: int) -> None:
    rng = Random(seed)
    midnight = NOON // DAY * DAY
    start = midnight + rng.randrange(0, 1300)
    end, minutes, margin = start + rng.randrange(15, 600), rng.choice((15, 40, 90)), rng.choice((0, 15))
    hours = tuple((rng.randrange(7), o, o + rng.randrange(20, 300)) for o in rng.sample(range(1100), 6))
    off = [(midnight // DAY + 1, midnight // DAY + 1)] if rng.random() < 0.3 else []
    busy = sorted((s, s + rng.randrange(10, 120)) for s in (start + rng.randrange(-60, 300) for _ in range(2)))
    long = needed(start, end, minutes)
    opened = set()
    for day in (midnight // DAY, midnight // DAY + 1):
        for weekday, opens, closes in hours:
            if weekday == weekday_of(day) and not any(first <= day <= last for first, last in off):
                opened |= set(range(day * DAY + opens, day * DAY + min(closes, DAY)))
    found = next(
        (at for at in range(start, end - long + 1)
         if all(minute in opened for minute in range(at, at + long))
         and not any(e + margin > at and s - margin < at + long for s, e in busy)), None,
    )  # fmt: skip
    assert free_from(start, end, minutes, hours, off, busy, margin) == found


def test_spans_that_touch_are_one() -> None:
    assert joined([(3, 5), (1, 3), (7, 9), (8, 8)]) == [(1, 5), (7, 9)]
