"""The database: one declarative base, typed columns, and how SQLite and PostgreSQL are opened.

Two engines share a database. ``db.session`` is transactional and serves forms, imports and jobs. ``fast()`` is an
autocommit connection for sign-in, lists and workflow steps, each of which is one statement and so needs no BEGIN and
no COMMIT of its own.

SQLite lets in one writer at a time, and its busy handler starves waiting processes. So writers queue on a lock file
first, and a transaction that will write begins as BEGIN IMMEDIATE (``begin_write``).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from flask import Flask, current_app, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    String,
    Text,
    create_engine,
    event,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from core.config import Settings

T = TypeVar("T")
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite, which knows no zones, holds it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time was given to the database")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """A small JSON value kept as canonical text, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), str: String()}


# Models are plain subclasses of ``Base``; Flask-SQLAlchemy gives the engine and the session of the request.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


class WriteGate:
    """The queue of SQLite's writers: a lock among threads and a lock file among processes."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = threading.Lock()
        self._held = threading.local()
        self._file: int | None = None

    def enter(self) -> None:
        """Wait for one's turn. Raises ``RuntimeError`` for a thread that already holds it and would wait for itself."""
        if getattr(self._held, "yes", False):
            raise RuntimeError("a write on a second connection while this thread's transaction is open")
        self._thread.acquire()
        if self._file is None:
            self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._held.yes = True

    def leave(self) -> None:
        """Let the next one in; harmless when nothing is held."""
        if getattr(self._held, "yes", False):
            self._held.yes = False
            assert self._file is not None
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._thread.release()


class Engines:
    """The engines of one application and, on SQLite, the writers' queue."""

    def __init__(self, main: Engine, quick: Engine, gate: WriteGate | None) -> None:
        self.main, self.quick, self.gate = main, quick, gate


_intent = threading.local()


def init_app(app: Flask, settings: Settings) -> None:
    """Open the database of ``settings`` for ``app``."""
    url = settings.database_url
    sqlite = url.startswith("sqlite")
    pool: dict[str, Any] = {"pool_size": 4, "max_overflow": 4}
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = pool
    db.init_app(app)
    quick = create_engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **pool)
    with app.app_context():
        main = db.engine
    gate = WriteGate(url.removeprefix("sqlite:///") + ".lock") if sqlite else None
    if gate is not None:
        event.listen(quick, "connect", _open_sqlite)
        event.listen(main, "connect", _open_sqlite)
        _queue_writers(main, gate)
    else:
        event.listen(quick, "connect", _open_postgres)
        _mark_writers(main)
    app.extensions["linju.engines"] = Engines(main, quick, gate)
    app.teardown_appcontext(_give_back)


def engines() -> Engines:
    """The engines of the current application."""
    found: Engines = current_app.extensions["linju.engines"]
    return found


def dialect_name() -> str:
    """``sqlite`` or ``postgresql``."""
    return engines().main.dialect.name


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-16384",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("sha256_hex", 1, _sha256_hex, deterministic=True)


def _open_postgres(connection: Any, _record: Any) -> None:
    # What a page reads takes less time than starting parallel workers, or compiling the statement, does.
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SET jit = off")
    connection.commit()


def _sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _mark_writers(engine: Engine) -> None:
    """Know of a transaction whether ``begin_write`` began it."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info["writing"] = getattr(_intent, "write", False)

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def end(connection: Connection) -> None:
        connection.info.pop("writing", None)


def _queue_writers(engine: Engine, gate: WriteGate) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        wants = getattr(_intent, "write", False)
        if wants:
            gate.enter()
        connection.info["writing"] = wants
        raw: Any = connection.connection.driver_connection
        raw.execute("BEGIN IMMEDIATE" if wants else "BEGIN")

    # The gate may open only after the transaction has really ended, so these end it themselves; what SQLAlchemy then
    # asks of the driver finds nothing left to do.
    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        _finish(connection, "COMMIT", gate)

    @event.listens_for(engine, "rollback")
    def rollback(connection: Connection) -> None:
        # Views and triggers of compounds that were made in this transaction are gone with it.
        connection.info.pop("compounds", None)
        _finish(connection, "ROLLBACK", gate)

    @event.listens_for(engine, "before_cursor_execute")
    def guard(connection: Connection, _c: Any, statement: str, *_rest: Any) -> None:
        if statement[:6].upper() in ("INSERT", "UPDATE", "DELETE") and not connection.info.get("writing"):
            raise RuntimeError("a write outside begin_write(): " + statement[:60])


def _finish(connection: Connection, ending: str, gate: WriteGate) -> None:
    raw: Any = connection.connection.driver_connection
    writing = connection.info.pop("writing", False)
    try:
        if raw.in_transaction:
            raw.execute(ending)
    finally:
        if writing:
            gate.leave()


@contextmanager
def write_intent() -> Iterator[None]:
    """Transactions that begin inside are for writing (BEGIN IMMEDIATE on SQLite)."""
    before = getattr(_intent, "write", False)
    _intent.write = True
    try:
        yield
    finally:
        _intent.write = before


def begin_write() -> None:
    """End what ``db.session`` was reading and begin a transaction that may write. Reads made before it are stale."""
    session = db.session()
    if session.in_transaction():
        if session.connection().info.get("writing"):
            return
        session.commit()
    with write_intent():
        session.connection()


def fast() -> Connection:
    """The autocommit connection of this request or job: each statement stands, or fails, by itself."""
    connection: Connection | None = g.get("_fast")
    if connection is None:
        connection = g._fast = engines().quick.connect()
    return connection


_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan"


@contextmanager
def one_moment() -> Iterator[None]:
    """Inside, every statement of ``fast()`` sees the database as it stood when the first one was sent, and none writes.

    It is for reports: PostgreSQL plans each of their statements for the values given, for one that suits a branch and
    a day may take a thousand times as long for a city and a year.
    Inside ``joined()``, whose transaction it is, and inside itself, it changes nothing.
    """
    connection = fast()
    raw: Any = connection.connection.driver_connection
    sqlite = connection.dialect.name == "sqlite"
    if raw.in_transaction if sqlite else raw.info.transaction_status:
        yield
        return
    raw.execute("BEGIN" if sqlite else _BEGIN)
    g._moment = {}
    try:
        yield
    finally:
        g.pop("_moment")
        raw.execute("COMMIT")


def remembered(key: Any, make: Callable[[], T]) -> T:
    """What ``make`` reads, kept as long as ``one_moment()`` lasts; read each time outside of it."""
    held: dict[Any, Any] | None = g.get("_moment")
    if held is None:
        return make()
    if key not in held:
        held[key] = make()
    found: T = held[key]
    return found


@contextmanager
def joined() -> Iterator[None]:
    """Inside, ``fast()`` is the connection of ``db.session``: steps of workflows stand or fall with its transaction.

    Call ``begin_write()`` before. On PostgreSQL a statement that fails spoils the whole transaction, unless it is
    ``retryable()``.
    """
    before: Connection | None = g.get("_fast")
    g._fast = db.session.connection()
    try:
        yield
    finally:
        g._fast = before
        if before is None:
            g.pop("_fast")


@contextmanager
def retryable() -> Iterator[None]:
    """Inside, a statement of ``fast()`` may fail and be sent anew: within ``joined()`` no more is taken back than what
    was done inside. Outside of that each statement stands by itself anyway."""
    connection = fast()
    if connection.engine is engines().quick:
        yield
        return
    with connection.begin_nested():
        yield


def _give_back(_error: BaseException | None) -> None:
    connection: Connection | None = g.pop("_fast", None)
    if connection is not None:
        connection.close()


@contextmanager
def one_writer(connection: Connection) -> Iterator[None]:
    """Queue for a single writing statement on ``connection`` (nothing to do on PostgreSQL or inside a transaction)."""
    gate = engines().gate if has_app_context() else None
    if gate is None or connection.info.get("writing"):
        yield
        return
    gate.enter()
    try:
        yield
    finally:
        gate.leave()
