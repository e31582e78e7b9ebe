"""What exact reports cost those who write the ledger: entries a second with reports beside them ÷ without, in turn.

Three processes write entries as the product does, a transaction each. Beside them another runs the sweep once a turn,
which counts all that was written in the turn before, and draws a subdistrict's figures each second. The sweep's job
runs every ten minutes, so that a turn of a few seconds has far more of its fixed costs; what it counts is all there is.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
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


def show(environment: dict[str, str], rounds: int, seconds: float) -> None:
    """Print the medians of the ratios, over all estates and in a single one."""
    for title, estates in (("all estates", ESTATES), ("a single estate", 1)):
        ratios, alone, beside, swept = [], [], [], []
        for turn in range(-1, rounds):
            rate = {}
            for reported in (True, False) if turn % 2 else (False, True):
                rate[reported], sweep = _turn(environment, estates, max(seconds, 8), reported)
                if not reported:
                    # What was written alone is not for the next turn to count.
                    _run(environment, {"mode": "sweep"})
                elif turn >= 0:
                    swept.append(sweep)
            if turn >= 0:
                ratios.append(rate[True] / rate[False])
                alone.append(rate[False])
                beside.append(rate[True])
        middle = statistics.median
        print(f"  ledger writes in {title}: with reports ÷ alone {middle(ratios):.2f} "
              f"[{min(ratios):.2f}–{max(ratios):.2f}]   {middle(beside):.0f}/s ÷ {middle(alone):.0f}/s; "
              f"a sweep took {middle(swept):.1f} s")  # fmt: skip


def _turn(environment: dict[str, str], estates: int, seconds: float, reported: bool) -> tuple[float, float]:
    """Entries a second of all writers, and how long the sweep beside them took."""
    plans: list[dict[str, Any]] = [
        {"mode": "write", "estates": estates, "seconds": seconds, "first": n} for n in range(WRITERS)
    ]
    if reported:
        plans.append({"mode": "report", "seconds": seconds})
    children = [_start(environment, plan) for plan in plans]
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise SystemExit(child.communicate()[1])
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    found = [json.loads(child.communicate()[0]) for child in children]
    rate = sum(one["done"] / one["seconds"] for one in found[:WRITERS])
    return rate, found[-1].get("sweep", 0.0)


def _start(environment: dict[str, str], plan: dict[str, Any]) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.ledger", json.dumps(plan)]
    pipe, environment = subprocess.PIPE, {**os.environ, **environment}
    return subprocess.Popen(words, text=True, env=environment, stdin=pipe, stdout=pipe)


def _run(environment: dict[str, str], plan: dict[str, Any]) -> None:
    _start(environment, plan).communicate("go\n")


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


def _report(plan: dict[str, Any]) -> dict[str, float]:
    """The sweep once, and figures each second all the while."""
    began = time.perf_counter()
    sweep = _sweep()
    today, drawn = clock.today(), 0
    names = [measure.name for measure in reports.measures().values()]
    while (left := plan["seconds"] - (time.perf_counter() - began)) > 0:
        reports.draw(Question(PATH, today.replace(month=1, day=1), today), names)
        drawn += 1
        time.sleep(max(0, min(1, left)))
    return {"sweep": sweep, "drawn": drawn}


def _sweep() -> float:
    began = time.perf_counter()
    workflow.LAG = timedelta(0)
    jobs.roll_figures()
    return time.perf_counter() - began


def _child(plan: dict[str, Any]) -> None:
    app = create_app(Settings.from_env(dict(os.environ)))
    with app.app_context():
        db.session.execute(select(1))
        db.session.rollback()
        print("ready", flush=True)
        sys.stdin.readline()
        match plan["mode"]:
            case "write":
                found = _write(plan)
            case "report":
                found = _report(plan)
            case _:
                found = {"sweep": _sweep()}
    print(json.dumps(found))


if __name__ == "__main__":
    _child(json.loads(sys.argv[1]))
