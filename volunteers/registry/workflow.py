"""Changes of a volunteer's registration."""

from __future__ import annotations

from sqlalchemy import update

from core import audit, clock
from core.access import Forbidden, Viewer
from core.audit import Subject
from core.database import db
from volunteers.registry.models import Volunteer


def set_available(viewer: Viewer, available: bool) -> None:
    """Whether the viewer, a volunteer, takes orders now. Caller commits. Raises ``Forbidden`` for anybody else."""
    changed = db.session.execute(
        update(Volunteer)
        .where(Volunteer.person_id == viewer.person_id, Volunteer.standing == "active")
        .values(is_available=available, version=Volunteer.version + 1, updated_at=clock.now())
        .returning(Volunteer.estate_id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if changed is None:
        raise Forbidden("您现在不是可服务的志愿者，请联系支部")
    verb = "open_to_orders" if available else "close_to_orders"
    audit.record(viewer.person_id, viewer.name, verb, Subject("volunteer", viewer.person_id, changed))
