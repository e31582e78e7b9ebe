"""Giving and withdrawing consent.

Whoever withdraws what nobody serves without is stopped at once; the history stays.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from community.accounts.models import Account
from community.accounts.queries import phone_key
from community.grid.models import Person
from core import audit, clock, outbox
from core.access import NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.identity import age_on
from core.ids import new_id
from core.outbox import Draft
from core.sealing import sealer
from volunteers.consents.models import GUARDIAN_PHONE, VolunteerConsent, VolunteerGuardian
from volunteers.consents.texts import NAMING, TEXTS, VERSION
from volunteers.registry import commitments, leaders, workflow
from volunteers.registry import messages as say
from volunteers.registry.models import Standing, Volunteer
from volunteers.registry.workflow import GUARDIAN_AGE, Refused
from volunteers.registry.workflow.standing import name_of


@dataclass(frozen=True)
class Consenting:
    """A guardian who consents: how they did says ``how``; ``companion_id`` when they serve along (under 14)."""

    name: str
    relation: str
    phone: str
    how: str
    companion_id: str | None = None


def give(
    viewer: Viewer, person_id: str, estate_id: str, kinds: Collection[str], how: str, at: datetime | None = None
) -> None:
    """Note consents to the present texts, each once; an older version of the same kind ends. Caller commits.

    To be named in public is not agreed to for anybody under 18.
    """
    now = clock.now()
    born = db.session.scalar(select(Person.birth_date).where(Person.id == person_id))
    if born is not None and age_on(born, clock.today()) < GUARDIAN_AGE:
        kinds = [kind for kind in kinds if kind not in NAMING]
    own = (VolunteerConsent.person_id == person_id, VolunteerConsent.withdrawn_at.is_(None))
    stand = dict(db.session.execute(select(VolunteerConsent.kind, VolunteerConsent.text_version).where(*own)).all())
    fresh = [kind for kind in TEXTS if kind in kinds and stand.get(kind) != VERSION]
    if not fresh:
        return
    db.session.execute(
        update(VolunteerConsent).where(*own, VolunteerConsent.kind.in_(fresh)).values(withdrawn_at=now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.add_all(
        VolunteerConsent(
            id=new_id(), person_id=person_id, estate_id=estate_id, kind=kind, text_version=VERSION, how=how,
            given_at=at or now, recorded_by=viewer.person_id, recorded_by_name=viewer.name,
        )
        for kind in fresh
    )  # fmt: skip
    db.session.flush()
    details = {"kinds": fresh, "version": VERSION, "how": how}
    _record(viewer, "give_consent", person_id, estate_id, details=details)


def withdraw(viewer: Viewer, person_id: str, kind: str, reason: str = "") -> None:
    """End a consent. Without a needed one the volunteer is suspended and the branch told. Caller commits.

    Raises ``NotFound`` when it does not stand.
    """
    if kind not in TEXTS:
        raise NotFound
    own = update(VolunteerConsent).where(
        VolunteerConsent.person_id == person_id, VolunteerConsent.kind == kind, VolunteerConsent.withdrawn_at.is_(None)
    )
    ended = own.values(withdrawn_at=clock.now()).returning(VolunteerConsent.estate_id)
    estate_id = db.session.execute(ended.execution_options(synchronize_session=False)).scalar()
    if estate_id is None:
        raise NotFound
    _record(viewer, "withdraw_consent", person_id, estate_id, reason, {"kinds": [kind]})
    if TEXTS[kind].needed:
        _stop(viewer, person_id, "本人的同意", reason or "本人撤回了同意")


def name_guardian(
    viewer: Viewer, person_id: str, estate_id: str, guardian: Consenting, at: datetime | None = None
) -> None:
    """Note a guardian's consent; one named before ends. Caller commits. Raises ``Refused``."""
    if guardian.companion_id == person_id:
        raise Refused("陪同的监护人不能是本人")
    now = clock.now()
    _end_guardian(person_id, viewer, "改由另一位监护人同意")
    seal = sealer()
    db.session.add(
        VolunteerGuardian(
            id=new_id(), person_id=person_id, estate_id=estate_id, name=guardian.name, relation=guardian.relation,
            phone_sealed=seal.seal(guardian.phone, GUARDIAN_PHONE),
            phone_key=seal.index(guardian.phone, GUARDIAN_PHONE),
            companion_id=guardian.companion_id, how=guardian.how, given_at=at or now, recorded_by=viewer.person_id,
            recorded_by_name=viewer.name, withdrawn_by_name="", withdrawn_reason="",
        )
    )  # fmt: skip
    db.session.flush()
    workflow.note_guardian(person_id, True)
    _record(viewer, "name_guardian", person_id, estate_id, details={"how": guardian.how})
    holder = select(Account.person_id).where(Account.phone_key == phone_key(guardian.phone))
    for holder_id in db.session.scalars(holder.where(Account.disabled_at.is_(None))).all():
        outbox.write(estate_id, say.guardian_named(holder_id, name_of(person_id)))


def withdraw_guardian(viewer: Viewer, person_id: str, reason: str) -> None:
    """A guardian takes the consent back: the service stops at once and the branch is told. Caller commits.

    Raises ``NotFound`` when none stands, ``Refused`` without a reason.
    """
    if not reason.strip():
        raise Refused("请写明原因")
    estate_id = _end_guardian(person_id, viewer, reason)
    if estate_id is None:
        raise NotFound
    workflow.note_guardian(person_id, False)
    _record(viewer, "withdraw_guardian", person_id, estate_id, reason)
    _stop(viewer, person_id, "监护人的同意", f"监护人撤回了同意：{reason}")


def _end_guardian(person_id: str, viewer: Viewer, reason: str) -> str | None:
    own = update(VolunteerGuardian).where(
        VolunteerGuardian.person_id == person_id, VolunteerGuardian.withdrawn_at.is_(None)
    )
    ended = own.values(withdrawn_at=clock.now(), withdrawn_by_name=viewer.name, withdrawn_reason=reason[:200])
    found: str | None = db.session.execute(
        ended.returning(VolunteerGuardian.estate_id).execution_options(synchronize_session=False)
    ).scalar()
    return found


def _stop(viewer: Viewer, person_id: str, what: str, reason: str) -> None:
    volunteer = db.session.get(Volunteer, person_id)
    if volunteer is None or volunteer.standing not in (Standing.ACTIVE, Standing.ON_LEAVE):
        return
    held = len(commitments.held_by(person_id))
    told: list[Draft] = say.consent_withdrawn(
        leaders.list_leaders(volunteer.estate_id), person_id, name_of(person_id), what, held
    )
    workflow.suspend(viewer, volunteer, reason, told)


def _record(
    viewer: Viewer, verb: str, person_id: str, estate_id: str, reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("volunteer", person_id, estate_id)
    audit.record(viewer.person_id, viewer.name, verb, subject, reason=reason, details=details)
