"""Series in which a volunteer comes steadily: what somebody who goes has to hand over."""

from __future__ import annotations

from sqlalchemy import or_, select

from core.database import db
from services.standing.models import HelperState, StandingOrder, StandingState
from volunteers.registry.commitments import Commitment

_OPEN = (StandingState.ACTIVE, StandingState.PAUSED)


def series(volunteer_id: str) -> list[Commitment]:
    """The volunteer's series that go on, each with the page on which another is named."""
    one = StandingOrder
    steady = (one.steady_id == volunteer_id) & (one.steady_state == HelperState.AGREED)
    stand_in = (one.standin_id == volunteer_id) & (one.standin_state == HelperState.AGREED)
    wanted = select(one.id, one.item_name).where(or_(steady, stand_in), one.state.in_(_OPEN))
    rows = db.session.execute(wanted.order_by(one.created_at, one.id))
    return [Commitment(f"固定上门：{name}", None, f"/standing/{id_}") for id_, name in rows]
