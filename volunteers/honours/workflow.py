"""Recording awards of volunteers: name, day, body (MCA order 67). A mistake is struck out, with a reason, and stays."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update

from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.workflow import Stale
from volunteers.honours.models import Honour
from volunteers.honours.queries import Holder


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def award(viewer: Viewer, holder: Holder, name: str, body: str, awarded_on: date) -> str:
    """Record an award; its id. Caller commits. Raises ``Refused``."""
    if awarded_on > clock.today():
        raise Refused("awarded_on", "获奖日期不能在今天以后")
    id_ = new_id()
    db.session.add(
        Honour(id=id_, volunteer_id=holder.volunteer_id, estate_id=holder.estate_id, name=name, body=body,
               awarded_on=awarded_on, recorded_at=clock.now(), recorded_by=viewer.person_id)
    )  # fmt: skip
    db.session.flush()
    details = {"name": name, "body": body, "awarded_on": awarded_on.isoformat(), "volunteer": holder.volunteer_id}
    subject = Subject("honour", id_, holder.estate_id)
    audit.record(viewer.person_id, viewer.name, "award", subject, details=details)
    return id_


def strike(viewer: Viewer, honour: Honour, reason: str) -> None:
    """Strike out one recorded by mistake. Caller commits. Raises ``Stale`` when it was struck out before."""
    changed = db.session.execute(
        update(Honour)
        .where(Honour.id == honour.id, Honour.struck_at.is_(None))
        .values(struck_at=clock.now(), struck_reason=reason)
        .returning(Honour.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise Stale("honour")
    subject = Subject("honour", honour.id, honour.estate_id)
    audit.record(viewer.person_id, viewer.name, "strike_honour", subject, reason=reason)
