"""The lines of the queue, ready to be drawn: one loop over plain values costs a fifth of a macro for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock
from core.web.formats import Remaining, remaining, time_range
from services.orders.models import OPEN

LOW_STARS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """An order in the queue. ``left`` is how its deadline stands, or none when nothing is due."""

    id: str
    version: int
    left: Remaining | None
    item: str
    door: str
    tags: list[tuple[str, str]]
    need: str
    when: str
    state: str
    can_plan: bool


def lines(rows: Sequence[Any], many_estates: bool) -> list[Line]:
    """The rows of a queue as lines; with several estates in reach each door names its own."""
    now = clock.now()
    return [
        Line(
            row.id, row.version, _left(row, now), row.item["name"],
            _door(row, many_estates or row.is_elsewhere), _tags(row), row.note or row.item["name"],
            time_range(row.preferred_start, row.preferred_end) if row.preferred_start else "", row.state,
            row.state == "placed",
        )
        for row in rows
    ]  # fmt: skip


def _left(row: Any, now: datetime) -> Remaining | None:
    """How its deadline stands; nothing when nothing is due, and while it waits for the resident."""
    return remaining(row.due_at, now) if row.state in OPEN and row.paused_at is None else None


def _door(row: Any, name_estate: bool) -> str:
    where = row.household_label or row.salutation
    return f"{row.estate_name} {where}" if name_estate else str(where)


def _tags(row: Any) -> list[tuple[str, str]]:
    found = (
        ("急", "ember", row.urgent),
        ("等居民", "amber", row.paused_at is not None and row.state in OPEN),
        ("已上报", "ember", row.escalated and row.state in OPEN),
        ("时间储蓄，优先", "leaf", row.saved_minutes > 0),
        ("代点", "", row.placed_as != "self"),
        ("没办好", "amber", row.reopened),
        (f"{row.stars}星", "amber", row.stars is not None and row.stars <= LOW_STARS),
        (f"还差{row.volunteers_needed - row.accepted_count}人", "", 0 < row.accepted_count < row.volunteers_needed),
    )
    return [(text, tone) for text, tone, is_so in found if is_so]
