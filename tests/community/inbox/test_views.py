"""The inbox."""

from __future__ import annotations

import re

from flask import Flask

from community.inbox.queries import unread_count
from core import outbox
from core.database import begin_write, db
from tests.community.making import Town, as_, statements


def tell(app: Flask, person: str, count: int = 1, **fields: str) -> None:
    with app.app_context():
        begin_write()
        for n in range(count):
            draft = outbox.Draft(person, f"kind{n}", **({"title": f"第{n}件事", "link": "/me"} | fields))
            outbox.write("-", [draft])
        db.session.commit()


def test_unread_messages_are_marked_and_opened(app: Flask, town: Town) -> None:
    tell(app, town.resident, title="廖小满接了您的单", body="今天 15:00 上门<b>")
    browser = as_(app, "resident")
    page = browser.get("/inbox").text
    assert "1条未读" in page and "未读" in page and "&lt;b&gt;" in page and "<b>" not in page
    path = re.search(r'action="(/inbox/[0-9a-z]{16})"', page)
    assert path is not None
    assert browser.get(path[1]).location == "/me"
    assert "1条未读" in browser.get("/inbox").text
    assert browser.post(path[1], page="/inbox").location == "/me"
    assert "全部已读" in browser.get("/inbox").text
    with app.app_context(), statements(app) as sent:
        assert unread_count(town.resident) == 0
    assert len(sent) == 1


def test_a_message_is_its_recipients_alone(app: Flask, town: Town) -> None:
    tell(app, town.resident)
    with app.app_context():
        message = db.session.query(outbox.Message.id).scalar()
    browser = as_(app, "secretary")
    assert browser.get(f"/inbox/{message}").status_code == 404
    assert browser.post(f"/inbox/{message}", page="/inbox").status_code == 404
    assert "还没有消息" in browser.get("/inbox").text


def test_a_message_leads_only_to_this_site(app: Flask, town: Town) -> None:
    tell(app, town.resident, link="//evil.example")
    with app.app_context():
        message = db.session.query(outbox.Message.id).scalar()
    assert as_(app, "resident").get(f"/inbox/{message}").location == "/inbox"


def test_a_long_inbox_is_paged_and_read_at_once(app: Flask, town: Town) -> None:
    tell(app, town.resident, 53)
    browser = as_(app, "resident")
    with statements(app) as sent:
        page = browser.get("/inbox").text
    assert len(sent) <= 6 and page.count("row-item__title") == 50
    onward = re.search(r'href="(/inbox\?cursor=[^"]+)"', page)
    assert onward is not None
    assert browser.get(onward[1]).text.count("row-item__title") == 3
    assert browser.post("/inbox/read-all", page="/inbox").location == "/inbox"
    assert "全部已读" in browser.get("/inbox").text
