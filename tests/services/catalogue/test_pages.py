"""The services list: who may change it, what stale pages say, withdrawing, restoring, order."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core import clock
from core.audit import Event
from core.database import begin_write, db
from services.catalogue.forms import ICONS
from services.catalogue.models import ServiceItem
from services.catalogue.queries import list_open
from tests.factories import World, browser, caller, write
from volunteers.training.models import Course

NEW = {
    "name": "磨剪刀", "category": "生活照料", "icon": "i-c-fix", "description": "", "hint": "写清几把",
    "usual_minutes": "30", "volunteers_needed": "1", "deadline_minutes": "4320",
    "clock": "around_the_clock", "offer_minutes": "240", "who_may_order": "everyone", "version": "1",
}  # fmt: skip


def post(client: FlaskClient, path: str, data: dict[str, object] | None = None) -> TestResponse:
    """Send a form of the list's pages."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/items").text)
    return client.post(path, data={"csrf_token": token[1] if token else "", **(data or {})})


def item(app: Flask, world: World, code: str = "plumbing") -> ServiceItem:
    """An item of the first estate."""
    with app.app_context():
        found = select(ServiceItem).where(ServiceItem.estate_id == world.estates["banyan"].id, ServiceItem.code == code)
        return db.session.scalars(found).one()


def test_adding_makes_it_orderable(app: Flask, world: World) -> None:
    client = browser(app, world["secretary"])
    assert post(client, "/items/new", dict(NEW)).status_code == 302
    names = [row["name"] for row in caller(app, world["resident"]).get("/service-items").get_json()["items"]]
    assert names[-1] == "磨剪刀"
    again = post(client, "/items/new", dict(NEW))
    assert again.status_code == 422 and "服务清单里已经有这个名称" in again.text
    assert post(client, "/items/new", NEW | {"name": "甲", "icon": "i-nope"}).status_code == 422


def test_changing_and_the_stale_page(app: Flask, world: World) -> None:
    client, before = browser(app, world["secretary"]), item(app, world)
    path = f"/items/{before.id}"
    assert post(client, path, NEW | {"name": "水电维修", "skills": ["plumbing_electrical"]}).status_code == 302
    late = post(client, path, NEW | {"name": "修水电"})
    assert (
        late.status_code == 409
        and "您填的是“修水电”" in late.text
        and 'name="version" type="hidden" value="2"' in late.text
    )
    assert post(client, path, NEW | {"name": "修水电", "version": "2"}).status_code == 302
    with app.app_context():
        changes = select(Event).where(Event.subject_id == before.id).order_by(Event.number)
        found = db.session.scalars(changes).all()
    assert [event.verb for event in found] == ["change_item", "change_item"]
    assert found[1].details["name"] == ["水电维修", "修水电"]


def test_withdrawing_and_restoring(app: Flask, world: World) -> None:
    client, found = browser(app, world["secretary"]), item(app, world)
    post(client, f"/items/{found.id}/withdraw")
    answer = caller(app, world["resident"]).post("/orders", {"service_item": "plumbing", "note": "漏水"})
    assert answer.status_code == 422
    post(client, f"/items/{found.id}/restore")
    answer = caller(app, world["resident"]).post("/orders", {"service_item": "plumbing", "note": "漏水"})
    assert answer.status_code == 201


def test_moving(app: Flask, world: World) -> None:
    client, found = browser(app, world["secretary"]), item(app, world, "blood_pressure")
    post(client, f"/items/{found.id}/move/up")
    post(client, f"/items/{found.id}/move/up")
    with app.app_context():
        assert [row.code for row in list_open(found.estate_id)][:2] == ["blood_pressure", "elder_shopping"]


def test_rights(app: Flask, world: World) -> None:
    found = item(app, world)
    assert browser(app, world["resident"]).get("/items").status_code == 403
    assert browser(app, world["grid_worker"]).get(f"/items/{found.id}").status_code == 403
    assert browser(app, world["outsider"]).get(f"/items/{found.id}").status_code == 404
    staff = browser(app, world["staff"])
    page = staff.get(f"/items?estate={world.estates['cement'].id}").text
    assert "水泥厂小区" in page and "加一项服务" not in page
    assert staff.get(f"/items?estate={world.estates['swan'].id}").status_code == 404


def test_icons_are_drawn(app: Flask) -> None:
    with app.test_request_context():
        for code in ICONS:
            assert app.jinja_env.globals["icon"](code)  # type: ignore[operator]


def test_a_service_that_asks_for_a_training(app: Flask, world: World) -> None:
    estate, found = world.estates["banyan"], item(app, world)
    with app.app_context():
        begin_write()
        write(Course, id="course", organisation_id=estate.branch.id, path=estate.branch.path, estate_id=estate.id,
              code="T1", name="电气安全", minutes=60, body_name="支部", places=20, valid_months=24,
              created_at=clock.now(), updated_at=clock.now())  # fmt: skip
        db.session.commit()
    client = browser(app, world["secretary"])
    assert "电气安全" in client.get(f"/items/{found.id}").text
    assert post(client, f"/items/{found.id}", NEW | {"name": found.name, "training": "nope"}).status_code == 422
    assert post(client, f"/items/{found.id}", NEW | {"name": found.name, "training": "T1"}).status_code == 302
    assert item(app, world).training == "T1"
    assert f"{found.name}（" in client.get("/training/courses/course").text
