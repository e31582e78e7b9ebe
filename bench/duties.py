"""What a subdistrict does however many orders there are: its gates are manned every day, and its volunteers trained."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text

from bench.sql import fill, given, moment, numbers, run, stamp, without_triggers
from core.database import begin_write, db, dialect_name
from volunteers.rota import sums

SHIFTS, PLACES, HOURS = 2, 2, 4
"""Shifts of each estate on a day, the places of each and its length; every shift has a line in its log."""
TRAINED = 10
"""Volunteers of each estate who are asked to a training each month."""


def make(days: int, now: datetime) -> None:
    """Posts, shifts, who was in them and what they counted, courses and who took part, over so many days until now; and
    the sums. Commits."""
    begin_write()
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    with without_triggers("shift", "shift_place", "shift_log"):
        people = db.session.execute(text("SELECT count(*) FROM volunteer WHERE estate_id = 'e0'")).scalar_one()
        _shifts(days, start, people)
        _training(days, start, people)
    db.session.commit()
    while sums.fold():
        pass
    if dialect_name() == "postgresql":
        begin_write()
        run("ANALYZE shift, shift_place, shift_log, enrolment, training_session")
        db.session.commit()


def _shifts(days: int, start: datetime, people: int) -> None:
    at = stamp(start)
    fill(
        "rota",
        {"id": "'r' || id", "organisation_id": "branch_id", "path": "path", "estate_id": "id", "name": "'门岗'",
         "purpose": "''", "place": "'东门'", "counters": """'["车辆"]'""", "is_open": "TRUE", "is_active": "TRUE",
         "version": "1", "created_at": given("at"), "updated_at": given("at")},
        "estate", at=at,
    )  # fmt: skip
    begins = moment(given("at"), f"CAST(n AS BIGINT) * {24 // SHIFTS * 3_600_000}")
    each = f"(SELECT e.id, n, {begins} AS b FROM estate AS e CROSS JOIN {numbers(days * SHIFTS)})"
    each, shift = f"{each} AS x", "'d' || id || '-' || n"
    day = "CAST(timezone('Asia/Shanghai', b) AS DATE)" if dialect_name() == "postgresql" else "date(b, '+8 hours')"
    fill(
        "shift",
        {"id": shift, "rota_id": "'r' || id", "day": day, "state": "'planned'", "version": "1", "starts_at": "b",
         "ends_at": moment("b", f"{HOURS * 3_600_000}"), "needs": "'[]'", "places": str(PLACES), "code": "'1234'",
         "note": "''", "reason": "''", "created_at": "b", "updated_at": "b"},
        each, at=at,
    )  # fmt: skip
    number = f"(n * {PLACES} + k)"
    fill(
        "shift_place",
        {"id": f"{shift} || '-' || k", "shift_id": shift, "need": "'1'", "version": "1", "is_leader": "FALSE",
         "person_id": f"'p' || substr(id, 2) || '-' || ({number} % {people})", "by_staff": "FALSE", "consent": "''",
         "state": f"CASE WHEN {number} % 97 = 0 THEN 'no_show' WHEN {number} % 31 = 0 THEN 'replaced' ELSE 'done' END",
         "queued_at": "b", "minutes": "0", "reason": "'有事'", "updated_at": "b"},
        f"{each} CROSS JOIN (SELECT n AS k FROM {numbers(PLACES)}) AS y", at=at,
    )  # fmt: skip
    fill(
        "shift_log",
        {"id": shift, "shift_id": shift, "at": "b", "by_id": "'p0-0'", "by_name": "'李明'", "words": "''",
         "counts": """'{"车辆":' || (n % 40 + 1) || '}'"""},
        each, at=at,
    )  # fmt: skip


def _training(days: int, start: datetime, people: int) -> None:
    at = stamp(start)
    fill(
        "course",
        {"id": "'c' || id", "organisation_id": "branch_id", "path": "path", "estate_id": "id", "code": "'c' || id",
         "name": "'急救'", "content": "''", "minutes": "90", "body_name": "'红十字会'", "places": "20",
         "valid_months": "0", "is_active": "TRUE", "version": "1", "created_at": given("at"),
         "updated_at": given("at")},
        "estate", at=at,
    )  # fmt: skip
    begins = moment(given("at"), f"CAST(n AS BIGINT) * {30 * 86_400_000}")
    months = f"(SELECT e.id, n, {begins} AS b FROM estate AS e CROSS JOIN {numbers(days // 30 + 1)}) AS x"
    fill(
        "training_session",
        {"id": "'s' || id || '-' || n", "course_id": "'c' || id", "state": "'planned'", "version": "1",
         "starts_at": "b", "ends_at": moment("b", f"{HOURS * 3_600_000}"), "place": "'活动室'", "places": "20",
         "trainer": "''", "reason": "''", "created_at": "b", "updated_at": "b"},
        months, at=at,
    )  # fmt: skip
    fill(
        "enrolment",
        {"id": "t.id || '-' || n", "session_id": "t.id", "course_id": "t.course_id",
         "person_id": "'p' || substr(t.course_id, 3) || '-' || n", "estate_id": "substr(t.course_id, 2)",
         "state": "CASE WHEN n = 0 THEN 'absent' ELSE 'attended' END", "version": "1", "by_staff": "FALSE",
         "consent": "''", "queued_at": "t.starts_at", "note": "''", "updated_at": "t.ends_at"},
        f"training_session AS t CROSS JOIN {numbers(min(TRAINED, people))}",
    )  # fmt: skip
