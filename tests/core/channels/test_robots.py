"""Robots of group chats against servers that check signatures as the platforms do."""

from __future__ import annotations

from typing import Any

import pytest

from core.channels.parcels import Busy, Parcel, Refused, Trouble, Unsure
from core.channels.robots import VENDORS, RobotChannel, Webhook, check_webhook
from tests.gateways import FakeDingtalk, FakeFeishu, FakeGateway, FakeWecom, running

PARCEL = Parcel("d", "m", "沈桂兰的单", text="抢单：代买代办，3栋")
SAID = "【邻聚】抢单：代买代办，3栋"
FAKES: dict[str, Any] = {"wecom": FakeWecom, "dingtalk": FakeDingtalk, "feishu": FakeFeishu}


def hook(vendor: str, fake: Any, **changes: str) -> Webhook:
    """The address of a fake's robot."""
    return Webhook(**{"vendor": vendor, "url": fake.webhook, "secret": getattr(fake, "SECRET", "")} | changes)


@pytest.mark.parametrize("vendor", FAKES)
def test_each_platform_takes_a_post(vendor: str) -> None:
    with running(FAKES[vendor]()) as fake:
        assert RobotChannel([fake.host]).deliver(PARCEL, hook(vendor, fake)) == ""
        assert fake.said == [SAID]


@pytest.mark.parametrize(
    ("vendor", "changes", "told"),
    [
        ("dingtalk", {"secret": "wrong"}, "310000"), ("dingtalk", {"secret": ""}, "310000"),
        ("feishu", {"secret": "wrong"}, "19021"), ("feishu", {"secret": ""}, "19021"),
    ],
)  # fmt: skip
def test_a_wrong_secret_is_told(vendor: str, changes: dict[str, str], told: str) -> None:
    with running(FAKES[vendor]()) as fake:
        with pytest.raises(Trouble, match=told) as caught:
            RobotChannel([fake.host]).deliver(PARCEL, hook(vendor, fake, **changes))
        assert fake.said == [] and "http" not in str(caught.value)


@pytest.mark.parametrize(("vendor", "told"), [("wecom", "93000"), ("dingtalk", "300001"), ("feishu", "19001")])
def test_a_robot_that_was_removed_is_told(vendor: str, told: str) -> None:
    with running(FAKES[vendor]()) as fake, pytest.raises(Trouble, match=told):
        RobotChannel([fake.host]).deliver(PARCEL, hook(vendor, fake, url=fake.webhook + "x"))


def test_too_many_posts_ask_for_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeWecom()) as fake:
        for _ in range(20):
            RobotChannel([fake.host]).deliver(PARCEL, hook("wecom", fake))
        with pytest.raises(Busy) as caught:
            RobotChannel([fake.host]).deliver(PARCEL, hook("wecom", fake))
        assert caught.value.seconds == 60
    with running(FakeDingtalk()) as fake:
        fake.is_busy = True
        with pytest.raises(Busy) as caught:
            RobotChannel([fake.host]).deliver(PARCEL, hook("dingtalk", fake))
        assert caught.value.seconds == 600


@pytest.mark.parametrize(("status", "trouble"), [(502, Trouble), (504, Unsure), (200, Trouble)])
def test_an_answer_that_is_none(status: int, trouble: type[Exception]) -> None:
    with running(FakeGateway()) as fake:
        fake.answer = lambda _asked: (status, b"<html>", {})
        url = fake.url + "/cgi-bin/webhook/send?key=x"
        with pytest.raises(Trouble) as caught:
            RobotChannel([fake.host]).deliver(PARCEL, Webhook("wecom", url))
        assert type(caught.value) is trouble


def test_numbers_of_people_never_reach_a_group() -> None:
    with running(FakeWecom()) as fake:
        parcel = Parcel("d", "m", "", text="请回电13800000055，证号11010519491231002X，看https://x.example/a")
        RobotChannel([fake.host]).deliver(parcel, hook("wecom", fake))
        assert fake.said == ["【邻聚】请回电…，证号…，看…"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_the_platforms_own_addresses_are_spoken_to(vendor: str) -> None:
    found = VENDORS[vendor]
    good = f"https://{found.hosts[0]}{found.path}{'abc' if found.path.endswith('/') else '?key=abc'}"
    check_webhook(vendor, good)
    for url in (
        good.replace("https", "http"), good.replace(found.hosts[0], "10.0.0.1"), f"https://{found.hosts[0]}/other?key=x",
        f"https://{found.hosts[0]}{found.path}", "https://example.com" + found.path + "x",
    ):  # fmt: skip
        with pytest.raises(Refused):
            check_webhook(vendor, url)
    with running(FAKES[vendor]()) as fake:
        with pytest.raises(Refused):
            RobotChannel().deliver(PARCEL, hook(vendor, fake))
        assert fake.asked == []
