"""Shifts are handed over before somebody leaves the register."""

from __future__ import annotations

import pytest

from core.database import db
from tests.volunteers.rota.duty import Duty
from volunteers.registry import workflow as registry
from volunteers.registry.models import Volunteer
from volunteers.registry.workflow import HandOverFirst
from volunteers.rota import workflow
from volunteers.rota.commitments import shifts


def test_whoever_leaves_hands_the_shift_over_first(duty: Duty) -> None:
    shift, who = duty.shift(), duty.id("volunteer1")
    duty.sign_up("volunteer1", shift)

    def leave(viewer: object) -> None:
        registry.leave(viewer, db.session.get_one(Volunteer, who), "搬走")  # type: ignore[arg-type]

    with pytest.raises(HandOverFirst) as caught:
        duty.do("secretary", leave)
    assert [(one.what, one.link) for one in caught.value.held] == [("值班：门岗值守", f"/rota/shifts/{shift}")]
    duty.do("volunteer1", workflow.withdraw, duty.place("volunteer1", shift), "有事")
    with duty.app.app_context():
        assert shifts(who) == []
    duty.do("secretary", leave)
