"""Steps of workflows inside a transaction of the session: all of them or none, and none harmed by what was undone."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import audit
from core.audit import Event, Subject
from core.database import begin_write, db, fast, joined
from services.orders import workflow
from services.orders.models import ServiceOrder
from services.orders.workflow import Wish
from tests.factories import World


def counts() -> tuple[int, int]:
    """Orders and events of orders."""
    db.session.rollback()
    found = (select(func.count()).select_from(ServiceOrder), select(func.count()).where(Event.subject_kind == "order"))
    return tuple(int(db.session.scalar(wanted) or 0) for wanted in found)  # type: ignore[return-value]


def test_a_step_stands_or_falls_with_the_transaction(app: Flask, world: World) -> None:
    with app.app_context():
        resident = world["resident"].viewer()
        begin_write()
        with joined():
            workflow.place(resident, Wish("errands"))
        db.session.rollback()
        assert counts() == (0, 0)
        begin_write()
        with joined():
            order = workflow.place(resident, Wish("errands"))
            workflow.cancel(resident, order.id, "不用了")
        db.session.commit()
        assert counts() == (1, 2)
        assert list(audit.verify()) == []


def test_an_exception_inside_leaves_the_quick_connection_as_it_was(app: Flask, world: World) -> None:
    with app.app_context():
        resident, before = world["resident"].viewer(), fast()
        begin_write()
        with pytest.raises(workflow.Refused), joined():
            workflow.place(resident, Wish("nothing"))
        db.session.rollback()
        assert fast() is before
        workflow.place(resident, Wish("errands"))
        assert counts() == (1, 1)


def test_a_record_can_be_written_after_one_was_undone(app: Flask) -> None:
    with app.app_context():
        for ending in (db.session.rollback, db.session.commit, db.session.commit):
            begin_write()
            audit.record("a", "甲", "x", Subject("thing", "t", "e"))
            ending()
        assert db.session.scalar(select(func.count()).where(Event.subject_kind == "thing")) == 2
