"""Papers hold what the page shows; large ones are made in the background, cancelled, fetched and cleared away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import docx
import openpyxl
import pypdf
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from core import clock
from core.audit import Event
from core.database import db
from services.reports.exports import jobs, making, queries, workflow
from services.reports.exports.models import ExportJob
from services.reports.exports.workflow import EXPORTS
from services.reports.papers import broken
from services.reports.views import papers as views
from tests.factories import World, browser
from tests.services.reports.test_board import ALL
from tests.services.reports.test_queries import live, lived  # noqa: F401

LIST = {**ALL, "kind": "behind", "measure": "orders.response"}


@pytest.fixture
def free(app: Flask) -> Flask:
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def fetch(app: Flask, who: Any, **form: str) -> bytes:
    answer = browser(app, who).post("/reports/export", data=form, buffered=True)
    assert answer.status_code == 200, answer.status_code
    return bytes(answer.data)


def text_of(pdf: bytes) -> str:
    """The text of a PDF without the marks that its reader leaves between characters."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join(page.extract_text() for page in pages).replace("\0", "").replace("\n", "")


def page_rows(app: Flask, who: Any) -> int:
    page = browser(app, who).get("/reports/behind", query_string=LIST).get_data(as_text=True)
    return int(page.partition("清单共")[2].partition("条")[0])


def test_a_list_in_every_format_holds_the_rows_of_the_page(free: Flask, lived: World) -> None:  # noqa: F811
    who = lived["secretary"]
    count = page_rows(free, who)
    lines = list(csv.reader(io.StringIO(fetch(free, who, format="csv", **LIST).decode("utf-8-sig"))))
    head = lines.index(next(line for line in lines if line[:1] == ["序号"]))
    rows = lines[head + 1 : head + 1 + count]
    assert [row[0] for row in rows] == [str(n) for n in range(1, count + 1)]
    assert lines[head + 1 + count] == ["合计", f"{count}条"]
    sheet = openpyxl.load_workbook(io.BytesIO(fetch(free, who, format="xlsx", **LIST))).active
    assert sheet is not None
    cells = [
        [str(cell or "") for cell in row] for row in sheet.iter_rows(min_row=4, max_row=3 + count, values_only=True)
    ]
    assert cells == rows
    assert sheet.freeze_panes == "A4" and sheet.page_setup.orientation == "landscape"
    assert sheet.print_title_rows == "$1:$3" and min(map(str, sheet.merged_cells.ranges)).startswith("A1:")
    assert all(isinstance(row[1].value, str) for row in sheet.iter_rows(min_row=4, max_row=3 + count))
    assert f"{count}条" in text_of(fetch(free, who, format="pdf", **LIST))


def test_a_page_of_figures_as_workbook_document_and_pdf(free: Flask, lived: World) -> None:  # noqa: F811
    who = lived["staff"]
    page = browser(free, who).get("/reports", query_string=ALL).get_data(as_text=True)
    book = openpyxl.load_workbook(io.BytesIO(fetch(free, who, format="xlsx", **ALL)))
    assert book.sheetnames == ["指标", "走势", "服务", "下级单位", "每天"]
    placed = next(row for row in book["指标"].iter_rows(min_row=4, values_only=True) if row[0] == "点单")[2]
    assert f"{placed}单" in page
    rate = next(row for row in book["指标"].iter_rows(min_row=4, values_only=True) if row[0] == "响应率")[2]
    assert f"{rate * 100:.1f}%" in page
    for format_, words in (("docx", "志愿服务情况报告"), ("circular", "情况的通报")):
        document = docx.Document(io.BytesIO(fetch(free, who, format=format_, **ALL)))
        text = "\n".join(paragraph.text for paragraph in document.paragraphs)
        assert words in text and "一、总体情况" in text and f"{rate * 100:.1f}%" in text and "官方" not in text
        section = document.sections[0]
        assert round((section.page_width - section.left_margin - section.right_margin) / 36000) == 156
        assert round((section.page_height - section.top_margin - section.bottom_margin) / 36000) == 225
    assert "〔2026〕" in text
    assert f"{rate * 100:.1f}%" in text_of(fetch(free, who, format="pdf", **ALL))


def test_a_unit_with_nothing_reports_zero(free: Flask, world: World, at: Any) -> None:
    book = openpyxl.load_workbook(io.BytesIO(fetch(free, world["cement_secretary"], format="xlsx")))
    rows = {row[0]: row[2] for row in book["指标"].iter_rows(min_row=4, values_only=True)}
    assert rows["点单"] == 0 and rows["响应率"] == "无"
    empty = fetch(free, world["cement_secretary"], format="csv", kind="behind", measure="orders.placed")
    assert "合计,0条" in empty.decode()


def test_every_export_is_written_down(free: Flask, lived: World) -> None:  # noqa: F811
    fetch(free, lived["secretary"], format="csv", **LIST)
    with free.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "export_report")).one()
        assert event.actor_id == lived["secretary"].id and event.details["filter"]["measure"] == "orders.response"
        assert event.details["rows"] == page_rows(free, lived["secretary"]) and event.details["format"] == "csv"


def ask(app: Flask, who: Any, monkeypatch: pytest.MonkeyPatch, format_: str = "xlsx") -> str:
    monkeypatch.setattr(views, "AT_ONCE", 5)
    answer = browser(app, who).post("/reports/export", data={**LIST, "format": format_})
    assert answer.status_code == 303 and answer.location.endswith("/reports/exports")
    with app.app_context():
        return str(db.session.scalars(select(ExportJob.id).order_by(ExportJob.created_at.desc())).first())


def test_a_large_list_is_made_in_the_background(
    free: Flask,
    lived: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[datetime], None],
) -> None:
    who = lived["secretary"]
    id_ = ask(free, who, monkeypatch)
    address = f"/reports/exports/{id_}/file"
    assert browser(free, who).get(address).status_code == 404
    monkeypatch.setattr(making, "EVERY", 2)
    with free.app_context():
        assert jobs.make_exports() == "做好1份，没做成0份"
        job = db.session.get_one(ExportJob, id_)
        assert (job.state, job.rows_done) == ("done", page_rows(free, who))
    answer = browser(free, who).get(address, buffered=True)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None and sheet["A4"].value == 1
    assert "做好了" in browser(free, who).get("/reports/exports").get_data(as_text=True)
    for other in ("deputy", "staff", "outsider"):
        assert browser(free, lived[other]).get(address).status_code == 404
    at(clock.now() + timedelta(days=8))
    with free.app_context():
        assert jobs.forget_exports() == "清除1份"
        assert list(queries.folder().iterdir()) == []
    assert browser(free, who).get(address).status_code == 404


def test_a_cancelled_export_stops_and_leaves_no_file(
    free: Flask,
    lived: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = lived["secretary"]
    id_ = ask(free, who, monkeypatch, "csv")
    monkeypatch.setattr(making, "EVERY", 2)
    told = workflow.tell_progress

    def cancel_meanwhile(job_id: str, done: int) -> bool:
        if done == 4:
            answer = browser(free, who).post(f"/reports/exports/{id_}/cancel")
            assert answer.status_code == 303
        return told(job_id, done)

    monkeypatch.setattr(workflow, "tell_progress", cancel_meanwhile)
    with free.app_context():
        jobs.make_exports()
        job = db.session.get_one(ExportJob, id_, populate_existing=True)
        assert (job.state, job.rows_done) == ("cancelled", 2)
        assert list(queries.folder().iterdir()) == []
    again = browser(free, who).post(f"/reports/exports/{id_}/cancel", follow_redirects=True)
    assert "不用取消" in again.get_data(as_text=True)


def test_an_export_whose_process_ended_is_given_up(
    free: Flask,
    lived: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[datetime], None],
) -> None:
    id_ = ask(free, lived["secretary"], monkeypatch)
    with free.app_context():
        workflow.start(queries.get(id_))
        at(clock.now() + timedelta(minutes=16))
        jobs.make_exports()
        assert queries.get(id_).state == "failed"


def test_an_export_ends_in_every_way_once() -> None:
    assert set(EXPORTS.verbs("queued")) == {"start_export", "cancel_export"}
    assert set(EXPORTS.verbs("running")) == {"finish_export", "fail_export", "cancel_export"}
    for state in ("failed", "cancelled", "expired"):
        assert EXPORTS.verbs(state) == ()


def test_odd_wishes_are_refused(free: Flask, world: World, at: Any) -> None:
    client = browser(free, world["secretary"])
    assert client.post("/reports/export", data={"format": "exe"}).status_code == 303
    assert client.post("/reports/export", data={"unit": world.estates["swan"].branch.id}).status_code == 404
    assert client.post("/reports/export", data={"period": "month", "on": "2030-01-01"}).status_code == 303
    assert browser(free, world["admin"]).post("/reports/export").status_code == 403


def test_lines_break_as_chinese_is_set() -> None:
    lines = broken("响应率82.4%（比上月降4.4），解决率95.5%。", len, 9)
    assert "".join(lines) == "响应率82.4%（比上月降4.4），解决率95.5%。"
    assert all(len(line) <= 9 and line[0] not in "，。）%" for line in lines), lines
    assert any(line.startswith("82.4%") or "82.4%" in line for line in lines)
    assert broken("，，，，", len, 2) == ["，，", "，，"]
    assert broken("", len, 9) == [""]


def test_the_picture_is_one_and_holds_what_the_page_shows(free: Flask, lived: World) -> None:  # noqa: F811
    who = lived["secretary"]
    picture = Image.open(io.BytesIO(fetch(free, who, kind="board", format="png", **ALL)))
    assert picture.format == "PNG" and picture.width == 1080 and picture.height > 1000
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or []}
    assert {(29, 79, 145), (46, 156, 134), (85, 128, 186)} <= colours, "both lines and the bars are drawn"
    empty = {"period": "month", "on": "2026-01-15"}
    assert Image.open(io.BytesIO(fetch(free, who, kind="board", format="png", **empty))).width == 1080
