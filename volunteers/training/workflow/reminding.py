"""Reminders before a training lapses: 30 and 7 days ahead, once each, to the volunteer and to the branch."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from community.organisations.queries import list_leaders
from core import clock, outbox
from core.database import begin_write, db
from volunteers.training import messages as say
from volunteers.training.models import TrainingReminder
from volunteers.training.queries import Lapsing, list_lapsing

AHEAD = (30, 7)
SHORT = timedelta(days=60)
"""A pass that holds no longer than this is told of only in its last week."""


def remind() -> int:
    """Tell of every lapse that is due to be told; how many. One commit each, and twice does no harm."""
    today, count = clock.today(), 0
    for lapse in list_lapsing(today, today + timedelta(days=max(AHEAD))):
        left = (lapse.expires_on - today).days
        due = [days for days in AHEAD if left <= days and (days == min(AHEAD) or not _is_short(lapse))]
        if due and min(due) not in _told(lapse.enrolment_id):
            count += _tell(lapse, left, due)
    return count


def _is_short(lapse: Lapsing) -> bool:
    return lapse.expires_on - lapse.passed_on <= SHORT


def _told(enrolment_id: str) -> set[int]:
    found = select(TrainingReminder.days).where(TrainingReminder.enrolment_id == enrolment_id)
    return set(db.session.scalars(found))


def _tell(lapse: Lapsing, left: int, due: list[int]) -> bool:
    """One reminder; a mark further ahead that was never told is passed over with it."""
    begin_write()
    known = _told(lapse.enrolment_id)
    fresh = [days for days in due if days not in known]
    if min(due) not in fresh:
        db.session.rollback()
        return False
    now = clock.now()
    try:
        db.session.execute(
            insert(TrainingReminder),
            [{"enrolment_id": lapse.enrolment_id, "days": days, "told_at": now} for days in fresh],
        )
    except IntegrityError:
        db.session.rollback()
        return False
    leaders = [person for person in list_leaders(lapse.estate_path) if person != lapse.person_id]
    told = [say.lapsing(lapse.course_name, lapse.person_id, lapse.expires_on, left)]
    told += say.lapsing_of(lapse.course_name, lapse.name, leaders, lapse.expires_on, left, lapse.enrolment_id)
    outbox.write(lapse.estate_id, told)
    db.session.commit()
    return True
