"""Applying to become a volunteer: on the phone in steps, at the desk, by whom in which state, and what is checked."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from community.accounts.models import Account
from community.grid.models import ID_COLUMN, Person
from community.organisations.models import Appointment
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.sealing import sealer
from core.workflow import InvalidStep, ReasonMissing, Stale
from tests.factories import Someone, World, browser, household, person
from tests.volunteers.pages import hidden, post
from volunteers.applications import queries, workflow
from volunteers.applications.models import State, VolunteerApplication
from volunteers.applications.workflow import APPLICATIONS, Wish
from volunteers.consents.models import VolunteerConsent, VolunteerGuardian
from volunteers.consents.workflow import Consenting
from volunteers.registry.availability import Window
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.workflow import Offer, Refused

NEEDED = ["general", "sensitive"]
OFFER = Offer(["shopping", "legal"], [Window(5, 480, 720)], 3, "estate", ["elders"])
ADULT_ID, CHILD_ID, YOUTH_ID = "430202197001011234", "43020220140101123X", "430202201001011235"


def valid(number: str) -> str:
    """The number with the check digit that belongs to it."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return number[:17] + "10X98765432"[sum(int(d) * w for d, w in zip(number[:17], weights, strict=True)) % 11]


def give_number(someone: Someone, number: str) -> None:
    """Put an ID number into somebody's record."""
    own = update(Person).where(Person.id == someone.id)
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    seal = sealer()
    db.session.execute(own.values(id_sealed=seal.seal(number, ID_COLUMN), id_key=seal.index(number, ID_COLUMN),
                                  birth_date=born))  # fmt: skip


def apply(app: Flask, world: World, name: str = "neighbour", **more: Any) -> str:
    """An application of somebody who lives in the estate; its id."""
    with app.app_context():
        viewer = world[name].viewer()
        begin_write()
        wish = Wish(OFFER, NEEDED, id_number=valid(ADULT_ID), **more)
        found = workflow.apply(viewer, queries.get_own_known(viewer), wish)
        db.session.commit()
        return found


def walk(client: FlaskClient, *steps: dict[str, Any]) -> TestResponse:
    """Fill in the form on the phone step by step, each carrying what was filled in before."""
    answer = client.get("/volunteer/apply")
    for step in steps:
        answer = client.post("/volunteer/apply", data={**hidden(answer), "go": "next", **step})
    return answer


def test_in_four_steps_on_the_phone(app: Flask, world: World) -> None:
    client = browser(app, world["neighbour"])
    answer = client.get("/volunteer/apply")
    assert "榕树园" in answer.text and "身份证号" in answer.text and "资料" in answer.text
    assert "李**" in answer.text and "李小满" not in answer.text
    wrong = client.post("/volunteer/apply", data={**hidden(answer), "go": "next", "id_number": "43020"})
    assert wrong.status_code == 422 and "身份证号要18位，您填了5位" in wrong.text and 'value="43020"' in wrong.text
    answer = walk(client, {"id_number": valid(ADULT_ID)}, {"skills": ["shopping", "haircut"], "categories": ["elders"]})
    assert answer.status_code == 200 and "每周什么时候有空" in answer.text
    carried = hidden(answer)
    assert (carried["skills"], carried["id_number"]) == (["shopping", "haircut"], valid(ADULT_ID))
    back = client.post("/volunteer/apply", data={**carried, "go": "back"})
    assert re.search(r'value="shopping"\s+checked', back.text)
    answer = client.post("/volunteer/apply", data={**carried, "go": "next", "parts": ["5-0"], "weekly_cap": "2"})
    unsigned = client.post("/volunteer/apply", data={**hidden(answer), "go": "next", "consents": ["general"]})
    assert unsigned.status_code == 422 and "还没有勾" in unsigned.text
    sent = client.post("/volunteer/apply", data={**hidden(answer), "go": "next", "consents": [*NEEDED, "publishing"]})
    assert (sent.status_code, sent.location) == (303, "/volunteer/apply")
    assert "等审核" in client.get("/volunteer/apply").text
    with app.app_context():
        found = db.session.scalars(select(VolunteerApplication)).one()
        assert (found.state, found.via, found.skills, found.windows) == (
            "submitted", "self", ["shopping", "haircut"], [[5, 480, 720]]
        )  # fmt: skip
        assert found.consents == ["general", "sensitive", "publishing"] and valid(ADULT_ID) not in (
            found.id_sealed or ""
        )
        told = db.session.execute(select(Message.recipient_id, Message.title)).all()
        assert {row.recipient_id for row in told} == {world["secretary"].id, world["deputy"].id}
        assert told[0].title == "李**申请当志愿者，请审核"


def test_what_the_record_holds_is_not_asked_again(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        give_number(world["neighbour"], valid(ADULT_ID))
        db.session.commit()
    page = browser(app, world["neighbour"]).get("/volunteer/apply").text
    assert "4302**********" in page and 'name="id_number"' not in page and valid(ADULT_ID) not in page


def test_approved_by_the_branch(app: Flask, world: World) -> None:
    found = apply(app, world)
    client, page = browser(app, world["secretary"]), f"/volunteers/applications/{found}"
    shown = client.get(page).text
    assert "已成年" in shown and "身份证号没有重复登记" in shown and valid(ADULT_ID) not in shown
    assert "李小满" in client.get("/volunteers/applications").text
    answer = post(client, f"{page}/approve", {"version": "1"}, page)
    assert answer.status_code == 303
    with app.app_context():
        volunteer = db.session.get_one(Volunteer, world["neighbour"].id)
        assert re.fullmatch(r"V\d{8}", volunteer.number) and volunteer.categories == ["elders"]
        held = db.session.get_one(Person, world["neighbour"].id)
        assert held.id_key == sealer().index(valid(ADULT_ID), ID_COLUMN) and held.birth_date == date(1970, 1, 1)
        application = db.session.get_one(VolunteerApplication, found)
        assert (application.state, application.id_sealed, application.decided_by_name) == ("approved", None, "王书记")
        consents = db.session.scalars(select(VolunteerConsent.kind).where(VolunteerConsent.withdrawn_at.is_(None)))
        assert sorted(consents) == NEEDED
        assert len(db.session.scalars(select(VolunteerWindow)).all()) == 1
        posts = db.session.scalars(select(Appointment.role).where(Appointment.person_id == world["neighbour"].id))
        assert list(posts) == ["volunteer"]
        own = select(Message.title).where(Message.recipient_id == world["neighbour"].id)
        assert db.session.scalars(own).all() == ["您已经是志愿者了"]
        events = db.session.execute(select(Event.verb, Event.from_state, Event.to_state).where(
            Event.subject_id == found).order_by(Event.number)).all()  # fmt: skip
        assert [tuple(row) for row in events] == [
            ("apply", None, "submitted"), ("approve_application", "submitted", "approved")
        ]  # fmt: skip
    assert post(client, f"{page}/approve", {"version": "1"}, "/volunteers").status_code == 409
    assert browser(app, world["neighbour"]).get("/volunteer/apply").location == "/volunteer"


def test_returned_completed_and_refused(app: Flask, world: World) -> None:
    found = apply(app, world)
    client, page = browser(app, world["secretary"]), f"/volunteers/applications/{found}"
    assert post(client, f"{page}/return", {"missing": " "}, page).status_code == 422
    assert post(client, f"{page}/return", {"missing": "身份证号请再核对"}, page).status_code == 303
    own = browser(app, world["neighbour"])
    shown = own.get("/volunteer/apply").text
    assert "身份证号请再核对" in shown and 'value="2"' in shown
    answer = walk(own, {"id_number": valid(ADULT_ID)}, {"skills": ["legal"]}, {"weekly_cap": "5"},
                  {"consents": NEEDED})  # fmt: skip
    assert answer.status_code == 303
    with app.app_context():
        application = db.session.get_one(VolunteerApplication, found)
        assert (application.state, application.weekly_cap, application.version) == ("submitted", 5, 3)
        assert application.skills == ["legal"]
    assert post(client, f"{page}/refuse", {"reason": "不住本小区"}, page).status_code == 303
    shown = own.get("/volunteer/apply").text
    assert "不住本小区" in shown and "再申请一次" in shown
    assert "资料" in own.get("/volunteer/apply?again=1").text
    with app.app_context():
        application = db.session.get_one(VolunteerApplication, found)
        assert (application.state, application.id_sealed) == ("refused", None)
        assert db.session.get(Volunteer, world["neighbour"].id) is None


def test_taken_back_by_the_applicant(app: Flask, world: World) -> None:
    found = apply(app, world)
    own = browser(app, world["neighbour"])
    assert post(own, "/volunteer/apply/withdraw", page="/volunteer/apply").status_code == 303
    with app.app_context():
        application = db.session.get_one(VolunteerApplication, found)
        assert (application.state, application.id_sealed) == ("withdrawn", None)
    assert 'name="skills"' in own.get("/volunteer/apply").text
    assert apply(app, world)


def test_registered_twice(app: Flask, world: World) -> None:
    """The same ID number in the estate, in another estate, and an application beside another."""
    with app.app_context():
        begin_write()
        give_number(world["far_volunteer"], valid(ADULT_ID))
        db.session.commit()
    found = apply(app, world)
    client, page = browser(app, world["secretary"]), f"/volunteers/applications/{found}"
    shown = client.get(page).text
    assert "已在另一小区登记" in shown and "天鹅园" not in shown and "赵远" not in shown
    assert post(client, f"{page}/approve", {"version": "1"}, page).status_code == 422
    with app.app_context():
        viewer = world["neighbour"].viewer()
        with pytest.raises(Refused, match="已经有一份申请"):
            workflow.apply(viewer, queries.get_own_known(viewer), Wish(OFFER, NEEDED))
        begin_write()
        db.session.get_one(Volunteer, world["far_volunteer"].id).standing = "left"
        give_number(world["volunteer1"], valid(ADULT_ID))
        db.session.commit()
        number = db.session.get_one(Volunteer, world["volunteer1"].id).number
    assert f"已经登记，编号{number}" in client.get(page).text
    already = browser(app, world["secretary"]).get(f"/people/{world['volunteer2'].id}/volunteer")
    assert already.status_code == 302


@pytest.mark.parametrize(("number", "guardian", "companion", "how", "wrong"), [
    (YOUTH_ID, False, False, "", "还没有写监护人"),
    (YOUTH_ID, True, False, "", "怎样核实"),
    (YOUTH_ID, True, False, "phone", ""),
    (CHILD_ID, True, False, "phone", "未满14岁"),
    (CHILD_ID, True, True, "present", ""),
])  # fmt: skip
def test_minors(
    app: Flask, world: World, number: str, guardian: bool, companion: bool, how: str, wrong: str, at: object
) -> None:
    who = Consenting("李父", "父亲", "13800002222", "", world["volunteer1"].id if companion else None)
    with app.app_context():
        viewer = world["neighbour"].viewer()
        begin_write()
        db.session.execute(update(Person).where(Person.id == viewer.person_id).values(birth_date=None))
        offer = Offer(OFFER.skills, OFFER.windows, 2, "estate", ["elders", "emergency"])
        wish = Wish(offer, NEEDED, id_number=valid(number), guardian=who if guardian else None)
        found = workflow.apply(viewer, queries.get_own_known(viewer), wish)
        db.session.commit()
    client, page = browser(app, world["secretary"]), f"/volunteers/applications/{found}"
    answer = post(client, f"{page}/approve", {"version": "1", "guardian_how": how}, page)
    assert answer.status_code == (422 if wrong else 303)
    assert wrong in answer.text
    with app.app_context():
        volunteer = db.session.get(Volunteer, world["neighbour"].id)
        if wrong:
            assert volunteer is None
            return
        assert volunteer is not None and volunteer.categories == ["elders"]
        named = db.session.scalars(select(VolunteerGuardian)).one()
        assert (named.name, named.how, named.withdrawn_at) == ("李父", how, None)
        assert named.companion_id == (world["volunteer1"].id if companion else None)
        assert "13800002222" not in (named.phone_sealed or "")
        assert db.session.get_one(VolunteerApplication, found).guardian_phone_sealed is None
    assert "138****2222" in client.get(f"/volunteers/{world['neighbour'].id}").text


def test_a_minor_names_the_guardian_on_the_phone(app: Flask, world: World, at: object) -> None:
    with app.app_context():
        begin_write()
        give_number(world["neighbour"], valid(CHILD_ID))
        number = db.session.get_one(Volunteer, world["volunteer1"].id).number
        db.session.commit()
    client = browser(app, world["neighbour"])
    page = client.get("/volunteer/apply")
    assert "未满18岁" in page.text
    step = {"guardian_name": "李父", "guardian_relation": "父亲", "guardian_phone": "1380000"}
    answer = client.post("/volunteer/apply", data={**hidden(page), "go": "next", **step})
    assert answer.status_code == 422 and "手机号要11位" in answer.text and "志愿者编号" in answer.text
    step |= {"guardian_phone": "13800002222", "companion_no": number}
    answer = walk(client, step, {"skills": ["culture"]}, {"weekly_cap": "1"}, {"consents": NEEDED})
    assert answer.status_code == 303
    with app.app_context():
        found = db.session.scalars(select(VolunteerApplication)).one()
        assert (found.guardian_name, found.companion_id) == ("李父", world["volunteer1"].id)


def test_staff_register_at_once_and_complete_what_waits(app: Flask, world: World) -> None:
    client, path = browser(app, world["secretary"]), f"/people/{world['neighbour'].id}/volunteer"
    data: dict[str, Any] = {"skills": ["haircut"], "weekly_cap": "3", "consents_how": "paper"}
    assert post(client, path, data).status_code == 422
    found = apply(app, world)
    assert "本人有一份申请在办" in client.get(path).text
    assert post(client, path, {**data, "consents": NEEDED}).status_code == 302
    with app.app_context():
        application = db.session.get_one(VolunteerApplication, found)
        assert (application.state, application.skills) == ("approved", ["haircut"])
        skills = select(VolunteerSkill.skill).where(VolunteerSkill.person_id == world["neighbour"].id)
        assert db.session.scalars(skills).all() == ["haircut"]
        assert db.session.scalars(select(VolunteerConsent.how)).all() == ["paper", "paper"]


def test_coming_back_by_a_new_application(app: Flask, world: World) -> None:
    who = world["volunteer4"]
    client = browser(app, world["secretary"])
    post(client, f"/volunteers/{who.id}/standing/left", {"reason": "出国"}, f"/volunteers/{who.id}")
    with app.app_context():
        number = db.session.get_one(Volunteer, who.id).number
    found = apply(app, world, "volunteer4")
    page = f"/volunteers/applications/{found}"
    assert f"以前是志愿者，编号{number}" in client.get(page).text
    assert post(client, f"{page}/approve", {"version": "1"}, page).status_code == 303
    with app.app_context():
        back = db.session.get_one(Volunteer, who.id)
        assert (back.standing, back.number, back.keep_until, back.weekly_cap) == ("active", number, None, 3)
        assert who.viewer().is_volunteer


# Who may do what, in which state

VERBS = ("apply_again", "approve_application", "return_application", "refuse_application", "withdraw_application")
ALLOWED = {
    "submitted": {"approve_application", "return_application", "refuse_application", "withdraw_application"},
    "returned": {"apply_again", "refuse_application", "withdraw_application"},
    "approved": set(), "refused": set(), "withdrawn": set(),
}  # fmt: skip


def do(world: World, verb: str, found: VolunteerApplication) -> None:
    """Use a verb as one who may."""
    secretary, own = world["secretary"].viewer(), world["neighbour"].viewer()
    match verb:
        case "apply_again":
            workflow.apply_again(own, found, queries.get_own_known(own), Wish(OFFER, NEEDED), found.version)
        case "approve_application":
            workflow.approve(secretary, queries.get_filed(secretary, found.id), found.version)
        case "return_application":
            workflow.return_(secretary, queries.get_filed(secretary, found.id), "缺")
        case "refuse_application":
            workflow.refuse(secretary, queries.get_filed(secretary, found.id), "不行")
        case _:
            workflow.withdraw(own, found)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_state(app: Flask, world: World, state: State, verb: str) -> None:
    id_ = apply(app, world)
    leads = {"returned": "return_application", "approved": "approve_application", "refused": "refuse_application",
             "withdrawn": "withdraw_application"}  # fmt: skip
    with app.app_context():
        begin_write()
        found = db.session.get_one(VolunteerApplication, id_)
        if state in leads:
            do(world, leads[state], found)
        assert found.state == state
        assert set(APPLICATIONS.verbs(state)) - {"complete_application"} == ALLOWED[state]
        if verb in ALLOWED[state]:
            do(world, verb, found)
            assert found.state == next(iter(APPLICATIONS.steps[verb].reaches))
        else:
            with pytest.raises(InvalidStep):
                do(world, verb, found)
            assert found.state == state


@pytest.mark.parametrize(("name", "reads", "decides"), [
    ("secretary", 200, 303), ("deputy", 200, 303), ("staff", 200, 403), ("street_staff", 200, 403),
    ("outsider", 404, 404), ("cement_secretary", 404, 404), ("grid_worker", 403, 403), ("resident", 403, 403),
    ("neighbour", 403, 403), ("volunteer1", 403, 403), ("admin", 403, 403),
])  # fmt: skip
def test_who_reads_and_decides(app: Flask, world: World, name: str, reads: int, decides: int) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    found = apply(app, world)
    client, page = browser(app, world[name]), f"/volunteers/applications/{found}"
    assert client.get(page).status_code == reads
    data = {"version": "1", "missing": "缺", "reason": "不行"}
    for verb in ("return", "refuse", "approve"):
        status = client.post(f"{page}/{verb}", data=data).status_code
        if verb == "return" or decides != 303:
            assert status == decides


def test_reasons_and_versions(app: Flask, world: World) -> None:
    id_ = apply(app, world)
    with app.app_context():
        begin_write()
        secretary = world["secretary"].viewer()
        filed = queries.get_filed(secretary, id_)
        with pytest.raises(ReasonMissing):
            workflow.refuse(secretary, filed, " ")
        with pytest.raises(Stale):
            workflow.approve(secretary, filed, 7)


def test_only_residents_apply(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        homeless = person("无住址", world.estates["banyan"])
        home = household(world.estates["banyan"])
        newcomer = person("新来", world.estates["banyan"], home)
        db.session.execute(update(Account).where(Account.person_id == newcomer.id).values(email="a@example.com"))
        db.session.commit()
    assert browser(app, homeless).get("/volunteer/apply").status_code == 403
    assert browser(app, newcomer).get("/volunteer/apply").status_code == 200
