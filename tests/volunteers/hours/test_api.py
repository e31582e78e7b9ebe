"""Service hours over the API: reading within reach, correcting once, never editing."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from core import clock
from core.database import begin_write, db
from core.ids import new_id
from tests.factories import World, caller, write
from volunteers.hours.models import HourEntry


def credit(world: World, minutes: int = 60, days: int = 1) -> str:
    """Hours of the first volunteer, so many days ago; the entry's id."""
    start = clock.now() - timedelta(days=days)
    id_ = new_id()
    write(
        HourEntry, id=id_, volunteer_id=world["volunteer1"].id, estate_id=world.estates["banyan"].id, starts_at=start,
        ends_at=start + timedelta(minutes=minutes), minutes=minutes, content="助老购物", recorded_at=start,
        recorded_by="system",
    )  # fmt: skip
    return id_


def test_own_hours_and_those_in_reach(app: Flask, world: World, at: object) -> None:
    with app.app_context():
        begin_write()
        credit(world, 60, 1)
        credit(world, 90, 40)
        db.session.commit()
    who = world["volunteer1"].id
    mine = caller(app, world["volunteer1"]).get("/volunteers/me/hours").get_json()
    assert (mine["total_minutes"], mine["star_level"], len(mine["entries"])) == (150, 0, 2)
    day = (clock.today() - timedelta(days=1)).isoformat()
    part = caller(app, world["secretary"]).get(f"/volunteers/{who}/hours", **{"from": day, "to": day}).get_json()
    assert (part["total_minutes"], len(part["entries"])) == (60, 1)
    for name in ("outsider", "volunteer2", "resident"):
        assert caller(app, world[name]).get(f"/volunteers/{who}/hours").status_code == 404
    assert caller(app, world["resident"]).get("/volunteers/me/hours").status_code == 404


def test_correction_reverses_once(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        entry = credit(world)
        db.session.commit()
    path, wrong = f"/hours/{entry}/correct", {"minutes": 45, "reason": "多记了路上的时间"}
    assert caller(app, world["volunteer1"]).post(path, wrong).status_code == 403
    assert caller(app, world["outsider"]).post(path, wrong).status_code == 404
    secretary = caller(app, world["secretary"])
    assert secretary.post(path, {"minutes": 1441, "reason": "x"}).status_code == 422
    assert secretary.post(path, {"minutes": 60, "reason": "没变"}).status_code == 422
    done = secretary.post(path, wrong, key="once")
    assert done.status_code == 200 and done.get_json()["total_minutes"] == 45
    assert secretary.post(path, wrong, key="once").get_json() == done.get_json()
    assert secretary.post(path, wrong).status_code == 409
    entries = caller(app, world["volunteer1"]).get("/volunteers/me/hours").get_json()["entries"]
    assert sorted(e["minutes"] for e in entries) == [-60, 45, 60]
    assert done.get_json()["entry"]["corrects"] == entry
