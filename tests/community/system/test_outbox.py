"""Messages on their way out: delivered, failing, dead, sent again."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import select

from community.accounts.models import Account
from community.system import jobs as system_jobs
from core import clock, outbox
from core.audit import Event
from core.database import begin_write, db
from core.outbox import PAUSES, Delivery
from core.outbox.workflow import TROUBLED
from tests.community.making import Browser, Town, as_, statements
from tests.conftest import MOMENT

EARLY = MOMENT - timedelta(minutes=110)
"""Ten past eight, so that all tries lie within one day."""


@pytest.fixture(autouse=True)
def by_day(at: Callable[[datetime], None]) -> None:
    """At ten in the morning anybody may be disturbed."""


class Post:
    """A mail server's letter box that may be shut."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.shut = False
        self.refused = ""

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if not self.refused:
            envelope.rcpt_tos.append(address)
        return self.refused or "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.shut:
            return "451 4.3.0 try later"
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def letter_box(app: Flask) -> Iterator[Post]:
    """A real SMTP server on this machine, named in the application's settings."""
    box = Post()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    settings = app.extensions["linju.settings"]
    named = {"smtp_host": "127.0.0.1", "smtp_port": port, "public_url": "https://linju.example"}
    app.extensions["linju.settings"] = dataclasses.replace(settings, **named)
    yield box
    server.stop()


def write(app: Flask, town: Town, email: str = "shen@example.com") -> None:
    with app.app_context():
        begin_write()
        db.session.query(Account).filter_by(person_id=town.resident).update({"email": email})
        outbox.write(town.estate, [outbox.Draft(town.resident, "accepted", "廖小满接了您的单", "今天上门", "/me")])
        db.session.commit()


def deliver(app: Flask) -> str:
    with app.app_context():
        return system_jobs.deliver_messages()


def only(app: Flask) -> Delivery:
    with app.app_context():
        return db.session.scalars(select(Delivery)).one()


def test_a_message_goes_out_once_with_its_link(app: Flask, town: Town, letter_box: Post) -> None:
    write(app, town)
    assert deliver(app) == "送达1条，没送到0条"
    assert deliver(app) == "送达0条，没送到0条"
    [(to, letter)] = letter_box.letters
    assert to == ["shen@example.com"]
    assert str(make_header(decode_header(letter["Subject"]))) == "廖小满接了您的单"
    assert "https://linju.example/me" in letter.get_payload(decode=True).decode()
    found = only(app)
    assert (found.state, found.channel, found.target) == ("sent", "email", town.resident)
    assert found.provider_id == letter["Message-ID"]


def test_who_gave_no_address_has_it_in_the_inbox_alone(app: Flask, town: Town, letter_box: Post) -> None:
    write(app, town, email="")
    assert deliver(app) == "送达0条，没送到0条"
    assert letter_box.letters == []
    assert "廖小满接了您的单" in as_(app, "resident").get("/inbox").text


def test_an_address_that_the_server_will_not_take_is_a_dead_letter_at_once(
    app: Flask, town: Town, letter_box: Post
) -> None:
    letter_box.refused = "550 5.1.1 <shen@example.com> unknown"
    write(app, town)
    assert deliver(app) == "送达0条，没送到1条"
    found = only(app)
    assert found.state == "dead" and "550" in found.last_error and "shen" not in found.last_error


def fail_until_dead(app: Flask, at: Callable[[datetime], None]) -> None:
    """Each try at its time; between them the server is only asked whether it answers again, which does not count."""
    moment = EARLY
    for n, pause in enumerate([*PAUSES, None]):
        at(moment)
        assert deliver(app) == "送达0条，没送到1条"
        found = only(app)
        assert found.attempts == n + 1
        if pause is None:
            break
        assert (found.state, found.next_try_at - moment) == ("pending", pause)
        at(moment + pause - timedelta(seconds=1))
        assert deliver(app) == f"送达0条，没送到{int(n + 1 >= TROUBLED)}条"
        assert only(app).attempts == n + 1
        moment += pause
        if n + 1 >= TROUBLED:
            moment += timedelta(minutes=15)
    assert only(app).state == "dead"


def test_failures_pause_longer_and_longer_and_a_dead_letter_is_sent_again(
    app: Flask, town: Town, letter_box: Post, at: Callable[[datetime], None]
) -> None:
    assert list(PAUSES) == sorted(PAUSES)
    at(EARLY)
    write(app, town)
    letter_box.shut = True
    fail_until_dead(app, at)
    browser = as_(app, "secretary")
    page = browser.get("/outbox").text
    assert "廖小满接了您的单" in page and "451" in page and "6次" in page and "邮件" in page
    letter_box.shut = False
    assert browser.post(f"/outbox/{only(app).id}/again", page="/outbox").location == "/outbox"
    assert deliver(app) == "送达0条，没送到0条", "the server is left alone for some minutes"
    at(clock.now() + timedelta(minutes=10))
    assert deliver(app) == "送达1条，没送到0条" and len(letter_box.letters) == 1
    assert "没有未达消息" in browser.get("/outbox").text
    assert "廖小满接了您的单" in browser.get("/outbox?state=sent").text
    with app.app_context():
        assert db.session.scalars(select(Event.estate_id).where(Event.verb == "send_again")).all() == [town.estate]


def kill(app: Flask, estate: str, recipient: str, count: int = 1) -> None:
    with app.app_context():
        begin_write()
        for n in range(count):
            id_, now = f"letter{n:010d}", clock.now()
            db.session.add(outbox.Message(id=id_, recipient_id=recipient, estate_id=estate, kind="k",
                                          title=f"第{n}封<b>", created_at=now, state="sent"))  # fmt: skip
            db.session.flush()
            db.session.add(
                Delivery(id=id_, message_id=id_, estate_id=estate, channel="email", target=recipient, gateway="email",
                         created_at=now, state="dead", attempts=6, next_try_at=now, last_error="550")
            )  # fmt: skip
        db.session.commit()


def test_dead_letters_of_other_estates_are_not_there(app: Flask, town: Town) -> None:
    kill(app, town.other_estate, town.stranger)
    browser = as_(app, "secretary")
    assert "第0封" not in browser.get("/outbox").text
    assert browser.post("/outbox/letter0000000000/again", page="/outbox").status_code == 404
    above = as_(app, "staff")
    assert "第0封&lt;b&gt;" in above.get("/outbox").text
    assert above.post("/outbox/letter0000000000/again", page="/outbox").status_code == 302
    assert above.post("/outbox/letter0000000000/again", page="/outbox").status_code == 404
    assert as_(app, "resident").get("/outbox").status_code == 403


def test_the_list_is_paged_in_few_statements(app: Flask, town: Town) -> None:
    kill(app, town.estate, town.resident, 60)
    browser: Browser = as_(app, "secretary")
    with statements(app) as sent:
        page = browser.get("/outbox").text
    assert len(sent) <= 6 and page.count("再发一次") == 50
    assert "没有等着送的消息" in browser.get("/outbox?state=waiting").text
    assert "没有未达消息" in browser.get("/outbox?channel=sms").text
    assert browser.get("/outbox?state=nothing&channel=pigeon").status_code == 200


def test_all_dead_letters_of_a_channel_are_sent_again(app: Flask, town: Town, letter_box: Post) -> None:
    kill(app, town.estate, town.resident, 3)
    browser = as_(app, "secretary")
    assert "这个渠道全部再发" in browser.get("/outbox?channel=email").text
    assert browser.post("/outbox/again", {"channel": "pigeon"}, page="/outbox").status_code == 404
    assert browser.post("/outbox/again", {"channel": "email"}, page="/outbox").status_code == 302
    assert "等着送" in browser.get("/outbox?state=waiting").text
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "send_all_again")).one()
        assert event.estate_id == town.estate and event.details["count"] == 3


def test_the_page_says_how_each_channel_stands(app: Flask, town: Town, letter_box: Post) -> None:
    browser = as_(app, "secretary")
    page = browser.get("/outbox").text
    assert "还没用过" in page and "未接通" in page
    write(app, town)
    letter_box.shut = True
    deliver(app)
    assert "不太稳" in browser.get("/outbox").text
    with app.app_context():
        for _ in range(2):
            outbox.workflow.failed("email", "email", "451 try later shen@example.com")
    page = browser.get("/outbox").text
    assert "先停一停" in page and "shen@" not in page
