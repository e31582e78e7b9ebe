"""The audit trail: within reach, filtered, and proved."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import text

from core import audit
from core.audit import Subject
from core.database import begin_write, db
from tests.community.making import Town, as_, statements


def note(app: Flask, estate: str, verb: str = "place", who: str = "沈月娥", count: int = 1, actor: str = "x") -> None:
    with app.app_context():
        begin_write()
        for n in range(count):
            audit.record(actor, who, verb, Subject("order", f"order{n:04d}", estate), reason="<i>因为</i>")
        db.session.commit()


def tamper(app: Flask) -> None:
    """Change a row behind the triggers' back, as only someone with the database in hand could."""
    with app.app_context():
        begin_write()
        if db.engine.dialect.name == "sqlite":
            db.session.execute(text("DROP TRIGGER event_no_update"))
        else:
            db.session.execute(text("DROP TRIGGER event_append_only ON event"))
        db.session.execute(text("UPDATE event SET reason = '别的' WHERE subject_id = 'order0001'"))
        db.session.commit()


def test_events_of_other_estates_are_not_shown(app: Flask, town: Town) -> None:
    note(app, town.estate)
    note(app, town.other_estate, "cancel", "外区甲")
    page = as_(app, "secretary").get("/audit").text
    assert "点单" in page and "沈月娥" in page and "外区甲" not in page
    assert "&lt;i&gt;因为&lt;/i&gt;" in page
    above = as_(app, "staff").get("/audit").text
    assert "外区甲" in above and "水泥厂生活区" in above
    assert "没有这样的记录" in as_(app, "secretary").get(f"/audit?estate={town.other_estate}").text
    assert as_(app, "resident").get("/audit").status_code == 403


def test_only_an_administrator_sees_what_belongs_to_no_estate(app: Flask, town: Town) -> None:
    note(app, "-", "import_roll", "系统")
    assert "导入名册</td>" not in as_(app, "staff").get("/audit").text
    assert "导入名册</td>" in as_(app, "admin").get("/audit").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("verb=cancel", 1), ("verb=place", 3), ("actor=覃立冬", 2), ("actor=无此人", 0), ("subject=order0002", 1),
        ("subject=order0002&kind=order", 1), ("subject=order0002&kind=person", 0), ("last=2001-01-01", 0),
        ("first=2020-01-01&verb=place", 3), ("verb=%27%3B--", 0),
    ],
)  # fmt: skip
def test_the_trail_is_filtered(app: Flask, town: Town, query: str, found: int) -> None:
    note(app, town.estate, count=3)
    note(app, town.estate, "cancel", "覃立冬", actor=town.secretary)
    page = as_(app, "secretary").get(f"/audit?{query}").text
    assert page.count('<td class="is-text">') == found


@pytest.mark.parametrize("query", ["first=2026-02-31", "last=x", "actor=" + "长" * 61, "subject=" + "a" * 17])
def test_a_bad_filter_is_answered_in_words(app: Flask, town: Town, query: str) -> None:
    answer = as_(app, "secretary").get(f"/audit?{query}")
    assert answer.status_code == 422 and "处没填好" in answer.text


def test_the_trail_is_paged_by_key_in_few_statements(app: Flask, town: Town) -> None:
    note(app, town.estate, count=70)
    browser = as_(app, "secretary")
    with statements(app) as sent:
        page = browser.get("/audit?verb=place").text
    assert len(sent) <= 6 and page.count('<td class="is-text">') == 50
    onward = re.search(r'href="(/audit\?[^"]*cursor=[^"]+)"', page)
    assert onward is not None
    assert browser.get(onward[1].replace("&amp;", "&")).text.count('<td class="is-text">') == 20


def test_a_changed_row_is_found_by_page_and_command(app: Flask, town: Town) -> None:
    note(app, town.estate, count=3)
    runner = app.test_cli_runner()
    whole = runner.invoke(args=["audit", "verify"])
    assert whole.exit_code == 0 and re.fullmatch(r"全部相符 \d+ 条链\n", whole.output)
    browser = as_(app, "secretary")
    assert "全部相符" in browser.get("/audit?verify=1").text
    tamper(app)
    page = browser.get("/audit?verify=1").text
    assert "对不上" in page and "被改动或缺失" in page
    broken = runner.invoke(args=["audit", "verify"])
    assert broken.exit_code == 1 and "被改动或缺失" in broken.output


def test_the_page_proves_the_chains_within_reach_and_no_others(app: Flask, town: Town) -> None:
    note(app, town.other_estate, count=3)
    tamper(app)
    assert "全部相符" in as_(app, "secretary").get("/audit?verify=1").text
    assert "对不上" in as_(app, "staff").get("/audit?verify=1").text
