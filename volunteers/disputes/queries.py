"""Reading disputes; every function takes the viewer and cuts to what that viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Person
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.audit import Event
from core.database import db, fast
from core.web import paging
from core.web.formats import date_zh
from volunteers.disputes.models import Dispute, State
from volunteers.hours.models import HourEntry
from volunteers.notices.models import HourNotice

GROUPS = ("open", "done")


@dataclass(frozen=True)
class Found:
    """A dispute with the record in question, as far as there is one."""

    id: str
    estate_id: str
    estate_name: str
    estate_path: str
    volunteer_id: str | None
    volunteer_name: str | None
    entry_id: str | None
    notice_id: str | None
    notice_month: date | None
    kind: str
    claim: str
    claimed_minutes: int | None
    claimed_start: datetime | None
    state: str
    version: int
    raised_at: datetime
    raised_by: str
    raised_by_name: str
    caller: str
    due_at: datetime
    answered_at: datetime | None
    answered_by_name: str
    answer: str
    correction_id: str | None
    content: str | None
    starts_at: datetime | None
    minutes: int | None
    place: str | None
    note: str | None
    new_content: str | None
    new_start: datetime | None
    new_minutes: int | None

    @property
    def what(self) -> str:
        """The record in question, in words."""
        if self.content is not None and self.starts_at is not None:
            return f"{date_zh(self.starts_at)}{self.content}"
        if self.notice_month is not None:
            return f"{self.notice_month.year}年{self.notice_month.month}月公示"
        return "少记了一次" + (f"，{date_zh(self.claimed_start)}" if self.claimed_start else "")

    @property
    def who(self) -> str:
        """Who raised it."""
        return f"{self.caller}（电话）" if self.caller else self.raised_by_name


def _rows() -> Any:
    entry, renewed = aliased(HourEntry), aliased(HourEntry)
    d = Dispute
    columns: list[Any] = [
        d.id, d.estate_id, Estate.name, Estate.path, d.volunteer_id, Person.name, d.entry_id, d.notice_id,
        HourNotice.month, d.kind, d.claim, d.claimed_minutes, d.claimed_start, d.state, d.version, d.raised_at,
        d.raised_by, d.raised_by_name, d.caller, d.due_at, d.answered_at, d.answered_by_name, d.answer,
        d.correction_id, entry.content, entry.starts_at, entry.minutes, entry.place, entry.note, renewed.content,
        renewed.starts_at, renewed.minutes,
    ]  # fmt: skip
    return (
        select(*columns)
        .select_from(d)
        .join(Estate, Estate.id == d.estate_id)
        .outerjoin(Person, Person.id == d.volunteer_id)
        .outerjoin(entry, entry.id == d.entry_id)
        .outerjoin(renewed, renewed.id == d.correction_id)
        .outerjoin(HourNotice, HourNotice.id == d.notice_id)
    )


def get_dispute(viewer: Viewer, dispute_id: str, permission: str = "hours:read") -> Found:
    """One's own dispute, or one of an estate in which the viewer holds the permission. Raises ``NotFound``."""
    row = fast().execute(_rows().where(Dispute.id == dispute_id)).first()
    if row is None:
        raise NotFound
    found = Found(*row)
    if not viewer.may_at(permission, found.estate_path) and (
        permission != "hours:read" or found.raised_by != viewer.person_id or found.caller
    ):
        raise NotFound
    return found


def list_queue(viewer: Viewer, group: str, cursor: str | None, limit: int = paging.PAGE) -> paging.Page[Found]:
    """Disputes within ``hours:read``: open ones by when they fall due, or answered ones, newest first."""
    found = _rows().where(under(Estate.path, viewer.paths("hours:read")))
    if group == "open":
        found = found.where(Dispute.state == State.RAISED)
        keys: tuple[Any, Any] = (Dispute.due_at, Dispute.id)
    else:
        found = found.where(Dispute.state != State.RAISED)
        keys = (Dispute.raised_at, Dispute.id)
    statement = paging.after(found, keys, (datetime, str), cursor, limit, descending=group != "open")
    rows = [Found(*row) for row in fast().execute(statement)]
    return paging.page_of(rows, limit, lambda one: (one.due_at if group == "open" else one.raised_at, one.id))


def list_own(viewer: Viewer, cursor: str | None, limit: int = 20) -> paging.Page[Found]:
    """The viewer's own disputes, newest first."""
    own = _rows().where(Dispute.raised_by == viewer.person_id, Dispute.caller == "")
    statement = paging.after(own, (Dispute.raised_at, Dispute.id), (datetime, str), cursor, limit, descending=True)
    rows = [Found(*row) for row in fast().execute(statement)]
    return paging.page_of(rows, limit, lambda one: (one.raised_at, one.id))


def list_of_notice(notice_id: str) -> list[Found]:
    """Objections to a notice, oldest first; the caller has checked that the viewer may see them."""
    found = _rows().where(Dispute.notice_id == notice_id).order_by(Dispute.raised_at, Dispute.id).limit(500)
    return [Found(*row) for row in fast().execute(found)]


def count_open_of_notice(notice_id: str) -> int:
    """How many objections to a notice wait for an answer, with what the present transaction has written."""
    open_ones = select(func.count()).where(Dispute.notice_id == notice_id, Dispute.state == State.RAISED)
    return int(db.session.scalar(open_ones) or 0)


def list_overdue(now: datetime, limit: int) -> list[Found]:
    """Open disputes whose time to answer is over, of all estates."""
    found = _rows().where(Dispute.state == State.RAISED, Dispute.due_at <= now)
    return [Found(*row) for row in fast().execute(found.order_by(Dispute.due_at).limit(limit))]


def list_events(dispute_id: str) -> Sequence[Any]:
    """What happened to a dispute that the viewer has read, oldest first."""
    events = select(Event.at, Event.actor_name, Event.verb, Event.reason)
    events = events.where(Event.subject_kind == "dispute", Event.subject_id == dispute_id)
    return fast().execute(events.order_by(Event.at, Event.number)).all()
