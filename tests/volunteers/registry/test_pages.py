"""The register of volunteers: pages, rights, mending, standing, the own page and the API."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from community.grid.models import Person
from community.organisations.models import Appointment
from core.audit import Event
from core.database import begin_write, db
from tests.factories import World, browser, caller, person, write
from volunteers.registry.availability import PARTS_OF_DAY, Window
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.week import in_words, split, windows_of


def post(client: FlaskClient, path: str, page: str, data: dict[str, object]) -> TestResponse:
    """Send the form of a page."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    return client.post(path, data={"csrf_token": token[1] if token else "", **data})


def test_list_is_cut_to_the_branch(app: Flask, world: World) -> None:
    page = browser(app, world["secretary"]).get("/volunteers").text
    assert "陈一" in page and "赵远" not in page
    assert "赵远" in browser(app, world["outsider"]).get("/volunteers").text
    assert browser(app, world["resident"]).get("/volunteers").status_code == 403
    assert browser(app, world["admin"]).get("/volunteers").status_code == 403


def test_list_is_narrowed(app: Flask, world: World) -> None:
    client = browser(app, world["secretary"])
    assert "陈四" not in client.get("/volunteers?skill=shopping").text
    assert "陈二" in client.get("/volunteers?q=陈二").text and "陈三" not in client.get("/volunteers?q=陈二").text
    assert "没有符合条件的志愿者" in client.get("/volunteers?standing=left").text


def test_out_of_reach_is_not_found(app: Flask, world: World) -> None:
    client, far = browser(app, world["secretary"]), world["far_volunteer"].id
    for path in (f"/volunteers/{far}", f"/volunteers/{far}/edit"):
        assert client.get(path).status_code == 404
    assert browser(app, world["staff"]).get(f"/volunteers/{world['volunteer1'].id}/edit").status_code == 403


def test_mending_what_was_not_understood(app: Flask, world: World) -> None:
    who = world["volunteer4"].id
    with app.app_context():
        begin_write()
        db.session.get_one(Volunteer, who).unclear_hours = "看情况"
        db.session.commit()
    client = browser(app, world["secretary"])
    path = f"/volunteers/{who}/edit"
    assert "看情况" in client.get(path).text
    data = {
        "skills": ["haircut"],
        "parts": ["5-0", "5-1"],
        "other_hours": "周日9:00至11:30",
        "weekly_cap": "4",
        "version": "1",
    }
    assert post(client, path, path, data).status_code == 302
    with app.app_context():
        found = db.session.get_one(Volunteer, who)
        assert (found.unclear_hours, found.weekly_cap, found.version) == ("", 4, 2)
        windows = db.session.execute(
            select(VolunteerWindow.weekday, VolunteerWindow.start_minute, VolunteerWindow.end_minute)
            .where(VolunteerWindow.person_id == who).order_by(VolunteerWindow.weekday)
        ).all()  # fmt: skip
        assert [tuple(row) for row in windows] == [(5, 480, 840), (6, 540, 690)]
        verbs = db.session.scalars(select(Event.verb).where(Event.subject_id == who)).all()
        assert verbs == ["change_volunteer"]
    assert post(client, path, path, data).status_code == 409


def test_unreadable_hours_are_sent_back(app: Flask, world: World) -> None:
    client, path = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}/edit"
    answer = post(client, path, path, {"other_hours": "看心情", "weekly_cap": "0", "version": "1"})
    assert answer.status_code == 422
    assert "看心情" in answer.text and "每周最多接1到50单" in answer.text


def test_standing_needs_a_reason_and_ends_the_post(app: Flask, world: World) -> None:
    client, who = browser(app, world["secretary"]), world["volunteer1"].id
    page = f"/volunteers/{who}"
    assert post(client, f"{page}/standing/left", page, {"reason": ""}).status_code == 422
    assert post(client, f"{page}/standing/left", page, {"reason": "搬走了"}).status_code == 302
    assert browser(app, world["volunteer1"]).get("/volunteer").status_code == 403
    assert post(client, f"{page}/standing/suspended", page, {"reason": "试试"}).status_code == 422
    assert post(client, f"{page}/standing/active", page, {"reason": "回来了"}).status_code == 302
    assert browser(app, world["volunteer1"]).get("/volunteer").status_code == 200
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "leave")).one()
        assert event.reason == "搬走了"
        assert db.session.scalars(select(Appointment).where(Appointment.person_id == who)).all()


@pytest.mark.parametrize(("born", "guardian", "status"), [
    (date(1980, 1, 1), "", 302), (date(2010, 6, 1), "", 422), (date(2010, 6, 1), "y", 302),
    (date(2020, 1, 1), "y", 422),
])  # fmt: skip
def test_registering(app: Flask, world: World, born: date, guardian: str, status: int, at: object) -> None:
    with app.app_context():
        begin_write()
        someone = person("唐新", world.estates["banyan"], born=born)
        db.session.commit()
    client, path = browser(app, world["secretary"]), f"/people/{someone.id}/volunteer"
    data: dict[str, object] = {"skills": ["shopping"], "weekly_cap": "3", "version": "0", "consents_how": "paper",
                               "consents": ["general", "sensitive"]}  # fmt: skip
    if guardian:
        data |= {"guardian_name": "唐父", "guardian_relation": "父亲", "guardian_phone": "13800001111",
                 "guardian_how": "present"}  # fmt: skip
    assert post(client, path, path, data).status_code == status
    with app.app_context():
        assert (db.session.get(Volunteer, someone.id) is not None) is (status == 302)


def test_own_page_declares_and_keeps_what_was_verified(app: Flask, world: World) -> None:
    who = world["volunteer1"]
    with app.app_context():
        begin_write()
        write(VolunteerSkill, person_id=who.id, skill="legal", verified_on=date(2026, 1, 5))
        db.session.commit()
    client = browser(app, who)
    data = {"skills": ["legal", "haircut"], "parts": [], "other_hours": "", "weekly_cap": "2", "version": "1"}
    assert post(client, "/volunteer", "/volunteer", data).status_code == 302
    with app.app_context():
        skills = select(VolunteerSkill.skill, VolunteerSkill.verified_on).where(VolunteerSkill.person_id == who.id)
        held = {row.skill: row.verified_on for row in db.session.execute(skills)}
    assert held == {"legal": date(2026, 1, 5), "haircut": None}
    assert post(client, "/volunteer/available", "/volunteer", {"on": ""}).status_code == 302
    assert "暂不接单" in client.get("/volunteer").text


def test_export_leaves_a_trace(app: Flask, world: World) -> None:
    client = browser(app, world["secretary"])
    answer = post(client, "/volunteers/export?skill=shopping", "/volunteers", {})
    assert answer.mimetype == "text/csv" and "陈一" in answer.text and "陈四" not in answer.text
    with app.app_context():
        assert db.session.scalars(select(Event.verb).where(Event.subject_kind == "volunteer_list")).all() == ["export"]


def test_api_lists_volunteers_of_the_branch(app: Flask, world: World) -> None:
    api = caller(app, world["secretary"])
    items = api.get("/volunteers", skill="shopping", limit=2).json["items"]  # type: ignore[index]
    assert len(items) == 2 and sorted(items[0]["skills"]) == ["blood_pressure", "shopping"]
    assert api.get("/volunteers", estate=world.estates["swan"].id).json["items"] == []  # type: ignore[index]
    assert caller(app, world["volunteer1"]).get("/volunteers").status_code == 403


def test_a_week_is_parts_and_words() -> None:
    whole, morning, odd = Window(0, 480, 1260), Window(1, *PARTS_OF_DAY["上午"]), Window(6, 545, 700)
    keys, rest = split([whole, morning, odd])
    assert windows_of(keys) == [whole, morning]
    assert in_words(rest) == "周日9:05至11:40"


@pytest.mark.parametrize(
    ("born", "on", "text"),
    [
        (date(1980, 5, 1), True, "邻居求助时会叫您"),
        (date(2010, 5, 1), False, "未满18岁不参加应急救助"),
        (None, False, "没有您的出生日期"),
    ],
)
def test_only_adults_let_themselves_be_called_in_an_emergency(
    app: Flask, world: World, born: date | None, on: bool, text: str
) -> None:
    who = world["volunteer1"].id
    with app.app_context():
        begin_write()
        db.session.get_one(Person, who).birth_date = born
        db.session.commit()
    client = browser(app, world["volunteer1"])
    assert post(client, "/volunteer/on-call", "/volunteer", {"on": "1"}).location == "/volunteer"
    assert text in client.get("/volunteer").text
    with app.app_context():
        assert db.session.get_one(Volunteer, who).is_on_call == on
        verbs = db.session.scalars(select(Event.verb).where(Event.subject_id == who)).all()
        assert ("open_to_calls" in verbs) == on
    post(client, "/volunteer/on-call", "/volunteer", {"on": ""})
    with app.app_context():
        assert not db.session.get_one(Volunteer, who).is_on_call
