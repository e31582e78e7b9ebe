"""Disputes about hours: who may raise one, and the two ways to answer, by a correction or with a reason.

Whoever is recorded may ask and object, and what is wrong has to be checked and put right (MCA order 67). A correction
goes through the ledger's own, by reversal; the dispute holds the entry in which it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from community.policies import queries as policies
from core import calendar, clock
from core.access import NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.workflow import MESSAGES, Change, Step, Workflow
from volunteers.disputes import messages as say
from volunteers.disputes.models import KINDS, Dispute, State
from volunteers.disputes.queries import Found
from volunteers.hours import late
from volunteers.hours import messages as hours_say
from volunteers.hours import workflow as ledger
from volunteers.hours.models import HourEntry
from volunteers.hours.recording import Service, record
from volunteers.hours.rules import HOURS

S = State
TEXT_LENGTH = 300
TWICE = "这一条您已经提过，正在等支部答复"
ANSWERED = ("answered_at", "answered_by", "answered_by_name", "answer")
_OPEN: frozenset[str | None] = frozenset({S.RAISED})
STEPS = (
    Step("dispute", "提出异议", frozenset({None}), frozenset({S.RAISED}), "orders:serve", writes=(MESSAGES,)),
    Step("uphold", "更正答复", _OPEN, frozenset({S.CORRECTED}), "hours:correct", True,
         sets=(*ANSWERED, "correction_id", "volunteer_id", "entry_id"), writes=(MESSAGES,)),
    Step("explain", "说明答复", _OPEN, frozenset({S.EXPLAINED}), "hours:correct", True, sets=ANSWERED,
         writes=(MESSAGES,)),
    Step("drop", "撤回异议", _OPEN, frozenset({S.WITHDRAWN}), "orders:serve"),
)  # fmt: skip
MADE = tuple(column.name for column in Dispute.__table__.columns if column.name not in ("id", "state", "version"))
DISPUTES = Workflow("hour_dispute", Dispute.__table__, STEPS, made=MADE)  # type: ignore[arg-type]


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Claim:
    """What somebody says is wrong. ``what`` names the record in words for those who are told."""

    estate_id: str
    kind: str
    text: str
    what: str
    volunteer_id: str | None = None
    entry_id: str | None = None
    notice_id: str | None = None
    minutes: int | None = None
    start: datetime | None = None
    caller: str = ""


def raise_(viewer: Viewer, claim: Claim) -> str:
    """Raise a dispute; its id. Caller commits. Raises ``Refused``."""
    if claim.kind not in KINDS:
        raise Refused("kind", "请选哪里不对")
    if not claim.text.strip():
        raise Refused("text", "请写明哪里不对")
    if claim.start is not None and claim.start > clock.now():
        raise Refused("start", "服务时间要是已经过去的时间")
    if claim.entry_id is not None and _is_open(claim.entry_id, viewer.person_id):
        raise Refused("text", TWICE)
    now, id_ = clock.now(), new_id()
    days = policies.of(HOURS, claim.estate_id).values["answer_days"]
    due = calendar.deadline(now, days * 1440, "working_days")
    row = dict.fromkeys(MADE) | {
        "id": id_, "version": 1, "estate_id": claim.estate_id, "volunteer_id": claim.volunteer_id,
        "entry_id": claim.entry_id, "notice_id": claim.notice_id, "kind": claim.kind, "claim": claim.text,
        "claimed_minutes": claim.minutes, "claimed_start": claim.start, "raised_at": now,
        "raised_by": viewer.person_id, "raised_by_name": viewer.name[:60], "caller": claim.caller[:60], "due_at": due,
        "answered_by_name": "", "answer": "", "updated_at": now,
    }  # fmt: skip
    leaders = [one for one in late.leaders_of([claim.estate_id])[claim.estate_id] if one != viewer.person_id]
    told = say.raised(leaders, id_, claim.caller or viewer.name, claim.what, claim.text, due)
    details = {"kind": KINDS[claim.kind], "caller": claim.caller, "volunteer": claim.volunteer_id}
    try:
        _apply(viewer, "dispute", claim.estate_id, None, State.RAISED, row, told, details=details)
    except IntegrityError as error:
        raise Refused("text", TWICE) from error
    return id_


def _is_open(entry_id: str, person_id: str) -> bool:
    same = select(Dispute.id).where(Dispute.entry_id == entry_id, Dispute.raised_by == person_id)
    return db.session.execute(same.where(Dispute.state == State.RAISED)).first() is not None


def _apply(
    viewer: Viewer, verb: str, estate_id: str, before: str | None, after: str, row: Mapping[str, Any],
    told: Sequence[Draft] = (), reason: str = "", details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("dispute", row["id"], estate_id)
    change = Change(verb, subject, before, after, viewer.person_id, viewer.name, reason, details or {}, told)
    DISPUTES.apply(db.session.connection(), change, row)


def uphold(
    viewer: Viewer, found: Found, entry: HourEntry, minutes: int, starts_at: datetime | None, answer: str
) -> None:
    """Answer by correcting an entry. Caller commits.

    Raises what ``amend`` raises, ``ReasonMissing``, ``InvalidStep``, ``Stale``.
    """
    _check_open(found, "uphold")
    if found.volunteer_id not in (None, entry.volunteer_id) or entry.estate_id != found.estate_id:
        raise NotFound
    amended = ledger.amend(viewer, entry, minutes, answer, starts_at)
    told = [hours_say.corrected(entry.volunteer_id, entry.id, entry.content, entry.minutes, minutes, answer)]
    own = {"correction_id": amended.last_id, "volunteer_id": entry.volunteer_id, "entry_id": entry.id}
    told = told if found.raised_by != entry.volunteer_id else []
    _answer(viewer, found, "uphold", State.CORRECTED, answer, own, told)


def uphold_missing(
    viewer: Viewer, found: Found, service: Service, volunteer_id: str, minutes: int, answer: str
) -> None:  # fmt: skip
    """Answer by recording the service that was missing. Caller commits.

    Raises what ``record`` raises, ``ReasonMissing``, ``InvalidStep``, ``Stale``.
    """
    _check_open(found, "uphold")
    (entry_id,) = record(viewer, service, {volunteer_id: minutes})
    own = {"correction_id": entry_id, "volunteer_id": volunteer_id, "entry_id": found.entry_id}
    _answer(viewer, found, "uphold", State.CORRECTED, answer, own)


def explain(viewer: Viewer, found: Found, answer: str) -> None:
    """Answer that the record stands, and why. Caller commits. Raises ``ReasonMissing``, ``InvalidStep``, ``Stale``."""
    _check_open(found, "explain")
    _answer(viewer, found, "explain", State.EXPLAINED, answer, {})


def drop(viewer: Viewer, found: Found) -> None:
    """Take one's own dispute back. Caller commits. Raises ``NotFound``, ``InvalidStep``, ``Stale``."""
    if found.raised_by != viewer.person_id:
        raise NotFound
    _check_open(found, "drop")
    row = {"id": found.id, "version": found.version, "updated_at": clock.now()}
    _apply(viewer, "drop", found.estate_id, found.state, State.WITHDRAWN, row)


def _check_open(found: Found, verb: str) -> None:
    DISPUTES.step(verb, found.state)


def _answer(
    viewer: Viewer, found: Found, verb: str, after: State, answer: str, own: Mapping[str, Any],
    told: Sequence[Draft] = (),
) -> None:  # fmt: skip
    now = clock.now()
    row = {
        "id": found.id, "version": found.version, "answered_at": now, "answered_by": viewer.person_id,
        "answered_by_name": viewer.name[:60], "answer": answer, "updated_at": now, **own,
    }  # fmt: skip
    drafts = list(told)
    if not found.caller and found.raised_by != viewer.person_id:
        drafts.append(say.answered(found.raised_by, found.id, found.what, after is State.CORRECTED, answer))
    _apply(viewer, verb, found.estate_id, found.state, after, row, drafts, answer)


__all__ = ["DISPUTES", "Claim", "Refused", "drop", "explain", "raise_", "uphold", "uphold_missing"]
