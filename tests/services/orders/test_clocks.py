"""The arithmetic of an order's clock: whatever stops or extends it, what was promised is what is counted."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core import calendar, clock
from core.calendar import AROUND, DAYS, HOURS
from services.orders import clocks
from services.orders.clock_account import explain
from services.orders.clocks import Clock, Mark, course

MINUTE = timedelta(minutes=1)


def at(*parts: int) -> datetime:
    return clock.from_local(datetime(*parts))  # type: ignore[arg-type]


# Friday 20 November 2026, half past four; Monday is the 23rd.
FRIDAY = at(2026, 11, 20, 16, 30)


def pause(moment: datetime, days: int = 3) -> Mark:
    return Mark("pause", moment, "王书记", "请补充", moment + timedelta(days=days))


def resume(moment: datetime) -> Mark:
    return Mark("resume", moment, "王书记")


def longer(moment: datetime, minutes: int) -> Mark:
    return Mark("extend", moment, "王书记", "等配件", minutes=minutes)


def until(moment: datetime, new: datetime) -> Mark:
    return Mark("extend", moment, "王书记", "约好了", until=new)


def of(kind: str, minutes: int, *marks: Mark, start: datetime = FRIDAY, floor: datetime | None = None) -> Clock:
    return Clock(kind, minutes, start, floor=floor, marks=marks)


@pytest.mark.parametrize(
    ("what", "due"),
    [
        (of(HOURS, 840), at(2026, 11, 24, 16, 30)),
        (of(HOURS, 840, pause(at(2026, 11, 23, 10))), at(2026, 11, 27, 16, 30)),
        (of(HOURS, 840, pause(at(2026, 11, 23, 10)), resume(at(2026, 11, 23, 16))), at(2026, 11, 25, 11, 30)),
        (of(HOURS, 840, pause(at(2026, 11, 23, 10)), resume(at(2026, 11, 24, 10))), at(2026, 11, 25, 16, 30)),
        (of(HOURS, 840, longer(at(2026, 11, 23, 10), 120)), at(2026, 11, 25, 9, 30)),
        (of(HOURS, 840, until(at(2026, 11, 23, 10), at(2026, 11, 28, 20))), at(2026, 11, 28, 20)),
        (of(AROUND, 1440, pause(at(2026, 11, 20, 20)), resume(at(2026, 11, 21, 20))), at(2026, 11, 22, 16, 30)),
        (of(DAYS, 3 * 1440), at(2026, 11, 25, 18)),
        (of(DAYS, 3 * 1440, pause(at(2026, 11, 23, 10)), resume(at(2026, 11, 24, 9))), at(2026, 11, 26, 18)),
        (of(DAYS, 3 * 1440, pause(at(2026, 11, 25, 10)), resume(at(2026, 11, 26, 9))), at(2026, 11, 26, 18)),
        (of(DAYS, 3 * 1440, longer(at(2026, 11, 23, 10), 1440)), at(2026, 11, 26, 18)),
        (of(AROUND, 60, floor=at(2026, 11, 25, 20)), at(2026, 11, 25, 20)),
    ],
)  # fmt: skip
def test_when_it_is_due(what: Clock, due: datetime) -> None:
    assert course(what).due == due


def test_a_pause_across_spring_festival_and_its_made_up_saturday() -> None:
    """Half an hour is left on Friday the 13th; the answer comes in the holidays, and the clock runs on the 24th."""
    start = at(2026, 2, 13, 9)
    stopped = of(HOURS, 420, pause(at(2026, 2, 13, 17, 30), 30), start=start)
    assert course(stopped.marked(resume(at(2026, 2, 14, 8)))).due == at(2026, 2, 14, 9, 30)
    assert course(stopped.marked(resume(at(2026, 2, 18, 12)))).due == at(2026, 2, 24, 9, 30)


def test_into_a_year_that_is_not_entered() -> None:
    """Thursday 31 December: two working days are Friday, 1 January, and Monday, as nobody has entered 2027."""
    over = of(DAYS, 2 * 1440, start=at(2026, 12, 31, 10))
    assert course(over).due == at(2027, 1, 4, 18)
    row = row_of(over)
    assert explain(row).warning == "2027年的节假日还没有录入，按周一到周五计算"
    assert explain(row_of(of(DAYS, 1440, start=at(2026, 12, 29, 10)))).warning == ""
    assert explain(row_of(of(AROUND, 5 * 1440, start=at(2026, 12, 31, 10)))).warning == ""


def test_what_is_over_stays_over() -> None:
    """A pause after the end gives no time back, and an extension then does not make it on time."""
    late = at(2026, 11, 21, 9)
    overdue = of(AROUND, 60)
    stopped = overdue.marked(pause(late))
    assert course(stopped).due == late + timedelta(days=3)
    assert course(stopped).missed == FRIDAY + timedelta(hours=1)
    assert course(stopped.marked(resume(late + timedelta(hours=5)))).due == FRIDAY + timedelta(hours=1)
    extended = course(overdue.marked(longer(late, 120)))
    assert (extended.due, extended.missed) == (late + timedelta(hours=2), FRIDAY + timedelta(hours=1))


def row_of(what: Clock) -> dict[str, Any]:
    found = course(what)
    return {"clock": clocks.dumped(what), "due_at": found.due, "missed_at": found.missed}


@pytest.mark.parametrize(
    ("values", "sessions"),
    [
        ({}, ((time(9), time(12)), (time(14), time(18)))),
        ({"morning_from": 510, "afternoon_until": 1050}, ((time(8, 30), time(12)), (time(14), time(17, 30)))),
        ({"morning_until": 500}, calendar.SESSIONS),
        ({"afternoon_from": 700}, calendar.SESSIONS),
    ],
)
def test_working_hours_of_an_estate(values: dict[str, int], sessions: Any) -> None:
    usual = {"morning_from": 540, "morning_until": 720, "afternoon_from": 840, "afternoon_until": 1080}
    assert clocks.sessions_of(usual | values) == sessions


def test_a_clock_from_before_clocks_were_kept_has_the_deadline_it_had() -> None:
    item = {"clock": AROUND, "deadline_minutes": 60}
    row = {"clock": {}, "item": item, "urgent": False, "placed_at": FRIDAY, "due_at": FRIDAY + timedelta(days=9)}
    assert course(clocks.of_order(row)).due == FRIDAY + timedelta(days=9)
    assert course(clocks.of_order(row | {"urgent": True})).due == FRIDAY + timedelta(days=9)


# Whatever happens

kinds = st.sampled_from((AROUND, HOURS, DAYS))
starts = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1)).map(clock.from_local)
lengths = st.integers(1, 5000)
steps = st.lists(st.tuples(st.sampled_from(("pause", "extend", "until")), st.integers(0, 9000), st.integers(1, 3000)),
                 max_size=5)  # fmt: skip


def lived(kind: str, minutes: int, start: datetime, moves: list[tuple[str, int, int]]) -> Clock:
    """A clock with these moves one after the other: each pause ends after as many minutes as its number says."""
    found, now = Clock(kind, minutes, start), start
    for verb, wait, number in moves:
        now += wait * MINUTE
        due = course(found).due
        if verb == "pause":
            end = now + number * MINUTE
            found = found.marked(Mark("pause", now, until=end + MINUTE)).marked(resume(end))
            now = end
        elif verb == "extend":
            found = found.marked(longer(now, number))
        else:
            found = found.marked(until(now, max(now, due) + number * MINUTE))
    return found


@given(kinds, lengths, starts, st.integers(0, 20_000))
def test_pausing_and_resuming_at_once_changes_nothing(kind: str, minutes: int, start: datetime, wait: int) -> None:
    what, moment = Clock(kind, minutes, start), start + wait * MINUTE
    again = what.marked(pause(moment)).marked(resume(moment))
    assert course(again).due == course(what).due


@given(kinds, lengths, starts, st.integers(0, 20_000), st.integers(0, 5000), st.integers(0, 5000))
def test_the_later_the_answer_the_later_the_end(
    kind: str, minutes: int, start: datetime, wait: int, short: int, more: int
) -> None:
    moment = start + wait * MINUTE
    stopped = Clock(kind, minutes, start).marked(pause(moment, 30))
    sooner, later = (course(stopped.marked(resume(moment + gap * MINUTE))).due for gap in (short, short + more))
    assert sooner <= later <= max(course(stopped).due, course(Clock(kind, minutes, start)).due)


@given(kinds, lengths, st.integers(0, 3000), starts, steps)
def test_more_minutes_never_end_sooner(
    kind: str, minutes: int, more: int, start: datetime, moves: list[tuple[str, int, int]]
) -> None:
    moves = [move for move in moves if move[0] == "pause"]
    short, long = (course(lived(kind, n, start, moves)) for n in (minutes, minutes + more))
    assert short.due <= long.due


@given(st.sampled_from((AROUND, HOURS)), lengths, starts, steps)
def test_the_lines_of_the_account_sum_up_to_what_was_promised(
    kind: str, minutes: int, start: datetime, moves: list[tuple[str, int, int]]
) -> None:
    moves = [move for move in moves if move[0] != "until"]
    what = lived(kind, minutes, start, moves)
    assume(course(what).missed is None)
    promised = minutes + sum(mark.minutes or 0 for mark in what.marks)
    assert explain(row_of(what)).counted == promised * MINUTE


@given(lengths, starts, st.integers(0, 4))
def test_so_do_the_days(minutes: int, start: datetime, extensions: int) -> None:
    what = Clock(DAYS, minutes, start)
    for _ in range(extensions):
        what = what.marked(longer(start, 1440))
    assert explain(row_of(what)).counted == timedelta(days=-(-minutes // 1440) + extensions)


@given(kinds, lengths, starts, steps)
def test_alarms_ring_in_order_and_a_ledger_is_kept_as_it_is(
    kind: str, minutes: int, start: datetime, moves: list[tuple[str, int, int]]
) -> None:
    what = lived(kind, minutes, start, moves)
    found = course(what)
    half, most, end = clocks.alarm_points(what, found)
    assert start <= half <= most <= end == found.due
    assert clocks.of_order({"clock": clocks.dumped(what)}) == what


def test_half_of_working_minutes_and_not_of_the_days_between() -> None:
    """Ten working hours from Friday 16:30: five of them are over on Monday at 12:30 past the break, at 14:30."""
    half, most, end = clocks.alarm_points(of(HOURS, 600), course(of(HOURS, 600)))
    assert (half, most, end) == (at(2026, 11, 23, 14, 30), at(2026, 11, 23, 17, 30), at(2026, 11, 24, 10, 30))
    whole = of(DAYS, 1440)
    assert clocks.alarm_points(whole, course(whole))[0] == at(2026, 11, 23, 11, 45)
