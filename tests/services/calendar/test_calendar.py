"""Calendars and feeds: what they show, to whom, and what they keep to themselves."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import func, select

from core import clock, diary
from core.audit import Event
from core.database import db
from core.diary import Asked, Entry
from core.serve import Plan, _granian
from services.calendar import feeds, views
from services.calendar.models import CalendarFeed
from services.calendar.months import days_of, span_of
from services.orders import workflow as orders
from services.standing import workflow as standing
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Site, statements
from tests.services.standing.making import Making

START = datetime.fromisoformat("2026-11-20T14:00+08:00")


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    app.config["WTF_CSRF_ENABLED"] = False
    return Site(app, world)


def opened(site: Site, name: str = "volunteer1", label: str = "手机日历") -> str:
    """The path of a new feed."""
    page = site.post(name, "/calendar/feeds", {"label": label})
    assert page.status_code == 200 and "只显示这一次" in page.text
    found = re.search(r'feed-address">\s*http://localhost(/feeds/[\w-]+\.ics)', page.text)
    assert found
    return found[1]


def read(site: Site, path: str, **headers: str) -> Any:
    return site.app.test_client().get(path, headers=headers)


def events(site: Site, path: str) -> dict[str, Any]:
    """The events of a feed by uid, as a calendar program understands them."""
    answer = read(site, path)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    calendar = Calendar.from_ical(answer.data)
    assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["Asia/Shanghai"]
    return {str(event["uid"]): event for event in calendar.walk("VEVENT")}


def accepted(site: Site, **wish: Any) -> str:
    values = {"preferred_start": START, "preferred_end": START + timedelta(hours=2), "note": "门禁密码8080"} | wish
    return site.accepted("volunteer1", **values)


def test_a_feed_tells_the_service_and_the_building_and_nothing_else(site: Site) -> None:
    order = accepted(site)
    path = opened(site)
    (event,) = events(site, path).values()
    assert str(event["uid"]) == order and str(event["summary"]) == site.order(order).item["name"]
    assert str(event["location"]) == "1栋1单元" and str(event["status"]) == "CONFIRMED"
    assert event["dtstart"].dt == START and event["dtend"].dt == START + timedelta(hours=2)
    assert event["dtstart"].params["tzid"] == "Asia/Shanghai"
    assert int(event["sequence"]) == site.order(order).version
    body = re.sub(r"\r\n ", "", read(site, path).get_data(as_text=True))
    found = site.order(order)
    for secret in ("沈", "8080", found.household_label, found.door_code, site.world["resident"].phone, found.code):
        assert secret not in body


def test_offers_and_other_people_s_orders_are_not_in_it(site: Site) -> None:
    site.offered(site.placed(preferred_start=START, preferred_end=START + timedelta(hours=1)), "volunteer1")
    site.accepted("volunteer2", preferred_start=START, preferred_end=START + timedelta(hours=1))
    assert events(site, opened(site)) == {}


def test_an_order_without_a_time_takes_the_day(site: Site) -> None:
    order = site.accepted("volunteer1")
    event = events(site, opened(site))[order]
    assert event["dtstart"].dt == clock.local(site.order(order).due_at).date()
    assert "时间待约" in str(event["summary"])


def test_what_was_called_off_stays_as_cancelled_for_thirty_days(site: Site, at: Callable[[datetime], None]) -> None:
    order, path = accepted(site), opened(site)
    before = int(events(site, path)[order]["sequence"])
    site.do(lambda viewer: orders.withdraw(viewer, order, "临时有事"), "volunteer1")
    event = events(site, path)[order]
    assert str(event["status"]) == "CANCELLED" and int(event["sequence"]) > before
    at(MOMENT + timedelta(days=29))
    assert str(events(site, path)[order]["status"]) == "CANCELLED"
    at(MOMENT + timedelta(days=31))
    assert order not in events(site, path)


@pytest.mark.parametrize("by", ["cancel", "reassign"])
def test_the_branch_or_the_resident_calls_it_off(by: str, site: Site) -> None:
    order, path = accepted(site), opened(site)
    act = orders.cancel if by == "cancel" else orders.reassign
    site.do(lambda viewer: act(viewer, order, "换人"), "secretary")
    assert str(events(site, path)[order]["status"]) == "CANCELLED"
    # Taken again, it is on again.
    if by == "reassign":
        site.offered(order, "volunteer1")
        site.do(lambda viewer: orders.accept(viewer, order), "volunteer1")
        assert str(events(site, path)[order]["status"]) == "CONFIRMED"


def test_an_unchanged_feed_is_not_sent_again(site: Site, at: Callable[[datetime], None]) -> None:
    order, path = accepted(site), opened(site)
    first = read(site, path)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    same = read(site, path, **{"If-None-Match": tag})
    assert same.status_code == 304 and same.data == b"" and same.headers["ETag"] == tag
    assert read(site, path, **{"If-Modified-Since": changed}).status_code == 304
    at(MOMENT + timedelta(hours=1))
    site.do(lambda viewer: orders.withdraw(viewer, order, "临时有事"), "volunteer1")
    assert read(site, path, **{"If-None-Match": tag}).status_code == 200
    assert read(site, path, **{"If-Modified-Since": changed}).status_code == 200


def test_a_withdrawn_and_an_unknown_token_are_answered_alike(site: Site) -> None:
    path = opened(site)
    assert read(site, path).status_code == 200
    with site.app.app_context():
        feed = db.session.scalars(select(CalendarFeed)).one()
    assert site.post("volunteer2", f"/calendar/feeds/{feed.id}/withdraw", {}).status_code == 404
    assert site.post("volunteer1", f"/calendar/feeds/{feed.id}/withdraw", {}).status_code == 303
    assert site.post("volunteer1", f"/calendar/feeds/{feed.id}/withdraw", {}).status_code == 404
    gone, never, odd = (read(site, p) for p in (path, "/feeds/" + "x" * 43 + ".ics", "/feeds/%ED%A0%80.ics"))
    for answer in (gone, never, odd):
        assert answer.status_code == 404 and answer.data == never.data
        assert dict(answer.headers) | {"Date": ""} == dict(never.headers) | {"Date": ""}
    assert read(site, "/feeds/a%00b.ics").status_code == 404
    with site.app.app_context():
        verbs = db.session.scalars(select(Event.verb).where(Event.subject_kind == "calendar_feed")).all()
        assert sorted(verbs) == ["open_feed", "withdraw_feed"]


def test_three_at_most_and_only_a_digest_is_kept(site: Site) -> None:
    paths = [opened(site, label=f"第{n}个") for n in range(3)]
    assert len(set(paths)) == 3
    refused = site.post("volunteer1", "/calendar/feeds", {"label": "再来一个"})
    assert refused.status_code == 422 and "最多3个" in refused.text
    page = site.get("volunteer1", "/calendar").text
    assert "第2个" in page and "最多3个" in page
    tokens = [path.removeprefix("/feeds/").removesuffix(".ics") for path in paths]
    assert not any(token in page for token in tokens) and all(len(token) == 43 for token in tokens)
    with site.app.app_context():
        rows = db.session.execute(select(CalendarFeed.__table__)).all()
        assert not any(token in str(row) for row in rows for token in tokens)
        feed = db.session.scalars(select(CalendarFeed).where(CalendarFeed.slot == 2)).one()
    site.post("volunteer1", f"/calendar/feeds/{feed.id}/withdraw", {})
    assert read(site, opened(site)).status_code == 200


def test_reading_is_noted_once_a_day(site: Site, at: Callable[[datetime], None]) -> None:
    path = opened(site)
    with statements(site.app) as sent:
        read(site, path)
    assert any(statement.startswith("UPDATE") for statement in sent)
    with statements(site.app) as sent:
        read(site, path)
    assert not any(statement.startswith("UPDATE") for statement in sent) and len(sent) <= 4
    at(MOMENT + timedelta(days=1))
    read(site, path)
    with site.app.app_context():
        assert db.session.scalar(select(CalendarFeed.read_on)) == date(2026, 11, 19)
    assert "今天读过" in site.get("volunteer1", "/calendar").text


def test_the_address_is_told_to_nobody(site: Site, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    """Neither logs nor other sites nor search engines; nor does the server of the product keep a log of addresses."""
    path = opened(site)
    with caplog.at_level(logging.DEBUG):
        answer = read(site, path)
        missing = read(site, "/feeds/secret-that-is-none.ics")
    assert path.split("/")[2][:20] not in caplog.text and "secret-that-is-none" not in caplog.text
    assert "secret-that-is-none" not in "".join(capfd.readouterr())
    for found in (answer, missing):
        assert found.headers["Referrer-Policy"] == "no-referrer" and "noindex" in found.headers["X-Robots-Tag"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    command = _granian(Plan("127.0.0.1", 5000, 2, 2))
    assert "--no-access-log" in command and "--access-log" not in command


def test_who_asks_too_often_waits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = opened(site)
    monkeypatch.setattr(views, "OF_A_FEED", feeds.Pace(3))
    assert [read(site, path).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert read(site, path).headers["Retry-After"]
    monkeypatch.setattr(views, "OF_AN_ADDRESS", feeds.Pace(2))
    assert [read(site, f"/feeds/{n}.ics").status_code for n in range(3)] == [404, 404, 429]


def test_a_pace_fills_up_again_and_forgets() -> None:
    pace = feeds.Pace(2, known=2)
    assert [pace.allows("a", 0.0) for _ in range(3)] == [True, True, False]
    assert not pace.allows("a", 1700.0) and pace.allows("a", 1900.0)
    assert all(pace.allows(key, 1900.0) for key in ("b", "c"))
    assert pace.allows("a", 1900.0), "forgotten when others came"


def test_a_volunteer_who_has_left_is_read_no_more(site: Site) -> None:
    path = opened(site)
    body = {"reason": "搬走了"}
    assert site.post("secretary", f"/volunteers/{site.id('volunteer1')}/standing/left", body).status_code in (302, 303)
    assert read(site, path).status_code == 404


# The pages


def test_a_volunteer_s_month_and_week(site: Site) -> None:
    order = accepted(site)
    site.offered(site.placed(preferred_start=START, preferred_end=START + timedelta(hours=1)), "volunteer1")
    with site.app.app_context():
        town = Making(site.app, site.world)
        series = town.series(steady="volunteer1")
        standing.catch_up(series)
    for address in ("/calendar", "/calendar?view=week&day=2026-11-20"):
        page = site.get("volunteer1", address).text
        assert f"/orders/{order}" in page and "cal-entry--offer" in page
    page = site.get("volunteer1", "/calendar?day=2026-12-08").text
    assert page.count(f'href="/standing/{series}"') == 5, "Tuesdays to come; that of this week is an order already"
    assert "cal-entry" not in site.get("volunteer2", "/calendar").text
    assert site.get("resident", "/calendar").status_code == 403


def test_the_branch_s_calendar_is_its_own(site: Site) -> None:
    order = accepted(site)
    other = site.accepted("volunteer2", preferred_start=START, preferred_end=START + timedelta(hours=1))
    page = site.get("secretary", "/desk/calendar").text
    assert f"/orders/{order}" in page and f"/orders/{other}" in page and "陈一" in page
    narrowed = site.get("secretary", f"/desk/calendar?volunteer={site.id('volunteer1')}").text
    assert f"/orders/{order}" in narrowed and f"/orders/{other}" not in narrowed
    building = site.world.estates["banyan"].building_id
    assert f"/orders/{order}" in site.get("secretary", f"/desk/calendar?building={building}").text
    banyan = site.world.estates["banyan"].id
    assert f"/orders/{order}" in site.get("staff", f"/desk/calendar?estate={banyan}").text
    assert f"/orders/{order}" not in site.get("outsider", "/desk/calendar").text
    assert site.get("outsider", f"/desk/calendar?estate={banyan}").status_code == 404
    assert site.get("volunteer1", "/desk/calendar").status_code == 403


def test_other_capabilities_add_what_they_have(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def off(_viewer: Any, asked: Asked) -> list[Entry]:
        return [Entry(day, "请假", "off") for day in (date(2026, 11, 21), date(2030, 1, 1)) if asked.volunteer_id]

    monkeypatch.setattr(diary, "SOURCES", [*diary.SOURCES, off])
    page = site.get("volunteer1", "/calendar").text
    assert "cal-entry--off" in page and page.count("请假") == 1
    assert events(site, opened(site)) == {}, "what has no uid is in no feed"


def test_odd_days_are_today(site: Site) -> None:
    for query in ("day=x", "day=9999-12-31", "day=0001-01-01", "view=year", "day=2026-02-30&view=week"):
        assert site.get("volunteer1", f"/calendar?{query}").status_code == 200
        assert site.get("secretary", f"/desk/calendar?{query}").status_code == 200


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 11, 18), date(2027, 1, 31), date(2028, 2, 29)])
def test_spans(day: date, at: Callable[[datetime], None]) -> None:
    month, week = span_of("month", day), span_of("week", day)
    for span in (month, week):
        assert span.first.weekday() == 0 and span.last.weekday() == 6 and span.first <= day <= span.last
        back = span_of(span.view, span_of(span.view, span.after).before)
        assert (back.first, back.last) == (span.first, span.last), "on and back again"
    assert (week.last - week.first).days == 6 and month.before < month.first + timedelta(days=7) <= month.after
    listed = days_of(month, [Entry(day, "x", "order")])
    assert [one.day for one in listed if one.entries] == [day]
    assert {one.is_out for one in listed if one.day.month == day.month} == {False}


def test_the_branch_s_calendar_costs_the_same_for_any_number(site: Site) -> None:
    spent = []
    # The table of days is read once and kept for a while.
    assert site.get("secretary", "/desk/calendar").status_code == 200
    for count in (1, 30):
        for _ in range(count):
            accepted(site)
        with statements(site.app) as sent:
            assert site.get("secretary", "/desk/calendar").status_code == 200
        spent.append(len(sent))
    assert spent[0] == spent[1] <= 4
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CalendarFeed)) == 0
    assert clock.now().tzinfo is UTC
