"""The record to take away: a workbook with every entry, a paper with those that stand, each taking on the trail."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from core.audit import Event
from core.database import db
from tests.factories import World
from tests.services.orders.site import Site
from tests.volunteers.making import give, moment, submit
from volunteers.hours.exports import HEADERS

PERIOD = {"first": "2026-10-01", "last": "2026-10-31"}
WHERE = {"place": "榕树园1栋1单元", "body": "榕树园党支部", "in_charge": "王书记", "source": "order"}


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    """October: an hour with place and body, and a correction of another; a service in September."""
    site = Site(app, world)
    entries = give(app, world, {"start": moment(10, 10, 9), **WHERE}, {"start": moment(10, 11, 9), "content": "=1+1"},
                   {"start": moment(9, 1)})  # fmt: skip
    desk = f"/volunteers/{site.id('volunteer1')}/hours"
    submit(site, "secretary", f"{desk}/{entries[1]}", minutes="45", reason="多记了路上的时间")
    award = f"/volunteers/{site.id('volunteer1')}/honours/award"
    submit(site, "secretary", award, name="年度优秀志愿者", body="东街道", awarded_on="2026-03-05")
    return site


def rows(data: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_the_workbook_holds_every_entry(site: Site) -> None:
    answer = submit(site, "volunteer1", "/hours/take", kind="xlsx", **PERIOD)
    assert answer.status_code == 200 and answer.mimetype.endswith("spreadsheetml.sheet")
    table = rows(answer.data)
    assert "陈一 2026年10月1日至2026年10月31日" in table[0][0]
    assert tuple(table[1]) == HEADERS
    assert table[2][1:9] == [
        "2026-10-10", "09:00", "10:00", "助老购物", "榕树园1栋1单元", 60, "榕树园党支部", "王书记"
    ]  # fmt: skip
    assert [row[6] for row in table[2:6]] == [60, 60, -60, 45]
    assert sorted(row[12] or "" for row in table[2:6]) == ["", "冲销", "已更正", "更正后"]
    total = next(row for row in table if row[0] == "合计")
    assert (total[4], total[6], total[7]) == ("2次", 105, "1.8小时")
    assert any(row[0] == "荣誉" and row[4] == "年度优秀志愿者" for row in table)
    number = next(row[1] for row in table if row[0] == "志愿者编号")
    assert isinstance(number, str) and number.startswith("V")
    assert [row[4] for row in table[2:6]].count("=1+1") == 3
    with site.app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "export_hours")).one()
    assert (event.details["kind"], event.details["rows"], event.actor_id) == ("xlsx", 4, site.id("volunteer1"))


def test_the_paper_is_a_pdf(site: Site) -> None:
    answer = submit(site, "volunteer1", "/hours/take", kind="pdf", **PERIOD)
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_paper_of_many_pages(site: Site) -> None:
    start = moment(1, 1, 6)
    give(site.app, site.world, *[
        {"start": start + timedelta(hours=2 * n), "minutes": 30, "content": "上门探访" * 12, **WHERE}
        for n in range(120)
    ])  # fmt: skip
    answer = submit(site, "volunteer1", "/hours/take", kind="pdf", first="2026-01-01", last="2026-10-31")
    pages = answer.data.count(b"/Type /Page\n") or answer.data.count(b"/Type /Page ")
    assert answer.status_code == 200 and pages >= 5


def test_nothing_given_is_a_record_too(site: Site) -> None:
    for kind in ("xlsx", "pdf"):
        assert submit(site, "volunteer2", "/hours/take", kind=kind, first="", last="").status_code == 200


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"first": "2026-11-01", "last": "2026-10-01"}, "结束日期不能早于开始日期"), ({"first": "x"}, "日期写成"),
        ({"kind": "doc"}, "没填好"),
    ],
)  # fmt: skip
def test_wrong_periods_say_why(site: Site, values: dict[str, str], text: str) -> None:
    answer = submit(site, "volunteer1", "/hours/take", **{"kind": "xlsx", **PERIOD, **values})
    assert answer.status_code == 422 and text in answer.text


def test_the_branch_takes_it_too_and_nobody_else(site: Site) -> None:
    path = f"/volunteers/{site.id('volunteer1')}/hours/take"
    assert submit(site, "secretary", path, kind="xlsx", **PERIOD).status_code == 200
    for name, status in (("outsider", 404), ("cement_secretary", 404), ("volunteer2", 403), ("resident", 403)):
        assert submit(site, name, path, kind="xlsx", **PERIOD).status_code == status
        assert site.get(name, path).status_code == status
