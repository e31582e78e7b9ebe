"""Frozen reports stay as they were made; what changes later stands beside them as a correction."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import docx
import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from community.organisations.models import Appointment
from core import clock
from core.database import begin_write, db
from core.outbox import Message
from services.orders import workflow as orders
from services.orders.workflow import Wish
from services.reports.issues import jobs, queries
from services.reports.issues.models import ReportIssue
from tests.factories import World, browser
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import correct


@pytest.fixture
def town(app: Flask, world: World, at: Callable[[datetime], None]) -> World:
    """October has an order served and one waiting, the secretary subscribed, and it is the second of November."""
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        secretary, resident, helper = (world[name].viewer() for name in ("secretary", "resident", "volunteer1"))
        at(clock.from_local(datetime(2026, 10, 20, 9)))
        first, _ = (orders.place(resident, Wish("elder_shopping")).id for _ in range(2))
        orders.dispatch(secretary, first, volunteers=[helper.person_id])
        orders.accept(helper, first)
        orders.check_in(helper, first)
        at(clock.from_local(datetime(2026, 10, 20, 10)))
        orders.complete(helper, first, 40, "")
    at(clock.from_local(datetime(2026, 11, 2, 9)))
    form = {"unit": world.estates["banyan"].branch.id, "kind": "month"}
    for _ in range(2):
        assert browser(app, world["secretary"]).post("/reports/subscriptions", data=form).status_code == 303
    return world


def issued(app: Flask) -> str:
    with app.app_context():
        assert jobs.issue_reports() == "生成1份"
        assert jobs.issue_reports() == "生成0份"
        return db.session.scalars(select(ReportIssue.id)).one()


def test_a_report_is_made_once_and_sent_to_who_wants_it(app: Flask, town: World) -> None:
    id_ = issued(app)
    with app.app_context():
        message = db.session.scalars(select(Message).where(Message.kind == "report.issued")).one()
        assert message.recipient_id == town["secretary"].id and message.link == f"/reports/issues/{id_}"
        figures = {row["name"]: row for row in db.session.get_one(ReportIssue, id_).figures["measures"]}
        assert figures["orders.placed"]["amount"] == 2 and figures["hours.minutes"]["amount"] == 40
    page = browser(app, town["secretary"]).get(f"/reports/issues/{id_}").get_data(as_text=True)
    assert "2026年10月" in page and "完全一样" in page


def test_a_correction_stands_beside_the_frozen_figure(app: Flask, town: World) -> None:
    id_ = issued(app)
    with app.app_context():
        before = db.session.get_one(ReportIssue, id_).figures
        begin_write()
        entry = db.session.scalars(select(HourEntry)).one()
        correct(town["secretary"].viewer(), entry, 55, "少记了15分钟")
        db.session.commit()
        db.session.expire_all()
        assert db.session.get_one(ReportIssue, id_).figures == before
        changed = [line for line in queries.compare(db.session.get_one(ReportIssue, id_)) if line.is_corrected]
        assert [(line.measure.name, line.frozen.amount, line.now and line.now.amount) for line in changed] == [
            ("hours.minutes", 40, 55)
        ]
    client = browser(app, town["secretary"])
    page = client.get(f"/reports/issues/{id_}").get_data(as_text=True)
    assert "有1项数字变了" in page and "更正为0.9小时" in page and "0.7小时" in page
    answer = client.post(f"/reports/issues/{id_}/paper", data={"format": "docx"}, buffered=True)
    tables = docx.Document(io.BytesIO(answer.data)).tables
    assert [cell.text for cell in tables[-1].rows[1].cells][:2] == ["服务时长", "0.7小时"]


@pytest.mark.parametrize("statement", ["UPDATE report_issue SET figures = '{}'", "DELETE FROM report_issue"])
def test_the_database_refuses_to_change_what_is_frozen(app: Flask, town: World, statement: str) -> None:
    issued(app)
    with app.app_context():
        begin_write()
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(ReportIssue)) == 1


def test_others_see_it_by_their_reach(app: Flask, town: World) -> None:
    id_ = issued(app)
    for name, status in (("staff", 200), ("outsider", 404), ("cement_secretary", 404), ("resident", 403)):
        assert browser(app, town[name]).get(f"/reports/issues/{id_}").status_code == status
    form = {"unit": town.estates["swan"].branch.id, "kind": "month"}
    assert browser(app, town["secretary"]).post("/reports/subscriptions", data=form).status_code == 404


def test_who_holds_no_post_any_more_hears_nothing(app: Flask, town: World) -> None:
    with app.app_context():
        begin_write()
        ended = update(Appointment).where(Appointment.person_id == town["secretary"].id)
        db.session.execute(ended.values(ends_on=datetime(2026, 11, 1).date()))
        db.session.commit()
    issued(app)
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Message.kind == "report.issued")) == 0


def test_a_subscription_ends(app: Flask, town: World) -> None:
    form = {"unit": town.estates["banyan"].branch.id, "kind": "month", "off": "1"}
    assert browser(app, town["secretary"]).post("/reports/subscriptions", data=form).status_code == 303
    with app.app_context():
        assert jobs.issue_reports() == "生成0份"
