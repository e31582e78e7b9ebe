"""Consents: given, withdrawn, and what stops when they are; guardians of those under 18."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from community.grid.models import Person
from core.access import NotFound
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from services.orders import workflow as orders
from services.orders.workflow import Wish
from tests.factories import World, browser, caller
from tests.volunteers.pages import post
from volunteers.consents import queries, texts, workflow
from volunteers.consents.models import VolunteerConsent, VolunteerGuardian
from volunteers.consents.workflow import Consenting
from volunteers.registry.models import Volunteer


def make_minor(world: World, name: str = "volunteer1", born: date = date(2010, 6, 1)) -> None:
    """Volunteer 1 is 16, and their guardian, who is the neighbour by the phone of the account, has consented."""
    who, guardian = world[name], world["neighbour"]
    begin_write()
    db.session.execute(update(Person).where(Person.id == who.id).values(birth_date=born))
    consenting = Consenting("李小满", "母亲", guardian.phone, "present")
    workflow.name_guardian(world["secretary"].viewer(), who.id, who.estate_id or "", consenting)
    db.session.commit()


def volunteer(world: World, name: str = "volunteer1") -> Volunteer:
    return db.session.get_one(Volunteer, world[name].id, populate_existing=True)


def test_consents_are_asked_given_and_kept_in_versions(app: Flask, world: World, monkeypatch: Any) -> None:
    own = browser(app, world["volunteer1"])
    assert "还没有签同意书" in own.get("/volunteer").text
    assert post(own, "/volunteer/consents", {"consents": ["general"]}).status_code == 422
    answer = post(own, "/volunteer/consents", {"consents": ["general", "sensitive", "sharing"]})
    assert answer.status_code == 303
    assert "还没有签同意书" not in own.get("/volunteer").text
    with app.app_context():
        given = queries.given_by(world["volunteer1"].id)
        assert sorted(given.consents) == ["general", "sensitive", "sharing"] and given.missing == []
        assert queries.agreed([world["volunteer1"].id, world["volunteer2"].id], "sharing") == {world["volunteer1"].id}
    for module in (workflow, queries):
        monkeypatch.setattr(module, "VERSION", "2027-1")
    monkeypatch.setattr("volunteers.consents.views.VERSION", "2027-1")
    assert "现在这一版" in own.get("/volunteer/consents").text
    assert post(own, "/volunteer/consents", {"consents": ["general", "sensitive"]}).status_code == 303
    with app.app_context():
        rows = db.session.execute(select(VolunteerConsent.kind, VolunteerConsent.text_version,
                                         VolunteerConsent.withdrawn_at.is_(None))).all()  # fmt: skip
        assert sorted(tuple(row) for row in rows if row[0] == "general") == [
            ("general", "2026-1", False), ("general", "2027-1", True)
        ]  # fmt: skip


@pytest.mark.parametrize(("kind", "standing"), [("sharing", "active"), ("sensitive", "suspended")])
def test_withdrawing_a_needed_one_stops_the_service(app: Flask, world: World, kind: str, standing: str) -> None:
    own = browser(app, world["volunteer1"])
    post(own, "/volunteer/consents", {"consents": ["general", "sensitive", "sharing"]})
    assert post(own, f"/volunteer/consents/{kind}/withdraw", page="/volunteer/consents").status_code == 303
    assert post(own, f"/volunteer/consents/{kind}/withdraw", page="/volunteer/consents").status_code == 404
    with app.app_context():
        assert volunteer(world).standing == standing
        titles = db.session.scalars(
            select(Message.title).where(Message.recipient_id == world["secretary"].id)
        ).all()  # fmt: skip
        assert titles == (["陈一：本人的同意已撤回，已暂停服务"] if kind == "sensitive" else [])


def test_a_guardian_withdraws(app: Flask, world: World, at: object) -> None:
    """By the guardian's own phone: the service stops at once, the branch is told, the history stays."""
    with app.app_context():
        make_minor(world)
        order = orders.place(world["resident"].viewer(), Wish("elder_shopping")).id
        orders.dispatch(world["secretary"].viewer(), order, volunteers=[world["volunteer1"].id])
        orders.accept(world["volunteer1"].viewer(), order)
    own = browser(app, world["neighbour"])
    assert "陈一" in own.get("/wards").text
    assert "没有您监护的志愿者" in browser(app, world["resident"]).get("/wards").text
    path = f"/wards/{world['volunteer1'].id}/withdraw"
    assert post(browser(app, world["resident"]), path, {"reason": "不行"}, "/me").status_code == 404
    assert post(own, path, {"reason": ""}, "/wards").status_code == 422
    assert post(own, path, {"reason": "学习忙"}, "/wards").status_code == 303
    assert "没有您监护的志愿者" in own.get("/wards").text
    with app.app_context():
        one = volunteer(world)
        assert (one.standing, one.is_available) == ("suspended", False)
        kept = db.session.scalars(select(VolunteerGuardian)).one()
        assert (kept.name, kept.withdrawn_reason, kept.withdrawn_by_name) == ("李小满", "学习忙", "李小满")
        message = db.session.scalars(
            select(Message).where(Message.recipient_id == world["secretary"].id)
            .where(Message.kind == "volunteer.consent_withdrawn")
        ).one()  # fmt: skip
        assert "监护人的同意已撤回" in message.title and "还有1项没做完" in message.body
        verbs = db.session.scalars(select(Event.verb).where(Event.subject_id == world["volunteer1"].id)).all()
        assert verbs == ["name_guardian", "withdraw_guardian", "suspend"]
        other = orders.place(world["resident"].viewer(), Wish("elder_shopping")).id
    api = caller(app, world["secretary"])
    names = [c["volunteer"]["name"] for c in api.get(f"/orders/{other}/candidates").json["items"]]  # type: ignore[index]
    assert "陈一" not in names
    client, page = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}"
    assert "没有监护人同意，不能派单" in client.get(page).text
    answer = post(client, f"{page}/standing/active", {"reason": "家里同意了"}, page)
    assert answer.status_code == 422 and "请先登记监护人同意" in answer.text


def test_the_branch_writes_a_guardian_down(app: Flask, world: World, at: object) -> None:
    with app.app_context():
        make_minor(world, born=date(2014, 6, 1))
        number = volunteer(world, "volunteer2").number
    client, page = browser(app, world["secretary"]), f"/volunteers/{world['volunteer1'].id}"
    withdrawn = post(client, f"{page}/guardian/withdraw", {"guardian-reason": "家长来电"}, page)
    assert withdrawn.status_code == 303
    data = {"name": "陈母", "relation": "母亲", "phone": "13800003333", "how": "phone"}
    answer = post(client, f"{page}/guardian", data)
    assert answer.status_code == 422 and "未满14岁" in answer.text
    assert post(client, f"{page}/guardian", {**data, "companion_no": "V0"}).status_code == 422
    assert post(client, f"{page}/guardian", {**data, "companion_no": number}).status_code == 303
    assert post(client, f"{page}/standing/active", {"reason": "家里同意了"}, page).status_code == 302
    shown = client.get(page).text
    assert "陈母" in shown and "138****3333" in shown and "电话确认" in shown
    assert post(browser(app, world["outsider"]), f"{page}/guardian", data, "/me").status_code == 404


def test_nobody_withdraws_what_does_not_stand(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        for act in (
            lambda: workflow.withdraw(world["secretary"].viewer(), world["volunteer1"].id, "general"),
            lambda: workflow.withdraw(world["secretary"].viewer(), world["volunteer1"].id, "nothing"),
            lambda: workflow.withdraw_guardian(world["secretary"].viewer(), world["volunteer1"].id, "x"),
        ):
            with pytest.raises(NotFound):
                act()


def test_texts_say_what_the_law_asks_for() -> None:
    """Purpose, kinds of data, time of keeping, rights; sensitive data, sharing and publishing each by itself."""
    general = "".join(texts.TEXTS["general"].paragraphs)
    assert all(word in general for word in ("用来做什么", "用哪些资料", "保存多久", "撤回"))
    assert [text.kind for text in texts.TEXTS.values() if "单独同意" in text.title] == [
        "sensitive", "sharing", "publishing", "hours_notice"
    ]  # fmt: skip
