"""Reading the workings of the system: the audit trail, deliveries of messages, runs of jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, false, func, literal, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from community.channels.models import Robot
from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from community.organisations.queries import under
from community.system.words import SUBJECT_NAMES
from core import audit, clock
from core.access import Role, Viewer
from core.audit import EVERYWHERE, AuditChain, Event, Fault
from core.channels import CHANNEL_NAMES
from core.database import fast
from core.jobs import Job, JobRun, timetable
from core.outbox import Delivery, Gateway, Message
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


STATES = ("dead", "waiting", "sent", "skipped")
"""What the list of deliveries can be cut to."""
SHOWN = timedelta(days=30)


def count_open(reach: Reach) -> tuple[int, int]:
    """How many deliveries within reach are dead, and how many wait for their next try."""
    dead = select(func.count()).select_from(Delivery).where(Delivery.state == "dead", _of(reach))
    waiting = select(func.count()).select_from(Delivery).where(Delivery.state == "pending", _of(reach))
    row = fast().execute(select(dead.scalar_subquery(), waiting.scalar_subquery())).one()
    return int(row[0]), int(row[1])


def _of(reach: Reach) -> ColumnElement[bool]:
    return Delivery.estate_id.in_(reach.ids) if reach.ids else false()


def list_deliveries(
    reach: Reach, state: str = "dead", channel: str = "", *, cursor: str | None = None, limit: int = PAGE
) -> Page[Any]:
    """Deliveries within reach in one of ``STATES``, newest first; those that are over, of the last thirty days."""
    statement = (
        select(Delivery.id, Delivery.estate_id, Delivery.channel, Delivery.urgent, Delivery.created_at,
               Delivery.attempts, Delivery.last_error, Delivery.provider_id, Delivery.next_try_at, Delivery.tried_at,
               Message.title, func.coalesce(Robot.name, Person.name).label("who"))
        .join(Message, Message.id == Delivery.message_id)
        .outerjoin(Robot, (Delivery.channel == "robot") & (Robot.id == Delivery.target))
        .outerjoin(Person, (Delivery.channel != "robot") & (Person.id == Message.recipient_id))
        .where(Delivery.state == ("pending" if state == "waiting" else state), _of(reach))
    )  # fmt: skip
    if state in ("sent", "skipped"):
        statement = statement.where(Delivery.created_at > clock.now() - SHOWN)
    if channel:
        statement = statement.where(Delivery.channel == channel)
    keys = [Delivery.created_at, Delivery.id]
    rows = fast().execute(after(statement, keys, [datetime, str], cursor, limit, descending=True)).all()
    return page_of(rows, limit, lambda row: [row.created_at, row.id])


@dataclass(frozen=True)
class WayOut:
    """How a channel stands: whether the settings open it, what its gateways last did, what waits within reach."""

    name: str
    is_open: bool
    failures: int = 0
    open_until: datetime | None = None
    sent_at: datetime | None = None
    last_error: str = ""
    failed: int = 0
    waiting: int = 0


def ways_out(viewer: Viewer, reach: Reach, opened: Collection[str]) -> list[WayOut]:
    """Every channel with how it stands, two statements; the robots within reach and all devices each under one name,
    the worst of them told."""
    hour = clock.now() - timedelta(hours=1)
    waiting = select(Delivery.channel, literal(1).label("waiting"), literal(0).label("failed"))
    waiting = waiting.where(Delivery.state == "pending", _of(reach))
    lately = select(Delivery.channel, literal(0), literal(1)).where(Delivery.tried_at > hour, _of(reach))
    lately = lately.where(Delivery.last_error != "", Delivery.state.in_(["pending", "dead"]))
    each = union_all(waiting, lately).subquery()
    sums = select(each.c.channel, func.sum(each.c.waiting), func.sum(each.c.failed)).group_by(each.c.channel)
    counts = {channel: (int(waits), int(fails)) for channel, waits, fails in fast().execute(sums)}
    own = exists().where("robot:" + Robot.id == Gateway.name, Organisation.id == Robot.organisation_id)
    own = own.where(under(Organisation.path, viewer.paths("system:outbox")))
    rows = select(Gateway.channel, Gateway.failures, Gateway.open_until, Gateway.sent_at, Gateway.last_error)
    gateways: dict[str, list[Any]] = {}
    for row in fast().execute(rows.where((Gateway.channel != "robot") | own).order_by(Gateway.failures)):
        gateways.setdefault(row.channel, []).append(row)
    return [_way(channel, channel in opened, gateways.get(channel, []), *counts.get(channel, (0, 0)))
            for channel in CHANNEL_NAMES]  # fmt: skip


def _way(channel: str, is_open: bool, gateways: Sequence[Any], waiting: int, failed: int) -> WayOut:
    now, worst = clock.now(), gateways[-1] if gateways else None
    shut = [row.open_until for row in gateways if row.open_until is not None and row.open_until > now]
    return WayOut(
        CHANNEL_NAMES[channel], is_open, worst.failures if worst else 0, min(shut, default=None),
        max((row.sent_at for row in gateways if row.sent_at), default=None), worst.last_error if worst else "",
        failed, waiting,
    )  # fmt: skip


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
