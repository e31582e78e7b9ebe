"""The pages on which robots are entered, tested, switched off and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from community.channels.models import Robot
from core.audit import Event
from core.database import db
from core.outbox import Gateway
from tests.core.outbox.conftest import Office
from tests.factories import browser
from tests.gateways import FakeDingtalk, FakeWecom, running

GOOD = "https://oapi.dingtalk.com/robot/send?access_token=abc"


@pytest.fixture(autouse=True)
def without_tokens(office: Office) -> None:
    office.app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def dingtalk(office: Office) -> Iterator[FakeDingtalk]:
    with running(FakeDingtalk()) as fake:
        office.use(robot_hosts=(fake.host,))
        yield fake


def filled(office: Office, **changes: Any) -> dict[str, Any]:
    return {
        "organisation": office.world.estates["banyan"].branch.id, "name": "支部工作群", "vendor": "dingtalk",
        "webhook": GOOD, "secret": "SECxyz", "kinds": ["order.back_in_queue"],
    } | changes  # fmt: skip


def robots(office: Office) -> list[Robot]:
    with office.app.app_context():
        return list(db.session.scalars(select(Robot)))


def test_an_empty_page_says_what_to_do(office: Office) -> None:
    page = browser(office.app, office.world["secretary"]).get("/robots").text
    assert "还没有群机器人" in page and "/robots/new" in page


def test_a_robot_is_entered_with_its_secrets_sealed(office: Office) -> None:
    client = browser(office.app, office.world["secretary"])
    form = client.get("/robots/new").text
    assert "榕树园党支部" in form and "抢单" in form and "水泥厂" not in form
    assert client.post("/robots/new", data=filled(office)).status_code == 303
    [robot] = robots(office)
    assert "access_token" not in robot.webhook_sealed and "SECxyz" not in robot.secret_sealed
    pages = client.get("/robots").text + client.get(f"/robots/{robot.id}").text
    assert "支部工作群" in pages and "钉钉" in pages and "需要重新派单" in pages and "还没发过" in pages
    assert "abc" not in re.sub(r"<svg.*?</svg>", "", pages, flags=re.S) and "SECxyz" not in pages
    with office.app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "add_robot")).one()
        assert event.estate_id == office.world.estates["banyan"].id and "token" not in str(event.details)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"webhook": "http://oapi.dingtalk.com/robot/send?access_token=abc"}, "https://"),
        ({"webhook": "https://127.0.0.1/robot/send?access_token=abc"}, "不是这家平台"),
        ({"webhook": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a"}, "不是这家平台"),
        ({"webhook": "https://oapi.dingtalk.com/robot/list"}, "整条复制"),
        ({"webhook": ""}, "请填机器人地址"), ({"name": " "}, "请填群的名字"), ({"vendor": "slack"}, ""),
        ({"kinds": []}, "至少选一样"), ({"kinds": ["order.accepted"]}, ""),
        ({"organisation": "nowhere"}, "请从列表里选"),
    ],
)  # fmt: skip
def test_what_will_not_do_comes_back(office: Office, changes: dict[str, Any], told: str) -> None:
    answer = browser(office.app, office.world["secretary"]).post("/robots/new", data=filled(office, **changes))
    assert answer.status_code == 422 and told in answer.text
    assert robots(office) == []


def test_a_branch_reaches_no_other_branch(office: Office) -> None:
    client = browser(office.app, office.world["secretary"])
    for body in (office.world.bodies["community"].id, office.world.estates["cement"].branch.id):
        assert client.post("/robots/new", data=filled(office, organisation=body)).status_code == 422
    staff = browser(office.app, office.world["staff"])
    community = filled(office, organisation=office.world.bodies["community"].id)
    assert staff.post("/robots/new", data=community).status_code == 303
    [robot] = robots(office)
    for path in (f"/robots/{robot.id}/try", f"/robots/{robot.id}/switch", f"/robots/{robot.id}/remove"):
        assert client.post(path).status_code == 404
    assert robot.id not in client.get("/robots").text
    assert browser(office.app, office.world["resident"]).get("/robots").status_code == 403


def test_a_test_says_how_it_went_and_comes_once_a_minute(office: Office, dingtalk: FakeDingtalk) -> None:
    client = browser(office.app, office.world["secretary"])
    client.post("/robots/new", data=filled(office, webhook=dingtalk.webhook, secret="wrong"))
    [robot] = robots(office)
    client.post(f"/robots/{robot.id}/try")
    page = client.get("/robots").text
    assert "没有发成" in page and "310000" in page and dingtalk.said == []
    client.post(f"/robots/{robot.id}/try")
    assert "刚试过" in client.get("/robots").text and len(dingtalk.asked) == 1
    changed = filled(office, webhook="", secret=dingtalk.SECRET, name="新名字")
    assert client.post(f"/robots/{robot.id}", data=changed).status_code == 303
    office.pass_time(minutes=1)
    client.post(f"/robots/{robot.id}/try")
    assert "发成了" in client.get("/robots").text
    assert dingtalk.said == ["【邻聚】测试：新名字已接通，榕树园党支部的提醒会发到这里"]
    with office.app.app_context():
        assert db.session.get_one(Gateway, f"robot:{robot.id}").failures == 0


def test_another_platform_needs_another_address(office: Office) -> None:
    client = browser(office.app, office.world["secretary"])
    client.post("/robots/new", data=filled(office))
    [robot] = robots(office)
    page = f"/robots/{robot.id}"
    assert client.post(page, data=filled(office, webhook="", secret="")).status_code == 303
    assert robots(office)[0].secret_sealed, "left empty it stays as it is"
    assert client.post(page, data=filled(office, vendor="wecom", webhook="")).status_code == 422
    wecom = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"
    assert client.post(page, data=filled(office, vendor="wecom", webhook=wecom)).status_code == 303
    [robot] = robots(office)
    assert (robot.vendor, robot.secret_sealed) == ("wecom", "")


def test_a_robot_is_switched_off_on_and_removed(office: Office) -> None:
    client = browser(office.app, office.world["deputy"])
    client.post("/robots/new", data=filled(office))
    [robot] = robots(office)
    client.post(f"/robots/{robot.id}/switch", data={"on": ""})
    assert "已停用" in client.get("/robots").text and not robots(office)[0].is_enabled
    client.post(f"/robots/{robot.id}/switch", data={"on": "1"})
    assert robots(office)[0].is_enabled
    client.post(f"/robots/{robot.id}/remove")
    assert robots(office) == []
    with office.app.app_context():
        verbs = db.session.scalars(select(Event.verb).where(Event.subject_kind == "robot").order_by(Event.at)).all()
    assert set(verbs) == {"add_robot", "switch_off_robot", "switch_on_robot", "remove_robot"}


def test_only_robots_within_reach_are_told_of_on_the_page_of_deliveries(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        far = browser(office.app, office.world["outsider"])
        data = filled(office, vendor="wecom", webhook=wecom.webhook + "x", name="天鹅群",
                      organisation=office.world.estates["swan"].branch.id)  # fmt: skip
        assert far.post("/robots/new", data=data).status_code == 303
        far.post(f"/robots/{robots(office)[0].id}/try")
        assert "93000" in far.get("/outbox").text
        assert "93000" not in browser(office.app, office.world["secretary"]).get("/outbox").text
