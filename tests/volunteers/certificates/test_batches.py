"""Certificates for many: one each, none for who has no hours, gone on with after a crash, taken away as files."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import func, select

from core import clock, jobs
from core.database import begin_write, db
from core.ids import new_id
from tests.factories import World, write
from tests.services.orders.site import Site
from volunteers.certificates.models import BatchState, Certificate, CertificateBatch, CertificateItem
from volunteers.certificates.workflow import batches
from volunteers.hours.models import HourEntry

PAGE = "/certificates/batches"


@pytest.fixture
def site(app: Flask, world: World, at: object) -> Site:
    """Browsers, and hours of three of the four volunteers of one estate."""
    with app.app_context():
        begin_write()
        start = clock.now() - timedelta(days=2)
        for number in (1, 2, 3):
            write(
                HourEntry, id=new_id(), volunteer_id=world[f"volunteer{number}"].id, recorded_by="system",
                estate_id=world.estates["banyan"].id, starts_at=start, ends_at=start + timedelta(hours=1),
                minutes=60 * number, content="助老购物", recorded_at=start,
            )  # fmt: skip
        db.session.commit()
    return Site(app, world)


def csrf(site: Site, who: str) -> dict[str, str]:
    """The token of a form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', site.get(who, "/me").text)
    assert found is not None
    return {"csrf_token": found[1]}


def queue(site: Site, who: str = "secretary", **values: Any) -> str:
    """Ask for a batch through the page; where it leads."""
    today = clock.today()
    fields = {"estate": site.world.estates["banyan"].id, "first": f"{today.year}-01-01", "last": today.isoformat()}
    answer = site.post(who, PAGE, csrf(site, who) | fields | values)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def run(site: Site) -> str:
    """The job, once."""
    with site.app.app_context():
        done = jobs.run("issue_certificates", new_id())
        assert done is not None and done.state == "done", done and done.outcome
        return done.outcome


def test_a_batch_is_issued_and_taken_away(site: Site) -> None:
    where = queue(site)
    page = site.get("secretary", where).text
    assert 'http-equiv="refresh"' in page and "排队中" in page
    run(site)
    page = site.get("secretary", where).text
    assert "已开完" in page and "3份" in page and "陈四" in page and "没有服务时长" in page and "refresh" not in page
    token = csrf(site, "secretary")
    pdf = site.post("secretary", where + "/file", token | {"kind": "pdf"})
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.data)).pages).replace("\0", "")
    assert len(PdfReader(io.BytesIO(pdf.data)).pages) == 3 and "陈三" in text and "校验码" in text
    packed = zipfile.ZipFile(io.BytesIO(site.post("secretary", where + "/file", token | {"kind": "zip"}).data))
    assert len(packed.namelist()) == 3 and packed.testzip() is None
    assert site.get("outsider", where).status_code == 404
    assert site.post("outsider", where + "/file", csrf(site, "outsider")).status_code == 404


def test_a_crash_loses_nothing_and_doubles_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    where = queue(site)
    monkeypatch.setattr(batches, "SHARE", 1)
    real, calls = batches._certify, []

    def breaks(*args: Any) -> None:
        calls.append(args)
        real(*args)
        if len(calls) == 2:
            raise OSError("the power went")

    monkeypatch.setattr(batches, "_certify", breaks)
    with site.app.app_context():
        first = jobs.run("issue_certificates", "first")
        assert first is not None and first.state == "failed"
        looked = CertificateItem.number.is_not(None) | (CertificateItem.left_out != "")
        assert db.session.scalar(select(func.count()).where(looked)) == 1
    run(site)
    run(site)
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Certificate)) == 3
        assert db.session.scalar(select(func.count(func.distinct(Certificate.volunteer_id)))) == 3
        assert db.session.scalars(select(CertificateBatch.state)).one() == BatchState.DONE
        assert db.session.scalar(select(func.count()).where(CertificateItem.left_out != "")) == 1
    assert "已开完" in site.get("secretary", where).text


def test_a_batch_can_be_stopped(site: Site) -> None:
    where = queue(site)
    token = csrf(site, "secretary")
    assert site.post("secretary", where + "/cancel", token).status_code == 303
    assert run(site) == "看了0人"
    assert "已停止" in site.get("secretary", where).text
    assert site.post("secretary", where + "/cancel", token).status_code == 409
    assert site.post("secretary", where + "/file", token).status_code == 404


def test_named_people_only(site: Site) -> None:
    with site.app.app_context():
        from volunteers.registry.models import Volunteer

        number = db.session.get_one(Volunteer, site.world["volunteer2"].id).number
    where = queue(site, "staff", numbers=number.lower())
    run(site)
    assert "指定的1人" in site.get("staff", where).text
    today = clock.today().isoformat()
    fields = {
        **csrf(site, "secretary"), "estate": site.world.estates["banyan"].id, "first": today,
        "last": today,
    }  # fmt: skip
    assert "没有这些编号：V0" in site.post("secretary", PAGE, fields | {"numbers": "V0"}).text
    assert "没有这样的志愿者" in site.post("secretary", PAGE, fields | {"team": "没有的队"}).text
    assert "不能晚于今天" in site.post("secretary", PAGE, fields | {"last": "2030-01-01"}).text
    swan = site.world.estates["swan"].id
    assert site.post("secretary", PAGE, fields | {"estate": swan}).status_code == 422
    assert site.get("volunteer1", PAGE).status_code == 403
