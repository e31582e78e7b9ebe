"""The one mechanism of state: what the table does not hold does not happen."""

from __future__ import annotations

import pytest
from flask import Flask, g
from sqlalchemy import select

from core import idempotency
from core.audit import Event, Subject
from core.database import begin_write, db, fast
from core.idempotency import IdempotencyKey, Pending
from core.workflow import Change, InvalidStep, ReasonMissing, Stale
from services.orders import workflow as orders
from services.orders.models import ServiceOrder
from services.orders.queries import get_order
from services.orders.workflow import ORDERS, Wish
from tests.factories import World


def change(verb: str, order_id: str, to_state: str, *, was: str = "placed", reason: str = "有事") -> Change:
    return Change(verb, Subject("order", order_id), was, to_state, "p1", "沈桂兰", reason)


def test_a_change_outside_the_table_is_refused_and_writes_nothing(app: Flask, world: World) -> None:
    with app.app_context():
        viewer = world["secretary"].viewer()
        order = orders.place(world["resident"].viewer(), Wish("errands"))
        extra = {"offers": [], "hours": []}
        row = {**order.row}
        for wrong, error in (
            (change("dance", order.id, "placed"), InvalidStep),
            (change("rate", order.id, "closed"), InvalidStep),
            (change("cancel", order.id, "closed"), InvalidStep),
            (change("cancel", order.id, "cancelled", reason=" "), ReasonMissing),
            (change("cancel", order.id, "cancelled", was="dispatched"), Stale),
        ):
            with pytest.raises(error):
                ORDERS.apply(fast(), wrong, row, extra)
        with pytest.raises(Stale):
            ORDERS.apply(fast(), change("cancel", order.id, "cancelled"), {**row, "version": 7}, extra)
        assert get_order(viewer, order.id).version == 1
        assert len(db.session.scalars(select(Event)).all()) == 1
        ORDERS.apply(fast(), change("cancel", order.id, "cancelled"), row, extra)
        assert get_order(viewer, order.id).state == "cancelled"


def test_a_key_is_kept_with_the_change_or_not_at_all(app: Flask, world: World) -> None:
    with app.test_request_context():
        resident = world["resident"].viewer()
        g.idempotency = Pending(resident.account_id, "k", "d" * 64)
        orders.place(resident, Wish("errands"), lambda _order, _allowed: "answer")
        assert idempotency.pending() is None
        kept = db.session.scalars(select(IdempotencyKey)).one()
        assert (kept.key, kept.status, idempotency.opened(kept.answer)) == ("k", 201, "answer")
        g.idempotency = Pending(resident.account_id, "k", "d" * 64)
        with pytest.raises(Exception, match="idempotency_key"):
            orders.place(resident, Wish("errands"), lambda _order, _allowed: "other")
        db.session.rollback()
        begin_write()
        assert len(db.session.scalars(select(ServiceOrder)).all()) == 1
