"""Skills that are more than declared: somebody of the branch has seen the evidence, and it may run out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import update

from core import audit, clock
from core.access import NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.sealing import sealer
from core.workflow import Stale
from volunteers.registry.models import CERTIFICATE_COLUMN, VolunteerSkill
from volunteers.registry.queries import Card
from volunteers.registry.skills import skill_name
from volunteers.registry.workflow.standing import Refused


@dataclass(frozen=True)
class Evidence:
    """What was looked at, the certificate's number if there is one, and until when it holds."""

    seen: str
    certificate: str = ""
    expires_on: date | None = None


def verify(viewer: Viewer, card: Card, skill: str, evidence: Evidence) -> None:
    """Note that a declared skill was checked. Caller commits. Raises ``NotFound`` and ``Refused``."""
    if skill not in card.skills:
        raise NotFound
    if evidence.expires_on is not None and evidence.expires_on < clock.today():
        raise Refused("证件已经过期，请让本人换新证再核实")
    sealed = sealer().seal(evidence.certificate, CERTIFICATE_COLUMN) if evidence.certificate else None
    values = {"verified_on": clock.today(), "verified_by": viewer.name, "evidence": evidence.seen,
              "certificate_sealed": sealed, "expires_on": evidence.expires_on, "reminded_on": None}  # fmt: skip
    details = {"skill": skill_name(skill), "expires_on": evidence.expires_on and evidence.expires_on.isoformat()}
    _write(viewer, card, skill, values, "verify_skill", "", details)


def unverify(viewer: Viewer, card: Card, skill: str, reason: str) -> None:
    """Take a verification back; the skill stays declared. Caller commits. Raises ``NotFound`` and ``Refused``."""
    if skill not in card.skills:
        raise NotFound
    if card.skills[skill].verified_on is None:
        raise Refused("这一项没有核实过")
    if not reason.strip():
        raise Refused("请写明原因")
    values = dict.fromkeys(("verified_on", "certificate_sealed", "expires_on", "reminded_on"))
    _write(viewer, card, skill, values | {"verified_by": "", "evidence": ""}, "unverify_skill", reason,
           {"skill": skill_name(skill)})  # fmt: skip


def _write(
    viewer: Viewer, card: Card, skill: str, values: dict[str, Any], verb: str, reason: str, details: dict[str, Any]
) -> None:
    one = card.volunteer
    own = update(VolunteerSkill).where(VolunteerSkill.person_id == one.person_id, VolunteerSkill.skill == skill)
    done = db.session.execute(
        own.values(**values).returning(VolunteerSkill.skill).execution_options(synchronize_session=False)
    ).first()
    if done is None:
        raise Stale("volunteer_skill")
    subject = Subject("volunteer", one.person_id, one.estate_id)
    audit.record(viewer.person_id, viewer.name, verb, subject, reason=reason, details=details)


def reminded(person_id: str, skill: str) -> None:
    """Note that the end of a verification was told. Caller commits."""
    own = update(VolunteerSkill).where(VolunteerSkill.person_id == person_id, VolunteerSkill.skill == skill)
    db.session.execute(own.values(reminded_on=clock.today()).execution_options(synchronize_session=False))
