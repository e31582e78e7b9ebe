"""Jobs of hours: moving and proving the sums, and reminding of what is not recorded or not answered."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from core import clock, jobs, outbox
from core.database import begin_write, db
from core.outbox import Draft
from volunteers.disputes import queries as disputes
from volunteers.hours import late, rollups
from volunteers.hours import messages as say
from volunteers.hours.late import STEPS, Missing
from volunteers.hours.models import HourReminder
from volunteers.hours.rollups import Difference

log = logging.getLogger(__name__)
ROUNDS = 100
"""Batches that one run takes in at most: the next run goes on."""
MATTERS = 2000


@jobs.job("roll_hours", "汇总新记的时长", "*/5 * * * *")
def roll_hours() -> str:
    """Take new entries into the monthly sums."""
    done = 0
    for _ in range(ROUNDS):
        moved = rollups.fold()
        done += moved
        if moved < rollups.BATCH:
            break
    return f"汇总{done}条"


@jobs.job("prove_hours", "核对时长明细与汇总", "40 2 * * *")
def prove_hours() -> str:
    """Compare every monthly sum with its entries; whoever leads the branch and administrators are told what differs."""
    found = rollups.prove()
    if not found:
        return f"核对{rollups.count_months()}个月度汇总，全部相符"
    _tell_differences(found)
    return f"有{len(found)}处不符。" + "；".join(one.told() for one in found[:20])


def _tell_differences(found: Sequence[Difference]) -> None:
    by_estate: dict[str, list[str]] = defaultdict(list)
    for one in found:
        by_estate[one.estate_id].append(one.told())
    leaders, administrators = late.leaders_of(list(by_estate)), late.administrators()
    db.session.rollback()
    begin_write()
    for estate_id, lines in by_estate.items():
        outbox.write(estate_id, say.differ([*leaders[estate_id], *administrators], lines))
    db.session.commit()


@jobs.job("remind_hours", "提醒没记的时长和没答复的异议", "30 8 * * *")
def remind_hours() -> str:
    """On the 7th and 10th working day after a service without a record, and when a dispute falls due."""
    services, answers = _remind_of_services(), _remind_of_disputes()
    return f"提醒{services}次服务没记时长，{answers}个异议该答复"


def _remind_of_services() -> int:
    due = [(one, _step(one)) for one in late.list_missing(None, MATTERS)]
    told = late.told_before("service", [one.one.key for one, _ in due])
    leaders = late.leaders_of(sorted({one.one.estate_id for one, _ in due}))
    done = 0
    for one, step in due:
        if step > told.get(one.one.key, 0):
            people = dict.fromkeys(filter(None, [one.one.in_charge_id, *leaders[one.one.estate_id]]))
            drafts = say.unrecorded(one.one, people, step, one.last_day) + say.not_ended(one.one, one.last_day)
            done += _remind("service", one.one.key, step, one.one.estate_id, drafts)
    return done


def _step(one: Missing) -> int:
    return max((step for step in STEPS if one.elapsed >= step), default=0)


def _remind_of_disputes() -> int:
    due = disputes.list_overdue(clock.now(), MATTERS)
    told = late.told_before("dispute", [one.id for one in due])
    leaders = late.leaders_of(sorted({one.estate_id for one in due}))
    done = 0
    for one in due:
        if one.id not in told:
            drafts = say.dispute_due(leaders[one.estate_id], one.id, one.volunteer_name or "", one.due_at)
            done += _remind("dispute", one.id, 1, one.estate_id, drafts)
    return done


def _remind(kind: str, key: str, step: int, estate_id: str, drafts: Sequence[Draft]) -> int:
    """Write the messages with the mark that they were written; 0 when another run was first."""
    db.session.rollback()
    begin_write()
    mark = {"kind": kind, "subject_id": key, "step": step, "sent_at": clock.now()}
    try:
        db.session.execute(insert(HourReminder), [mark])
        outbox.write(estate_id, drafts)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        log.info("a reminder of %s was written by another run", kind)
        return 0
    return 1
