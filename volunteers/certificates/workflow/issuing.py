"""Issuing and withdrawing certificates: free, truthful, with a number that anyone can check (MCA order 67).

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
from core.compound import Stale
from core.database import db
from volunteers.certificates.models import Certificate, CertificateWithdrawal
from volunteers.certificates.queries import get_volunteer, read_period
from volunteers.certificates.seals import ledger_digest

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
    check_period(first, last)
    who = get_volunteer(viewer.person_id)
    found = read_period([viewer.person_id], first, last).get(viewer.person_id)
    if found is None or found.minutes <= 0:
        raise Refused("from", "这段时间没有服务时长，请换一段日期")
    for attempt in range(TRIES):
        made = Certificate(
            number=new_number(clock.today()), volunteer_id=viewer.person_id, estate_id=who.estate_id,
            body_name=who.body_name, person_name=who.name, from_day=first, to_day=last, total_minutes=found.minutes,
            services=found.services, issued_at=clock.now(), issued_by=viewer.person_id,
            digest=ledger_digest(found.entries), contents=found.contents(),
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
    details = {"from": first.isoformat(), "to": last.isoformat(), "minutes": found.minutes}
    audit.record(viewer.person_id, viewer.name, "issue_certificate", subject, details=details)
    return made


def withdraw(viewer: Viewer, certificate: Certificate, reason: str) -> None:
    """Say of a certificate that it no longer holds. Caller has checked the reach, and commits.

    Raises ``Stale`` when it was withdrawn before.
    """
    gone = CertificateWithdrawal(
        number=certificate.number, reason=reason, withdrawn_at=clock.now(), withdrawn_by=viewer.person_id
    )
    try:
        with db.session.begin_nested():
            db.session.add(gone)
    except IntegrityError as error:
        raise Stale("certificate") from error
    subject = Subject("certificate", certificate.number, certificate.estate_id)
    audit.record(viewer.person_id, viewer.name, "withdraw_certificate", subject, reason=reason)


def check_period(first: date, last: date) -> None:
    """Raises ``Refused`` for a period that no certificate can be about."""
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
