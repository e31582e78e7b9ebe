"""Reading the time bank: balances, entries, what can be saved, gifts under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from community.grid.models import Estate, Household, Person
from community.organisations.queries import under
from community.policies import queries as policies
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.web import paging
from volunteers.hours import sums as rolled
from volunteers.notices.models import HourNotice
from volunteers.notices.models import State as NoticeState
from volunteers.timebank.models import TimeEntry, TimeTransfer, TransferState
from volunteers.timebank.rules import TIME_BANK

_REVERSAL = aliased(TimeEntry)


@dataclass(frozen=True)
class Head:
    """The last entry of a holder: what the next one follows."""

    number: int
    balance: int


def head_of(holder_id: str) -> Head:
    """Where a holder's ledger stands, within the present transaction."""
    last = select(TimeEntry.number, TimeEntry.balance).where(TimeEntry.holder_id == holder_id)
    row = db.session.execute(last.order_by(TimeEntry.number.desc()).limit(1)).first()
    return Head(row.number, row.balance) if row else Head(0, 0)


def balance_column(holder: Any) -> Any:
    """A holder's balance, by the column of their id, for another statement."""
    last = select(TimeEntry.balance).where(TimeEntry.holder_id == holder)
    return func.coalesce(last.order_by(TimeEntry.number.desc()).limit(1).scalar_subquery(), 0)


def balance_of(holder_id: str) -> int:
    """A holder's balance in minutes."""
    return int(fast().execute(select(balance_column(holder_id))).scalar_one())


def rules_of(estate_id: str) -> Mapping[str, Any]:
    """What an estate has decided about its time bank."""
    return policies.of(TIME_BANK, estate_id).values


def list_entries(holder_id: str, cursor: str | None, limit: int = 30) -> paging.Page[Any]:
    """A holder's entries, newest first; the caller has checked that the viewer may read them."""
    t = TimeEntry
    columns: list[Any] = [
        t.id, t.number, t.minutes, t.balance, t.kind, t.month, t.note, t.recorded_at, t.order_id, t.reverses_id,
        select(_REVERSAL.id).where(_REVERSAL.reverses_id == t.id).exists().label("is_reversed"),
    ]  # fmt: skip
    own = select(*columns).where(t.holder_id == holder_id)
    rows = fast().execute(paging.after(own, (t.number,), (int,), cursor, limit, descending=True)).all()
    return paging.page_of(rows, limit, lambda row: (row.number,))


@dataclass(frozen=True)
class Month:
    """A month from which minutes can be saved: how many were given, are saved already, and can be saved still."""

    month: date
    given: int
    saved: int
    allowed: int

    @property
    def left(self) -> int:
        """Minutes that can still be saved."""
        return max(0, self.allowed - self.saved)

    @property
    def is_over(self) -> bool:
        """Whether a correction has left less than what was saved."""
        return self.saved > self.allowed


def list_months(volunteer_id: str, estate_id: str, in_transaction: bool = False) -> list[Month]:
    """The months of the past two years, newest first, by the estate's rules, in one statement beside the rules."""
    rules = rules_of(estate_id)
    this = clock.today().replace(day=1)
    first = date(this.year - 2, this.month, 1)
    given = rolled.by_month(volunteer_id)
    saved = (
        select(TimeEntry.month, func.sum(TimeEntry.minutes).label("minutes"))
        .where(TimeEntry.holder_id == volunteer_id, TimeEntry.month.is_not(None))
        .group_by(TimeEntry.month)
        .subquery()
    )
    found = (
        select(given.c.month, given.c.minutes, func.coalesce(saved.c.minutes, 0))
        .outerjoin(saved, saved.c.month == given.c.month)
        .where(given.c.month >= first, given.c.month < this, given.c.minutes > 0)
        .order_by(given.c.month.desc())
    )
    if rules["only_confirmed"]:
        closed = select(HourNotice.id).where(
            HourNotice.estate_id == estate_id, HourNotice.month == given.c.month,
            HourNotice.state == NoticeState.CLOSED,
        )  # fmt: skip
        found = found.where(closed.exists())
    rows = (db.session if in_transaction else fast()).execute(found).all()
    cap = rules["cap_hours"] * 60
    return [
        Month(month, int(minutes), int(kept), min(cap, int(minutes) * rules["share"] // 100))
        for month, minutes, kept in rows
    ]


@dataclass(frozen=True)
class Transfer:
    """A gift with its estate and, when confirmed, who has it."""

    id: str
    estate_id: str
    estate_name: str
    estate_path: str
    giver_id: str
    giver_name: str
    to_id: str | None
    to_name: str
    to_label: str | None
    relation: str
    whereabouts: str
    minutes: int
    note: str
    state: str
    version: int
    requested_at: datetime
    answered_at: datetime | None
    answer: str
    consented_on: date | None
    balance: int


def _transfers() -> Any:
    t = TimeTransfer
    columns: list[Any] = [
        t.id, t.estate_id, Estate.name, Estate.path, t.giver_id, t.giver_name, t.to_id, t.to_name, Household.label,
        t.relation, t.whereabouts, t.minutes, t.note, t.state, t.version, t.requested_at, t.answered_at, t.answer,
        t.consented_on, balance_column(t.giver_id),
    ]  # fmt: skip
    return (
        select(*columns)
        .join(Estate, Estate.id == t.estate_id)
        .outerjoin(Person, Person.id == t.to_id)
        .outerjoin(Household, Household.id == Person.household_id)
    )


def list_own_transfers(viewer: Viewer, limit: int = 20) -> list[Transfer]:
    """The viewer's gifts, newest first."""
    own = _transfers().where(TimeTransfer.giver_id == viewer.person_id)
    own = own.order_by(TimeTransfer.requested_at.desc(), TimeTransfer.id).limit(limit)
    return [Transfer(*row) for row in fast().execute(own)]


def list_transfers(viewer: Viewer, is_open: bool, cursor: str | None, limit: int = paging.PAGE) -> paging.Page[Any]:
    """Gifts of estates within ``hours:read``: those that wait, oldest first, or the answered ones, newest first."""
    t = TimeTransfer
    found = _transfers().where(under(Estate.path, viewer.paths("hours:read")))
    waiting = t.state == TransferState.REQUESTED
    found = found.where(waiting if is_open else ~waiting)
    keys = (t.requested_at, t.id)
    statement = paging.after(found, keys, (datetime, str), cursor, limit, descending=not is_open)
    rows = [Transfer(*row) for row in fast().execute(statement)]
    return paging.page_of(rows, limit, lambda one: (one.requested_at, one.id))


def get_transfer(viewer: Viewer, transfer_id: str, permission: str = "hours:read") -> Transfer:
    """A gift within reach. Raises ``NotFound``."""
    row = fast().execute(_transfers().where(TimeTransfer.id == transfer_id)).first()
    if row is None or not viewer.may_at(permission, row[3]):
        raise NotFound
    return Transfer(*row)


def get_own_transfer(viewer: Viewer, transfer_id: str) -> Transfer:
    """A gift of the viewer's own. Raises ``NotFound``."""
    own = _transfers().where(TimeTransfer.id == transfer_id, TimeTransfer.giver_id == viewer.person_id)
    row = fast().execute(own).first()
    if row is None:
        raise NotFound
    return Transfer(*row)


def list_household(viewer: Viewer) -> Sequence[Any]:
    """Those the viewer lives with: id, name, relation."""
    if viewer.household_id is None:
        return []
    found = select(Person.id, Person.name, Person.relation).where(
        Person.household_id == viewer.household_id, Person.id != viewer.person_id, Person.moved_out_on.is_(None)
    )
    return fast().execute(found.order_by(Person.is_householder.desc(), Person.name).limit(20)).all()


def list_holders(viewer: Viewer, estate_id: str, limit: int = 100) -> Sequence[Any]:
    """Who has saved time in an estate within reach, by balance: id, name, balance."""
    newer = aliased(TimeEntry)
    last = ~select(newer.id).where(newer.holder_id == TimeEntry.holder_id, newer.number > TimeEntry.number).exists()
    found = (
        select(Person.id, Person.name, TimeEntry.balance)
        .join(Person, Person.id == TimeEntry.holder_id)
        .join(Estate, Estate.id == TimeEntry.estate_id)
        .where(TimeEntry.estate_id == estate_id, last, under(Estate.path, viewer.paths("hours:read")))
    )
    return fast().execute(found.order_by(TimeEntry.balance.desc(), Person.pinyin, Person.id).limit(limit)).all()


def get_holder(viewer: Viewer, person_id: str) -> Any:
    """Someone with saved time within ``hours:read``: id, name, estate_id, path. Raises ``NotFound``."""
    found = (
        select(Person.id, Person.name, Estate.id.label("estate_id"), Estate.path, balance_column(Person.id).label("b"))
        .join(Estate, Estate.id == Person.estate_id)
        .where(Person.id == person_id)
    )
    row = fast().execute(found).first()
    if row is None or not viewer.may_at("hours:read", row.path):
        raise NotFound
    return row


def get_entry(viewer: Viewer, entry_id: str) -> TimeEntry:
    """An entry that the viewer may reverse. Raises ``NotFound``."""
    row = db.session.execute(
        select(TimeEntry, Estate.path).join(Estate, Estate.id == TimeEntry.estate_id).where(TimeEntry.id == entry_id)
    ).first()
    if row is None or not viewer.may_at("hours:timebank", row[1]):
        raise NotFound
    found: TimeEntry = row[0]
    return found


def used_for(order: Any) -> Any:
    """Minutes of saved time that stand for an order, by the column of its id, for another statement."""
    gone = select(_REVERSAL.id).where(_REVERSAL.reverses_id == TimeEntry.id).exists()
    used = select(func.max(-TimeEntry.minutes)).where(TimeEntry.order_id == order, TimeEntry.kind == "used", ~gone)
    return func.coalesce(used.scalar_subquery(), 0)


def list_used(limit: int = 500) -> Sequence[TimeEntry]:
    """Entries of saved time used for orders, not reversed, newest first."""
    gone = select(_REVERSAL.id).where(_REVERSAL.reverses_id == TimeEntry.id).exists()
    used = select(TimeEntry).where(TimeEntry.kind == "used", TimeEntry.order_id.is_not(None), ~gone)
    return db.session.scalars(used.order_by(TimeEntry.recorded_at.desc()).limit(limit)).all()


def differences() -> list[str]:
    """Holders whose last balance is not the sum of their entries, in words."""
    t, last = TimeEntry, aliased(TimeEntry)
    sums = select(t.holder_id, func.sum(t.minutes).label("sum"), func.max(t.number).label("number"),
                  func.count().label("count")).group_by(t.holder_id).subquery()  # fmt: skip
    found = (
        select(Person.name, sums.c.sum, last.balance)
        .join(sums, sums.c.holder_id == Person.id)
        .join(last, (last.holder_id == sums.c.holder_id) & (last.number == sums.c.number))
        .where((last.balance != sums.c.sum) | (sums.c.count != sums.c.number))
    )
    return [
        f"时间储蓄{name}：明细合计{total}分钟，余额{balance}分钟"
        for name, total, balance in fast().execute(found.order_by(Person.id))
    ]
