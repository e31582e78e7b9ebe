"""The demo: loaded once, its trails hold, its orders agree with their history and with the hours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from community.organisations.models import Organisation
from core import audit, clock, reports
from core.audit import Event
from core.database import db
from core.reports import Question, Value
from services.demo import loading, volumes
from services.demo.people import PHONE
from services.orders.models import ServiceOrder, State
from tests.conftest import close, make_app, settings_for
from tests.services.reports.test_roster import pages
from volunteers.hours.models import HourEntry


def test_the_demo_holds_together(app: Flask) -> None:
    with app.app_context():
        assert loading.load()
        assert not loading.load()
        assert list(audit.verify()) == []
        _check_states()
        _check_figures()
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


QUOTED = (
    "grid.estates", "grid.buildings", "grid.households", "grid.residents", "residents.served", "households.served",
    "orders.placed", "orders.dispatched", "orders.accepted", "orders.completed", "orders.closed", "orders.on_time",
    "orders.response", "orders.resolution", "orders.satisfaction", "orders.unreachable", "orders.repeated",
    "orders.to_dispatch", "orders.to_accept_90", "orders.to_complete", "hours.minutes", "hours.services",
    "volunteers.registered", "volunteers.active", "volunteers.starred", "volunteers.retained", "volunteers.left",
    "teams.teams", "teams.members", "teams.served", "teams.minutes", "training.sessions", "training.came",
    "rota.shifts", "rota.filled", "rota.came", "rota.attendance", "rota.counted",
)  # fmt: skip
"""What newspapers tell of communities, as far as there is something to count it from."""


def _number(value: Value | None) -> float:
    return (value.amount or value.numerator or 0) if value is not None else 0


def _sum(numbers: Iterable[float | None]) -> float:
    return sum(number or 0 for number in numbers)


def _check_figures() -> None:
    """Every figure is there for the street of the demo, and can be cut by whatever it says."""
    street = db.session.scalars(select(Organisation.path).where(Organisation.kind == "subdistrict")).first()
    assert street is not None
    lately = Question(street, clock.today() - timedelta(days=90), clock.today())
    drawn = reports.draw(lately, list(reports.measures()))[""]
    missing = [name for name in QUOTED if not _number(drawn.get(name))]
    assert not missing
    for name, measure in reports.measures().items():
        for cut in measure.cuts:
            parts = reports.draw(replace(lately, by=cut), [name])  # type: ignore[arg-type]
            if name.startswith(("training.", "rota.")):
                told = [(one[name].amount, one[name].numerator, one[name].denominator) for one in parts.values()]
                whole = drawn[name].amount, drawn[name].numerator, drawn[name].denominator
                added = [_sum(one) for one in zip(*told, strict=True)]
                assert added == [_sum([one]) for one in whole], (name, cut)
        if name.startswith("training."):
            one = drawn[name]
            counted = one.amount if one.numerator is None else one.numerator
            assert _sum(row.counts for row in pages(lately, name)) == counted, name
    assert {"车辆", "人员"} <= set(reports.draw(replace(lately, by="counter"), ["rota.counted"]))


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
