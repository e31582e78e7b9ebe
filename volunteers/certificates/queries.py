"""Reading certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from stdnum.iso7064 import mod_37_36

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import narrow
from volunteers.certificates.models import Certificate, CertificateWithdrawal
from volunteers.certificates.seals import check_code, ledger_digest
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer

NUMBER_LENGTH = 16


def tidy_number(text: str) -> str:
    """A number as typed: spaces and dashes taken out, small letters made large."""
    return "".join(c for c in narrow(text).upper() if c.isascii() and c.isalnum())


class Since(StrEnum):
    """What has become of the hours of a certificate's period since it was issued."""

    SAME = "same"
    ADDED = "added"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class Checked:
    """A certificate, what has become of the hours it states, and whether it was withdrawn."""

    certificate: Certificate
    since: Since
    minutes_now: int
    estate_path: str
    withdrawal: CertificateWithdrawal | None = None

    @property
    def is_corrected(self) -> bool:
        """Whether hours that it counted were corrected."""
        return self.since is Since.CORRECTED

    @property
    def code(self) -> str:
        """The code that must stand on the paper."""
        return check_code(self.certificate, self.certificate.contents or [])


def find_certificate(number: str) -> Checked | None:
    """The certificate of a number that anyone may check, None when there is none.

    A number whose check character is wrong takes the same way as one that nobody was given.
    """
    tidy = tidy_number(number)
    is_one = len(tidy) == NUMBER_LENGTH and mod_37_36.is_valid(tidy)
    row = db.session.execute(
        select(Certificate, Estate.path, CertificateWithdrawal)
        .join(Estate, Estate.id == Certificate.estate_id)
        .outerjoin(CertificateWithdrawal, CertificateWithdrawal.number == Certificate.number)
        .where(Certificate.number == tidy[:24])
    ).first()
    if row is None or not is_one:
        return None
    since, minutes = _since(row[0])
    return Checked(row[0], since, minutes, row[1], row[2])


def _since(found: Certificate) -> tuple[Since, int]:
    """What the ledger says today about the period of a certificate, and its minutes."""
    start, end = clock.day_bounds(found.from_day)[0], clock.day_bounds(found.to_day)[1]
    entries = fast().execute(
        select(HourEntry.id, HourEntry.minutes, HourEntry.recorded_at, HourEntry.reverses_id, HourEntry.corrects_id)
        .where(HourEntry.volunteer_id == found.volunteer_id, HourEntry.starts_at >= start, HourEntry.starts_at < end)
    ).all()  # fmt: skip
    minutes = sum(entry.minutes for entry in entries)
    if found.digest and found.digest == ledger_digest((entry.id, entry.minutes) for entry in entries):
        return Since.SAME, minutes
    mended = any((entry.reverses_id or entry.corrects_id) and entry.recorded_at > found.issued_at for entry in entries)
    if mended or minutes < found.total_minutes:
        return Since.CORRECTED, minutes
    return (Since.ADDED if minutes > found.total_minutes else Since.SAME), minutes


def get_for_print(viewer: Viewer, number: str) -> tuple[Certificate, list[str]]:
    """A certificate with what was done, for its owner or who may read the hours. Raises ``NotFound``."""
    found = db.session.get(Certificate, tidy_number(number))
    if found is None:
        raise NotFound
    path = db.session.scalar(select(Estate.path).where(Estate.id == found.estate_id)) or ""
    if found.volunteer_id != viewer.person_id and not viewer.may_at("hours:read", path):
        raise NotFound
    return found, contents_of(found)


def contents_of(certificate: Certificate) -> list[str]:
    """What was done, as it was frozen; of an old certificate, as the ledger has it now."""
    if certificate.contents is not None:
        return list(certificate.contents)
    who = certificate.volunteer_id
    read = read_period([who], certificate.from_day, certificate.to_day).get(who)
    return read.contents() if read else []


def get_to_withdraw(viewer: Viewer, number: str) -> Certificate:
    """A certificate that the viewer may withdraw. Raises ``NotFound``."""
    found = find_certificate(number)
    if found is None or not viewer.may_at("certificates:revoke", found.estate_path):
        raise NotFound
    return found.certificate


@dataclass
class Given:
    """What somebody gave in a period: services that stand, minutes, and the entries that say so."""

    name: str
    minutes: int = 0
    services: int = 0
    entries: list[tuple[str, int]] = field(default_factory=list)
    by_content: dict[str, int] = field(default_factory=dict)

    def contents(self, limit: int = 8) -> list[str]:
        """What was done, what took most time first."""
        given = [(minutes, content) for content, minutes in self.by_content.items() if minutes > 0]
        return [content for _, content in sorted(given, key=lambda pair: (-pair[0], pair[1]))[:limit]]


def read_period(people: Sequence[str], first: date, last: date) -> dict[str, Given]:
    """What these people gave in a period of whole days, in the present transaction; who gave nothing is missing.

    A service counts unless its entry was reversed; what replaced that one counts.
    """
    start, end = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    undone = aliased(HourEntry)
    reversed_ = select(undone.id).where(undone.reverses_id == HourEntry.id).exists()
    rows = (
        select(HourEntry.volunteer_id, Person.name, HourEntry.id, HourEntry.minutes, HourEntry.content,
               ((HourEntry.minutes > 0) & ~reversed_).label("stands"))
        .join(Person, Person.id == HourEntry.volunteer_id)
        .where(HourEntry.volunteer_id.in_(people), HourEntry.starts_at >= start, HourEntry.starts_at < end)
    )  # fmt: skip
    found: dict[str, Given] = {}
    for row in db.session.execute(rows):
        given = found.setdefault(row.volunteer_id, Given(row.name))
        given.minutes += row.minutes
        given.services += bool(row.stands)
        given.entries.append((row.id, row.minutes))
        given.by_content[row.content] = given.by_content.get(row.content, 0) + row.minutes
    return found


@dataclass(frozen=True)
class Certified:
    """Whom a certificate is made out to, and by which body."""

    name: str
    estate_id: str
    body_name: str


def get_volunteer(person_id: str) -> Certified:
    """A volunteer and the branch that records their hours. Raises ``NotFound``."""
    row = db.session.execute(
        select(Person.name, Volunteer.estate_id, Organisation.name)
        .join(Volunteer, Volunteer.person_id == Person.id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .join(Organisation, Organisation.id == Estate.branch_id)
        .where(Person.id == person_id)
    ).first()
    if row is None:
        raise NotFound
    return Certified(*row)


def list_own(viewer: Viewer, limit: int = 20) -> Sequence[Any]:
    """One's own certificates, newest first."""
    own = select(Certificate.number, Certificate.from_day, Certificate.to_day, Certificate.total_minutes,
                 Certificate.issued_at)  # fmt: skip
    own = own.where(Certificate.volunteer_id == viewer.person_id)
    return fast().execute(own.order_by(Certificate.issued_at.desc()).limit(limit)).all()
