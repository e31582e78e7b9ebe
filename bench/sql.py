"""Rows made by the database itself: numbers, draws and moments as SQL of either database, and statements of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text

from core.database import db, dialect_name

PRIME = 1_000_003


def run(sql: str, **values: Any) -> None:
    """One statement of plain SQL in the transaction of the session."""
    # What looks like a parameter is a format of times, or JSON.
    plain = sql.replace("%H:%M:%f", "%H\\:%M\\:%f").replace('":', '"\\:')
    db.session.execute(text(plain), values)


def stamp(at: datetime) -> Any:
    """A moment as a parameter of plain SQL."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f") if dialect_name() == "sqlite" else at


def given(name: str) -> str:
    """A moment that is given as the parameter ``name``, as SQL."""
    return f"CAST(:{name} AS timestamptz)" if dialect_name() == "postgresql" else f":{name}"


def draw(salt: int) -> str:
    """A number below ``PRIME`` for row ``n``, as SQL."""
    return f"(CAST(n AS BIGINT) * {48271 + 2 * salt * 1009} % {PRIME})"


def moment(start: str, milliseconds: str) -> str:
    """A moment some milliseconds after another, as SQL."""
    if dialect_name() == "postgresql":
        return f"{start} + ({milliseconds}) * INTERVAL '1 millisecond'"
    return f"strftime('%Y-%m-%d %H:%M:%f000', {start}, (({milliseconds}) / 1000.0) || ' seconds')"


def numbers(count: int) -> str:
    """The rows ``n`` from 0, as SQL to select from."""
    if dialect_name() == "postgresql":
        return f"generate_series(0, {count - 1}) AS series(n)"
    return f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {count - 1}) SELECT n FROM s)"


def fill(table: str, columns: dict[str, str], source: str, **values: Any) -> None:
    """Rows of a table from an SQL source, each column by its SQL."""
    picked = f"SELECT {', '.join(columns.values())} FROM {source}"
    run(f"INSERT INTO {table} ({', '.join(columns)}) {picked}", **values)


@contextmanager
def without_triggers(*tables: str) -> Iterator[None]:
    """Rows come in without the triggers of these tables; on PostgreSQL without any."""
    if dialect_name() == "postgresql":
        run("SET LOCAL session_replication_role = replica")
        yield
        run("SET LOCAL session_replication_role = origin")
        return
    of = ", ".join(f"'{table}'" for table in tables)
    found = text(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({of})")
    triggers = db.session.execute(found).all()
    for name, _ in triggers:
        run(f"DROP TRIGGER {name}")
    yield
    for _, made in triggers:
        run(made)
