"""The pages of service hours: totals, entries page by page, corrections by reversal, and who sees whose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from core.database import begin_write, db
from core.ids import new_id
from tests.conftest import MOMENT
from tests.factories import World
from tests.services.orders.site import Site, statements
from volunteers.hours import queries
from volunteers.hours.models import HourEntry


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    return Site(app, world)


def give(site: Site, count: int, minutes: int = 60, name: str = "volunteer1", note: str = "") -> list[str]:
    """Entries of a volunteer, one a day back from today."""
    ids = []
    with site.app.app_context():
        begin_write()
        for n in range(count):
            start = MOMENT - timedelta(days=n, hours=2)
            ids.append(new_id())
            db.session.add(
                HourEntry(
                    id=ids[-1], volunteer_id=site.id(name), estate_id=site.world.estates["banyan"].id,
                    order_id=None, starts_at=start, ends_at=start + timedelta(minutes=minutes), minutes=minutes,
                    content="助老购物", note=note, recorded_at=start, recorded_by=site.id(name),
                )
            )  # fmt: skip
        db.session.commit()
    return ids


def path(site: Site, name: str = "volunteer1") -> str:
    return f"/volunteers/{site.id(name)}/hours"


def test_ones_own_hours(site: Site) -> None:
    give(site, 2, 90, note="<b>米</b>")
    page = site.get("volunteer1", "/hours").text
    assert "累计3小时" in page
    assert "1小时30分" in page
    assert "<b>米</b>" not in page
    assert "还没有记过时长" in site.get("volunteer2", "/hours").text
    assert site.get("resident", "/hours").status_code == 403


def test_stars_follow_the_hours(site: Site) -> None:
    give(site, 100, 60)
    page = site.get("volunteer1", "/hours").text
    assert "升为二星级志愿者" in page


def test_entries_page_by_page(site: Site) -> None:
    give(site, 50)
    address, shown = "/hours", []
    while address:
        page = site.get("volunteer1", address).text
        shown.append(page.count("entry-act"))
        following = page.split('rel="next"')
        address = following[0].rpartition('href="')[2].partition('"')[0] if len(following) > 1 else ""
    assert shown == [20, 20, 10]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("secretary", 200), ("staff", 200), ("cement_secretary", 404), ("outsider", 404), ("volunteer2", 403),
        ("resident", 403), ("grid_worker", 403),
    ],
)  # fmt: skip
def test_whose_hours_may_be_seen(site: Site, name: str, status: int) -> None:
    assert site.get(name, path(site)).status_code == status


def test_a_correction_reverses_and_writes_anew(site: Site) -> None:
    (entry,) = give(site, 1, 90)
    answer = site.send("secretary", path(site), f"/hours/{entry}", minutes="45", reason="多记了")
    assert (answer.status_code, answer.location) == (303, path(site))
    page = site.get("volunteer1", "/hours").text
    for words in ("冲销", "更正后", "已更正", "-1小时30分", "45分钟", "多记了"):
        assert words in page
    with site.app.app_context():
        assert queries.total_minutes(site.id("volunteer1")) == 45


@pytest.mark.parametrize(
    ("minutes", "reason", "text"),
    [
        ("90", "原来就对", "不用更正"), ("1441", "多", "0到1440分钟"), ("-1", "少", "0到1440分钟"),
        ("十", "写错", "还有1处没填好"), ("45", "", "请写明原因"),
    ],
)  # fmt: skip
def test_a_wrong_correction_says_why_and_keeps_what_was_typed(site: Site, minutes: str, reason: str, text: str) -> None:
    (entry,) = give(site, 1, 90)
    answer = site.send("secretary", path(site), f"/hours/{entry}", minutes=minutes, reason=reason)
    assert answer.status_code == 422
    assert text in answer.text
    assert reason in answer.text
    with site.app.app_context():
        assert queries.total_minutes(site.id("volunteer1")) == 90


def test_an_entry_is_corrected_once(site: Site) -> None:
    (entry,) = give(site, 1, 90)
    fields = site.filled("secretary", path(site), f"/hours/{entry}", minutes="45", reason="多记了")
    assert site.post("secretary", f"{path(site)}/{entry}", fields).status_code == 303
    again = site.post("secretary", f"{path(site)}/{entry}", {**fields, "minutes": "30"})
    assert again.status_code == 409
    assert "已经更正过" in again.text


def test_only_the_branch_corrects(site: Site) -> None:
    (entry,) = give(site, 1, 90)
    fields = site.filled("secretary", path(site), f"/hours/{entry}", minutes="45", reason="多记了")
    token = site.filled("outsider", "/me/password", "/me/password")["csrf_token"]
    assert site.post("outsider", f"{path(site)}/{entry}", {**fields, "csrf_token": token}).status_code == 404
    token = site.filled("staff", "/me/password", "/me/password")["csrf_token"]
    assert site.post("staff", f"{path(site)}/{entry}", {**fields, "csrf_token": token}).status_code == 403
    elsewhere = f"{path(site, 'volunteer2')}/{entry}"
    assert site.post("secretary", elsewhere, fields).status_code == 404
    assert "更正" not in site.get("staff", path(site)).text.replace("更正会冲销", "")


def test_hours_cost_the_same_however_many(site: Site, app: Flask) -> None:
    for count in (10, 490):
        give(site, count)
        with statements(app) as sent:
            assert site.get("volunteer1", "/hours").status_code == 200
        assert len(sent) <= 6, sent
