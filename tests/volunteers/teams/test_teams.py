"""Teams: founding and ending, joining and leaving, who sees what, and a corps that spans organisations."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core import clock
from core.access import NotFound
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import InvalidStep
from tests.conftest import MOMENT
from tests.factories import World, browser, caller, volunteer
from tests.volunteers.pages import post
from tests.volunteers.teams.making import corps, found, join, page_of, serve, since
from volunteers.consents import workflow as consents
from volunteers.registry import workflow as registry
from volunteers.registry.models import Volunteer
from volunteers.teams import figures, people, queries, workflow
from volunteers.teams.models import Member, Team, TeamMembership
from volunteers.teams.workflow import MEMBERS, Refused

Clock = Callable[[datetime], None]


def membership(team_id: str, person_id: str) -> TeamMembership:
    own = select(TeamMembership).where(TeamMembership.team_id == team_id, TeamMembership.person_id == person_id)
    one = db.session.scalars(own.order_by(TeamMembership.updated_at.desc())).first()
    assert one is not None
    db.session.refresh(one)
    return one


def test_founding_changing_and_ending(app: Flask, world: World) -> None:
    client = browser(app, world["secretary"])
    data = {"kind": "plw", "name": "榕树园党团妇", "organisation_id": world.estates["banyan"].branch.id,
            "founded_on": "2025-03-08", "slogan": "一家有事大家帮", "description": "周六清扫"}  # fmt: skip
    answer = post(client, "/teams/new", {**data, "name": ""})
    assert answer.status_code == 422 and "请填队伍名称" in answer.text and "周六清扫" in answer.text
    answer = post(client, "/teams/new", {**data, "organisation_id": world.estates["swan"].branch.id})
    assert answer.status_code == 422
    answer = post(client, "/teams/new", data)
    assert answer.status_code == 303
    page = answer.location
    assert post(client, "/teams/new", data).status_code == 422
    shown = client.get(page).text
    assert "榕树园党团妇" in shown and "一家有事大家帮" in shown
    edit = {"name": "榕树园党团妇队", "founded_on": "2025-03-08", "version": "1"}
    assert post(client, f"{page}/edit", edit).status_code == 303
    assert post(client, f"{page}/edit", edit).status_code == 409
    with app.app_context():
        team_id = page.rsplit("/", 1)[1]
        join(world, team_id, "volunteer1")
    assert post(client, f"{page}/end", {"reason": ""}, page).status_code == 422
    assert post(client, f"{page}/end", {"reason": "并到小队"}, page).status_code == 303
    assert "榕树园党团妇队" not in client.get("/teams").text
    assert "榕树园党团妇队" in client.get("/teams?ended=1").text
    with app.app_context():
        assert membership(team_id, world["volunteer1"].id).state == "left"
        assert db.session.get_one(Team, team_id).ended_on == clock.today()
        told = db.session.scalars(select(Message.kind).where(Message.recipient_id == world["volunteer1"].id)).all()
        assert sorted(told) == ["team.let_go", "team.taken_in"]
    assert post(client, f"{page}/reopen", page=page).status_code == 303
    assert post(client, f"{page}/reopen", page="/teams").status_code == 409


def test_asking_the_leader(app: Flask, world: World) -> None:
    with app.app_context():
        team = found(world, "修修补补队", "banyan")
        join(world, team, "volunteer1", role="leader")
    own, leader = browser(app, world["volunteer2"]), browser(app, world["volunteer1"])
    page = f"/teams/{team}"
    assert "修修补补队" in own.get("/teams/mine").text
    shown = own.get(page).text
    assert "申请加入" in shown and "陈一" not in shown
    assert post(own, f"{page}/join", {"wish": "会修水管"}, page).status_code == 303
    assert "等队长答复" in own.get(page).text
    assert post(own, f"{page}/join", {"wish": "急"}, "/me").status_code == 422
    shown = leader.get(page).text
    assert "会修水管" in shown and "陈*" in shown and "陈二" not in shown
    with app.app_context():
        one = membership(team, world["volunteer2"].id)
        asked = db.session.scalars(select(Message).where(Message.kind == "team.asks")).one()
        assert (asked.recipient_id, asked.title) == (world["volunteer1"].id, "陈*想加入修修补补队")
    assert post(leader, f"{page}/members/{one.id}/decline", {"reason": ""}, page).status_code == 422
    assert post(leader, f"{page}/members/{one.id}/accept", page=page).status_code == 303
    assert "您是这支队伍的队员" in own.get(page).text
    assert post(leader, f"{page}/members/{one.id}/accept", page="/me").status_code == 409
    assert post(own, f"{page}/members/{one.id}/remove", {"reason": "x"}, "/me").status_code == 403
    assert post(own, f"{page}/leave", page=page).status_code == 303
    with app.app_context():
        gone = membership(team, world["volunteer2"].id)
        assert gone.state == "left" and gone.left_at == clock.day_bounds(clock.today())[1]
        kinds = [event.verb for event in db.session.scalars(select(Event).where(Event.subject_id == gone.id))]
        assert kinds == ["ask_to_join", "accept_member", "leave_team"]
    assert post(own, f"{page}/join", {}, page).status_code == 303
    assert post(own, f"{page}/take-back", page=page).status_code == 303
    assert "申请加入" in own.get(page).text


def test_names_are_masked_unless_agreed(app: Flask, world: World) -> None:
    with app.app_context():
        team = found(world, "甲队", "banyan")
        for name in ("volunteer1", "volunteer2"):
            join(world, team, name)
        begin_write()
        who = world["volunteer2"]
        consents.give(who.viewer(), who.id, who.estate_id or "", ["publishing"], "online")
        db.session.commit()
    shown = browser(app, world["volunteer1"]).get(f"/teams/{team}").text
    assert "陈二" in shown and "陈*" in shown and "陈一" not in shown


def test_staff_add_name_and_let_go(app: Flask, world: World) -> None:
    with app.app_context():
        team = found(world, "修修补补队", "banyan")
    client, page = browser(app, world["secretary"]), f"/teams/{team}"
    assert "陈一" in client.get(f"{page}/add?q=陈").text
    data = {"person": world["volunteer1"].id, "role": "leader"}
    found_page = f"{page}/add?q=陈"
    assert post(client, f"{page}/add", data, found_page).status_code == 303
    assert post(client, f"{page}/add", data, found_page).status_code == 422
    assert post(client, f"{page}/add", {"person": world["far_volunteer"].id}, found_page).status_code == 404
    assert "没有找到可服务的志愿者" in client.get(f"{page}/add?q=陈一").text
    with app.app_context():
        one = membership(team, world["volunteer1"].id)
        assert (one.role, one.via) == ("leader", "staff")
    assert post(client, f"{page}/members/{one.id}/role", {"role": "deputy"}, page).status_code == 303
    assert post(client, f"{page}/members/{one.id}/role", {"role": "king"}, page).status_code == 404
    assert "副队长" in client.get(page).text
    assert post(client, f"{page}/members/{one.id}/remove", {"reason": "调去别队"}, page).status_code == 303
    with app.app_context():
        body = db.session.scalars(select(Message.body).where(Message.kind == "team.let_go")).one()
        assert body == "原因：调去别队"


def test_whoever_leaves_the_register_leaves_the_teams(app: Flask, world: World) -> None:
    with app.app_context():
        team, other = found(world, "甲队", "banyan"), found(world, "乙队", "banyan")
        join(world, team, "volunteer1")
        begin_write()
        workflow.ask(world["volunteer1"].viewer(), page_of(world["volunteer1"], other), "")
        registry.leave(world["secretary"].viewer(), db.session.get_one(Volunteer, world["volunteer1"].id), "搬走")
        db.session.commit()
        assert membership(team, world["volunteer1"].id).state == "left"
        assert membership(other, world["volunteer1"].id).state == "withdrawn"


VERBS = {"accept_member": "member", "decline_member": "declined", "take_back_ask": "withdrawn",
         "set_member_role": "member", "leave_team": "left", "remove_member": "left"}  # fmt: skip
ALLOWED = {"asked": {"accept_member", "decline_member", "take_back_ask"},
           "member": {"set_member_role", "leave_team", "remove_member"}}  # fmt: skip


@pytest.mark.parametrize("state", list(Member))
@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_in_every_state(app: Flask, world: World, state: Member, verb: str) -> None:
    def do(verb: str, one: TeamMembership) -> None:
        secretary, own = world["secretary"].viewer(), world["volunteer1"].viewer()
        page, mine = queries.get_team(secretary, team), queries.get_team(own, team)
        match verb:
            case "accept_member":
                workflow.accept(secretary, page, one)
            case "decline_member":
                workflow.decline(secretary, page, one, "满了")
            case "take_back_ask":
                workflow.take_back(own, mine)
            case "set_member_role":
                workflow.set_role(secretary, page, one, "deputy")
            case "leave_team":
                workflow.leave(own, mine)
            case _:
                workflow.remove(secretary, page, one, "调动")

    leads = {"member": ["accept_member"], "declined": ["decline_member"], "withdrawn": ["take_back_ask"],
             "left": ["accept_member", "leave_team"]}  # fmt: skip
    with app.app_context():
        team = found(world, "甲队", "banyan")
        begin_write()
        workflow.ask(world["volunteer1"].viewer(), page_of(world["volunteer1"], team), "")
        one = membership(team, world["volunteer1"].id)
        for before in leads.get(state, []):
            do(before, one)
        assert one.state == state and set(MEMBERS.verbs(state)) == ALLOWED.get(state, set())
        if verb in ALLOWED.get(state, set()):
            do(verb, one)
            assert one.state == VERBS[verb]
        else:
            with pytest.raises((InvalidStep, Refused)):
                do(verb, one)
            assert one.state == state


# Who sees what


@pytest.mark.parametrize(("name", "status"), [
    ("secretary", 200), ("staff", 200), ("street_staff", 200), ("volunteer1", 200), ("outsider", 404),
    ("cement_secretary", 404), ("far_volunteer", 404), ("resident", 404), ("grid_worker", 404), ("admin", 404),
])  # fmt: skip
def test_who_sees_a_team(app: Flask, world: World, name: str, status: int) -> None:
    with app.app_context():
        team = found(world, "甲队", "banyan")
    assert browser(app, world[name]).get(f"/teams/{team}").status_code == status
    if world[name].name in ("王书记", "吕社工", "施街道"):
        assert "甲队" in browser(app, world[name]).get("/teams").text
    if name in ("outsider", "cement_secretary"):
        assert "甲队" not in browser(app, world[name]).get("/teams").text


def test_a_team_is_seen_where_its_members_live(app: Flask, world: World) -> None:
    """A team of Banyan that has a member in the cement works' estate shows that branch its own member only."""
    with app.app_context():
        team = found(world, "甲队", "banyan")
        begin_write()
        world.people["cement_volunteer"] = volunteer("孙泥", world.estates["cement"])
        db.session.commit()
        join(world, team, "volunteer1")
        join(world, team, "cement_volunteer", by="staff")
    client = browser(app, world["cement_secretary"])
    shown = client.get(f"/teams/{team}").text
    assert "孙泥" in shown and "陈一" not in shown and "榕树园1人" in shown
    assert client.get(f"/teams/{team}/edit").status_code == 404


def test_a_corps_spans_organisations(app: Flask, world: World) -> None:
    with app.app_context():
        whole, near, far = corps(world)
        join(world, near, "volunteer1")
        join(world, near, "volunteer2")
        join(world, far, "far_volunteer", by="outsider")
        join(world, whole, "volunteer1", by="district_staff", role="leader")
    mine, theirs = browser(app, world["secretary"]), browser(app, world["outsider"])
    for client, own, other in ((mine, "陈一", "天鹅园1人"), (theirs, "赵远", "榕树园2人")):
        assert "青禾巾帼总队" in client.get("/teams").text
        shown = client.get(f"/teams/{whole}").text
        assert own in shown and other in shown and "每人只算一次" in shown
        assert client.get(f"/teams/{whole}/edit").status_code == 404
    assert "赵远" not in mine.get(f"/teams/{whole}").text
    assert "陈一" not in theirs.get(f"/teams/{whole}").text
    assert f'href="/teams/{near}"' in mine.get(f"/teams/{whole}").text
    assert f'href="/teams/{far}"' not in mine.get(f"/teams/{whole}").text
    assert mine.get(f"/teams/{far}").status_code == 404
    assert browser(app, world["cement_secretary"]).get(f"/teams/{whole}").status_code == 404
    assert post(mine, f"/teams/{whole}/end", {"reason": "x"}, "/teams").status_code == 404
    assert browser(app, world["street_staff"]).get(f"/teams/{whole}/edit").status_code == 200
    own = browser(app, world["volunteer3"])
    assert "总队由支队组成" in own.get(f"/teams/{whole}").text
    assert post(own, f"/teams/{whole}/join", {}, "/me").status_code == 422


def test_a_corps_is_founded_by_those_above(app: Flask, world: World) -> None:
    with app.app_context():
        near = found(world, "榕树园支队", "banyan", kind="detachment")
    data = {"kind": "corps", "name": "东街道总队", "founded_on": "2024-01-01", "detachments": [near]}
    assert post(browser(app, world["secretary"]), "/teams/new", data).status_code == 422
    client = browser(app, world["street_staff"])
    assert post(client, "/teams/new", {**data, "detachments": []}).status_code == 422
    answer = post(client, "/teams/new", data)
    assert answer.status_code == 303
    whole = answer.location.rsplit("/", 1)[1]
    assert "属东街道总队" in browser(app, world["secretary"]).get(f"/teams/{near}").text
    out = {"name": "榕树园支队", "founded_on": "2024-05-01", "parent_id": "", "version": "2"}
    assert post(browser(app, world["secretary"]), f"/teams/{near}/edit", out).status_code == 303
    with app.app_context(), pytest.raises(NotFound):
        page_of(world["secretary"], whole)


# What they did


def test_everybody_counts_once(app: Flask, world: World, at: Clock) -> None:
    """Volunteer 1 is in both detachments: the corps has one person and one hour of them."""
    with app.app_context():
        whole, near, far = corps(world)
        begin_write()
        also = found(world, "榕树园二支队", "banyan", kind="detachment")
        begin_write()
        lady, page = world["district_staff"].viewer(), page_of(world["district_staff"], whole)
        workflow.change(lady, page, {"name": "青禾巾帼总队"}, page.team.version, [near, also, far])
        db.session.commit()
        for team in (near, also):
            join(world, team, "volunteer1")
        join(world, near, "volunteer2")
        join(world, far, "far_volunteer", by="outsider")
        serve(world, "volunteer1", 60, MOMENT + timedelta(hours=1))
        serve(world, "volunteer2", 30, MOMENT + timedelta(hours=1), order="o1", content="量血压")
        serve(world, "far_volunteer", 15, MOMENT + timedelta(hours=1))
        at(MOMENT + timedelta(hours=9))
        start, end = figures.this_year()
        done = figures.figures_of([whole, near, also, far], start, end)
        assert done[whole] == figures.Figures(3, 105, 3)
        assert (done[near], done[also]) == (figures.Figures(2, 90, 2), figures.Figures(1, 60, 1))
        found_ = people.people_of(world["district_staff"].viewer(), page_of(world["district_staff"], whole))
        assert found_.total == 3 and sorted(found_.by_estate) == [("天鹅园", 1, True), ("榕树园", 2, True)]
        work = figures.work_of(whole)
        assert (work.minutes, work.count) == (105, 3)
        assert work.gatherings == [("楼道清扫", 1, 75)] and work.services == [("量血压", 1, 30)]
        rows = queries.list_teams(world["district_staff"].viewer(), queries.Wanted(kind="corps")).items
        assert [(row.name, row.people) for row in rows] == [("青禾巾帼总队", 3)]


def test_hours_count_from_the_day_of_joining_to_the_day_of_leaving(app: Flask, world: World, at: Clock) -> None:
    with app.app_context():
        team = found(world, "甲队", "banyan")
        join(world, team, "volunteer1")
        since(membership(team, world["volunteer1"].id).id, clock.day_bounds(date(2026, 11, 10))[0])
        for day, minutes in ((date(2026, 11, 9), 1), (date(2026, 11, 10), 2), (date(2026, 11, 18), 4)):
            serve(world, "volunteer1", minutes, clock.day_bounds(day)[0] + timedelta(hours=9))
        begin_write()
        workflow.leave(world["volunteer1"].viewer(), page_of(world["volunteer1"], team))
        db.session.commit()
        serve(world, "volunteer1", 8, clock.day_bounds(date(2026, 11, 19))[0] + timedelta(hours=1))
        at(MOMENT + timedelta(days=5))
        assert figures.work_of(team).minutes == 6
        assert figures.figures_of([team], *figures.this_year())[team] == figures.Figures(1, 6, 2)


def test_the_list_is_narrowed_and_exported(app: Flask, world: World) -> None:
    with app.app_context():
        found(world, "=甲队", "banyan")
        found(world, "巾帼先锋", "banyan", kind="vanguard")
    client = browser(app, world["secretary"])
    assert "巾帼先锋" not in client.get("/teams?q=甲").text
    assert "甲队" not in client.get("/teams?kind=vanguard").text
    assert "没有符合条件的队伍" in client.get("/teams?q=没有").text
    answer = post(client, "/teams/export", page="/teams")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["名称"] for row in rows] == ["'=甲队", "巾帼先锋"]
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "export_teams")).one()
        assert event.details["rows"] == 2


def test_the_api_tells_the_teams_of_a_volunteer(app: Flask, world: World) -> None:
    with app.app_context():
        for name in ("乙队", "甲队"):
            join(world, found(world, name, "banyan"), "volunteer1")
    items = caller(app, world["secretary"]).get("/volunteers").json["items"]  # type: ignore[index]
    teams = {item["name"]: item["teams"] for item in items}
    assert teams["陈一"] == ["乙队", "甲队"] and teams["陈二"] == []
    assert "乙队、甲队" in browser(app, world["secretary"]).get("/volunteers").text
