"""Standing: suspended, on leave, left and back; what is handed over first; what is kept, for how long, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from community.organisations.models import Appointment
from core import clock, jobs
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import diagram
from services.orders import workflow as orders
from services.orders.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import World, browser, caller, write
from tests.volunteers.pages import post
from volunteers.applications.models import VolunteerApplication
from volunteers.consents.models import VolunteerConsent, VolunteerGuardian
from volunteers.hours.models import HourEntry
from volunteers.registry import closed, workflow
from volunteers.registry.models import STANDING_NAMES, Standing, Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.workflow import VOLUNTEERS, HandOverFirst, Refused
from volunteers.teams.models import TeamMembership

Clock = Callable[[datetime], None]


def accepted(world: World, name: str = "volunteer1") -> str:
    """An order that somebody has accepted."""
    helper = world[name].viewer()
    order = orders.place(world["resident"].viewer(), Wish("elder_shopping")).id
    orders.dispatch(world["secretary"].viewer(), order, volunteers=[helper.person_id])
    orders.accept(helper, order)
    return order


def of(world: World, name: str = "volunteer1") -> Volunteer:
    return db.session.get_one(Volunteer, world[name].id, populate_existing=True)


def lead(world: World, standing: Standing) -> Volunteer:
    """Volunteer 1 brought into a standing."""
    secretary, one = world["secretary"].viewer(), of(world)
    match standing:
        case Standing.SUSPENDED:
            workflow.suspend(secretary, one, "查实中")
        case Standing.ON_LEAVE:
            workflow.take_leave(secretary, one, clock.today() + timedelta(days=9), "住院")
        case Standing.LEFT | Standing.ERASED:
            workflow.leave(secretary, one, "搬走")
    if standing is Standing.ERASED:
        db.session.flush()
        clock.set_now(clock.now() + timedelta(days=3660))
        workflow.erase(secretary, one)
    return one


ALLOWED = {
    "active": {"suspend", "take_leave", "leave"}, "suspended": {"return", "leave"},
    "on_leave": {"suspend", "return", "leave"}, "left": {"return", "erase"}, "erased": {"return"},
}  # fmt: skip


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("verb", ["suspend", "take_leave", "return", "leave", "erase"])
def test_every_verb_in_every_standing(app: Flask, world: World, at: Clock, standing: Standing, verb: str) -> None:
    with app.app_context():
        begin_write()
        secretary = world["secretary"].viewer()
        one = lead(world, standing)
        assert one.standing == standing
        assert set(VOLUNTEERS.verbs(standing)) == ALLOWED[standing]
        if verb == "erase" and standing is Standing.LEFT:
            at(MOMENT + timedelta(days=3660))

        def do() -> None:
            match verb:
                case "suspend":
                    workflow.suspend(secretary, one, "查实中")
                case "take_leave":
                    workflow.take_leave(secretary, one, clock.today() + timedelta(days=9), "住院")
                case "return":
                    workflow.come_back(secretary, one, "回来")
                case "leave":
                    workflow.leave(secretary, one, "搬走")
                case _:
                    workflow.erase(secretary, one)

        if verb in ALLOWED[standing]:
            do()
            assert one.standing == next(iter(VOLUNTEERS.steps[verb].reaches))
            last = select(Event).where(Event.subject_kind == "volunteer", Event.verb == verb)
            event = db.session.scalars(last.order_by(Event.number.desc())).first()
            assert event is not None and (event.from_state, event.to_state) == (standing, one.standing)
        else:
            with pytest.raises(Refused):
                do()
            assert one.standing == standing


def test_leaving_with_accepted_work_is_refused_with_the_list(app: Flask, world: World) -> None:
    client, page = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}"
    with app.app_context():
        order = accepted(world)
    answer = post(client, f"{page}/standing/left", {"reason": "搬走"}, page)
    assert answer.status_code == 422
    assert "请先交接" in answer.text and f'href="/orders/{order}"' in answer.text and "搬走" in answer.text
    away = {"reason": "住院", "until": (clock.today() + timedelta(days=9)).isoformat()}
    assert post(client, f"{page}/standing/on_leave", away, page).status_code == 422
    own = browser(app, world["volunteer1"])
    answer = post(own, "/volunteer/quit", {"quit-reason": "没空了"}, "/volunteer")
    assert answer.status_code == 422 and f'href="/orders/{order}"' in answer.text
    with app.app_context():
        assert of(world).standing == "active"
        orders.reassign(world["secretary"].viewer(), order, "换人")
    assert post(client, f"{page}/standing/left", {"reason": "搬走"}, page).status_code == 302


def test_leaving_freezes_the_record(app: Flask, world: World, at: Clock) -> None:
    who = world["volunteer1"]
    with app.app_context():
        begin_write()
        write(VolunteerWindow, person_id=who.id, weekday=1, start_minute=480, end_minute=720)
        write(VolunteerSkill, person_id=who.id, skill="legal", verified_on=date(2026, 1, 5), verified_by="王书记")
        write(VolunteerGuardian, id="g1", person_id=who.id, estate_id=who.estate_id, name="陈父", relation="父亲",
              phone_sealed="x", phone_key="y", how="phone", given_at=clock.now(), recorded_by=who.id,
              recorded_by_name="x", withdrawn_by_name="", withdrawn_reason="")  # fmt: skip
        db.session.commit()
    client, page = browser(app, world["secretary"]), f"/volunteers/{who.id}"
    answer = post(client, f"{page}/standing/left", {"reason": "出国", "custodian": "档案员老周"}, page)
    assert answer.status_code == 302
    with app.app_context():
        one = of(world)
        assert (one.left_on, one.keep_until, one.custodian) == (date(2026, 11, 18), date(2036, 11, 18), "档案员老周")
        assert not one.is_available
        skills = select(VolunteerSkill.skill).where(VolunteerSkill.person_id == who.id)
        assert db.session.scalars(skills).all() == ["legal"]
        assert db.session.scalars(select(VolunteerWindow)).all() == []
        guardian = db.session.scalars(select(VolunteerGuardian)).one()
        assert (guardian.name, guardian.phone_sealed, guardian.phone_key) == ("陈父", None, None)
    shown = client.get("/volunteers/archive").text
    assert "陈一" in shown and "档案员老周" in shown and "2036年11月18日" in shown
    assert "陈一" not in browser(app, world["cement_secretary"]).get("/volunteers/archive").text
    assert "档案员老周" in client.get(page).text


def test_keeping_ends_after_ten_years(app: Flask, world: World, at: Clock) -> None:
    who = world["volunteer1"]
    with app.app_context():
        order = accepted(world)
        orders.check_in(who.viewer(), order)
        orders.complete(who.viewer(), order, 30, "")
        begin_write()
        number = of(world).number
        workflow.leave(world["secretary"].viewer(), of(world), "搬走")
        db.session.commit()
        at(MOMENT + timedelta(days=3600))
        assert jobs.run("erase_archives", "a").outcome == "销毁0份"  # type: ignore[union-attr]
        assert closed.list_past_keeping(date(2036, 11, 18)) == []
        at(MOMENT.replace(year=2036, day=19))
        assert jobs.run("erase_archives", "b").outcome == "销毁1份"  # type: ignore[union-attr]
        assert jobs.run("erase_archives", "c").outcome == "销毁0份"  # type: ignore[union-attr]
        one = of(world)
        assert (one.standing, one.number, one.custodian, one.team) == ("erased", number, "", "")
        for model in (VolunteerSkill, VolunteerConsent, VolunteerGuardian, VolunteerApplication):
            assert db.session.scalars(select(model).where(model.person_id == who.id)).all() == []
        assert [e.minutes for e in db.session.scalars(select(HourEntry).where(HourEntry.volunteer_id == who.id))] == [
            30
        ]
    at(MOMENT)
    client = browser(app, world["secretary"])
    shown = client.get("/volunteers/archive").text
    assert number in shown and "陈一" not in shown and "已销毁" in shown
    assert client.get(f"/volunteers/{who.id}").status_code == 404
    assert "陈一" not in client.get("/volunteers").text


def test_a_leave_ends_by_itself(app: Flask, world: World, at: Clock) -> None:
    own = browser(app, world["volunteer1"])
    away = {"away-until": "2026-11-25", "away-reason": "回老家"}
    assert post(own, "/volunteer/leave", {**away, "away-until": "2026-11-18"}, "/volunteer").status_code == 422
    assert post(own, "/volunteer/leave", away, "/volunteer").status_code == 303
    assert "您请假到" in own.get("/volunteer").text
    api = caller(app, world["secretary"])
    with app.app_context():
        one = of(world)
        assert (one.standing, one.leave_from, one.leave_until) == ("on_leave", date(2026, 11, 18), date(2026, 11, 25))
        told = db.session.scalars(select(Message.title).where(Message.recipient_id == world["secretary"].id)).all()
        assert told == ["陈一请假到11月25日 周三"]
        order = orders.place(world["resident"].viewer(), Wish("elder_shopping")).id
    names = [c["volunteer"]["name"] for c in api.get(f"/orders/{order}/candidates").json["items"]]  # type: ignore[index]
    assert "陈一" not in names and "陈二" in names
    with app.app_context():
        assert jobs.run("end_leaves", "a").outcome == "恢复0人"  # type: ignore[union-attr]
        at(MOMENT + timedelta(days=8))
        assert jobs.run("end_leaves", "b").outcome == "恢复1人"  # type: ignore[union-attr]
        one = of(world)
        assert (one.standing, one.leave_from, one.leave_until, one.is_available) == ("active", None, None, True)


def test_back_before_the_time_but_not_from_a_suspension(app: Flask, world: World) -> None:
    own, page = browser(app, world["volunteer1"]), f"/volunteers/{world['volunteer1'].id}"
    away = {"away-until": (clock.today() + timedelta(days=9)).isoformat(), "away-reason": "回老家"}
    assert post(own, "/volunteer/leave", away, "/volunteer").status_code == 303
    assert post(own, "/volunteer/back", page="/volunteer").status_code == 303
    client = browser(app, world["secretary"])
    assert post(client, f"{page}/standing/suspended", {"reason": "查实"}, page).status_code == 302
    assert post(own, "/volunteer/back", page="/volunteer").status_code == 403
    with app.app_context():
        assert of(world).standing == "suspended"
        assert "查实" in db.session.scalars(
            select(Message.body).where(Message.kind == "volunteer.suspended")
        ).one()  # fmt: skip


def test_leaving_by_oneself(app: Flask, world: World) -> None:
    own = browser(app, world["volunteer2"])
    assert post(own, "/volunteer/quit", {"quit-reason": ""}, "/volunteer").status_code == 422
    assert post(own, "/volunteer/quit", {"quit-reason": "身体不好"}, "/volunteer").status_code == 303
    assert own.get("/volunteer").status_code in (200, 403)
    with app.app_context():
        one = of(world, "volunteer2")
        assert (one.standing, one.custodian) == ("left", "王书记") or one.custodian == "王副"
        post_ends = db.session.scalars(
            select(Appointment.ends_on).where(Appointment.person_id == world["volunteer2"].id)
        ).one()  # fmt: skip
        assert post_ends is not None
        kinds = set(db.session.scalars(select(Message.kind)))
        assert {"volunteer.left", "volunteer.farewell"} <= kinds
        assert db.session.scalars(select(TeamMembership)).all() == []


def test_commitments_are_told_in_order(app: Flask, world: World) -> None:
    with app.app_context():
        accepted(world)
        soon = clock.now() + timedelta(hours=30)
        wish = Wish("elder_shopping", preferred_start=soon, preferred_end=soon + timedelta(hours=2))
        order = orders.place(world["resident"].viewer(), wish).id
        orders.dispatch(world["secretary"].viewer(), order, volunteers=[world["volunteer1"].id])
        orders.accept(world["volunteer1"].viewer(), order)
        begin_write()
        with pytest.raises(HandOverFirst) as caught:
            workflow.leave(world["secretary"].viewer(), of(world), "搬走")
        assert [one.at is None for one in caught.value.held] == [False, True]
        assert caught.value.held[0].link == f"/orders/{order}"


def test_the_diagram_in_the_docs_is_the_table() -> None:
    from core.config import ROOT
    from volunteers.applications.models import STATE_NAMES
    from volunteers.applications.workflow import APPLICATIONS

    page = (ROOT / "docs" / "志愿者状态.md").read_text("utf-8")
    assert f"```mermaid\n{diagram(VOLUNTEERS, STANDING_NAMES)}\n```" in page
    names = {str(state): name for state, name in STATE_NAMES.items()}
    assert f"```mermaid\n{diagram(APPLICATIONS, names)}\n```" in page
