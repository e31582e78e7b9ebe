"""Whom to reach when a household is in need: named by the residents, or by staff for a home in reach."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from community.grid.models import HouseholdContact
from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.sealing import sealer
from tests.conftest import Templates
from tests.factories import World, browser, person

NEW = {"name": "沈晓梅", "relation": "女儿", "phone": "138 0000-1111", "agreed": "y"}


@pytest.fixture
def world(app: Flask, database_url: str, templates: Templates) -> World:
    """The town of the whole suite, not the two estates of this folder; its forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False
    return templates.world(database_url.partition(":")[0])


@pytest.fixture
def town(world: World) -> World:
    return world


def listed(app: Flask) -> list[HouseholdContact]:
    with app.app_context():
        return list(db.session.scalars(select(HouseholdContact).order_by(HouseholdContact.position)))


def test_a_resident_names_contacts_and_their_numbers_are_sealed(app: Flask, town: World) -> None:
    client = browser(app, town["resident"])
    assert "还没有填" in client.get("/me/contacts").text
    assert client.post("/me/contacts", data=NEW).location == "/me/contacts"
    page = client.get("/me/contacts").text
    assert "女儿 沈晓梅" in page and "138****1111" in page and "13800001111" not in page and "没有账号" in page
    (one,) = listed(app)
    assert "13800001111" not in one.phone_sealed and one.person_id is None
    assert sealer().open(one.phone_sealed, "household_contact.phone") == "13800001111"


def test_somebody_known_here_is_linked_when_name_and_number_fit(app: Flask, town: World) -> None:
    client, neighbour = browser(app, town["resident"]), town["neighbour"]
    client.post("/me/contacts", data=NEW | {"name": neighbour.name, "relation": "邻居", "phone": neighbour.phone})
    client.post("/me/contacts", data=NEW | {"phone": town["far_resident"].phone})
    assert [one.person_id for one in listed(app)] == [neighbour.id, None]
    assert "能收到本站通知" in client.get("/me/contacts").text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"agreed": ""}, "先问过对方"),
        ({"phone": ""}, "请填联系人的手机号"),
        ({"phone": "138"}, "手机号要11位"),
        ({"name": ""}, "请填联系人的姓名"),
        ({"name": "123"}, "姓名要写中文或英文名字"),
        ({"relation": ""}, "请填和这家人的关系"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    app: Flask, town: World, changes: dict[str, str], text: str
) -> None:
    answer = browser(app, town["resident"]).post("/me/contacts", data=NEW | {"relation": "外甥女"} | changes)
    assert answer.status_code == 422 and text in answer.text
    assert listed(app) == []
    if "relation" not in changes:
        assert 'value="外甥女"' in answer.text


def test_five_are_enough_and_none_twice(app: Flask, town: World) -> None:
    client = browser(app, town["resident"])
    for n in range(5):
        assert client.post("/me/contacts", data=NEW | {"phone": f"1380000111{n}"}).status_code == 303
    assert "再加一位" not in client.get("/me/contacts").text
    assert "最多填5位" in client.post("/me/contacts", data=NEW | {"phone": "13800001119"}).text
    for one in listed(app)[1:]:
        client.post(f"/contacts/{one.id}/drop")
    assert "已经在名单里" in client.post("/me/contacts", data=NEW | {"phone": "13800001110"}).text


def test_one_is_changed_put_first_and_dropped(app: Flask, town: World) -> None:
    client = browser(app, town["resident"])
    for n, relation in enumerate(("女儿", "邻居")):
        client.post("/me/contacts", data=NEW | {"relation": relation, "phone": f"1380000111{n}"})
    first, second = listed(app)
    assert client.post(f"/contacts/{second.id}/first").status_code == 303
    assert [one.relation for one in listed(app)] == ["邻居", "女儿"]
    page = client.get(f"/contacts/{first.id}").text
    assert 'value="沈晓梅"' in page and "现在是 138****1110" in page
    changed = {"name": "沈小妹", "relation": "小女儿", "phone": "", "agreed": "y", "version": "1"}
    assert client.post(f"/contacts/{first.id}", data=changed).status_code == 303
    late = client.post(f"/contacts/{first.id}", data=changed | {"name": "别的人"})
    assert late.status_code == 409 and "别人刚刚改过" in late.text and 'value="别的人"' in late.text
    assert client.post(f"/contacts/{first.id}/drop").status_code == 303
    assert [one.relation for one in listed(app)] == ["邻居"]
    with app.app_context():
        events = db.session.scalars(select(Event).where(Event.subject_kind == "household").order_by(Event.at)).all()
        assert [event.verb for event in events] == [
            "add_contact", "add_contact", "order_contacts", "edit_contact", "drop_contact",
        ]  # fmt: skip
        assert not any("沈" in str(event.details) or "1380000" in str(event.details) for event in events)


def test_staff_look_after_homes_in_reach_and_nobody_else(app: Flask, town: World) -> None:
    home = town["resident"].household_id
    path = f"/households/{home}/contacts"
    worker = browser(app, town["grid_worker"])
    assert worker.post(path, data=NEW).location == path
    (one,) = listed(app)
    for name, status in (("outsider", 404), ("cement_secretary", 404), ("steward", 403), ("neighbour", 403)):
        assert browser(app, town[name]).get(path).status_code == status, name
    for name in ("outsider", "neighbour", "staff", "steward"):
        client = browser(app, town[name])
        assert client.get(f"/contacts/{one.id}").status_code == 404, name
        assert client.post(f"/contacts/{one.id}/drop").status_code == 404, name
    assert browser(app, town["secretary"]).get("/me/contacts").status_code == 403
    assert path in worker.get(f"/households/{home}").text


def test_a_number_is_shown_for_a_reason_that_is_written_down(app: Flask, town: World) -> None:
    browser(app, town["resident"]).post("/me/contacts", data=NEW)
    (one,) = listed(app)
    worker = browser(app, town["grid_worker"])
    refused = worker.post(f"/contacts/{one.id}/reveal", data={"reason": ""})
    assert refused.status_code == 422 and "请写明查看的原因" in refused.text
    shown = worker.post(f"/contacts/{one.id}/reveal", data={"reason": "联系家属"})
    assert shown.status_code == 200 and "13800001111" in shown.text
    assert browser(app, town["resident"]).post(f"/contacts/{one.id}/reveal", data={"reason": "x"}).status_code == 403
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "reveal")).one()
        assert event.reason == "联系家属" and event.details["relation"] == "女儿"


def test_contacts_go_with_the_last_who_lived_there_when_they_were_named(app: Flask, town: World) -> None:
    home, banyan = town["resident"].household_id, town.estates["banyan"]
    with app.app_context():
        begin_write()
        husband = person("沈老伴", banyan, home)
        db.session.commit()
    browser(app, town["resident"]).post("/me/contacts", data=NEW)
    with app.app_context():
        begin_write()
        person("新租客", banyan, home)
        db.session.commit()
    worker = browser(app, town["grid_worker"])
    for who, left in ((husband.id, 1), (town["resident"].id, 0)):
        out = {"kind": "out", "on": clock.today().isoformat(), "version": "1"}
        assert worker.post(f"/people/{who}/move", data=out).status_code == 302
        assert len(listed(app)) == left
