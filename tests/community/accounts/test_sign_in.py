"""Signing in, staying signed in, changing a password, signing out."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from community.accounts import workflow
from community.accounts.models import Account
from core import clock
from core.access import Viewer
from core.database import begin_write, db
from tests.community.making import PASSWORD, PHONES, Browser, Town, as_, statements

WRONG = "手机号或密码不对"
LOCKED = "试的次数太多了，请5分钟后再试"


def test_a_signed_in_person_is_led_home_and_known(app: Flask, town: Town) -> None:
    browser = Browser(app)
    answer = browser.sign_in("199 0000-0001")
    assert (answer.status_code, answer.location) == (302, "/")
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session="))
    assert "Expires" in cookie and "HttpOnly" in cookie
    assert "沈月娥" in browser.get("/me").text
    assert browser.get("/sign-in").location == "/"


@pytest.mark.parametrize("phone", [PHONES["resident"], "13999999999"])
def test_a_wrong_password_says_the_same_for_known_and_unknown_phones(app: Flask, town: Town, phone: str) -> None:
    browser = Browser(app)
    for _ in range(5):
        answer = browser.sign_in(phone, "nonsense")
        assert answer.status_code == 422 and WRONG in answer.text
        assert f'value="{phone}"' in answer.text and "nonsense" not in answer.text
    answer = browser.sign_in(phone, PASSWORD)
    assert answer.status_code == 429 and LOCKED in answer.text and f'value="{phone}"' in answer.text


def test_the_lock_opens_after_its_time(app: Flask, town: Town) -> None:
    browser = Browser(app)
    try:
        for _ in range(5):
            browser.sign_in("resident", "nonsense")
        clock.set_now(datetime.now(UTC) + timedelta(minutes=5, seconds=1))
        assert browser.sign_in("resident").status_code == 302
    finally:
        clock.set_now(None)


def test_bad_input_comes_back_with_what_to_mend(app: Flask, town: Town) -> None:
    answer = Browser(app).sign_in('1380000<b>"', "")
    assert answer.status_code == 422
    assert "手机号只能填数字" in answer.text and "请填密码" in answer.text
    assert "1380000&lt;b&gt;" in answer.text and "<b>" not in answer.text


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/posts?cursor=a&x=%E6%A6%95", "/posts?cursor=a&x=%E6%A6%95"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/%0d%0aLocation: x", "/"),
        ("/\tevil", "/"),
        ("", "/"),
    ],
)
def test_next_leads_only_to_this_site(app: Flask, town: Town, asked: str, reached: str) -> None:
    browser = Browser(app)
    answer = browser.post("/sign-in", {"phone": PHONES["secretary"], "password": PASSWORD, "next": asked})
    assert answer.location == reached


def test_who_is_not_signed_in_comes_back_to_the_page_asked_for(app: Flask, town: Town) -> None:
    browser = Browser(app)
    answer = browser.get("/posts?x=榕")
    assert answer.status_code == 302
    page = browser.get(answer.location)
    assert 'name="next"' in page.text and 'value="/posts?x=%E6%A6%95"' in page.text


def age(browser: Browser, seconds: int) -> None:
    with browser.client.session_transaction() as session:
        session["seen"] = int(time.time()) - seconds


def test_staff_time_out_after_minutes_and_residents_after_days(app: Flask, town: Town) -> None:
    staff, resident = as_(app, "secretary"), as_(app, "resident")
    for browser, allowed in ((staff, 30 * 60), (resident, 30 * 86400)):
        assert browser.get("/me").status_code == 200
        age(browser, allowed - 60)
        assert browser.get("/me").status_code == 200
        age(browser, allowed + 60)
        answer = browser.get("/me")
        assert answer.status_code == 302 and answer.location.startswith("/sign-in")
        assert "请重新登录" in browser.get(answer.location).text


def test_a_first_password_must_be_changed_before_anything_else(app: Flask, town: Town) -> None:
    with app.app_context():
        begin_write()
        db.session.query(Account).filter_by(person_id=town.resident).update({"must_change": True})
        db.session.commit()
    browser = as_(app, "resident")
    assert browser.get("/inbox").location == "/me/password"
    page = browser.get("/me/password")
    assert "先换一个自己的密码" in page.text
    change = {"old": PASSWORD, "new": "Camphor-77-tree", "again": "Camphor-77-tree"}
    answer = browser.post("/me/password", change, page="/me/password")
    assert answer.location == "/"
    assert browser.get("/inbox").status_code == 200
    assert Browser(app).sign_in("resident").status_code == 422
    assert Browser(app).sign_in("resident", "Camphor-77-tree").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("nonsense", "Camphor-77-tree", "Camphor-77-tree", "现在的密码不对"),
        (PASSWORD, "short1A", "short1A", "密码至少8位，您填了7位"),
        (PASSWORD, "alllowercase", "alllowercase", "三种"),
        (PASSWORD, "Password1", "Password1", "太常见"),
        (PASSWORD, "Camphor-77-tree", "Camphor-77", "两次填的新密码不一样"),
        (PASSWORD, PASSWORD, PASSWORD, "新密码不能和旧密码一样"),
        (PASSWORD, "", "", "请填新密码"),
    ],
)
def test_a_new_password_is_refused_with_the_reason(
    app: Flask, town: Town, old: str, new: str, again: str, said: str
) -> None:
    browser = as_(app, "resident")
    answer = browser.post("/me/password", {"old": old, "new": new, "again": again}, page="/me/password")
    assert answer.status_code == 422 and said in answer.text


def test_changing_the_password_ends_the_other_sign_ins(app: Flask, town: Town) -> None:
    here, there = as_(app, "resident"), as_(app, "resident")
    change = {"old": PASSWORD, "new": "Camphor-77-tree", "again": "Camphor-77-tree"}
    assert here.post("/me/password", change, page="/me/password").location == "/me"
    assert here.get("/me").status_code == 200
    assert there.get("/me").status_code == 302


def test_signing_out_ends_the_sign_in_itself(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    kept = browser.client.get_cookie("session")
    assert kept is not None
    assert browser.post("/sign-out", page="/me").location == "/sign-in"
    thief = app.test_client()
    thief.set_cookie("session", kept.value)
    assert thief.get("/me").status_code == 302


def test_a_disabled_account_is_out_at_once(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    with app.app_context():
        begin_write()
        account = db.session.query(Account).filter_by(person_id=town.resident).one()
        workflow.set_disabled(Viewer("someone", "someone", "管春"), account, town.estate, True)
        db.session.commit()
    assert browser.get("/me").status_code == 302
    assert WRONG in Browser(app).sign_in("resident").text


def test_a_form_without_its_token_is_refused(app: Flask, town: Town) -> None:
    answer = app.test_client().post("/sign-in", data={"phone": PHONES["resident"], "password": PASSWORD})
    assert answer.status_code == 400


def test_a_signed_in_page_needs_one_statement_to_know_who_asks(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    with statements(app) as sent:
        browser.get("/me/password")
    assert len(sent) == 1
