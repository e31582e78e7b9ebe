"""Certificates: truthful, checkable by anyone who holds the number, printable by those who may see the name."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask

from core import clock
from core.database import begin_write, db
from tests.factories import World, browser, caller
from tests.services.orders.site import Site
from tests.volunteers.hours.test_api import credit
from volunteers.certificates.workflow import new_number


def issue(app: Flask, world: World) -> dict[str, str]:
    """A certificate of the first volunteer for this year."""
    today = clock.today()
    body = {"from": today.replace(month=1, day=1).isoformat(), "to": today.isoformat()}
    answer = caller(app, world["volunteer1"]).post("/volunteers/me/certificates", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.get_json()
    return found


@pytest.fixture
def entry(app: Flask, world: World, at: object) -> str:
    """One credited service of the first volunteer, yesterday."""
    with app.app_context():
        begin_write()
        made = credit(world, 90)
        db.session.commit()
        return made


def test_anyone_can_check_a_number(app: Flask, world: World, entry: str) -> None:
    made = issue(app, world)
    assert made["total_minutes"] == 90
    page = browser(app, None).get(made["verify_url"])
    assert page.status_code == 200
    assert "陈*" in page.text and "陈一" not in page.text and "1.5小时" in page.text and "榕树园党支部" in page.text
    spaced = made["number"].lower()
    assert browser(app, None).get(f"/certificates?number={spaced[:8]}-{spaced[8:]}").location.endswith(made["number"])


def test_a_wrong_number_is_not_found(app: Flask, world: World) -> None:
    for number in ("20261118AAAAAAAA", "x", new_number(clock.today())):
        answer = browser(app, None).get(f"/certificates/{number}")
        assert answer.status_code == 404 and "没有这个编号" in answer.text


def test_a_later_correction_shows(app: Flask, world: World, entry: str, at: object) -> None:
    made = issue(app, world)
    clock.set_now(clock.now() + timedelta(hours=2))
    caller(app, world["secretary"]).post(f"/hours/{entry}/correct", {"minutes": 60, "reason": "核对后更正"})
    page = browser(app, None).get(made["verify_url"]).text
    assert "有更正，现在是1小时" in page


def test_the_paper_is_for_owner_and_branch(app: Flask, world: World, entry: str) -> None:
    made = issue(app, world)
    for name in ("volunteer1", "secretary", "staff"):
        answer = browser(app, world[name]).get(made["pdf_url"])
        assert answer.status_code == 200 and answer.data.startswith(b"%PDF-")
    for name in ("volunteer2", "outsider", "admin"):
        assert browser(app, world[name]).get(made["pdf_url"]).status_code == 404
    assert browser(app, None).get(made["pdf_url"]).status_code == 302


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [(-2, -5, "结束日期不能早于开始日期"), (-2, 3, "结束日期不能晚于今天"), (-90, -60, "这段时间没有服务时长")],
)
def test_periods_that_do_not_go(app: Flask, world: World, entry: str, first: int, last: int, text: str) -> None:
    days = [(clock.today() + timedelta(days=n)).isoformat() for n in (first, last)]
    answer = caller(app, world["volunteer1"]).post("/volunteers/me/certificates", {"from": days[0], "to": days[1]})
    assert answer.status_code == 422 and text in answer.get_json()["detail"]


def test_the_form_issues_too(app: Flask, world: World, entry: str) -> None:
    client = browser(app, world["volunteer1"])
    token = client.get("/certificates/new").text.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"csrf_token": token, "first": "2026-01-01", "last": clock.today().isoformat()}
    answer = client.post("/certificates/new", data=data)
    assert answer.status_code == 302 and answer.location.startswith("/certificates/2026")
    assert "1.5小时" in client.get("/certificates/new").text
    assert client.post("/certificates/new", data=data | {"last": "2030-01-01"}).status_code == 422


def compare(app: Flask, made: dict[str, str], data: bytes) -> str:
    """What the public page says about a file."""
    client = browser(app, None)
    token = client.get(made["verify_url"]).text.split('name="csrf_token" value="')[1].split('"')[0]
    sent = {"csrf_token": token, "file": (io.BytesIO(data), "证明.pdf")}
    answer = client.post(made["verify_url"] + "/compare", data=sent)
    return f"{answer.status_code} {answer.text}"


def test_a_changed_pdf_is_told_from_the_one_that_was_issued(app: Flask, world: World, entry: str, at: object) -> None:
    made = issue(app, world)
    owner = browser(app, world["volunteer1"])
    data = owner.get(made["pdf_url"]).data
    assert "与签发时一致" in compare(app, made, data)
    assert "被改动过" in compare(app, made, data.replace(b"/Title", b"/Titel", 1))
    assert "没有本系统的封记" in compare(app, made, data + b"more")
    assert "没有本系统的封记" in compare(app, made, data[:-50])
    other = issue(app, world)
    assert "另一份证明" in compare(app, other, data)
    assert compare(app, made, b"x" * (2 * 1024 * 1024 + 5)).startswith("422")
    clock.set_now(clock.now() + timedelta(hours=2))
    caller(app, world["secretary"]).post(f"/hours/{entry}/correct", {"minutes": 60, "reason": "核对后更正"})
    assert "与签发时一致" in compare(app, made, owner.get(made["pdf_url"]).data), "a paper says what was issued"


def test_hours_recorded_later_are_no_correction(app: Flask, world: World, entry: str, at: object) -> None:
    made = issue(app, world)
    assert "没有变动" in browser(app, None).get(made["verify_url"]).text
    with app.app_context():
        begin_write()
        credit(world, 30)
        db.session.commit()
    page = browser(app, None).get(made["verify_url"]).text
    assert "又记入了" in page and "合计2小时（出具时1.5小时）" in page and "有更正" not in page


def test_a_withdrawn_certificate_says_so(app: Flask, world: World, entry: str) -> None:
    made = issue(app, world)
    site = Site(app, world)
    path, action = made["verify_url"], made["verify_url"] + "/withdraw"
    assert "/withdraw" not in site.get("volunteer1", path).text
    assert "/withdraw" not in site.get("outsider", path).text
    assert site.send("secretary", path, action, reason="").status_code == 422
    assert site.send("secretary", path, action, reason="开错了期间").status_code == 303
    page = browser(app, None).get(path).text
    assert "这份证明已撤回" in page and "开错了期间" in page and "证明属实" not in page
    assert browser(app, world["volunteer1"]).get(made["pdf_url"]).status_code == 200


def test_guessing_numbers_is_slowed(app: Flask, world: World) -> None:
    client = browser(app, None)
    seen = [client.get(f"/certificates/{new_number(clock.today())}").status_code for _ in range(40)]
    assert seen[0] == 404 and seen[-1] == 429
