"""What stands around a volunteer's hours on their page: awards, consents, confirmed months, saved time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Integer, String, cast, func, literal, null, select, union_all

from core import clock
from core.database import UtcDateTime, fast
from volunteers.consents.models import VolunteerConsent as Consent
from volunteers.disputes.models import Dispute, State
from volunteers.honours.models import Honour
from volunteers.notices.models import HourNotice
from volunteers.notices.models import State as NoticeState
from volunteers.timebank.queries import balance_column


@dataclass
class Around:
    """Awards newest first, since when each consent holds, when each month was confirmed, minutes saved, and how many
    disputes wait."""

    honours: list[Any] = field(default_factory=list)
    consents: dict[str, datetime] = field(default_factory=dict)
    confirmed: dict[date, datetime] = field(default_factory=dict)
    open_notices: dict[date, str] = field(default_factory=dict)
    balance: int = 0
    disputes: int = 0

    def mark_of(self, entry: Any, estate_id: str) -> str:
        """How an entry stands to its month's notice: confirmed, changed since, or nothing."""
        day = clock.local(entry.starts_at).date()
        closed = self.confirmed.get(day.replace(day=1)) if entry.estate_id == estate_id else None
        if closed is None:
            return ""
        return "since" if entry.recorded_at > closed else "confirmed"


def _row(kind: str, text: Any = None, other: Any = None, day: Any = None, at: Any = None, number: Any = None) -> Any:
    """The columns of one kind, typed alike, so that all come in one statement."""
    return (
        literal(kind).label("kind"), cast(null() if text is None else text, String()).label("text"),
        cast(null() if other is None else other, String()).label("other"),
        (cast(null(), Date()) if day is None else day).label("day"),
        (cast(null(), UtcDateTime()) if at is None else at).label("at"),
        cast(null() if number is None else number, Integer()).label("number"),
    )  # fmt: skip


def around(volunteer_id: str, estate_id: str) -> Around:
    """All of it in one statement; the caller has checked that the viewer may know."""
    held = select(*_row("consent", text=Consent.kind, at=Consent.given_at))
    notice = _row("notice", text=HourNotice.state, other=HourNotice.id, day=HourNotice.month, at=HourNotice.closed_at)
    waiting = select(func.count()).where(Dispute.raised_by == volunteer_id, Dispute.state == State.RAISED)
    parts = union_all(
        select(*_row("honour", text=Honour.name, other=Honour.body, day=Honour.awarded_on)).where(
            Honour.volunteer_id == volunteer_id, Honour.struck_at.is_(None)
        ),
        held.where(Consent.person_id == volunteer_id, Consent.withdrawn_at.is_(None)),
        select(*notice).where(
            HourNotice.estate_id == estate_id, HourNotice.state.in_((NoticeState.OPEN, NoticeState.CLOSED))
        ),
        select(*_row("balance", number=balance_column(volunteer_id))),
        select(*_row("disputes", number=waiting.scalar_subquery())),
    )
    found = Around()
    for row in fast().execute(parts):
        match row.kind:
            case "honour":
                found.honours.append(row)
            case "consent":
                found.consents[row.text] = row.at
            case "notice" if row.text == NoticeState.CLOSED:
                found.confirmed[row.day] = row.at
            case "notice":
                found.open_notices[row.day] = row.other
            case "balance":
                found.balance = int(row.number or 0)
            case "disputes":
                found.disputes = int(row.number or 0)
    found.honours.sort(key=lambda row: row.day, reverse=True)
    return found
