"""Whether reports stay as fast as they are when there are more records, and what they cost those who write.

* growth: each figure by each cut, as of a past day, organised then and now, and every list behind one, of the
  subdistrict and of a branch, over a hundred thousand orders and over many more on PostgreSQL: the factor between the
  medians, and those that are too slow;
* the dashboard of a subdistrict over a year, over ten thousand orders and over a million: statements and the time that
  the database takes for them, on both databases;
* writing the ledger with exact reports beside it, as a share of writing it alone (``bench.ledger``);
* handing out a ledger of a hundred thousand entries (``bench.handout``).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, event

from app import create_app
from bench import handout, ledger
from bench.records import PATH, Size, make
from bench.seed import cookie
from core import clock, reports
from core.config import Settings
from core.database import engines
from core.reports import Question
from tests import postgres

SMALL, LARGE = 10_000, 1_000_000
BEFORE = 100_000
FACTOR, MILLISECONDS = 2.0, 50.0
REPEATS = 15
"""PostgreSQL may take another plan for a statement that it has seen ten times."""
CUTS = tuple(reports.DIMENSION_NAMES)
VARIANTS: dict[str, dict[str, Any]] = {"now": {}, "then": {"organised": "then"}, "as of": {"ago": 40}}
MEMORY = {"shared_buffers": "2GB", "max_wal_size": "8GB", "effective_cache_size": "8GB", "work_mem": "32MB"}
"""What PostgreSQL is given, as on a server of its own."""


def show(environment: dict[str, str], options: argparse.Namespace) -> None:
    """Measure and print."""
    records = options.records // 10 if options.small else options.records
    large = min(LARGE, records)
    few, before = min(SMALL, large // 10), min(BEFORE, records // 10)
    with tempfile.TemporaryDirectory(prefix="linju-bench-") as folder:
        if options.only != "postgresql":
            print(f"\nSQLite: reports over {few:,} and {large:,} orders")
            with _filled(environment, lambda n: f"sqlite:///{folder}/{n}.db", (few, large)) as apps:
                dashboards(apps)
        if options.only == "sqlite":
            return
        # Not below the folder above, into which the user that runs the server may not look.
        with postgres.running(Path(tempfile.gettempdir()), **MEMORY) as server:
            sizes = tuple(sorted({few, before, large, records}))
            print(f"\nPostgreSQL: reports over {', '.join(f'{size:,}' for size in sizes)} orders")
            with _filled(environment, lambda _n: postgres.fresh_database(server), sizes) as apps:
                dashboards({size: apps[size] for size in (few, large)})
                growth(apps[before][0], apps[records][0])
                handout.show(_of(environment, apps[large][0]), large, folder)
                ledger.show(_of(environment, apps[large][0]), options.rounds, options.seconds)


def _of(environment: dict[str, str], app: Flask) -> dict[str, str]:
    return {**environment, "LINJU_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"]}


Filled = dict[int, tuple[Flask, str]]
"""By number of orders: an application and the token of who reads its figures."""


@contextmanager
def _filled(environment: dict[str, str], make_url: Callable[[int], str], sizes: tuple[int, ...]) -> Iterator[Filled]:
    """A database for each size."""
    apps: Filled = {}
    for size in sizes:
        began = time.perf_counter()
        app = create_app(Settings.from_env({**environment, "LINJU_DATABASE_URL": make_url(size)}))
        with app.app_context():
            upgrade()
        apps[size] = app, make(app, Size(size))
        # PostgreSQL keeps statistics by itself; of SQLite nobody asks for any.
        with engines_of(app).quick.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("VACUUM ANALYZE")
        print(f"  {size:,} orders made in {time.perf_counter() - began:.0f} s")
    yield apps
    for app, _ in apps.values():
        engines_of(app).main.dispose()
        engines_of(app).quick.dispose()


def engines_of(app: Flask) -> Any:
    """The engines of an application."""
    with app.app_context():
        return engines()


# The dashboard


@contextmanager
def _spent() -> Iterator[list[float]]:
    """Seconds in the database for each statement inside."""
    begun: list[float] = []
    spent: list[float] = []

    def before(*_given: Any) -> None:
        begun.append(time.perf_counter())

    def after(*_given: Any) -> None:
        spent.append(time.perf_counter() - begun.pop())

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield spent
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


def dashboards(apps: Filled) -> None:
    """A year of the subdistrict on a page."""
    medians = {}
    for size, (app, token) in sorted(apps.items()):
        client = app.test_client()
        client.set_cookie(*cookie(app, token).split("=", 1))
        runs = []
        for _ in range(REPEATS):
            with _spent() as spent:
                began = time.perf_counter()
                answer = client.get("/reports", query_string={"period": "year"})
                runs.append((sum(spent), time.perf_counter() - began, len(spent)))
            assert answer.status_code == 200, answer.status
        medians[size] = [statistics.median(column) for column in zip(*runs[-5:], strict=True)]
    few, many = (medians[size] for size in sorted(medians))
    print(f"  dashboard of a year: database time × {many[0] / few[0]:.2f}, whole page × {many[1] / few[1]:.2f}, "
          f"{many[2]:.0f} statements ({few[0] * 1000:.1f} → {many[0] * 1000:.1f} ms of "
          f"{few[1] * 1000:.0f} → {many[1] * 1000:.0f} ms)")  # fmt: skip


# Growth


def growth(few: Flask, many: Flask) -> None:
    """Each question over few and over many records, in turn."""
    rows = []
    for title, ask in questions().items():
        small, large = (_median(app, ask) for app in (few, many))
        rows.append((title, small, large, large / small))
    worst = max(rows, key=lambda row: row[3])
    slowest = max(rows, key=lambda row: row[2])
    print(f"  growth of {len(rows)} questions: factor {statistics.median(row[3] for row in rows):.2f} in the middle, "
          f"at most {worst[3]:.2f} ({worst[0]}); slowest {slowest[2]:.1f} ms ({slowest[0]})")  # fmt: skip
    for title, small, large, factor in rows:
        if factor > FACTOR or large > MILLISECONDS:
            print(f"    {title}: {small:.1f} → {large:.1f} ms, × {factor:.2f}")


def _median(app: Flask, ask: Callable[[], Any]) -> float:
    """Milliseconds of a question asked warm."""
    found = []
    with app.app_context():
        for _ in range(REPEATS):
            began = time.perf_counter()
            ask()
            found.append(time.perf_counter() - began)
    return statistics.median(found[-5:]) * 1000


def questions() -> dict[str, Callable[[], Any]]:
    """Every group of measures by every cut and in every way of reading, and every list, of the subdistrict and of one
    of its branches, over a year that ends today, a whole year and the greater part of a month."""
    today = clock.today()
    year, whole = today - timedelta(days=364), (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    month = clock.first_of("m", clock.first_of("m", today) - timedelta(days=1))
    part = month, month + timedelta(days=24)
    spans = {"": (year, today), " of a whole year": whole, " of part of a month": part}
    found: dict[str, Callable[[], Any]] = {}
    groups = sorted({measure.group for measure in reports.measures().values()})
    for (of, path), (span, days) in product({"": PATH, " of a branch": f"{PATH}c0/b0/"}.items(), spans.items()):
        for group, cut in product(groups, CUTS):
            cuts = [m for m in reports.measures().values() if m.group == group and cut in {*m.cuts, "total"}]
            for variant, more in VARIANTS.items():
                names = [m.name for m in cuts if m.recalls or "ago" not in more]
                if names:
                    found[f"{group} by {cut}, {variant}{span}{of}"] = _asking(names, Question(path, *days, cut), more)
        for name in reports.measures():
            found[f"list behind {name}{span}{of}"] = _listing(name, Question(path, *days))
    return found


def _asking(names: list[str], question: Question, more: dict[str, Any]) -> Callable[[], Any]:
    as_of = clock.today() - timedelta(days=more["ago"]) if "ago" in more else None
    asked = replace(question, as_of=as_of, organised=more.get("organised", "now"))
    return lambda: reports.draw(asked, names)


def _listing(name: str, question: Question) -> Callable[[], Any]:
    return lambda: reports.behind(question, name, None, 50)
