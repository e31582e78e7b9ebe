"""The figures of an estate that its residents, or everybody, may see: no names, and no small numbers.

A count below ``SMALL`` could point at somebody, so it is told as 少于3 and so is a rate over so few; small services are
put together, with the smallest of the others when that is still few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from community.policies import queries as policies
from core import clock, reports
from core.access import NotFound, Viewer
from core.reports import Measure, Value
from services.reports import board, units, wording
from services.reports.asked import Asked, Period, whole_period
from services.reports.names import item_names
from services.reports.queries import Unit
from services.reports.rules import OPEN

SMALL = 3
FEW = f"少于{SMALL}"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "orders": ("orders.placed", "orders.completed"),
    "rates": ("orders.response", "orders.resolution", "orders.satisfaction"),
    "hours": ("hours.minutes", "hours.services", "volunteers.active"),
    "people": ("volunteers.registered", "residents.served", "households.served"),
}


@dataclass(frozen=True)
class Figure:
    """A figure as everybody may see it, for the last whole month and for the year so far."""

    measure: Measure
    month: str
    year: str


@dataclass(frozen=True)
class Open:
    """An estate's open figures."""

    estate_id: str
    name: str
    is_public: bool
    month: Period
    year: Period
    figures: Sequence[Figure]
    items: Sequence[tuple[str, int]]


def get_open(viewer: Viewer | None, estate_id: str) -> Open:
    """An estate's open figures. Raises ``NotFound`` for who may not see them."""
    estate = units.find_estate(estate_id)
    if estate is None:
        raise NotFound
    decided = policies.of(OPEN, estate.id).values
    if not decided["public"] and not _belongs(viewer, estate):
        raise NotFound
    today = clock.today()
    month = whole_period("month", today.replace(day=1) - timedelta(days=1))
    year = replace(whole_period("year", today), last=today)
    asked = Asked(Unit(estate.id, estate.name, estate.path), month)
    names = [name for group, found in GROUPS.items() if decided[group] for name in found if name in reports.measures()]
    drawn = board.totals(asked, names, [month, year])
    figures = [
        Figure(measure, *[told(measure, values.get(measure.name), _people(values)) for values in drawn])
        for measure in (reports.measures()[name] for name in names)
    ]
    items = _items(asked, year) if decided["items"] else []
    return Open(estate.id, estate.name, decided["public"], month, year, figures, items)


def _belongs(viewer: Viewer | None, estate: Any) -> bool:
    return viewer is not None and (viewer.estate_id == estate.id or viewer.may_at("reports:read", estate.path))


def _people(values: Mapping[str, Value]) -> float | None:
    """How many people or services stand behind the hours."""
    found = values.get("volunteers.active") or values.get("hours.services")
    return found.amount if found is not None else None


def told(measure: Measure, value: Value | None, people: float | None = None) -> str:
    """A figure, unless so few stand behind it that it could point at somebody."""
    if value is None:
        return wording.NOTHING
    if measure.kind == "rate":
        bottom = value.denominator or 0
        return FEW if 0 < bottom < SMALL else wording.full(measure, value)
    behind = people if measure.name == "hours.minutes" else value.amount
    if behind is not None and 0 < behind < SMALL:
        return FEW
    return wording.full(measure, value)


def _items(asked: Asked, period: Period) -> list[tuple[str, int]]:
    drawn = reports.draw(asked.question("item", period), ["orders.placed"])
    known = item_names(asked.unit.path)
    counts = sorted(
        (
            (known.get(code, "其他服务"), int(values["orders.placed"].amount or 0))
            for code, values in drawn.items()
            if code
        ),
        key=lambda row: (-row[1], row[0]),
    )
    shown = [row for row in counts if row[1] >= SMALL]
    rest = sum(count for _, count in counts if 0 < count < SMALL)
    # What is left out could be had from the total, so that it takes the smallest of the others along.
    while 0 < rest < SMALL and shown:
        rest += shown.pop()[1]
    return [*shown, ("其他几项合计", rest)] if rest >= SMALL else shown
