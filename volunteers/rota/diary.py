"""A volunteer's shifts on calendars and in feeds."""

from __future__ import annotations

from collections.abc import Iterator

from core import clock
from core.access import Viewer
from core.diary import Asked, Entry
from volunteers.rota import queries
from volunteers.rota.models import STATE_NAMES


def shifts(viewer: Viewer, asked: Asked) -> Iterator[Entry]:
    """For a volunteer's own calendar: shifts taken; those called off only when a feed asks for them."""
    if not asked.volunteer_id or asked.estate_id:
        return
    begin, end = asked.bounds
    for one in queries.entries_of(asked.volunteer_id, begin, end):
        late = asked.cancelled_since is not None and one.changed_at >= asked.cancelled_since
        if one.is_off and not late:
            continue
        yield Entry(
            clock.local(one.start).date(), one.title, "visit", one.start, one.end, one.place, "", "/rota/mine",
            STATE_NAMES.get(one.state, ""), "run", "i-shield", one.id, one.version, one.changed_at, one.is_off,
        )  # fmt: skip
