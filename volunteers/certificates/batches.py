"""Reading batches of certificates, and whom a batch is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.database import db, fast
from core.web import paging
from volunteers.certificates.models import Certificate, CertificateBatch, CertificateItem, CertificateWithdrawal
from volunteers.registry.models import Volunteer

PERMISSION = "certificates:batch"


@dataclass(frozen=True)
class Chosen:
    """The people of a batch in the order of their names, in words who they are, and numbers that are nobody's."""

    people: list[str]
    whom: str
    unknown: list[str]


def list_estates(viewer: Viewer) -> list[tuple[str, str]]:
    """Estates whose volunteers the viewer may certify: id and name."""
    wanted = select(Estate.id, Estate.name).where(under(Estate.path, viewer.paths(PERMISSION)))
    return [(row.id, row.name) for row in fast().execute(wanted.order_by(Estate.name).limit(500))]


def list_teams(viewer: Viewer) -> list[str]:
    """Names of teams in those estates."""
    wanted = select(Volunteer.team).join(Estate, Estate.id == Volunteer.estate_id)
    wanted = wanted.where(under(Estate.path, viewer.paths(PERMISSION)), Volunteer.team != "").distinct()
    return list(fast().scalars(wanted.order_by(Volunteer.team).limit(300)))


def get_estate(viewer: Viewer, estate_id: str) -> Estate:
    """An estate whose volunteers the viewer may certify. Raises ``NotFound``."""
    found = db.session.get(Estate, estate_id)
    if found is None or not viewer.may_at(PERMISSION, found.path):
        raise NotFound
    return found


def get_body(estate: Estate) -> str:
    """The branch of an estate, which records and certifies."""
    return str(db.session.scalar(select(Organisation.name).where(Organisation.id == estate.branch_id)))


def list_chosen(estate: Estate, team: str, numbers: Sequence[str]) -> Chosen:
    """Who of an estate is meant: those of these numbers, else of a team, else everybody on the register."""
    people = select(Volunteer.person_id, Volunteer.number).join(Person, Person.id == Volunteer.person_id)
    people = people.where(Volunteer.estate_id == estate.id).order_by(Person.pinyin, Person.id)
    if numbers:
        found = db.session.execute(people.where(Volunteer.number.in_(numbers))).all()
        known = {row.number for row in found}
        return Chosen([row.person_id for row in found], f"指定的{len(found)}人", [n for n in numbers if n not in known])
    if team:
        people = people.where(Volunteer.team == team)
    return Chosen([row.person_id for row in db.session.execute(people)], (team or "全部志愿者")[:80], [])


def _batches(viewer: Viewer) -> Select[Any]:
    counts = func.count(CertificateItem.number), func.sum(case((CertificateItem.left_out != "", 1), else_=0))
    issued, left_out = (
        select(count).where(CertificateItem.batch_id == CertificateBatch.id).scalar_subquery() for count in counts
    )
    return (
        select(
            CertificateBatch.id, CertificateBatch.state, CertificateBatch.whom, CertificateBatch.from_day,
            CertificateBatch.to_day, CertificateBatch.people, CertificateBatch.asked_name, CertificateBatch.created_at,
            Estate.name.label("estate_name"), issued.label("issued"), func.coalesce(left_out, 0).label("left_out"),
        )
        .join(Estate, Estate.id == CertificateBatch.estate_id)
        .where(under(Estate.path, viewer.paths(PERMISSION)))
    )  # fmt: skip


def list_batches(viewer: Viewer, cursor: str | None = None, limit: int = paging.PAGE) -> paging.Page[Any]:
    """Batches within reach with how far they are, the newest first."""
    keys = (CertificateBatch.created_at, CertificateBatch.id)
    rows = fast().execute(paging.after(_batches(viewer), keys, (datetime, str), cursor, limit, descending=True)).all()
    return paging.page_of(rows, limit, lambda row: (row.created_at, row.id))


def get_progress(viewer: Viewer, batch_id: str) -> Any:
    """One batch with how far it is. Raises ``NotFound``."""
    row = fast().execute(_batches(viewer).where(CertificateBatch.id == batch_id)).first()
    if row is None:
        raise NotFound
    return row


def get_batch(viewer: Viewer, batch_id: str) -> CertificateBatch:
    """A batch to act upon. Raises ``NotFound``."""
    get_progress(viewer, batch_id)
    return db.session.get_one(CertificateBatch, batch_id, populate_existing=True)


def list_left_out(batch_id: str, limit: int = 500) -> Sequence[Any]:
    """Who was left out and why; the caller has read the batch for the viewer."""
    rows = select(Person.name, Volunteer.number, CertificateItem.left_out)
    rows = rows.join(Volunteer, Volunteer.person_id == CertificateItem.person_id)
    rows = rows.join(Person, Person.id == Volunteer.person_id)
    rows = rows.where(CertificateItem.batch_id == batch_id, CertificateItem.left_out != "")
    return fast().execute(rows.order_by(CertificateItem.position).limit(limit)).all()


def each_certificate(batch_id: str, share: int = 100) -> Iterator[list[Certificate]]:
    """The certificates of a batch that still hold, so many at a time, in the order of the batch."""
    gone = select(CertificateWithdrawal.number).where(CertificateWithdrawal.number == Certificate.number).exists()
    wanted = select(CertificateItem.position, Certificate)
    wanted = wanted.join(Certificate, Certificate.number == CertificateItem.number)
    wanted = wanted.where(CertificateItem.batch_id == batch_id, ~gone).order_by(CertificateItem.position).limit(share)
    last = -1
    while rows := db.session.execute(wanted.where(CertificateItem.position > last)).all():
        yield [row[1] for row in rows]
        last = rows[-1].position
