"""Accounts that staff issue, and one's own page."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from community.accounts import workflow
from community.accounts.models import Account
from community.grid.models import Proxy
from community.organisations.models import Organisation
from core.access import Role
from core.audit import Event
from core.database import begin_write, db
from tests.community.making import PASSWORD, PHONES, Browser, Town, as_, person, post, statements


def account_of(app: Flask, person_id: str) -> str:
    with app.app_context():
        return str(db.session.scalar(select(Account.id).where(Account.person_id == person_id)))


def events(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Event.verb).order_by(Event.at)))


def test_an_account_is_issued_for_a_phone_of_the_roll_and_its_password_shown_once(app: Flask, town: Town) -> None:
    browser, page = as_(app, "secretary"), f"/people/{town.neighbour}/account"
    shown = browser.get(page)
    assert "138****0055" in shown.text and "13800000055" not in shown.text
    answer = browser.post(page, {"which": "0"}, page=page)
    assert answer.status_code == 200
    found = re.search(r'first-password">([^<]+)<', answer.text)
    assert found is not None and "138****0055" in answer.text
    assert found[1] not in browser.get(page).text
    again = browser.post(page, {"which": "0"}, page="/me")
    assert again.status_code == 409 and "已经开过账号" in again.text
    fresh = Browser(app)
    assert fresh.sign_in("13800000055", found[1]).status_code == 302
    assert fresh.get("/me").location == "/me/password"
    assert "issue" in events(app)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"which": "other", "phone": ""}, "请填手机号"),
        ({"which": "other", "phone": "1380000"}, "手机号要11位，您填了7位"),
        ({"which": "7"}, "请选用哪个手机号登录"),
        ({}, "请选用哪个手机号登录"),
        ({"which": "other", "phone": PHONES["resident"]}, "这个手机号已经开过账号"),
    ],
)
def test_issuing_is_refused_with_what_to_mend(app: Flask, town: Town, data: dict[str, str], said: str) -> None:
    browser, page = as_(app, "secretary"), f"/people/{town.neighbour}/account"
    answer = browser.post(page, data, page=page)
    assert answer.status_code == 422 and said in answer.text
    if data.get("phone"):
        assert f'value="{data["phone"]}"' in answer.text


def test_people_of_another_estate_are_not_there(app: Flask, town: Town) -> None:
    browser = as_(app, "secretary")
    page = f"/people/{town.stranger}/account"
    assert browser.get(page).status_code == 404
    assert browser.post(page, {"which": "0"}, page="/me").status_code == 404
    assert browser.get("/people/nobody/account").status_code == 404
    with app.app_context():
        staff = db.session.scalars(select(Account.id, Account.person_id)).all()
    assert "童文" not in browser.get("/accounts").text and len(staff) == 4
    for verb in ("reset", "disable", "enable"):
        assert browser.post(f"/accounts/nothing/{verb}", page="/me").status_code == 404
    assert as_(app, "staff").get(page).status_code == 200


def test_residents_may_not_issue(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    assert browser.get("/accounts").status_code == 403
    assert browser.get(f"/people/{town.neighbour}/account").status_code == 403


def test_nobody_resets_the_password_of_an_equal_or_a_superior(app: Flask, town: Town) -> None:
    secretary, admin = account_of(app, town.secretary), as_(app, "admin")
    own = as_(app, "secretary").post(f"/accounts/{secretary}/reset", page="/me")
    assert own.status_code == 403 and "自己的账号" in own.text
    answer = admin.post(f"/accounts/{secretary}/reset", page="/me")
    assert answer.status_code == 200 and "first-password" in answer.text
    with app.app_context():
        begin_write()
        deputy = person("周副", town.estate)
        workflow.create(deputy, "13700000001", PASSWORD, "system")
        post(deputy.id, Role.DEPUTY_SECRETARY, db.session.get_one(Organisation, town.branch), town.estate)
        db.session.commit()
    below = as_(app, "13700000001")
    assert below.post(f"/accounts/{secretary}/disable", page="/me").status_code == 403
    assert "账号请上级办理" in below.get(f"/people/{town.secretary}/account").text
    assert below.post(f"/accounts/{account_of(app, town.resident)}/reset", page="/me").status_code == 200


def test_an_account_is_closed_and_opened_again(app: Flask, town: Town) -> None:
    browser, account = as_(app, "secretary"), account_of(app, town.resident)
    page = f"/people/{town.resident}/account"
    assert browser.post(f"/accounts/{account}/disable", page=page).location == page
    assert "已停用" in browser.get(page).text and "沈月娥" in browser.get("/accounts?state=disabled").text
    assert Browser(app).sign_in("resident").status_code == 422
    browser.post(f"/accounts/{account}/enable", page=page)
    assert Browser(app).sign_in("resident").status_code == 302
    assert {"disable", "enable"} <= set(events(app))


def test_the_list_is_searched_and_paged_by_key_in_few_statements(app: Flask, town: Town) -> None:
    with app.app_context():
        begin_write()
        for n in range(60):
            workflow.create(person(f"居民{n:02d}", town.estate), f"136000000{n:02d}", PASSWORD, "system")
        db.session.commit()
    browser = as_(app, "secretary")
    with statements(app) as sent:
        first = browser.get("/accounts")
    assert len(sent) <= 6 and first.text.count('scope="row"') == 50
    onward = re.search(r'href="(/accounts\?[^"]*cursor=[^"]+)"', first.text)
    assert onward is not None
    second = browser.get(onward[1].replace("&amp;", "&"))
    assert second.text.count('scope="row"') == 12
    assert "沈月娥" in browser.get("/accounts?q=sy").text
    assert browser.get(f"/accounts?q={PHONES['resident']}").text.count('scope="row"') == 1
    assert "没有找到这样的账号" in browser.get("/accounts?q=%25").text
    assert browser.get("/accounts?cursor=nonsense").status_code in (400, 422)


def test_my_page_shows_me_and_masks_my_phone(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    with statements(app) as sent:
        page = browser.get("/me")
    assert "沈月娥" in page.text and "199****0001" in page.text and PHONES["resident"] not in page.text
    assert "3栋1单元501" in page.text and len(sent) <= 6


def test_a_family_member_is_named_and_removed(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    data = {"name": "王秀兰", "phone": "138 0000 0055", "relation": "女儿"}
    assert browser.post("/me/helpers", data, page="/me").location == "/me"
    page = browser.get("/me").text
    assert "王秀兰" in page and "女儿" in page
    again = browser.post("/me/helpers", data, page="/me")
    assert again.status_code == 422 and "已经在名单里" in again.text
    browser.post(f"/me/helpers/{town.neighbour}/drop", page="/me")
    with app.app_context():
        assert db.session.scalars(select(Proxy)).all() == []
    assert browser.post(f"/me/helpers/{town.neighbour}/drop", page="/me").status_code == 404
    assert {"name_helper", "drop_helper"} <= set(events(app))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "别的名", "phone": "13800000055", "relation": "女儿"}, "没有找到姓名和手机号都对得上的人"),
        ({"name": "外小区", "phone": "13800000077", "relation": "女儿"}, "没有找到姓名和手机号都对得上的人"),
        ({"name": "沈月娥", "phone": PHONES["resident"], "relation": "女儿"}, "自己点单不用添加"),
        ({"name": "王秀兰", "phone": "13800000055", "relation": "<b>"}, "请从列表里选"),
        ({"name": "", "phone": "", "relation": ""}, "请填家人姓名"),
        ({"name": "王" * 61, "phone": "13800000055", "relation": "女儿"}, "姓名最多60个字"),
    ],
)
def test_naming_is_refused_with_what_to_mend(app: Flask, town: Town, data: dict[str, str], said: str) -> None:
    answer = as_(app, "resident").post("/me/helpers", data, page="/me")
    assert answer.status_code == 422 and said in answer.text
    assert f'value="{data["name"]}"' in answer.text


def test_who_has_no_home_here_names_nobody(app: Flask, town: Town) -> None:
    data = {"name": "王秀兰", "phone": "13800000055", "relation": "女儿"}
    assert as_(app, "staff").post("/me/helpers", data, page="/me").status_code == 403


def test_an_address_for_notices_is_kept_or_refused(app: Flask, town: Town) -> None:
    browser = as_(app, "resident")
    assert browser.post("/me/email", {"email": "shen@example.com"}, page="/me").location == "/me"
    assert 'value="shen@example.com"' in browser.get("/me").text
    for wrong in ("shen", "shen@example", "a@b.com\nBcc: x@y.com", "沈@example.com"):
        answer = browser.post("/me/email", {"email": wrong}, page="/me")
        assert answer.status_code == 422 and "邮箱写成" in answer.text
    browser.post("/me/email", {"email": ""}, page="/me")
    assert "shen@example.com" not in browser.get("/me").text


def test_the_command_makes_the_first_administrator(app: Flask) -> None:
    runner = app.test_cli_runner()
    call = ["create-admin", "--phone", "19900000091", "--name", "管春", "--password-stdin"]
    done = runner.invoke(args=call, input=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    assert "管理员管春可以登录了" in done.output
    assert as_(app, "admin").get("/jobs").status_code == 200
    assert runner.invoke(args=call, input=PASSWORD + "\n").exit_code == 1
    short = runner.invoke(args=[*call[:2], "19900000092", *call[3:]], input="short\n")
    assert short.exit_code == 1 and "密码至少8位" in short.output
