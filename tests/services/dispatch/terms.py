"""An order and a volunteer as matching sees them, for tests to change one thing of."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from services.dispatch.terms import Need, Offering, Scale
from services.dispatch.times import day_of, minute_of
from tests.conftest import MOMENT

# Wednesday 18 November 2026, ten in the morning in Shanghai.
TODAY = day_of(date(2026, 11, 18))
TEN = minute_of(MOMENT)
NEED = Need(
    order_id="o", person_id="resident", household_id="home", estate_id="e", building_id="b4", building_number=4,
    unit_id="u1", day=TODAY, skills=("shopping",), minutes=40,
)  # fmt: skip
WHO = Offering(
    "v", "陈一", "e", household_id="h", building_id="b7", building_name="7栋", building_number=7, unit_id="u9",
    skills={"shopping": False},
)  # fmt: skip
SCALE = Scale(week=NEED.week)
# Ten to noon.
MORNING: dict[str, Any] = {"start": TEN, "end": TEN + 120}


def weekday() -> int:
    """0 for Monday."""
    return clock.local(MOMENT).weekday()
