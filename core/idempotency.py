"""The same POST twice does its work once: keys kept 24 hours in the database with the first answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import g
from sqlalchemy import ColumnElement, Index, Integer, String, Text, bindparam, case, delete, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.compound import Compound, Part
from core.database import Base, UtcDateTime, db
from core.sealing import sealer

KEPT = timedelta(hours=24)
ANSWER_COLUMN = "idempotency_key.answer"


class IdempotencyKey(Base):
    """A key a caller used, what it asked (digest) and what it was answered (sealed: it may be a revealed number)."""

    __tablename__ = "idempotency_key"
    account_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)


@dataclass
class Pending:
    """The key of the present request, not yet written."""

    account_id: str
    key: str
    request_digest: str
    written: bool = False


def digest(method: str, path: str, body: bytes) -> str:
    """What a request asked for, so that the same key with another request is noticed."""
    return hashlib.sha256(method.encode() + b"\0" + path.encode() + b"\0" + body).hexdigest()


KEY_PARAMETERS = (
    bindparam("ik_account", type_=String()),
    bindparam("ik_key", type_=String()),
    bindparam("ik_digest", type_=String()),
    bindparam("ik_status", type_=Integer()),
    bindparam("ik_answer", type_=Text()),
    bindparam("ik_at", type_=UtcDateTime()),
    bindparam("ik_forgotten", type_=UtcDateTime()),
)


def key_parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
    """The part of a compound that keeps the key with its answer; nothing is written when there is no key.

    A key that is kept already fails the whole statement (its status would become NULL), unless its time is over.
    """
    account, key, asked, status, answer, at, forgotten = KEY_PARAMETERS
    row = select(account, key, asked, status, answer, at).where(key.is_not(None), gate)
    names = ["account_id", "key", "request_digest", "status", "answer", "created_at"]
    maker: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    keep = maker(IdempotencyKey).from_select(names, row)
    anew: dict[str, Any] = {name: keep.excluded[name] for name in names[2:]}
    anew["status"] = case((IdempotencyKey.created_at <= forgotten, keep.excluded.status), else_=null())
    return [keep.on_conflict_do_update(index_elements=names[:2], set_=anew)]


def pending() -> Pending | None:
    """The key of this request when it has one that is not written yet."""
    found: Pending | None = g.get("idempotency")
    return found if found is not None and not found.written else None


def key_values(status: int, answer: str | None) -> dict[str, Any]:
    """Values for ``key_parts``. Once they are in the database, tell it with ``settle``."""
    held = pending()
    if held is None or answer is None:
        return dict.fromkeys((p.key for p in KEY_PARAMETERS), None)
    return {
        "ik_account": held.account_id,
        "ik_key": held.key,
        "ik_digest": held.request_digest,
        "ik_status": status,
        "ik_answer": sealer().seal(answer, ANSWER_COLUMN),
        "ik_at": clock.now(),
        "ik_forgotten": clock.now() - KEPT,
    }


def opened(answer: str) -> str:
    """A kept answer as it was given."""
    return sealer().open(answer, ANSWER_COLUMN)


def settle() -> None:
    """The key of this request, if it has one, is in the database now."""
    held = pending()
    if held is not None:
        held.written = True


KEEP = Compound("keep_key", KEY_PARAMETERS, key_parts)


def forget_old() -> int:
    """Delete keys older than 24 hours; returns how many. Caller commits."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEPT)
    return int(getattr(db.session.execute(old), "rowcount", 0))
