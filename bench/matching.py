"""Where the time of a plan goes: reading, the solver alone, judging with pricing and wording; how many times the
solver's own time the whole takes; and what a secretary waits for who asks for a plan and gets its page.

Run by ``python -m bench``; each plan in a process of its own, so that its memory is its own, too.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from app import create_app
from bench.town import settle
from core.config import Settings
from core.database import db
from services.dispatch import assigning, planning, queries, workflow
from services.dispatch.facts import load_waiting
from services.dispatch.workflow import body_of

TOWNS = ((200, 40, 2_000), (20_000, 5_000, 60_000))
"""Volunteers, waiting orders, services of the past year."""
STAGES = {"read": "reading", "solve": "the solver alone", "judge": "judging, pricing, wording", "keep": "as it is kept"}


def show(url: str, environment: dict[str, str], volunteers: int, orders: int, history: int, rounds: int) -> None:
    """Plan a town of this size in a database that is empty yet, in a child process, and print its medians."""
    words = [sys.executable, "-m", "bench.matching", *map(str, (volunteers, orders, history, rounds))]
    done = subprocess.run(
        words, env={**os.environ, **environment, "LINJU_DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout.splitlines()[-1])
    whole = sum(found[stage] for stage in STAGES)
    print(f"  plan of {orders} orders × {volunteers} volunteers ({found['given']} dispatched)")
    print(f"    whole ÷ solver alone {whole / found['solve']:.2f}   of the whole: " + ", ".join(
        f"{name} {found[stage] / whole:.0%}" for stage, name in STAGES.items()
    ))  # fmt: skip
    print(f"    {whole:.2f} s, at most {found['memory']:.0f} MB with the seeding")
    print(f"    asking for a plan and getting its page, {found['lines']:.0f} orders: {found['page']:.2f} s, "
          f"of which the plan {found['asked'] / found['page']:.0%}")  # fmt: skip


def _plan(estate: str) -> dict[str, float]:
    """One plan, from the database to the body that is kept; seconds by stage."""
    solver, spent = assigning.solve, [0.0]

    def timed(*given: Any) -> Any:
        begun = time.perf_counter()
        found = solver(*given)
        spent[0] += time.perf_counter() - begun
        return found

    assigning.solve = timed
    try:
        with planning.undisturbed():
            ticks = [time.perf_counter()]
            waiting = queries.list_waiting(estate)
            facts = load_waiting(estate, waiting)
            ticks.append(time.perf_counter())
            best = planning.assign(estate, waiting, facts)
            ticks.append(time.perf_counter())
            body = body_of(waiting, best)
            ticks.append(time.perf_counter())
    finally:
        assigning.solve = solver
    db.session.rollback()
    read, assign, keep = (after - before for before, after in pairwise(ticks))
    return {"read": read, "solve": spent[0], "judge": assign - spent[0], "keep": keep,
            "given": len(body["assignments"])}  # fmt: skip


def _page(client: FlaskClient) -> dict[str, float]:
    """A secretary presses the button for a plan and is led to its page; seconds, the plan's part of them, and lines."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/dispatch/plan").text)
    spent, propose = [0.0], workflow.propose

    def timed(*given: Any) -> Any:
        begun = time.perf_counter()
        plan = propose(*given)
        spent[0] += time.perf_counter() - begun
        return plan

    workflow.propose = timed
    try:
        begun = time.perf_counter()
        sent = client.post("/dispatch/plan", data={"csrf_token": token and token[1]}, follow_redirects=True)
        page = time.perf_counter() - begun
    finally:
        workflow.propose = propose
    assert sent.status_code == 200 and "自动派单预览" in sent.text, sent.status
    return {"page": page, "asked": spent[0], "lines": sent.text.count('name="order"')}


def _signed_in(app: Flask, mark: str) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session.update({"_user_id": f"web{mark}", "_fresh": True, "seen": int(time.time()), "_permanent": True})
    return client


def _child(volunteers: int, orders: int, history: int, rounds: int) -> None:
    # Linux only, as the rest of the bench.
    import resource

    app = create_app(Settings.from_env(dict(os.environ)))
    with app.app_context():
        upgrade()
    town = settle(app, volunteers, orders, history)
    with app.app_context():
        _plan(town.estate)
        plans = [_plan(town.estate) for _ in range(rounds)]
    client = _signed_in(app, town.secretary)
    _page(client)
    pages = [_page(client) for _ in range(rounds)]
    medians = {name: statistics.median(run[name] for run in runs) for runs in (plans, pages) for name in runs[0]}
    print(json.dumps(medians | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    _child(*map(int, sys.argv[1:5]))
