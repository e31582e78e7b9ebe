"""A post of the branch to test with, and short words for what is done at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from community.organisations.models import Organisation
from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from tests.conftest import MOMENT
from tests.factories import World
from volunteers.hours.models import HourEntry
from volunteers.rota import workflow
from volunteers.rota.models import Shift, ShiftPlace
from volunteers.rota.needs import Need

GUARD = Need("1", "值班员", 1)
SOON = MOMENT + timedelta(days=2)
"""Friday, ten in the morning in Shanghai."""


class Duty:
    """A gate to be watched, and whoever does something at it, by name. Every deed is a transaction of its own."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world
        with app.app_context():
            body = db.session.get_one(Organisation, world.estates["banyan"].branch.id)
            post = workflow.Post("门岗值守", "看门", "东门岗亭", ["车辆", "人员"], True)
            self.post = self.do("secretary", workflow.add_post, body, post)

    def viewer(self, name: str) -> Any:
        """Somebody as the one who acts."""
        return self.world[name].viewer()

    def id(self, name: str) -> str:
        """Somebody's id."""
        return self.world[name].id

    def do(self, name: str, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do something as somebody, a second later, and commit it."""
        clock.set_now(clock.now() + timedelta(seconds=1))
        with self.app.app_context():
            viewer = self.viewer(name)
            begin_write()
            try:
                done = act(viewer, *arguments, **named)
            except BaseException:
                db.session.rollback()
                raise
            db.session.commit()
            return done

    def shift(self, start: datetime = SOON, hours: float = 4, needs: Sequence[Need] = (GUARD,), post: str = "") -> str:
        """A shift; its id."""
        slot = workflow.Slot(start, start + timedelta(hours=hours), list(needs))
        return str(self.do("secretary", workflow.plan_shift, post or self.post, slot))

    def sign_up(self, name: str, shift: str, key: str = "1") -> str:
        """Sign up; the state reached."""
        return str(self.do(name, workflow.sign_up, shift, key))

    def place(self, name: str, shift: str) -> str:
        """The id of somebody's latest place in a shift."""
        return str(self.row(name, shift).id)

    def row(self, name: str, shift: str) -> Any:
        """Somebody's latest place in a shift."""
        with self.app.app_context():
            rows = select(ShiftPlace).where(ShiftPlace.shift_id == shift, ShiftPlace.person_id == self.id(name))
            return db.session.scalars(rows.order_by(ShiftPlace.queued_at.desc(), ShiftPlace.version)).first()

    def state(self, name: str, shift: str) -> str:
        """What became of somebody in a shift."""
        found = self.row(name, shift)
        return str(found.state) if found else ""

    def states(self, shift: str) -> dict[str, int]:
        """How many are in each state."""
        with self.app.app_context():
            rows = db.session.execute(
                select(ShiftPlace.state, func.count()).where(ShiftPlace.shift_id == shift).group_by(ShiftPlace.state)
            )
            return {row[0]: row[1] for row in rows}

    def shift_row(self, shift: str) -> Shift:
        """A shift as it is stored."""
        with self.app.app_context():
            return db.session.get_one(Shift, shift)

    def messages(self, name: str, kind: str = "") -> list[Message]:
        """What somebody was told, oldest first."""
        with self.app.app_context():
            rows = select(Message).where(Message.recipient_id == self.id(name)).order_by(Message.created_at, Message.id)
            return [one for one in db.session.scalars(rows) if not kind or one.kind == kind]

    def kinds(self, name: str) -> list[str]:
        """The kinds of what somebody was told, oldest first, without the capability."""
        return [one.kind.removeprefix("rota.") for one in self.messages(name)]

    def hours(self, name: str) -> list[HourEntry]:
        """Somebody's entries in the ledger."""
        with self.app.app_context():
            rows = select(HourEntry).where(HourEntry.volunteer_id == self.id(name))
            return list(db.session.scalars(rows.order_by(HourEntry.recorded_at, HourEntry.id)))

    def verbs(self, kind: str, subject_id: str) -> list[str]:
        """What was done to something, in order."""
        with self.app.app_context():
            rows = select(Event.verb).where(Event.subject_kind == kind, Event.subject_id == subject_id)
            return list(db.session.scalars(rows.order_by(Event.day, Event.number)))
