"""Handing out a ledger of a hundred thousand entries as files, as the job makes them: memory, time, and what it told.

Run by ``python -m bench``; each file in a process of its own.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from app import create_app
from bench.records import DAYS, PATH, QUIET, STREET
from core import clock
from core.access import Viewer
from core.config import Settings
from services.reports.asked import Asked, Period
from services.reports.exports import making, queries, workflow
from services.reports.exports.workflow import Wish
from services.reports.queries import Unit

ENTRIES = 100_000


def show(environment: dict[str, str], records: int, folder: str) -> None:
    """Make each kind of file once, in a child process, and print what it took."""
    # Nineteen of twenty orders were done, evenly over the years.
    days = min(DAYS, math.ceil(ENTRIES / (records * 0.94 / (DAYS - QUIET))))
    for kind in ("xlsx", "csv"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.handout", kind, str(days)], capture_output=True, text=True, check=False,
            env={**os.environ, **environment, "LINJU_VAR_DIR": folder},
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"  {kind} of {found['rows']:,} entries: {found['memory']:.0f} MB more, {found['seconds']:.1f} s, "
              f"{found['size'] / 1e6:.1f} MB, progress told {found['told']} times")  # fmt: skip


def _memory(name: str) -> float:
    """Megabytes of this process: ``VmRSS`` now, ``VmHWM`` at most."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def _child(kind: str, days: int) -> None:
    app = create_app(Settings.from_env(dict(os.environ)))
    told: list[int] = []
    tell = workflow.tell_progress

    def noted(job_id: str, done: int) -> bool:
        told.append(done)
        return tell(job_id, done)

    workflow.tell_progress = noted
    with app.app_context():
        last = clock.today() - timedelta(days=QUIET + 5)
        first = last - timedelta(days=days - 1)
        asked = Asked(Unit(STREET, "街道", PATH), Period("custom", first, last, last))
        kept = asked.days(first, last, measure="hours.minutes", unit_name="街道")
        id_ = workflow.ask(Viewer("p0-0", "", "李明"), asked, Wish("清单", kind, kept, True, ENTRIES))
        job: Any = queries.get(id_)
        Path("/proc/self/clear_refs").write_text("5")
        before, began = _memory("VmRSS"), time.perf_counter()
        rows = making.make(job)
        found = {"rows": rows, "seconds": time.perf_counter() - began, "memory": _memory("VmHWM") - before,
                 "told": len(told), "size": (queries.folder() / queries.get(id_).file_name).stat().st_size}  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
