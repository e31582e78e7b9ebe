"""The trail proves itself: whatever is changed, deleted, moved or slipped in is found; the database refuses first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import audit
from core.audit import AuditChain, Event, Subject
from core.database import begin_write, db, dialect_name, fast
from tests.conftest import MOMENT
from tests.factories import World
from volunteers.hours.models import HourEntry

DAY = timedelta(days=1)


def note(number: int = 1, estate: str = "estate-a") -> None:
    begin_write()
    for n in range(number):
        audit.record(
            "p1", "沈桂兰", "look", Subject("person", f"s{n}", estate), reason="核对", details={"n": n, "字": "中"}
        )
    db.session.commit()


def faults() -> list[str]:
    db.session.rollback()
    db.session.expunge_all()
    return [fault.why for fault in audit.verify()]


def tamper(*statements: str) -> None:
    """What someone with the keys of the database could do: switch the triggers off and write."""
    begin_write()
    if dialect_name() == "postgresql":
        db.session.execute(text("SET session_replication_role = replica"))
    else:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('event', 'audit_chain')"
        for name in db.session.scalars(text(names)).all():
            db.session.execute(text(f"DROP TRIGGER {name}"))
    for statement in statements:
        db.session.execute(text(statement))
    if dialect_name() == "postgresql":
        db.session.execute(text("SET session_replication_role = DEFAULT"))
    db.session.commit()


@pytest.fixture
def trail(app: Flask, at: Callable[[datetime], None]) -> Iterator[None]:
    with app.app_context():
        note(5)
        note(2, "estate-b")
        yield
        db.session.rollback()


def test_a_chain_holds(trail: None) -> None:
    chain = db.session.get_one(AuditChain, ("estate-a", MOMENT.date()))
    assert chain.length == 5
    assert faults() == []


def test_chains_of_other_estates_and_days_are_apart(trail: None, at: Callable[[datetime], None]) -> None:
    at(MOMENT + DAY)
    note(1)
    lengths = db.session.execute(
        select(AuditChain.estate_id, AuditChain.length).order_by(AuditChain.day, AuditChain.estate_id)
    )
    assert lengths.all() == [("estate-a", 5), ("estate-b", 2), ("estate-a", 1)]
    assert faults() == []


@pytest.mark.parametrize(
    "change",
    [
        "reason = '改过'", "actor_name = '别人'", "verb = 'other'", "subject_id = 's9'", "details = '{}'",
        "at = '2026-11-18 02:00:01'", "to_state = 'closed'", "digest = '" + "0" * 64 + "'",
    ],
)  # fmt: skip
def test_a_changed_row_is_found(change: str, trail: None) -> None:
    tamper(f"UPDATE event SET {change} WHERE estate_id = 'estate-a' AND number = 3")
    assert faults() == ["第3条被改动或缺失"]


def test_a_deleted_row_is_found(trail: None) -> None:
    tamper("DELETE FROM event WHERE estate_id = 'estate-a' AND number = 3")
    assert faults() == ["第3条被改动或缺失"]


def test_a_row_cut_off_the_end_is_found(trail: None) -> None:
    tamper("DELETE FROM event WHERE estate_id = 'estate-a' AND number = 5")
    assert faults() == ["应有5条，实有4条，或末条不符"]


def test_rows_in_another_order_are_found(trail: None) -> None:
    swap = "UPDATE event SET number = {} WHERE estate_id = 'estate-a' AND number = {}"
    tamper(swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert faults() == ["第2条被改动或缺失"]


def test_a_row_slipped_in_is_found(trail: None) -> None:
    columns = ", ".join(c.name for c in Event.__table__.columns if c.name not in ("id", "number"))
    last = "FROM event WHERE estate_id = 'estate-a' AND number = 5"
    copy = "INSERT INTO event (id, number, {0}) SELECT 'forged', 6, {0} " + last
    tamper(copy.format(columns))
    assert faults() == ["第6条被改动或缺失"]


def test_a_whole_chain_thrown_away_is_found_unless_all_of_it_is(trail: None) -> None:
    tamper("DELETE FROM audit_chain WHERE estate_id = 'estate-a'")
    assert faults() == ["有记录而没有链"]


def test_a_chain_whose_rows_are_gone_is_found(trail: None) -> None:
    tamper("DELETE FROM event WHERE estate_id = 'estate-b'")
    assert faults() == ["应有2条，实有0条，或末条不符"]


def test_only_the_estates_asked_for_are_proved(trail: None) -> None:
    tamper("UPDATE event SET reason = '' WHERE estate_id = 'estate-b' AND number = 1")
    assert list(audit.verify(["estate-a"])) == []
    assert [fault.estate_id for fault in audit.verify(["estate-b"])] == ["estate-b"]


# Seals


def seal() -> int:
    begin_write()
    count = audit.seal_finished_days()
    db.session.commit()
    return count


def test_a_day_that_is_over_is_sealed_and_takes_in_the_one_before(trail: None, at: Callable[[datetime], None]) -> None:
    assert seal() == 0
    at(MOMENT + DAY)
    note(1)
    assert seal() == 2
    at(MOMENT + 2 * DAY)
    assert seal() == 1
    assert seal() == 0
    assert faults() == []


def test_a_day_rewritten_with_all_its_digests_breaks_its_seal(trail: None, at: Callable[[datetime], None]) -> None:
    at(MOMENT + DAY)
    seal()
    rows = db.session.scalars(select(Event).where(Event.estate_id == "estate-b").order_by(Event.number)).all()
    head, statements = audit.GENESIS, []
    for row in rows:
        row.reason = "改过"
        head = audit.link(head, audit.row_canonical(row))
        statements.append(f"UPDATE event SET reason = '改过', digest = '{head}' WHERE id = '{row.id}'")
    db.session.rollback()
    tamper(*statements, f"UPDATE audit_chain SET head = '{head}' WHERE estate_id = 'estate-b'")
    assert faults() == ["日封存与内容不符"]


# What the database itself refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET reason = 'x'", "DELETE FROM event", "UPDATE hour_entry SET minutes = 1",
        "DELETE FROM hour_entry",
        "DELETE FROM audit_chain", "UPDATE audit_chain SET length = 1",
    ],
)  # fmt: skip
def test_ledgers_refuse_to_be_changed(statement: str, world: World, app: Flask, at: Callable[[datetime], None]) -> None:
    with app.app_context():
        note(3)
        begin_write()
        db.session.add(
            HourEntry(id="e1", volunteer_id=world["volunteer1"].id, estate_id=world.estates["banyan"].id,
                      starts_at=MOMENT,
                      ends_at=MOMENT, minutes=30, content="x", recorded_at=MOMENT, recorded_by="p1")
        )  # fmt: skip
        db.session.commit()
        begin_write()
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()
        assert faults() == []
        assert db.session.get_one(HourEntry, "e1").minutes == 30


@pytest.mark.parametrize("statement", ["UPDATE audit_chain SET head = 'x'", "UPDATE audit_chain SET sealed_at = NULL"])
def test_a_sealed_chain_refuses_to_be_changed(statement: str, trail: None, at: Callable[[datetime], None]) -> None:
    at(MOMENT + DAY)
    seal()
    begin_write()
    with pytest.raises(DBAPIError):
        db.session.execute(text(statement))
    db.session.rollback()


def test_a_sealed_day_takes_no_more_events(trail: None, at: Callable[[datetime], None]) -> None:
    at(MOMENT + DAY)
    seal()
    at(MOMENT)
    begin_write()
    with pytest.raises(DBAPIError):
        audit.record("p1", "沈桂兰", "look", Subject("person", "s", "estate-a"))
    db.session.rollback()
    assert faults() == []


# Many at once


def test_a_chain_written_by_many_threads_holds(app: Flask) -> None:
    def work() -> None:
        for _ in range(15):
            with app.app_context():
                audit.record("p1", "沈桂兰", "look", Subject("person", "s", "estate-a"), connection=fast())

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert sum(db.session.scalars(select(AuditChain.length))) == 75
        assert faults() == []
