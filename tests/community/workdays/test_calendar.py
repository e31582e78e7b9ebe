"""The calendar: seeded, edited by a day or by a pasted list, undone, seen by every process, and warned of."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from community.workdays import jobs, queries, workflow
from community.workdays.models import CalendarDay, CalendarYear, DayKind
from community.workdays.reading import read_lines
from core import calendar, clock
from core.audit import Event
from core.database import begin_write, db
from core.outbox import Message
from core.workflow import Stale
from tests.conftest import close, make_app, settings_for
from tests.factories import World, browser

SPRING_2027 = """2027年2月6日至12日 春节 休
2027-02-20 春节 班

2027/2/27 (周六) 春节 补班"""


@pytest.fixture
def staff(app: Flask, world: World) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    return browser(app, world["staff"])


def version(app: Flask, year: int) -> str:
    with app.app_context():
        return str(queries.get_year(year).version)


def works(app: Flask, *days: date) -> list[bool]:
    with app.app_context():
        return [calendar.is_working_day(day) for day in days]


def test_the_seed_is_what_the_library_says(app: Flask) -> None:
    with app.app_context():
        found, known = queries.current_table(), calendar.library()
        assert found.years == known.years
        assert {day: tuple(known.days[day]) for day in found.days} == {d: tuple(v) for d, v in found.days.items()}
        assert len(found.days) == len(known.days)


# Lines


def test_lines_as_people_paste_them() -> None:
    entries, refused = read_lines(SPRING_2027, 2027)
    assert refused == []
    assert [(e.day.isoformat(), e.kind, e.name) for e in entries[:1] + entries[-2:]] == [
        ("2027-02-06", DayKind.HOLIDAY, "春节"), ("2027-02-20", DayKind.MAKE_UP, "春节"),
        ("2027-02-27", DayKind.MAKE_UP, "春节"),
    ]  # fmt: skip
    assert len(entries) == 9


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("2月6日 春节 休", [("2027-02-06", "holiday", "春节")]),
        ("02-06 春节 放假", [("2027-02-06", "holiday", "春节")]),
        ("2027.2.6　春节　休", [("2027-02-06", "holiday", "春节")]),
        ("２０２７-０２-０６ 休", [("2027-02-06", "day_off", "")]),
        ("2月8日 上班", [("2027-02-08", "working", "")]),
        ("2027-12-30至31 元旦 休", [("2027-12-30", "holiday", "元旦"), ("2027-12-31", "holiday", "元旦")]),
        ("1月31日到2月1日 停水 休息", [("2027-01-31", "holiday", "停水"), ("2027-02-01", "holiday", "停水")]),
    ],
)
def test_ways_of_writing_a_line(line: str, found: list[tuple[str, str, str]]) -> None:
    entries, refused = read_lines(line, 2027)
    assert refused == []
    assert [(e.day.isoformat(), e.kind, e.name) for e in entries] == found


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("春节 休", "开头要写日期"),
        ("2027-02-30 春节 休", "没有2月30日"),
        ("2026-02-06 春节 休", "只录2027年"),
        ("2027-02-06 春节", "“休”或“班”"),
        ("2027-02-06 春节 休 班", "只能写一个"),
        ("2027-02-12至2027-02-06 春节 休", "晚于前一天"),
        ("2月1日至4月1日 休", "最多31天"),
        ("2027-02-06 " + "长" * 41 + " 休", "最多40个字"),
        ("<script>alert(1)</script>", "开头要写日期"),
    ],
)
def test_lines_that_are_refused_say_what_to_mend(line: str, why: str) -> None:
    entries, refused = read_lines("2027-05-01 劳动节 休\n" + line, 2027)
    assert len(entries) == 1 and [row.number for row in refused] == [2]
    assert why in refused[0].why


def test_a_day_given_twice_is_refused() -> None:
    entries, refused = read_lines("2月6日至12日 春节 休\n2月8日 春节 班", 2027)
    assert len(entries) == 7 and "第1行" in refused[0].why


# Pages


def test_a_year_is_entered_by_pasting_and_clocks_run_by_it(app: Flask, staff: FlaskClient) -> None:
    assert "2027年的节假日还没有录入，按周一到周五计算" in staff.get("/workdays?year=2027").text
    body = {"lines": SPRING_2027 + "\n2月30日 春节 休", "entered": "y", "version": "0"}
    refused = staff.post("/workdays/2027/import", data=body)
    assert refused.status_code == 422 and "第5行" in refused.text and "没有2月30日" in refused.text
    assert "2027年2月6日至12日" in refused.text
    assert works(app, date(2027, 2, 8)) == [True]
    assert staff.post("/workdays/2027/import", data=body | {"partial": "y"}).status_code == 303
    page = staff.get("/workdays?year=2027").text
    assert "1行没有录" in page and "还没有录入，按" not in page
    assert works(app, date(2027, 2, 8), date(2027, 2, 20), date(2027, 2, 15)) == [False, True, True]
    with app.app_context():
        event = db.session.scalars(select(Event).where(Event.verb == "import_calendar")).one()
        assert (event.subject_id, event.details["days"], event.actor_name) == ("2027", 9, "吕社工")


def test_a_day_is_changed_and_restored(app: Flask, staff: FlaskClient) -> None:
    page = "/workdays/days/2026-11-20"
    body = {"what": "off", "name": "停水", "version": version(app, 2026)}
    assert staff.post(page, data=body).status_code == 303
    assert works(app, date(2026, 11, 20)) == [False]
    shown = staff.get("/workdays?year=2026").text
    assert re.search(r"<strong>20日</strong>\s*停水\s*休（人工录入）", shown) and "右上角有点" in shown
    assert "照通知恢复" in staff.get(page).text
    assert staff.post(page + "/restore", data={"version": version(app, 2026)}).status_code == 303
    assert works(app, date(2026, 11, 20)) == [True]
    with app.app_context():
        found = db.session.scalars(select(Event).where(Event.verb == "edit_calendar_day")).one().details
    assert (found["before"], found["after"]) == ("按星期几", "放假停水")


def test_a_whole_year_is_restored_and_says_what_was_dropped(app: Flask, staff: FlaskClient) -> None:
    staff.post("/workdays/days/2026-02-14", data={"what": "usual", "version": version(app, 2026)})
    staff.post("/workdays/days/2026-02-24", data={"what": "off", "name": "春节", "version": version(app, 2026)})
    assert works(app, date(2026, 2, 14), date(2026, 2, 24)) == [False, False]
    assert staff.post("/workdays/2026/restore", data={"version": version(app, 2026)}).status_code == 303
    assert works(app, date(2026, 2, 14), date(2026, 2, 24)) == [True, True]
    with app.app_context():
        found = db.session.scalars(select(Event).where(Event.verb == "restore_calendar")).one().details
        assert found["dropped"] == {"2026-02-24": "放假春节"}
        assert queries.current_table().days == calendar.library().days


def test_a_year_can_be_taken_back_and_counts_by_weekdays_then(app: Flask, staff: FlaskClient) -> None:
    body = {"entered": "", "version": version(app, 2026)}
    assert staff.post("/workdays/2026/entered", data=body).status_code == 303
    assert works(app, date(2026, 2, 14), date(2026, 2, 16)) == [False, True]
    assert "2026年的节假日还没有录入" in staff.get("/workdays").text
    assert staff.post("/workdays/2026/entered", data={"entered": "1", "version": version(app, 2026)}).status_code == 303
    assert works(app, date(2026, 2, 14), date(2026, 2, 16)) == [True, False]


def test_whoever_is_late_is_told_and_nothing_is_lost(app: Flask, world: World, staff: FlaskClient) -> None:
    seen = version(app, 2026)
    first = {"what": "off", "name": "停水", "version": seen}
    assert staff.post("/workdays/days/2026-11-20", data=first).status_code == 303
    other = browser(app, world["street_staff"])
    late = other.post("/workdays/days/2026-11-23", data=first | {"name": "检修"})
    assert late.status_code == 409 and "检修" in late.text and "别人改过" in late.text
    for address in ("/workdays/2026/restore", "/workdays/2026/entered", "/workdays/days/2026-11-20/restore"):
        assert other.post(address, data={"version": seen}).status_code == 409
    again = other.post("/workdays/2026/import", data={"lines": "11-23 检修 休", "version": seen})
    assert again.status_code == 409 and "11-23 检修 休" in again.text
    assert works(app, date(2026, 11, 20), date(2026, 11, 23)) == [False, True]


def test_two_who_enter_a_new_year_at_once(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        workflow.enter(world["staff"].viewer(), 2027, True, 0)
        db.session.commit()
        begin_write()
        with pytest.raises(Stale):
            workflow.enter(world["street_staff"].viewer(), 2027, True, 0)
        db.session.rollback()


@pytest.mark.parametrize(
    ("name", "read", "edit"),
    [("secretary", 200, 403), ("grid_worker", 200, 403), ("admin", 200, 200), ("street_staff", 200, 200),
     ("resident", 403, 403), ("volunteer1", 403, 403)],
)  # fmt: skip
def test_who_may(name: str, read: int, edit: int, app: Flask, world: World) -> None:
    client = browser(app, world[name])
    assert client.get("/workdays?year=2027").status_code == read
    assert client.get("/workdays/days/2027-02-06").status_code == edit
    assert client.get("/workdays/2027/import").status_code == edit
    if read == 200:
        assert ('href="/workdays/days/2027-02-06"' in client.get("/workdays?year=2027").text) is (edit == 200)


@pytest.mark.parametrize(
    "address", ["/workdays?year=1999", "/workdays?year=2101", "/workdays?year=二〇二七", "/workdays/days/2027-02-30",
                "/workdays/days/1999-01-01", "/workdays/99999/import"],
)  # fmt: skip
def test_days_and_years_that_are_none(address: str, staff: FlaskClient) -> None:
    assert staff.get(address).status_code == 404


# The table that clocks run by


def test_another_process_sees_a_change_within_a_minute(
    app: Flask, database_url: str, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_app(settings_for(database_url, tmp_path))
    day, now = date(2026, 11, 20), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    try:
        assert works(other, day) == [True]
        with app.app_context():
            begin_write()
            workflow.set_day(world["staff"].viewer(), day, DayKind.DAY_OFF, "", 1)
            db.session.commit()
        assert works(app, day) == [False]
        assert works(other, day) == [True]
        now[0] += 61
        assert works(other, day) == [False]
    finally:
        close(other)


def test_a_look_costs_one_statement_a_minute(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.guards.test_budgets import counted

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with app.app_context():
        calendar.is_working_day(date(2026, 11, 20))
        with counted() as sent:
            for _ in range(50):
                calendar.deadline(clock.now(), 5000, "working_hours")
            assert sent == []
            now[0] += 61
            calendar.deadline(clock.now(), 5000, "working_hours")
        assert len(sent) == 1


# Jobs


def test_years_that_the_library_learns_are_entered_and_touched_ones_left(app: Flask, world: World) -> None:
    with app.app_context():
        begin_write()
        for model in (CalendarDay, CalendarYear):
            db.session.execute(delete(model).where(model.year == 2026))
        db.session.commit()
        queries.forget()
        assert not calendar.is_known_year(2026)
        assert jobs.seed_calendar() == "录入2026年"
        assert calendar.is_known_year(2026) and not calendar.is_working_day(date(2026, 2, 16))
        assert jobs.seed_calendar() == "没有新的年份"


@pytest.mark.parametrize(
    ("month", "told"), [(10, []), (11, ["admin", "staff", "street_staff"])],
)  # fmt: skip
def test_from_november_on_those_who_can_enter_the_next_year_are_asked(
    month: int, told: list[str], app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    at(clock.from_local(datetime(2026, month, 23, 9)))
    with app.app_context():
        assert ("2027年" in jobs.ask_for_calendar()) is bool(told)
        people = {who.id: name for name, who in world.people.items()}
        found = db.session.scalars(select(Message.recipient_id).where(Message.kind == "workdays.not_entered"))
        assert sorted(people[person] for person in found) == told
