"""Figures of duties: sums with the days they have not taken in, against a count of the rows by another route."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from community.organisations.models import Organisation
from core import clock, reports
from core.database import begin_write, db
from core.dated import unit_key
from core.ids import new_id
from core.reports import Question, Value
from tests.conftest import MOMENT
from tests.factories import World
from volunteers.rota import sums
from volunteers.rota.jobs import roll_shifts
from volunteers.rota.models import (
    Rota,
    Shift,
    ShiftLog,
    ShiftLogSum,
    ShiftPlace,
    ShiftRollup,
    ShiftState,
    ShiftSum,
    ShiftTail,
    State,
)

NAMES = ("rota.shifts", "rota.filled", "rota.came", "rota.attendance", "rota.missed")
PLACE_STATES = (State.SIGNED_UP, State.PRESENT, State.DONE, State.NO_SHOW, State.WAITING, State.REPLACED)


class Gates:
    """Posts of two estates, and deeds at them as the database sees them, drawn at random."""

    def __init__(self, world: World, seed: int) -> None:
        self.draw = random.Random(seed)
        self.people = [world[name].id for name in ("volunteer1", "volunteer2")]
        self.posts = []
        begin_write()
        for estate in ("banyan", "swan"):
            body = db.session.get_one(Organisation, world.estates[estate].branch.id)
            values = {"organisation_id": body.id, "path": body.path, "name": f"{body.name}门岗", "place": "东门",
                      "version": 1, "created_at": MOMENT, "updated_at": MOMENT}  # fmt: skip
            post = Rota(id=new_id(), **values)
            db.session.add(post)
            self.posts.append(post.id)
        db.session.commit()

    def moment(self) -> datetime:
        """Near midnight of a day around, where a day of Shanghai is not that of UTC."""
        day = clock.today() + timedelta(days=self.draw.randint(-70, 5))
        return datetime(day.year, day.month, day.day, self.draw.choice([1, 15, 16, 17, 23]), tzinfo=UTC)

    def lay(self) -> None:
        """A shift with some people in it."""
        start, shift = self.moment(), new_id()
        state = self.draw.choice([ShiftState.PLANNED] * 4 + [ShiftState.CALLED_OFF])
        values = {"id": shift, "rota_id": self.draw.choice(self.posts), "day": clock.local(start).date(),
                  "state": state, "version": 1, "starts_at": start, "ends_at": start + timedelta(hours=4),
                  "needs": [], "places": self.draw.randint(1, 2), "code": "1234", "created_at": MOMENT,
                  "updated_at": MOMENT}  # fmt: skip
        if db.session.scalar(select(Shift.id).where(Shift.rota_id == values["rota_id"], Shift.starts_at == start)):
            return
        db.session.execute(insert(Shift), [values])
        for person in self.people[: self.draw.randint(0, 2)]:
            state = self.draw.choice(PLACE_STATES)
            place = {"id": new_id(), "shift_id": shift, "person_id": person, "need": "1", "state": state, "version": 1,
                     "queued_at": MOMENT, "updated_at": MOMENT, "reason": "没有来"}  # fmt: skip
            db.session.execute(insert(ShiftPlace), [place])

    def change(self) -> None:
        """One thing that happens to a shift, a place in it or its log."""
        shift = self.draw.choice(db.session.scalars(select(Shift).order_by(Shift.id)).all() or [None])
        if shift is None:
            return
        places = db.session.scalars(select(ShiftPlace.id).where(ShiftPlace.shift_id == shift.id)).all()
        match self.draw.randint(0, 5):
            case 0:
                start = self.moment()
                moved = update(Shift).where(Shift.id == shift.id)
                if not db.session.scalar(
                    select(Shift.id).where(Shift.rota_id == shift.rota_id, Shift.starts_at == start)
                ):
                    db.session.execute(moved.values(starts_at=start, ends_at=start + timedelta(hours=4)))
            case 1:
                other = ShiftState.CALLED_OFF if shift.state == ShiftState.PLANNED else ShiftState.PLANNED
                db.session.execute(update(Shift).where(Shift.id == shift.id).values(state=other))
            case 2:
                logged = db.session.scalar(select(ShiftLog.id).where(ShiftLog.shift_id == shift.id).limit(1))
                if not places and logged is None:
                    db.session.execute(delete(Shift).where(Shift.id == shift.id))
            case 3 if places:
                state = self.draw.choice(PLACE_STATES)
                db.session.execute(update(ShiftPlace).where(ShiftPlace.id == places[0]).values(state=state))
            case _:
                counts = {name: self.draw.randint(1, 9) for name in self.draw.sample(["车辆", "人员"], k=1)}
                line = {"id": new_id(), "shift_id": shift.id, "at": min(self.moment(), clock.now()), "by_id": "x",
                        "by_name": "x", "words": "", "counts": self.draw.choice([counts, {}])}  # fmt: skip
                db.session.execute(insert(ShiftLog), [line])


def count(path: str, first: date, last: date, by: str) -> tuple[dict[str, list[int]], dict[str, int]]:
    """Numbers of shifts, and what was counted, by key, from row to row."""

    def key(at: datetime, rota: Rota, counter: str = "") -> str:
        day = clock.local(at).date()
        return {"month": f"{day:%Y-%m}", "unit": unit_key(path, rota.path), "counter": counter}.get(by, "")

    shifts: dict[str, list[int]] = defaultdict(lambda: [0] * len(sums.NUMBERS))
    counted: Counter[str] = Counter()
    posts = [rota for rota in db.session.scalars(select(Rota)) if rota.path.startswith(path)]
    for rota in posts:
        for shift in db.session.scalars(select(Shift).where(Shift.rota_id == rota.id)):
            for line in db.session.scalars(select(ShiftLog).where(ShiftLog.shift_id == shift.id)):
                if first <= clock.local(line.at).date() <= last:
                    for counter, number in line.counts.items():
                        counted[key(line.at, rota, counter)] += number
            begun = shift.state == ShiftState.PLANNED and shift.starts_at <= clock.now()
            if not begun or not first <= clock.local(shift.starts_at).date() <= last:
                continue
            held = Counter(db.session.scalars(select(ShiftPlace.state).where(ShiftPlace.shift_id == shift.id)))
            came, missed = held["present"] + held["done"], held["no_show"]
            expected = came + missed + held["signed_up"] + held["to_confirm"]
            numbers = 1, shift.places, min(expected, shift.places), expected, came, missed
            found = shifts[key(shift.starts_at, rota)]
            found[:] = [a + b for a, b in zip(found, numbers, strict=True)]
    return shifts, dict(counted)


def drawn(path: str, first: date, last: date, by: Any) -> tuple[dict[str, list[int]], dict[str, int]]:
    """The same numbers as reports have them."""
    question, shifts = Question(path, first, last, by), {}
    if by != "counter":
        for key, values in reports.draw(question, NAMES).items():
            filled, came, missed = values["rota.filled"], values["rota.attendance"], values["rota.missed"]
            assert values["rota.came"].amount == came.numerator
            shifts[key] = [values["rota.shifts"].amount, filled.denominator, filled.numerator, came.denominator,
                           came.numerator, missed.amount]  # fmt: skip
    counted = reports.draw(question, ["rota.counted"])
    return shifts, {key: int(values["rota.counted"].amount or 0) for key, values in counted.items()}


def assert_same(paths: Sequence[str], when: str) -> None:
    today = clock.today()
    spans = [(today - timedelta(days=100), today + timedelta(days=9)), (today - timedelta(days=40), today),
             (today.replace(day=1), clock.month_end(today)), (today - timedelta(days=65), today - timedelta(days=33)),
             (today - timedelta(days=1), today - timedelta(days=1))]  # fmt: skip
    for path in paths:
        for first, last in spans:
            for by in ("total", "unit", "month", "counter"):
                (shifts, counted), ours = count(path, first, last, by), drawn(path, first, last, by)
                if by == "counter":
                    shifts = {}
                where = f"{when}: {path} by {by}, {first} to {last}"
                assert {k: v for k, v in ours[0].items() if any(v)} == {k: v for k, v in shifts.items() if any(v)}, (
                    where
                )
                assert {k: v for k, v in ours[1].items() if v} == counted, where


def assert_lists_add_up(path: str) -> None:
    asked = Question(path, clock.today() - timedelta(days=100), clock.today())
    for name in (*NAMES, "rota.counted"):
        page = reports.behind(asked, name, None, 7)
        rows = list(page.items)
        while page.next_cursor is not None:
            page = reports.behind(asked, name, page.next_cursor, 7)
            rows += page.items
        value = reports.draw(asked, [name]).get("", {}).get(name, Value(0))
        counted, below = sum(row.counts for row in rows), len(rows)
        if name == "rota.filled":
            below = sum(row.places for row in rows)
        right = (value.amount, below) if value.denominator is None else (value.numerator, value.denominator)
        assert (counted, below) == right, name
        moments = [row.logged_at if name == "rota.counted" else row.starts_at for row in rows]
        assert moments == sorted(moments, reverse=True), name


@pytest.mark.parametrize("seed", range(3))
def test_duties_are_exact_at_every_moment(
    app: Flask, world: World, at: Callable[[datetime], None], seed: int
) -> None:  # fmt: skip
    with app.app_context():
        gates = Gates(world, seed)
        district = db.session.get_one(Organisation, world.estates["banyan"].branch.id).path.split("/")[0] + "/"
        paths = [district, db.session.get_one(Rota, gates.posts[0]).path]
        begin_write()
        for _ in range(40):
            gates.lay()
        db.session.commit()
        assert_same(paths, "before any sum")
        for n in range(14):
            at(clock.now() + timedelta(hours=gates.draw.choice([1, 5, 30])))
            begin_write()
            for _ in range(gates.draw.randint(0, 6)):
                gates.draw.choice([gates.lay, gates.change])()
            db.session.commit()
            if n % 3 != 1:
                sums.fold(gates.draw.choice([2, 1000]))
            assert_same(paths, f"step {n}")
            assert list(sums.differences()) == []
        roll_shifts()
        assert db.session.scalar(select(func.count()).select_from(ShiftTail)) == 0
        assert db.session.scalars(select(ShiftRollup.upto)).one() == clock.today()
        assert_same(paths, "after the job")
        for path in paths:
            assert_lists_add_up(path)


def test_a_wrong_sum_is_named_and_made_anew(app: Flask, world: World) -> None:
    with app.app_context():
        gates = Gates(world, 7)
        begin_write()
        for _ in range(60):
            gates.lay()
            gates.change()
        db.session.commit()
        roll_shifts()
        assert list(sums.differences()) == []
        begin_write()
        day = db.session.execute(select(ShiftSum.period).where(ShiftSum.grain == "d").limit(1)).scalar_one()
        db.session.execute(update(ShiftSum).where(ShiftSum.period == day).values(came=ShiftSum.came + 5))
        db.session.execute(delete(ShiftLogSum).where(ShiftLogSum.grain == "m"))
        db.session.commit()
        found = list(sums.differences())
        assert {(one.name, one.kept - one.counted) for one in found if one.name == "came" and one.grain == "d"} == {
            ("came", 5)
        }
        assert any(one.grain == "m" and one.name in ("车辆", "人员") and one.kept == 0 for one in found)
        assert sums.rebuild() > 0
        assert list(sums.differences()) == []
        assert_same([db.session.get_one(Rota, gates.posts[0]).path], "after the rebuild")
