"""What goes over the air names nobody and no door, passes quiet hours, cannot be switched off, and does not wait."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from community.channels.routes import routes
from core.channels.sms import SmsChannel
from core.database import db
from core.outbox import Message, kinds
from services.sos import circle, soon, workflow
from services.sos.circle import Told
from services.sos.models import Kind
from tests.core.channels.test_sms import settings as sms_settings
from tests.gateways import FakeSms, running
from tests.services.sos.scene import STRANGER_PHONE, Scene

PRIVATE = ("沈桂兰", "桂兰", "郑网格", "何楼长", "陈一", "101", "1单元", "高血压")


def test_short_texts_name_the_building_and_no_more(scene: Scene) -> None:
    scene.contact("女儿", scene.world["far_resident"])
    scene.on_call("volunteer1")
    call_id = scene.raised(note="高血压犯了")
    scene.do(lambda viewer: workflow.answer(viewer, call_id, True), "far_resident")
    scene.do(lambda viewer: workflow.on_way(viewer, call_id, True), "volunteer1")
    scene.do(lambda viewer: workflow.stand_down(viewer, call_id, "高血压"), "volunteer1")
    scene.do(lambda viewer: workflow.arrive(viewer, call_id), "grid_worker")
    scene.do(lambda viewer: workflow.close(viewer, call_id, "高血压，送医"), "grid_worker")
    with scene.app.app_context():
        said = list(db.session.scalars(select(Message)))
    assert {message.kind for message in said} == {
        f"emergency.{name}" for name in ("needed", "family", "answered", "on_way", "stood_down", "arrived", "ended")
    }
    for message in said:
        assert 0 < len(message.sms) <= 70 and not any(word in message.sms for word in PRIVATE), message.sms
        assert message.urgent and message.link == f"/emergency/{call_id}"
    assert any("1栋有居民紧急求助" in message.sms for message in said)
    bodies = {message.recipient_id: message.body for message in said if message.kind == "emergency.ended"}
    assert "高血压" in bodies[scene.id("resident")] and "高血压" not in bodies[scene.id("steward")]


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
def test_nobody_switches_it_off(scene: Scene, channel: str) -> None:
    assert kinds.is_wanted("emergency.needed", True, channel, {"emergencies": {channel: False}})


def test_it_passes_quiet_hours(scene: Scene) -> None:
    scene.later(14 * 3600)
    scene.raised()
    with scene.app.app_context():
        messages = list(db.session.scalars(select(Message)))
        ways = [way for found in routes(messages).values() for way in found]
    assert {way.channel for way in ways} >= {"email", "sms"} and all(way.not_before is None for way in ways)


def test_a_contact_without_an_account_is_reached_by_text_message(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(FakeSms()) as gateway:
        channel = SmsChannel(sms_settings(gateway.url))
        monkeypatch.setattr(soon, "configured", lambda _settings: {"sms": channel})
        circle.TELL_OUTSIDER[:] = [soon.text_outsider]
        scene.contact("外甥")
        assert "会同时通知外甥、" in scene.get("resident", "/sos").text
        call_id = scene.raised()
        assert [phone for phone, _ in gateway.sent.values()] == [STRANGER_PHONE]
        assert "发短信并请人打电话" in scene.get("secretary", f"/emergency/{call_id}").text


def test_what_is_written_is_carried_at_once_and_trouble_waits_for_the_job(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[str] = []
    monkeypatch.setattr(soon, "configured", lambda _settings: {})
    monkeypatch.setattr("core.outbox.deliver_due", lambda _channels: carried.append("now"))
    told = [Told(Kind.OUTSIDER, "外甥", "沈外人", None, "c", "sealed")]
    circle.TELL_OUTSIDER[:] = [lambda phone, _text: carried.append(phone)]
    soon._carry(scene.app, told, "求助")
    assert carried == ["sealed", "now"]

    def broken(_channels: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("core.outbox.deliver_due", broken)
    soon._carry(scene.app, told, "求助")
