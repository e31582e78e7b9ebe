"""The demo: loaded once, its trails hold, its orders agree with their history and with the hours."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import audit
from core.audit import Event
from core.database import db
from services.demo import loading, volumes
from services.demo.people import PHONE
from services.orders.models import ServiceOrder, State
from tests.conftest import close, make_app, settings_for
from volunteers.hours.models import HourEntry


def test_the_demo_holds_together(app: Flask) -> None:
    with app.app_context():
        assert loading.load()
        assert not loading.load()
        assert list(audit.verify()) == []
        _check_states()
        minutes = db.session.scalar(select(func.sum(ServiceOrder.minutes)))
        plain = (HourEntry.order_id.is_not(None), HourEntry.reverses_id.is_(None), HourEntry.corrects_id.is_(None))
        assert minutes == db.session.scalar(select(func.sum(HourEntry.minutes)).where(*plain))
        states = select(ServiceOrder.state, func.count()).group_by(ServiceOrder.state)
        counts = {row[0]: row[1] for row in db.session.execute(states)}
        assert set(counts) == set(State) and counts[State.CLOSED] > 900 and counts[State.PLACED] >= 12
    client = app.test_client()
    for number in (1, 2, *range(11, 17), 21, 22, 23, 31, 41, 51, 91):
        body = {"phone": PHONE.format(number), "password": "linju-demo-2026"}
        assert client.post("/api/v1/tokens", json=body).status_code == 201


def _check_states() -> None:
    """The state of each order is the one its last event reached, and its version counts its events."""
    found: dict[str, tuple[str | None, int]] = {}
    events = select(Event.subject_id, Event.to_state).where(Event.subject_kind == "order", Event.to_state.is_not(None))
    for order_id, state in db.session.execute(events.order_by(Event.day, Event.number)):
        found[order_id] = (state, found.get(order_id, (None, 0))[1] + 1)
    orders = db.session.execute(select(ServiceOrder.id, ServiceOrder.state, ServiceOrder.version))
    assert {row.id: (row.state, row.version) for row in orders} == found


def test_estates_for_measuring(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(volumes.SCALES, "estate", volumes.Scale(2, 60, 40))
    with app.app_context():
        assert list(volumes.seed("estate")) == ["已有2个小区"]
        assert list(volumes.seed("estate")) == ["已有2个小区"]
        assert list(audit.verify()) == []
        assert (db.session.scalar(select(func.count()).select_from(ServiceOrder)) or 0) > 60


def test_only_in_a_demo(tmp_path: Path) -> None:
    app = make_app(settings_for(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, env="production"))
    for words in (["demo", "load"], ["seed", "--scale", "estate"]):
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 1 and "LINJU_ENV=demo" in result.output
    close(app)
