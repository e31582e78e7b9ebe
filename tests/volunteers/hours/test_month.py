"""A month of orders from end to end: each gives its record; stars, notice, objection, correction; and what a
volunteer's page costs with five thousand entries."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from core import audit, clock, jobs
from core.database import begin_write, db
from core.ids import new_id
from services.orders import workflow
from services.orders.models import Offer, ServiceOrder
from tests.conftest import MOMENT
from tests.factories import World, caller
from tests.services.orders.site import Site, statements
from tests.volunteers.making import decide, moment, submit, tamper
from volunteers.hours import rollups
from volunteers.hours.models import HourEntry

SERVICES, MINUTES = 24, 150


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def serve(site: Site, began: datetime, name: str, minutes: int, stars: str = "5") -> str:
    """An order placed, dispatched, taken, served and rated."""
    clock.set_now(began - timedelta(hours=1))
    order = site.accepted(name)
    clock.set_now(began)
    site.do(lambda viewer: workflow.check_in(viewer, order), name)
    clock.set_now(began + timedelta(minutes=minutes))
    site.do(lambda viewer: workflow.complete(viewer, order, minutes, "已办好"), name)
    site.do(lambda viewer: workflow.rate(viewer, order, int(stars), "谢谢"), "resident")
    return order


def test_a_month_of_orders(site: Site) -> None:
    decide(site.app, site.world, "stars", one=20, two=40, three=60, four=80, five=100, least_rating="40")
    orders = [
        serve(site, moment(10, n + 1, 9), "volunteer1" if n % 2 else "volunteer2", MINUTES) for n in range(SERVICES)
    ]
    clock.set_now(moment(11, 2, 9))
    with site.app.app_context():
        entries = db.session.scalars(select(HourEntry)).all()
        assert {entry.order_id for entry in entries} == set(orders) and len(entries) == SERVICES
        assert {(e.place, e.body, e.in_charge, e.source, e.recorded_late) for e in entries} == {
            ("榕树园1栋1单元", "榕树园党支部", "王书记", "order", False)
        }
        assert all(entry.source_id == entry.order_id for entry in entries)
        assert db.session.scalar(select(func.sum(ServiceOrder.minutes))) == SERVICES * MINUTES
        assert db.session.scalar(select(func.sum(Offer.minutes))) == SERVICES * MINUTES
    # Twelve services of two and a half hours: thirty hours, the first star of this estate, ten hours to the next.
    page = site.get("volunteer1", "/hours").text
    for words in ("累计30小时", "再服务 <strong>10小时</strong>，升为二星级志愿者", "第一次服务", "“谢谢”"):
        assert words in page, words
    assert caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").json["star_level"] == 1
    with site.app.app_context():
        assert jobs.run("roll_hours", "a").outcome == f"汇总{SERVICES}条"  # type: ignore[union-attr]
        assert "全部相符" in jobs.run("prove_hours", "a").outcome  # type: ignore[union-attr]
    _notice_and_objection(site)
    with site.app.app_context():
        assert jobs.run("roll_hours", "b").outcome == "汇总2条"  # type: ignore[union-attr]
        assert "全部相符" in jobs.run("prove_hours", "b").outcome  # type: ignore[union-attr]
        assert list(audit.verify()) == []
        entry = db.session.scalars(select(HourEntry.id).where(HourEntry.minutes == MINUTES).limit(1)).one()
        tamper("hour_entry", "UPDATE hour_entry SET minutes = minutes + 60 WHERE id = :id", id=entry)
        assert "差+60分钟" in jobs.run("prove_hours", "c").outcome  # type: ignore[union-attr]


def _notice_and_objection(site: Site) -> None:
    """October is put on notice; a neighbour objects; the branch corrects; the month is confirmed."""
    desk = "/hours/desk/notices"
    notice = site.send("secretary", desk, "/notices/draft", month="2026-10-01").location.rpartition("/")[2]
    assert site.send("secretary", f"{desk}/{notice}", "/open").status_code == 303
    page = site.get("", f"/notices/hours/{notice}").text
    assert page.count(">30</td>") == 2 and page.count("某志愿者") >= 2
    line = "1" if "这是您" in _line(site.get("volunteer1", f"/notices/hours/{notice}").text, 1) else "2"
    path = f"/notices/hours/{notice}/object"
    assert submit(site, "neighbour", path, line=line, text="2号那次只有一小时").status_code == 303
    dispute = re.search(r"/hours/desk/disputes/(\w+)", site.get("secretary", f"{desk}/{notice}").text)
    assert dispute is not None
    answer_page = f"/hours/desk/disputes/{dispute[1]}"
    entry = re.search(r'name="correct-entry"\s+value="(\w+)"', site.get("secretary", answer_page).text)
    assert entry is not None
    done = site.send("secretary", answer_page, "/correct", entry=entry[1], minutes="60", answer="核实是一小时")
    assert done.status_code == 303
    clock.set_now(moment(11, 6, 9))
    assert site.send("secretary", f"{desk}/{notice}", "/close").status_code == 303
    page = site.get("", f"/notices/hours/{notice}").text
    assert "已确认" in page and "公示后更正为28.5小时" in page
    assert "累计28.5小时" in site.get("volunteer1", "/hours").text


def _line(page: str, number: int) -> str:
    return page.split(f'<td class="num">{number}</td>')[1].partition("</tr>")[0]


def test_five_thousand_entries_cost_six_statements(site: Site) -> None:
    start = MOMENT - timedelta(hours=3 * 5000)
    who, where = site.id("volunteer1"), site.world.estates["banyan"].id
    rows = [
        {"id": new_id(), "volunteer_id": who, "estate_id": where, "starts_at": start + timedelta(hours=3 * n),
         "ends_at": start + timedelta(hours=3 * n + 1), "minutes": 60, "content": "助老购物", "note": "",
         "recorded_at": start + timedelta(hours=3 * n + 1), "recorded_by": who, "recorded_late": False}
        for n in range(5000)
    ]  # fmt: skip
    with site.app.app_context():
        begin_write()
        db.session.execute(insert(HourEntry), rows)
        db.session.commit()
        while rollups.fold():
            pass
    pages = {"/hours": "volunteer1", f"/volunteers/{who}/hours": "secretary", "/volunteers": "secretary",
             "/tasks": "volunteer1"}  # fmt: skip
    for path, name in pages.items():
        site.get(name, path)
        with statements(site.app) as sent:
            page = site.get(name, path)
        assert page.status_code == 200
        assert len(sent) <= 6, (path, sent)
    assert "累计5,000小时" in site.get("volunteer1", "/hours").text
    following = re.search(r'href="(/hours\?cursor=[^"]+)"', site.get("volunteer1", "/hours").text)
    assert following is not None
    with statements(site.app) as sent:
        assert site.get("volunteer1", following[1]).status_code == 200
    assert len(sent) <= 6
    program = caller(site.app, site.world["volunteer1"])
    with statements(site.app) as sent:
        assert program.get("/volunteers/me/hours").json["total_minutes"] == 300_000
    assert len(sent) <= 2
