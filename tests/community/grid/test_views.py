"""Pages of the grid: scope, marks, search, people by hand, stale pages, reveals, imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from community.grid.models import Household, Person, PersonPhone, RollImport
from core import audit
from core.audit import Event
from core.database import db
from tests.community.grid.conftest import ROWS, World, roll_bytes, upload

SignIn = Callable[[str], FlaskClient]
DATA = {"name": "沈玉兰", "relation": "户主", "is_householder": "y", "sex": "2", "political_status": "13",
        "care": ["独居"]}  # fmt: skip


def addresses(world: World) -> list[str]:
    return [
        f"/estates/{world.estate}",
        f"/buildings/{world.building}",
        f"/buildings/{world.building}?household={world.household}",
        f"/households/{world.household}",
        f"/people/{world.person}",
        f"/people/{world.person}/edit",
        f"/people/{world.person}/move",
        f"/people/new?household={world.household}",
        "/people?q=syl",
        "/imports",
    ]


def test_every_page_opens_for_the_secretary(signed_in: SignIn, world: World) -> None:
    client = signed_in("secretary")
    for address in addresses(world):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.text.count("<h1") == 1, address


def test_nothing_of_it_opens_for_the_secretary_next_door(signed_in: SignIn, world: World) -> None:
    client = signed_in("outsider")
    for address in addresses(world)[:8]:
        assert client.get(address).status_code == 404, address
    assert world.person not in client.get("/people?q=沈玉兰").text
    assert client.post(f"/people/{world.person}/edit", data=DATA).status_code == 404
    assert client.post(f"/people/{world.person}/reveal", data={"field": "phone", "reason": "x"}).status_code == 404


def test_the_administrator_has_no_residents(signed_in: SignIn, world: World) -> None:
    client = signed_in("admin")
    assert {client.get(address).status_code for address in addresses(world)} == {403}


def test_a_steward_sees_the_own_building_without_names_and_difficulties(
    app: Flask, signed_in: SignIn, world: World
) -> None:
    client = signed_in("steward")
    page = client.get(f"/buildings/{world.building}?household={world.household}").text
    assert "沈**" in page
    assert "沈玉兰" not in page
    assert "独居" not in page
    assert "困难家庭" not in page
    with app.app_context():
        far = db.session.scalars(select(Household.building_id).where(Household.label == "4栋1单元301")).one()
    assert client.get(f"/buildings/{far}").status_code == 404
    assert "单雅春" not in client.get("/people?q=syc").text
    assert "4栋" not in client.get(f"/estates/{world.estate}").text


def test_the_picture_marks_homes_by_words_too(signed_in: SignIn, world: World) -> None:
    page = signed_in("secretary").get(f"/buildings/{world.building}").text
    for words in ("3栋2单元501，困难家庭", "3栋2单元502，党员户", "3栋1单元101，空置"):
        assert words in page


def test_phones_and_numbers_are_masked(signed_in: SignIn, world: World) -> None:
    client = signed_in("secretary")
    for address in addresses(world)[:8]:
        page = client.get(address).text
        assert "13900001111" not in page
        assert "110101194808100422" not in page
    assert "139****1111" in client.get(f"/households/{world.household}").text


@pytest.mark.parametrize(
    "q", ["沈玉兰", "玉兰", "SYL", "3-2-501", "3栋2单元501", "1111", "139 0000 1111", "110101194808100422"]
)
def test_a_person_is_found_by_whatever_one_has(signed_in: SignIn, world: World, q: str) -> None:
    page = signed_in("secretary").get("/people", query_string={"q": q}).text
    assert f"/people/{world.person}" in page


@pytest.mark.parametrize("q", ["", "%", "' OR 1=1 --", "<script>alert(1)</script>", "９" * 500, "不存在", "9-9-999"])
def test_odd_searches_find_nothing_and_break_nothing(signed_in: SignIn, q: str) -> None:
    answer = signed_in("secretary").get("/people", query_string={"q": q})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "沈玉兰" not in answer.text


def test_a_person_is_registered_and_changed_with_history(app: Flask, signed_in: SignIn, world: World) -> None:
    client = signed_in("grid_worker")
    address = f"/people/new?household={world.neighbour}"
    data = {**DATA, "name": "钟 望北\0", "phones": "１３９００００４４４４", "note": "<i>轮椅</i>"}
    wrong = client.post(address, data={**data, "name": "a1", "phones": "123", "birth_date": "2026-02-30"})
    assert wrong.status_code == 422
    for text in ("姓名要写中文或英文名字", "手机号要11位", "日期写成"):
        assert text in wrong.text
    assert client.post(address, data={**data, "name": "钟望北"}).status_code == 302
    with app.app_context():
        someone = db.session.scalars(select(Person).where(Person.name == "钟望北")).one()
        assert someone.household_id == world.neighbour
        assert db.session.scalar(select(PersonPhone.person_id).where(PersonPhone.person_id == someone.id))
        person_id = someone.id
    page = client.get(f"/people/{person_id}").text
    assert "&lt;i&gt;轮椅" in page
    changed = {**DATA, "name": "钟望北", "relation": "子", "version": "1"}
    assert client.post(f"/people/{person_id}/edit", data=changed).status_code == 302
    page = client.get(f"/people/{person_id}").text
    assert "与户主关系 户主 → 子" in page
    assert "备注已更新" in page
    with app.app_context():
        assert list(audit.verify()) == []


def test_an_id_number_is_given_once(signed_in: SignIn, world: World) -> None:
    data = {**DATA, "name": "钟望北", "id_number": "110101194808100422"}
    answer = signed_in("secretary").post(f"/people/new?household={world.neighbour}", data=data)
    assert answer.status_code == 422
    assert "这个身份证号已经登记给沈玉兰" in answer.text


def test_a_stale_page_shows_what_changed_and_keeps_what_was_typed(signed_in: SignIn, world: World) -> None:
    first, second = signed_in("secretary"), signed_in("grid_worker")
    address = f"/people/{world.person}/edit"
    assert first.post(address, data={**DATA, "relation": "母亲", "version": "1"}).status_code == 302
    stale = second.post(address, data={**DATA, "note": "我写的备注", "version": "1"})
    assert stale.status_code == 409
    for text in ("别人刚刚改过", "与户主关系", "母亲", "我写的备注", 'name="version" value="2"'):
        assert text in stale.text
    assert second.post(address, data={**DATA, "note": "我写的备注", "version": "2"}).status_code == 302
    assert second.post(address, data={**DATA, "version": "junk"}).status_code == 409


def test_people_move_out_and_back(app: Flask, signed_in: SignIn, world: World) -> None:
    client, address = signed_in("secretary"), f"/people/{world.person}/move"
    for data, text in (
        ({"kind": "house", "door": "天上人间"}, "读不懂"),
        ({"kind": "house", "door": "9栋9单元901"}, "没有这个门牌"),
        ({"kind": "house", "door": "3-2-501"}, "现在就住这一户"),
        ({"kind": "house"}, "请填搬到哪一户"),
        ({"kind": "nowhere"}, "请选搬到哪里"),
        ({"kind": "out", "on": "2999-01-01"}, "不能晚于今天"),
    ):
        answer = client.post(address, data={**data, "version": "1"})
        assert answer.status_code == 422, data
        assert text in answer.text
    assert client.post(address, data={"kind": "house", "door": "3-2-502", "version": "1"}).status_code == 302
    assert client.post(address, data={"kind": "out", "on": "2026-11-01", "version": "1"}).status_code == 409
    assert client.post(address, data={"kind": "out", "on": "2026-11-01", "version": "2"}).status_code == 302
    with app.app_context():
        gone = db.session.get_one(Person, world.person)
        assert (gone.household_id, str(gone.moved_out_on)) == (None, "2026-11-01")
    assert "搬走" in client.get(f"/people/{world.person}").text
    assert client.post(address, data={"kind": "house", "door": "3栋2单元501", "version": "3"}).status_code == 302
    assert "3栋2单元502 → " in client.get(f"/people/{world.person}").text


def test_a_number_is_revealed_once_with_a_reason(app: Flask, signed_in: SignIn, world: World) -> None:
    client, address = signed_in("secretary"), f"/people/{world.person}/reveal"
    assert "请写明查看的原因" in client.post(address, data={"field": "phone", "reason": " "}).text
    assert client.post(address, data={"field": "password", "reason": "看看"}).status_code == 422
    assert "13900001111" in client.post(address, data={"field": "phone", "reason": "约上门"}).text
    assert "110101194808100422" in client.post(address, data={"field": "id_number", "reason": "核对"}).text
    assert "13900001111" not in client.get(f"/people/{world.person}").text
    with app.app_context():
        events = db.session.scalars(select(Event).where(Event.verb == "reveal").order_by(Event.number)).all()
        assert [(e.details["field"], e.reason) for e in events] == [("phone", "约上门"), ("id_number", "核对")]
        assert "13900001111" not in str([e.details for e in events])
    assert signed_in("steward").post(address, data={"field": "phone", "reason": "看看"}).status_code == 403


def test_a_roll_is_looked_at_then_confirmed(app: Flask, signed_in: SignIn, world: World) -> None:
    client = signed_in("secretary")
    rows = [row for row in ROWS if row[4] != "黎望舒"] + [("5栋", "1单元", "101", "户主", "蓝岁安", *[""] * 6)]
    uploaded = client.post("/imports/upload", data=upload(roll_bytes(rows), estate=world.estate))
    assert uploaded.status_code == 302, uploaded.text
    page = client.get(uploaded.location).text
    for text in ("还没有写进去", "黎**", "未导入的行", "姓名“&lt;b&gt;单雅春", "蓝**"):
        assert text in page
    assert "黎望舒" not in page
    with app.app_context():
        row = db.session.scalars(select(RollImport)).one()
        assert row.sealed_file and "PK" not in row.sealed_file[:2]
        leaver = row.summary["leavers"]
    assert client.get(f"{uploaded.location}/refused.xlsx").data[:2] == b"PK"
    assert signed_in("outsider").get(uploaded.location).status_code == 404
    confirmed = client.post(f"{uploaded.location}/confirm", data={"leaving": [*leaver, world.other_person]})
    assert confirmed.status_code == 302
    assert "1人登记为搬走" in client.get(confirmed.location).text
    assert client.post(f"{uploaded.location}/confirm").status_code == 409
    assert client.post(f"{uploaded.location}/drop").status_code == 409
    with app.app_context():
        row = db.session.scalars(select(RollImport)).one()
        assert (row.state, row.sealed_file) == ("done", None)
        assert db.session.get_one(Person, world.other_person).moved_out_on is None
        assert db.session.scalars(select(Person.moved_out_on).where(Person.name == "黎望舒")).one()
        assert db.session.scalars(select(Person).where(Person.name == "蓝岁安")).one()


def test_a_roll_is_dropped_and_its_contents_are_gone(app: Flask, signed_in: SignIn, world: World) -> None:
    client = signed_in("community")
    uploaded = client.post("/imports/upload", data=upload(roll_bytes(), estate=world.estate))
    assert client.post(f"{uploaded.location}/drop").status_code == 302
    assert "没有导入" in client.get(uploaded.location, follow_redirects=True).text
    assert client.get(f"{uploaded.location}/refused.xlsx").status_code == 404
    with app.app_context():
        row = db.session.scalars(select(RollImport)).one()
        assert (row.state, row.sealed_file, row.sealed_refused) == ("dropped", None, None)


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        (b"", "a.xlsx", "文件是空的"),
        (b"PK\x03\x04 broken", "a.xlsx", "打不开"),
        (b"hello", "a.pdf", "只能读"),
        ("姓名,年纪\n".encode("utf-16"), "a.csv", "文字编码"),
        (b"a,b\n1,2\n", "a.csv", "没有找到表头"),
        (b"x\n" * 90_000, "a.csv", "一次最多导入20,000行"),
    ],
)
def test_a_bad_file_says_what_to_do(signed_in: SignIn, world: World, data: bytes, name: str, text: str) -> None:
    answer = signed_in("secretary").post("/imports/upload", data=upload(data, name, estate=world.estate))
    assert answer.status_code == 422
    assert text in answer.text


def test_rolls_go_only_into_estates_within_reach(signed_in: SignIn, world: World) -> None:
    client = signed_in("secretary")
    answer = client.post("/imports/upload", data=upload(roll_bytes(), estate=world.other_estate))
    assert answer.status_code == 422
    assert "请选名册是哪个小区的" in answer.text
    assert client.post("/imports/upload", data={"estate": world.estate}).status_code == 422
    assert signed_in("grid_worker").get("/imports").status_code == 403


def test_a_team_roll_goes_the_same_way(signed_in: SignIn, world: World) -> None:
    client = signed_in("secretary")
    text = "姓名,联系电话,特长,服务时间\n沈玉兰,13900001111,量血压,周六上午\n甘露,13911113333,屠龙,随时\n"
    uploaded = client.post("/imports/upload", data=upload(text.encode(), "team.csv", estate=world.estate))
    page = client.get(uploaded.location).text
    assert "志愿者名册" in page
    assert "特长“屠龙”没有读懂" in page
    assert client.post(f"{uploaded.location}/confirm").status_code == 302
    assert "志愿者户" in client.get(f"/buildings/{world.building}").text


def test_pages_ask_the_database_little(signed_in: SignIn, world: World, statements: Callable[[], Any]) -> None:
    client = signed_in("secretary")
    for address in [*addresses(world), "/people?q=1111", "/estates"]:
        with statements() as seen:
            client.get(address)
        assert len(seen) <= 6, (address, seen)
