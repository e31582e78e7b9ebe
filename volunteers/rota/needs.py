"""The places of a shift by role: whom it needs, how many, and what they must bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST = 6
"""Roles of one shift at most."""


@dataclass(frozen=True)
class Need:
    """A role with its places. ``key`` stays the same while the shift is changed: those who hold a place name it."""

    key: str
    role: str
    places: int
    skill: str = ""
    training: str = ""
    min_age: int | None = None


def read(rows: Iterable[Mapping[str, Any]]) -> dict[str, Need]:
    """Needs as they are stored, by key, in order."""
    return {row["key"]: Need(**row) for row in rows}


def plain(needs: Iterable[Need]) -> list[dict[str, Any]]:
    """Needs as they are stored."""
    return [asdict(need) for need in needs]


def total(needs: Iterable[Need]) -> int:
    """All places."""
    return sum(need.places for need in needs)


def fresh_key(used: Sequence[str]) -> str:
    """A key that none of these has."""
    return str(max((int(key) for key in used if key.isdecimal()), default=0) + 1)
