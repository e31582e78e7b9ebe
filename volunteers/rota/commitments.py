"""Shifts that a volunteer has taken and not served yet: what somebody who goes has to hand over."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from volunteers.registry.commitments import Commitment
from volunteers.rota.models import COMING, State
from volunteers.rota.queries import entries_of

AHEAD = timedelta(days=366)


def shifts(person_id: str) -> list[Commitment]:
    """The shifts ahead in which the volunteer holds a place, with the page on which others are put in."""
    now = clock.now()
    return [
        Commitment(f"值班：{one.title}", one.start, f"/rota/shifts/{one.shift_id}")
        for one in entries_of(person_id, now, now + AHEAD)
        if one.state in (*COMING, State.PRESENT) and one.end > now
    ]
