"""Series for tests: the resident's, every Tuesday morning, as the secretary or the resident sets them up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from core import clock
from core.access import Viewer
from core.database import begin_write, db
from services.orders import queries as order_queries
from services.orders import workflow as orders
from services.orders.aggregate import Order
from services.orders.models import ServiceOrder
from services.standing import queries, workflow
from services.standing.aggregate import Series
from services.standing.models import StandingVisit
from services.standing.recurrence import Pattern
from services.standing.workflow import Agreement
from tests.factories import World

TUESDAYS = Pattern("week", weekdays=(1,))
TUESDAY, NEXT = date(2026, 11, 24), date(2026, 12, 1)
"""The first Tuesdays after the day on which tests stand: Wednesday, 18 November 2026."""


class Making:
    """The town's people setting up series and answering orders."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world

    def viewer(self, name: str) -> Viewer:
        """Somebody who acts."""
        return self.world[name].viewer()

    def agreement(self, **changes: Any) -> Agreement:
        """Blood pressure on Tuesday mornings, from today on."""
        values: dict[str, Any] = {
            "item_code": "blood_pressure", "person_id": self.world["resident"].id, "pattern": TUESDAYS,
            "starts_on": clock.today(), "start_minute": 510, "end_minute": 630,
        }  # fmt: skip
        return Agreement(**values | changes)

    def series(self, name: str = "secretary", steady: str = "", standin: str = "", **changes: Any) -> str:
        """A series that is on; the volunteers named have agreed."""
        for role, who in (("steady_id", steady), ("standin_id", standin)):
            if who:
                changes[role] = self.world[who].id
        made = workflow.set_up(self.viewer(name), self.agreement(**changes))
        for who in filter(None, (steady, standin)):
            workflow.agree(self.viewer(who), made.id)
        return str(made.id)

    def read(self, standing_id: str) -> Series:
        """The series as the branch reads it."""
        return queries.get_series(self.viewer("secretary"), standing_id)

    def orders(self, standing_id: str | None = None) -> Sequence[Any]:
        """The orders of a series (of all), by time: id, state, start, accepted_count."""
        db.session.rollback()
        wanted = select(ServiceOrder.id, ServiceOrder.state, ServiceOrder.preferred_start, ServiceOrder.accepted_count)
        wanted = wanted.where(ServiceOrder.standing_id.is_not(None))
        if standing_id:
            wanted = wanted.where(ServiceOrder.standing_id == standing_id)
        return db.session.execute(wanted.order_by(ServiceOrder.preferred_start, ServiceOrder.placed_at)).all()

    def days(self, standing_id: str, *states: str) -> list[date]:
        """The days of the orders of a series, those in these states or all that are not cancelled."""
        wanted = states or ("placed", "dispatched", "accepted", "in_service", "completed")
        return [clock.local(row.preferred_start).date() for row in self.orders(standing_id) if row.state in wanted]

    def visits(self, standing_id: str) -> dict[date, tuple[str, str]]:
        """State and reason by day."""
        db.session.rollback()
        wanted = select(StandingVisit.day, StandingVisit.state, StandingVisit.reason)
        rows = db.session.execute(wanted.where(StandingVisit.standing_id == standing_id).order_by(StandingVisit.day))
        return {row.day: (row.state, row.reason) for row in rows}

    def order(self, order_id: str) -> Order:
        """An order as the branch reads it."""
        return order_queries.get_order(self.viewer("secretary"), order_id)

    def accept(self, name: str, order_id: str) -> None:
        """A volunteer takes an order that the branch offers them."""
        if self.world[name].id not in self.order(order_id).offers:
            orders.dispatch(self.viewer("secretary"), order_id, volunteers=[self.world[name].id])
        orders.accept(self.viewer(name), order_id)

    def set(self, model: Any, where: Any, **values: Any) -> None:
        """Change something without its workflow."""
        begin_write()
        db.session.execute(update(model).where(where).values(**values))
        db.session.commit()
