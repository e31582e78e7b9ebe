"""Over which ways messages go: choices, quiet hours, devices, and robots that hear of a matter once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from community.accounts.models import Account
from community.channels import workflow
from community.channels.models import PushDevice, Robot
from community.channels.quiet import Hours
from community.channels.workflow import Filled
from community.organisations.models import Organisation
from core import clock
from core.channels.subscriptions import new_key
from core.config import PushSettings
from core.database import begin_write, db
from services.orders import workflow as orders
from services.orders.workflow import Wish
from tests.core.channels.test_push import FakeBrowser
from tests.core.outbox.conftest import Office
from tests.gateways import FakePush, FakeWecom, running


def choose(office: Office, who: str, chosen: dict[str, dict[str, bool]], quiet: Hours | None = None) -> None:
    with office.app.app_context():
        viewer = office.world[who].viewer()
        begin_write()
        workflow.choose(viewer, chosen, quiet)
        db.session.commit()


def add_robot(office: Office, url: str, body: str = "", kinds: tuple[str, ...] = ("order.open_call",)) -> str:
    with office.app.app_context():
        viewer = office.world["secretary"].viewer()
        begin_write()
        found = db.session.get_one(Organisation, body or office.world.estates["banyan"].branch.id)
        robot = workflow.add_robot(viewer, found, Filled("志愿者群", "wecom", url, "", kinds))
        db.session.commit()
        return robot.id


def test_what_a_person_switched_off_does_not_go(office: Office) -> None:
    choose(office, "volunteer1", {"offers": {"sms": False}})
    office.write("volunteer1")
    office.write("volunteer2")
    office.carry()
    assert [row.target for row in office.rows()] == [office.world["volunteer2"].id]


def test_text_messages_are_for_offers_and_what_is_urgent_as_long_as_nobody_chose(office: Office) -> None:
    office.write("resident", "order.accepted")
    office.write("resident", "order.cancelled", urgent=True)
    office.carry()
    assert len(office.rows()) == 1
    choose(office, "resident", {"orders": {"sms": True}, "urgent": {"sms": False}})
    office.write("resident", "order.accepted", matter="other")
    office.carry()
    assert len(office.rows()) == 2


def test_at_night_only_what_is_urgent_is_sent_and_the_rest_in_the_morning(office: Office) -> None:
    office.pass_time(hours=12)
    office.write()
    office.write(urgent=True, matter="急", sms="急")
    assert office.carry() == "送达1条，没送到0条"
    assert [text for _, text in office.sms.sent.values()] == ["急"]
    office.pass_time(hours=9, minutes=59)
    assert office.carry() == "送达0条，没送到0条"
    office.pass_time(minutes=1)
    assert office.carry() == "送达1条，没送到0条"
    assert {row.attempts for row in office.rows()} == {1}


def test_own_quiet_hours_go_before_those_of_the_estate(office: Office) -> None:
    choose(office, "volunteer1", {}, (0, 0))
    choose(office, "volunteer2", {}, (9 * 60, 11 * 60))
    office.write("volunteer1")
    office.write("volunteer2")
    office.carry()
    assert [phone for phone, _ in office.sms.sent.values()] == [office.world["volunteer1"].phone]
    office.pass_time(hours=12)
    office.write("volunteer1", matter="late")
    office.carry()
    assert len(office.sms.sent) == 3


def test_what_is_switched_off_while_it_waits_does_not_go(office: Office) -> None:
    office.pass_time(hours=12)
    office.write()
    office.carry()
    choose(office, "volunteer1", {"offers": {"sms": False}})
    office.pass_time(hours=10)
    office.carry()
    assert [row.state for row in office.rows()] == ["skipped"] and office.sms.sent == {}


def test_the_phone_on_the_roll_serves_who_has_no_account(office: Office) -> None:
    office.write("resident", "order.accepted", urgent=True)
    office.carry()
    [row] = office.rows()
    assert office.sms.sent[row.id][0] == office.world["resident"].phone


def call_openly(office: Office, **wish: Any) -> None:
    with office.app.app_context():
        placed = orders.place(office.world["resident"].viewer(), Wish("elder_shopping", **wish))
        orders.dispatch(office.world["secretary"].viewer(), placed.id, open_call=True)


def test_a_group_hears_of_an_open_call_once_and_learns_no_names(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        add_robot(office, wecom.webhook)
        call_openly(office)
        office.carry()
        office.carry()
        assert len(office.rows("sms")) == 3, "every volunteer was told"
        [said] = wecom.said
        assert said.startswith("【邻聚】抢单：") and "1栋" in said
        for name in ("沈", "陈", "1单元", "101"):
            assert name not in said
        call_openly(office)
        office.carry()
        assert len(wecom.said) == 2


def test_a_robot_of_the_community_hears_of_its_estates_and_one_elsewhere_does_not(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        add_robot(office, wecom.webhook, office.world.bodies["community"].id)
        add_robot(office, wecom.webhook, office.world.estates["swan"].branch.id)
        add_robot(office, wecom.webhook, kinds=("order.low_rating",))
        call_openly(office)
        office.carry()
        assert len(wecom.said) == 1


def test_a_robot_speaks_twenty_times_a_minute_at_most(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,), sms=None)
        add_robot(office, wecom.webhook)
        office.write(kind="order.open_call", count=50)
        for _ in range(3):
            office.carry()
            office.carry()
            office.pass_time(minutes=1)
        assert len(wecom.said) == 50 == len(wecom.asked)
        assert {row.attempts for row in office.rows("robot")} == {1}


def test_robots_are_quiet_at_night_too(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        add_robot(office, wecom.webhook)
        office.pass_time(hours=12)
        call_openly(office)
        call_openly(office, urgent=True)
        office.carry()
        assert [said[:7] for said in wecom.said] == ["【邻聚】急抢单"]


def test_a_robot_that_is_off_or_removed_says_nothing_of_what_waited(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        one, other = add_robot(office, wecom.webhook), add_robot(office, wecom.webhook)
        office.pass_time(hours=12)
        call_openly(office)
        office.carry()
        with office.app.app_context():
            viewer = office.world["secretary"].viewer()
            begin_write()
            body = db.session.get_one(Organisation, office.world.estates["banyan"].branch.id)
            workflow.switch_robot(viewer, db.session.get_one(Robot, one), body, False)
            workflow.remove_robot(viewer, db.session.get_one(Robot, other), body)
            db.session.commit()
        office.pass_time(hours=10)
        office.carry()
        assert wecom.said == [] and {row.state for row in office.rows("robot")} == {"skipped"}


def test_a_removed_webhook_is_tried_again_and_its_posts_go_out_when_it_is_mended(office: Office) -> None:
    with running(FakeWecom()) as wecom:
        office.use(robot_hosts=(wecom.host,))
        robot = add_robot(office, wecom.webhook + "x")
        call_openly(office)
        office.carry()
        [row] = office.rows("robot")
        assert row.state == "pending" and "93000" in row.last_error and "key=" not in row.last_error
        with office.app.app_context():
            viewer = office.world["secretary"].viewer()
            begin_write()
            body = db.session.get_one(Organisation, office.world.estates["banyan"].branch.id)
            filled = Filled("志愿者群", "wecom", wecom.webhook, "", ["order.open_call"])
            workflow.change_robot(viewer, db.session.get_one(Robot, robot), body, filled)
            db.session.commit()
        office.pass_time(minutes=1)
        office.carry()
        assert len(wecom.said) == 1


def subscribe(office: Office, who: str, browser: FakeBrowser) -> None:
    with office.app.app_context():
        viewer = office.world[who].viewer()
        begin_write()
        workflow.subscribe(viewer, browser.subscription, "安卓手机 Chrome")
        db.session.commit()


@pytest.mark.parametrize("status", [404, 410])
def test_notes_go_to_subscribed_devices_until_they_are_gone(office: Office, status: int) -> None:
    with running(FakePush()) as push:
        office.use(push=PushSettings(new_key(), "mailto:ops@example.com", (push.host,)), sms=None)
        browsers = [FakeBrowser(f"{push.url}/push/{n}") for n in range(2)]
        for browser in browsers:
            subscribe(office, "volunteer1", browser)
        office.write(sms="派单：代买代办")
        assert office.carry() == "送达2条，没送到0条"
        opened = {browsers[int(asked.path[-1])].open(asked.body)["body"] for asked in push.asked}
        assert opened == {"派单：代买代办"}
        office.write(matter="bare", sms="", title="沈桂兰的派单")
        office.carry()
        assert browsers[int(push.asked[-1].path[-1])].open(push.asked[-1].body)["body"] == "派单"
        push.status = status
        office.write(matter="next")
        assert office.carry() == "送达0条，没送到0条"
        with office.app.app_context():
            assert db.session.scalars(select(PushDevice)).all() == []
        office.write(matter="later")
        office.carry()
        states = sorted(row.state for row in office.rows("push"))
        assert states == ["sent"] * 4 + ["skipped"] * 2, "a device that is no more is told nothing"


def test_a_device_belongs_to_whoever_subscribed_last(office: Office) -> None:
    with running(FakePush()) as push:
        office.use(push=PushSettings(new_key(), "mailto:ops@example.com", (push.host,)), sms=None)
        browser = FakeBrowser(push.url + "/push/0")
        subscribe(office, "volunteer1", browser)
        subscribe(office, "volunteer2", browser)
        office.write("volunteer1")
        office.write("volunteer2")
        office.carry()
        assert len(push.asked) == 1
        with office.app.app_context():
            [device] = db.session.scalars(select(PushDevice))
            assert device.person_id == office.world["volunteer2"].id and push.host not in device.sealed


def test_a_closed_account_gets_no_notes(office: Office) -> None:
    with running(FakePush()) as push:
        office.use(push=PushSettings(new_key(), "mailto:ops@example.com", (push.host,)), sms=None)
        subscribe(office, "volunteer1", FakeBrowser(push.url + "/push/0"))
        with office.app.app_context():
            begin_write()
            closed = update(Account).where(Account.person_id == office.world["volunteer1"].id)
            db.session.execute(closed.values(disabled_at=clock.now()))
            db.session.commit()
        office.write()
        office.carry()
        assert push.asked == []
