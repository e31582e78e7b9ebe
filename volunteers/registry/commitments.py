"""What a volunteer has promised and not done yet; whoever goes hands it over first.

Services know their own promises and put a function here (``app.py`` wires them): accepted orders, shifts taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.web.formats import when


@dataclass(frozen=True)
class Commitment:
    """Something promised: what and where, when if that is known, and the page on which it is handed over."""

    what: str
    at: datetime | None
    link: str

    @property
    def words(self) -> str:
        """In one line."""
        return f"{self.what}，{when(self.at)}" if self.at else self.what


Source = Callable[[str], Sequence[Commitment]]
COMMITMENTS: list[Source] = []
"""Asked in turn with the id of a volunteer."""


def held_by(person_id: str) -> list[Commitment]:
    """Everything that a volunteer has promised, the earliest first, what has no time last."""
    found = [commitment for source in COMMITMENTS for commitment in source(person_id)]
    return sorted(found, key=lambda one: (one.at is None, one.at.timestamp() if one.at else 0, one.what))
