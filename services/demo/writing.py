"""Writing made-up history in bulk, its audit chains made here and sealed as the nightly job would have."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core import audit, clock
from core.audit import GENESIS, AuditChain, Event
from core.database import db
from core.outbox import Message
from services.demo.stories import Rows, offer_row
from services.orders.models import Offer, ServiceOrder
from volunteers.hours.models import HourEntry

_COLUMNS = {
    "id": "ev_id", "estate_id": "ev_estate", "day": "ev_day", "at": "ev_at", "actor_id": "ev_actor",
    "actor_name": "ev_actor_name", "verb": "ev_verb", "subject_kind": "ev_kind", "subject_id": "ev_subject",
    "from_state": "ev_from", "to_state": "ev_to", "reason": "ev_reason", "details": "ev_details",
}  # fmt: skip
CHUNK = 5000


def write(rows: Rows) -> None:
    """Write it all in the present transaction."""
    connection = db.session.connection()
    rows.hours.sort(key=lambda entry: bool(entry["reverses_id"] or entry["corrects_id"]))
    insert_rows(connection, ServiceOrder, rows.orders)
    insert_rows(connection, Offer, [offer_row(entry) for entry in rows.offers])
    insert_rows(connection, HourEntry, rows.hours)
    insert_rows(connection, Message, rows.messages)
    for model, more in rows.more:
        insert_rows(connection, model, more)
    write_events(connection, rows.events)


def insert_rows(connection: Connection, model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert plain rows, which all name the same columns."""
    for start in range(0, len(rows), CHUNK):
        connection.execute(insert(model.__table__), rows[start : start + CHUNK])


def write_events(connection: Connection, events: list[dict[str, Any]]) -> None:
    """Write events behind those that their chains hold already, and seal the days that are over.

    Days that stand sealed must all lie before the first event.
    """
    days: dict[tuple[str, date], list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event["ev_at"]):
        days[event["ev_estate"], event["ev_day"]].append(event)
    estates = {estate for estate, _ in days}
    known = {
        (row.estate_id, row.day): row
        for row in connection.execute(select(AuditChain.__table__).where(AuditChain.estate_id.in_(estates)))
    }
    seals = dict.fromkeys(estates, GENESIS)
    seals |= {row.estate_id: row.seal for _, row in sorted(known.items()) if row.seal}
    rows, chains, today = [], [], clock.today()
    for (estate, day), found in sorted(days.items()):
        before = known.get((estate, day))
        head, length = (before.head, before.length) if before else (GENESIS, 0)
        for event in found:
            length += 1
            head = audit.link(head, event["ev_canonical"])
            rows.append({name: event[key] for name, key in _COLUMNS.items()} | {"number": length, "digest": head})
        chain = {"estate_id": estate, "day": day, "length": length, "head": head, "sealed_at": None, "seal": None}
        if before is not None:
            same = update(AuditChain).where(AuditChain.estate_id == estate, AuditChain.day == day)
            connection.execute(same.values(length=length, head=head))
            continue
        if day < today:
            seals[estate] = audit.seal_of(seals[estate], AuditChain(**chain))
            chain |= {"seal": seals[estate], "sealed_at": clock.day_bounds(day)[1] + timedelta(minutes=20)}
        chains.append(chain)
    insert_rows(connection, AuditChain, chains)
    insert_rows(connection, Event, rows)
