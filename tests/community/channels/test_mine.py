"""The page on which a person chooses what comes over which channel."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from community.channels.models import MessageChoice, PushDevice
from core.audit import Event
from core.channels.subscriptions import new_key
from core.config import PushSettings
from core.database import db
from tests.core.channels.test_push import FakeBrowser
from tests.core.outbox.conftest import Office
from tests.factories import browser

PAGE = "/me/messages"
FCM = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture(autouse=True)
def without_tokens(office: Office) -> None:
    office.app.config["WTF_CSRF_ENABLED"] = False


def choice(office: Office, who: str) -> MessageChoice:
    with office.app.app_context():
        return db.session.get_one(MessageChoice, office.world[who].id)


def ticked(page: str) -> list[str]:
    """The boxes that are ticked, as group and channel."""
    found = re.findall(r"<input type=\"checkbox\"[^>]*?name=\"(\w+)\"\s+value=\"(\w+)\"( checked)?", page)
    return sorted(f"{name}-{value}" for name, value, checked in found if checked)


def test_everybody_sees_the_groups_that_concern_them(office: Office) -> None:
    pages = {
        who: browser(office.app, office.world[who]).get(PAGE).text for who in ("resident", "volunteer1", "secretary")
    }
    assert "我点的单" in pages["resident"] and "派给我的单" not in pages["resident"]
    assert "派给我的单" in pages["volunteer1"] and "支部要办的单" not in pages["volunteer1"]
    assert "支部要办的单" in pages["secretary"]
    assert "急事" in pages["resident"] and "收件箱" in pages["resident"] and "21:00–8:00" in pages["resident"]
    assert "手机推送" not in pages["resident"] and "subscribe.js" not in pages["resident"]
    assert office.world["resident"].phone not in pages["resident"]
    assert ticked(pages["volunteer1"]) == [
        "hours-email", "hours_answers-email", "offers-email", "offers-sms", "orders-email", "registration-email",
        "shifts-email", "shifts-sms", "standing-email", "standing_helpers-email", "standing_helpers-sms", "teams-email",
        "thanks-email", "timebank-email", "training-email", "urgent-email", "urgent-sms",
    ]  # fmt: skip


def test_a_choice_is_kept_and_the_inbox_has_everything(office: Office) -> None:
    client = browser(office.app, office.world["volunteer1"])
    data: dict[str, Any] = {"urgent": ["sms"], "orders": ["email", "sms"], "quiet": "own", "quiet_from": "22:30",
                            "quiet_until": "07:00"}  # fmt: skip
    assert client.post(PAGE, data=data).status_code == 303
    found = choice(office, "volunteer1")
    assert found.chosen["offers"] == {"email": False, "sms": False}
    assert found.chosen["urgent"] == {"email": False, "sms": True}
    assert (found.quiet_from, found.quiet_until) == (22 * 60 + 30, 7 * 60)
    page = client.get(PAGE).text
    assert ticked(page) == ["orders-email", "orders-sms", "urgent-sms"] and 'value="22:30"' in page
    office.write("volunteer1", title="有一单等您接")
    office.carry()
    assert office.rows() == [] and "有一单等您接" in client.get("/inbox").text
    with office.app.app_context():
        assert db.session.scalars(select(Event.verb).where(Event.verb == "choose_messages")).all()
    data |= {"quiet": "none"}
    client.post(PAGE, data=data)
    assert (choice(office, "volunteer1").quiet_from, choice(office, "volunteer1").quiet_until) == (0, 0)
    client.post(PAGE, data=data | {"quiet": "estate"})
    assert choice(office, "volunteer1").quiet_from is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"quiet": "own", "quiet_from": "", "quiet_until": "07:00"}, "请填时间"),
        ({"quiet": "own", "quiet_from": "25:00", "quiet_until": "07:00"}, "时间写成"),
        ({"quiet": "own", "quiet_from": "07:00", "quiet_until": "07:00"}, "一样就等于不设"),
        ({"quiet": "never"}, ""),
        ({"quiet": "none", "urgent": ["pigeon"]}, ""),
    ],
)
def test_what_cannot_be_comes_back_with_what_was_filled_in(office: Office, data: dict[str, Any], told: str) -> None:
    client = browser(office.app, office.world["resident"])
    answer = client.post(PAGE, data={"orders": ["sms"]} | data)
    assert answer.status_code == 422 and told in answer.text
    assert "orders-sms" in ticked(answer.text)
    with office.app.app_context():
        assert db.session.get(MessageChoice, office.world["resident"].id) is None


def test_a_device_is_switched_on_and_off(office: Office) -> None:
    client = browser(office.app, office.world["resident"])
    fields = FakeBrowser(FCM).subscription
    data = {"endpoint": fields.endpoint, "p256dh": fields.p256dh, "auth": fields.auth}
    assert client.post(PAGE + "/devices", data=data).status_code == 404, "web push is not configured"
    office.use(push=PushSettings(new_key(), "mailto:ops@example.com"))
    page = client.get(PAGE).text
    assert "subscribe.js" in page and "手机推送" in page and "还没有设备打开" in page
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"}
    assert client.post(PAGE + "/devices", data=data, headers=agent).status_code == 303
    assert client.post(PAGE + "/devices", data=data, headers=agent).status_code == 303
    assert "安卓手机 Chrome" in client.get(PAGE).text
    with office.app.app_context():
        [device] = db.session.scalars(select(PushDevice))
    assert browser(office.app, office.world["neighbour"]).post(f"{PAGE}/devices/{device.id}/drop").status_code == 404
    assert client.post(f"{PAGE}/devices/{device.id}/drop").status_code == 303
    with office.app.app_context():
        assert db.session.scalars(select(PushDevice)).all() == []


def test_a_device_at_no_push_service_is_refused(office: Office) -> None:
    office.use(push=PushSettings(new_key(), "mailto:ops@example.com"))
    client = browser(office.app, office.world["resident"])
    for endpoint in ("https://10.0.0.1/x", "http://fcm.googleapis.com/x", ""):
        fields = FakeBrowser(endpoint).subscription
        data = {"endpoint": fields.endpoint, "p256dh": fields.p256dh, "auth": fields.auth}
        assert client.post(PAGE + "/devices", data=data).status_code == 303
        assert "没有打开" in client.get(PAGE).text
    with office.app.app_context():
        assert db.session.scalars(select(PushDevice)).all() == []


def test_a_person_keeps_ten_devices(office: Office) -> None:
    office.use(push=PushSettings(new_key(), "mailto:ops@example.com"))
    client = browser(office.app, office.world["resident"])
    for n in range(12):
        fields = FakeBrowser(FCM + str(n)).subscription
        client.post(PAGE + "/devices", data={"endpoint": fields.endpoint, "p256dh": fields.p256dh, "auth": fields.auth})
    with office.app.app_context():
        assert len(db.session.scalars(select(PushDevice)).all()) == 10


def test_the_way_there(office: Office) -> None:
    client = browser(office.app, office.world["resident"])
    assert f'href="{PAGE}"' in client.get("/inbox").text and f'href="{PAGE}"' in client.get("/me").text
