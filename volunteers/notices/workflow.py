"""A month's hours on public notice: drafted, open for some working days, closed when every objection is answered.

Closing confirms the month by this row alone: no entry is touched, and a later correction stays possible, shown as made
since the notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from community.policies import queries as policies
from core import calendar, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.workflow import MESSAGES, Change, Step, Workflow
from volunteers.disputes.queries import count_open_of_notice
from volunteers.hours.rules import HOURS
from volunteers.notices import messages as say
from volunteers.notices import queries
from volunteers.notices.models import HourNotice, HourNoticeLine, State
from volunteers.notices.queries import Notice

S = State
STEPS = (
    Step("draft_notice", "起草公示", frozenset({None}), frozenset({S.DRAFT}), "hours:notice"),
    Step("open_notice", "开始公示", frozenset({S.DRAFT}), frozenset({S.OPEN}), "hours:notice",
         sets=("opened_at", "closes_on", "period_days"), writes=(MESSAGES,)),
    Step("close_notice", "结束公示", frozenset({S.OPEN}), frozenset({S.CLOSED}), "hours:notice", sets=("closed_at",)),
    Step("withdraw_notice", "撤下公示", frozenset({S.DRAFT, S.OPEN}), frozenset({S.WITHDRAWN}), "hours:notice", True),
)  # fmt: skip
MADE = tuple(column.name for column in HourNotice.__table__.columns if column.name not in ("id", "state", "version"))
NOTICES = Workflow("hour_notice", HourNotice.__table__, STEPS, made=MADE)  # type: ignore[arg-type]


class Refused(ValueError):
    """What was asked does not go; the text says what to do."""


def draft(viewer: Viewer, estate_id: str, month: date) -> str:
    """Begin a notice of a month that is over; its id. Caller commits. Raises ``Refused``."""
    if month not in queries.months_to_notice(estate_id):
        raise Refused("这个月还没有过完，或者已经公示过，请另选")
    now, id_ = clock.now(), new_id()
    row = dict.fromkeys(MADE) | {
        "id": id_, "version": 1, "estate_id": estate_id, "month": month, "body": queries.get_body(estate_id),
        "period_days": policies.of(HOURS, estate_id).values["notice_days"], "made_at": now,
        "made_by": viewer.person_id, "updated_at": now,
    }  # fmt: skip
    try:
        _apply(viewer, "draft_notice", estate_id, None, State.DRAFT, row, details={"month": f"{month:%Y-%m}"})
    except IntegrityError as error:
        raise Refused("这个月别人刚刚起草了公示，请看最新情况") from error
    return id_


def _apply(
    viewer: Viewer, verb: str, estate_id: str, before: str | None, after: str, row: Mapping[str, Any],
    told: Sequence[Draft] = (), reason: str = "", details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("hour_notice", row["id"], estate_id)
    change = Change(verb, subject, before, after, viewer.person_id, viewer.name, reason, details or {}, told)
    NOTICES.apply(db.session.connection(), change, row)


def open_(viewer: Viewer, notice: Notice) -> date:
    """Put it on notice from now on; the last day. What stands on it is kept, and those on it are told. Caller commits.

    Raises ``Refused`` for a month without hours, ``InvalidStep``, ``Stale``.
    """
    NOTICES.step("open_notice", notice.state)
    lines = queries.lines_to_keep(notice.estate_id, notice.month)
    if not lines:
        raise Refused("这个月没有时长，不用公示")
    now = clock.now()
    days = policies.of(HOURS, notice.estate_id).values["notice_days"]
    closes_on = calendar.add_working_days(clock.today(), days)
    row = {
        "id": notice.id, "version": notice.version, "opened_at": now, "closes_on": closes_on, "period_days": days,
        "updated_at": now,
    }  # fmt: skip
    told = say.opened([line.volunteer_id for line in lines], notice.id, notice.month, closes_on)
    details = {"month": f"{notice.month:%Y-%m}", "people": len(lines), "minutes": sum(line.minutes for line in lines)}
    _apply(viewer, "open_notice", notice.estate_id, notice.state, State.OPEN, row, told, details=details)
    db.session.execute(
        insert(HourNoticeLine),
        [
            {"notice_id": notice.id, "position": n, "volunteer_id": id_, "minutes": minutes, "services": services}
            for n, (id_, minutes, services) in enumerate(lines, 1)
        ],
    )
    return closes_on


def close(viewer: Viewer, notice: Notice) -> None:
    """End it when its period is over and every objection is answered; the month is confirmed. Caller commits.

    Raises ``Refused``, ``InvalidStep``, ``Stale``.
    """
    NOTICES.step("close_notice", notice.state)
    if not notice.is_over and notice.closes_on is not None:
        last = notice.closes_on
        raise Refused(f"公示要到{last.month}月{last.day}日才满{notice.period_days}个工作日，第二天起可以结束")
    waiting = count_open_of_notice(notice.id)
    if waiting:
        raise Refused(f"还有{waiting}条异议没有答复，答复完才能结束")
    now = clock.now()
    row = {"id": notice.id, "version": notice.version, "closed_at": now, "updated_at": now}
    details = {"month": f"{notice.month:%Y-%m}"}
    _apply(viewer, "close_notice", notice.estate_id, notice.state, State.CLOSED, row, details=details)


def withdraw(viewer: Viewer, notice: Notice, reason: str) -> None:
    """Take it down before it is closed, with a reason; the month can be put on notice again. Caller commits.

    Raises ``ReasonMissing``, ``InvalidStep``, ``Stale``.
    """
    NOTICES.step("withdraw_notice", notice.state)
    row = {"id": notice.id, "version": notice.version, "updated_at": clock.now()}
    _apply(viewer, "withdraw_notice", notice.estate_id, notice.state, State.WITHDRAWN, row, reason=reason)
