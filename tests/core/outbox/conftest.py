"""A town whose messages go over gateways on this machine, at ten in the morning."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from community.system import jobs as system_jobs
from core import clock, outbox
from core.config import SmsSettings
from core.database import begin_write, db
from core.outbox import Delivery, Draft
from tests.factories import World
from tests.gateways import FakeSms, running

SMS_BODY = '{"mobile": "{phone}", "content": "{text}", "requestId": "{id}"}'


@dataclasses.dataclass
class Office:
    """Where messages are written and carried."""

    app: Flask
    world: World
    sms: FakeSms
    at: Callable[[datetime], None]

    def use(self, **settings: Any) -> None:
        """Change settings of the application."""
        known = self.app.extensions["linju.settings"]
        self.app.extensions["linju.settings"] = dataclasses.replace(known, **settings)

    def write(self, who: str = "volunteer1", kind: str = "order.offered", count: int = 1, **fields: Any) -> None:
        """Messages to somebody of the town, each of a matter of its own."""
        person, estate = self.world[who].id, self.world.estates["banyan"].id
        base = {"title": "标题", "sms": "短信"} | fields
        drafts = []
        for n in range(count):
            own = {"matter": f"m{n}"} | base | ({"sms": f"{base['sms']}{n}"} if count > 1 else {})
            drafts.append(Draft(person, kind, **own))
        with self.app.app_context():
            begin_write()
            outbox.write(estate, drafts)
            db.session.commit()

    def carry(self) -> str:
        """One run of the job."""
        with self.app.app_context():
            return system_jobs.deliver_messages()

    def rows(self, channel: str = "sms") -> list[Delivery]:
        """The deliveries of a channel, oldest first."""
        with self.app.app_context():
            wanted = select(Delivery).where(Delivery.channel == channel)
            return list(db.session.scalars(wanted.order_by(Delivery.created_at, Delivery.id)))

    def pass_time(self, **spans: float) -> None:
        """Move the clock on."""
        self.at(clock.now() + timedelta(**spans))


@pytest.fixture
def office(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[Office]:
    """The office, with a gateway for text messages."""
    with running(FakeSms()) as sms:
        made = Office(app, world, sms, at)
        made.use(sms=SmsSettings(sms.url, body=SMS_BODY, headers={"Authorization": "Bearer sms-secret"},
                                 ok_field="code", ok_value="0", id_field="data.sid"))  # fmt: skip
        yield made
