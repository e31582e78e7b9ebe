"""Two engines on one database: no write slips by the queue, none is lost, and none stays half done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Integer, String

from community.organisations.models import Organisation
from core import database
from core.compound import Compound, Stale
from core.database import JsonText, UtcDateTime, begin_write, db, dialect_name, engines, fast
from core.ids import new_id
from core.rows import JsonRows, json_rows

Writer = Callable[[], None]


def body(name: str) -> dict[str, Any]:
    id_ = new_id()
    return {"id": id_, "kind": "partner", "name": name, "path": f"{id_}/", "code": ""}


def names() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Organisation.name)))


WRITES = [
    insert(Organisation).values(body("甲")),
    update(Organisation).values(name="乙"),
    delete(Organisation),
]


@pytest.mark.parametrize("statement", WRITES, ids=["insert", "update", "delete"])
def test_a_write_outside_begin_write_is_refused_where_it_would_not_queue(statement: Any, app: Flask) -> None:
    with app.app_context():
        if dialect_name() == "sqlite":
            with pytest.raises(RuntimeError, match="outside begin_write"):
                db.session.execute(statement)
        else:
            # PostgreSQL queues writers by itself.
            db.session.execute(statement)
        assert names() == []


def test_a_rollback_leaves_nothing(app: Flask) -> None:
    with app.app_context():
        begin_write()
        db.session.execute(insert(Organisation), [body("甲")])
        db.session.rollback()
        assert names() == []
        begin_write()
        db.session.execute(insert(Organisation), [body("乙")])
        db.session.commit()
        assert names() == ["乙"]


def test_what_a_request_wrote_and_did_not_commit_is_gone_with_it(app: Flask) -> None:
    with app.app_context():
        begin_write()
        db.session.execute(insert(Organisation), [body("甲")])
    with app.app_context():
        begin_write()
        assert names() == []


def test_begin_write_twice_is_one_transaction(app: Flask) -> None:
    with app.app_context():
        begin_write()
        db.session.execute(insert(Organisation), [body("甲")])
        begin_write()
        db.session.rollback()
        assert names() == []


def run_at_once(work: Writer, count: int) -> None:
    start, failures = threading.Barrier(count), []

    def one() -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_no_write_of_many_threads_is_lost(app: Flask) -> None:
    with app.app_context():
        begin_write()
        db.session.execute(insert(Organisation), [body("0")])
        db.session.commit()

    def work() -> None:
        for _ in range(10):
            with app.app_context():
                begin_write()
                row = db.session.scalars(select(Organisation).with_for_update()).one()
                row.name = str(int(row.name) + 1)
                db.session.commit()

    run_at_once(work, 6)
    with app.app_context():
        assert names() == ["60"]


def test_single_statements_queue_with_transactions(app: Flask) -> None:
    add = Compound("add_body", (bindparam("name", type_=String()),), lambda _dialect, gate: [
        insert(Organisation).from_select(
            ["id", "kind", "name", "path", "code"],
            select(bindparam("name", type_=String()), literal("partner"), bindparam("name", type_=String()),
                   bindparam("name", type_=String()), literal("")).where(gate),
        )
    ])  # fmt: skip

    def quick() -> None:
        for _ in range(10):
            with app.app_context():
                add.run(fast(), {"name": new_id()})

    def slow() -> None:
        for _ in range(5):
            with app.app_context():
                begin_write()
                db.session.execute(insert(Organisation), [body(new_id())])
                db.session.commit()

    kinds = iter([quick, slow, quick, slow, quick])
    run_at_once(lambda: next(kinds)(), 5)
    with app.app_context():
        assert len(names()) == 40


def test_a_thread_does_not_wait_for_itself(app: Flask) -> None:
    with app.app_context():
        gate = engines().gate
        if gate is None:
            return
        begin_write()
        with pytest.raises(RuntimeError, match="second connection"), database.one_writer(fast()):
            pass
        db.session.rollback()
        with database.one_writer(fast()):
            pass


# Compounds


def bump(guarded: bool = True) -> Compound:
    """Rename a body, when its code is the one that was read, and add another."""
    id_, name, code = (bindparam(key, type_=String()) for key in ("which", "new_name", "seen"))
    other, path = bindparam("other", type_=String()), bindparam("at_path", type_=String())
    guard = update(Organisation).where(Organisation.id == id_, Organisation.code == code).values(name=name)

    def parts(_dialect: str, gate: Any) -> list[Any]:
        row = select(other, literal("partner"), path, path, literal("")).where(gate)
        return [insert(Organisation).from_select(["id", "kind", "name", "path", "code"], row)]

    given = (id_, name, code, other, path) if guarded else (other, path)
    return Compound("bump" if guarded else "add", given, parts, guard if guarded else None)


def test_a_compound_does_all_or_nothing(app: Flask) -> None:
    first, step = body("甲"), bump()
    with app.app_context():
        begin_write()
        db.session.execute(insert(Organisation), [first])
        db.session.commit()
        step.run(fast(), {"which": first["id"], "new_name": "乙", "seen": "", "other": "x", "at_path": "丙/"})
        assert names() == ["丙/", "乙"]
        with pytest.raises(Stale):
            step.run(fast(), {"which": first["id"], "new_name": "丁", "seen": "old", "other": "y", "at_path": "戊/"})
        assert names() == ["丙/", "乙"]
        # The second part fails: the path is taken. The first is undone with it.
        with pytest.raises(IntegrityError):
            step.run(fast(), {"which": first["id"], "new_name": "丁", "seen": "", "other": "y", "at_path": "丙/"})
        assert names() == ["丙/", "乙"]
        step.run(fast(), {"which": first["id"], "new_name": "'\"; DROP", "seen": "", "other": "y", "at_path": "戊:x/"})
        assert names() == ["'\"; DROP", "丙/", "戊:x/"]


def test_a_compound_inside_a_transaction_shares_its_fate(app: Flask) -> None:
    with app.app_context():
        begin_write()
        bump(guarded=False).run(db.session.connection(), {"other": "x", "at_path": "甲/"})
        db.session.rollback()
        assert names() == []


# Columns


def test_a_naive_time_is_refused_and_zones_are_kept_apart(app: Flask) -> None:
    kind = UtcDateTime()
    with app.app_context():
        dialect = engines().main.dialect
        with pytest.raises(ValueError, match="naive"):
            kind.process_bind_param(datetime(2026, 1, 1), dialect)
        there = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
        bound = select(bindparam("at", there, type_=UtcDateTime()))
        assert fast().execute(bound).scalar_one() == datetime(2026, 1, 1, tzinfo=UTC)


def test_json_text_is_canonical() -> None:
    kind, dialect = JsonText(), Any
    assert kind.process_bind_param({"b": 1, "a": "中"}, dialect) == '{"a":"中","b":1}'  # type: ignore[arg-type]
    assert kind.process_result_value(None, dialect) is None  # type: ignore[arg-type]


def test_rows_in_a_parameter(app: Flask) -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    rows = [{"name": "甲'\"", "count": 1, "at": at}, {"name": None, "count": 2, "at": at}]
    with app.app_context():
        given = bindparam("rows", type_=JsonRows())
        table = json_rows(dialect_name(), given, {"name": String(), "count": Integer(), "at": UtcDateTime()})
        found = fast().execute(
            select(table.c.name, table.c["count"], table.c.at).order_by(table.c["count"]), {"rows": rows}
        )
        assert [tuple(row) for row in found] == [("甲'\"", 1, at), (None, 2, at)]


def test_sqlite_is_opened_safely(app: Flask) -> None:
    with app.app_context():
        if dialect_name() != "sqlite":
            assert fast().scalar(text("SHOW server_encoding")) == "UTF8"
            return
        for connection in (fast(), db.session.connection()):
            found = [
                connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")
            ]
            assert found == ["wal", 1, 2]
        assert fast().scalar(select(func.sha256_hex("abc"))).startswith("ba7816bf")
