"""The trail of everything that was done: who, when, what, to whom, with what result.

One table serves as the history of every workflow and as the audit trail. Rows are hash-chained, a chain per estate and
day, so that a large city has no one hot row; a finished day is sealed, and each seal takes in the one before. Database
triggers refuse to change or delete rows. ``verify`` proves the chains from the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Connection,
    Date,
    Index,
    Integer,
    String,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.compound import Compound, Part
from core.database import Base, JsonText, UtcDateTime, db
from core.ids import new_id

EVERYWHERE = "-"
GENESIS = "0" * 64


class Event(Base):
    """Something that was done. ``estate_id`` is ``-`` for what belongs to no estate."""

    __tablename__ = "event"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(String(16))
    day: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(16))
    actor_name: Mapped[str] = mapped_column(String(60))
    verb: Mapped[str] = mapped_column(String(40))
    subject_kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(JsonText)
    digest: Mapped[str] = mapped_column(String(64))
    __table_args__ = (
        Index("ix_event_chain", "estate_id", "day", "number", unique=True),
        Index("ix_event_subject", "subject_kind", "subject_id", "at"),
        Index("ix_event_estate_at", "estate_id", "at", "id"),
    )


class AuditChain(Base):
    """The head of one estate's chain on one day; sealed once the day is over."""

    __tablename__ = "audit_chain"
    estate_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    length: Mapped[int] = mapped_column(Integer)
    head: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime | None]
    seal: Mapped[str | None] = mapped_column(String(64))
    __table_args__ = (
        CheckConstraint("length > 0", name="length"),
        Index(
            "ix_audit_chain_unsealed",
            "day",
            postgresql_where=literal_column("sealed_at IS NULL"),
            sqlite_where=literal_column("sealed_at IS NULL"),
        ),
    )


@dataclass(frozen=True)
class Subject:
    """What something was done to."""

    kind: str
    id: str
    estate_id: str = EVERYWHERE


def event_values(
    actor_id: str,
    actor_name: str,
    verb: str,
    subject: Subject,
    *,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The values of ``EVENT_PARAMETERS`` for one event."""
    moment = at or clock.now()
    values: dict[str, Any] = {
        "ev_id": new_id(),
        "ev_estate": subject.estate_id,
        "ev_day": clock.local(moment).date(),
        "ev_at": moment,
        "ev_actor": actor_id,
        "ev_actor_name": actor_name[:60],
        "ev_verb": verb,
        "ev_kind": subject.kind,
        "ev_subject": subject.id,
        "ev_from": from_state,
        "ev_to": to_state,
        "ev_reason": reason,
        "ev_details": details or {},
    }
    values["ev_canonical"] = canonical(values)
    return values


def canonical(values: dict[str, Any]) -> str:
    """The text of an event that its digest covers: every column, in a fixed order."""
    at: datetime = values["ev_at"].astimezone(UTC)
    day: date = values["ev_day"]
    row = [
        values["ev_id"], values["ev_estate"], day.isoformat(), at.strftime("%Y-%m-%dT%H:%M:%S.%f"), values["ev_actor"],
        values["ev_actor_name"], values["ev_verb"], values["ev_kind"], values["ev_subject"], values["ev_from"],
        values["ev_to"], values["ev_reason"], values["ev_details"],
    ]  # fmt: skip
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()


def link(head: str, text: str) -> str:
    """The digest of an event whose predecessor in the chain has the digest ``head``."""
    return hashlib.sha256((head + text).encode()).hexdigest()


EVENT_PARAMETERS = (
    bindparam("ev_id", type_=String()),
    bindparam("ev_estate", type_=String()),
    bindparam("ev_day", type_=Date()),
    bindparam("ev_at", type_=UtcDateTime()),
    bindparam("ev_actor", type_=String()),
    bindparam("ev_actor_name", type_=String()),
    bindparam("ev_verb", type_=String()),
    bindparam("ev_kind", type_=String()),
    bindparam("ev_subject", type_=String()),
    bindparam("ev_from", type_=String()),
    bindparam("ev_to", type_=String()),
    bindparam("ev_reason", type_=Text()),
    bindparam("ev_details", type_=JsonText()),
    bindparam("ev_canonical", type_=Text()),
)
_P = {p.key: p for p in EVENT_PARAMETERS}


def event_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The parts of a compound that write one event and move the head of its chain."""
    chain, event = AuditChain.__table__, Event.__table__
    key = [_P["ev_estate"], _P["ev_day"]]
    maker: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = select(*key, literal_column("1"), _digest(dialect, GENESIS)).where(gate)
    upsert = maker(chain).from_select(["estate_id", "day", "length", "head"], first)
    upsert = upsert.on_conflict_do_update(
        index_elements=["estate_id", "day"],
        set_={"length": chain.c.length + 1, "head": _digest(dialect, chain.c.head)},
    )
    if dialect == "postgresql":
        upsert = upsert.returning(chain.c.length, chain.c.head)
        moved: Any = upsert.cte("chain")
        source = select(moved.c.length, moved.c.head)
    else:
        source = select(chain.c.length, chain.c.head).where(chain.c.estate_id == key[0], chain.c.day == key[1])
    row = source.add_columns(
        _P["ev_id"], *key, _P["ev_at"], _P["ev_actor"], _P["ev_actor_name"], _P["ev_verb"], _P["ev_kind"],
        _P["ev_subject"], _P["ev_from"], _P["ev_to"], _P["ev_reason"], _P["ev_details"],
    )  # fmt: skip
    names = ["number", "digest", "id", "estate_id", "day", "at", "actor_id", "actor_name", "verb", "subject_kind",
             "subject_id", "from_state", "to_state", "reason", "details"]  # fmt: skip
    write: Any = maker(event).from_select(names, row)
    return [write] if dialect == "postgresql" else [upsert, write]


def _digest(dialect: str, head: Any) -> Any:
    text = (literal_column(f"'{head}'") if isinstance(head, str) else head).concat(_P["ev_canonical"])
    if dialect == "postgresql":
        return func.encode(func.sha256(func.convert_to(text, "UTF8")), "hex")
    return func.sha256_hex(text)


RECORD = Compound("record_event", EVENT_PARAMETERS, event_parts)


def record(
    actor_id: str,
    actor_name: str,
    verb: str,
    subject: Subject,
    *,
    reason: str = "",
    details: dict[str, Any] | None = None,
    connection: Connection | None = None,
) -> None:
    """Write an event that is no workflow step, in the present transaction of ``db.session`` (or on ``connection``)."""
    where = connection if connection is not None else db.session.connection()
    RECORD.run(where, event_values(actor_id, actor_name, verb, subject, reason=reason, details=details))


@dataclass(frozen=True)
class Fault:
    """A chain that does not hold, and why (Chinese)."""

    estate_id: str
    day: date
    why: str


def row_canonical(row: Event) -> str:
    """The covered text of a stored event."""
    return canonical(
        {
            "ev_id": row.id,
            "ev_estate": row.estate_id,
            "ev_day": row.day,
            "ev_at": row.at,
            "ev_actor": row.actor_id,
            "ev_actor_name": row.actor_name,
            "ev_verb": row.verb,
            "ev_kind": row.subject_kind,
            "ev_subject": row.subject_id,
            "ev_from": row.from_state,
            "ev_to": row.to_state,
            "ev_reason": row.reason,
            "ev_details": row.details,
        }
    )


def verify(estate_ids: Collection[str] | None = None) -> Iterator[Fault]:
    """Recompute every chain from its rows, and every seal. Yields what does not hold; nothing means all does.

    ``estate_ids`` limits the proof to the chains of these estates.
    """
    seals: dict[str, str] = {}
    known: set[tuple[str, date]] = set()
    mine = true() if estate_ids is None else AuditChain.estate_id.in_(estate_ids)
    chains = select(AuditChain).where(mine).order_by(AuditChain.estate_id, AuditChain.day)
    for chain in db.session.scalars(chains).all():
        known.add((chain.estate_id, chain.day))
        yield from _verify_chain(chain)
        if chain.seal is not None:
            if chain.seal != seal_of(seals.get(chain.estate_id, GENESIS), chain):
                yield Fault(chain.estate_id, chain.day, "日封存与内容不符")
            seals[chain.estate_id] = chain.seal
    theirs = true() if estate_ids is None else Event.estate_id.in_(estate_ids)
    loose = select(Event.estate_id, Event.day).where(theirs).group_by(Event.estate_id, Event.day)
    for estate_id, day in db.session.execute(loose):
        if (estate_id, day) not in known:
            yield Fault(estate_id, day, "有记录而没有链")


def _verify_chain(chain: AuditChain) -> Iterator[Fault]:
    head, number = GENESIS, 0
    rows = select(Event).where(Event.estate_id == chain.estate_id, Event.day == chain.day).order_by(Event.number)
    with db.session.scalars(rows.execution_options(yield_per=500)) as stored:
        for row in stored:
            number += 1
            head = link(head, row_canonical(row))
            if row.number != number or row.digest != head:
                yield Fault(chain.estate_id, chain.day, f"第{number}条被改动或缺失")
                return
    if number != chain.length or head != chain.head:
        yield Fault(chain.estate_id, chain.day, f"应有{chain.length}条，实有{number}条，或末条不符")


def seal_of(before: str, chain: AuditChain) -> str:
    """The seal of a finished day: it takes in the estate's previous seal, the day, the length and the head."""
    text = f"{before}|{chain.estate_id}|{chain.day.isoformat()}|{chain.length}|{chain.head}"
    return hashlib.sha256(text.encode()).hexdigest()


def seal_finished_days() -> int:
    """Seal every chain of a day that is over, oldest first; returns how many. Caller commits."""
    open_chains = select(AuditChain).where(AuditChain.sealed_at.is_(None), AuditChain.day < clock.today())
    count = 0
    for chain in db.session.scalars(open_chains.order_by(AuditChain.estate_id, AuditChain.day)).all():
        last = select(AuditChain.seal).where(AuditChain.estate_id == chain.estate_id, AuditChain.day < chain.day)
        last = last.where(AuditChain.seal.is_not(None)).order_by(AuditChain.day.desc()).limit(1)
        chain.seal = seal_of(db.session.scalar(last) or GENESIS, chain)
        chain.sealed_at = clock.now()
        count += 1
        db.session.flush()
    return count


__all__ = ["EVENT_PARAMETERS", "AuditChain", "Event", "Fault", "Subject", "event_parts", "event_values", "record",
           "row_canonical", "seal_finished_days", "true", "verify"]  # fmt: skip
