"""``make bench``: the product beside a bare application, under the same server, in turn, as ratios inside each round.

Figures on each database: whole order life cycles through the API, the queue page of 50 rows, and a plan for a page of
orders and for a whole town, whose whole time is given as a multiple of the solver's own. A rate ratio
of 0.35 means that we do 35 life cycles while the bare application does 100; a CPU ratio of 3, that one costs three
times the processor time of the server process. Medians over rounds; absolute figures depend on the machine.
The third part is reports (``bench.reports``), over a million records unless ``--records`` asks for more; ten million
take half an hour and 30 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from app import create_app
from bench import bare, matching, reports
from bench.seed import Branch, cookie, seed
from core.config import Settings
from tests import postgres

SECRET, SEAL = "bench-secret-" * 4, "bench-seal-" * 4
SIZES = {"branches": 100, "volunteers": 5000, "residents": 20000, "orders": 20000}


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seconds", type=float, default=4)
    words.add_argument("--small", action="store_true", help="a tenth of the data, for trying")
    words.add_argument("--keys", action="store_true", help="send an Idempotency-Key with every call")
    words.add_argument("--only", choices=("sqlite", "postgresql"))
    words.add_argument("--part", choices=("all", "cycles", "matching", "reports"), default="all")
    words.add_argument("--records", type=int, default=1_000_000, help="orders that reports are drawn over")
    options = words.parse_args()
    sizes = {name: count // 10 for name, count in SIZES.items()} if options.small else SIZES
    if options.part in ("all", "reports"):
        reports.show(_environment(""), options)
    if options.part == "reports":
        return
    with tempfile.TemporaryDirectory(prefix="linju-bench-") as folder:
        if options.only != "postgresql":
            _database("SQLite", lambda name: f"sqlite:///{folder}/{name}.db", sizes, options)
        if options.only != "sqlite":
            with postgres.running() as server:
                _database("PostgreSQL", lambda _name: postgres.fresh_database(server), sizes, options)


def _database(title: str, make_url: Any, sizes: dict[str, int], options: argparse.Namespace) -> None:
    environment = _environment(make_url("ours"))
    if options.part != "matching":
        _cycles(title, make_url("bare"), environment, sizes, options)
    if options.part == "cycles":
        return
    for number, town in enumerate(matching.TOWNS):
        people, waiting, past = (count // 10 for count in town) if options.small else town
        matching.show(make_url(f"town{number}"), environment, people, waiting, past, options.rounds)


def _environment(url: str) -> dict[str, str]:
    return {"LINJU_ENV": "demo", "LINJU_SECRET_KEY": SECRET, "LINJU_SEAL_KEY": SEAL, "LINJU_DATABASE_URL": url}


def _cycles(
    title: str, theirs: str, environment: dict[str, str], sizes: dict[str, int], options: argparse.Namespace
) -> None:
    bare.create(theirs, sizes["branches"], sizes["residents"], sizes["orders"])
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        upgrade()
    branches = seed(app, **sizes)
    size = _page_size(app, branches[0])
    print(
        f"\n{title}: {sizes['orders']} waiting orders, {sizes['volunteers']} volunteers, {sizes['branches']} branches"
    )
    pages = [["/desk", cookie(app, branch.secretary)] for branch in branches]
    actors = [{"secretary": b.secretary, "volunteers": b.volunteers, "residents": b.residents} for b in branches]
    plain = [[f"/branches/{n + 1}/open", ""] for n in range(sizes["branches"])]
    shared = {
        "keys": options.keys,
        "branches": sizes["branches"],
        "residents": sizes["residents"],
        "seconds": options.seconds,
    }
    with (
        _served("bench.bare:app", {"BARE_URL": theirs, "BARE_BYTES": str(size)}) as one,
        _served("app:create_app", environment) as two,
    ):
        cycles = [
            ("bare", one, {**shared, "work": "bare"}),
            ("ours", two, {**shared, "work": "ours", "actors": actors}),
        ]
        _compare("order life cycles through the API", cycles, options)
        views = [("bare", one, {**shared, "work": "page", "pages": plain}),
                 ("ours", two, {**shared, "work": "page", "pages": pages})]  # fmt: skip
        _compare(f"queue page of 50 rows ({size // 1024} KiB)", views, options)
        print(f"  memory of our web process: {_memory(two[1]):.0f} MB")


def _compare(title: str, sides: list[tuple[str, tuple[int, int], dict[str, Any]]], options: argparse.Namespace) -> None:
    """Both sides in turn, round by round; prints medians of the ratios ours ÷ bare."""
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    costs: dict[str, list[float]] = {"bare": [], "ours": []}
    for turn in range(-1, options.rounds):
        for name, (port, process), plan in sides if turn % 2 else sides[::-1]:
            seconds = 2.0 if turn < 0 else options.seconds
            first = (turn + 2) * 1_000_000
            before = _cpu(process)
            done = _load({**plan, "port": port, "clients": 8, "first": first, "seconds": seconds})
            if turn >= 0:
                rates[name].append(done["done"] / done["seconds"])
                costs[name].append((_cpu(process) - before) / done["done"] * 1000)
    rate = [ours / theirs for ours, theirs in zip(rates["ours"], rates["bare"], strict=True)]
    cost = [ours / theirs for ours, theirs in zip(costs["ours"], costs["bare"], strict=True)]
    middle = statistics.median
    print(f"  {title}")
    print(f"    rate ratio {middle(rate):.2f} [{min(rate):.2f}–{max(rate):.2f}]   "
          f"CPU ratio {middle(cost):.2f} [{min(cost):.2f}–{max(cost):.2f}]")  # fmt: skip
    print(f"    ours {middle(rates['ours']):.0f}/s at {middle(costs['ours']):.2f} ms CPU, "
          f"bare {middle(rates['bare']):.0f}/s at {middle(costs['bare']):.2f} ms CPU")  # fmt: skip


def _load(plan: dict[str, Any]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=json.dumps(plan), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def _served(target: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """One granian worker of one thread; yields its port and the worker's process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    factory = ["--factory"] if target.endswith("create_app") else []
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1", "--blocking-threads", "1", "--no-ws", "--log-level", "error",
               *factory, target]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _await(port)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield port, max(map(int, children), key=_cpu)
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _cpu(process: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def _page_size(app: Flask, branch: Branch) -> int:
    client = app.test_client()
    client.set_cookie(*cookie(app, branch.secretary).split("=", 1))
    answer = client.get("/desk")
    assert answer.status_code == 200, answer.status
    return len(answer.data)


if __name__ == "__main__":
    main()
