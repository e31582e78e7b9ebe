"""Reading the workings of the system: the audit trail, messages that failed, runs of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, false, func, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from community.grid.models import Estate, Person
from community.organisations.queries import under
from community.system.words import SUBJECT_NAMES
from core import audit, clock
from core.access import Role, Viewer
from core.audit import EVERYWHERE, AuditChain, Event, Fault
from core.database import fast
from core.jobs import Job, JobRun, timetable
from core.outbox import Message
from core.web.paging import PAGE, Page, after, page_of

FAILURES_SHOWN = timedelta(days=7)


@dataclass(frozen=True)
class Reach:
    """The estates that a viewer sees through one permission; an administrator also sees what belongs to none."""

    estates: dict[str, str]
    everywhere: bool

    @property
    def ids(self) -> list[str]:
        """What ``estate_id`` may be in rows within reach."""
        return [*self.estates, *([EVERYWHERE] if self.everywhere else [])]

    def name(self, estate_id: str) -> str:
        """The estate's name, or 全系统 for what belongs to none."""
        return self.estates.get(estate_id, "全系统")


def reach_of(viewer: Viewer, permission: str) -> Reach:
    """The estates under the viewer's subtrees, by name."""
    rows = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths(permission))).order_by(Estate.name)
    return Reach(dict(fast().execute(rows).all()), Role.ADMIN in viewer.roles)


@dataclass(frozen=True)
class Wanted:
    """What a page of the audit trail is cut to; days are Shanghai days, both included."""

    estate: str = ""
    verb: str = ""
    actor: str = ""
    kind: str = ""
    subject: str = ""
    first: date | None = None
    last: date | None = None


def list_events(reach: Reach, wanted: Wanted, *, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Events within reach, newest first."""
    statement = select(
        Event.id, Event.at, Event.estate_id, Event.actor_name, Event.verb, Event.subject_kind, Event.subject_id,
        Event.from_state, Event.to_state, Event.reason, Event.details,
    )  # fmt: skip
    ids = [id_ for id_ in reach.ids if not wanted.estate or id_ == wanted.estate]
    if len(ids) == 1:
        statement = statement.where(Event.estate_id == ids[0])
    elif not (reach.everywhere and not wanted.estate):
        statement = statement.where(Event.estate_id.in_(ids))
    cut = _cut(statement, reach, wanted)
    rows = fast().execute(after(cut, [Event.at, Event.id], [datetime, str], cursor, limit, descending=True)).all()
    return page_of(rows, limit, lambda row: [row.at, row.id])


def _cut(statement: Select[*tuple[Any, ...]], reach: Reach, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    if wanted.verb:
        statement = statement.where(Event.verb == wanted.verb)
    if wanted.actor:
        statement = statement.where(_done_by(reach, wanted.actor))
    if wanted.subject:
        kinds = [wanted.kind] if wanted.kind else list(SUBJECT_NAMES)
        statement = statement.where(Event.subject_kind.in_(kinds), Event.subject_id == wanted.subject)
    if wanted.first:
        statement = statement.where(Event.at >= clock.day_bounds(wanted.first)[0])
    if wanted.last:
        statement = statement.where(Event.at < clock.day_bounds(wanted.last)[1])
    return statement


def _done_by(reach: Reach, name: str) -> ColumnElement[bool]:
    """By the people of that full name, so that the index over actors serves; jobs and commands go by their name."""
    lives = Person.estate_id.in_(list(reach.estates))
    people = select(Person.id).where(or_(lives, Person.estate_id.is_(None)), Person.name == name)
    return or_(Event.actor_id.in_(people), (Event.actor_id == "system") & (Event.actor_name == name))


@dataclass(frozen=True)
class Proof:
    """What recomputing the chains within reach gave."""

    chains: int
    events: int
    faults: list[Fault]


def prove(reach: Reach) -> Proof:
    """Recompute every chain within reach. Reads every event of them."""
    mine = AuditChain.estate_id.in_(reach.ids)
    row = fast().execute(select(func.count(), func.coalesce(func.sum(AuditChain.length), 0)).where(mine)).one()
    return Proof(row[0], int(row[1]), list(audit.verify(reach.ids)))


def count_chains() -> int:
    """How many chains there are in all."""
    return int(fast().execute(select(func.count()).select_from(AuditChain)).scalar_one())


def _failing() -> ColumnElement[bool]:
    return (Message.state == "pending") & (Message.attempts > 0)


def count_undelivered(reach: Reach) -> tuple[int, int]:
    """How many messages within reach are dead, and how many will be tried again."""
    dead = select(func.count()).select_from(Message).where(Message.state == "dead", _of(reach))
    failing = select(func.count()).select_from(Message).where(_failing(), _of(reach))
    row = fast().execute(select(dead.scalar_subquery(), failing.scalar_subquery())).one()
    return int(row[0]), int(row[1])


def _of(reach: Reach) -> ColumnElement[bool]:
    return Message.estate_id.in_(reach.ids) if reach.ids else false()


def list_undelivered(reach: Reach, *, dead: bool = True, cursor: str | None = None, limit: int = PAGE) -> Page[Any]:
    """Dead letters, or messages that failed and will be tried again, newest first."""
    statement = (
        select(Message.id, Message.estate_id, Message.title, Message.created_at, Message.attempts, Message.last_error,
               Message.next_try_at, Person.name)
        .outerjoin(Person, Person.id == Message.recipient_id)
        .where(Message.state == "dead" if dead else _failing(), _of(reach))
    )  # fmt: skip
    keys = [Message.created_at, Message.id]
    rows = fast().execute(after(statement, keys, [datetime, str], cursor, limit, descending=True)).all()
    return page_of(rows, limit, lambda row: [row.created_at, row.id])


def last_runs() -> list[tuple[Job, Any]]:
    """The timetable, each job with its last run or None. A look-up by key for each, however long the ledger."""
    known = timetable()
    parts = []
    for found in known:
        for slot in (JobRun.slot < "manual", JobRun.slot >= "manual"):
            one = select(JobRun.job, JobRun.slot, JobRun.state, JobRun.started_at, JobRun.finished_at, JobRun.outcome)
            parts.append(select(one.where(JobRun.job == found.name, slot).order_by(JobRun.slot.desc()).limit(1)
                                .subquery()))  # fmt: skip
    last: dict[str, Any] = {}
    for row in fast().execute(union_all(*parts)) if parts else ():
        if row.job not in last or last[row.job].started_at < row.started_at:
            last[row.job] = row
    return [(found, last.get(found.name)) for found in known]


def recent_failures(limit: int = 20) -> Sequence[Any]:
    """Runs that failed in the last seven days, newest first."""
    statement = select(JobRun.job, JobRun.started_at, JobRun.outcome).where(JobRun.state == "failed")
    statement = statement.where(JobRun.started_at > clock.now() - FAILURES_SHOWN)
    return fast().execute(statement.order_by(JobRun.started_at.desc()).limit(limit)).all()
