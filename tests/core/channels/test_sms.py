"""Text messages through a gateway that the settings describe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.channels.parcels import Busy, Parcel, Trouble, Unsure
from core.channels.sms import SmsChannel
from core.config import Settings, SettingsError, SmsSettings
from tests.core.test_config import GOOD
from tests.gateways import FakeGateway, FakeSms, running

PARCEL = Parcel("delivery00000001", "m", "标题", text='派单："代买"，{secret}，3栋&x=1')
BODY = '{"mobile": "{phone}", "content": "【榕树】{text}", "requestId": "{id}", "kind": 1, "to": ["{phone}"]}'


def settings(url: str, **changes: Any) -> SmsSettings:
    """A gateway's settings, as read from the environment."""
    environ = GOOD | {
        "LINJU_SMS_URL": url, "LINJU_SMS_BODY": BODY, "LINJU_SMS_HEADERS": '{"Authorization": "Bearer {secret}"}',
        "LINJU_SMS_SECRET": "sms-secret", "LINJU_SMS_OK": "code=0", "LINJU_SMS_ID_FIELD": "data.sid",
    }  # fmt: skip
    found = Settings.from_env(environ | changes).sms
    assert found is not None
    return found


def test_a_message_is_sent_with_its_id_and_a_text_is_only_a_text() -> None:
    with running(FakeSms()) as gateway:
        channel = SmsChannel(settings(gateway.url))
        assert channel.repeats
        assert channel.deliver(PARCEL, "13800000055") == "S" + PARCEL.id
        assert gateway.sent == {PARCEL.id: ("13800000055", "【榕树】" + PARCEL.text)}
        assert gateway.asked[0].json()["to"] == ["13800000055"]


@pytest.mark.parametrize(
    ("mood", "trouble", "told"),
    [
        ("balance", Trouble, "余额不足 …"),
        ("broken", Trouble, "500"),
        ("full", Busy, "429"),
        ("torn", Unsure, "没有等到回应"),
    ],
)
def test_failures(mood: str, trouble: type[Exception], told: str) -> None:
    with running(FakeSms()) as gateway:
        gateway.mood = mood
        with pytest.raises(Trouble, match=told) as caught:
            SmsChannel(settings(gateway.url)).deliver(PARCEL, "13800000055")
        assert type(caught.value) is trouble
        assert "13800000055" not in str(caught.value)


def test_a_wrong_secret_is_an_error() -> None:
    with running(FakeSms()) as gateway, pytest.raises(Trouble, match="401"):
        SmsChannel(settings(gateway.url, LINJU_SMS_SECRET="old")).deliver(PARCEL, "13800000055")


def test_a_form_and_a_query_are_filled_in_by_value() -> None:
    with running(FakeGateway()) as gateway:
        body, url = "m={phone}&c={text}&sign={secret}", gateway.url + "/send/{id}?to={phone}&fixed=1"
        form = settings(url, LINJU_SMS_TYPE="form", LINJU_SMS_BODY=body, LINJU_SMS_OK="ok=true")
        SmsChannel(form).deliver(PARCEL, "13800000055")
        asked = gateway.asked[0]
        assert asked.form() == {"m": "13800000055", "c": PARCEL.text, "sign": "sms-secret"}
        assert (asked.path, asked.query) == ("/send/" + PARCEL.id, {"to": "13800000055", "fixed": "1"})
        get = settings(gateway.url + "/?p={phone}&t={text}", LINJU_SMS_METHOD="get", LINJU_SMS_BODY="", LINJU_SMS_OK="")
        channel = SmsChannel(get)
        assert not channel.repeats and channel.deliver(PARCEL, "13800000055") == ""
        assert gateway.asked[1].method == "GET" and gateway.asked[1].query["t"] == PARCEL.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("LINJU_SMS_URL", "gateway.example"), ("LINJU_SMS_METHOD", "DELETE"), ("LINJU_SMS_TYPE", "xml"),
     ("LINJU_SMS_BODY", "{phone}"), ("LINJU_SMS_BODY", '{"mobile": "{phone}"}'), ("LINJU_SMS_HEADERS", "[]"),
     ("LINJU_SMS_OK", "code")],
)  # fmt: skip
def test_unusable_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings("https://gateway.example", **{name: value})


def test_without_an_address_there_is_no_gateway_and_the_secret_is_never_shown() -> None:
    assert Settings.from_env(GOOD).sms is None
    assert "sms-secret" not in repr(settings("https://gateway.example"))
    assert json.loads(settings("https://gateway.example").body)
