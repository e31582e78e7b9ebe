"""Records leave with their numbers masked unless there is a reason, and come in once, with nothing lost."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from community.grid.importing import phone_rows
from community.grid.models import ID_COLUMN, Person, PersonPhone
from core import clock
from core.audit import Event
from core.database import begin_write, db
from core.sealing import sealer
from core.sheets import open_sheets
from tests.factories import World, caller, write
from tests.services.orders.site import Site
from tests.volunteers.certificates.test_batches import csrf
from tests.volunteers.hours.test_api import credit
from volunteers.exchange.exporting import plain
from volunteers.exchange.models import RecordOrigin
from volunteers.exchange.reading import read_records
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer

ID_NUMBER = "43012419800101001X"
HEADERS = "姓名,证件号码,服务名称,开始时间,结束时间,服务时长(分钟)"


@pytest.fixture
def site(app: Flask, world: World, at: object) -> Site:
    """Browsers; the first volunteer has papers, a phone and two hours in the ledger."""
    with app.app_context():
        begin_write()
        who = world["volunteer1"].id
        sealed = {"id_sealed": sealer().seal(ID_NUMBER, ID_COLUMN), "id_key": sealer().index(ID_NUMBER, ID_COLUMN)}
        db.session.execute(update(Person).where(Person.id == who).values(**sealed))
        for row in phone_rows(who, world.estates["banyan"].id, ["13912345678"]):
            write(PersonPhone, **row)
        credit(world, 120, 1)
        db.session.commit()
    return Site(app, world)


def export(site: Site, who: str = "secretary", **values: Any) -> Any:
    """Take records out through the page."""
    fields = {"estate": site.world.estates["banyan"].id, "kind": "zip"}
    return site.post(who, "/exchange/export", csrf(site, who) | fields | values)


def bring(site: Site, text: str, name: str = "记录.csv", who: str = "secretary") -> str:
    """Upload a file; where its preview is."""
    fields = csrf(site, who) | {"estate": site.world.estates["banyan"].id, "origin": "志愿汇"}
    sent: dict[str, Any] = fields | {"file": (io.BytesIO(text.encode()), name)}
    answer = site.post(who, "/exchange/imports", sent)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def total(site: Site) -> int:
    """Minutes of the first volunteer."""
    return int(caller(site.app, site.world["volunteer1"]).get("/volunteers/me/hours").get_json()["total_minutes"])


def test_tables_are_masked(site: Site) -> None:
    answer = export(site)
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert packed.namelist() == ["人员.csv", "服务.csv", "培训.csv", "表彰.csv", "评价.csv"]
    people = list(csv.DictReader(io.StringIO(packed.read("人员.csv").decode("utf-8-sig"))))
    first = next(row for row in people if row["姓名"] == "陈一")
    assert (first["证件号码"], first["联系电话"], first["累计时长(分钟)"]) == (
        "4301**********001X",
        "139****5678",
        "120",
    )
    services = list(csv.DictReader(io.StringIO(packed.read("服务.csv").decode("utf-8-sig"))))
    assert [row["服务时长(分钟)"] for row in services] == ["120"] and services[0]["记录单位"] == "榕树园党支部"
    with site.app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "export_records")).one()
        assert event.details["person"] == 4 and event.details["service"] == 1 and event.details["full"] is False


def test_whole_numbers_need_the_right_and_a_reason(site: Site) -> None:
    assert export(site, full="y").status_code == 422
    answer = export(site, full="y", kind="json", reason="报区民政核对身份")
    found = json.loads(answer.data)
    assert found["masked"] is False
    assert next(row for row in found["person"] if row["name"] == "陈一")["id_number"] == ID_NUMBER
    refused = export(site, "staff", full="y", reason="报区民政核对身份")
    assert refused.status_code == 422 and "没有查看完整号码的权限" in refused.text
    assert export(site, "staff").status_code == 200
    assert export(site, "volunteer1").status_code == 403
    assert export(site, "outsider").status_code == 422
    with site.app.app_context():
        reasons = db.session.scalars(select(Event.reason).where(Event.verb == "export_records")).all()
        assert sorted(reasons) == ["", "报区民政核对身份"]


def test_records_come_in_once(site: Site) -> None:
    day = (clock.local(clock.now()) - timedelta(days=3)).strftime("%Y-%m-%d")
    entered = clock.local(clock.now() - timedelta(days=1))
    same = f"{entered:%Y-%m-%d %H:%M},{entered + timedelta(minutes=120):%Y-%m-%d %H:%M},120"
    lines = [
        HEADERS,
        f"陈一,{ID_NUMBER},清扫楼道,{day} 09:00,{day} 10:30,90",
        f"陈一,{ID_NUMBER},清扫楼道,{day} 09:00,{day} 10:30,90",
        f"陈一,{ID_NUMBER},分菜,{day} 10:00,{day} 11:00,60",
        f"陈一,{ID_NUMBER},助老购物,{same}",
        f"李四,{ID_NUMBER},分菜,{day} 14:00,{day} 15:00,60",
        f"陈一,4301**********001X,分菜,{day} 14:00,{day} 15:00,60",
        f"陈一,{ID_NUMBER},分菜,{day},,60",
        f"陈一,{ID_NUMBER},分菜,{day} 14:00,{day} 15:00,90",
        f"王五,430124197001010031,分菜,{day} 14:00,{day} 15:00,60",
    ]
    where = bring(site, "\n".join(lines))
    page = site.get("secretary", where).text
    for text in (
        "还没有写进去",
        "时间重叠",
        "同一个人、同一时间",
        "姓名对不上",
        "被遮住",
        "要写到几点几分",
        "还长",
        "没有登记",
    ):
        assert text in page, text
    assert total(site) == 120
    book = open_sheets(site.get("secretary", where + "/left.xlsx").data, "x.xlsx")[0]
    assert len(book.rows) == 2 + 8 and "未导入原因" in book.rows[1]
    assert site.get("outsider", where).status_code == 404 and site.get("volunteer1", where).status_code == 403
    twin = bring(site, "\n".join(lines))
    confirm = csrf(site, "secretary")
    assert site.post("secretary", where + "/confirm", confirm).status_code == 303
    assert total(site) == 210
    assert site.post("secretary", where + "/confirm", confirm).status_code == 409
    assert site.post("secretary", twin + "/confirm", confirm).status_code == 303
    assert total(site) == 210
    with site.app.app_context():
        entry = db.session.scalars(select(HourEntry).join(RecordOrigin, RecordOrigin.entry_id == HourEntry.id)).one()
        assert (entry.note, entry.minutes, entry.content) == ("来自志愿汇", 90, "清扫楼道")
        entry_id = entry.id
    caller(site.app, site.world["secretary"]).post(f"/hours/{entry_id}/correct", {"minutes": 0, "reason": "记错了"})
    assert "以前导入过" in site.get("secretary", bring(site, "\n".join(lines[:2]))).text


def test_what_goes_out_can_come_back(site: Site) -> None:
    document = json.loads(export(site, full="y", kind="json", reason="换系统，迁移记录").data)
    where = bring(site, json.dumps(document), "记录.json")
    assert "同样时长的记录已有" in site.get("secretary", where).text
    document["service"][0]["starts_at"] = "2026-11-01 08:00"
    document["service"][0]["ends_at"] = "2026-11-01 10:00"
    where = bring(site, json.dumps(document), "记录.json")
    assert site.post("secretary", where + "/drop", csrf(site, "secretary")).status_code == 303
    assert site.post("secretary", where + "/confirm", csrf(site, "secretary")).status_code == 409
    where = bring(site, json.dumps(document), "记录.json")
    site.post("secretary", where + "/confirm", csrf(site, "secretary"))
    assert total(site) == 240
    assert "志愿汇" in zipfile.ZipFile(io.BytesIO(export(site).data)).read("服务.csv").decode()


def test_a_text_that_looks_like_a_formula_comes_back_as_it_was() -> None:
    cell = plain("=领米面2份")
    assert cell == "'=领米面2份"
    table = f"{HEADERS}\n陈一,{ID_NUMBER},{cell},2026-11-01 08:00,2026-11-01 09:00,60"
    assert read_records(table.encode(), "服务.csv").rows[0].content == "=领米面2份"


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("", "空.csv", "文件是空的"), ("a,b\n1,2", "x.csv", "没有找到表头"), ("{", "x.json", "JSON 读不出来"),
        ('{"service": 3}', "x.json", "没有 service 这一组"), ('{"service": []}', "x.json", "没有服务记录"),
        (HEADERS, "x.csv", "没有服务记录"),
    ],
)  # fmt: skip
def test_files_that_are_none(site: Site, text: str, name: str, why: str) -> None:
    fields = csrf(site, "secretary") | {"estate": site.world.estates["banyan"].id, "origin": "志愿汇"}
    sent: dict[str, Any] = fields | {"file": (io.BytesIO(text.encode()), name)}
    answer = site.post("secretary", "/exchange/imports", sent)
    assert answer.status_code == 422 and why in answer.text


def test_odd_records_are_refused_not_lost(site: Site) -> None:
    rows: list[Any] = [3, None, {}, {"name": "陈一", "starts_at": 5}, {"name": ["x"], "minutes": "inf"}]
    rows.append({"name": "陈一", "id_number": ID_NUMBER, "starts_at": "2026-11-01T08:00:00+08:00", "minutes": "1e400"})
    rows.append({"name": "陈一", "id_number": ID_NUMBER, "starts_at": "2026-11-01T08:00:00+08:00", "minutes": 30})
    page = site.get("secretary", bring(site, json.dumps(rows), "odd.json")).text
    assert "没有服务名称" in page and page.count("<tr>") >= len(rows)


def test_rows_by_the_volunteers_number(site: Site) -> None:
    with site.app.app_context():
        number = db.session.get_one(Volunteer, site.world["volunteer2"].id).number
    where = bring(site, f"姓名,志愿者编号,活动名称,开始时间,时长(小时)\n陈二,{number},巡楼,2026/11/2 9:00,1.5")
    site.post("secretary", where + "/confirm", csrf(site, "secretary"))
    with site.app.app_context():
        given = select(func.sum(HourEntry.minutes)).where(HourEntry.volunteer_id == site.world["volunteer2"].id)
        assert db.session.scalar(given) == 90
