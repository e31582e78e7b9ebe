"""Every address × everyone: nothing open by default, nothing crashes, nobody reaches into another estate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from community.channels.models import WEBHOOK_COLUMN, PushDevice, Robot
from community.grid.models import CONTACT_COLUMN, Estate, HouseholdContact, RollImport
from community.organisations.models import Appointment, Organisation
from core import access, clock, outbox, passes
from core.access import PUBLIC, Role
from core.api.endpoints import endpoints
from core.audit import Event
from core.database import begin_write, db
from core.ids import new_id
from core.outbox import Message
from core.sealing import sealer
from services.catalogue.models import ServiceItem
from services.dispatch import workflow as dispatch
from services.dispatch.models import REASON_COLUMN, PairExclusion
from services.orders import workflow
from services.orders.workflow import Wish
from services.reports.asked import Asked, whole_period
from services.reports.exports import workflow as exports
from services.reports.issues import workflow as issues
from services.reports.queries import Unit
from services.sos import workflow as emergencies
from services.standing import workflow as standing
from services.standing.recurrence import Pattern
from services.standing.workflow import Agreement
from tests.factories import Someone, World, browser, write
from volunteers.applications import queries as applications
from volunteers.applications import workflow as applying
from volunteers.certificates import workflow as certificates
from volunteers.disputes import workflow as disputes
from volunteers.disputes.workflow import Claim
from volunteers.exchange import workflow as exchange
from volunteers.honours.models import Honour
from volunteers.hours.models import HourEntry
from volunteers.notices.models import HourNotice
from volunteers.registry.models import VolunteerDayOff
from volunteers.registry.workflow import Offer
from volunteers.rota import workflow as rota
from volunteers.rota.models import RotaPattern, ShiftPlace
from volunteers.rota.needs import Need
from volunteers.teams import queries as team_queries
from volunteers.teams import workflow as teams
from volunteers.teams.models import TeamMembership
from volunteers.timebank.models import TimeEntry, TimeTransfer
from volunteers.training import workflow as training
from volunteers.training.models import Enrolment

SNAPSHOT = Path(__file__).with_name("permissions.txt")
EVERYONE = (None, "outsider", "resident", "volunteer1", "secretary", "grid_worker", "staff", "admin")
# These end what they are called with, so they come last.
LAST = ("accounts.sign_out", "api.accounts_sign_out")
# A robot tested then says nothing to its platform now.
LATER = datetime(2100, 1, 1, tzinfo=UTC)
WHOLE = ("static", "healthz", "readyz", "openapi")


@dataclass
class Town:
    """A town in which something has happened, and an id for every part of an address."""

    app: Flask
    world: World
    ids: dict[str, str]

    def address(self, rule: Rule, **other: str) -> str:
        """The address of a rule with ids that exist."""
        values = {name: other.get(name) or self._value(rule, name) for name in rule.arguments}
        with self.app.test_request_context():
            built: str = self.app.url_map.bind("localhost").build(rule.endpoint, values)
            return built

    def _value(self, rule: Rule, name: str) -> str:
        if name == "id":
            kinds = {
                "orders": "order_id",
                "dispatch-plans": "plan_id",
                "people": "person_id",
                "emergency-calls": "call_id",
            }
            name = kinds[rule.rule.split("/")[3]]
        return self.ids[name]


def _history(world: World) -> dict[str, str]:
    """An order served, one offered, one waiting, a plan for it, a message, and a neighbour in need with a contact."""
    resident, secretary, helper = (world[name].viewer() for name in ("resident", "secretary", "volunteer1"))
    orders = [workflow.place(resident, Wish("elder_shopping")).id for _ in range(3)]
    for order_id in orders[:2]:
        workflow.dispatch(secretary, order_id, volunteers=[helper.person_id])
    workflow.accept(helper, orders[0])
    workflow.check_in(helper, orders[0])
    workflow.complete(helper, orders[0], 30, "")
    begin_write()
    plan = dispatch.propose(secretary, world.estates["banyan"].id, None)
    said = outbox.message_values(world.estates["banyan"].id, [outbox.Draft(resident.person_id, "x", "好消息")])
    db.session.execute(insert(Message), said)
    letter = outbox.Delivery(
        id=new_id(), message_id=said[0]["id"], estate_id=world.estates["banyan"].id, channel="email", state="dead",
        target=resident.person_id, gateway="email", created_at=clock.now(), next_try_at=clock.now(),
    )  # fmt: skip
    device = PushDevice(id=new_id(), person_id=resident.person_id, endpoint_key="k", host="h", sealed="s", name="手机",
                        created_at=clock.now())  # fmt: skip
    robot = Robot(
        id=new_id(), organisation_id=world.estates["banyan"].branch.id, vendor="wecom", name="群", kinds=[],
        webhook_sealed=sealer().seal("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", WEBHOOK_COLUMN),
        is_enabled=True, created_at=clock.now(), created_by=secretary.person_id, tested_at=LATER,
    )  # fmt: skip
    db.session.add_all([letter, device, robot])
    roll = RollImport(
        id=new_id(), estate_id=world.estates["banyan"].id, filename="x.xlsx", uploaded_by=secretary.person_id,
        uploaded_at=clock.now(), state="dropped", summary={},
    )  # fmt: skip
    db.session.add(roll)
    contact = HouseholdContact(
        id=new_id(), estate_id=world.estates["banyan"].id, household_id=world["neighbour"].household_id, position=0,
        name="李外人", relation="外甥", phone_sealed=sealer().seal("13900001111", CONTACT_COLUMN), login_key="x",
        agreed_at=clock.now(), stated_by=resident.person_id, updated_at=clock.now(),
    )  # fmt: skip
    db.session.add(contact)
    db.session.commit()
    call, _ = emergencies.raise_call(world["neighbour"].viewer(), emergencies.Wish())
    branch = world.estates["banyan"].branch
    asked = Asked(Unit(branch.id, branch.name, branch.path), whole_period("year", clock.today()))
    export = exports.ask(secretary, asked, exports.Wish("清单", "xlsx", {}, False, 3))
    issue = issues.issue(branch, whole_period("month", date(2026, 1, 1)))
    assert issue is not None
    hours = _around_hours(world, helper)
    db.session.commit()
    return hours | {
        "order_id": orders[1], "plan_id": plan.id, "message_id": said[0]["id"], "import_id": roll.id,
        "delivery_id": letter.id, "device_id": device.id, "robot_id": robot.id, "call_id": call.id,
        "contact_id": contact.id, "key": contact.id,
        "export_id": export, "issue_id": issue.id,
    }  # fmt: skip


def _series(world: World) -> str:
    """A series that goes on, in which a volunteer is asked to come."""
    person, steady = world["neighbour"].id, world["volunteer2"].id
    agreement = Agreement("errands", person, Pattern("week", weekdays=(1,)), clock.today(), 510, 630, steady_id=steady)
    return str(standing.set_up(world["secretary"].viewer(), agreement).id)


def _duty(world: World) -> dict[str, str]:
    """A post of the branch with a weekly slot, and somebody signed up in a shift."""
    secretary, helper, body = world["secretary"].viewer(), world["volunteer1"].viewer(), world.estates["banyan"].branch
    begin_write()
    branch = db.session.get_one(Organisation, body.id)
    post = rota.add_post(secretary, branch, rota.Post("门岗", "", "东门", [], True))
    needs = [Need("1", "值班员", 2)]
    rota.add_patterns(secretary, post, [rota.Weekly(0, 480, 240, needs)])
    start = clock.now() + timedelta(days=2)
    shift = rota.plan_shift(secretary, post, rota.Slot(start, start + timedelta(hours=4), needs))
    rota.sign_up(helper, shift, "1")
    db.session.commit()
    place = db.session.scalars(select(ShiftPlace.id)).one()
    pattern = db.session.scalars(select(RotaPattern.id)).one()
    return {"rota_id": post, "pattern_id": pattern, "shift_id": shift, "place_id": place, "verb": "join"}


def _lesson(world: World) -> dict[str, str]:
    """A course with a session, somebody on its list."""
    secretary, helper, body = world["secretary"].viewer(), world["volunteer1"].viewer(), world.estates["banyan"].branch
    begin_write()
    branch = db.session.get_one(Organisation, body.id)
    course = training.add_course(secretary, branch, "first_aid", training.Plan("急救", "", 90, "支部", 9, 24))
    start = clock.now() + timedelta(days=3)
    session = training.plan_session(
        secretary, course, training.Occasion(start, start + timedelta(hours=2), "会议室", 9)
    )
    training.sign_up(helper, session)
    db.session.commit()
    enrolment = db.session.scalars(select(Enrolment.id)).one()
    made = passes.issue("shift", session, 15).text
    return {"course_id": course, "session_id": session, "enrolment_id": enrolment, "pass_text": made}


def _apart(world: World) -> dict[str, str]:
    """A pair kept apart, and a volunteer's days off."""
    estate, resident, helper = world.estates["banyan"].id, world["resident"].id, world["volunteer2"].id
    begin_write()
    pair = PairExclusion(
        id=new_id(), estate_id=estate, person_id=resident, volunteer_id=helper, side="resident", asked_by=resident,
        reason=sealer().seal("x", REASON_COLUMN), at=clock.now(),
    )  # fmt: skip
    off = VolunteerDayOff(id=new_id(), person_id=world["volunteer1"].id, first_day=clock.today(),
                          last_day=clock.today())  # fmt: skip
    db.session.add_all([pair, off])
    db.session.commit()
    return {"pair_id": pair.id, "day_off_id": off.id}


def _registration(world: World) -> dict[str, str]:
    """An application that waits, and a team with somebody who wants to join."""
    secretary, resident = world["secretary"].viewer(), world["resident"].viewer()
    begin_write()
    wish = applying.Wish(Offer(["shopping"], [], 3), ["general", "sensitive"])
    application = applying.apply(resident, applications.get_own_known(resident), wish)
    home = world.estates["banyan"].branch.id
    said = {"kind": "squad", "name": "帮帮队", "organisation_id": home, "founded_on": clock.today()}
    team = teams.found(secretary, said)
    helper = world["volunteer2"].viewer()
    teams.ask(helper, team_queries.get_team(helper, team), "算我一个")
    db.session.commit()
    membership = db.session.scalars(select(TeamMembership.id).where(TeamMembership.team_id == team)).one()
    return {"application_id": application, "team_id": team, "membership_id": membership}


def _around_hours(world: World, helper: Any) -> dict[str, str]:
    """A dispute, a notice, an award and saved time of the first volunteer; committed by the caller."""
    begin_write()
    banyan, entry = world.estates["banyan"], db.session.scalars(select(HourEntry.id)).one()
    claim = Claim(banyan.id, "other", "不对", "x", helper.person_id, entry)
    dispute_id = disputes.raise_(helper, claim)
    ids = {name: new_id() for name in ("notice_id", "honour_id", "transfer_id", "time_entry_id")}
    now, today = clock.now(), clock.today()
    months = {"month": today.replace(day=1), "state": "draft", "version": 1, "body": "x", "period_days": 3}
    write(HourNotice, id=ids["notice_id"], estate_id=banyan.id, made_at=now, made_by="x", updated_at=now, **months)
    write(Honour, id=ids["honour_id"], volunteer_id=helper.person_id, estate_id=banyan.id, name="x", body="x",
          awarded_on=today, recorded_at=now, recorded_by="x")  # fmt: skip
    write(TimeTransfer, id=ids["transfer_id"], estate_id=banyan.id, giver_id=helper.person_id, giver_name="x",
          to_name="x", relation="x", minutes=1, state="requested", version=1, requested_at=now,
          updated_at=now)  # fmt: skip
    write(TimeEntry, id=ids["time_entry_id"], holder_id=helper.person_id, estate_id=banyan.id, number=1, minutes=1,
          balance=1, kind="saved", month=today.replace(day=1), recorded_at=now, recorded_by="x")  # fmt: skip
    return ids | {"dispute_id": dispute_id}


def _papers(world: World) -> dict[str, str]:
    """A batch of certificates, and records of another system that wait."""
    secretary, estate = world["secretary"].viewer(), db.session.get_one(Estate, world.estates["banyan"].id)
    begin_write()
    chosen = certificates.choose(estate, "", [])
    batch = certificates.queue(secretary, estate, chosen, clock.today(), clock.today())
    record = exchange.upload(secretary, estate, "志愿汇", "x.json", b'[{"name": "x"}]')
    return {"batch_id": batch, "record_id": record}


@pytest.fixture
def town(app: Flask, world: World) -> Town:
    app.config["WTF_CSRF_ENABLED"] = False
    banyan = world.estates["banyan"]
    with app.app_context():
        item = select(ServiceItem.id).where(ServiceItem.estate_id == banyan.id).limit(1)
        ids = _history(world) | _duty(world) | _lesson(world) | _papers(world) | {
            "person_id": world["neighbour"].id, "account_id": world["neighbour"].account_id, "estate_id": banyan.id,
            "building_id": banyan.building_id, "household_id": world["neighbour"].household_id or "",
            "volunteer_id": world["volunteer2"].id, "helper_id": world["neighbour"].id, "number": "ZM-0",
            "name": "forget_keys", "way": "up", "token": "none", "feed_id": "none", "day": "2026-02-15", "year": "2026",
            "standing_id": _series(world), "topic_name": "offers", "standing": "suspended", "filename": "app.js",
            "item_id": db.session.scalars(item).one(), **_apart(world),
            "skill": "shopping", "kind": "publishing", **_registration(world),
            "entry_id": db.session.scalars(select(HourEntry.id)).one(),
            "post_id": db.session.scalars(
                select(Appointment.id).where(Appointment.person_id == world["steward"].id)
            ).one(),
        }  # fmt: skip
    return Town(app, world, ids)


def rules(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint in LAST, rule.rule, rule.endpoint))


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def needed(app: Flask, rule: Rule) -> str:
    """The access that an endpoint declares."""
    if rule.endpoint == "static":
        return PUBLIC
    if rule.endpoint.startswith("api."):
        return next(e.access for e in endpoints() if f"api.{e.name}" == rule.endpoint)
    found: str = app.extensions["linju.accesses"][rule.endpoint]
    return found


def call(town: Town, client: Any, who: Someone | None, rule: Rule, method: str, **other: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {who.token}"} if who and rule.endpoint.startswith("api.") else {}
    body = {"json": {}} if rule.endpoint.startswith("api.") and method == "POST" else {}
    answer: TestResponse = client.open(
        town.address(rule, **other), method=method, headers=headers, buffered=True, **body
    )
    return answer


def events() -> int:
    """How many things were done to what belongs to somebody."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Event).where(Event.verb.not_in(["sign_in"]))) or 0


def test_every_endpoint_declares_its_access(app: Flask) -> None:
    for rule in rules(app):
        assert access.known(needed(app, rule)), rule.endpoint


@pytest.mark.parametrize("name", EVERYONE)
def test_everyone_at_every_address(name: str | None, town: Town) -> None:
    who = town.world[name] if name else None
    with town.app.app_context():
        may = who.viewer().may if who else None
        before = events()
    wrong = []
    for rule in rules(town.app):
        need = needed(town.app, rule)
        for method in methods(rule):
            answer = call(town, browser(town.app, who), who, rule, method)
            status, api = answer.status_code, rule.endpoint.startswith("api.")
            if status >= 500:
                wrong.append((method, rule.rule, status, "crashed"))
            elif who is None and need != PUBLIC:
                inside = status != 401 if api else status != 302 or not answer.location.startswith("/sign-in")
                wrong += [(method, rule.rule, status, "open to anybody")] if inside else []
            elif may and ":" in need and not may(need) and status != 403:
                wrong.append((method, rule.rule, status, f"without {need}"))
    assert not wrong
    if who is None:
        with town.app.app_context():
            assert events() == before


def test_an_outsider_reads_and_changes_nothing_of_another_estate(town: Town) -> None:
    with town.app.app_context():
        before = events()
    wrong = []
    # What these addresses name is nobody's secret.
    open_ones = {"certificates.verify", "certificates.pdf", "certificates.compare", "system.run_job", "static"}
    for rule in rules(town.app):
        if not rule.arguments or rule.endpoint in open_ones:
            continue
        for method in methods(rule):
            who = town.world["outsider"]
            status = call(town, browser(town.app, who), who, rule, method).status_code
            if status not in (403, 404, 409, 422) or (method == "GET" and status not in (403, 404)):
                wrong.append((method, rule.rule, status))
    assert not wrong
    with town.app.app_context():
        assert events() == before


@pytest.mark.parametrize("name", ["resident", "volunteer1", "secretary", "admin"])
def test_reading_writes_nothing(name: str, town: Town) -> None:
    with town.app.app_context():
        before = events()
    for rule in rules(town.app):
        if "GET" in methods(rule):
            call(town, browser(town.app, town.world[name]), town.world[name], rule, "GET")
    with town.app.app_context():
        assert events() == before


@pytest.mark.parametrize("name", ["resident", "secretary"])
@pytest.mark.parametrize("value", ["a\0b", "没有"])
def test_ids_that_are_none_are_not_found(name: str, value: str, town: Town) -> None:
    wrong, who = [], town.world[name]
    for rule in rules(town.app):
        if rule.arguments - {"filename"}:
            other = dict.fromkeys(rule.arguments, value)
            for method in methods(rule):
                status = call(town, browser(town.app, who), who, rule, method, **other).status_code
                wrong += [(method, rule.rule, status)] if status not in (400, 403, 404, 405, 422) else []
    assert not wrong


@pytest.mark.parametrize("name", ["volunteer1", "secretary", "admin"])
def test_odd_questions_are_answered(name: str, town: Town) -> None:
    """Parameters that pages take, filled with what people never type and programs do."""
    names = (
        "q cursor state page first last from to estate building skill standing kind verb actor subject by unit limit "
        "next mine view item order tab household person"
    )
    wrong, who = [], town.world[name]
    for value in ("\0", "'\";--", "W10", "9" * 400, "2026-02-30"):
        query = dict.fromkeys(names.split(), value)
        for rule in rules(town.app):
            if "GET" in methods(rule) and not rule.arguments and rule.endpoint not in WHOLE:
                headers = {"Authorization": f"Bearer {who.token}"}
                answer = browser(town.app, who).get(rule.rule, query_string=query, headers=headers)
                wrong += [(rule.rule, value, answer.status_code)] if answer.status_code >= 500 else []
    assert not wrong


def matrix() -> str:
    """The permissions and who holds them, a line each, as kept in ``permissions.txt``."""
    rows = access.permissions()
    width = max(len(name) for name in rows)
    lines = [f"{'':{width}}  " + " ".join(Role)]
    for name in sorted(rows):
        marks = " ".join(("x" if role in rows[name].roles else ".").ljust(len(role)) for role in Role)
        lines.append(f"{name:{width}}  {marks.rstrip()}")
    return "\n".join(lines) + "\n"


def test_the_permission_matrix_is_the_one_that_was_agreed(app: Flask) -> None:
    """Whoever grants or withdraws a permission says so in ``permissions.txt``, too."""
    assert matrix() == SNAPSHOT.read_text("utf-8")
