"""Rows written together are merged with those that are there, column by column."""

from __future__ import annotations

from datetime import date

from flask import Flask
from sqlalchemy import select

from core import rows
from core.database import begin_write, db
from services.reports.models import Active, ActiveSeen

EARLY, LATE = date(2026, 11, 1), date(2026, 11, 20)


def seen(who: str, last: date, known_on: date) -> dict[str, object]:
    return {"subject_id": who, "who": "v", "path": "a/b/", "item": "it'em", "last": last, "known_on": known_on}


def active(node: str, people: int) -> dict[str, object]:
    return {"node_id": node, "grain": "d", "who": "v", "item": "", "period": LATE, "prev": EARLY, "people": people}


def test_rows_are_merged_by_their_key(app: Flask) -> None:
    with app.app_context():
        begin_write()
        merge: dict[str, rows.Merge] = {"last": "greatest", "known_on": "replace"}
        rows.put(ActiveSeen, [seen("one", LATE, EARLY), seen("two", EARLY, LATE)], merge)
        rows.put(ActiveSeen, [seen("one", EARLY, LATE), seen("three", LATE, LATE)], merge)
        seen_now = select(ActiveSeen.subject_id, ActiveSeen.item, ActiveSeen.last, ActiveSeen.known_on)
        found = db.session.execute(seen_now)
        assert {row[0]: tuple(row[1:]) for row in found} == {
            "one": ("it'em", LATE, LATE), "two": ("it'em", EARLY, LATE), "three": ("it'em", LATE, LATE),
        }  # fmt: skip
        rows.put(Active, [], {"people": "add"})
        many = [active(f"n{n}", n) for n in range(rows.ROWS_AT_ONCE + 3)]
        for _ in range(2):
            rows.put(Active, many, {"people": "add"})
        db.session.commit()
        kept = {row[0]: row[1] for row in db.session.execute(select(Active.node_id, Active.people))}
        assert kept == {f"n{n}": 2 * n for n in range(rows.ROWS_AT_ONCE + 3)}
