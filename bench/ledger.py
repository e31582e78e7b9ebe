"""What exact reports cost those who write the ledger: entries a second with reports beside them ÷ alone, in turn.

Three processes write entries as the product does, a transaction each, as fast as they can. Beside them one draws all of
a subdistrict's figures each second (``read``); and another runs the sweep over and over, too (``sweep``). The job runs
every ten minutes and is done in seconds, so that most of the time is as in ``read``. Between turns all is swept.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select

from app import create_app
from bench.records import ESTATES, PATH, PEOPLE
from core import clock, reports
from core.config import Settings
from core.database import begin_write, db
from core.reports import Question
from services.reports import jobs, workflow
from volunteers.hours.models import HourEntry
from volunteers.hours.workflow import Origin, entry_row

WRITERS = 3
GROUPS = ("订单", "时长", "用时", "志愿者")


KINDS = {"alone": (), "read": ("read",), "sweep": ("read", "sweep")}


def show(environment: dict[str, str], rounds: int, seconds: float) -> None:
    """Print the medians of the ratios, over all estates and in a single one."""
    for title, estates in (("all estates", ESTATES), ("a single estate", 1)):
        rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for turn in range(-1, rounds):
            for kind in list(KINDS)[:: 1 if turn % 2 else -1]:
                rate = _turn(environment, estates, seconds, KINDS[kind])
                _start(environment, {"mode": "once"}).communicate("go\n")
                if turn >= 0:
                    rates[kind].append(rate)
        alone = rates.pop("alone")
        print(f"  ledger writes in {title}: {statistics.median(alone):.0f}/s alone")
        for kind, found in rates.items():
            ratios = [beside / without for beside, without in zip(found, alone, strict=True)]
            print(f"    {kind} ÷ alone {statistics.median(ratios):.2f} [{min(ratios):.2f}–{max(ratios):.2f}]")


def _turn(environment: dict[str, str], estates: int, seconds: float, beside: Sequence[str]) -> float:
    """Entries a second of all writers."""
    plan = {"estates": estates, "seconds": seconds}
    writers = [_start(environment, {**plan, "mode": "write", "first": n}) for n in range(WRITERS)]
    others = [_start(environment, {"mode": mode}) for mode in beside]
    for child in (*writers, *others):
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise SystemExit("a process of the ledger's bench did not start")
    for child in (*writers, *others):
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    found = [json.loads(child.communicate()[0]) for child in writers]
    for child in others:
        child.terminate()
        child.communicate()
    return float(sum(one["done"] / one["seconds"] for one in found))


def _start(environment: dict[str, str], plan: dict[str, Any]) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.ledger", json.dumps(plan)]
    pipe, environment = subprocess.PIPE, {**os.environ, **environment}
    return subprocess.Popen(words, text=True, env=environment, stdin=pipe, stdout=pipe)


def _write(plan: dict[str, Any]) -> dict[str, float]:
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < plan["seconds"]:
        n = plan["first"] + done * WRITERS
        estate, person = n % plan["estates"], n // plan["estates"] % PEOPLE
        now = clock.now()
        begin_write()
        row = entry_row(f"p{estate}-{person}", f"e{estate}", starts_at=now - timedelta(minutes=40), ends_at=now,
                        minutes=40, content="服务", note="", by="p0-0", origin=Origin(source="other"))  # fmt: skip
        db.session.execute(insert(HourEntry), [row])
        db.session.commit()
        done += 1
    return {"done": done, "seconds": time.perf_counter() - began}


def _read() -> None:
    """Figures each second."""
    names = [name for name, measure in reports.measures().items() if measure.group in GROUPS]
    while True:
        today = clock.today()
        reports.draw(Question(PATH, today.replace(month=1, day=1), today), names)
        time.sleep(1)


def _once() -> None:
    """The job, which counts all that is written by now."""
    workflow.LAG = timedelta(0)
    jobs.roll_figures()


def _sweep() -> None:
    """The job again and again."""
    while True:
        _once()


def _child(plan: dict[str, Any]) -> None:
    app = create_app(Settings.from_env(dict(os.environ)))
    with app.app_context():
        db.session.execute(select(1))
        db.session.rollback()
        print("ready", flush=True)
        sys.stdin.readline()
        if plan["mode"] == "write":
            print(json.dumps(_write(plan)))
        else:
            {"read": _read, "sweep": _sweep, "once": _once}[plan["mode"]]()


if __name__ == "__main__":
    _child(json.loads(sys.argv[1]))
