"""Monthly sums: exact while entries come in, proved against the rows, made anew, and a change by hand is named."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from core import clock, jobs
from core.database import begin_write, db
from core.outbox import Message
from tests.factories import World
from tests.volunteers.making import at_once, credit, give, moment, tamper
from volunteers.hours import queries, rollups
from volunteers.hours.models import HourEntry, HourMonth, HourRollup, HourTail, HourTotal, HourYear
from volunteers.hours.workflow import correct

Sums = dict[tuple[str, str, date], tuple[int, int]]


@pytest.fixture
def inside(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[World]:
    with app.app_context():
        yield world
        db.session.rollback()


def by_hand() -> Sums:
    """Minutes and services by volunteer, estate and month, from the entries alone."""
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for entry in db.session.scalars(select(HourEntry)):
        held = sums[entry.volunteer_id, entry.estate_id, clock.local(entry.starts_at).date().replace(day=1)]
        held[0] += entry.minutes
        held[1] += 1 if entry.minutes > 0 else -1
    return {key: (held[0], held[1]) for key, held in sums.items()}


def kept(tail: bool = True) -> Sums:
    """The same from the months and the tail."""
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for month in db.session.scalars(select(HourMonth)):
        held = sums[month.volunteer_id, month.estate_id, month.month]
        held[0], held[1] = month.minutes, month.services
    for one in db.session.scalars(select(HourTail)) if tail else ():
        held = sums[one.volunteer_id, one.estate_id, one.month]
        held[0] += one.minutes
        held[1] += 1 if one.minutes > 0 else -1
    return {key: (held[0], held[1]) for key, held in sums.items()}


@pytest.mark.parametrize("seed", range(3))
def test_sums_equal_entries_at_every_moment(seed: int, inside: World) -> None:
    rng = random.Random(seed)
    viewer = inside["secretary"].viewer()
    for step in range(40):
        begin_write()
        open_ones = [e for e in db.session.scalars(select(HourEntry)).all() if e.minutes > 0]
        gone = set(db.session.scalars(select(HourEntry.reverses_id).where(HourEntry.reverses_id.is_not(None))))
        open_ones = [entry for entry in open_ones if entry.id not in gone]
        if open_ones and rng.random() < 0.3:
            entry = rng.choice(open_ones)
            correct(viewer, entry, rng.choice([0, entry.minutes + 7]), "核对")
        else:
            start = moment(rng.randint(1, 11), rng.randint(1, 17), rng.randint(0, 23), rng.randint(0, 59))
            credit(inside, rng.randint(1, 300), start, rng.choice(["volunteer1", "volunteer2"]))
        db.session.commit()
        if rng.random() < 0.4:
            rollups.fold(rng.choice([1, 3, 1000]))
        assert kept() == by_hand(), step
        total = sum(minutes for (who, *_), (minutes, _) in by_hand().items() if who == inside["volunteer1"].id)
        db.session.rollback()
        assert queries.total_minutes(inside["volunteer1"].id) == total
    assert rollups.differences() == []
    while rollups.fold():
        pass
    assert db.session.scalar(select(func.count()).select_from(HourTail)) == 0
    assert kept(tail=False) == by_hand()


def test_a_month_ends_at_midnight_in_shanghai(inside: World) -> None:
    begin_write()
    credit(inside, 10, moment(9, 30, 23, 59))
    credit(inside, 20, moment(10, 1, 0, 0))
    db.session.commit()
    who, where = inside["volunteer1"].id, inside.estates["banyan"].id
    expected = {(who, where, date(2026, 9, 1)): (10, 1), (who, where, date(2026, 10, 1)): (20, 1)}
    assert kept() == by_hand() == expected
    rollups.fold()
    assert kept() == expected


def test_a_row_changed_by_hand_is_caught_and_named(inside: World) -> None:
    begin_write()
    entry = credit(inside, 60, moment(10, 5))
    credit(inside, 30, moment(10, 6), "volunteer2")
    db.session.commit()
    assert jobs.run("roll_hours", "1").outcome == "汇总2条"  # type: ignore[union-attr]
    assert "全部相符" in jobs.run("prove_hours", "1").outcome  # type: ignore[union-attr]
    tamper("hour_entry", "UPDATE hour_entry SET minutes = 600 WHERE id = :id", id=entry)
    done = jobs.run("prove_hours", "2")
    assert done is not None and done.state == "done"
    for words in ("有1处不符", "陈一", "2026年10月", "明细600分钟", "汇总60分钟", "差+540分钟"):
        assert words in done.outcome
    told = db.session.scalars(select(Message).where(Message.kind == "hours.differ")).all()
    assert {message.recipient_id for message in told} == {inside[n].id for n in ("secretary", "deputy", "admin")}
    assert all("陈一" in message.body for message in told)
    assert db.session.get_one(HourRollup, 1).proved_at == clock.now()


def test_a_row_changed_while_it_is_on_the_tail_is_caught_too(inside: World) -> None:
    begin_write()
    entry = credit(inside, 60, moment(10, 5))
    db.session.commit()
    tamper("hour_entry", "UPDATE hour_entry SET minutes = 61 WHERE id = :id", id=entry)
    (found,) = rollups.differences()
    assert (found.given, found.kept, found.name) == (61, 60, "陈一")


def test_a_row_moved_to_another_month_or_removed_is_caught(inside: World) -> None:
    begin_write()
    entries = [credit(inside, 60, moment(10, day)) for day in (5, 6)]
    db.session.commit()
    rollups.fold()
    tamper("hour_entry", "DELETE FROM hour_entry WHERE id = :id", id=entries[0])
    (found,) = rollups.differences()
    assert (found.given, found.kept, found.given_services, found.kept_services) == (60, 120, 1, 2)


def test_the_command_line_proves_and_mends(app: Flask, world: World) -> None:
    give(app, world, {"start": moment(10, 5)}, {"start": moment(10, 7), "name": "volunteer2"})
    runner = app.test_cli_runner()
    assert "全部相符" in runner.invoke(args=["hours", "verify"]).output
    with app.app_context():
        rollups.fold()
        tamper("hour_month", "UPDATE hour_month SET minutes = 5 WHERE volunteer_id = :id", id=world["volunteer1"].id)
    wrong = runner.invoke(args=["hours", "verify"])
    assert wrong.exit_code == 1 and "明细60分钟，汇总5分钟" in wrong.output
    assert "重算完成" in runner.invoke(args=["hours", "rebuild"]).output
    assert runner.invoke(args=["hours", "verify"]).exit_code == 0


def test_a_total_that_its_months_do_not_say_is_named_and_mended(app: Flask, world: World) -> None:
    give(app, world, {"start": moment(9, 5)}, {"start": moment(10, 7)})
    with app.app_context():
        rollups.fold()
        held = db.session.get_one(HourTotal, world["volunteer1"].id)
        assert (held.minutes, held.services) == (120, 2)
        tamper("hour_total", "UPDATE hour_total SET minutes = 5 WHERE volunteer_id = :id", id=world["volunteer1"].id)
        (wrong,) = rollups.differences()
        assert wrong.month is None and "累计：明细120分钟，汇总5分钟" in wrong.told()
        list(rollups.rebuild(from_start=True))
        assert rollups.differences() == []


def test_a_year_that_its_months_do_not_say_is_named_and_mended(app: Flask, world: World) -> None:
    give(app, world, {"start": moment(9, 5)}, {"start": moment(10, 7)})
    with app.app_context():
        rollups.fold()
        held = db.session.scalars(select(HourYear)).one()
        assert (held.year, held.minutes, held.services) == (2026, 120, 2)
        tamper("hour_year", "UPDATE hour_year SET services = 3 WHERE volunteer_id = :id", id=world["volunteer1"].id)
        (wrong,) = rollups.differences()
        assert wrong.month is None and "2026年：次数差-1" in wrong.told()
        list(rollups.rebuild(from_start=True))
        assert rollups.differences() == []


def test_sums_that_did_not_grow_as_the_entries_say_are_named_and_mended(app: Flask, world: World) -> None:
    give(app, world, {"start": moment(10, 5)}, {"start": moment(10, 7)})
    with app.app_context():
        rollups.fold()
        held = db.session.scalars(select(HourMonth)).one()
        minutes, services = held.running[:32], held.running[32:]
        assert (minutes[4:8], minutes[31]) == ([0, 60, 60, 120], 120)
        assert (services[4:8], services[31]) == ([0, 1, 1, 2], 2)
        begin_write()
        db.session.execute(update(HourMonth).values(running=[*minutes[:6], 7, *minutes[7:], *services]))
        db.session.commit()
        (wrong,) = rollups.differences()
        assert "2026年10月：当月逐日的累计与明细不符" in wrong.told()
        list(rollups.rebuild(from_start=True))
        assert rollups.differences() == []
        db.session.expire_all()
        assert db.session.scalars(select(HourMonth)).one().running == minutes + services


def test_an_interrupted_rebuild_goes_on_where_it_stopped(inside: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_write()
    for n in (1, 2, 3, 4):
        credit(inside, 10 * n, moment(10, n), f"volunteer{n}")
    credit(inside, 7, moment(10, 9), "far_volunteer", "swan")
    db.session.commit()
    rollups.fold()
    tamper("hour_month", "UPDATE hour_month SET minutes = 1")
    monkeypatch.setattr(rollups, "VOLUNTEERS", 2)
    steps = rollups.rebuild()
    assert next(steps) == 2
    steps.close()  # type: ignore[attr-defined]
    assert len(rollups.differences()) == 3
    begin_write()
    credit(inside, 5, moment(10, 20))
    db.session.commit()
    assert list(rollups.rebuild()) == [2, 3]
    assert rollups.differences() == []
    assert kept() == by_hand()
    assert list(rollups.rebuild()) == [2, 4, 5]


def test_many_write_and_fold_at_once(app: Flask, world: World) -> None:
    def write_some(n: int) -> Callable[[], None]:
        def act() -> None:
            for day in range(1, 9):
                begin_write()
                credit(world, 10 + n, moment(10, day, n))
                db.session.commit()

        return act

    def fold_some() -> None:
        for _ in range(10):
            rollups.fold(3)

    def rebuild_once() -> None:
        list(rollups.rebuild(from_start=True))

    assert at_once(app, [*[write_some(n) for n in range(3)], fold_some, fold_some, rebuild_once]) == [None] * 6
    with app.app_context():
        assert kept() == by_hand()
        assert rollups.differences() == []
        while rollups.fold():
            pass
        assert kept(tail=False) == by_hand()


def test_folding_is_claimed_by_slot_and_twice_does_no_harm(inside: World) -> None:
    begin_write()
    credit(inside, 60, moment(10, 5))
    db.session.commit()
    assert jobs.run("roll_hours", "a") is not None
    assert jobs.run("roll_hours", "a") is None
    assert jobs.run("roll_hours", "b").outcome == "汇总0条"  # type: ignore[union-attr]
    assert kept() == by_hand()


def test_the_watermark_is_the_latest_record_taken_in(inside: World) -> None:
    begin_write()
    credit(inside, 60, moment(10, 5))
    credit(inside, 60, moment(10, 6))
    db.session.commit()
    rollups.fold()
    month = db.session.scalars(select(HourMonth)).one()
    assert month.watermark == moment(10, 6) + timedelta(minutes=60)
