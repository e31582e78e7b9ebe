"""Carrying messages through gateways that fail: nothing is lost, nothing goes twice, nobody else waits."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from community.accounts.models import Account
from core import clock, outbox
from core.channels import configured, http
from core.channels.parcels import Parcel
from core.database import begin_write, db
from core.outbox import Delivery, Gateway, Message, Route, carrying, workflow
from core.outbox.deliveries import directory
from core.outbox.workflow import TROUBLED, Held
from tests.core.outbox.conftest import Office


def gateway(office: Office, name: str = "sms") -> Gateway:
    with office.app.app_context():
        return db.session.scalars(select(Gateway).where(Gateway.name == name)).one()


def test_a_text_message_goes_out_once(office: Office) -> None:
    office.write(sms="派单：代买代办，3栋")
    assert office.carry() == "送达1条，没送到0条"
    assert office.carry() == "送达0条，没送到0条"
    [row] = office.rows()
    assert office.sms.sent == {row.id: (office.world["volunteer1"].phone, "派单：代买代办，3栋")}
    assert (row.state, row.attempts, row.provider_id) == ("sent", 1, "S" + row.id)
    assert gateway(office).sent_at == clock.now()


def test_without_a_short_text_the_title_goes(office: Office) -> None:
    office.write(title="请到居委会", sms="")
    office.carry()
    assert [text for _, text in office.sms.sent.values()] == ["请到居委会"]


def test_a_gateway_that_is_down_for_an_hour_loses_nothing_and_sends_nothing_twice(office: Office) -> None:
    """Messages keep coming meanwhile; five minutes after it is back, all are sent, each once."""
    office.sms.down()
    for minute in range(60):
        if minute % 3 == 0:
            office.write(count=5, sms=f"第{minute}分")
        office.carry()
        office.pass_time(minutes=1)
    assert office.sms.sent == {} and {row.state for row in office.rows()} == {"pending"}
    assert gateway(office).failures >= TROUBLED
    tries = sum(row.attempts for row in office.rows())
    assert tries <= 20, "a gateway that is down is asked now and then, not by every message"
    office.sms.up()
    for _ in range(11):
        office.pass_time(minutes=1)
        office.carry()
    rows = office.rows()
    assert len(rows) == 100 and {row.state for row in rows} == {"sent"}
    assert set(office.sms.sent) == {row.id for row in rows} and len(office.sms.asked) == 100
    assert len({text for _, text in office.sms.sent.values()}) == 100
    assert gateway(office).failures == 0


@pytest.mark.parametrize("mood", ["broken", "balance"])
def test_a_gateway_that_answers_no_is_asked_again_later(office: Office, mood: str) -> None:
    office.sms.mood = mood
    office.write()
    assert office.carry() == "送达0条，没送到1条"
    [row] = office.rows()
    assert (row.state, row.attempts, row.next_try_at - clock.now()) == ("pending", 1, timedelta(minutes=1))
    assert row.last_error and office.world["volunteer1"].phone not in row.last_error
    office.sms.mood = "well"
    assert office.carry() == "送达0条，没送到0条"
    office.pass_time(minutes=1)
    assert office.carry() == "送达1条，没送到0条"
    assert len(office.sms.sent) == 1


@pytest.mark.parametrize("mood", ["silent", "torn"])
def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_id(
    office: Office, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway had taken it: it knows the id again and sends nothing twice."""
    monkeypatch.setattr(http, "ANSWER_SECONDS", 0.2)
    office.sms.mood = mood
    office.write()
    assert office.carry() == "送达0条，没送到1条"
    office.sms.mood = "well"
    office.pass_time(minutes=1)
    assert office.carry() == "送达1条，没送到0条"
    assert len(office.sms.asked) == 2 and len(office.sms.sent) == 1


def test_a_gateway_that_knows_no_ids_is_not_told_twice(office: Office) -> None:
    """Then the outcome of a lost answer is for a person to find out, unless the matter is urgent."""
    office.use(sms=_without_id(office))
    office.sms.answer = lambda _asked: (0, b"", {})
    office.write()
    office.write(urgent=True, matter="急")
    office.carry()
    urgent, plain = sorted(office.rows(), key=lambda row: not row.urgent)
    assert (urgent.state, plain.state) == ("pending", "dead")
    assert "可能已经送出" in plain.last_error
    office.pass_time(minutes=10)
    office.carry()
    assert len(office.sms.asked) == 3


def _without_id(office: Office) -> object:
    known = office.app.extensions["linju.settings"].sms
    return dataclasses.replace(known, body=known.body.replace("{id}", "x"))


def test_too_many_requests_count_as_no_try(office: Office) -> None:
    office.sms.mood = "full"
    office.write(count=3)
    assert office.carry() == "送达0条，没送到1条", "the others are not even tried"
    rows = office.rows()
    assert {row.attempts for row in rows} == {0} and {row.state for row in rows} == {"pending"}
    office.sms.mood = "well"
    office.pass_time(seconds=89)
    assert office.carry() == "送达0条，没送到0条"
    office.pass_time(seconds=1)
    assert office.carry() == "送达3条，没送到0条"


def test_a_failing_gateway_holds_up_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left alone after three failures; mails go out at once, before it."""

    class Mail:
        repeats, per_minute, short = True, 0, False
        sent: list[str] = []

        def deliver(self, parcel: Parcel, address: str) -> str:
            self.sent.append(address)
            return ""

    with office.app.app_context():
        begin_write()
        db.session.execute(update(Account).values(email="a@example.com"))
        db.session.commit()
        channels = configured(office.app.extensions["linju.settings"]) | {"email": Mail()}
    monkeypatch.setattr("community.system.jobs.configured", lambda _settings: channels)
    office.sms.mood = "broken"
    office.write(count=30)
    assert office.carry() == "送达30条，没送到3条"
    assert len(Mail.sent) == 30 and len(office.sms.asked) == TROUBLED
    office.sms.mood = "well"
    office.pass_time(minutes=1)
    office.carry()
    assert len(office.sms.sent) == 30


def test_two_runners_send_each_once(office: Office) -> None:
    office.write(count=20)
    together = threading.Barrier(3)

    def run() -> None:
        together.wait()
        office.carry()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.carry()
    assert len(office.sms.asked) == 20 == len(office.sms.sent)
    assert {row.state for row in office.rows()} == {"sent"}


def test_who_tried_and_died_left_the_delivery_to_the_next(office: Office) -> None:
    office.write()
    with office.app.app_context():
        workflow.spread(["sms"])
        row = db.session.scalars(select(Delivery)).one()
        assert workflow.claim(Held(row.id, "sms", "sms", 0, row.next_try_at)) is not None
        assert workflow.claim(Held(row.id, "sms", "sms", 0, row.next_try_at)) is None
    assert office.carry() == "送达0条，没送到0条"
    office.pass_time(minutes=10)
    assert office.carry() == "送达1条，没送到0条"
    assert office.rows()[0].attempts == 2


def test_who_died_at_a_gateway_without_ids_leaves_it_to_a_person(office: Office) -> None:
    office.use(sms=_without_id(office))
    office.write()
    with office.app.app_context():
        workflow.spread(["sms"])
        row = db.session.scalars(select(Delivery)).one()
        workflow.claim(Held(row.id, "sms", "sms", 0, row.next_try_at))
    office.pass_time(minutes=10)
    assert office.carry() == "送达0条，没送到1条"
    assert office.rows()[0].last_error == carrying.UNFINISHED and office.sms.asked == []


def test_what_was_read_meanwhile_or_has_nowhere_to_go_is_skipped(office: Office) -> None:
    office.write(count=2)
    office.write("volunteer2")
    with office.app.app_context():
        workflow.spread(["sms"])
        begin_write()
        first = db.session.scalars(select(Message.id).where(Message.matter == "m0").limit(1)).one()
        db.session.execute(update(Message).where(Message.id == first).values(read_at=clock.now()))
        gone = update(Account).where(Account.person_id == office.world["volunteer2"].id)
        db.session.execute(gone.values(disabled_at=clock.now()))
        db.session.commit()
    assert office.carry() == "送达1条，没送到0条"
    told = {row.last_error for row in office.rows() if row.state == "skipped"}
    assert told == {"已在站内看过", "没有可用的地址"}


def test_urgent_ones_go_first(office: Office) -> None:
    office.write(count=3)
    office.pass_time(seconds=1)
    office.write(sms="急", urgent=True, matter="急")
    office.carry()
    assert office.sms.asked[0].json()["content"] == "急"


def test_a_person_without_a_phone_has_it_in_the_inbox_alone(office: Office) -> None:
    with office.app.app_context():
        begin_write()
        db.session.execute(update(Account).values(disabled_at=clock.now()))
        db.session.commit()
    office.write()
    office.carry()
    assert office.rows() == []
    with office.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message).where(Message.state == "sent")) == 1


def test_many_messages_are_spread_in_one_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "routes", lambda messages: {m.id: [] for m in messages})
    office.write(count=450)
    office.carry()
    with office.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message).where(Message.state == "pending")) == 0


def test_of_one_matter_a_group_hears_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people are told of one matter; the same route ``once`` is taken by one message only."""
    monkeypatch.setattr(directory, "routes", lambda messages: {m.id: [Route("sms", "r", once="k")] for m in messages})
    monkeypatch.setitem(directory.addresses, "sms", lambda targets: dict.fromkeys(targets, "13800000055"))
    office.write("volunteer1")
    office.write("volunteer2")
    assert office.carry() == "送达1条，没送到0条"
    office.write("volunteer3")
    assert office.carry() == "送达0条，没送到0条"


def test_trying_out_counts_for_the_gateway(office: Office) -> None:
    with office.app.app_context():
        channel = configured(office.app.extensions["linju.settings"])["sms"]
        assert carrying.try_out(channel, "sms", "sms", Parcel("p" * 16, "m", "t", text="x"), "13800000055") == ""
        assert gateway(office).failures == 0
        office.sms.mood = "broken"
        assert "500" in outbox.try_out(channel, "sms", "sms", Parcel("q" * 16, "m", "t", text="x"), "13800000055")
        assert gateway(office).failures == 1


def test_logs_hold_neither_texts_nor_addresses(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.sms.mood = "balance"
    office.write(title="沈桂兰的标题", sms="短信正文")
    office.carry()
    assert "failed" in caplog.text
    for secret in ("沈桂兰", "短信正文", office.world["volunteer1"].phone, "余额"):
        assert secret not in caplog.text


def test_any_other_error_of_a_channel_is_a_failed_try(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> str:
        raise KeyError("13800000055")

    monkeypatch.setattr("core.channels.sms.SmsChannel.deliver", fail)
    office.write()
    assert office.carry() == "送达0条，没送到1条"
    [row] = office.rows()
    assert row.state == "pending" and "13800000055" not in row.last_error
