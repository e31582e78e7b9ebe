"""What the rooms above know of the services behind the entries. They put it in here; the ledger asks for no room.

Each is a function from a column to expressions of SQL, so that a page of entries stays one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, literal_column

THANKS: list[Callable[[Any], tuple[Any, Any]]] = []
"""From the column of an order's id to the stars and the words that the resident gave, as scalars."""

MARKS: dict[str, Callable[[Any], ColumnElement[bool]]] = {}
"""Kinds of service that badges count (``elder``, ``praised``, ``urgent``): from the order's id to whether it is one."""


def thanks(order_id: Any) -> tuple[Any, Any]:
    """Stars and words for a service, labelled ``thanks_stars`` and ``thanks_words``."""
    null: Any = literal_column("NULL")
    stars, words = THANKS[0](order_id) if THANKS else (null, null)
    return stars.label("thanks_stars"), words.label("thanks_words")


def is_marked(mark: str, order_id: Any) -> ColumnElement[bool]:
    """Whether a service is of this kind; never, when no room knows."""
    return MARKS[mark](order_id) if mark in MARKS else false()


@dataclass(frozen=True)
class Unrecorded:
    """A service that somebody began, or an activity that took place, without hours for it."""

    kind: str
    id: str
    estate_id: str
    volunteer_id: str | None
    volunteer_name: str
    content: str
    place: str
    began: datetime
    in_charge_id: str | None
    url: str

    @property
    def key(self) -> str:
        """What tells it apart from others."""
        return f"{self.kind}:{self.id}:{self.volunteer_id or ''}"[:40]


Find = Callable[[Sequence[str] | None, datetime, int], Iterable[Unrecorded]]
UNRECORDED: list[Find] = []
"""From estates by id (None: all), a moment before which they must have begun, and a limit, to such services."""


def list_unrecorded(estate_ids: Sequence[str] | None, before: datetime, limit: int = 200) -> list[Unrecorded]:
    """Services without a record from every room that knows of some, oldest first."""
    found = [one for find in UNRECORDED for one in find(estate_ids, before, limit)]
    return sorted(found, key=lambda one: (one.began, one.id))[:limit]
