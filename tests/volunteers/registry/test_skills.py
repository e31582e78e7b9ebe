"""Skills verified with evidence that may run out, and the reminder before it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from core import jobs
from core.audit import Event
from core.database import db
from core.outbox import Message
from tests.conftest import MOMENT
from tests.factories import World, browser
from tests.volunteers.pages import post
from volunteers.registry.models import VolunteerSkill

Clock = Callable[[datetime], None]


def skill(world: World) -> VolunteerSkill:
    return db.session.get_one(VolunteerSkill, (world["volunteer1"].id, "shopping"), populate_existing=True)


def test_verified_with_evidence_and_taken_back(app: Flask, world: World, at: Clock) -> None:
    client, page = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}"
    path = f"{page}/skills/shopping"
    assert "本人声明" in client.get(page).text
    assert post(client, path, {"evidence": ""}).status_code == 422
    late = {"evidence": "看了证", "expires_on": "2026-01-01"}
    assert "证件已经过期" in post(client, path, late).text
    data = {"evidence": "健康证原件", "certificate": "JK43020220260001", "expires_on": "2026-12-10"}
    assert post(client, path, data).status_code == 303
    with app.app_context():
        one = skill(world)
        assert (one.verified_on, one.verified_by, one.evidence) == (date(2026, 11, 18), "王书记", "健康证原件")
        assert one.expires_on == date(2026, 12, 10) and "JK43" not in (one.certificate_sealed or "")
        event = db.session.scalars(select(Event).where(Event.verb == "verify_skill")).one()
        assert "JK43020220260001" not in str(event.details)
    shown = client.get(page).text
    assert "已核实" in shown and "JK43" in shown and "JK43020220260001" not in shown
    assert "已核实" in browser(app, world["volunteer1"]).get("/volunteer").text
    at(MOMENT + timedelta(days=30))
    assert "核实过期" in client.get(page).text
    assert post(client, f"{path}/doubt", {"reason": ""}, path).status_code == 422
    assert post(client, f"{path}/doubt", {"reason": "证是假的"}, path).status_code == 303
    assert post(client, f"{path}/doubt", {"reason": "再来"}, path).status_code == 422
    with app.app_context():
        one = skill(world)
        assert (one.verified_on, one.evidence, one.certificate_sealed, one.expires_on) == (None, "", None, None)


def test_only_declared_skills_in_reach(app: Flask, world: World) -> None:
    client = browser(app, world["secretary"])
    assert client.get(f"/volunteers/{world['volunteer1'].id}/skills/legal").status_code == 404
    assert client.get(f"/volunteers/{world['far_volunteer'].id}/skills/shopping").status_code == 404
    assert browser(app, world["staff"]).get(f"/volunteers/{world['volunteer1'].id}/skills/shopping").status_code == 403


def test_reminded_once_before_it_ends(app: Flask, world: World, at: Clock) -> None:
    client, path = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}/skills/shopping"
    post(client, path, {"evidence": "健康证", "expires_on": "2027-01-10"})
    with app.app_context():
        assert jobs.run("remind_of_skills", "a").outcome == "提醒0项"  # type: ignore[union-attr]
        at(MOMENT + timedelta(days=24))
        assert jobs.run("remind_of_skills", "b").outcome == "提醒1项"  # type: ignore[union-attr]
        assert jobs.run("remind_of_skills", "c").outcome == "提醒0项"  # type: ignore[union-attr]
        rows = db.session.execute(select(Message.recipient_id, Message.title)).all()
        told = {row.recipient_id: row.title for row in rows}
        assert told == {
            world["volunteer1"].id: "“助老购物”的核实2027年1月10日到期",
            world["secretary"].id: "陈一“助老购物”的核实2027年1月10日到期",
            world["deputy"].id: "陈一“助老购物”的核实2027年1月10日到期",
        }
    post(client, path, {"evidence": "新证", "expires_on": "2027-01-05"})
    with app.app_context():
        assert skill(world).reminded_on is None
        assert jobs.run("remind_of_skills", "d").outcome == "提醒1项"  # type: ignore[union-attr]
