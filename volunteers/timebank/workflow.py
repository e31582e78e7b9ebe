"""Moving saved time: never below zero, never twice, never by editing; and never a price, for service is free.

Each entry takes the next number of its holder's ledger, which only one can take: whoever was second at the same moment
is told to look again (``Stale``), so what was checked before writing still held when it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from community.grid.models import Person
from core import audit, clock, outbox
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.web.formats import minutes_zh
from core.workflow import MESSAGES, Change, Stale, Step, Workflow
from volunteers.hours import late
from volunteers.registry.models import Volunteer
from volunteers.timebank import messages as say
from volunteers.timebank import queries
from volunteers.timebank.models import TimeEntry, TimeTransfer
from volunteers.timebank.models import TransferState as S
from volunteers.timebank.queries import Head, Transfer

_OPEN: frozenset[str | None] = frozenset({S.REQUESTED})
ANSWERED = ("answered_at", "answered_by", "answer")
STEPS = (
    Step("give_time", "赠送时间", frozenset({None}), frozenset({S.REQUESTED}), "orders:serve", writes=(MESSAGES,)),
    Step("confirm_gift", "确认赠送", _OPEN, frozenset({S.CONFIRMED}), "hours:timebank",
         sets=(*ANSWERED, "to_id", "to_name", "consented_on"), writes=(MESSAGES,)),
    Step("refuse_gift", "不予确认", _OPEN, frozenset({S.REFUSED}), "hours:timebank", True, sets=ANSWERED,
         writes=(MESSAGES,)),
    Step("take_gift_back", "撤回赠送", _OPEN, frozenset({S.WITHDRAWN}), "orders:serve"),
)  # fmt: skip
MADE = tuple(column.name for column in TimeTransfer.__table__.columns if column.name not in ("id", "state", "version"))
TRANSFERS = Workflow("time_transfer", TimeTransfer.__table__, STEPS, made=MADE)  # type: ignore[arg-type]


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _write(
    holder_id: str, estate_id: str, minutes: int, kind: str, by: Viewer, head: Head | None = None, **more: Any
) -> str:  # fmt: skip
    """The next entry of a holder; its id. Raises ``Refused`` below zero and ``Stale`` when somebody was first.

    ``head`` is where the ledger stood when what allows the entry was read.
    """
    head = head or queries.head_of(holder_id)
    if head.balance + minutes < 0:
        raise Refused("minutes", f"储蓄余额只有{minutes_zh(head.balance) or '0分钟'}，不够{minutes_zh(-minutes)}")
    row = {
        "id": new_id(), "holder_id": holder_id, "estate_id": estate_id, "number": head.number + 1, "minutes": minutes,
        "balance": head.balance + minutes, "kind": kind, "recorded_at": clock.now(), "recorded_by": by.person_id,
        "note": "", **more,
    }  # fmt: skip
    try:
        db.session.execute(insert(TimeEntry), [row])
    except IntegrityError as error:
        raise Stale("time_entry") from error
    return str(row["id"])


def _own_estate(viewer: Viewer) -> str:
    estate_id = db.session.scalar(select(Volunteer.estate_id).where(Volunteer.person_id == viewer.person_id))
    if estate_id is None:
        raise Forbidden
    _check_runs(estate_id)
    return estate_id


def _check_runs(estate_id: str) -> None:
    if not queries.rules_of(estate_id)["runs"]:
        raise Forbidden("本小区还没有开办时间储蓄")


def save(viewer: Viewer, month: date, minutes: int) -> str:
    """Save minutes of one's own hours of a month; the entry's id. Caller commits.

    Raises ``Refused``, ``Forbidden`` where the estate runs no time bank, ``Stale``.
    """
    estate_id = _own_estate(viewer)
    if minutes <= 0:
        raise Refused("minutes", "请填要存多少分钟")
    held = queries.head_of(viewer.person_id)
    months = queries.list_months(viewer.person_id, estate_id, in_transaction=True)
    found = next((one for one in months if one.month == month), None)
    if found is None:
        raise Refused("month", "这个月现在不能存，请从列出的月份里选")
    if minutes > found.left:
        raise Refused("minutes", f"{month.month}月最多还能存{found.left}分钟")
    entry_id = _write(viewer.person_id, estate_id, minutes, "saved", viewer, held, month=month)
    subject = Subject("time_entry", entry_id, estate_id)
    details = {"minutes": minutes, "month": f"{month:%Y-%m}"}
    audit.record(viewer.person_id, viewer.name, "save_time", subject, details=details)
    return entry_id


@dataclass(frozen=True)
class Gift:
    """To whom saved time is to go: a person of one's own home, or somebody named for the branch to find."""

    minutes: int
    to_id: str | None = None
    to_name: str = ""
    relation: str = ""
    whereabouts: str = ""
    note: str = ""


def give(viewer: Viewer, gift: Gift) -> str:
    """Ask for saved time to be given to a relative; the branch confirms it. Its id. Caller commits.

    Raises ``Refused``, ``Forbidden``.
    """
    estate_id = _own_estate(viewer)
    name, relation = gift.to_name, gift.relation
    if gift.to_id is not None:
        home = {row.id: row for row in queries.list_household(viewer)}
        if gift.to_id not in home:
            raise Refused("to", "请从家人里选，或者写下对方姓名")
        name, relation = home[gift.to_id].name, relation or home[gift.to_id].relation or "家人"
    if not name:
        raise Refused("to_name", "请写对方姓名")
    if not relation:
        raise Refused("relation", "请写是您的什么人")
    balance = queries.head_of(viewer.person_id).balance
    if not 0 < gift.minutes <= balance:
        raise Refused("minutes", f"储蓄余额{balance}分钟，请填1到{balance}" if balance else "还没有存时间，先存再送")
    now, id_ = clock.now(), new_id()
    row = dict.fromkeys(MADE) | {
        "id": id_, "version": 1, "estate_id": estate_id, "giver_id": viewer.person_id, "giver_name": viewer.name[:60],
        "to_id": gift.to_id, "to_name": name, "relation": relation, "whereabouts": gift.whereabouts,
        "minutes": gift.minutes, "note": gift.note, "requested_at": now, "answer": "", "updated_at": now,
    }  # fmt: skip
    leaders = [one for one in late.leaders_of([estate_id])[estate_id] if one != viewer.person_id]
    told = say.asked(leaders, id_, viewer.name, name, gift.minutes)
    _apply(viewer, "give_time", estate_id, None, S.REQUESTED, row, told, details={"minutes": gift.minutes})
    return id_


def _apply(
    viewer: Viewer, verb: str, estate_id: str, before: str | None, after: str, row: Mapping[str, Any],
    told: Sequence[Draft] = (), reason: str = "", details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("time_transfer", row["id"], estate_id)
    change = Change(verb, subject, before, after, viewer.person_id, viewer.name, reason, details or {}, told)
    TRANSFERS.apply(db.session.connection(), change, row)


def confirm(viewer: Viewer, gift: Transfer, person_id: str, consented_on: date, answer: str) -> None:
    """Confirm who receives it and their consent, and move the minutes: out of one ledger, into the other. Caller
    commits. Raises ``Refused``, ``InvalidStep``, ``Stale``."""
    TRANSFERS.step("confirm_gift", gift.state)
    row = db.session.execute(
        select(Person.name, Person.estate_id).where(Person.id == person_id, Person.moved_out_on.is_(None))
    ).first()
    if row is None or row.estate_id is None or person_id == gift.giver_id:
        raise Refused("person", "请从名册里选接受的人")
    if consented_on > clock.today():
        raise Refused("consented_on", "同意的日期不能在今天以后")
    _write(gift.giver_id, gift.estate_id, -gift.minutes, "given", viewer, transfer_id=gift.id, note=f"送给{row.name}")
    _write(person_id, row.estate_id, gift.minutes, "received", viewer, transfer_id=gift.id,
           note=f"{gift.giver_name}赠送")  # fmt: skip
    now = clock.now()
    values = {
        "id": gift.id, "version": gift.version, "answered_at": now, "answered_by": viewer.person_id, "answer": answer,
        "to_id": person_id, "to_name": row.name, "consented_on": consented_on, "updated_at": now,
    }  # fmt: skip
    told = [say.confirmed(gift.giver_id, gift.id, row.name, gift.minutes),
            say.received(person_id, gift.id, gift.giver_name, gift.minutes)]  # fmt: skip
    details = {"minutes": gift.minutes, "to": person_id, "consented_on": consented_on.isoformat()}
    _apply(viewer, "confirm_gift", gift.estate_id, gift.state, S.CONFIRMED, values, told, details=details)


def refuse(viewer: Viewer, gift: Transfer, answer: str) -> None:
    """Not confirm it, with a reason. Caller commits. Raises ``ReasonMissing``, ``InvalidStep``, ``Stale``."""
    TRANSFERS.step("refuse_gift", gift.state)
    now = clock.now()
    row = {"id": gift.id, "version": gift.version, "answered_at": now, "answered_by": viewer.person_id,
           "answer": answer, "updated_at": now}  # fmt: skip
    told = [say.refused(gift.giver_id, gift.id, gift.to_name, answer)]
    _apply(viewer, "refuse_gift", gift.estate_id, gift.state, S.REFUSED, row, told, answer)


def take_back(viewer: Viewer, gift: Transfer) -> None:
    """Take one's own gift back before it is confirmed. Caller commits. Raises ``NotFound``, ``InvalidStep``."""
    if gift.giver_id != viewer.person_id:
        raise NotFound
    TRANSFERS.step("take_gift_back", gift.state)
    row = {"id": gift.id, "version": gift.version, "updated_at": clock.now()}
    _apply(viewer, "take_gift_back", gift.estate_id, gift.state, S.WITHDRAWN, row)


def spend(viewer: Viewer, holder_id: str, estate_id: str, minutes: int, order_id: str) -> str:
    """Use saved time for an order of the holder's: it is marked to be served first. Caller commits.

    Raises ``Refused``, ``Forbidden``, ``Stale``.
    """
    _check_runs(estate_id)
    held = queries.head_of(holder_id)
    if db.session.scalar(select(queries.used_for(order_id))):
        raise Refused("minutes", "这一单已经用了时间储蓄")
    entry_id = _write(holder_id, estate_id, -minutes, "used", viewer, held, order_id=order_id)
    subject = Subject("time_entry", entry_id, estate_id)
    details = {"minutes": minutes, "order": order_id}
    audit.record(viewer.person_id, viewer.name, "spend_time", subject, details=details)
    return entry_id


def reverse(viewer: Viewer, entry: TimeEntry, reason: str) -> None:
    """Take an entry back by its opposite; of a gift both sides. Caller commits.

    Raises ``Refused`` for what cannot be reversed (a reversal, one reversed before, minutes already spent), ``Stale``.
    """
    if not reason.strip():
        raise Refused("reason", "请写明原因")
    sides = [entry]
    if entry.transfer_id is not None:
        both = select(TimeEntry).where(TimeEntry.transfer_id == entry.transfer_id, TimeEntry.kind != "reversed")
        sides = list(db.session.scalars(both.order_by(TimeEntry.minutes.desc())))
    for one in sides:
        _reverse(viewer, one, reason)
    told = [say.reversed_(one.holder_id, one.id, one.minutes, reason) for one in sides]
    outbox.write(entry.estate_id, [draft for draft in told if draft.recipient_id != viewer.person_id])


def _reverse(viewer: Viewer, entry: TimeEntry, reason: str) -> None:
    if entry.kind == "reversed":
        raise Refused("reason", "这是一条冲销记录，不能再冲销")
    if db.session.scalar(select(TimeEntry.id).where(TimeEntry.reverses_id == entry.id)) is not None:
        raise Refused("reason", "这一条已经冲销过")
    new = _write(
        entry.holder_id, entry.estate_id, -entry.minutes, "reversed", viewer, month=entry.month,
        transfer_id=entry.transfer_id, order_id=entry.order_id, reverses_id=entry.id, note=reason[:200],
    )  # fmt: skip
    subject = Subject("time_entry", new, entry.estate_id)
    details = {"minutes": -entry.minutes, "reverses": entry.id}
    audit.record(viewer.person_id, viewer.name, "reverse_time", subject, reason=reason, details=details)
