"""Issuing certificates of service: free, truthful, with a number that anyone can check (MCA order 67).

Who organises the service records it, and who records it certifies: the body is the branch of the volunteer's estate.
"""

from __future__ import annotations

import secrets
from datetime import date

from sqlalchemy.exc import IntegrityError
from stdnum.iso7064 import mod_37_36

from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from volunteers.certificates.models import Certificate
from volunteers.certificates.queries import get_volunteer
from volunteers.hours.queries import sums

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
RANDOM_LENGTH = 7
FIRST_DAY = date(2000, 1, 1)
TRIES = 3


class Refused(ValueError):
    """No certificate for this period; ``field`` names the input and the text says what to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def issue(viewer: Viewer, first: date, last: date) -> Certificate:
    """Certify the viewer's own hours from ``first`` to ``last``, both included. Caller commits.

    Raises ``Refused`` for a period that is reversed, not over, or without hours; ``NotFound`` for who is no volunteer.
    """
    _check_period(first, last)
    who = get_volunteer(viewer.person_id)
    found = sums(viewer.person_id, clock.day_bounds(first)[0], clock.day_bounds(last)[1])
    if found.period <= 0:
        raise Refused("from", "这段时间没有服务时长，请换一段日期")
    for attempt in range(TRIES):
        made = Certificate(
            number=new_number(clock.today()), volunteer_id=viewer.person_id, estate_id=who.estate_id,
            body_name=who.body_name, person_name=who.name, from_day=first, to_day=last, total_minutes=found.period,
            services=found.services, issued_at=clock.now(), issued_by=viewer.person_id,
        )  # fmt: skip
        try:
            with db.session.begin_nested():
                db.session.add(made)
        except IntegrityError:
            if attempt == TRIES - 1:
                raise
            continue
        break
    subject = Subject("certificate", made.number, who.estate_id)
    details = {"from": first.isoformat(), "to": last.isoformat(), "minutes": found.period}
    audit.record(viewer.person_id, viewer.name, "issue_certificate", subject, details=details)
    return made


def _check_period(first: date, last: date) -> None:
    if last < first:
        raise Refused("to", "结束日期不能早于开始日期")
    if last > clock.today():
        raise Refused("to", "结束日期不能晚于今天")
    if first < FIRST_DAY:
        raise Refused("from", "开始日期要在2000年以后")


def new_number(day: date) -> str:
    """A number nobody can guess: the day, seven random characters, and a check character (ISO 7064, mod 37,36)."""
    stem = f"{day:%Y%m%d}" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return stem + str(mod_37_36.calc_check_digit(stem))
