"""What a calendar shows, whichever capability it comes from.

Whoever has something to show appends a function to ``SOURCES`` (``app.py`` does it for the capabilities): it is asked
for some days, of one volunteer or of an estate, and answers with entries that the viewer may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from core import clock
from core.access import Viewer


@dataclass(frozen=True)
class Asked:
    """Days from ``first`` to ``last`` of one volunteer, or else of an estate, of which a building or volunteer is
    picked. ``cancelled_since``: entries called off after that moment are wanted, too."""

    first: date
    last: date
    volunteer_id: str = ""
    estate_id: str = ""
    building_id: str = ""
    cancelled_since: datetime | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The first moment of the days and the first after them, as aware UTC."""
        return clock.day_bounds(self.first)[0], clock.day_bounds(self.last)[1]


@dataclass(frozen=True)
class Entry:
    """Something on a day; without ``start`` it belongs to the day as a whole.

    ``tone`` and ``state`` are the shape and the word of its chip. ``uid`` marks what goes into a feed that other
    companies' calendars read: there only ``title`` and ``area`` are told, never ``place``, ``people`` or a note.
    """

    day: date
    title: str
    kind: str
    start: datetime | None = None
    end: datetime | None = None
    place: str = ""
    people: str = ""
    url: str = ""
    state: str = ""
    tone: str = "wait"
    icon: str = "i-clock"
    uid: str = ""
    sequence: int = 0
    changed_at: datetime | None = None
    cancelled: bool = False
    area: str = ""


Source = Callable[[Viewer, Asked], Iterable[Entry]]
SOURCES: list[Source] = []


def entries(viewer: Viewer, asked: Asked) -> list[Entry]:
    """Everything that the sources know of these days, by time; what has no time comes first on its day."""
    found = [entry for source in SOURCES for entry in source(viewer, asked)]
    wanted = [entry for entry in found if asked.first <= entry.day <= asked.last]
    return sorted(wanted, key=lambda one: (one.day, one.start is not None, one.start or clock.now(), one.title))
