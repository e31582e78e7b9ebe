"""Posts: who may give which, where, and for how long."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from community.organisations.models import Appointment
from community.organisations.queries import posts_of
from core import clock
from core.access import Role
from core.audit import Event
from core.database import db
from tests.community.making import Town, as_, statements


def form(role: Role, organisation: str, **more: str) -> dict[str, str]:
    return {"role": role.value, "organisation": organisation, "starts_on": clock.today().isoformat(), **more}


def give(app: Flask, who: str, person: str, data: dict[str, str]) -> tuple[int, str]:
    page = f"/posts/new?person={person}"
    answer = as_(app, who).post(page, data, page=page)
    return answer.status_code, answer.text


def test_a_secretary_sees_her_branch_and_no_other(app: Flask, town: Town) -> None:
    browser = as_(app, "secretary")
    with statements(app) as sent:
        page = browser.get("/posts").text
    assert len(sent) <= 6
    assert "榕树花园党支部" in page and "覃立冬" in page and "3栋党小组" in page
    assert "水泥厂党支部" not in page and "望月社区" not in page
    assert "水泥厂党支部" in as_(app, "staff").get("/posts").text
    assert as_(app, "resident").get("/posts").status_code == 403


def test_a_person_is_found_by_name_or_initials_within_reach(app: Flask, town: Town) -> None:
    browser = as_(app, "secretary")
    for q in ("王秀", "wx", "WXL"):
        assert "王秀兰" in browser.get(f"/posts/new?q={q}").text
    assert "没有找到“外小区”" in browser.get("/posts/new?q=外小区").text
    assert "没有找到“&lt;b&gt;”" in browser.get("/posts/new?q=<b>").text
    assert "没有找到" in browser.get("/posts/new?q=%25").text
    assert browser.get(f"/posts/new?person={town.stranger}").status_code == 404


def test_a_post_is_given_seen_and_ended(app: Flask, town: Town) -> None:
    assert give(app, "secretary", town.neighbour, form(Role.BUILDING_STEWARD, town.group))[0] == 302
    browser = as_(app, "secretary")
    assert "楼栋长" in browser.get("/posts").text
    with app.app_context():
        assert [post.role for post in posts_of(town.neighbour)] == [Role.BUILDING_STEWARD]
        post = db.session.scalars(select(Appointment).where(Appointment.person_id == town.neighbour)).one()
        seen = db.session.scalars(select(Event).where(Event.subject_id == post.id)).one()
        assert (seen.verb, seen.estate_id, seen.actor_name) == ("appoint", town.estate, "覃立冬")
        ending = f"/posts/{post.id}/end"
    wrong = browser.post(ending, {"on": "2020-01-01"}, page=ending)
    assert wrong.status_code == 422 and "结束日期不能早于开始日期" in wrong.text
    assert browser.post(ending, {"on": clock.today().isoformat()}, page=ending).location == "/posts"
    with app.app_context():
        assert db.session.get_one(Appointment, post.id).ends_on == clock.today()


@pytest.mark.parametrize(
    ("who", "role", "where", "allowed"),
    [
        ("secretary", Role.DEPUTY_SECRETARY, "branch", True),
        ("secretary", Role.VOLUNTEER, "group", True),
        ("secretary", Role.SECRETARY, "branch", False),
        ("secretary", Role.ADMIN, "branch", False),
        ("secretary", Role.GRID_WORKER, "other_branch", False),
        ("staff", Role.SECRETARY, "other_branch", True),
        ("staff", Role.COMMUNITY_STAFF, "community", False),
        ("staff", Role.SECRETARY, "root", False),
        ("admin", Role.SUBDISTRICT_STAFF, "root", True),
        ("admin", Role.RESIDENT, "branch", False),
    ],
)
def test_who_may_give_what_and_where(app: Flask, town: Town, who: str, role: Role, where: str, allowed: bool) -> None:
    status, _ = give(app, who, town.neighbour, form(role, getattr(town, where)))
    assert status == (302 if allowed else 422)
    with app.app_context():
        assert bool(posts_of(town.neighbour)) is allowed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"role": "king"}, "请从列表里选职务"),
        ({"organisation": "nowhere"}, "请从列表里选组织"),
        ({"starts_on": "2026-02-31"}, "日期写成"),
        ({"starts_on": ""}, "请填开始日期"),
        ({"starts_on": "1026-01-01"}, "年份要在2000到2100之间"),
        ({"ends_on": "2020-01-01"}, "结束日期不能早于开始日期"),
    ],
)
def test_bad_input_comes_back_with_what_to_mend(app: Flask, town: Town, change: dict[str, str], said: str) -> None:
    data = form(Role.VOLUNTEER, town.branch) | change
    status, text = give(app, "secretary", town.neighbour, data)
    assert status == 422 and said in text
    if "organisation" not in change:
        assert f'<option selected value="{town.branch}">' in text


def test_the_same_post_is_not_given_twice(app: Flask, town: Town) -> None:
    data = form(Role.VOLUNTEER, town.branch)
    assert give(app, "secretary", town.neighbour, data)[0] == 302
    status, text = give(app, "secretary", town.neighbour, data)
    assert status == 422 and "已经是榕树花园党支部的志愿者" in text


def test_nobody_ends_a_post_that_is_not_theirs_to_give(app: Flask, town: Town) -> None:
    with app.app_context():
        own = db.session.scalars(select(Appointment.id).where(Appointment.person_id == town.secretary)).one()
        others = db.session.scalars(select(Appointment.id).where(Appointment.organisation_id == town.community)).one()
    browser = as_(app, "secretary")
    assert browser.get(f"/posts/{own}/end").status_code == 403
    assert browser.get(f"/posts/{others}/end").status_code == 404
    assert browser.get("/posts/nothing/end").status_code == 404


def test_a_post_that_is_over_stands_apart_and_carries_no_rights(app: Flask, town: Town) -> None:
    data = form(Role.VOLUNTEER, town.branch, starts_on="2025-01-01", ends_on="2025-06-30")
    assert give(app, "secretary", town.neighbour, data)[0] == 302
    assert "已结束 1项" in as_(app, "secretary").get("/posts").text
    with app.app_context():
        assert posts_of(town.neighbour) == []
        post = db.session.scalars(select(Appointment.id).where(Appointment.ends_on == date(2025, 6, 30))).one()
    ending = f"/posts/{post}/end"
    answer = as_(app, "secretary").post(ending, {"on": clock.today().isoformat()}, page=ending)
    assert answer.status_code == 422 and "已经结束" in answer.text
