"""One leader among processes, and each slot once even when there are two."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from core import jobs
from core.config import ROOT
from core.database import db
from core.jobs import JobRun

LEAD = """
import sys, threading, signal
from pathlib import Path
from core.jobs import leadership
from tests.conftest import make_app, settings_for
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
app = make_app(settings_for(sys.argv[1], Path(sys.argv[2])))
print("waits", flush=True)
with leadership(app, stop) as leading:
    print("leads" if leading else "stopped", flush=True)
    while leading and not stop.wait(0.05):
        pass
"""


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A job that notes each run."""
    done: list[int] = []

    def run() -> str:
        done.append(1)
        return "好了"

    monkeypatch.setitem(jobs._jobs, "test", jobs.Job("test", "试一试", "* * * * *", run))
    return done


def test_a_slot_is_run_once_by_many_at_once(app: Flask, work: list[int]) -> None:
    start, found = threading.Barrier(5), []

    def one() -> None:
        start.wait()
        with app.app_context():
            found.append(jobs.run("test", "2026-11-18T10:00"))

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(work) == 1
    assert sum(run is not None for run in found) == 1
    with app.app_context():
        kept = db.session.scalars(select(JobRun)).one()
        assert (kept.state, kept.outcome) == ("done", "好了")
        assert jobs.run("test", "2026-11-18T10:01") is not None


def test_a_name_stands_for_one_job(work: list[int]) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        jobs.job("test", "另一个", "* * * * *")(lambda: "")


def lead(url: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LEAD, url, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_when_the_leader_dies_another_process_takes_over(database_url: str, tmp_path: Path) -> None:
    first, second = lead(database_url, tmp_path), None
    try:
        assert [says(first), says(first)] == ["waits", "leads"]
        second = lead(database_url, tmp_path)
        assert says(second) == "waits"
        first.kill()
        first.wait()
        assert says(second) == "leads"
        third = lead(database_url, tmp_path)
        assert says(third) == "waits"
        third.send_signal(signal.SIGTERM)
        assert says(third) == "stopped"
        third.communicate()
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.communicate()
