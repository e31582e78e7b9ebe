"""Clearing away: read long ago goes; unread, dead and waiting stays."""

from __future__ import annotations

from sqlalchemy import select, update

from community.system import jobs as system_jobs
from core import clock
from core.database import begin_write, db
from core.outbox import Delivery, Message, keeping, workflow
from tests.core.outbox.conftest import Office


def test_messages_read_half_a_year_ago_go_unless_one_of_their_deliveries_is_dead(office: Office) -> None:
    office.write(count=4)
    office.carry()
    with office.app.app_context():
        begin_write()
        for n, state in enumerate(("sent", "dead")):
            letter = select(Message.id).where(Message.matter == f"m{n}").scalar_subquery()
            db.session.execute(update(Delivery).where(Delivery.message_id == letter).values(state=state))
        read = update(Message).where(Message.matter.in_(["m0", "m1", "m2"]))
        db.session.execute(read.values(read_at=clock.now()))
        db.session.commit()
    office.pass_time(days=181)
    with office.app.app_context():
        begin_write()
        db.session.execute(update(Message).where(Message.matter == "m2").values(read_at=clock.now()))
        db.session.commit()
        assert system_jobs.forget_messages() == "清除1条，放弃0条"
        assert set(db.session.scalars(select(Message.matter))) == {"m1", "m2", "m3"}
        assert len(db.session.scalars(select(Delivery)).all()) == 3


def test_what_waited_for_days_is_a_dead_letter(office: Office) -> None:
    office.sms.down()
    office.write()
    office.carry()
    office.pass_time(days=3, minutes=1)
    with office.app.app_context():
        assert keeping.give_up() == 1
        row = db.session.scalars(select(Delivery)).one()
        assert row.state == "dead"
        begin_write()
        assert workflow.send_again(row.id)
        db.session.commit()
        assert keeping.give_up() == 0, "it begins anew"
