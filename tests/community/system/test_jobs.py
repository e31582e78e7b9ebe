"""Jobs: the timetable, slots claimed once, failures that can be seen."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from community.accounts.models import SignInFailure
from core import audit, clock, jobs
from core.audit import AuditChain, Event, Subject
from core.database import begin_write, db
from core.ids import new_id
from core.jobs import Job, JobRun
from tests.community.making import Town, as_, statements

NAMES = {
    "deliver_messages",
    "seal_audit",
    "forget_keys",
    "forget_job_runs",
    "forget_sign_in_failures",
    "forget_messages",
}


def test_the_timetable_holds_the_jobs_of_the_ground() -> None:
    assert {found.name for found in jobs.timetable()} >= NAMES


def test_an_administrator_runs_a_job_and_sees_how_it_went(app: Flask, town: Town) -> None:
    browser = as_(app, "admin")
    assert "还没运行过" in browser.get("/jobs").text
    assert browser.post("/jobs/deliver_messages/run", page="/jobs").location == "/jobs"
    page = browser.get("/jobs").text
    assert "送达0条，没送到0条" in page and "完成" in page
    assert browser.post("/jobs/nothing/run", page="/jobs").status_code == 404
    with app.app_context():
        assert db.session.scalars(select(Event.details).where(Event.verb == "run_job")).one() == {
            "job": "deliver_messages"
        }
    assert as_(app, "secretary").get("/jobs").status_code == 403


def test_a_failure_is_kept_and_shown(app: Flask, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise OSError("邮局关门<b>")

    broken = Job("forget_keys", "清除过期的防重复标记", "5 * * * *", fail)
    monkeypatch.setitem(jobs._jobs, "forget_keys", broken)
    browser = as_(app, "admin")
    browser.post("/jobs/forget_keys/run", page="/jobs")
    page = browser.get("/jobs").text
    assert "近七天失败1次" in page and "OSError: 邮局关门&lt;b&gt;" in page
    assert app.test_cli_runner().invoke(args=["jobs", "run", "forget_keys"]).exit_code == 1


def test_the_page_needs_few_statements_however_long_the_ledger(app: Flask, town: Town) -> None:
    with app.app_context():
        begin_write()
        for n in range(200):
            at = clock.now() - timedelta(minutes=n + 1)
            row = {"slot": f"2026-01-01T{n:05d}", "state": "done", "started_at": at, "outcome": ""}
            db.session.add(JobRun(job="deliver_messages", **row))
        db.session.commit()
    browser = as_(app, "admin")
    with statements(app) as sent:
        assert browser.get("/jobs").status_code == 200
    assert len(sent) <= 6


def test_a_slot_is_claimed_once_however_many_try(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    monkeypatch.setitem(jobs._jobs, "once", Job("once", "一次", "* * * * *", lambda: str(ran.append(1))))
    together = threading.Barrier(4)
    answers: list[JobRun | None] = []

    def claim() -> None:
        with app.app_context():
            together.wait()
            answers.append(jobs.run("once", "2026-11-22T10:00"))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1 and sum(answer is not None for answer in answers) == 1


def test_a_finished_day_is_sealed_and_still_proves(app: Flask) -> None:
    try:
        clock.set_now(datetime.now(UTC) - timedelta(days=2))
        with app.app_context():
            begin_write()
            audit.record("a", "某人", "place", Subject("order", "o", "e"))
            db.session.commit()
    finally:
        clock.set_now(None)
    with app.app_context():
        done = jobs.run("seal_audit", "now")
        assert done is not None and done.outcome == "封存1条链"
        assert db.session.scalars(select(AuditChain)).one().seal
        assert list(audit.verify()) == []


def test_what_is_old_is_forgotten(app: Flask) -> None:
    old = clock.now() - timedelta(days=31)
    with app.app_context():
        begin_write()
        for at in (old, clock.now()):
            db.session.add(SignInFailure(id=new_id(), phone_key="k", address_key="a", at=at))
            db.session.add(JobRun(job="x", slot=at.isoformat(), state="done", started_at=at, outcome=""))
        db.session.commit()
        for name in ("forget_sign_in_failures", "forget_job_runs", "forget_keys"):
            done = jobs.run(name, "now")
            assert done is not None and done.state == "done", done and done.outcome
        assert db.session.scalar(select(func.count()).select_from(SignInFailure)) == 1
        assert db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == "x")) == 1
